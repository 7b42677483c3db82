"""The ONNX runtime: exported models behind the protocols, with onnxruntime and tokenizers alone.

`skillsearch export` writes the files; see `skillsearch.models.manifest.ModelExport`.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from skillsearch.arrays import BoolArray, Float32Array
from skillsearch.errors import ModelError
from skillsearch.models.classes import CLASSES
from skillsearch.models.device import cpu_threads, multiplies_int8
from skillsearch.models.exported import REMEDY, exported_graph
from skillsearch.models.hub import ModelFolder
from skillsearch.models.lanes import lanes
from skillsearch.progress import Advance, advance_only

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Encoding, Tokenizer

__all__ = [
    "LOGITS",
    "TOKENIZER",
    "TOKENS",
    "VECTOR",
    "OnnxEncoder",
    "OnnxPairScorer",
    "Session",
    "load_onnx_encoder",
    "load_onnx_pair_scorer",
    "open_encoder",
    "open_pair_scorer",
]

VECTOR: Final = "vector"
TOKENS: Final = "tokens"
LOGITS: Final = "logits"
"""Names of a graph's outputs: shapes (n, d), (n, t, h) and (n, 3)."""

TOKENIZER: Final = "tokenizer.json"
"""In the folder of the export; it has the length at which texts are cut, and the token of the padding."""

_CHUNK: Final = 4096  # texts whose tokens are held at once
_PASS: Final = 256  # tokens in a forward pass at most, padding among them: more do not stay in the cache
_LEAST: Final = 64  # tokens below which a pass is not cut to share the work
_SHARES: Final = 2  # passes for each lane, so that none is idle for long
_TINY: Final = 1e-9

_Input = str | tuple[str, str]


class OnnxEncoder:
    """An exported encoder, which threads share."""

    def __init__(self, graph: "_Graph", folder: ModelFolder) -> None:
        self.folder = folder
        self._graph = graph

    def encode(self, texts: Sequence[str], *, advance: Advance | None = None) -> Float32Array:
        """See `Encoder.encode`."""
        vectors = np.empty((len(texts), self._graph.width(VECTOR)), dtype=np.float32)
        for rows, _, (found,) in self._graph.run(texts, (VECTOR,), advance):
            vectors[rows] = found
        return _unit(vectors)

    def encode_tokens(self, texts: Sequence[str], *, advance: Advance | None = None) -> list[Float32Array]:
        """See `Encoder.encode_tokens`."""
        tokens: dict[int, Float32Array] = {}
        for rows, mask, (found,) in self._graph.run(texts, (TOKENS,), advance):
            tokens.update(
                zip(rows, (block[used] for block, used in zip(found, mask, strict=True)), strict=True)
            )
        return [tokens[row] for row in range(len(texts))]

    def encode_with_tokens(self, text: str) -> tuple[Float32Array, Float32Array]:
        """See `Encoder.encode_with_tokens`."""
        ((_, _, (vectors, tokens)),) = self._graph.run([text], (VECTOR, TOKENS))
        return _unit(vectors)[0], tokens[0]


class OnnxPairScorer:
    """An exported three-class cross-encoder, which threads share."""

    def __init__(self, graph: "_Graph", folder: ModelFolder) -> None:
        self.folder = folder
        self._graph = graph

    def logits(self, pairs: Sequence[tuple[str, str]]) -> Float32Array:
        """See `PairScorer.logits`."""
        logits = np.empty((len(pairs), len(CLASSES)), dtype=np.float32)
        for rows, _, (found,) in self._graph.run(pairs, (LOGITS,)):
            logits[rows] = found
        return logits


def load_onnx_encoder(
    folder: ModelFolder,
    *,
    precision: str | None = None,
    batch_size: int = 64,
    threads: int | None = None,
) -> OnnxEncoder:
    """Load an exported encoder.

    Args:
        folder: of the model.
        precision: float32 or int8; by default float32 where it is there, since what int8 makes of a text
            depends a little on those that are encoded with it.
        batch_size: texts in a forward pass at most; long ones are fewer.
        threads: see `cpu_threads`.

    Raises:
        ModelError: it was not exported, or a file is broken, foreign, or too new.
        ConfigurationError: it was not exported in this precision.
    """
    return open_encoder(exported_graph(folder, precision), folder, batch_size=batch_size, threads=threads)


def load_onnx_pair_scorer(
    folder: ModelFolder,
    *,
    precision: str | None = None,
    batch_size: int = 64,
    threads: int | None = None,
) -> OnnxPairScorer:
    """Load an exported cross-encoder; see `load_onnx_encoder`.

    By default it is int8 where that is good enough and the CPU is made for it.
    """
    path = exported_graph(folder, precision, "int8" if multiplies_int8() else "float32")
    return open_pair_scorer(path, folder, batch_size=batch_size, threads=threads)


def open_encoder(
    path: Path, folder: ModelFolder, *, batch_size: int = 64, threads: int | None = None
) -> OnnxEncoder:
    """An encoder from a graph that is known to be one of the model's, and the tokenizer beside it.

    Raises:
        ModelError: one of the files cannot be loaded, or is of another kind of model.
    """
    graph = _Graph(path, _read_tokenizer(path.with_name(TOKENIZER)), batch_size, cpu_threads(threads))
    graph.require_outputs(VECTOR, TOKENS)
    return OnnxEncoder(graph, folder)


def open_pair_scorer(
    path: Path, folder: ModelFolder, *, batch_size: int = 64, threads: int | None = None
) -> OnnxPairScorer:
    """A cross-encoder from a graph; see `open_encoder`."""
    graph = _Graph(path, _read_tokenizer(path.with_name(TOKENIZER)), batch_size, cpu_threads(threads))
    graph.require_outputs(LOGITS)
    return OnnxPairScorer(graph, folder)


