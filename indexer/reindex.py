"""The use case: move the index to a release of a taxonomy.

A release is read, its overlay applied, the lock taken, the plan made and guarded; then, unless only the
plan was asked for, the encoder is loaded and the plan executed: build, check, publish.
"""

import os
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from indexer.build import BuildReport, execute, published_build
from indexer.checks import MARGIN
from indexer.golden import read_golden
from indexer.guards import refusal
from indexer.migration import require_suffix, write_migration
from indexer.overlay import Overlaid, Overlay, apply_overlay
from indexer.plan import Plan, make_plan
from indexer.read.esco import read_esco, read_sample
from indexer.read.overlays import read_overlay
from indexer.read.plain import PlainForm, read_plain
from indexer.read.release import Release
from skillsearch.errors import ConfigurationError, TaxonomyError
from skillsearch.models.pair import locate_models
from skillsearch.progress import Progress, silent
from skillsearch.rank.token_cache import TOKENS, TokenCache
from skillsearch.settings import Runtime, load_settings
from skillsearch.store.base import Build, Store
from skillsearch.tasks.preparation import prepare
from skillsearch.taxonomy.records import Taxonomy

__all__ = ["ReindexReport", "ReindexRequest", "reindex"]


class ReindexRequest(BaseModel):
    """A release to index, and how; one of `esco`, `taxonomy` and `sample` names the release.

    Attributes:
        models: folder of the models, or ``skillscout``.
        device: ``cpu``, ``cuda`` or ``mps``; by default the best there is.
        runtime: ``onnx`` or ``torch``; see `skillsearch.models.runtime.select_runtime`.
        threads: of a model on CPUs; see `cpu_threads`.
        batch_size: texts in a forward pass.
        esco: zips or folders of a release of ESCO.
        taxonomy: a table or JSON file of another taxonomy.
        columns: the `taxonomy`'s own names of columns, by ours; see `indexer.read.plain.PlainForm`.
        uris: ``given`` by the `taxonomy`, or made of its ``labels``.
        sample: index the sample taxonomy.
        name: of the `taxonomy`; by default from its file name.
        version: of the release; by default from its file name.
        language: of the `taxonomy`; by default ``en``.
        overlay: a TOML file or a table, or ``none``; by default the published one is kept.
        dry_run: only make the plan.
        report: CSV or JSON Lines file to write, with one row for every URI.
        golden: a table of titles with expected skills; by default they are taken from the taxonomy.
        margin: recall that may be lost against the published build.
        allow_downgrade: accept a release that is older than the published one.
        accept_removals: concepts that may vanish; by default 5% of those published.
        full: embed everything again.
        home: folder in which what searches learn of an index is kept, such as the tokens of its labels where
            the models have a reranker that reads them. None leaves it to the first searches.
        nice: how far to give way to other programs, 1 to 19 as in `os.nice`; by default not at all.

    Raises:
        ConfigurationError: the fields do not fit together.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    models: str
    device: str | None = None
    runtime: Runtime | None = None
    threads: Annotated[int, Field(gt=0)] | None = None
    batch_size: Annotated[int, Field(gt=0)] = 64
    esco: tuple[Path, ...] = ()
    taxonomy: Path | None = None
    columns: Mapping[str, str] = Field(default_factory=dict)
    uris: Literal["given", "labels"] = "given"
    sample: bool = False
    name: str | None = None
    version: str | None = None
    language: str | None = None
    overlay: Literal["none"] | Path | None = None
    dry_run: bool = False
    report: Path | None = None
    golden: Path | None = None
    margin: Annotated[float, Field(ge=0, le=1)] = MARGIN
    allow_downgrade: bool = False
    accept_removals: Annotated[int, Field(ge=0)] | None = None
    full: bool = False
    home: Path | None = None
    nice: Annotated[int, Field(ge=0, le=19)] | None = None

    @model_validator(mode="after")
    def _require_consistency(self) -> Self:
        if sum((bool(self.esco), self.taxonomy is not None, self.sample)) != 1:
            raise ConfigurationError(
                "give one of --esco, once for each zip or folder, --taxonomy FILE, and --sample"
            )
        own = ("name", "language", "columns", "uris")
        if self.taxonomy is None and any(getattr(self, name) not in (None, {}, "given") for name in own):
            raise ConfigurationError(
                "--column and --set name=…, language=… and uris=… go with --taxonomy, whose they are"
            )
        if self.sample and self.version is not None:
            raise ConfigurationError("--set version=… goes with --esco and --taxonomy")
        if self.report:
            require_suffix(self.report)
        return self


@dataclass(frozen=True)
class ReindexReport:
    """Report of a reindex: what it read, planned and published.

    Attributes:
        release: as it was read, with the rows that were skipped.
        plan: what was to do.
        kept_overlay: file name of the published overlay, where it was applied to this release too.
        refusal: why the release would be refused; set only after a dry run.
        published: what was published; None after a dry run.
    """

    release: Release
    plan: Plan
    kept_overlay: str | None = None
    refusal: TaxonomyError | None = None
    published: BuildReport | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values: the plan alone after a dry run, else what was published, with the plan."""
        if self.published is None:
            return self.plan.to_dict()
        return {"plan": self.plan.to_dict(), **self.published.to_dict()}


