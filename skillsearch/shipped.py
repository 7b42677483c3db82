"""Models that come in a package of their own, so that nobody has to train to begin.

A package registers a folder, such as ``skillsearch train`` or ``skillsearch export`` writes, under the
entry-point group ``skillsearch.models``.
"""

from importlib.metadata import entry_points
from pathlib import Path
from typing import Final

__all__ = ["MODELS", "shipped_folder", "shipped_models"]

MODELS: Final = "skillsearch.models"
"""The entry-point group; each entry is the path of a folder."""


def shipped_models() -> tuple[str, ...]:
    """The names of the models that are installed, the first the one that is used by default."""
    return tuple(sorted(entry.name for entry in entry_points(group=MODELS)))


def shipped_folder(name: str) -> Path | None:
    """The folder of models that are installed under a name; None where there are none."""
    found = tuple(entry_points(group=MODELS, name=name))
    return Path(found[0].load()) if found else None
