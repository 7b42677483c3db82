"""A new version of the index: planned, built next to the published one, checked, published."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from indexer.checks import MARGIN, check_points, check_quality
from indexer.embed import points
from indexer.golden import Golden
from indexer.plan import Plan, make_plan
from indexer.target import Target
from skillsearch.errors import BuildCheckError, IndexNotFoundError, IndexOutdatedError, StoreError
from skillsearch.models.encoder import Encoder
from skillsearch.store.base import SPACES, Build, Hashes, Payload, Space, Store, batches
from skillsearch.store.info import BuildInfo, State
from skillsearch.store.schema import rehashed
from skillsearch.taxonomy.records import Taxonomy

__all__ = ["Progress", "ReindexReport", "carry_out", "published_build", "reindex"]

_FETCHED = 256
_FARTHEST: tuple[State, ...] = ("failed", "unfinished", "sealed", "ready")


@dataclass(frozen=True)
class Progress:
    """What is told while it runs: each stage as it begins with its size, and concepts as they are done."""

    stage: Callable[[str, int], object] = lambda _name, _total: None
    advance: Callable[[int], object] = lambda _count: None


@dataclass(frozen=True)
class ReindexReport:
    """What was published.

    Attributes:
        build: the build that is published now.
        embedded: concepts that were embedded in this run.
        is_new: False where it was published before, and nothing was to do.
        seconds: by stage.
        bytes_on_disk: where the store can tell.
    """

    build: BuildInfo
    embedded: int
    is_new: bool
    seconds: Mapping[str, float] = field(default_factory=dict)
    bytes_on_disk: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON-ready values."""
        return asdict(self) | {"build": self.build.to_dict(), "seconds": dict(self.seconds)}


def reindex(taxonomy: Taxonomy, encoder: Encoder, store: Store) -> ReindexReport:
    """Hold the lock, plan, and carry out the plan, with the defaults of both.

    Raises StoreLockedError if another process holds the lock, and what `make_plan` and `carry_out` raise.
    """
    target = Target(taxonomy, alias_weight=encoder.alias_weight)
    with store.lock(f"reindex of {taxonomy}"):
        plan = make_plan(target, encoder.identity, published_build(store))
        return carry_out(plan, encoder, store)


def published_build(store: Store) -> Build | None:
    """The published build; None if there is none, or if an older program wrote it."""
    try:
        return store.published()
    except (IndexNotFoundError, IndexOutdatedError):
        return None


def carry_out(
    plan: Plan,
    encoder: Encoder,
    store: Store,
    *,
    golden: Golden | None = None,
    margin: float = MARGIN,
    progress: Progress | None = None,
) -> ReindexReport:
    """Build what was planned, check it, and publish it.

    Until the last step the published build is untouched. A build that was begun for the same content
    is gone on with, wherever it was stopped; a build that fails its checks is kept for inspection.

    Args:
        plan: what to do; made from what is published now.
        encoder: the one of the plan.
        store: where to build.
        golden: titles with expected skills, in place of those that the taxonomy gives.
        margin: recall that may be lost against the published build.
        progress: is told what happens.

    Raises:
        BuildCheckError: the new build is not what it should be; it was not published.
        TaxonomyError: the golden set is about other skills.
        StoreError: the store failed; what was published is untouched.
    """
    progress = progress or Progress()
    clock = _Clock()
    base = published_build(store)
    _require_base(plan, base)
    if plan.is_published and base is not None and not plan.is_forced:
        return ReindexReport(base.info, 0, False, {}, store.size(base.info.name))
    if golden is not None:
        golden.require_any(plan.spaces["skills"].hashes, base)
    info = _begun(plan, store) or plan.info
    embedded = 0
    if info.state == "unfinished":
        with clock("embed and write"):
            build, embedded = _write(plan, info, encoder, store, base, progress)
    else:
        build = store.open(info.name)
    try:
        with clock("check"):
            progress.stage("check", sum(len(plan.spaces[space].hashes) for space in SPACES))
            check_points(build, {space: plan.spaces[space].hashes for space in SPACES}, progress.advance)
            quality = check_quality(build, base, encoder, golden, margin)
    except BuildCheckError as error:
        store.record(replace(build.info, state="failed", problem=str(error)))
        raise
    with clock("publish"):
        progress.stage("publish", 1)
        done = replace(
            build.info,
            state="ready",
            problem="",
            quality=quality,
            replaced=base.info.name if base else None,
        )
        store.record(done)
        _require_base(plan, published_build(store))
        store.publish(done.name)
        progress.advance(1)
    return ReindexReport(done, embedded, True, clock.seconds, store.size(done.name))


def _require_base(plan: Plan, published: Build | None) -> None:
    """Check that what the plan was made from is still published; a lost lock may have let others in."""
    if (published.info.name if published else None) != (plan.base.name if plan.base else None):
        raise StoreError("another build was published since the plan was made: give the command again")


def _begun(plan: Plan, store: Store) -> BuildInfo | None:
    """The build of the same content that came farthest, if there is one; of several the newest.

    Where a complete build was asked for, only one that was begun after the published one, and that no
    check has found wrong.
    """
    published = plan.base.name if plan.base else ""
    found = [info for info in store.builds() if info.digest == plan.info.digest and info.name != published]
    if plan.is_forced:
        since = plan.base.created if plan.base else ""
        found = [info for info in found if info.created > since and info.state != "failed"]
    return max(found, key=lambda info: (_FARTHEST.index(info.state), info.created), default=None)


def _write(
    plan: Plan, info: BuildInfo, encoder: Encoder, store: Store, base: Build | None, progress: Progress
) -> tuple[Build, int]:
    """Fill a draft with what it does not have yet, and seal it; the number of concepts embedded."""
    embedded = 0
    with closing(store.draft(info, None if plan.complete else base)) as draft:
        missing = {space: _Missing(plan, space, draft.written(space)) for space in SPACES}
        progress.stage("embed", sum(len(found.embedded) for found in missing.values()))
        for space, found in missing.items():
            payloads = _payloads(plan, base, space, found.embedded, encoder.alias_weight)
            for batch in points(payloads, encoder, progress.advance):
                draft.upsert(space, batch)
                embedded += len(batch)
        progress.stage("write", sum(len(found.copied) for found in missing.values()))
        for space, found in missing.items():
            if not plan.complete:
                changes = plan.spaces[space].differences
                draft.copy(space, {uri: changes.get(uri, {}) for uri in found.copied}, progress.advance)
        return draft.seal(), embedded


class _Missing:
    """What a draft lacks of a space: URIs to embed, and URIs to copy."""

    def __init__(self, plan: Plan, space: Space, written: Mapping[str, Hashes]) -> None:
        hashes = plan.spaces[space].hashes
        self.embedded = [uri for uri in plan.to_embed(space) if written.get(uri) != hashes[uri]]
        self.copied = [uri for uri in plan.to_copy(space) if written.get(uri) != hashes[uri]]


def _payloads(
    plan: Plan, base: Build | None, space: Space, uris: Sequence[str], alias_weight: float
) -> Iterator[Payload]:
    """From the release, and those of other taxonomies from the published build."""
    others = set(plan.spaces[space].others)
    for some in batches(uris, _FETCHED):
        stored = base.fetch(space, [uri for uri in some if uri in others]) if base and others else {}
        for uri in some:
            if uri in stored:
                yield rehashed(stored[uri], alias_weight=alias_weight)
            else:
                yield plan.target.payload(space, uri)


class _Clock:
    """Seconds by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[stage] = round(time.perf_counter() - start, 3)
