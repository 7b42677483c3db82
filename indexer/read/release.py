"""From what a command line names to a taxonomy with its overlay, and what is said of both."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from indexer.build import published_build
from indexer.cli.options import load_release, tell_release
from indexer.overlay import Overlay
from indexer.overlay_apply import apply_overlay
from indexer.read.esco import Release
from indexer.read.overlays import read_overlay
from indexer.read.plain import read_plain
from skillsearch.cli.console import stderr
from skillsearch.errors import ConfigurationError
from skillsearch.store.base import Store
from skillsearch.taxonomy.records import Taxonomy

__all__ = ["load_taxonomy", "overlaid"]


def load_taxonomy(
    esco: Sequence[Path] | None,
    plain: Path | None,
    *,
    sample: bool,
    name: str | None,
    version: str | None,
    language: str | None,
) -> Taxonomy:
    """Read the taxonomy that the options name, and say on standard error what was read and dropped.

    Raises:
        ConfigurationError: not exactly one of `esco`, `plain` and `sample` is given, or with it something
            that it tells itself.
        TaxonomyError: the taxonomy cannot be read.
    """
    if sum((bool(esco), plain is not None, sample)) != 1:
        raise ConfigurationError(
            "give one of --esco, once for each zip or folder, --taxonomy FILE, and --sample"
        )
    if plain is None:
        if name is not None or language is not None:
            raise ConfigurationError("--name and --language go with --taxonomy")
        if sample and version is not None:
            raise ConfigurationError("--taxonomy-version goes with --esco and --taxonomy")
        return load_release(esco, sample=sample, version=version).taxonomy
    release: Release = read_plain(plain, name=name, version=version, language=language or "en")
    tell_release(release)
    return release.taxonomy


def overlaid(
    taxonomy: Taxonomy, store: Store, path: Path | None, *, forget: bool
) -> tuple[Taxonomy, dict[str, Any] | None, tuple[str, ...]]:
    """Lay an overlay over a taxonomy, and say on standard error which of its entries have no effect.

    Args:
        taxonomy: as the release has it.
        store: has the overlay that was laid over the published version.
        path: a new overlay in place of that one.
        forget: whether to do without either.

    Returns:
        The taxonomy, the overlay as JSON-ready values, to be kept with the index, and a line for each
        entry that has no effect.

    Raises:
        ConfigurationError: `path` and `forget` are both given.
        TaxonomyError: the overlay cannot be read.
    """
    if path and forget:
        raise ConfigurationError("give one of --overlay and --no-overlay")
    published = published_build(store)
    part = published.info.part(taxonomy.name) if published else None
    if path:
        overlay = read_overlay(path)
    elif part is not None and part.overlay is not None and not forget:
        overlay = Overlay.from_dict(part.overlay)
        stderr().print(f"overlay: {overlay.source}, as it is published", markup=False)
    else:
        return taxonomy, None, ()
    done = apply_overlay(overlay, taxonomy)
    problems = tuple(map(str, done.problems))
    for problem in problems:
        stderr().print(f"overlay: {problem}", markup=False, soft_wrap=True)
    return done.taxonomy, overlay.to_dict(), problems
