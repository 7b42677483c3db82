"""Our scorers inside the public WorkRB package, ``workrb`` on PyPI."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skillsearch.errors import ConfigurationError, ModelError
from trainer.evaluate.scorers import Direction, Scorer

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["workrb_model"]

_VACANCY_TEXTS: Final = {("skill_sentence", "skill_name"), ("job_title", "job_title")}
"""Types of queries and targets of SkillExtract and JobNorm, in WorkRB's words."""


def workrb_model(scorer: Scorer, *, description: str = "") -> Any:  # noqa: ANN401 - workrb has no types
    """A scorer as a model that `workrb.evaluate` takes.

    It ranks; WorkRB's classification tasks are read as rankings of their classes. The direction of a
    late interaction follows from the types of the texts, and is that of our own tasks.

    Args:
        scorer: any, such as of `trainer.evaluate.scorers.make_scorer`.
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
            query_input_type: object = None,
            target_input_type: object = None,
        ) -> "Tensor":
            return _score(scorer, queries, targets, _direction(query_input_type, target_input_type))

        def _compute_classification(
            self,
            texts: list[str],
            targets: list[str],
            input_type: object = None,
            target_input_type: object = None,
        ) -> "Tensor":
            return _score(scorer, texts, targets, _direction(input_type, target_input_type))

    return _Model()


def _direction(query_type: object, target_type: object) -> Direction:
    types = (getattr(query_type, "value", None), getattr(target_type, "value", None))
    return "target-to-query" if types in _VACANCY_TEXTS else "query-to-target"


def _score(scorer: Scorer, queries: list[str], targets: list[str], direction: Direction) -> "Tensor":
    """Shape (n, m)."""
    import torch

    scores = scorer.fit(targets, direction=direction)(queries)
    if not np.isfinite(scores).all():
        raise ModelError(f"model {scorer.name} gave numbers that are not finite: its weights are broken")
    return torch.from_numpy(scores)
