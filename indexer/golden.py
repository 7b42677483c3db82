"""Golden sets: titles with the skills that a search for them should find, to judge a build by."""

import hashlib
import heapq
from collections.abc import Collection, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from skillsearch.arrays import Float32Array
from skillsearch.errors import TaxonomyError
from skillsearch.store.base import Build, batches
from skillsearch.tables import Table
from skillsearch.taxonomy.texts import titles_in

__all__ = ["CUTOFF", "Golden", "read_golden", "recall", "taxonomy_golden"]

CUTOFF: Final = 100
"""Skills retrieved for each title."""

_TITLES = 100
_FETCHED = 256


@dataclass(frozen=True)
class Golden:
    """URIs of the expected skills by title; sets with the same `name` are comparable."""

    name: str
    expected: Mapping[str, Set[str]]

    def require_any(self, uris: Collection[str], published: Build | None) -> None:
        """Check that the set names a skill that is to be indexed, or that is published.

        Raises:
            TaxonomyError: it names none.
        """
        named = set[str]().union(*self.expected.values())
        if named.isdisjoint(uris) and not (published and self.known_to(published).expected):
            raise TaxonomyError("the golden set names no skill of the index; expected URIs of its skills")

    def known_to(self, build: Build) -> "Golden":
        """The set without skills that a build lacks, and without titles that then have none."""
        uris = sorted(set[str]().union(*self.expected.values()))
        known = {uri for some in batches(uris, _FETCHED) for uri in build.fetch("skills", some)}
        expected = {title: skills & known for title, skills in self.expected.items()}
        return Golden(self.name, {title: skills for title, skills in expected.items() if skills})


def taxonomy_golden(build: Build) -> Golden:
    """Up to 100 occupations of a build with their essential skills, chosen by the hash of their URIs.

    So versions of a taxonomy share most titles. Occupations that share a label become one title, with the
    skills of all of them.
    """
    related = (point for point in build.scan("occupations") if point.payload["skills_essential"])
    expected: dict[str, set[str]] = {}
    for point in heapq.nsmallest(_TITLES, related, key=lambda point: _digest(point.uri.encode())):
        title = titles_in(point.payload["label"])[0]
        expected.setdefault(title, set()).update(point.payload["skills_essential"])
    return Golden("taxonomy", expected)


def read_golden(path: Path) -> Golden:
    """Read a table with the columns `title` and `skill`, a URI; one row for each pair.

    Raises:
        TaxonomyError: it cannot be read, or lacks a column, a cell, or any row.
    """
    table = Table.at(path)
    expected: dict[str, set[str]] = {}
    for row in table.rows("title", "skill"):
        expected.setdefault(row.filled("title"), set()).add(row.filled("skill"))
    if not expected:
        raise TaxonomyError(f"{table.source}: no titles, expected rows with a title and the URI of a skill")
    return Golden(f"file {_digest(table.data())}", expected)


def recall(build: Build, golden: Golden, vectors: Float32Array) -> float:
    """Recall at `CUTOFF`, averaged over titles, in [0, 1].

    Of one title it is ``|found & expected| / min(CUTOFF, |expected|)``.

    Args:
        build: the build to search.
        golden: t titles, at least one.
        vectors: shape (t, d), of the titles in their order.
    """
    shares = []
    for expected, vector in zip(golden.expected.values(), vectors, strict=True):
        found = {hit.uri for hit in build.query("skills", vector.tolist(), CUTOFF)}
        shares.append(len(found & expected) / min(CUTOFF, len(expected)))
    return float(np.mean(shares))


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
