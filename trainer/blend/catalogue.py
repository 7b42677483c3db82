"""The skills and occupations of a published index, as arrays."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from skillsearch.arrays import Float32Array
from skillsearch.rank.features import Rows
from skillsearch.store.base import Build, Payload
from skillsearch.store.info import BuildInfo

__all__ = ["DIRECTIONS", "REUSE_LEVELS", "Catalogue", "read_catalogue", "sparse_rows"]

DIRECTIONS: Final = 128
"""Principal directions of the skills' vectors that are kept."""

REUSE_LEVELS: Final = ("occupation-specific", "sector-specific", "cross-sector", "transversal")
"""From 1 to 4."""

_TYPES = {"skill": 0.0, "knowledge": 1.0}
_ESSENTIAL, _OPTIONAL = 1.0, 0.5


@dataclass(frozen=True, eq=False)
class Catalogue:
    """N skills and o occupations of a build.

    Attributes:
        info: of the build.
        uris: of the skills.
        labels: of the skills.
        vectors: shape (N, d), of unit length.
        attributes: shape (N, 4), see `skillsearch.rank.features.ATTRIBUTES`.
        directions: shape (N, r), see `skillsearch.rank.features.Evidence`; rounded to half precision.
        occupations: URIs.
        needs: shape (o, N), what occupations need.
    """

    info: BuildInfo
    uris: tuple[str, ...]
    labels: tuple[str, ...]
    vectors: Float32Array
    attributes: Float32Array
    directions: Float32Array
    occupations: tuple[str, ...]
    needs: Rows

    @cached_property
    def row_of(self) -> dict[str, int]:
        """The row of each skill, by URI."""
        return {uri: row for row, uri in enumerate(self.uris)}


def read_catalogue(build: Build) -> Catalogue:
    """Read all skills and occupations of a build, in the order of their URIs."""
    points = sorted(build.scan("skills", vectors=True), key=lambda point: point.uri)
    payloads = [point.payload for point in points]
    vectors = np.array([point.vector for point in points], dtype=np.float32)  # (N, d)
    row_of = {point.uri: row for row, point in enumerate(points)}
    occupations = sorted((point.payload for point in build.scan("occupations")), key=_uri)
    return Catalogue(
        info=build.info,
        uris=tuple(row_of),
        labels=tuple(str(payload["label"]) for payload in payloads),
        vectors=vectors / np.linalg.norm(vectors, axis=1, keepdims=True),
        attributes=np.array([_attributes(payload) for payload in payloads], dtype=np.float32),
        directions=_directions(vectors),
        occupations=tuple(map(_uri, occupations)),
        needs=sparse_rows(_needs(payload, row_of) for payload in occupations),
    )


def sparse_rows(rows: Iterable[dict[int, float]]) -> Rows:
    """A sparse matrix from each row's values by column."""
    lengths, columns, values = [0], list[int](), list[float]()
    for row in rows:
        lengths.append(len(row))
        columns += row.keys()
        values += row.values()
    return Rows(
        np.cumsum(lengths, dtype=np.int64),
        np.array(columns, dtype=np.int64),
        np.array(values, dtype=np.float32),
    )


def _attributes(payload: Payload) -> Sequence[float]:
    level = str(payload["reuse_level"])
    return (
        np.log1p(len(payload["occupations_essential"])),
        np.log1p(len(payload["occupations_optional"])),
        REUSE_LEVELS.index(level) + 1.0 if level in REUSE_LEVELS else np.nan,
        _TYPES.get(str(payload["skill_type"]), np.nan),
    )


def _needs(payload: Payload, row_of: dict[str, int]) -> dict[int, float]:
    """The weight of each skill that an occupation needs; essential wins over optional."""
    weights = dict.fromkeys(payload["skills_optional"], _OPTIONAL)
    weights |= dict.fromkeys(payload["skills_essential"], _ESSENTIAL)
    return {row_of[uri]: weight for uri, weight in weights.items() if uri in row_of}


def _directions(vectors: Float32Array) -> Float32Array:
    """Principal component analysis: shape (N, d) to (N, r), rows of unit length."""
    centred = vectors - vectors.mean(axis=0)
    _, basis = np.linalg.eigh((centred.T @ centred).astype(np.float64))  # (d, d), by rising variance
    reduced = centred @ basis[:, ::-1][:, :DIRECTIONS].astype(np.float32)  # (N, d) @ (d, r)
    lengths = np.linalg.norm(reduced, axis=1, keepdims=True)
    rounded: Float32Array = (reduced / np.maximum(lengths, 1e-6)).astype(np.float16).astype(np.float32)
    return rounded


def _uri(payload: Payload) -> str:
    return str(payload["uri"])
