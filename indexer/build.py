"""The execution of a plan: a new build is made next to the published one, checked, and published."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from indexer.candidates import choose_search
from indexer.checks import MARGIN, check_points, check_quality
from indexer.golden import Golden
from indexer.plan import Plan
from skillsearch.errors import BuildCheckError, IndexNotFoundError, IndexOutdatedError, StoreError
from skillsearch.models.concepts import encode_concepts
from skillsearch.models.lanes import in_order
from skillsearch.models.protocols import Encoder
from skillsearch.progress import Advance, Progress, silent
from skillsearch.store.base import SPACES, Build, Point, Space, Store, batches
from skillsearch.store.info import BuildInfo, Quality, State
from skillsearch.store.schema import embedded_names, rehashed

__all__ = ["BuildReport", "execute", "published_build"]

_BATCH = 128
"""Concepts that are embedded, held in memory and made durable at a time."""

_BY_PROGRESS: tuple[State, ...] = ("failed", "unfinished", "sealed", "ready")


@dataclass(frozen=True)
class BuildReport:
    """A build that was published, with the number of concepts that were embedded and the time by stage.

    `is_new` is False where it was published already, and `bytes_on_disk` None where the store cannot tell.
    """

    build: BuildInfo
    embedded: int
    is_new: bool
    seconds: Mapping[str, float] = field(default_factory=dict)
    bytes_on_disk: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return asdict(self) | {"build": self.build.to_dict(), "seconds": dict(self.seconds)}


def published_build(store: Store) -> Build | None:
    """The published build; None if there is none, or if an older program wrote it."""
    try:
        return store.published()
    except (IndexNotFoundError, IndexOutdatedError):
        return None


def execute(
    plan: Plan,
    encoder: Encoder,
    store: Store,
    *,
    golden: Golden | None = None,
    margin: float = MARGIN,
    progress: Progress = silent,
) -> BuildReport:
    """Make the planned build, check it, and publish it; the caller holds the lock of the store.

    Until the last step the published build is untouched. An earlier build of the same content is resumed
    wherever it was stopped; a build that fails its checks is kept for inspection.

    Args:
        plan: made from what is published now, for this encoder.
        encoder: embeds what the plan says.
        store: where to build.
        golden: titles with expected skills; by default they are taken from the taxonomy.
        margin: recall that may be lost against the published build.
        progress: hears of the stages ``embed``, ``write``, ``check`` and ``publish``.

    Raises:
        BuildCheckError: the new build failed its checks and was not published.
        TaxonomyError: the golden set names no skill of the index.
        StoreError: the store failed, or another build was published since the plan was made; what is
            published is untouched.
    """
    base = published_build(store)
    _require_same_base(plan, base)
    if plan.is_published and base is not None and not plan.is_forced:
        return BuildReport(base.info, 0, False, {}, store.size(base.info.name))
    if golden is not None:
        golden.require_any(plan.spaces["skills"].hashes, base)
    seconds: dict[str, float] = {}
    info = _resumable(plan, store) or plan.info
    embedded = 0
    if info.state == "unfinished":
        with _timed("embed and write", seconds):
            build, embedded = _write(plan, info, encoder, store, base, progress)
    else:
        build = store.open(info.name)
    try:
        with _timed("check", seconds):
            hashes = {space: plan.spaces[space].hashes for space in SPACES}
            check_points(build, hashes, progress("check", sum(map(len, hashes.values()))))
            search, candidates = choose_search(build)
            build.info = replace(build.info, search_ef=search.ef)
            quality: Quality = {**check_quality(build, base, encoder, golden, margin), **candidates}
    except BuildCheckError as error:
        store.record(replace(build.info, state="failed", problem=str(error)))
        raise
    with _timed("publish", seconds):
        advance = progress("publish", 1)
        replaced = base.info.name if base else None
        done = replace(build.info, state="ready", problem="", quality=quality, replaced=replaced)
        store.record(done)
        _require_same_base(plan, published_build(store))
        store.publish(done.name)
        advance(1)
    return BuildReport(done, embedded, True, seconds, store.size(done.name))


def _require_same_base(plan: Plan, published: Build | None) -> None:
    """Check that the build of the plan is still published; a writer that lost its lock may have rivals."""
    if (published.info.name if published else None) != (plan.base.name if plan.base else None):
        raise StoreError("another build was published since the plan was made: run the command again")


def _resumable(plan: Plan, store: Store) -> BuildInfo | None:
    """The build of the same content that is nearest to completion; of equals the newest.

    A forced plan resumes only builds that began after the published one and did not fail their checks.
    """
    published = plan.base.name if plan.base else ""
    found = [info for info in store.builds() if info.digest == plan.info.digest and info.name != published]
    if plan.is_forced:
        since = plan.base.created if plan.base else ""
        found = [info for info in found if info.created > since and info.state != "failed"]
    return max(found, key=lambda info: (_BY_PROGRESS.index(info.state), info.created), default=None)


def _write(
    plan: Plan, info: BuildInfo, encoder: Encoder, store: Store, base: Build | None, progress: Progress
) -> tuple[Build, int]:
    """Write what a draft still lacks, and seal it; returns the number of concepts embedded too."""
    embedded = 0
    with closing(store.draft(info, None if plan.full_reason else base)) as draft:
        written = {space: draft.written(space) for space in SPACES}

        def missing(space: Space, uris: Iterable[str]) -> list[str]:
            hashes = plan.spaces[space].hashes
            return [uri for uri in uris if written[space].get(uri) != hashes[uri]]

        to_embed = {space: missing(space, plan.to_embed(space)) for space in SPACES}
        advance = progress("embed", sum(map(len, to_embed.values())))
        for space, uris in to_embed.items():
            for points in _embedded(plan, base, space, uris, encoder, advance):
                draft.upsert(space, points)
                embedded += len(points)
        to_copy = {space: missing(space, plan.to_copy(space)) for space in SPACES}
        advance = progress("write", sum(map(len, to_copy.values())))
        for space, uris in to_copy.items():
            if not plan.full_reason:
                changes = plan.spaces[space].differences
                draft.copy(space, {uri: changes.get(uri, {}) for uri in uris}, advance)
        return draft.seal(), embedded


def _embedded(
    plan: Plan, base: Build | None, space: Space, uris: Sequence[str], encoder: Encoder, advance: Advance
) -> Iterator[list[Point]]:
    """Batches of points of the release, and of other taxonomies as the published build has them.

    The next batch is embedded while the caller writes one.
    """
    others = set(plan.spaces[space].others)

    def embed(batch: list[str]) -> list[Point]:
        stored = base.fetch(space, [uri for uri in batch if uri in others]) if base and others else {}
        payloads = [
            rehashed(stored[uri], alias_weight=plan.release.alias_weight)
            if uri in stored
            else plan.release.payload(space, uri)
            for uri in batch
        ]
        names = [embedded_names(payload) for payload in payloads]
        vectors = encode_concepts(encoder, names, advance=advance)  # (n, d)
        return [Point(payload, vector.tolist()) for payload, vector in zip(payloads, vectors, strict=True)]

    with ThreadPoolExecutor(1, thread_name_prefix="skillsearch-embed") as aside:
        yield from in_order(aside, embed, batches(uris, _BATCH), ahead=2)


@contextmanager
def _timed(stage: str, seconds: dict[str, float]) -> Iterator[None]:
    """Note the seconds of a stage."""
    start = time.perf_counter()
    yield
    seconds[stage] = round(time.perf_counter() - start, 3)
