"""Writing a model as graphs for ONNX Runtime: float32 with fused operators, and smaller ones made of it.

The graph is traced with plain ("eager") attention, which ONNX Runtime's optimizer knows how to fuse.
"""

import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from skillsearch.errors import ModelError
from skillsearch.models.onnx import LOGITS, TOKENIZER, TOKENS, VECTOR
from skillsearch.models.token_scorer import INPUTS

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder, SentenceTransformer

__all__ = ["FLOAT32", "INT8", "PACKED", "pack", "quantise", "write_graph", "write_student"]

FLOAT32: Final = "model.onnx"
INT8: Final = "model_int8.onnx"
PACKED: Final = "model_packed.onnx"
"""Names of the files."""

_OPSET: Final = 17
_FEATURES: Final[tuple[str, ...]] = ("input_ids", "attention_mask", "token_type_ids")
_ONE_FILE: Final = 1 << 31
"""Bytes of the largest graph in one file; the weights of a larger one stand beside it."""
_SMALL: Final = 10_000
"""Numbers of a weight that is not worth packing."""
_TABLE: Final = 10_000
"""Rows of a weight that is a table of tokens, and has a scale for each row."""


def write_graph(
    model: "SentenceTransformer | CrossEncoder", folder: Path, *, one_file: int = _ONE_FILE
) -> None:
    """Write the graph of a model in float32, and its tokenizer.

    Args:
        model: on the CPU, and not used afterwards: its attention is another.
        folder: to write to; it exists.
        one_file: bytes of the largest graph in one file.

    Raises:
        ModelError: onnxruntime or onnx cannot express the model.
    """
    from sentence_transformers import CrossEncoder

    is_pair = isinstance(model, CrossEncoder)
    with _telling():
        _write_tokenizer(model, folder / TOKENIZER)
        features = model.preprocess([("a", "b c"), ("d", "e")] if is_pair else ["a", "b c"])
        transformer: Any = model[0]
        transformer.auto_model.set_attn_implementation("eager")
        traced, outputs = (_Pairs(model), (LOGITS,)) if is_pair else (_Texts(model), (VECTOR, TOKENS))
        given: dict[str, Tensor] = {name: features[name] for name in _FEATURES if name in features}
        axes = {
            name: {0: "texts"} if name in (VECTOR, LOGITS) else {0: "texts", 1: "tokens"}
            for name in (*given, *outputs)
        }
        _trace(traced.eval(), given, outputs, folder / FLOAT32, axes)
        _fuse(folder / FLOAT32, transformer.auto_model.config, beside=_size(model.parameters()) > one_file)


def write_student(student: nn.Module, hidden: int, path: Path) -> None:
    """Write the graph of a distilled cross-encoder; see `trainer.pair.student.Student`.

    Args:
        student: on the CPU.
        hidden: numbers of a token that it reads.
        path: the file to write.

    Raises:
        ModelError: onnxruntime or onnx cannot express it.
    """
    tokens, mask = torch.zeros(2, 3, hidden), torch.ones(2, 3, dtype=torch.bool)
    given = dict(zip(INPUTS, (tokens, mask, tokens, mask), strict=True))
    axes = {name: {0: name.partition("_")[0], 1: f"{name.partition('_')[0]}_tokens"} for name in INPUTS}
    with _telling():
        _trace(student, given, (LOGITS,), path, axes | {LOGITS: {0: "pairs"}})


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


def _trace(
    model: nn.Module,
    features: dict[str, Tensor],
    outputs: tuple[str, ...],
    path: Path,
    axes: Mapping[str, Mapping[int, str]],
) -> None:
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


def quantise(path: Path, output: Path) -> None:
    """Write a graph that counts in int8: a scale for each column; activations are quantised as they come.

    Args:
        path: the graph in float32.
        output: the file to write.

    Raises:
        ModelError: onnxruntime cannot express it.
    """
    from onnx import TensorProto
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with _telling():
        quantize_dynamic(
            path,
            output,
            per_channel=True,
            weight_type=QuantType.QInt8,
            extra_options={"DefaultTensorType": TensorProto.FLOAT},  # of what fused operators give
        )


def pack(path: Path, output: Path) -> None:
    """Write a graph whose weights are stored as int8, and that counts in float32 once it is loaded.

    Large weights are rounded to 255 steps of a scale for each column, or for each row of the table of tokens;
    `DequantizeLinear` makes numbers of them again.

    Args:
        path: the graph in float32.
        output: the file to write.

    Raises:
        ModelError: onnx cannot read it.
    """
    import onnx
    from onnx import helper, numpy_helper

    with _telling():
        graph = onnx.load(path)
        unpack = []
        for weight in list(graph.graph.initializer):
            values = numpy_helper.to_array(weight)
            if values.dtype != np.float32 or values.ndim != 2 or values.size < _SMALL:
                continue
            axis = 0 if len(values) >= _TABLE else 1
            scales = np.abs(values).max(axis=1 - axis, keepdims=True) / 127
            scales[scales == 0] = 1
            parts = {
                f"{weight.name}_packed": np.round(values / scales).astype(np.int8),
                f"{weight.name}_scales": scales.reshape(-1),
                f"{weight.name}_zeros": np.zeros(scales.size, dtype=np.int8),
            }
            graph.graph.initializer.remove(weight)
            graph.graph.initializer.extend(
                numpy_helper.from_array(part, name) for name, part in parts.items()
            )
            unpack.append(helper.make_node("DequantizeLinear", list(parts), [weight.name], axis=axis))
        nodes = list(graph.graph.node)
        del graph.graph.node[:]
        graph.graph.node.extend([*unpack, *nodes])
        onnx.save(graph, output)


@contextmanager
def _telling() -> Iterator[None]:
    """Have what torch, onnx and onnxruntime raise, which are many kinds, say what to do."""
    try:
        yield
    except Exception as error:
        told = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(
            f"the model cannot be written as ONNX ({type(error).__name__}: {told}): run it with torch"
        ) from error


def _size(parameters: Iterable[Tensor]) -> int:
    return sum(one.numel() * one.element_size() for one in parameters)
