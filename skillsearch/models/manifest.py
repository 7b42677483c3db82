"""The manifest of a model: what has to be known to use it, as its folder tells it.

A model trained here has one file, ``skillsearch.json``, beside its weights. Folders of earlier
versions have ``skill_views.json`` and ``late_interaction.json`` in its place, and published models have
neither: what is missing there is read from the files of sentence-transformers, or has its default.
"""

import json
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import from_json

from skillsearch.errors import ModelError
from skillsearch.files import save
from skillsearch.values import check_values, read_values

__all__ = [
    "EXPORT",
    "MANIFEST_FILE",
    "Agreement",
    "ExportKind",
    "ExportedFile",
    "Interaction",
    "ModelExport",
    "ModelManifest",
    "counted_manifest",
    "read_manifest",
    "write_manifest",
]

MANIFEST_FILE: Final = "skillsearch.json"
"""In the model's folder, and so part of its fingerprint, but for its `export`."""

EXPORT: Final = "onnx"
"""Folder of the exported files, in the model's; no part of its fingerprint."""

ExportKind = Literal["float32", "packed", "int8"]
"""How an exported file counts and is stored: float32; float32 whose weights are stored as int8; or int8."""

_EARLIER: Final = {"skill_views.json": None, "late_interaction.json": "interaction"}
_REMEDY = "write it again with `skillsearch train`, or remove it for the defaults"


class Interaction(BaseModel):
    """Settings of late interaction over the encoder's tokens; see `skillsearch.rank.interaction`.

    Attributes:
        temperature: of the softmax over target tokens.
        length_normalised: divide by the number of query tokens; it changes no order of skills.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    temperature: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    length_normalised: bool = False
    interaction: Literal["soft"] = "soft"

    def __str__(self) -> str:
        """Such as ``soft, temperature 1``."""
        return f"soft, temperature {self.temperature:g}"


class Agreement(BaseModel):
    """How far an exported file agrees with the safetensors, on titles and skills of a taxonomy.

    Attributes:
        difference: largest difference of any number of a vector or logit.
        cosine: lowest cosine of a text's two vectors; None for a reranker.
        rank_correlation: Spearman's, of a title's skills, mean over the titles.
        top_10: share of the ten best skills that stay among them, mean.
        top_200: the same of the 200 best; None where no title has so many.
        ndcg_loss: nDCG@10 that is lost; negative where some is won.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    difference: float
    cosine: float | None = None
    rank_correlation: float
    top_10: float
    top_200: float | None = None
    ndcg_loss: float


class ExportedFile(BaseModel):
    """A file of weights for ONNX Runtime: its name in the folder of the export, its digest, its agreement."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    sha256: str
    agreement: Agreement


class ModelExport(BaseModel):
    """What `skillsearch export` made of a model.

    Attributes:
        of: the fingerprint of the safetensors. An index that they built can be searched with the export,
            and the other way round.
        measured_on: taxonomy, titles and skills of the agreement, in words.
        files: by kind.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    of: str
    measured_on: str
    files: dict[ExportKind, ExportedFile]


class ModelManifest(BaseModel):
    """The facts about a model that its folder holds.

    Attributes:
        dimension: numbers in a vector; 0 where no file tells, and for a reranker.
        max_length: tokens of a text or pair; longer ones are cut. None for the default of its kind.
        alias_weight: how much the mean of a skill's aliases counts beside its label.
        languages: codes of those that it was trained on, the first of them that of its figures; empty
            where no file tells.
        interaction: how tokens are read by late interaction.
        temperature: of a reranker: divides its logits before they become probabilities.
        export: the files for ONNX Runtime, where there are some.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dimension: int = Field(default=0, ge=0)
    max_length: int | None = Field(default=None, gt=0)
    alias_weight: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    languages: tuple[str, ...] = ()
    interaction: Interaction = Interaction()
    temperature: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    export: ModelExport | None = None


def read_manifest(folder: Path) -> ModelManifest:
    """Read the manifest of a model, of this or an earlier version.

    Raises:
        ModelError: a file is damaged, or a value is not one of those expected.
    """
    path = folder / MANIFEST_FILE
    values = _read(path)
    if values is None:
        values = {"dimension": _dimension(folder)}
        for name, part in _EARLIER.items():
            found = _read(folder / name)
            if found is not None:
                path = folder / name
                values |= found if part is None else {part: found}
    return check_values(values, ModelManifest, ModelError, source=str(path), remedy=_REMEDY)


def write_manifest(folder: Path, manifest: ModelManifest) -> None:
    """Write the manifest of a model; its fingerprint changes with all but the export.

    Languages that no file tells are left out, so that the models of earlier versions stay the same.

    Raises:
        ModelError: it cannot be written.
    """
    text = manifest.model_dump_json(indent=2, exclude=set() if manifest.languages else {"languages"})
    save(folder / MANIFEST_FILE, text + "\n", ModelError)


def counted_manifest(path: Path) -> bytes:
    """The part of a manifest that counts in the fingerprint: all but the export, in one layout."""
    text = path.read_bytes()
    try:
        values = from_json(text)
    except ValueError:
        return text  # whoever reads it tells that it is damaged
    if isinstance(values, dict):
        values.pop("export", None)
    return (json.dumps(values, indent=2, ensure_ascii=False) + "\n").encode()


def _dimension(folder: Path) -> Any:  # noqa: ANN401 - unchecked
    """Numbers in a vector by the files of sentence-transformers or transformers; 0 where none tells."""
    size: Any = 0
    for module in _read(folder / "modules.json", list[_Module]) or ():
        config = _read(folder / module.path / "config.json") or {}
        names = ("out_features", "embedding_dimension", "word_embedding_dimension")
        size = next((config[name] for name in names if name in config), size)
    return size or (_read(folder / "config.json") or {}).get("hidden_size", 0)


class _Module(BaseModel):
    """A module of sentence-transformers: the folder of its configuration."""

    path: str = ""


def _read(path: Path, form: Any = dict[str, Any]) -> Any:  # noqa: ANN401 - a value of the form
    """The values of a JSON file, None where there is no such file."""
    try:
        return read_values(path, form, ModelError, remedy=_REMEDY)
    except FileNotFoundError:
        return None
