"""What each experiment varies: one thing at a time, everything else that of the configuration."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from skillsearch.rank.fuse import INTERACTIONS, Interaction
from trainer.unified.graph import SIDES

__all__ = ["COSINE", "DESIGNS", "READINGS", "SOFT", "Design", "DesignName", "Reading", "Variant"]

DesignName = Literal["ablation", "transfer", "temperature"]


@dataclass(frozen=True, slots=True)
class Reading:
    """How a trained model is read: by which interaction, at which temperature of its softmax."""

    interaction: Interaction
    temperature: float = 1.0

    def __str__(self) -> str:
        """As tables call it."""
        soft = self.interaction == "soft"
        return f"soft τ={self.temperature:g}" if soft else self.interaction


@dataclass(frozen=True)
class Variant:
    """A way to train, and the ways to read what it gives.

    Attributes:
        table: that it stands in.
        name: its row.
        changes: of the configuration; None leaves the base untrained.
        readings: by which it is measured; the first is its own.
    """

    table: str
    name: str
    changes: Mapping[str, Any] | None
    readings: tuple[Reading, ...]


@dataclass(frozen=True)
class Design:
    """Variants, and for each table the row that the others are compared with.

    Attributes:
        variants: in the order of the tables.
        reference: names of the rows, by table.
        paper: what of the paper it follows.
    """

    variants: tuple[Variant, ...]
    reference: Mapping[str, str]
    paper: str
    tables: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        """List the tables."""
        object.__setattr__(self, "tables", tuple(dict.fromkeys(one.table for one in self.variants)))


SOFT: Final = Reading("soft")
COSINE: Final = Reading("cosine")

READINGS: Final = (
    *(Reading("soft", temperature) for temperature in (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)),
    Reading("maxsim"),
    Reading("mean-target"),
    COSINE,
)
"""Of the temperature experiment: the soft form between its limits, and the plain cosine."""

_UNTRAINED = "untrained base"
_ALL = "all three"

DESIGNS: Final[Mapping[DesignName, Design]] = {
    "ablation": Design(
        (
            Variant("loss", _UNTRAINED, None, (SOFT,)),
            Variant("loss", "many-to-many", {}, (SOFT,)),
            Variant("loss", "pairwise", {"kind": "pairwise"}, (SOFT,)),
            Variant("loss", "info-nce", {"kind": "info-nce"}, (SOFT,)),
            *(
                Variant(
                    "interaction",
                    f"{kind}",
                    {"interaction": kind},
                    (SOFT if kind == "soft" else Reading(kind),),
                )
                for kind in INTERACTIONS
            ),
            *(
                Variant(
                    "interaction", f"untrained, {kind}", None, (SOFT if kind == "soft" else Reading(kind),)
                )
                for kind in INTERACTIONS
            ),
        ),
        {"loss": "many-to-many", "interaction": "soft"},
        "Table 4 (loss) and Table 5 (interaction)",
    ),
    "transfer": Design(
        (
            Variant("trained on", _UNTRAINED, None, (SOFT,)),
            *(
                Variant(
                    "trained on", side, {other: {"weight": 0.0} for other in SIDES if other != side}, (SOFT,)
                )
                for side in SIDES
            ),
            Variant("trained on", _ALL, {}, (SOFT,)),
        ),
        {"trained on": _UNTRAINED},
        "Figure 3 (transfer matrix)",
    ),
    "temperature": Design(
        (
            Variant("read with", _UNTRAINED, None, READINGS),
            Variant("read with", "trained", {}, READINGS),
        ),
        {"read with": "trained"},
        "Figure 4 (temperature)",
    ),
}
"""By name. Runs that several experiments have in common are trained once."""
