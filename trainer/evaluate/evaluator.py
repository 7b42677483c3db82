"""The evaluator that a training calls: it measures the model as it is now."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from sentence_transformers.base.evaluation import BaseEvaluator

from trainer.evaluate.scorers import Scorer, make_scorer

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.model import BaseModel

__all__ = ["BenchmarkEvaluator"]


class BenchmarkEvaluator(BaseEvaluator):
    """Measures a model that is being trained, by the cosine of its vectors.

    Args:
        measure: the figures, by name, of a scorer.
        primary: the figure that chooses the best checkpoint.
        queries: texts that the measure embeds as queries.
        corpus: texts that it embeds as documents.
    """

    def __init__(
        self,
        measure: Callable[[Scorer], Mapping[str, float]],
        primary: str,
        *,
        queries: Sequence[str] = (),
        corpus: Sequence[str] = (),
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.primary_metric = primary
        self.queries = queries
        self.corpus = corpus
        self._measure = measure

    def __call__(self, model: "BaseModel", *_: object, **__: object) -> dict[str, float]:
        """Measure the model; other arguments, which every evaluator gets, change nothing."""
        return dict(self._measure(make_scorer(cast("SentenceTransformer", model), "validation")))
