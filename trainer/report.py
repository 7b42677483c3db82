"""What a training run tells while it runs, and what it leaves."""

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from trainer.pair.calibration import Bin

if TYPE_CHECKING:
    from transformers import TrainerCallback

    from trainer.fit import Fitted

__all__ = ["Reporter", "TrainReport"]


class Reporter:
    """Hears what a run is doing; this one keeps silent."""

    def stage(self, name: str) -> None:
        """A stage begins."""

    def callback(self, name: str) -> "TrainerCallback | None":
        """A callback that follows the training of a model, if wanted."""


@dataclass
class TrainReport:
    """What a run gave.

    Attributes:
        metrics: held-out figures by model.
        steps: optimisation steps by model.
        kept_steps: the step of the checkpoint that was kept, where validation chose one.
        resumed_from: the step that a stopped run went on from, where it did.
        seconds: by stage; of the last process that worked on it, where a run was stopped.
        examples: pairs, triples, and concepts left out.
        curves: logged values by model.
        confusion: of the held-out triples: a row for each true class, a column for each predicted one.
        calibration: the temperature, and the calibration error before and after: of held-out triples,
            and of the candidates that a search for held-out occupations reranks.
        reliability: bins of both, before and after.
    """

    metrics: dict[str, dict[str, float]] = field(default_factory=dict)
    steps: dict[str, int] = field(default_factory=dict)
    kept_steps: dict[str, int] = field(default_factory=dict)
    resumed_from: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    examples: dict[str, int] = field(default_factory=dict)
    curves: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    confusion: list[list[int]] = field(default_factory=list)
    calibration: dict[str, float] = field(default_factory=dict)
    reliability: dict[str, list[Bin]] = field(default_factory=dict)

    def add(self, record: dict[str, Any]) -> None:
        """Add what `to_dict` gave of a part of the run."""
        for name, value in record.items():
            if name == "reliability":
                value = {key: [Bin(**group) for group in groups] for key, groups in value.items()}
            old = getattr(self, name)
            setattr(self, name, old | value if isinstance(old, dict) else value or old)

    def to_dict(self) -> dict[str, Any]:
        """As JSON-ready values."""
        return asdict(self)

    def fitted(self, model: str, result: "Fitted") -> None:
        """Note what the training of a model gave."""
        self.steps[model] = result.steps
        self.curves[model] = list(result.curve)
        if result.kept:
            self.kept_steps[model] = result.kept
        if result.resumed_from:
            self.resumed_from[model] = result.resumed_from