def reindex(
    request: ReindexRequest,
    store: Store,
    progress: Progress = silent,
    *,
    on_read: Callable[[Release], object] = lambda _release: None,
) -> ReindexReport:
    """Move the index to a release; searches go on meanwhile, and see it once it is published.

    Args:
        request: names the release.
        store: of the index; its lock is held from the plan on, except in a dry run.
        progress: hears of the stages ``read``, ``plan``, ``load the encoder``, ``embed``, ``write``,
            ``check``, ``publish``, ``embed tokens`` and ``prepare searches``.
        on_read: called with the release and its skipped rows, before it may be refused.

    Raises:
        TaxonomyError: the release, overlay or golden set cannot be read, or the release is refused.
        ModelError: the models cannot be found or loaded.
        ConfigurationError: the report cannot be written.
        BuildCheckError: the new build failed its checks and was not published.
        StoreLockedError: another process is writing to the store.
        StoreError: the store failed; what is published is untouched.
    """
    if request.nice:
        _be_nice(request.nice)
    pair = locate_models(request.models)
    golden = read_golden(request.golden) if request.golden else None
    advance = progress("read", 1)
    release = _read(request)
    advance(1)
    on_read(release)
    with nullcontext() if request.dry_run else store.lock(f"reindex of {release.taxonomy}"):
        base = published_build(store)
        overlay = _overlay(request, release.taxonomy, base)
        overlaid = apply_overlay(overlay, release.taxonomy) if overlay else Overlaid(release.taxonomy, ())
        plan = make_plan(
            overlaid.taxonomy,
            pair.find_encoder(),
            base,
            overlay=overlay.to_dict() if overlay else None,
            overlay_problems=overlaid.problems,
            full=request.full,
            progress=progress,
        )
        if request.report:
            write_migration(plan, request.report)
        report = ReindexReport(release, plan, overlay.source if overlay and not request.overlay else None)
        refused = refusal(
            plan, allow_downgrade=request.allow_downgrade, accept_removals=request.accept_removals
        )
        if request.dry_run:
            return replace(report, refusal=refused)
        if refused:
            raise refused
        advance = progress("load the encoder", 1)
        encoder = pair.load_encoder(
            device=request.device,
            batch_size=request.batch_size,
            runtime=request.runtime,
            threads=request.threads,
        )
        advance(1)
        built = execute(plan, encoder, store, golden=golden, margin=request.margin, progress=progress)
        if request.home:
            if pair.distilled:
                tokens = TokenCache(encoder, request.home / TOKENS)
                tokens.of(store.published(), progress=progress)
            advance = progress("prepare searches", 1)
            prepare(store, encoder, load_settings(home=request.home))
            advance(1)
        return replace(report, published=built)


def _read(request: ReindexRequest) -> Release:
    if request.taxonomy is not None:
        return read_plain(
            request.taxonomy,
            name=request.name,
            version=request.version,
            language=request.language or "en",
            form=PlainForm(request.columns, request.uris),
        )
    return read_esco(request.esco, version=request.version) if request.esco else read_sample()


def _overlay(request: ReindexRequest, taxonomy: Taxonomy, base: Build | None) -> Overlay | None:
    """The overlay that was given, or else the one that is published with this taxonomy."""
    if request.overlay == "none":
        return None
    if request.overlay is not None:
        return read_overlay(request.overlay)
    part = base.info.part(taxonomy.name) if base else None
    return Overlay.from_dict(part.overlay) if part and part.overlay is not None else None


def _be_nice(nice: int) -> None:
    """Lower the priority of this process; threads inherit it."""
    if not hasattr(os, "nice"):
        raise ConfigurationError("--nice: this system has no such priorities, leave it out")
    os.nice(nice)
