"""Reader of one ESCO release in several languages: a taxonomy for each, which name the same concepts."""

from collections.abc import Sequence
from pathlib import Path

from indexer.read.esco import language_of, read_esco
from indexer.read.release import Release
from indexer.read.release_files import table_names

__all__ = ["read_languages"]


def read_languages(paths: Sequence[Path], *, version: str | None = None) -> tuple[Release, ...]:
    """Read one release in every language that its files are in.

    Files without a language, such as the relations of v1.1, belong to each.

    Args:
        paths: zips and folders, of one language or of several.
        version: by default from the file names, which tell the same one.

    Returns:
        A release for each language, in the order in which the languages were given.

    Raises:
        TaxonomyError: a language is there twice, or in part, or the names tell two versions; and what
            `read_esco` raises.
    """
    paths = [path if path.name else path.resolve() for path in paths]
    languages = dict.fromkeys(filter(None, map(language_of, table_names(paths))))
    return tuple(read_esco(paths, version=version, language=language) for language in languages or (None,))
