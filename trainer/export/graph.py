"""Writing a model as graphs for ONNX Runtime: float32 with fused operators, and int8 made of it.

The graph is traced with plain ("eager") attention, which ONNX Runtime's optimizer knows how to fuse.
"""

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch
from torch import Tensor, nn

from skillsearch.errors import ModelError
from skillsearch.models.onnx import LOGITS, TOKENIZER, TOKENS, VECTOR

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder, SentenceTransformer

__all__ = ["FLOAT32", "INT8", "write_graphs"]

FLOAT32: Final = "model.onnx"
INT8: Final = "model_int8.onnx"
"""Names of the files."""

_OPSET: Final = 17
_FEATURES: Final[tuple[str, ...]] = ("input_ids", "attention_mask", "token_type_ids")
_ONE_FILE: Final = 1 << 31
"""Bytes of the largest graph in one file; the weights of a larger one stand beside it."""


def write_graphs(
    model: "SentenceTransformer | CrossEncoder", folder: Path, *, one_file: int = _ONE_FILE
) -> None:
    """Write the two graphs of a model, and its tokenizer.

    Args:
        model: on the CPU, and not used afterwards: its attention is another.
        folder: to write to; it exists.
        one_file: bytes of the largest graph in one file.

    Raises:
        ModelError: onnxruntime or onnx cannot express the model.
    """
    from sentence_transformers import CrossEncoder

    is_pair = isinstance(model, CrossEncoder)
    try:
        _write_tokenizer(model, folder / TOKENIZER)
        features = model.preprocess([("a", "b c"), ("d", "e")] if is_pair else ["a", "b c"])
        transformer: Any = model[0]
        transformer.auto_model.set_attn_implementation("eager")
        traced, outputs = (_Pairs(model), (LOGITS,)) if is_pair else (_Texts(model), (VECTOR, TOKENS))
        given: dict[str, Tensor] = {name: features[name] for name in _FEATURES if name in features}
        _trace(traced.eval(), given, outputs, folder / FLOAT32)
        _fuse(folder / FLOAT32, transformer.auto_model.config, beside=_size(model.parameters()) > one_file)
        _quantise(folder / FLOAT32, folder / INT8)
    except Exception as error:  # torch, onnx and onnxruntime raise many kinds
        told = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(
            f"the model cannot be written as ONNX ({type(error).__name__}: {told}): run it with torch"
        ) from error


class _Traced(nn.Module):
    """A model whose arguments are tensors in the order of `_FEATURES`, as tracing wants them."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def outputs(self, features: Iterable[Tensor]) -> Any:  # noqa: ANN401 - a dictionary of tensors
        return self.model(dict(zip(_FEATURES, features, strict=False)))


class _Texts(_Traced):
    """Texts to vectors, shape (n, d), and tokens, shape (n, t, h)."""

    def forward(self, *features: Tensor) -> tuple[Tensor, Tensor]:
        found = self.outputs(features)
        return found["sentence_embedding"], found["token_embeddings"]


class _Pairs(_Traced):
    """Pairs to logits, shape (n, 3)."""

    def forward(self, *features: Tensor) -> Tensor:
        scores: Tensor = self.outputs(features)["scores"]
        return scores


def _write_tokenizer(model: "SentenceTransformer | CrossEncoder", path: Path) -> None:
    from tokenizers import Tokenizer

    source: Any = model.tokenizer
    tokenizer = Tokenizer.from_str(source.backend_tokenizer.to_str())
    tokenizer.enable_truncation(int(model.max_seq_length or source.model_max_length))
    tokenizer.enable_padding(
        pad_id=source.pad_token_id, pad_type_id=source.pad_token_type_id, pad_token=source.pad_token
    )
    tokenizer.save(str(path))


def _trace(model: nn.Module, features: dict[str, Tensor], outputs: tuple[str, ...], path: Path) -> None:
    axes = {
        name: {0: "texts"} if name in (VECTOR, LOGITS) else {0: "texts", 1: "tokens"}
        for name in (*features, *outputs)
    }
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # of the tracing: each branch taken is one of any batch
        torch.onnx.export(
            model,
            tuple(features.values()),
            path,
            input_names=list(features),
            output_names=list(outputs),
            dynamic_axes=axes,
            opset_version=_OPSET,
            dynamo=False,
        )


def _fuse(path: Path, config: Any, *, beside: bool) -> None:  # noqa: ANN401 - any transformer's
    from onnxruntime.quantization.quant_utils import add_pre_process_metadata
    from onnxruntime.transformers.optimizer import optimize_model

    fused = optimize_model(
        str(path),
        model_type="bert",
        num_heads=config.num_attention_heads,
        hidden_size=config.hidden_size,
        opt_level=0,  # what any machine can run
    )
    add_pre_process_metadata(fused.model)  # or quantising logs that it wants to fuse by itself
    for written in path.parent.glob(f"{path.name}*"):
        written.unlink()
    fused.save_model_to_file(str(path), use_external_data_format=beside)


def _quantise(path: Path, output: Path) -> None:
    """Weights as 8-bit integers, a scale for each column; activations are quantised as they come."""
    from onnx import TensorProto
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(
        path,
        output,
        per_channel=True,
        weight_type=QuantType.QInt8,
        extra_options={"DefaultTensorType": TensorProto.FLOAT},  # of what fused operators give
    )


def _size(parameters: Iterable[Tensor]) -> int:
    return sum(one.numel() * one.element_size() for one in parameters)
