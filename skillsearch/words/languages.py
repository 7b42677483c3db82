"""Languages of ESCO: the scripts that they are written in."""

from collections.abc import Iterable
from typing import Final

__all__ = ["scripts_of"]

_SCRIPTS: Final = {"ar": "ARABIC", "bg": "CYRILLIC", "el": "GREEK", "uk": "CYRILLIC"}
"""Of the languages that are not written in Latin letters; see `skillsearch.characters.script_of`."""


def scripts_of(languages: Iterable[str]) -> frozenset[str]:
    """The scripts of some languages, by their codes."""
    return frozenset(_SCRIPTS.get(language.partition("-")[0], "LATIN") for language in languages)
