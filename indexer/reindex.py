"""A new version of the index: built next to the published one, checked, and published atomically."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import numpy as np

from indexer.embed import points
from skillsearch.errors import BuildCheckError, SkillSearchError
from skillsearch.models.encoder import Encoder
from skillsearch.store.base import SPACES, Build, BuildInfo, Point, Space, Store
from skillsearch.store.schema import SCHEMA_VERSION
from skillsearch.taxonomy import Taxonomy
from skillsearch.texts import VIEW_VERSION, payload_hash

__all__ = ["ReindexReport", "check", "reindex"]

_UNIT_TOLERANCE = 1e-3  # vectors are stored in half precision
_CANARIES = 5


@dataclass(frozen=True)
class ReindexReport:
    """What was published; seconds by stage, and bytes on disk where the store can tell."""

    build: BuildInfo
    seconds: dict[str, float] = field(default_factory=dict)
    bytes_on_disk: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON-ready values."""
        return asdict(self)


def reindex(
    taxonomy: Taxonomy,
    encoder: Encoder,
    store: Store,
    *,
    embedded: Callable[[int], object] | None = None,
    stage: Callable[[str], object] = lambda _: None,
) -> ReindexReport:
    """Embed all skills and occupations into a new build, check it, and publish it.

    Until the last step the published build is untouched. A build that could not be written is
    removed, one that failed its checks is kept for inspection.

    Args:
        taxonomy: what to index.
        encoder: the bi-encoder that searches will use too.
        store: where to build.
        embedded: called with the number of concepts just embedded.
        stage: called with the name of each stage as it begins.

    Raises:
        BuildCheckError: the new build is not what it should be; it was not published.
        StoreError: the store failed; what was published is untouched.
    """
    seconds: dict[str, float] = {}
    info = _describe(taxonomy, encoder)
    stage("embed and write")
    start = time.perf_counter()
    build = store.create(info)
    try:
        for space in SPACES:
            for batch in points(taxonomy, space, encoder, embedded):
                build.upsert(space, batch)
        build.seal()
    except BaseException:
        with suppress(SkillSearchError):  # what went wrong first is what matters
            store.remove(info.name)
        raise
    seconds["embed_and_write"] = time.perf_counter() - start
    stage("check")
    start = time.perf_counter()
    check(build, {"skills": len(taxonomy.skills), "occupations": len(taxonomy.occupations)})
    seconds["check"] = time.perf_counter() - start
    stage("publish")
    start = time.perf_counter()
    store.publish(info.name)
    seconds["publish"] = time.perf_counter() - start
    rounded = {name: round(value, 3) for name, value in seconds.items()}
    return ReindexReport(info, rounded, build.size())


def check(build: Build, expected: dict[Space, int]) -> None:
    """Read a build back and compare it with what it should be.

    Counts, vectors finite and of unit length, payloads that still have their hash, and canary
    queries: the vector of a concept finds that concept first.

    Raises:
        BuildCheckError: names the first thing that is wrong.
    """
    for space, count in expected.items():
        found = build.count(space)
        if found != count:
            raise BuildCheckError(_failed(build, f"{found:,} {space} are stored, expected {count:,}"))
        read = 0
        step = max(1, count // _CANARIES)
        for read, point in enumerate(build.scan(space, vectors=True), start=1):
            _check_point(build, space, point)
            if read % step == 0:
                _check_canary(build, space, point)
        if read != count:
            raise BuildCheckError(_failed(build, f"{read:,} {space} can be read, expected {count:,}"))


def _check_point(build: Build, space: Space, point: Point) -> None:
    norm = float(np.linalg.norm(np.asarray(point.vector, dtype=np.float64)))
    if not abs(norm - 1.0) <= _UNIT_TOLERANCE:  # false for NaN too
        raise BuildCheckError(
            _failed(build, f"the vector of {point.uri} in {space} has length {norm}, not 1")
        )
    if payload_hash(point.payload) != point.payload.get("payload_hash"):
        raise BuildCheckError(_failed(build, f"the payload of {point.uri} in {space} changed in storage"))


def _check_canary(build: Build, space: Space, point: Point) -> None:
    """Concepts may share a vector, so the best score is compared, and the concept must have it."""
    found = build.query(space, point.vector, limit=20)
    scores = {hit.uri: hit.score for hit in found}
    if scores.get(point.uri, -1.0) < found[0].score - _UNIT_TOLERANCE:
        raise BuildCheckError(_failed(build, f"a query with the vector of {point.uri} does not find it"))


def _failed(build: Build, problem: str) -> str:
    return f"build {build.info.name} failed its checks and was not published: {problem}"


def _stamp(moment: datetime) -> str:
    """A build's own name: the moment, to the millisecond."""
    return f"{moment:%Y%m%dT%H%M%S}{moment.microsecond // 1000:03}"


def _describe(taxonomy: Taxonomy, encoder: Encoder) -> BuildInfo:
    now = datetime.now(UTC)
    return BuildInfo(
        name=f"{taxonomy.name}-{taxonomy.version}__{encoder.folder}__{_stamp(now)}",
        taxonomy=taxonomy.name,
        version=taxonomy.version,
        language=taxonomy.language,
        encoder=encoder.folder.name,
        encoder_fingerprint=encoder.folder.fingerprint,
        view_version=VIEW_VERSION,
        schema_version=SCHEMA_VERSION,
        created=now.isoformat(),
        skills=len(taxonomy.skills),
        occupations=len(taxonomy.occupations),
        program=version("skillsearch"),
    )
