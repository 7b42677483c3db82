"""The command-line options that name a release, and reading the release they name."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from indexer.read.esco import Release

__all__ = ["DeviceOption", "EscoOption", "SampleOption", "VersionOption", "load_release", "tell_release"]

EscoOption = Annotated[
    list[Path] | None,
    typer.Option(help="A zip or folder of an ESCO release; give it once for each.", show_default=False),
]
SampleOption = Annotated[bool, typer.Option("--sample", help="Use the sample taxonomy instead.")]
VersionOption = Annotated[
    str | None, typer.Option(help="The release's version, where its file name does not tell.")
]
DeviceOption = Annotated[str | None, typer.Option(help="cpu, cuda, mps.", show_default="the best there is")]


def load_release(esco: Sequence[Path] | None, *, sample: bool, version: str | None) -> "Release":
    """Read the release that the options name, and say on standard error what was read and dropped.

    Raises:
        ConfigurationError: neither or both of `esco` and `sample` are given.
        TaxonomyError: the release cannot be read.
    """
    from indexer.read.esco import read_esco, read_sample
    from skillsearch.errors import ConfigurationError

    if bool(esco) == sample:
        raise ConfigurationError("give either --esco, once for each zip or folder, or --sample")
    release = read_esco(esco, version=version) if esco else read_sample()
    tell_release(release)
    return release


def tell_release(release: "Release") -> None:
    """Say on standard error what was read and dropped."""
    from skillsearch.cli.console import stderr

    taxonomy, console = release.taxonomy, stderr()
    console.print(
        f"read {taxonomy}: {len(taxonomy.skills):,} skills, {len(taxonomy.occupations):,} occupations, "
        f"{len(taxonomy.relations):,} relations"
    )
    for drop in release.dropped:
        console.print(
            f"  dropped {drop.count:,} rows of {drop.file}: {drop.reason} ({drop.examples[0]})", markup=False
        )
