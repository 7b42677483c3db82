"""Token embeddings of many labels, and the file that they are kept in.

The file is one safetensors file, read by mapping it into memory, so that processes share it; its
metadata is JSON.
"""

import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic_core import from_json

from skillsearch.arrays import BoolArray, Float16Array, Int64Array
from skillsearch.errors import ModelError
from skillsearch.files import write_atomically
from skillsearch.models.protocols import Encoder
from skillsearch.progress import Advance, advance_only
from skillsearch.taxonomy.texts import VIEW_VERSION

__all__ = ["FORMAT", "TokenTable", "embed_tokens", "read_tokens", "write_tokens"]

FORMAT: Final = 1
"""Version of the file's layout."""

_KEY = "skillsearch"
_CHUNK = 1024  # labels that are embedded before their tokens are made half as large


@dataclass(frozen=True, eq=False)
class TokenTable:
    """The tokens of m labels, one after the other.

    Attributes:
        labels: m different texts.
        offsets: shape (m + 1,), int64; label i has the rows from offset i to offset i + 1.
        tokens: shape (total, d), float16, not normalised.
    """

    labels: tuple[str, ...]
    offsets: Int64Array
    tokens: Float16Array

    @cached_property
    def index(self) -> dict[str, int]:
        """The row of each label."""
        return {label: row for row, label in enumerate(self.labels)}

    def __contains__(self, label: object) -> bool:
        return label in self.index

    def padded(self, rows: Int64Array) -> tuple[Float16Array, BoolArray]:
        """The tokens of k labels in one block.

        Args:
            rows: of the labels, shape (k,).

        Returns:
            Shape (k, t, d), float16, and shape (k, t), true for tokens and false for padding.
        """
        lengths = self.offsets[rows + 1] - self.offsets[rows]
        steps = np.arange(lengths.max(initial=0))  # (t,)
        mask = steps < lengths[:, None]  # (k, t)
        places = np.where(mask, self.offsets[rows][:, None] + steps, 0)
        return self.tokens[places], mask


def embed_tokens(
    encoder: Encoder,
    labels: Iterable[str],
    *,
    known: TokenTable | None = None,
    advance: Advance | None = None,
) -> TokenTable:
    """Embed the tokens of labels, but for those that are known already.

    Args:
        encoder: gives the tokens.
        labels: m texts; a text that comes twice is taken once.
        known: what the same encoder gave before.
        advance: called with the number of labels just embedded.

    Raises:
        ModelError: the model gave something that is not finite, or is too large for half precision.
    """
    unique = tuple(dict.fromkeys(labels))
    missing = [label for label in unique if known is None or label not in known]
    made: dict[str, Float16Array] = {}
    report = advance or advance_only(None)
    missing.sort(key=len)  # a batch of similar length is a quick one
    for start in range(0, len(missing), _CHUNK):
        some = missing[start : start + _CHUNK]
        for label, tokens in zip(some, encoder.encode_tokens(some), strict=True):
            with np.errstate(over="ignore"):
                made[label] = tokens.astype(np.float16)
            if not np.isfinite(made[label]).all():
                raise ModelError(
                    f"encoder {encoder.folder} gives tokens beyond 65,504 for {label!r}, too large for half "
                    "precision: late interaction does not go with it, rerank with the cross-encoder"
                )
        report(len(some))
    parts = [made[label] if label in made else _rows(known, label) for label in unique]
    offsets = np.concatenate(([0], np.cumsum([len(part) for part in parts], dtype=np.int64)))
    rows = np.concatenate(parts) if parts else np.empty((0, 0), dtype=np.float16)
    return TokenTable(unique, offsets.astype(np.int64), rows)


def write_tokens(path: Path, table: TokenTable, *, encoder: str, build: str) -> None:
    """Write a table, whole or not at all.

    Args:
        path: of the file.
        table: what it is to hold.
        encoder: fingerprint of the encoder.
        build: the name of the index whose labels they are.

    Raises:
        OSError: it cannot be written; what was there is untouched.
    """
    from safetensors.numpy import save

    tensors: dict[str, NDArray[Any]] = {
        "tokens": table.tokens,
        "offsets": table.offsets,
        "labels": np.frombuffer(json.dumps(table.labels).encode(), dtype=np.uint8),
    }
    facts = {
        "format": FORMAT,
        "views": VIEW_VERSION,
        "encoder": encoder,
        "build": build,
        "checksum": _checksum(list(tensors.values())),
    }
    write_atomically(path, [save(tensors, metadata={_KEY: json.dumps(facts)})])


def read_tokens(path: Path, *, encoder: str) -> tuple[TokenTable, str]:
    """Map what `write_tokens` wrote into memory; it is read through once, to check it.

    Args:
        path: of the file.
        encoder: the fingerprint of the encoder that they are to be of.

    Returns:
        The table, and the name of the index whose labels it has.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is damaged, or of another encoder or program; says what was found.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise FileNotFoundError(path)
    try:
        with safe_open(path, framework="numpy") as file:  # it checks the layout
            facts = from_json((file.metadata() or {})[_KEY])
        tokens, offsets, packed = _mapped(path)
        found = {name: facts[name] for name in ("format", "views", "encoder")}
        checksum, build = facts["checksum"], str(facts["build"])
        labels = tuple(map(str, from_json(packed.tobytes())))
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error
    expected = {"format": FORMAT, "views": VIEW_VERSION, "encoder": encoder}
    if found != expected:
        raise ValueError(f"it is of {found}, expected {expected}")
    if _checksum([tokens, offsets, packed]) != checksum:
        raise ValueError("its checksum is wrong")
    return TokenTable(labels, offsets.copy(), tokens), build


def _rows(table: TokenTable | None, label: str) -> Float16Array:
    """The tokens of a label that is known: shape (t, d)."""
    if table is None:
        raise KeyError(label)
    row = table.index[label]
    return table.tokens[table.offsets[row] : table.offsets[row + 1]]


def _mapped(path: Path) -> list[NDArray[Any]]:
    """Tokens, offsets and labels, mapped into memory; safetensors' own reader of arrays copies them."""
    whole = np.memmap(path, dtype=np.uint8, mode="r")
    start = 8 + int(whole[:8].view("<u8")[0])
    header = json.loads(whole[8:start].tobytes())
    found = []
    for name, kind in (("tokens", "<f2"), ("offsets", "<i8"), ("labels", "u1")):
        begin, end = header[name]["data_offsets"]
        found.append(whole[start + begin : start + end].view(kind).reshape(header[name]["shape"]))
    return found


def _checksum(arrays: Sequence[NDArray[np.generic]]) -> int:
    """CRC-32 of arrays, one after the other; quick enough for each start of a program."""
    found = 0
    for array in arrays:
        found = zlib.crc32(np.ascontiguousarray(array).data, found)
    return found
