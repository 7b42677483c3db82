"""The use case: write the models of a folder for ONNX Runtime, and measure how far they agree."""

import logging
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel

from skillsearch.arrays import Float32Array
from skillsearch.errors import ModelError
from skillsearch.files import replace_folder, save
from skillsearch.models.exported import digest, is_good_enough
from skillsearch.models.hub import ModelFolder, resolve_model
from skillsearch.models.manifest import (
    EXPORT,
    MANIFEST_FILE,
    Agreement,
    ExportedFile,
    ExportKind,
    ModelExport,
    write_manifest,
)
from skillsearch.models.onnx import open_encoder, open_pair_scorer
from skillsearch.models.pair import DISTILLED, ENCODER, RECORD, RERANKER, ModelPair, TrainingRecord
from skillsearch.models.protocols import Encoder
from skillsearch.models.torch import (
    PAIR_LENGTH,
    TEXT_LENGTH,
    TorchEncoder,
    TorchPairScorer,
    load_cross_encoder,
    load_sentence_transformer,
)
from skillsearch.progress import Progress, silent
from trainer.export.agreement import Sample, candidates, compare_encoders, compare_rerankers, pairs
from trainer.export.graph import FLOAT32, INT8, PACKED, pack, quantise, write_graph

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder, SentenceTransformer

__all__ = ["EXACT", "ExportReport", "export_models", "export_trained"]

_logger = logging.getLogger(__name__)

EXACT: Final = 1e-4
"""The largest difference of float32, in any number of a vector or logit."""

_NAMES: Final[dict[ExportKind, str]] = {"float32": FLOAT32, "packed": PACKED, "int8": INT8}

_SMALLEST: Final[dict[str, tuple[ExportKind, ...]]] = {ENCODER: ("packed",), RERANKER: ("int8", "packed")}
"""What is kept of each model, where it is good enough and only the smallest file is wanted.

Not int8 of an encoder: what that makes of a text depends a little on those that are encoded with it.
"""


class ExportReport(BaseModel):
    """The outcome of an export: the folder of the models, and what was written of each."""

    folder: str
    models: dict[str, ModelExport]


def export_models(
    pair: ModelPair,
    sample: Sample,
    *,
    output: Path | None = None,
    smallest: bool = False,
    progress: Progress = silent,
) -> ExportReport:
    """Write the encoder, and the reranker where there is one, for ONNX Runtime.

    Args:
        pair: the models.
        sample: titles and skills to measure the agreement on.
        output: folder for the exported models alone, without their safetensors; by default the files stand
            beside the safetensors.
        smallest: write the smallest file of each model that is good enough, instead of float32 and int8.
        progress: hears of the stages.

    Raises:
        ModelError: a model cannot be loaded, written, or gives other numbers in float32 than with torch.
    """
    if output is not None and output.exists():
        raise ModelError(f"{output} exists already: name a folder that is to be made")
    written = {}
    encoder = _Export(
        resolve_model(pair.encoder), output and output / ENCODER, sample, _kinds(ENCODER, smallest)
    )
    progress("export the encoder")
    written[ENCODER], vectors = encoder.encoder()
    if not Path(pair.encoder).is_dir() or (Path(pair.encoder).with_name(RERANKER)).is_dir():
        progress("export the reranker")
        reranker = _Export(
            resolve_model(pair.reranker), output and output / RERANKER, sample, _kinds(RERANKER, smallest)
        )
        written[RERANKER] = reranker.reranker(vectors)
    if pair.distilled and output is not None:
        written[DISTILLED] = _carry(resolve_model(pair.distilled), output / DISTILLED)
    folder = output or Path(pair.encoder).parent
    if output is not None:
        record = pair.record.model_dump_json(indent=2) + "\n"
        save(output / RECORD, record, ModelError)
    return ExportReport(folder=str(folder), models=written)


def export_trained(folder: Path, sample: Sample) -> None:
    """Export the models of a training; where that is not possible it says so, and they run with torch."""
    try:
        export_models(ModelPair(str(folder / ENCODER), str(folder / RERANKER), TrainingRecord()), sample)
    except ModelError as error:
        _logger.warning("the models were trained, and not exported: %s", error)


