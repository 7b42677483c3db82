"""Checks of a sealed build, without which it is not published."""

import math
from collections.abc import Callable, Mapping

from indexer.golden import Golden, recall, taxonomy_golden
from skillsearch.errors import BuildCheckError
from skillsearch.models.protocols import Encoder
from skillsearch.store.base import Build, Hashes, Point, Space
from skillsearch.store.filters import Match, Where
from skillsearch.store.info import Quality
from skillsearch.taxonomy.texts import payload_hash, query_text

__all__ = ["MARGIN", "check_points", "check_quality"]

MARGIN = 0.02
"""Recall that a build may lose against the published one."""

_UNIT_TOLERANCE = 1e-3  # vectors are stored in half precision
_CANARIES = 5
_ROUNDING = 1e-9  # error of a difference such as 0.8 - 0.75


def check_points(
    build: Build,
    expected: Mapping[Space, Mapping[str, Hashes]],
    advance: Callable[[int], object] = lambda _: None,
) -> None:
    """Read a build back and compare it with what it should hold.

    Checked are exact counts, finite vectors of unit length, payloads against their hashes, the sum of all
    hashes, and canary queries: the vector of a concept must find that concept first.

    Args:
        build: a sealed build.
        expected: the hashes of every point, by space and URI.
        advance: called with the number of points just checked.

    Raises:
        BuildCheckError: names the first check that failed.
    """
    try:
        for space, hashes in expected.items():
            _check_space(build, space, hashes, advance)
    except BuildCheckError as error:
        raise BuildCheckError(f"{error}; rebuild it with `skillsearch reindex --full`") from error


def check_quality(
    build: Build,
    published: Build | None,
    encoder: Encoder,
    golden: Golden | None = None,
    margin: float = MARGIN,
) -> Quality:
    """Compare the recall of a build with that of the published one.

    Without a golden set, the titles are occupations of the published build, and the skills expected are
    their essential ones, as far as the new build has them. If the published build has another encoder,
    which may be gone, its recall is the stored one, provided it was measured on a set of the same name.

    Args:
        build: the new build.
        published: the build that it is to replace, if any.
        encoder: the encoder of the new build.
        golden: titles with expected skills.
        margin: recall that may be lost.

    Returns:
        `golden`, the name of the set; `titles`, their number; `recall` of the build; `published_recall`,
        None where there is nothing to compare with.

    Raises:
        BuildCheckError: more recall was lost than the margin allows.
    """
    fingerprint = build.info.encoder_fingerprint
    comparable = published if published and published.info.encoder_fingerprint == fingerprint else None
    if golden is None:
        golden = taxonomy_golden(comparable or build).known_to(build)
    if not golden.expected:
        return {"golden": golden.name, "titles": 0, "recall": None, "published_recall": None}
    vectors = encoder.encode([query_text(title) for title in golden.expected])  # (t, d)
    found = recall(build, golden, vectors)
    before = None
    if comparable:
        before = recall(comparable, golden, vectors)
    elif published and published.info.quality.get("golden") == golden.name:
        before = published.info.quality.get("recall")
    if before is not None and before - found > margin + _ROUNDING:
        raise _failed(
            build,
            f"recall on the golden set ({golden.name}, {len(golden.expected):,} titles) is {found:.3f}, and "
            f"{before:.3f} in the published build; at most {margin:g} may be lost (--set margin=…)",
        )
    return {
        "golden": golden.name,
        "titles": len(golden.expected),
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
    """The hashes of a point, after its vector and payload were checked."""
    norm = math.hypot(*point.vector)
    if not abs(norm - 1.0) <= _UNIT_TOLERANCE:  # false for NaN too
        raise _failed(build, f"the vector of {point.uri} in {space} has length {norm}, not 1")
    hashed = payload_hash(point.payload)
    if hashed != point.payload.get("payload_hash"):
        raise _failed(build, f"the payload of {point.uri} in {space} changed in storage")
    return Hashes.of(point.payload)


def _check_canary(build: Build, space: Space, point: Point) -> None:
    """Query with the vector of a point; concepts may share a vector, so scores are compared, not URIs."""
    itself = Where(must=(Match(("uri",), (point.uri,)),))
    best, own = (build.query(space, point.vector, 1, where) for where in (None, itself))
    if not (best and own) or abs(best[0].score - own[0].score) > _UNIT_TOLERANCE:
        raise _failed(build, f"a query with the vector of {point.uri} does not find it")


def _sum(hashes: Hashes) -> int:
    return int(hashes.embedded, 16) + int(hashes.payload, 16)


def _failed(build: Build, problem: str) -> BuildCheckError:
    return BuildCheckError(f"build {build.info.name} failed its checks and was not published: {problem}")
