"""Validation of a unified training on a small version of WorkBench."""

from typing import TYPE_CHECKING, Final, cast

from sentence_transformers.base.evaluation import BaseEvaluator

from trainer.evaluate.workbench.models import make_scorer
from trainer.evaluate.workbench.runner import evaluate_workbench
from trainer.evaluate.workbench.tasks import WorkBench
from trainer.unified.train import VALIDATION_MEASURE

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.model import BaseModel

__all__ = ["SAMPLE_QUERIES", "WorkbenchEvaluator"]

SAMPLE_QUERIES: Final = 300
"""Queries kept of each task, with all targets."""


class WorkbenchEvaluator(BaseEvaluator):
    """MAP of each type of task and their mean, by the cosine of the model's vectors.

    Args:
        tasks: the tasks; a sample of their queries is measured on, the same each time.
        queries: kept of each task.
        seed: of the sample.
    """

    def __init__(self, tasks: WorkBench, *, queries: int = SAMPLE_QUERIES, seed: int = 42) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.primary_metric = VALIDATION_MEASURE
        self.tasks = tasks.sample(queries=queries, seed=seed)

    def __call__(self, model: "BaseModel", *_: object, **__: object) -> dict[str, float]:
        """Measure the model; other arguments, which every evaluator gets, change nothing."""
        scorer = make_scorer(cast("SentenceTransformer", model), "validation")
        result = evaluate_workbench(scorer, self.tasks)
        by_kind = {f"{kind}_map": value for kind, value in result.by_kind("map").items()}
        return {VALIDATION_MEASURE: result.average_map} | by_kind
