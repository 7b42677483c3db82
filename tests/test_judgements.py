"""Judgements and active blends: what is kept, by several processes, and what is refused."""

import multiprocessing
import sqlite3
from pathlib import Path

import pytest

from skillsearch.errors import ConfigurationError, EvaluationError, ModelError, QueryError, StoreError
from skillsearch.judgements import FILE, Judgements
from skillsearch.rank.blends import activate, active_blend, deactivate, new_blend
from skillsearch.results import Versions
from trainer.blend.judgements import read_judgements

VERSIONS = Versions("build", (), "encoder", None)


def judge(home: Path, count: int) -> None:
    kept = Judgements(home)
    for number in range(count):
        kept.add("Nurse", f"urn:{number}", "care", "relevant", "anna", VERSIONS)


def test_the_latest_judgement_counts_and_undo_brings_back_the_one_before(tmp_path: Path) -> None:
    kept = Judgements(tmp_path)
    assert kept.all() == []
    assert not Judgements.are_in(tmp_path)  # nothing is written where nobody judged
    first = kept.add("Nurse", "urn:a", "care", "relevant", "anna", VERSIONS)
    second = kept.add("  nurse ", "urn:a", "care", "not", "bert", VERSIONS)
    assert kept.of_title("NURSE") == {"urn:a": second}
    assert kept.undo(second.id, "anna") is None  # not hers
    undone = kept.undo(second.id, "bert")
    assert undone is not None
    assert undone.undone is not None
    assert kept.all() == [first]
    assert kept.undo(second.id, "bert") == undone  # twice is as once
    assert first.versions == {
        "build": "build",
        "taxonomies": [],
        "encoder": "encoder",
        "reranker": None,
        "blender": None,
        "languages": [],
    }


@pytest.mark.parametrize(
    "values",
    [
        ("", "urn:a", "care", "not", "anna"),
        ("Nurse", "", "care", "not", "anna"),
        ("Nurse", "urn:a", "care", "best", "anna"),
        ("Nur\ud800se", "urn:a", "care", "not", "anna"),
        ("Nur\x00se", "urn:a", "care", "not", "anna"),
        ("x" * 2001, "urn:a", "care", "not", "anna"),
    ],
)
def test_what_cannot_be_kept(values: tuple[str, str, str, str, str], tmp_path: Path) -> None:
    with pytest.raises(QueryError):
        Judgements(tmp_path).add(*values, VERSIONS)
    assert Judgements(tmp_path).all() == []


def test_several_processes_judge_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=judge, args=(tmp_path, 25)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
        assert process.exitcode == 0
    with sqlite3.connect(tmp_path / FILE) as file:
        assert file.execute("SELECT count(*) FROM judgements").fetchone() == (50,)
    assert len(Judgements(tmp_path).all()) == 25


def test_a_fit_reads_the_judgements_of_a_home_and_their_export(tmp_path: Path) -> None:
    from skillsearch.judgements import write_csv, write_qrels, write_titles

    kept = Judgements(tmp_path)
    for number in range(6):
        kept.add(
            f"Title {number}", "urn:a", "=care", "relevant" if number else "contextual", "anna", VERSIONS
        )
        kept.add(f"Title {number}", f"urn:b{number}", "other", "not", "anna", VERSIONS)
    read = read_judgements(tmp_path)
    assert len(read.queries) == 6
    grades = sorted(grade for row in read.qrels.values() for grade in row.values())
    assert grades == [0] * 6 + [1] + [2] * 5
    for name, write in (("a.csv", write_csv), ("a.qrels", write_qrels), ("titles.csv", write_titles)):
        with (tmp_path / name).open("w", encoding="utf-8", newline="") as file:
            write(file, kept.all())
    by_csv = read_judgements(tmp_path / "a.csv")
    by_trec = read_judgements(tmp_path / "a.qrels", titles=tmp_path / "titles.csv")
    assert list(by_csv.qrels.values()) == list(by_trec.qrels.values()) == list(read.qrels.values())
    (tmp_path / FILE).write_bytes(b"damaged" * 1000)
    with pytest.raises(EvaluationError, match="cannot be used"):
        read_judgements(tmp_path)
    with pytest.raises(StoreError, match="cannot be used"):
        kept.all()


def test_blends_are_activated_and_undone_in_order(tmp_path: Path) -> None:
    assert active_blend(tmp_path) is None
    with pytest.raises(ConfigurationError, match="nothing to undo"):
        deactivate(tmp_path)
    first, second = new_blend(tmp_path), new_blend(tmp_path).with_name("other.safetensors")
    activate(tmp_path, first)
    activate(tmp_path, second)
    assert active_blend(tmp_path) == second
    assert deactivate(tmp_path) == first
    assert deactivate(tmp_path) is None
    with pytest.raises(ConfigurationError, match=r"is not a \.safetensors file in"):
        activate(tmp_path, tmp_path / "elsewhere.safetensors")


@pytest.mark.parametrize(
    "text", [b"../../etc/passwd\n", b"/etc/passwd\n", b"..\n", b"\xff\xfe\n", b"a\x1b[0m\n"]
)
def test_names_of_blends_that_are_none(text: bytes, tmp_path: Path) -> None:
    (tmp_path / "blends").mkdir()
    (tmp_path / "blends" / "ACTIVE").write_bytes(text)
    with pytest.raises(ModelError, match="delete it"):
        active_blend(tmp_path)
