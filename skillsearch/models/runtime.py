"""Choosing what runs a model: ONNX Runtime on a CPU where the model is exported, else torch."""

import importlib.util

from skillsearch.errors import ConfigurationError, ModelError
from skillsearch.models.device import has_accelerator, use_threads
from skillsearch.models.hub import ModelFolder, resolve_model
from skillsearch.models.onnx import load_onnx_encoder, load_onnx_pair_scorer
from skillsearch.models.protocols import Encoder, PairScorer
from skillsearch.settings import Precision, Runtime

__all__ = ["load_encoder", "load_pair_scorer", "select_runtime"]


def load_encoder(
    name: str,
    *,
    label: str | None = None,
    device: str | None = None,
    batch_size: int = 64,
    runtime: Runtime | None = None,
    threads: int | None = None,
) -> Encoder:
    """Load an encoder from a folder or a hub id; see `resolve_model`.

    Args:
        name: of the model.
        label: what to call it.
        device: cpu, cuda or mps; by default the best there is.
        batch_size: texts in a forward pass.
        runtime: by default see `select_runtime`.
        threads: on CPUs; by default see `skillsearch.models.device.cpu_threads`.

    Raises:
        ModelError: it cannot be found or loaded.
        ConfigurationError: the device or runtime cannot be used.
    """
    folder = resolve_model(name, label=label)
    if select_runtime(folder, runtime, device) == "onnx":
        return load_onnx_encoder(folder, batch_size=batch_size, threads=threads)
    from skillsearch.models.torch import load_encoder as load_torch_encoder

    use_threads(threads)
    return load_torch_encoder(name, label=label, device=device, batch_size=batch_size)


def load_pair_scorer(
    name: str,
    *,
    label: str | None = None,
    device: str | None = None,
    precision: Precision | None = None,
    batch_size: int = 64,
    runtime: Runtime | None = None,
    threads: int | None = None,
) -> PairScorer:
    """Load a cross-encoder from a folder or a hub id; see `load_encoder`.

    Args:
        name: of the model.
        label: what to call it.
        device: cpu, cuda or mps; by default the best there is.
        precision: by default the one that suits the model and the CPU.
        batch_size: pairs in a forward pass.
        runtime: by default see `select_runtime`.
        threads: on CPUs.

    Raises:
        ModelError: it cannot be found or loaded, or does not have three classes.
        ConfigurationError: the device, runtime or precision cannot be used.
    """
    folder = resolve_model(name, label=label)
    if select_runtime(folder, runtime, device, precision) == "onnx":
        return load_onnx_pair_scorer(folder, precision=precision, batch_size=batch_size, threads=threads)
    if precision == "int8":
        raise ConfigurationError(
            f"precision int8 needs the ONNX runtime on a CPU, and {folder.path} exported: run "
            "`skillsearch export`, or choose float32"
        )
    from skillsearch.models.torch import load_pair_scorer as load_torch_pair_scorer

    use_threads(threads)
    return load_torch_pair_scorer(
        name, label=label, device=device, precision=precision or "float32", batch_size=batch_size
    )


def select_runtime(
    folder: ModelFolder, runtime: Runtime | None, device: str | None, precision: Precision | None = None
) -> Runtime:
    """The runtime asked for, or else onnx for an exported model on a CPU, and torch for any other.

    Raises:
        ConfigurationError: the device or precision is not of the runtime asked for.
        ModelError: the model needs torch, which is not installed.
    """
    of_torch = precision in ("bfloat16", "float16") or device not in (None, "cpu")
    if runtime == "onnx" and of_torch:
        raise ConfigurationError(
            f"the runtime onnx is for the device cpu in float32 or int8, found device {device or 'cpu'}, "
            f"precision {precision or 'float32'}: set SKILLSEARCH_RUNTIME to torch, or leave it out"
        )
    if runtime is None:
        exported = folder.manifest.export is not None and not of_torch
        runtime = "onnx" if exported and (device == "cpu" or not has_accelerator()) else "torch"
    if runtime == "torch" and importlib.util.find_spec("sentence_transformers") is None:
        lacks = "" if folder.manifest.export else "has no ONNX files and "
        raise ModelError(
            f"{folder.path} {lacks}needs torch, which is not installed: pip install 'skillsearch[torch]', or "
            "write ONNX files with `skillsearch export` on a machine that has it, and search on a CPU"
        )
    return runtime
