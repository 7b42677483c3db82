"""How the nearest points are found: by comparing every vector, or by walking a graph.

Comparing every vector that fulfils the filter finds all of the nearest. Its cost grows with their number,
so above `EXACT_LIMIT` a graph is walked instead. Below a filter a plain walk loses most of the nearest, so
there the walk looks at neighbours of neighbours too (ACORN: Patel et al., 2024, arXiv:2403.04871).
"""

from dataclasses import dataclass
from typing import Final

__all__ = ["EXACT", "EXACT_LIMIT", "LADDER", "OVERSAMPLING", "Search"]

EXACT_LIMIT: Final = 1_000_000
"""Points that fulfil the conditions, up to which every vector is compared; see results/recall.md."""

OVERSAMPLING: Final = 1.5
"""Times as many points are taken by their compressed vectors as are then compared by whole ones."""


@dataclass(frozen=True, slots=True)
class Search:
    """A way to find the nearest points.

    Attributes:
        ef: points that a walk through the graph keeps in sight; 0 compares every vector.
    """

    ef: int

    @property
    def is_exact(self) -> bool:
        """Whether every vector is compared."""
        return self.ef == 0

    def __str__(self) -> str:
        """Such as ``graph, ef 1024``."""
        return "every vector" if self.is_exact else f"graph, ef {self.ef}"


EXACT: Final = Search(0)

LADDER: Final = (*(Search(ef) for ef in (512, 1024, 2048, 4096, 8192)), EXACT)
"""Ways from the fastest to the one that finds all; a build is served by the first that keeps the promise."""
