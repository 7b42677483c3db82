"""Vectors of all concepts of a space in memory, to compare many texts with them at once."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from skillsearch.arrays import Float32Array
from skillsearch.running import unhurried
from skillsearch.store.base import Build, Space

__all__ = ["Vectors"]


@dataclass(frozen=True, eq=False)
class Vectors:
    """The vectors of a space.

    Attributes:
        uris: of n concepts.
        rows: the row of each URI.
        matrix: shape (n, d), of unit length.
    """

    uris: tuple[str, ...]
    rows: Mapping[str, int]
    matrix: Float32Array

    @classmethod
    def of(cls, build: Build, space: Space) -> "Vectors":
        """Read them all: 4 bytes a number, 57 MB for ESCO's skills with 1,024 numbers each."""
        count = build.count(space)
        matrix = np.empty((count, build.info.dimension), dtype=np.float32)
        uris = []
        for row, point in enumerate(unhurried(build.scan(space, vectors=True, fields=("uri",)))):
            matrix[row] = point.vector
            uris.append(point.uri)
        lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
        return cls(
            tuple(uris), {uri: row for row, uri in enumerate(uris)}, matrix / np.maximum(lengths, 1e-9)
        )
