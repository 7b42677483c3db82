"""Titles with the skills that a search for them should find: what a new build is judged by."""

import csv
import hashlib
import heapq
import io
from collections.abc import Collection, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skillsearch.errors import TaxonomyError
from skillsearch.store.base import Build, batches

__all__ = ["CUTOFF", "Golden", "read_golden", "recall", "taxonomy_golden"]

CUTOFF: Final = 100
"""Skills that are looked at for each title."""

_TITLES = 100
_FETCHED = 256


@dataclass(frozen=True)
class Golden:
    """Expected skills by title; `name` tells which set it is."""

    name: str
    expected: Mapping[str, Set[str]]

    def require_any(self, uris: Collection[str], published: Build | None) -> None:
        """Check that the set is about what is to be indexed, or about what is published.

        Raises:
            TaxonomyError: it names none of the skills.
        """
        named = set[str]().union(*self.expected.values())
        if named.isdisjoint(uris) and not (published and self.known_to(published).expected):
            raise TaxonomyError("the golden set names no skill of the index: skills are named by their URI")

    def known_to(self, build: Build) -> "Golden":
        """Without the skills that a build lacks, and the titles that are then left without any."""
        uris = sorted(set[str]().union(*self.expected.values()))
        known = {uri for some in batches(uris, _FETCHED) for uri in build.fetch("skills", some)}
        expected = {title: skills & known for title, skills in self.expected.items()}
        return Golden(self.name, {title: skills for title, skills in expected.items() if skills})


def taxonomy_golden(build: Build) -> Golden:
    """Occupations of a build with their essential skills; up to 100, drawn by the hash of their URI.

    The draw does not depend on what else the taxonomy has, so versions share most of the titles. Where
    occupations share a label, the skills of all of them are expected.
    """
    needy = (point for point in build.scan("occupations") if point.payload["skills_essential"])
    expected: dict[str, set[str]] = {}
    for point in heapq.nsmallest(_TITLES, needy, key=lambda point: _digest(point.uri.encode())):
        expected.setdefault(point.payload["label"], set()).update(point.payload["skills_essential"])
    return Golden("taxonomy", expected)


def read_golden(path: Path) -> Golden:
    """Read a CSV file with the columns `title` and `skill`, a URI; one row for each pair.

    Raises:
        TaxonomyError: it cannot be read, or lacks a column, a cell, or any row.
    """
    try:
        data = path.read_bytes()
        text = io.StringIO(data.decode("utf-8-sig"), newline="")
        rows = list(csv.reader(text, strict=True))
    except OSError as error:
        raise TaxonomyError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise TaxonomyError(f"{path}: not a CSV file in UTF-8: {error}") from error
    header = [column.strip() for column in rows[0]] if rows else []
    if not {"title", "skill"} <= set(header):
        raise TaxonomyError(f"{path}, row 1: found {', '.join(header) or 'nothing'}, expected title,skill")
    expected: dict[str, set[str]] = {}
    for number, row in enumerate(rows[1:], start=2):
        cells = dict(zip(header, map(str.strip, row), strict=False))
        title, skill = cells.get("title"), cells.get("skill")
        if row and (not (title and skill) or len(row) > len(header)):
            raise TaxonomyError(f"{path}, row {number}: found {row}, expected a title and a skill's URI")
        if title and skill:
            expected.setdefault(title, set()).add(skill)
    if not expected:
        raise TaxonomyError(f"{path}: no title in it, expected rows of a title and a skill's URI")
    return Golden(f"file {_digest(data)}", expected)


def recall(build: Build, golden: Golden, vectors: NDArray[np.float32]) -> float:
    """Mean over titles of the expected skills that are among the `CUTOFF` nearest.

    ``|found & expected| / min(CUTOFF, |expected|)``, in [0, 1].

    Args:
        build: what is searched.
        golden: at least one title.
        vectors: shape (t, 1024), of the titles in their order.
    """
    shares = []
    for expected, vector in zip(golden.expected.values(), vectors, strict=True):
        found = {hit.uri for hit in build.query("skills", vector.tolist(), CUTOFF)}
        shares.append(len(found & expected) / min(CUTOFF, len(expected)))
    return float(np.mean(shares))


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
