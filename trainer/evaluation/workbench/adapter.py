"""Our scorers inside the public WorkRB package, ``workrb`` on PyPI."""

from typing import TYPE_CHECKING, Any

from skillsearch.errors import ConfigurationError
from trainer.evaluation.workbench.scorers import Scorer, require_finite

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["workrb_model"]


def workrb_model(scorer: Scorer, *, description: str = "") -> Any:  # noqa: ANN401  (workrb has no types)
    """A scorer as a model that `workrb.evaluate` takes.

    It ranks; WorkRB's classification tasks are read as rankings of their classes. WorkRB holds the
    scores of all queries and targets at once.

    Args:
        scorer: any of this package, such as of `trainer.evaluation.workbench.models.make_scorer`.
        description: for WorkRB's reports.

    Returns:
        An instance of a subclass of ``workrb.models.base.ModelInterface``.

    Raises:
        ConfigurationError: workrb is not installed.
    """
    try:
        from workrb.models.base import ModelInterface
    except ImportError as error:
        raise ConfigurationError(
            "workrb is not installed: install it with pip install 'skillsearch[workbench]'"
        ) from error

    class _Model(ModelInterface):  # type: ignore[misc]
        @property
        def name(self) -> str:
            return scorer.name

        @property
        def description(self) -> str:
            return description or f"{scorer.name}, read by skillsearch"

        @property
        def classification_label_space(self) -> None:
            return None

        def _compute_rankings(
            self,
            queries: list[str],
            targets: list[str],
            query_input_type: object = None,  # noqa: ARG002  (the texts say enough)
            target_input_type: object = None,  # noqa: ARG002
        ) -> "Tensor":
            return _score(scorer, queries, targets)

        def _compute_classification(
            self,
            texts: list[str],
            targets: list[str],
            input_type: object = None,  # noqa: ARG002
            target_input_type: object = None,  # noqa: ARG002
        ) -> "Tensor":
            return _score(scorer, texts, targets)

    return _Model()


def _score(scorer: Scorer, queries: list[str], targets: list[str]) -> "Tensor":
    """Shape (n, m)."""
    import torch

    scores = scorer.fit(targets)(queries)
    require_finite(scorer.name, scores)
    return torch.from_numpy(scores)