@dataclass(eq=False)
class _Graph:
    """A graph and its tokenizer."""

    path: Path
    tokenizer: "Tokenizer"
    batch_size: int
    threads: int

    def __post_init__(self) -> None:
        self._padding = (self.tokenizer.padding or {}).get("pad_id", 0)
        self.tokenizer.no_padding()
        self._session = Session(self.path)
        self._names = {one.name for one in self._session.opened.get_inputs()}

    def require_outputs(self, *names: str) -> None:
        """Check what the graph gives.

        Raises:
            ModelError: it is another one.
        """
        found = [one.name for one in self._session.opened.get_outputs()]
        if not set(names) <= set(found):
            raise ModelError(
                f"{self.path} gives {', '.join(found)}, expected {', '.join(names)}: it is of another "
                f"kind of model; {REMEDY}"
            )

    def width(self, name: str) -> int:
        """The size of an output's last axis."""
        return int(next(one.shape[-1] for one in self._session.opened.get_outputs() if one.name == name))

    def run(
        self, texts: Sequence[_Input], outputs: tuple[str, ...], advance: Advance | None = None
    ) -> Iterator[tuple[list[int], BoolArray, list[Float32Array]]]:
        """Forward passes over texts or pairs with similar numbers of tokens.

        Yields:
            The places of k texts, their mask of shape (k, t), false for padding, and the outputs, in which
            the k texts come first.

        Raises:
            ModelError: an output is not finite, or the graph cannot take the tokens.
        """
        report = advance or advance_only(None)
        crew = lanes(self.threads)
        for start in range(0, len(texts), _CHUNK):
            encodings = self.tokenizer.encode_batch(list(texts[start : start + _CHUNK]))
            lengths = [len(one) for one in encodings]
            tokens = min(max(sum(lengths) // (_SHARES * crew.count), _LEAST), _PASS)
            batches = _batches(lengths, tokens, self.batch_size)

            def forward(
                places: list[int], encodings: "list[Encoding]" = encodings
            ) -> tuple[list[int], BoolArray, list[Float32Array]]:
                return places, *self._forward([encodings[place] for place in places], outputs)

            for places, mask, found in crew.map(forward, batches):
                yield [start + place for place in places], mask, found
                report(len(places))

    def _forward(
        self, batch: Sequence["Encoding"], outputs: tuple[str, ...]
    ) -> tuple[BoolArray, list[Float32Array]]:
        lengths = np.array([len(one) for one in batch])
        mask = np.arange(lengths.max()) < lengths[:, None]  # (k, t)
        feeds = {
            "input_ids": _padded([one.ids for one in batch], mask, self._padding),
            "attention_mask": mask.astype(np.int64),
            "token_type_ids": _padded([one.type_ids for one in batch], mask, 0),
        }
        try:
            found = self._session.opened.run(outputs, {name: feeds[name] for name in self._names})
        except Exception as error:  # onnxruntime raises many kinds
            raise ModelError(
                f"{self.path} cannot take what {TOKENIZER} beside it makes ({_first_line(error)}): {REMEDY}"
            ) from error
        if not all(np.isfinite(one).all() for one in found):
            raise ModelError(f"{self.path} gave numbers that are not finite: its weights are broken")
        return mask, found


class Session:
    """A graph that is open, in each process on its own: a forked child has not the threads of its parent."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sessions: dict[int, InferenceSession] = {}
        _ = self.opened

    @property
    def opened(self) -> "InferenceSession":
        """The session of this process.

        Raises:
            ModelError: the graph cannot be loaded.
        """
        process = os.getpid()
        if process not in self._sessions:
            self._sessions[process] = _open_session(self._path)
        return self._sessions[process]


def _read_tokenizer(path: Path) -> "Tokenizer":
    from tokenizers import Tokenizer

    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises Exception itself
        raise ModelError(f"{path} cannot be read: {_first_line(error)}; {REMEDY}") from error


def _open_session(path: Path) -> "InferenceSession":
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # a pass runs on one lane
    options.log_severity_level = 3  # errors are raised
    options.enable_mem_pattern = False  # hardly two passes have the same shape
    options.add_session_config_entry("session.disable_quant_qdq", "1")  # packed weights count in float32
    if not multiplies_int8():  # AVX2 alone sums products of int8 in too few bits; the remedy costs a third
        options.add_session_config_entry("session.x64quantprecision", "1")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises many kinds
        told = _first_line(error)
        if "opset" in told.lower() or "ir version" in told.lower():
            raise ModelError(
                f"{path} has operators newer than onnxruntime {onnxruntime.__version__} knows "
                f"({told}): pip install --upgrade onnxruntime, or {REMEDY}"
            ) from error
        raise ModelError(f"{path} cannot be loaded: {told}; {REMEDY}") from error


def _batches(lengths: Sequence[int], tokens: int, most: int) -> Iterator[list[int]]:
    """Places of texts in groups of similar length, the longest first, of at most so many tokens or texts."""
    order = sorted(range(len(lengths)), key=lambda place: -lengths[place])
    while order:
        count = min(max(tokens // lengths[order[0]], 1), most)
        yield order[:count]
        order = order[count:]


def _padded(rows: Sequence[Sequence[int]], mask: BoolArray, padding: int) -> NDArray[np.int64]:
    """Shape (k, t), of k rows of at most t numbers."""
    block = np.full(mask.shape, padding, dtype=np.int64)
    block[mask] = np.concatenate(rows)
    return block


def _unit(vectors: Float32Array) -> Float32Array:
    """Rows of unit length, shape (n, d)."""
    unit: Float32Array = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), _TINY)
    return unit


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
