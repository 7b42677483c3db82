"""The structured data set of Unified Work Embeddings: three bipartite graphs that share the skills.

Titles, sentences and variants are nodes of three spaces, each joined to the skills by an edge list:
a title needs the skill, a vacancy sentence asks for it, a variant is another way to say it. On disk a
data set is a folder of Parquet files, one a space and one an edge list, with a ``manifest.json``.

Source: De Lange, Decorte and Van Haute, *Unified Work Embeddings: Contrastive Learning of a
Bidirectional Multi-task Ranker*, arXiv 2511.07969.
"""

import hashlib
import os
import secrets
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skillsearch.arrays import Int32Array, Int64Array
from skillsearch.errors import ConfigurationError, TrainingError
from skillsearch.files import recover_folder, replace_folder, write_atomically
from skillsearch.values import read_values
from trainer.unified.manifest import GraphManifest

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "MANIFEST",
    "SIDES",
    "SPACES",
    "GraphManifest",
    "WorkGraph",
    "edge_file",
    "read_graph",
    "require_free",
    "tidy_edges",
    "write_graph",
]

SPACES: Final = ("skills", "titles", "sentences", "variants")
SIDES: Final = SPACES[1:]
"""The spaces that have edges to the skills."""

MANIFEST: Final = "manifest.json"

_CODEC = "zstd"
_SHOWN = 3  # names in a message


