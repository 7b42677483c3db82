"""A folder with both trained models and the manifest that says how they were made."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skillsearch.errors import ModelError
from skillsearch.models.device import Precision
from skillsearch.models.encoder import Encoder, EncoderIdentity
from skillsearch.models.reranker import Reranker

__all__ = ["ENCODER", "MANIFEST", "RERANKER", "SKILLSCOUT", "ModelPair", "locate_models"]

MANIFEST = "manifest.json"
ENCODER = "encoder"
RERANKER = "reranker"

SKILLSCOUT = "skillscout"
"""The preset of the published weights."""

_SKILLSCOUT_ENCODER = "talentguide/skillscout-large@6e1d756448e8d6a83b26794ee620638e01ba1a33"
_SKILLSCOUT_RERANKER = "talentguide/skillscout-reranker"


@dataclass(frozen=True, slots=True)
class ModelPair:
    """Where an encoder and its reranker are, and what they are called.

    `temperature` divides the reranker's logits before they become probabilities.
    """

    encoder: str
    reranker: str
    label: str | None = None
    temperature: float = 1.0

    def find_encoder(self) -> EncoderIdentity:
        """The encoder's files and what it embeds, without loading it."""
        return EncoderIdentity.find(self.encoder, label=self._labelled(ENCODER))

    def load_encoder(self, *, device: str | None, batch_size: int = 64) -> Encoder:
        """Load the encoder; always in float32, so that titles and the index are embedded alike."""
        return Encoder.load(self.encoder, label=self._labelled(ENCODER), device=device, batch_size=batch_size)

    def load_reranker(self, *, device: str | None, precision: Precision, batch_size: int = 64) -> Reranker:
        """Load the reranker in the precision asked for."""
        return Reranker.load(
            self.reranker,
            label=self._labelled(RERANKER),
            device=device,
            precision=precision,
            batch_size=batch_size,
        )

    def _labelled(self, part: str) -> str | None:
        return self.label and f"{self.label}-{part}"


def locate_models(models: str) -> ModelPair:
    """Find the two models of a folder that `skillsearch train` wrote, or of the preset ``skillscout``.

    Raises:
        ModelError: there is no such folder, its training was not finished, or its calibration is no
            positive number.
    """
    if models == SKILLSCOUT:
        return ModelPair(_SKILLSCOUT_ENCODER, _SKILLSCOUT_RERANKER)
    folder = Path(models).expanduser()
    if not folder.is_dir():
        raise ModelError(
            f"no models at {folder}: train them with `skillsearch train`, "
            f"or name the published ones with --models {SKILLSCOUT}"
        )
    manifest = _read_manifest(folder)
    return ModelPair(
        str(folder / ENCODER),
        str(folder / RERANKER),
        str(manifest.get("preset") or folder.name),
        _temperature(manifest, folder / MANIFEST),
    )


def _temperature(manifest: dict[str, Any], path: Path) -> float:
    calibration = manifest.get("calibration") or {}
    found = calibration.get("temperature", 1.0) if isinstance(calibration, dict) else calibration
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    if not (is_number and math.isfinite(found) and found > 0):
        raise ModelError(
            f"{path}: calibration temperature {found!r}, expected a positive number: "
            "train the models again, or leave the calibration out"
        )
    return float(found)


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError(
            f"{folder} has no {MANIFEST}: it is not a folder that `skillsearch train` finished"
        ) from error
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read: {error}") from error
    if not isinstance(manifest, dict):
        raise ModelError(f"{path} does not hold a JSON object")
    return manifest
