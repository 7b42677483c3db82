"""The calibration of a pair of models: what turns the scores of a search into probabilities.

It is a file beside the models, written when they are trained, or by ``skillsearch calibrate``.
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from skillsearch.errors import ModelError
from skillsearch.files import save
from skillsearch.models.hub import ModelFolder
from skillsearch.values import read_values

__all__ = ["CALIBRATION", "Calibration", "Calibrator", "read_calibration", "write_calibration"]

_logger = logging.getLogger(__name__)

CALIBRATION: Final = "calibration.json"
"""In the folder of both models."""

_REMEDY: Final = "write it again with `skillsearch calibrate`, or remove it"

Weight = Annotated[float, Field(allow_inf_nan=False)]


class Calibrator(BaseModel):
    """A logistic model of whether a candidate is right; see `skillsearch.rank.probability`.

    Attributes:
        weights: one for each feature of a candidate.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    weights: tuple[Weight, ...]


class Calibration(BaseModel):
    """The calibrators of a pair of models.

    Attributes:
        encoder: its fingerprint.
        rerankers: their fingerprints, by name.
        fitted_on: what they were fitted on, in words.
        tasks: a calibrator for each task, and for each reranker that orders its candidates; ``none`` for
            the order of the vector search.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    encoder: str
    rerankers: Mapping[str, str]
    fitted_on: str
    tasks: Mapping[str, Mapping[str, Calibrator]]

    def fits(self, encoder: ModelFolder, rerankers: Mapping[str, ModelFolder]) -> bool:
        """Whether it was made for this encoder, and for no other rerankers of these names."""
        found = {name: folder.fingerprint for name, folder in rerankers.items()}
        same = all(self.rerankers.get(name, value) == value for name, value in found.items())
        return encoder.fingerprint == self.encoder and same


def read_calibration(
    folder: Path, encoder: ModelFolder, rerankers: Mapping[str, ModelFolder]
) -> Calibration | None:
    """The calibration of models in a folder; None where there is none, or one of other models.

    Raises:
        ModelError: the file is damaged.
    """
    try:
        found: Calibration = read_values(folder / CALIBRATION, Calibration, ModelError, remedy=_REMEDY)
    except FileNotFoundError:
        return None
    if not found.fits(encoder, rerankers):
        _logger.warning("%s is of other models and is not used: %s", folder / CALIBRATION, _REMEDY)
        return None
    return found


def write_calibration(folder: Path, calibration: Calibration) -> None:
    """Write the calibration of the models of a folder.

    Raises:
        ModelError: it cannot be written.
    """
    save(folder / CALIBRATION, calibration.model_dump_json(indent=2) + "\n", ModelError)