def _carry(source: ModelFolder, target: Path) -> ModelExport:
    """Copy a distilled cross-encoder without its safetensors; its training exported it already.

    Raises:
        ModelError: it was not exported, or cannot be copied.
    """
    export = source.manifest.export
    if export is None:
        raise ModelError(f"{source.path} has no ONNX files: train the models again")
    try:
        shutil.copytree(source.path, target, ignore=shutil.ignore_patterns("*.safetensors"))
    except (OSError, shutil.Error) as error:
        raise ModelError(f"{target} cannot be written: {error}") from error
    return export


@dataclass(frozen=True)
class _Export:
    """The export of one model."""

    source: ModelFolder
    output: Path | None
    sample: Sample
    kinds: Sequence[ExportKind] = ("float32", "int8")

    def encoder(self) -> tuple[ModelExport, tuple[Float32Array, Float32Array]]:
        """Write an encoder; gives its own vectors of the sample's titles and skills, too."""
        length = self.source.manifest.max_length or TEXT_LENGTH
        model = load_sentence_transformer(self.source, device="cpu", max_length=length)

        def vectors(encoder: Encoder) -> tuple[Float32Array, Float32Array]:
            return encoder.encode(self.sample.titles), encoder.encode(self.sample.skills)

        reference = vectors(TorchEncoder(model, self.source))

        def agreement(path: Path) -> Agreement:
            return compare_encoders(self.sample, reference, vectors(open_encoder(path, self.source)))

        return self._write(model, agreement), reference

    def reranker(self, vectors: tuple[Float32Array, Float32Array]) -> ModelExport:
        """Write a reranker; the vectors are those of the sample's titles and skills."""
        length = self.source.manifest.max_length or PAIR_LENGTH
        model = load_cross_encoder(self.source, device="cpu", max_length=length)
        chosen = candidates(*vectors)
        asked = pairs(self.sample, chosen)
        reference = TorchPairScorer(model, self.source).logits(asked)

        def agreement(path: Path) -> Agreement:
            logits = open_pair_scorer(path, self.source).logits(asked)
            return compare_rerankers(self.sample, vectors, chosen, reference, logits)

        return self._write(model, agreement)

    def _write(
        self, model: "SentenceTransformer | CrossEncoder", agreement: Callable[[Path], Agreement]
    ) -> ModelExport:
        """Write the files beside their place, measure them, and move them there; then the manifest."""
        target = self.output or self.source.path
        if self.output is None and not (target / MANIFEST_FILE).is_file():
            raise ModelError(
                f"{target} has no {MANIFEST_FILE}, and is not written to: export it into a folder of its own "
                "with --output"
            )
        beside = target / f".{EXPORT}.{os.getpid()}"
        try:
            beside.mkdir(parents=True)
            write_graph(model, beside)
            files = self._files(beside, agreement)
            export = ModelExport(of=self.source.fingerprint, measured_on=self.sample.described, files=files)
            replace_folder(beside, target / EXPORT)
            write_manifest(target, self.source.manifest.model_copy(update={"export": export}))
        except OSError as error:
            raise ModelError(f"{target} cannot be written: {error.strerror or error}") from error
        finally:
            shutil.rmtree(beside, ignore_errors=True)
        return export

    def _files(self, folder: Path, agreement: Callable[[Path], Agreement]) -> dict[ExportKind, ExportedFile]:
        """Make the other files of the one in float32, measure all, and keep those that are wanted."""
        made: dict[ExportKind, ExportedFile] = {}
        first: ExportKind = "float32"
        for kind in dict.fromkeys((first, *self.kinds)):
            path = folder / _NAMES[kind]
            if kind != "float32":
                (pack if kind == "packed" else quantise)(folder / FLOAT32, path)
            made[kind] = ExportedFile(name=path.name, sha256=digest(path), agreement=agreement(path))
        if not made["float32"].agreement.difference <= EXACT:
            raise ModelError(
                f"{self.source.path} in ONNX differs from torch by "
                f"{made['float32'].agreement.difference:.2g}, expected at most {EXACT:g}: use torch"
            )
        if "float32" in self.kinds:
            return made
        kept = next((kind for kind in self.kinds if is_good_enough(kind, made[kind])), first)
        for kind, file in made.items():
            if kind != kept:
                for path in folder.glob(f"{file.name}*"):
                    path.unlink()
        return {kept: made[kept]}


def _kinds(model: str, smallest: bool) -> tuple[ExportKind, ...]:
    """What is to be written of a model."""
    return _SMALLEST[model] if smallest else ("float32", "int8")
