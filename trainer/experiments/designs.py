"""Designs of the experiments: each varies one thing, with everything else as in the configuration."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from trainer.evaluate.scorers import Scorer, make_scorer
from trainer.experiments.interactions import INTERACTIONS, MEETS, Interaction
from trainer.unified.graph import SIDES

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = ["COSINE", "DESIGNS", "SOFT", "Design", "DesignName", "Reading", "Variant"]

DesignName = Literal["ablation", "transfer", "temperature"]


@dataclass(frozen=True, slots=True)
class Reading:
    """A way to read a trained model: by an interaction of tokens, or the cosine of its vectors."""

    interaction: Interaction
    temperature: float = 1.0

    def __str__(self) -> str:
        """Its name in tables."""
        return f"soft τ={self.temperature:g}" if self.interaction == "soft" else self.interaction

    def scorer(self, model: "SentenceTransformer") -> Scorer:
        """A new scorer that reads a model in this way."""
        if self.interaction in ("soft", "cosine"):
            return make_scorer(model, "model", interaction=self.interaction, temperature=self.temperature)
        return make_scorer(model, "model", meet=MEETS[self.interaction])


SOFT: Final = Reading("soft")
COSINE: Final = Reading("cosine")


@dataclass(frozen=True)
class Variant:
    """A way to train, and the ways to read what it gives.

    Attributes:
        table: that it stands in.
        name: its row.
        changes: of the configuration; None leaves the base untrained.
        readings: by which it is measured.
        interaction: that it is trained with.
    """

    table: str
    name: str
    changes: Mapping[str, Any] | None
    readings: tuple[Reading, ...] = (SOFT,)
    interaction: Interaction = "soft"

    @property
    def trained(self) -> bool:
        """Whether it is trained at all."""
        return self.changes is not None


@dataclass(frozen=True)
class Design:
    """Variants in the order of the tables; and for each table the row that others are compared with."""

    variants: tuple[Variant, ...]
    reference: Mapping[str, str]


_UNTRAINED: Final = "untrained base"
_TEMPERATURES: Final = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
_READINGS: Final = (
    *(Reading("soft", temperature) for temperature in _TEMPERATURES),
    Reading("maxsim"),
    Reading("mean-target"),
    COSINE,
)

DESIGNS: Final[dict[DesignName, Design]] = {
    "ablation": Design(  # Tables 4 and 5 of the paper
        (
            Variant("loss", _UNTRAINED, None),
            *(Variant("loss", kind, {"kind": kind}) for kind in ("many-to-many", "pairwise", "info-nce")),
            *(Variant("interaction", kind, {}, (Reading(kind),), kind) for kind in INTERACTIONS),
            *(Variant("interaction", f"untrained, {kind}", None, (Reading(kind),)) for kind in INTERACTIONS),
        ),
        {"loss": "many-to-many", "interaction": "soft"},
    ),
    "transfer": Design(  # Figure 3
        (
            Variant("trained on", _UNTRAINED, None),
            *(
                Variant("trained on", side, {other: {"weight": 0.0} for other in SIDES if other != side})
                for side in SIDES
            ),
            Variant("trained on", "all three", {}),
        ),
        {"trained on": _UNTRAINED},
    ),
    "temperature": Design(  # Figure 4
        (
            Variant("read with", _UNTRAINED, None, _READINGS),
            Variant("read with", "trained", {}, _READINGS),
        ),
        {"read with": "trained"},
    ),
}
"""By name. Models that several experiments have in common are trained once."""
