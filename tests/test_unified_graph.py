"""The structured data set: sound graphs, and files whole or not at all."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skillsearch.arrays import Int32Array
from skillsearch.errors import ConfigurationError, TrainingError
from trainer.unified import graph as graph_module
from trainer.unified.graph import SIDES, WorkGraph, edge_file, read_graph, tidy_edges, write_graph
from trainer.unified.manifest import GraphManifest, Source

MANIFEST = GraphManifest(
    taxonomy="esco",
    version="1.1.1",
    language="en",
    seed=7,
    sources=(Source(name="esco.zip", digest="ab"),),
    generator="rules:1",
    counts={"skills": 3},
    drops={"title is empty": 2},
)


def pairs(*edges: tuple[int, int]) -> Int32Array:
    return np.array(edges, dtype=np.int32).reshape(-1, 2)


def graph(**changes: object) -> WorkGraph:
    values: dict[str, Any] = {
        "manifest": MANIFEST,
        "uris": ("s:0", "s:1", "s:2"),
        "texts": {
            "skills": ("bake bread", "weld", "weld"),
            "titles": ("Baker", "Welder"),
            "sentences": ("You bake - each night.",),
            "variants": (),
        },
        "edges": {"titles": pairs((0, 0), (1, 1)), "sentences": pairs((0, 0)), "variants": pairs()},
    }
    return WorkGraph(**(values | changes))


def same(one: WorkGraph, other: WorkGraph) -> bool:
    return (
        one.uris == other.uris
        and one.texts == other.texts
        and all(np.array_equal(one.edges[side], other.edges[side]) for side in SIDES)
    )


def test_what_is_written_is_read(tmp_path: Path) -> None:
    written = graph()
    write_graph(written, tmp_path / "deep" / "data")
    read = read_graph(tmp_path / "deep" / "data")
    assert same(read, written)
    assert read.manifest == MANIFEST
    assert all(read.edges[side].dtype == np.int32 for side in SIDES)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["data"]  # nothing is left beside


def test_the_same_graph_gives_the_same_bytes_and_fingerprint(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_graph(graph(), tmp_path / name)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()
    assert read_graph(tmp_path / "one").fingerprint == graph().fingerprint
    other_edges = {**graph().edges, "titles": pairs((0, 0), (2, 1))}
    assert graph(edges=other_edges).fingerprint != graph().fingerprint
    other_texts = {**graph().texts, "titles": ("Baker", "Weld er")}
    assert graph(texts=other_texts).fingerprint != graph().fingerprint


def test_counts_tell_skills_without_edges() -> None:
    assert dict(graph().counts) == {
        "skills": 3,
        "titles": 2,
        "sentences": 1,
        "variants": 0,
        "skill-title edges": 2,
        "skill-sentence edges": 1,
        "skill-variant edges": 0,
        "skills without edges": 1,
    }
    assert graph().degrees("titles").tolist() == [1, 1, 0]


def test_edges_are_made_distinct_and_sorted() -> None:
    assert tidy_edges([(1, 0), (0, 2), (1, 0), (0, 1)]).tolist() == [[0, 1], [0, 2], [1, 0]]
    assert tidy_edges([]).shape == (0, 2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"uris": (), "texts": {**graph().texts, "skills": ()}, "edges": dict.fromkeys(SIDES, pairs())},
            "empty",
        ),
        ({"edges": dict.fromkeys(SIDES, pairs())}, "the graph is empty: 3 skills and no edge"),
        (
            {"edges": {**graph().edges, "titles": pairs((0, 0), (3, 1))}},
            "edge 1 has skill 3, expected 0 to 2",
        ),
        ({"edges": {**graph().edges, "titles": pairs((0, 2))}}, "edge 0 has node 2, expected 0 to 1"),
        ({"edges": {**graph().edges, "titles": pairs((0, -1))}}, "has node -1"),
        ({"edges": {**graph().edges, "titles": pairs((1, 1), (0, 0))}}, "not distinct and sorted"),
        ({"edges": {**graph().edges, "titles": pairs((0, 0), (0, 0))}}, "not distinct and sorted"),
        ({"edges": {**graph().edges, "titles": np.zeros((2, 3), np.int32)}}, r"shape \(2, 3\)"),
        ({"edges": {**graph().edges, "titles": np.array([[0.0, 0.0]])}}, "type float64"),
        (
            {"texts": {**graph().texts, "titles": ("Baker", "Baker")}},
            "titles: the text 'Baker' appears twice",
        ),
        ({"uris": ("s:0", "s:1", "s:1")}, "the skill 's:1' appears twice"),
        ({"uris": ("s:0", "s:1")}, "2 skill URIs for 3 labels"),
    ],
)
def test_a_graph_that_is_not_sound_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        graph(**changes)


def rewrite(path: Path, table: pa.Table) -> None:
    pq.write_table(table, path)


def int_columns(**columns: list[int]) -> pa.Table:
    return pa.table({name: pa.array(values, pa.int32()) for name, values in columns.items()})


@pytest.mark.parametrize(
    ("name", "table", "message"),
    [
        (edge_file("titles"), int_columns(skill=[0, 9], node=[0, 1]), "data: titles: edge 1 has skill 9"),
        (edge_file("titles"), int_columns(skill=[0], target=[0]), r"target \(int32\), expected skill"),
        (edge_file("titles"), pa.table({"skill": [0], "node": [0]}), r"skill \(int64\)"),
        (edge_file("titles"), int_columns(skill=[0], node=[None]), "has empty cells"),  # type: ignore[list-item]
        ("titles.parquet", pa.table({"text": [b"x", b"y"]}), r"text \(binary\), expected text \(string\)"),
        ("skills.parquet", pa.table({"uri": ["s:0"], "text": ["a"]}), "expected 0 to 0"),
    ],
)
def test_tables_with_other_contents_are_refused(
    name: str, table: pa.Table, message: str, tmp_path: Path
) -> None:
    write_graph(graph(), tmp_path / "data")
    rewrite(tmp_path / "data" / name, table)
    with pytest.raises(TrainingError, match=message):
        read_graph(tmp_path / "data")


def test_corrupt_and_missing_files_are_told(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    write_graph(graph(), folder)
    path = folder / "titles.parquet"
    whole = path.read_bytes()
    for broken in (b"", b"no parquet", whole[:-20], whole[: len(whole) // 2]):
        path.write_bytes(broken)
        with pytest.raises(
            TrainingError, match=r"titles\.parquet cannot be read: .*build the data set again"
        ):
            read_graph(folder)
    path.unlink()
    with pytest.raises(TrainingError, match=r"titles\.parquet is missing"):
        read_graph(folder)
    with pytest.raises(TrainingError, match=r"no data set at .*elsewhere"):
        read_graph(tmp_path / "elsewhere")


def test_a_changed_byte_in_a_page_is_found(tmp_path: Path) -> None:
    many = tuple(f"title {number}" for number in range(2000))
    write_graph(graph(texts={**graph().texts, "titles": many}), tmp_path / "data")
    path = tmp_path / "data" / "titles.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 0x10
    path.write_bytes(content)
    with pytest.raises(TrainingError, match=r"titles\.parquet cannot be read"):
        read_graph(tmp_path / "data")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"manifest\.json cannot be read"),
        ("[]", "the whole: .* dictionary"),
        ('{"preset": "compact"}', "taxonomy: field required"),
        (json.dumps(MANIFEST.model_dump() | {"schema_version": 99}), "schema_version: .*found 99; build the"),
        ('{"schema_version": 1, "taxonomy": "esco", "version": "1", "language": 5}', "language: .*found 5"),
        (json.dumps(MANIFEST.model_dump() | {"profile": "both"}), "profile: .*found 'both'"),
        (json.dumps(MANIFEST.model_dump() | {"counts": {"skills": -1}}), "counts.skills"),
    ],
)
def test_a_broken_manifest_is_told(text: str, message: str, tmp_path: Path) -> None:
    write_graph(graph(), tmp_path / "data")
    (tmp_path / "data" / "manifest.json").write_text(text, encoding="utf-8")
    with pytest.raises(TrainingError, match=message):
        read_graph(tmp_path / "data")


def test_a_folder_without_manifest_or_with_other_bytes_is_told(tmp_path: Path) -> None:
    write_graph(graph(), tmp_path / "data")
    (tmp_path / "data" / "manifest.json").write_bytes(b"\xff\xfe{}")
    with pytest.raises(TrainingError, match=r"manifest\.json cannot be read"):
        read_graph(tmp_path / "data")
    (tmp_path / "data" / "manifest.json").unlink()
    with pytest.raises(TrainingError, match=r"manifest\.json is missing"):
        read_graph(tmp_path / "data")


def test_a_data_set_is_replaced_only_when_asked_for(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    write_graph(graph(), folder)
    other = graph(texts={**graph().texts, "titles": ("Cook", "Welder")})
    with pytest.raises(ConfigurationError, match="replace it with --force"):
        write_graph(other, folder)
    assert same(read_graph(folder), graph())
    write_graph(other, folder, overwrite=True)
    assert same(read_graph(folder), other)
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith("data")] == ["data"]


def test_what_is_not_a_data_set_is_never_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    write_graph(graph(), folder)  # an empty folder is free
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(ConfigurationError, match=r"is not a data set, it holds thesis\.txt"):
        write_graph(graph(), folder, overwrite=True)
    assert (folder / "thesis.txt").read_text() == "years of work"
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(folder)
    for name in ("file", "link"):
        with pytest.raises(ConfigurationError, match="is not a folder"):
            write_graph(graph(), tmp_path / name, overwrite=True)


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_write_that_fails_leaves_what_was_there(
    overwrite: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "data"
    if overwrite:
        write_graph(graph(), folder)
    written = []

    def full(table: pa.Table, path: Path) -> None:
        written.append(path)
        if len(written) == 4:
            raise OSError(28, "No space left on device")
        pq.write_table(table, path)

    monkeypatch.setattr(graph_module, "_write", full)
    with pytest.raises(TrainingError, match=r"cannot be written: .*No space left"):
        write_graph(graph(texts={**graph().texts, "titles": ("X", "Y")}), folder, overwrite=overwrite)
    if overwrite:
        assert same(read_graph(folder), graph())
    assert [path.name for path in tmp_path.iterdir()] == (["data"] if overwrite else [])


def test_a_rename_that_fails_puts_the_old_one_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "data"
    write_graph(graph(), folder)
    rename = Path.rename

    def refuse(self: Path, target: Path) -> Path:
        if target == folder and not self.name.endswith(".replaced"):
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(TrainingError, match="Input/output error"):
        write_graph(graph(texts={**graph().texts, "titles": ("X", "Y")}), folder, overwrite=True)
    assert same(read_graph(folder), graph())
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