@dataclass(frozen=True, eq=False)
class WorkGraph:
    """Four spaces of texts and three edge lists; checked when it is made.

    Attributes:
        manifest: where it comes from.
        uris: of the skills; the index is the skill's id.
        texts: by space; the index is the node's id. Texts of a side are distinct; skills are told
            apart by URI and may share a label.
        edges: by side, shape (e, 2) each, columns skill id and node id; rows distinct and sorted.

    Raises:
        TrainingError: there is no skill or no edge, an id is out of range, a skill or text stands
            twice, or edges are not as said above.
    """

    manifest: GraphManifest
    uris: tuple[str, ...]
    texts: Mapping[str, tuple[str, ...]]
    edges: Mapping[str, Int32Array]

    def __post_init__(self) -> None:
        """Make the mappings read-only, and check."""
        object.__setattr__(self, "texts", MappingProxyType(dict(self.texts)))
        object.__setattr__(self, "edges", MappingProxyType(dict(self.edges)))
        _check(self)

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """Nodes of each space, edges of each side, and skills that have none on any side."""
        nodes = {space: len(self.texts[space]) for space in SPACES}
        edges = {f"skill-{side.removesuffix('s')} edges": len(self.edges[side]) for side in SIDES}
        alone = int((np.sum([self.degrees(side) for side in SIDES], axis=0) == 0).sum())
        return MappingProxyType({**nodes, **edges, "skills without edges": alone})

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of all texts and edges, 16 hex digits: what a training run depends on."""
        digest = hashlib.sha256()
        for column in (self.uris, *(self.texts[space] for space in SPACES)):
            digest.update(f"{len(column)}\0".encode())
            for text in column:
                digest.update(f"{text}\0".encode())
        for side in SIDES:
            digest.update(np.ascontiguousarray(self.edges[side], dtype="<i4").tobytes())
        return digest.hexdigest()[:16]

    def degrees(self, side: str) -> Int64Array:
        """Count of nodes of a side by skill; shape (skills,)."""
        return np.bincount(self.edges[side][:, 0], minlength=len(self.uris)).astype(np.int64)


def read_graph(folder: Path) -> WorkGraph:
    """Read a data set.

    Raises:
        TrainingError: a file is missing, cannot be read, or has other columns; the manifest is of
            another version; or the graph is not sound, see `WorkGraph`.
    """
    recover_folder(folder)
    if not folder.is_dir():
        raise TrainingError(f"no data set at {folder}: build one with `skillsearch data build`")
    manifest = _read_manifest(folder / MANIFEST)
    skills = _read(folder / _file("skills"), {"uri": "string", "text": "string"})
    texts = {"skills": tuple(skills["text"].to_pylist())}
    edges = {}
    for side in SIDES:
        texts[side] = tuple(_read(folder / _file(side), {"text": "string"})["text"].to_pylist())
        pairs = _read(folder / edge_file(side), {"skill": "int32", "node": "int32"})
        edges[side] = np.stack([pairs["skill"].to_numpy(), pairs["node"].to_numpy()], axis=1)  # (e, 2)
    try:
        return WorkGraph(manifest, tuple(skills["uri"].to_pylist()), texts, edges)
    except TrainingError as error:
        raise TrainingError(f"{folder}: {error}; build the data set again") from error


def write_graph(graph: WorkGraph, folder: Path, *, overwrite: bool = False) -> None:
    """Write a data set, whole or not at all; the same graph gives the same bytes.

    Args:
        graph: what to write.
        folder: to be made.
        overwrite: replace a data set that is there.

    Raises:
        ConfigurationError: the folder is there, and is not to be replaced or is not a data set.
        TrainingError: it cannot be written; what was there is untouched.
    """
    import pyarrow as pa

    require_free(folder, overwrite=overwrite)
    folder = folder.absolute()
    beside = folder.with_name(f".{folder.name}.{secrets.token_hex(8)}")
    try:
        beside.mkdir(parents=True)
        for space in SPACES:
            columns = {"uri": graph.uris} if space == "skills" else {}
            columns["text"] = graph.texts[space]
            strings = {name: pa.array(column, pa.string()) for name, column in columns.items()}
            _write(pa.table(strings), beside / _file(space))
        for side in SIDES:
            skills, nodes = graph.edges[side].T
            _write(pa.table({"skill": skills, "node": nodes}), beside / edge_file(side))
        write_atomically(beside / MANIFEST, graph.manifest.model_dump_json(indent=2) + "\n")
        replace_folder(beside, folder)
    except (OSError, pa.ArrowException) as error:
        raise TrainingError(f"the data set {folder} cannot be written: {error}") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def require_free(folder: Path, *, overwrite: bool) -> None:
    """Check that a data set may be written here; what is not a data set is never replaced.

    Raises:
        ConfigurationError: it may not.
    """
    if not os.path.lexists(folder):
        return
    known = {MANIFEST, *map(_file, SPACES), *map(edge_file, SIDES)}
    if folder.is_symlink() or not folder.is_dir():
        raise ConfigurationError(f"{folder} is there and is not a folder: name another with --output")
    strange = sorted(entry.name for entry in folder.iterdir() if entry.name not in known)
    if strange:
        raise ConfigurationError(
            f"{folder} is there and is not a data set, it holds {', '.join(strange[:_SHOWN])}: "
            "name another folder with --output"
        )
    if any(folder.iterdir()) and not overwrite:
        raise ConfigurationError(
            f"{folder} is there already: name another folder, or replace it with --force"
        )


def edge_file(side: str) -> str:
    """The name of the file with the edges of a side."""
    return f"skill_{side}.parquet"


def tidy_edges(pairs: Iterable[tuple[int, int]] | Int64Array) -> Int32Array:
    """Pairs of skill id and node id, each once and sorted; shape (e, 2)."""
    found = np.asarray(pairs if isinstance(pairs, np.ndarray) else list(pairs), dtype=np.int64).reshape(-1, 2)
    keys = np.unique((found[:, 0] << 32) | found[:, 1])  # (e,), sorted
    return np.stack([keys >> 32, keys & 0xFFFFFFFF], axis=1).astype(np.int32)


def _check(graph: WorkGraph) -> None:
    if len(graph.texts["skills"]) != len(graph.uris):
        raise TrainingError(f"{len(graph.uris):,} skill URIs for {len(graph.texts['skills']):,} labels")
    _require_distinct(graph.uris, "the skill")
    for side in SIDES:
        _require_distinct(graph.texts[side], f"{side}: the text")
        _check_edges(side, graph.edges[side], len(graph.uris), len(graph.texts[side]))
    if not graph.uris or not any(len(graph.edges[side]) for side in SIDES):
        raise TrainingError(
            f"the graph is empty: {len(graph.uris):,} skills and no edge, so there is nothing to learn"
        )


def _require_distinct(texts: tuple[str, ...], what: str) -> None:
    if len(set(texts)) != len(texts):
        twice = next(text for text, count in Counter(texts).items() if count > 1)
        raise TrainingError(f"{what} {twice!r} appears twice")


def _check_edges(side: str, pairs: Int32Array, skills: int, nodes: int) -> None:
    if pairs.ndim != 2 or pairs.shape[1] != 2 or pairs.dtype != np.int32:
        raise TrainingError(
            f"{side}: edges of shape {pairs.shape} and type {pairs.dtype}, expected (e, 2) and int32"
        )
    for column, name, size in ((0, "skill", skills), (1, "node", nodes)):
        wrong = np.flatnonzero((pairs[:, column] < 0) | (pairs[:, column] >= size))
        if len(wrong):
            raise TrainingError(
                f"{side}: edge {wrong[0]} has {name} {pairs[wrong[0], column]}, expected 0 to {size - 1}"
            )
    keys = (pairs[:, 0].astype(np.int64) << 32) | pairs[:, 1]
    if (np.diff(keys) <= 0).any():
        raise TrainingError(f"{side}: the edges are not distinct and sorted")


def _file(space: str) -> str:
    return f"{space}.parquet"


def _write(table: "pa.Table", path: Path) -> None:
    import pyarrow.parquet as pq

    pq.write_table(table, path, compression=_CODEC, write_page_checksum=True)


def _read_manifest(path: Path) -> GraphManifest:
    try:
        return read_values(path, GraphManifest, TrainingError, remedy="build the data set again")
    except FileNotFoundError as error:
        raise TrainingError(
            f"{path} is missing: {path.parent} is not a folder that `skillsearch data build` wrote"
        ) from error


def _read(path: Path, columns: Mapping[str, str]) -> "pa.Table":
    """A table with exactly these columns, without nulls."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table: Any = pq.read_table(path, page_checksum_verification=True)
    except FileNotFoundError as error:
        raise TrainingError(f"{path} is missing: build the data set again") from error
    except (OSError, pa.ArrowException) as error:
        raise TrainingError(f"{path} cannot be read: {error}; build the data set again") from error
    found = {field.name: str(field.type) for field in table.schema}
    if found != dict(columns):
        raise TrainingError(f"{path} has the columns {_named(found)}, expected {_named(columns)}")
    if any(table[name].null_count for name in columns):
        raise TrainingError(f"{path} has empty cells: build the data set again")
    return table


def _named(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{name} ({kind})" for name, kind in columns.items())
