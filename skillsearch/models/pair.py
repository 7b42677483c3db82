"""A folder with both trained models: where they are, and what the training noted of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

from skillsearch.errors import ModelError
from skillsearch.files import recover_folder
from skillsearch.models.hub import FIRST, ModelFolder, resolve_model
from skillsearch.models.onnx import OnnxEncoder
from skillsearch.models.protocols import Encoder, PairScorer
from skillsearch.models.runtime import load_encoder, load_pair_scorer
from skillsearch.models.token_scorer import TokenScorer, load_token_scorer
from skillsearch.settings import Precision, RerankerName, Runtime
from skillsearch.shipped import shipped_folder
from skillsearch.values import read_values

__all__ = [
    "DISTILLED",
    "ENCODER",
    "RECORD",
    "RERANKER",
    "SKILLSCOUT",
    "ModelPair",
    "TrainingRecord",
    "locate_models",
]

ENCODER: Final = "encoder"
RERANKER: Final = "reranker"
DISTILLED: Final = "distilled"
"""Folders of the parts."""

RECORD: Final = "manifest.json"
"""The record of the training, written last: the sign that the folder is complete."""

SKILLSCOUT: Final = "skillscout"
"""The preset of the published weights."""

_SKILLSCOUT_ENCODER = "talentguide/skillscout-large@6e1d756448e8d6a83b26794ee620638e01ba1a33"
_SKILLSCOUT_RERANKER = f"talentguide/skillscout-reranker@{FIRST}"


class Calibration(BaseModel):
    """Calibration of the reranker's probabilities; see `trainer.pair.calibration`."""

    model_config = ConfigDict(frozen=True, extra="allow")

    temperature: float = Field(default=1.0, gt=0, allow_inf_nan=False, strict=True)


class TrainingRecord(BaseModel):
    """The part of a training's record that a search or an evaluation reads.

    Attributes:
        preset: names the models.
        calibration: of the reranker.
        held_out_occupations: URIs that were kept out of the training, to report on.
        validation_occupations: URIs that chose between checkpoints.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    preset: str | None = None
    calibration: Calibration = Calibration()
    held_out_occupations: tuple[str, ...] = ()
    validation_occupations: tuple[str, ...] = ()

    @field_validator("calibration", mode="before")
    @classmethod
    def _calibrated(cls, value: object) -> object:
        """Nothing where the training had no reranker."""
        return {} if value is None else value


@dataclass(frozen=True, slots=True)
class ModelPair:
    """An encoder and its rerankers by folder or hub id, and the record of their training.

    Attributes:
        encoder: the encoder.
        reranker: the cross-encoder.
        record: of the training.
        label: what to call them.
        distilled: the distilled cross-encoder; None where there is none.
    """

    encoder: str
    reranker: str
    record: TrainingRecord
    label: str | None = None
    distilled: str | None = None

    @property
    def temperature(self) -> float:
        """The temperature that divides the reranker's logits before they become probabilities."""
        return self.record.calibration.temperature

    def find_encoder(self) -> ModelFolder:
        """The encoder's files and manifest, without loading it.

        Raises:
            ModelError: it cannot be found.
        """
        return resolve_model(self.encoder, label=self._labelled(ENCODER))

    def load_encoder(
        self,
        *,
        device: str | None = None,
        batch_size: int = 64,
        runtime: Runtime | None = None,
        threads: int | None = None,
    ) -> Encoder:
        """Load the encoder; see `skillsearch.models.runtime.load_encoder`.

        Raises:
            ModelError: it cannot be found or loaded.
        """
        return load_encoder(
            self.encoder,
            label=self._labelled(ENCODER),
            device=device,
            batch_size=batch_size,
            runtime=runtime,
            threads=threads,
        )

    def load_reranker(
        self,
        *,
        device: str | None = None,
        precision: Precision | None = None,
        batch_size: int = 64,
        runtime: Runtime | None = None,
        threads: int | None = None,
    ) -> PairScorer:
        """Load the reranker; see `skillsearch.models.runtime.load_pair_scorer`.

        Raises:
            ModelError: it cannot be found or loaded, or does not have three classes.
        """
        return load_pair_scorer(
            self.reranker,
            label=self._labelled(RERANKER),
            device=device,
            precision=precision,
            batch_size=batch_size,
            runtime=runtime,
            threads=threads,
        )

    def load_distilled(self, encoder: Encoder, *, threads: int | None = None) -> TokenScorer:
        """Load the distilled cross-encoder; see `skillsearch.models.token_scorer.load_token_scorer`.

        Raises:
            ModelError: there is none, or it cannot be loaded, or is of another encoder.
        """
        if self.distilled is None:
            raise ModelError(
                f"{self.label or self.encoder} has no distilled reranker: train the models again, or set "
                "SKILLSEARCH_RERANK to cross-encoder"
            )
        return load_token_scorer(self.distilled, encoder, label=self._labelled(DISTILLED), threads=threads)

    def default_reranker(self, encoder: Encoder) -> RerankerName:
        """What reranks by default: the distilled one with the ONNX runtime, where there is one."""
        return "distilled" if self.distilled and isinstance(encoder, OnnxEncoder) else "cross-encoder"

    def _labelled(self, part: str) -> str | None:
        return self.label and f"{self.label}-{part}"


def locate_models(models: str) -> ModelPair:
    """Find the models of a folder that `skillsearch train` wrote, of a package, or of ``skillscout``.

    Args:
        models: a folder, the name of the models of an installed package, or ``skillscout``.

    Raises:
        ModelError: there is no such folder, its training was not finished, or its record is damaged.
    """
    if models == SKILLSCOUT:
        return ModelPair(_SKILLSCOUT_ENCODER, _SKILLSCOUT_RERANKER, TrainingRecord())
    folder = shipped_folder(models) or Path(models).expanduser()
    recover_folder(folder)
    if not folder.is_dir():
        raise ModelError(
            f"no models at {folder}: install those that are trained (pip install skillsearch-compact, or "
            "./weights of the repository), train your own with `skillsearch train`, or set "
            f"SKILLSEARCH_MODELS to {SKILLSCOUT}, the published ones"
        )
    record = _read_record(folder)
    distilled = folder / DISTILLED
    return ModelPair(
        str(folder / ENCODER),
        str(folder / RERANKER),
        record,
        record.preset or folder.name,
        str(distilled) if distilled.is_dir() else None,
    )


def _read_record(folder: Path) -> TrainingRecord:
    try:
        return read_values(folder / RECORD, TrainingRecord, ModelError, remedy="train the models again")
    except FileNotFoundError as error:
        raise ModelError(
            f"{folder} has no {RECORD}: it is not a folder that `skillsearch train` finished"
        ) from error
