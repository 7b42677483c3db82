"""Titles from a file or standard input: each gets its answer or its error, as a table, JSON Lines or CSV."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from command import Done, run

Search = Callable[..., Done]

TABLE = "ref,job title\n1,Chef\n2,\n3,?\n4,=Nurse\n5,Welder,more\n6,- Tiler -\n"


@pytest.fixture
def search(home: Path, models_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Search:
    """Run a search for one skill a title, with something on standard input."""

    def run_search(*arguments: str, stdin: bytes = b"") -> Done:
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(stdin)))
        return run("search", "-n", "1", "--set", f"models={models_folder}", *arguments, home=home)

    return run_search


@pytest.fixture
def table(tmp_path: Path) -> str:
    path = tmp_path / "titles.csv"
    path.write_text(TABLE, encoding="utf-8")
    return str(path)


def objects(done: Done) -> list[dict[str, object]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def answered(done: Done) -> list[object]:
    """The title of each answer, or its error."""
    return [one.get("error", one["title"]) for one in objects(done)]


def test_a_column_of_a_table(search: Search, table: str) -> None:
    done = search("--input", table, "--column", "job title", "--json")
    assert done.returncode == 0
    found = objects(done)
    assert [one.get("position") for one in found] == [None, 2, 3, None, 5, None]
    assert found[0]["row"] == {"ref": "1", "job title": "Chef"}
    assert (found[1]["error"], found[1]["row"]) == ("the title '' is empty", {"ref": "2", "job title": ""})
    assert "more cells than the header's 2" in str(found[4]["error"])
    assert found[5]["title"] == "- Tiler -"
    assert "3 of 6 titles failed" in done.stderr


def test_a_row_for_each_hit_with_the_columns_of_the_table(search: Search, table: str) -> None:
    done = search("--input", table, "--column", "job title", "--csv", "-n", "2")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    ours = ["rank", "uri", "label", "relevance", "score", "probability", "error"]
    assert list(rows[0]) == ["ref", "job title", *ours]
    assert [(row["ref"], row["rank"]) for row in rows] == [
        *(("1", "1"), ("1", "2"), ("2", ""), ("3", ""), ("4", "1"), ("4", "2")),
        *(("", ""), ("6", "1"), ("6", "2")),
    ]
    assert rows[2]["error"] == "row 3: the title '' is empty"
    assert rows[4]["job title"] == "'=Nurse"  # not a formula any more
    assert 0 < float(rows[0]["probability"]) < 1
    assert rows[0]["error"] == ""


def test_columns_of_the_same_name_are_told_apart(search: Search, tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("title\tlabel\nChef\tmine\n", encoding="utf-8")
    done = search("--input", str(tmp_path / "a.tsv"), "--csv")
    header, row = csv.reader(io.StringIO(done.stdout))
    assert header[:5] == ["title", "label", "rank", "uri", "skill label"]
    assert row[:2] == ["Chef", "mine"]


def test_tables_and_errors_in_the_order_of_the_titles(search: Search, table: str) -> None:
    done = search("--input", table, "--column", "job title")
    assert done.returncode == 0
    assert done.stdout.index("Chef") < done.stdout.index("=Nurse") < done.stdout.index("- Tiler -")
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert [line.split(":")[1] for line in errors] == [" row 3", " row 4", " row 6"]


@pytest.mark.parametrize(("name", "stdin"), [("titles.jsonl", False), ("titles.ndjson", False), ("", True)])
def test_json_lines(search: Search, tmp_path: Path, name: str, stdin: bool) -> None:
    lines = [
        '{"job": "Chef", "ref": [1]}',
        "",
        '{"job": "Nurse \\ud83d"}',
        '{"job": null}',
        '{"job": 7}',
        "{not JSON",
        '{"title": "Welder"}',
        '{"job": "Nurse"}',
    ]
    data = "\n".join(lines).encode()
    if name:
        (tmp_path / name).write_bytes(data)
    source = str(tmp_path / name) if name else "-"
    done = search("--input", source, "--column", "job", "--json", stdin=data)
    assert done.returncode == 0
    found = objects(done)
    assert [one.get("position") for one in found] == [None, 2, 3, 4, 5, 6, None]
    expected = ("half of a surrogate pair", "is empty", "found 7", "JSON", "there is no job in it")
    for one, message in zip(found[1:6], expected, strict=True):
        assert message in str(one["error"])
    assert found[0]["row"] == {"job": "Chef", "ref": [1]}
    done = search("--input", source, "--column", "job", "--csv", stdin=data)
    first, second = list(csv.DictReader(io.StringIO(done.stdout)))[:2]
    assert first["ref"] == "[1]"
    assert second["job"] == "Nurse \ufffd"


def test_what_only_looks_like_a_title_is_an_error_in_its_place(search: Search, tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    path.write_text("ref;Job title\n1;Nurse\n2;nan\n3;#N/A\n4;-\n", encoding="utf-16")
    done = search("--input", str(path), "--column", "job title", "--json")
    assert answered(done) == [
        "Nurse",
        "the title 'nan' is empty",
        "the title '#N/A' is empty",
        "the title '-' is empty",
    ]


def test_a_json_list(search: Search, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"title": "Chef"}, {"title": null}]', encoding="utf-8")
    assert answered(search("--input", str(tmp_path / "a.json"), "--json"))[0] == "Chef"


@pytest.mark.parametrize("arguments", [("-",), ("--input", "-")])
def test_lines_of_standard_input(search: Search, arguments: tuple[str, ...]) -> None:
    done = search(
        *arguments, "--json", stdin="\ufeffChef\r\n\n- Tiler -\nb\udcff\n".encode("utf-8", "surrogateescape")
    )
    chef, tiler, failed = answered(done)
    assert (chef, tiler) == ("Chef", "- Tiler -")
    assert "a byte that is not UTF-8" in str(failed)
    assert "row" not in objects(done)[0]
    done = search(*arguments, "--csv", stdin=b"Chef\n!\n")
    chef_row, failed_row = csv.DictReader(io.StringIO(done.stdout))
    assert (chef_row["title"], chef_row["rank"]) == ("Chef", "1")
    assert (failed_row["title"], failed_row["rank"]) == ("!", "")


def test_a_table_on_standard_input(search: Search) -> None:
    done = search("-", "--column", "job title", "--json", stdin=TABLE.encode())
    assert [one.get("position") for one in objects(done)] == [None, 2, 3, None, 5, None]
    done = search("-", "--column", "work", stdin=TABLE.encode())
    assert done.returncode == 1
    assert "error: standard input, row " in done.stderr
    assert "column work: missing" in done.stderr


def test_a_text_file(search: Search, tmp_path: Path) -> None:
    (tmp_path / "titles.txt").write_text("Chef\n\n!\n--help\n", encoding="utf-8")
    done = search("--input", str(tmp_path / "titles.txt"), "--json")
    chef, failed, dash = answered(done)
    assert (chef, dash) == ("Chef", "--help")
    assert "is empty" in str(failed)


def test_a_title_that_begins_with_a_dash_comes_after_two(search: Search) -> None:
    assert answered(search("--json", "--", "- Tiler -", "--help")) == ["- Tiler -", "--help"]


def test_all_titles_fail(search: Search) -> None:
    done = search("", "?", "--json")
    assert done.returncode == 1
    assert len(objects(done)) == 2
    assert "2 of 2 titles failed" in done.stderr


def test_a_rank_that_is_not_there_does_not_stop_the_rest(search: Search) -> None:
    done = search("Chef", "Nurse", "--explain", "2")
    assert done.returncode == 1
    assert "Nurse" in done.stdout
    assert "error: title 1: --explain 2: the result has ranks 1 to 1; raise --limit" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give either job titles, or --input"),
        (("Chef", "--input", "-"), "give either job titles, or --input"),
        (("Chef", "--json", "--csv"), "give either --json or --csv"),
        (("--input", "missing.csv"), "missing.csv: no such file"),
        (("--input", "titles.xlsx"), "save a spreadsheet as CSV UTF-8"),
        (("-",), "no titles in standard input"),
    ],
)
def test_what_cannot_be_searched_for_is_one_line(
    search: Search, arguments: tuple[str, ...], message: str
) -> None:
    done = search(*arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert message in done.stderr.splitlines()[-1]


def test_notes_stand_below_the_table_and_in_json(search: Search) -> None:
    gone = ("--filter", "exclude=https://example.org/gone")
    done = search("Chef", *gone)
    assert "exclude: 1 of 1 URIs not in the index" in done.stdout
    assert "https://example.org/gone" in str(objects(search("Chef", "--json", *gone))[0]["notes"])


def test_progress_on_a_terminal_leaves_the_results_where_they_go(
    search: Search, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    done = search("--input", table, "--column", "job title", "--json")
    assert len(objects(done)) == 6
    assert "6/6" in done.stderr
