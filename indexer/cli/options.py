"""The options that name a release, and the lines that tell what was read of it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from indexer.read.release import Release
    from skillsearch.settings import Settings

__all__ = ["EscoOption", "SampleOption", "index_sample", "load_languages", "load_release", "tell_release"]

EscoOption = Annotated[
    list[Path] | None,
    typer.Option(help="A zip or folder of an ESCO release; repeat it for each.", show_default=False),
]
SampleOption = Annotated[bool, typer.Option("--sample", help="Use the sample taxonomy instead.")]


def load_release(esco: Sequence[Path] | None, *, sample: bool, version: str | None) -> "Release":
    """Read the release that the options name, and tell on standard error what was read.

    Raises:
        ConfigurationError: neither or both of `esco` and `sample` are given.
        TaxonomyError: the release cannot be read.
    """
    from indexer.read.esco import read_esco, read_sample

    _require_one(esco, sample=sample)
    release = read_esco(esco, version=version) if esco else read_sample()
    tell_release(release)
    return release


def load_languages(
    esco: Sequence[Path] | None, *, sample: bool, version: str | None
) -> "tuple[Release, ...]":
    """Read the release that the options name in each of its languages; see `load_release`."""
    from indexer.read.esco import read_sample
    from indexer.read.languages import read_languages

    _require_one(esco, sample=sample)
    releases = read_languages(esco, version=version) if esco else (read_sample(),)
    for release in releases:
        tell_release(release)
    return releases


def _require_one(esco: Sequence[Path] | None, *, sample: bool) -> None:
    from skillsearch.errors import ConfigurationError

    if bool(esco) == sample:
        raise ConfigurationError("give either --esco, once for each zip or folder, or --sample")


def tell_release(release: "Release") -> None:
    """Tell on standard error what was read, and which rows were skipped."""
    from skillsearch.cli.console import note

    taxonomy = release.taxonomy
    note(
        f"read {taxonomy}: {len(taxonomy.skills):,} skills, {len(taxonomy.occupations):,} occupations, "
        f"{len(taxonomy.relations):,} relations"
    )
    for text in release.notes:
        note(f"  {text}")
    for rows in release.skipped:
        note(f"  skipped {rows}" if rows.unit == "row" else f"  {rows}")


def index_sample(settings: "Settings") -> None:
    """Index the sample taxonomy where nothing is published, with a progress bar.

    Raises:
        ConfigurationError: something else is published.
        SkillSearchError: what a reindex raises.
    """
    from indexer.samples import ensure_sample
    from skillsearch.cli.progress import progress_bars

    with progress_bars() as progress:
        ensure_sample(settings, progress)
