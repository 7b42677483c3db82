"""How an encoder's tokens are read by late interaction: a small file in the encoder's folder."""

import json
import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final

from skillsearch.errors import ModelError
from skillsearch.rank.fuse import INTERACTIONS, Interaction

__all__ = ["INTERACTION_FILE", "InteractionSettings", "read_interaction", "write_interaction"]

INTERACTION_FILE: Final = "late_interaction.json"
"""In the encoder's folder, and so part of its fingerprint."""


@dataclass(frozen=True, slots=True)
class InteractionSettings:
    """What `skillsearch.rank.fuse.late_interaction` is called with.

    Attributes:
        interaction: how the tokens meet.
        temperature: of the softmax over target tokens; above 0.
        length_normalised: divide by the number of query tokens; it changes no order of skills.
    """

    interaction: Interaction = "soft"
    temperature: float = 1.0
    length_normalised: bool = False

    def __str__(self) -> str:
        """Such as ``soft, temperature 1``."""
        by_length = ", by length" if self.length_normalised else ""
        return f"{self.interaction}, temperature {self.temperature:g}{by_length}"


def read_interaction(folder: Path) -> InteractionSettings:
    """Read how an encoder's tokens are to be read; the defaults where its folder does not say.

    Raises:
        ModelError: the file is damaged, or a value is not one of those expected.
    """
    path = folder / INTERACTION_FILE
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return InteractionSettings()
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read: {error}; {_REMEDY}") from error
    if not isinstance(values, dict):
        raise ModelError(f"{path} does not hold a JSON object; {_REMEDY}")
    unknown = sorted(set(values) - {field.name for field in fields(InteractionSettings)})
    if unknown:
        raise ModelError(f"{path} has the unknown name {unknown[0]!r}; {_REMEDY}")
    settings = InteractionSettings(**values)
    _check(settings, path)
    return settings


def write_interaction(folder: Path, settings: InteractionSettings) -> None:
    """Say in an encoder's folder how its tokens are to be read.

    It changes the encoder's fingerprint: write it before an index is built.

    Raises:
        ModelError: a value is not one of those expected.
    """
    path = folder / INTERACTION_FILE
    _check(settings, path)
    path.write_text(json.dumps(asdict(settings)) + "\n", encoding="utf-8")


_REMEDY = (
    "expected interaction, temperature and length_normalised: write it again, or remove it for the defaults"
)


def _check(settings: InteractionSettings, path: Path) -> None:
    temperature: object = settings.temperature
    if settings.interaction not in INTERACTIONS:
        raise ModelError(
            f"{path}: interaction {settings.interaction!r}, expected one of {', '.join(INTERACTIONS)}"
        )
    is_number = isinstance(temperature, int | float) and not isinstance(temperature, bool)
    if not (is_number and 0 < settings.temperature < math.inf):
        raise ModelError(f"{path}: temperature {temperature!r}, expected a number above 0")
    if not isinstance(settings.length_normalised, bool):
        raise ModelError(f"{path}: length_normalised {settings.length_normalised!r}, expected true or false")
