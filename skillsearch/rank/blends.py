"""Learned blends in a home, and which of them is active: what searches use where no setting names one.

```
<home>/blends/<name>.safetensors    blends that `skillsearch fit` learned
<home>/blends/ACTIVE                names of those that were activated, the active one last
```
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from skillsearch.errors import ConfigurationError, ModelError
from skillsearch.files import save

__all__ = ["activate", "active_blend", "deactivate", "new_blend"]

_FOLDER: Final = "blends"
_ACTIVE: Final = "ACTIVE"
_SUFFIX: Final = ".safetensors"
_KEPT: Final = 20
"""Activations that can be undone."""


def new_blend(home: Path) -> Path:
    """The file for a new blend of a home, named after the time."""
    return home / _FOLDER / f"blend-{datetime.now(UTC):%Y%m%dT%H%M%S%f}{_SUFFIX}"


def active_blend(home: Path) -> Path | None:
    """The file of the active blend; None where the fixed blend ranks.

    Raises:
        ModelError: the file with the names cannot be read, or names something that is no blend.
    """
    names = _names(home)
    return home / _FOLDER / f"{names[-1]}{_SUFFIX}" if names else None


def activate(home: Path, blend: Path) -> None:
    """Make a blend of the home the active one, from the next search on.

    Raises:
        ConfigurationError: it is not in the home's folder of blends.
        ModelError: the folder cannot be written.
    """
    if blend.parent.resolve() != (home / _FOLDER).resolve() or blend.suffix != _SUFFIX:
        raise ConfigurationError(
            f"{blend} is not a {_SUFFIX} file in {home / _FOLDER}, where active blends are"
        )
    _save(home, [*_names(home), blend.stem][-_KEPT:])


def deactivate(home: Path) -> Path | None:
    """Undo the last activation.

    Returns:
        What is active now; None for the fixed blend.

    Raises:
        ConfigurationError: no blend is active.
        ModelError: the folder cannot be written.
    """
    names = _names(home)
    if not names:
        raise ConfigurationError(f"no blend is active in {home}: there is nothing to undo")
    _save(home, names[:-1])
    return active_blend(home)


def _names(home: Path) -> list[str]:
    path = home / _FOLDER / _ACTIVE
    try:
        names = path.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read: {error}; delete it to use the fixed one") from error
    names = [name for name in names if name]
    for name in names:
        if Path(name).name != name or name.startswith(".") or not name.isprintable():
            raise ModelError(f"{path} names {name!r:.80}, which is no blend: delete it to use the fixed one")
    return names


def _save(home: Path, names: list[str]) -> None:
    save(home / _FOLDER / _ACTIVE, "".join(f"{name}\n" for name in names), ModelError)
