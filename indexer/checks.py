"""What a sealed build must be before it is published."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from indexer.golden import Golden, recall, taxonomy_golden
from skillsearch.errors import BuildCheckError
from skillsearch.models.encoder import Encoder
from skillsearch.store.base import Build, Hashes, Point, Space
from skillsearch.store.filters import Match, Where
from skillsearch.taxonomy.texts import payload_hash, query_text

__all__ = ["MARGIN", "check_points", "check_quality"]

MARGIN = 0.02
"""Recall that a build may lose against the published one."""

_UNIT_TOLERANCE = 1e-3  # vectors are stored in half precision
_CANARIES = 5
_ROUNDING = 1e-9  # of a difference, such as 0.8 - 0.75


def check_points(
    build: Build,
    expected: Mapping[Space, Mapping[str, Hashes]],
    advance: Callable[[int], object] = lambda _: None,
) -> None:
    """Read a build back and compare it with what it should hold.

    Exact counts, vectors finite and of unit length, payloads that still have their hash, the sum of
    all hashes, and canary queries: the vector of a concept finds that concept first.

    Args:
        build: a sealed one.
        expected: the hashes of every point, by space and URI.
        advance: called with the number of points just checked.

    Raises:
        BuildCheckError: names the first thing that is wrong.
    """
    try:
        for space, hashes in expected.items():
            _check_space(build, space, hashes, advance)
    except BuildCheckError as error:
        raise BuildCheckError(f"{error}; `skillsearch reindex --full` builds it anew") from error


def check_quality(
    build: Build,
    published: Build | None,
    encoder: Encoder,
    golden: Golden | None = None,
    margin: float = MARGIN,
) -> dict[str, Any]:
    """Compare what a search for some titles finds in a build with what it finds in the published one.

    Without a golden set the titles are occupations of the published build, and their essential skills
    are expected, as far as the new build has them. Where the published build has another encoder, which
    may be gone, its figure is the one that was measured when it was made, on a set of the same name.

    Args:
        build: the new one.
        published: the one it is to replace, if any.
        encoder: that of the new build.
        golden: titles with expected skills.
        margin: recall that may be lost.

    Returns:
        `golden`, the name of the set; `titles`; `recall` of the build; `published_recall`, None where
        there is nothing to compare with.

    Raises:
        BuildCheckError: the build lost more than the margin.
    """
    alike = published is not None and published.info.encoder_fingerprint == build.info.encoder_fingerprint
    judges = golden
    if judges is None:
        judges = taxonomy_golden(published if published and alike else build).known_to(build)
    if not judges.expected:
        return {"golden": judges.name, "titles": 0, "recall": None, "published_recall": None}
    vectors = encoder.encode([query_text(title) for title in judges.expected])  # (t, 1024)
    found = recall(build, judges, vectors)
    before = None
    if published and alike:
        before = recall(published, judges, vectors)
    elif published and published.info.quality.get("golden") == judges.name:
        before = published.info.quality.get("recall")
    if before is not None and before - found > margin + _ROUNDING:
        raise _failed(
            build,
            f"recall on the golden set ({judges.name}, {len(judges.expected):,} titles) is {found:.3f}, the "
            f"published build has {before:.3f}: more than {margin:g} is lost",
        )
    return {
        "golden": judges.name,
        "titles": len(judges.expected),
        "recall": round(found, 4),
        "published_recall": None if before is None else round(before, 4),
    }


def _check_space(
    build: Build, space: Space, hashes: Mapping[str, Hashes], advance: Callable[[int], object]
) -> None:
    count, found = len(hashes), build.count(space)
    if found != count:
        raise _failed(build, f"{found:,} {space} are stored, expected {count:,}")
    read = total = 0
    step = max(1, count // _CANARIES)
    for read, point in enumerate(build.scan(space, vectors=True), start=1):
        total += _sum(_checked(build, space, point))
        if read % step == 0:
            _check_canary(build, space, point)
        advance(1)
    if read != count:
        raise _failed(build, f"{read:,} {space} can be read, expected {count:,}")
    if total != sum(map(_sum, hashes.values())):
        raise _failed(build, f"the hashes of its {space} do not add up to those of the taxonomy")


def _checked(build: Build, space: Space, point: Point) -> Hashes:
    """The hashes of a point, that of the payload made anew."""
    norm = math.hypot(*point.vector)
    if not abs(norm - 1.0) <= _UNIT_TOLERANCE:  # false for NaN too
        raise _failed(build, f"the vector of {point.uri} in {space} has length {norm}, not 1")
    hashed = payload_hash(point.payload)
    if hashed != point.payload.get("payload_hash"):
        raise _failed(build, f"the payload of {point.uri} in {space} changed in storage")
    return Hashes.of(point.payload)


def _check_canary(build: Build, space: Space, point: Point) -> None:
    """Any number of concepts may share a vector, so the best score and that of the concept are compared."""
    itself = Where(must=(Match(("uri",), (point.uri,)),))
    best, own = (build.query(space, point.vector, 1, where) for where in (None, itself))
    if not (best and own) or abs(best[0].score - own[0].score) > _UNIT_TOLERANCE:
        raise _failed(build, f"a query with the vector of {point.uri} does not find it")


def _sum(hashes: Hashes) -> int:
    return int(hashes.embedded, 16) + int(hashes.payload, 16)


def _failed(build: Build, problem: str) -> BuildCheckError:
    return BuildCheckError(f"build {build.info.name} failed its checks and was not published: {problem}")
