"""Exported files: which one of a model's is run, once it is known to be what it says."""

import hashlib
from pathlib import Path
from typing import Final, Literal

from skillsearch.errors import ConfigurationError, ModelError
from skillsearch.models.hub import ModelFolder
from skillsearch.models.manifest import EXPORT, ExportedFile, ExportKind, ModelExport

__all__ = ["LARGEST_LOSS", "REMEDY", "digest", "exported_graph", "is_good_enough"]

LARGEST_LOSS: Final = 0.003
"""nDCG@10 that a file other than float32 may lose to be used."""

REMEDY: Final = "write it again with `skillsearch export`"


def exported_graph(
    folder: ModelFolder, precision: str | None, prefer: Literal["float32", "int8"] = "float32"
) -> Path:
    """The graph to run, which is what `skillsearch export` made of this model.

    Args:
        folder: of the model.
        precision: float32 or int8; by default the preferred one. A packed file counts in float32.
        prefer: of the files that are there and good enough.

    Raises:
        ModelError: it was not exported, was exported before it was trained again, or a file is broken.
        ConfigurationError: it was not exported in this precision.
    """
    export = folder.manifest.export
    if export is None:
        raise ModelError(
            f"{folder.path} has no ONNX files: write them with `skillsearch export`, where torch is "
            "installed, or set SKILLSEARCH_RUNTIME to torch"
        )
    if export.of != folder.fingerprint:
        raise ModelError(
            f"the ONNX files of {folder.path} were made of another model ({export.of}, found "
            f"{folder.fingerprint}): {REMEDY}"
        )
    exported = _choose(folder, export, precision, prefer)
    path = folder.path / EXPORT / exported.name
    try:
        found = digest(path)
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror}): {REMEDY}") from error
    if found != exported.sha256:
        raise ModelError(
            f"{path} is broken or foreign: its digest is {found[:16]}, expected "
            f"{exported.sha256[:16]}; {REMEDY}"
        )
    return path


def is_good_enough(kind: ExportKind, exported: ExportedFile) -> bool:
    """Whether a file is used where nothing else is asked for: float32 always, others by what they lose."""
    return kind == "float32" or exported.agreement.ndcg_loss <= LARGEST_LOSS


def digest(path: Path) -> str:
    """SHA-256 of a graph and of the weights that stand beside a large one."""
    found = hashlib.sha256()
    for part in (path, path.with_name(f"{path.name}.data")):
        if part == path or part.exists():
            with part.open("rb") as file:
                found.update(hashlib.file_digest(file, "sha256").digest())
    return found.hexdigest()


def _choose(folder: ModelFolder, export: ModelExport, precision: str | None, prefer: str) -> ExportedFile:
    """The file to run; see `exported_graph`."""
    there = {kind: one for kind, one in export.files.items() if (folder.path / EXPORT / one.name).exists()}
    names = ", ".join(there) or "none"
    order: dict[str, tuple[ExportKind, ...]] = {"float32": ("float32", "packed"), "int8": ("int8",)}
    if precision is not None:
        found = next((there[kind] for kind in order.get(precision, ()) if kind in there), None)
        if found is None:
            raise ConfigurationError(
                f"{folder.path} has no ONNX file of precision {precision}, found {names}: "
                "leave SKILLSEARCH_PRECISION out, or set SKILLSEARCH_RUNTIME to torch"
            )
        return found
    usable = [kind for kind, one in there.items() if is_good_enough(kind, one)]
    for kind in (*order[prefer], "float32", "packed", "int8"):
        if kind in usable:
            return there[kind]
    raise ModelError(
        f"{folder.path / EXPORT} has no usable file, found {names} (one other than float32 is used where it "
        f"loses at most {LARGEST_LOSS:g} nDCG@10): write float32 with `skillsearch export`"
    )
