import csv
import io
import json
import random
import re
from pathlib import Path

import pytest

from indexer.read.plain import PlainForm, read_plain
from indexer.read.release import Skipped
from skillsearch.errors import TaxonomyError
from skillsearch.taxonomy.records import Occupation, Relation, Skill, Taxonomy

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "reference" / "files.md"

HEADER = (
    "uri,label,kind,aliases,hidden_labels,description,type,reuse_level,collections,broader,"
    "essential_for,optional_for"
)
TABLE = (
    f"{HEADER}\r\n"
    's:1, weld ,,"join metal\r\n\r\n weld \r\njoin metal","wleding",Joins.,skill,cross-sector,'
    '"green\r\ndigital",,o:1,\r\n'
    's:2,read drawings,skill,,,,knowledge,,,"s:1\r\ns:3",,"o:1\r\no:2"\r\n'
    "s:3,weld,,,,,,,,,,\r\n"
    "o:1,welder,occupation,fuser,fusser,Welds.,,,,,,\r\n"
    "o:2,inspector,occupation,,,,,,,,,\r\n"
)
LINES = [
    {
        "uri": "s:1",
        "label": " weld ",
        "aliases": ["join metal", "", " weld ", "join metal"],
        "hidden_labels": "wleding",
        "description": "Joins.",
        "type": "skill",
        "reuse_level": "cross-sector",
        "collections": ["green", "digital"],
        "essential_for": "o:1",
        "optional_for": None,
    },
    {
        "uri": "s:2",
        "label": "read drawings",
        "kind": "skill",
        "type": "knowledge",
        "broader": ["s:1", "s:3"],
        "optional_for": ["o:1", "o:2"],
    },
    {"uri": "s:3", "label": "weld", "kind": "", "type": ""},
    {
        "uri": "o:1",
        "label": "welder",
        "kind": "occupation",
        "aliases": "fuser",
        "hidden_labels": ["fusser"],
        "description": "Welds.",
        "broader": [],
        "type": None,
    },
    {"uri": "o:2", "label": "inspector", "kind": "occupation", "reuse_level": ""},
]
EXPECTED = Taxonomy(
    name="acme",
    version="3",
    language="en",
    skills={
        "s:1": Skill(
            "s:1",
            "weld",
            ("join metal",),
            ("wleding",),
            "Joins.",
            "skill",
            "cross-sector",
            ("digital", "green"),
        ),
        "s:2": Skill("s:2", "read drawings", skill_type="knowledge", broader=("s:1", "s:3")),
        "s:3": Skill("s:3", "weld"),
    },
    occupations={
        "o:1": Occupation("o:1", "welder", ("fuser",), ("fusser",), "Welds."),
        "o:2": Occupation("o:2", "inspector"),
    },
    relations=(
        Relation("o:1", "s:1", "essential"),
        Relation("o:1", "s:2", "optional"),
        Relation("o:2", "s:2", "optional"),
    ),
    groups={},
    isco_groups={},
)


def write(path: Path, content: str | bytes | bytearray) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def json_lines(*entries: object) -> str:
    return "".join(json.dumps(entry) + "\n" for entry in entries)


def error_of(path: Path, **options: str) -> str:
    with pytest.raises(TaxonomyError) as caught:
        read_plain(path, **options)  # type: ignore[arg-type]
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_csv(tmp_path: Path, mark: str) -> None:
    release = read_plain(write(tmp_path / "acme-v3.csv", mark + TABLE))
    assert release.taxonomy == EXPECTED
    assert release.skipped == ()


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\n\n \n"])
def test_json_lines(tmp_path: Path, mark: str, ending: str) -> None:
    text = mark + json_lines(*LINES).replace("\n", ending)
    release = read_plain(write(tmp_path / "acme-v3.jsonl", text))
    assert release.taxonomy == EXPECTED
    assert release.skipped == ()


def test_columns_may_be_in_any_order_and_rows_blank(tmp_path: Path) -> None:
    path = write(tmp_path / "acme-v3.csv", "type, label ,uri\n\nknowledge,weld,s:1\n,,\n")
    assert dict(read_plain(path).taxonomy.skills) == {"s:1": Skill("s:1", "weld", skill_type="knowledge")}


def test_a_json_text_may_have_line_separators_that_are_not_line_feeds(tmp_path: Path) -> None:
    path = write(tmp_path / "a-v1.jsonl", '{"uri": "s:1", "label": "x", "description": "one\u2028two"}\n')
    assert read_plain(path).taxonomy.skills["s:1"].description == "one\u2028two"


def test_the_examples_of_the_documentation(tmp_path: Path) -> None:
    table, lines = (
        re.search(rf"```{form}\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
        for form in ("csv", "json")
    )
    assert table is not None
    assert lines is not None
    one = read_plain(write(tmp_path / "acme-v3.csv", table[1]))
    assert one == read_plain(write(tmp_path / "acme-v3.jsonl", lines[1]))
    assert one.skipped == ()
    assert str(one.taxonomy) == "acme 3 (en)"
    assert one.taxonomy.skills["acme:s1"].alt_labels == ("run the press", "press operation")
    assert one.taxonomy.skill_ancestors("acme:s2") == ("acme:s1",)
    assert len(one.taxonomy.relations) == 2


@pytest.mark.parametrize(
    ("file", "name", "version"),
    [
        ("acme-v3", "acme", "3"),
        ("Acme_Skills_V1.2.10", "acme_skills", "1.2.10"),
        ("acme.v3", "acme", "3"),
        ("acme - v3", "acme", "3"),
        ("dev-v3", "dev", "3"),
        ("acme-v3.1-final", "acme", "3.1"),
    ],
)
def test_name_and_version_from_the_file_name(tmp_path: Path, file: str, name: str, version: str) -> None:
    taxonomy = read_plain(write(tmp_path / f"{file}.CSV", TABLE)).taxonomy
    assert (taxonomy.name, taxonomy.version, taxonomy.language) == (name, version, "en")


def test_name_version_and_language_as_given(tmp_path: Path) -> None:
    path = write(tmp_path / "Skills.csv", TABLE)
    assert str(read_plain(path, version="2024-10").taxonomy) == "skills 2024-10 (en)"
    assert str(read_plain(path, name="Own", version="5", language="de").taxonomy) == "Own 5 (de)"
    path = write(tmp_path / "v1.2.csv", TABLE)
    assert str(read_plain(path, name="own").taxonomy) == "own 1.2 (en)"


@pytest.mark.parametrize("file", ["skills.csv", "dev3.csv", "acme-v3beta.csv", "acme-v3.1b.csv", "v.csv"])
def test_no_version(tmp_path: Path, file: str) -> None:
    message = error_of(write(tmp_path / file, TABLE), name="acme")
    assert message == f"{file}: no version such as v1.2 in the name; give it with --set version=1.2"


@pytest.mark.parametrize(
    ("what", "value"),
    [
        ("name", name)
        for name in ("", "a b", "a/b", "..", ".hidden", "-x", "a\n", "café", "a:b", "a\\b", "x" * 65)
    ]
    + [("version", version) for version in ("", "1/2", "../1", "1 2", "1\n")],
)
def test_a_name_or_version_that_cannot_be_part_of_a_folder_name(
    tmp_path: Path, what: str, value: str
) -> None:
    message = error_of(write(tmp_path / "acme-v3.csv", TABLE), **{what: value})
    assert message.startswith(f"acme-v3.csv: {value!r} cannot be the {what} of a taxonomy: expected ")
    assert message.endswith(f"give another with --set {what}=…")


@pytest.mark.parametrize(("file", "name"), [("v1.2.csv", ""), ("(our) skills-v1.csv", "(our)-skills")])
def test_a_file_name_that_gives_no_usable_name(tmp_path: Path, file: str, name: str) -> None:
    message = error_of(write(tmp_path / file, TABLE))
    assert message.startswith(f"{file}: {name!r} cannot be the name of a taxonomy")
    assert "such as acme-v1.2.csv" in message


@pytest.mark.parametrize("file", ["acme-v1.csv", "acme-v1.jsonl", "acme"])
def test_a_missing_file_or_a_folder(tmp_path: Path, file: str) -> None:
    assert error_of(tmp_path / file) == f"{tmp_path / file}: no such file; check the path"
    (tmp_path / file).mkdir()
    assert error_of(tmp_path / file) == f"{tmp_path / file}: a folder, expected a file; name one in it"
    assert ": a folder, expected a file" in error_of(Path())


@pytest.mark.parametrize(("file", "ending"), [("acme-v3.ods", ".ods"), ("acme", ""), ("acme-v3.md", ".md")])
def test_another_kind_of_file(tmp_path: Path, file: str, ending: str) -> None:
    message = error_of(write(tmp_path / file, TABLE))
    assert message.startswith(f"{file}: the name ends in {ending!r}; read are tables (.csv, .tsv) and JSON ")


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "acme-v3.csv", TABLE)

    def refuse(*args: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert error_of(path) == "acme-v3.csv: cannot be read: Permission denied; check its permissions"


BROKEN_TABLES: dict[str, tuple[str | bytes, str]] = {
    "empty file": ("", "row 1, column uri: missing; found no header at all; expected columns uri, "),
    "blank header": ("\n", "row 1, column uri: missing; found no header at all"),
    "no header": ("s:1,weld\n", "row 1, column uri: missing; found 's:1, weld'; expected columns "),
    "no label": ("uri,type\n", "row 1, column label: missing; found 'uri, type'"),
    "a column twice": ("uri,label,uri\n", "row 1, column uri: appears twice; found 'uri, label, uri'"),
    "an optional column twice": ("uri,label,type,type\n", "row 1, column type: appears twice"),
    "unknown column": ("uri,label,alias\n", "row 1, column alias: unknown; expected one of uri, "),
    "column with a line break": ('uri,label,"a\nb"\n', "row 1, column 'a\\nb': unknown; expected one of"),
    "header only": ("uri,label\n", ": no skills, expected one or more"),
    "occupations only": ("uri,label,kind\no:1,welder,occupation\n", ": no skills"),
    "two lines of uri": ('uri,label\n"s:1\ns:2",weld\n', "row 2, column uri: a line break in 's:1\\ns:2'"),
    "duplicate uri": (
        'uri,label\ns:1,"weld"\n\ns:1,other\n',
        "row 4, column uri: duplicate URI 's:1', and it contradicts row 2: label is 'other' here and 'weld'",
    ),
    "uri of both kinds": (
        "uri,label,kind\ns:1,weld,\ns:1,welder,occupation\n",
        "row 3, column uri: duplicate URI 's:1', and it contradicts row 2: label is 'welder' here and ",
    ),
    "kind": ("uri,label,kind\ns:1,weld,job\n", "row 2, column kind: unknown value 'job', expected one of "),
    "type": (
        "uri,label,type\ns:1,weld,skill/competence\n",
        "row 2, column type: unknown value 'skill/competence', expected one of skill, knowledge, empty",
    ),
    "reuse level": (
        "uri,label,reuse_level\ns:1,weld,x\n",
        "row 2, column reuse_level: unknown value 'x', ",
    ),
    "broader of an occupation": (
        "uri,label,kind,broader\ns:1,weld,,\no:1,welder,occupation,s:1\n",
        "row 3, column broader: an occupation has none; expected only uri, label, aliases",
    ),
    "open quote": ('uri,label\ns:1,weld\ns:2,"a\ns:3,b\n', "row 3, column unknown: not valid CSV: "),
    "text after a quote": ('uri,label\ns:1,"a"b\n', "row 2, column unknown: not valid CSV"),
    "too many cells": ("uri,label\ns:1,weld,fuse\n", "row 2, column 3: more cells than the header's 2"),
    "too few cells": ("uri,label,type\ns:1,weld,\ns:2,a\n", "row 3, column type: the row ends before this "),
    "cut file": (TABLE[: TABLE.index("o:2,insp") + 5], "row 6, column kind: the row ends before this colum"),
    "not UTF-8": (b"uri,label\ns:1,sou\xe9\n", "row 2, column label: byte 0xe9 at offset 17 is not UTF-8"),
    "NUL": ("uri,label\ns:1,we\0ld\n", "row 2, column label: a NUL character; check the file"),
}


@pytest.mark.parametrize("case", list(BROKEN_TABLES))
def test_a_broken_table(tmp_path: Path, case: str) -> None:
    content, problem = BROKEN_TABLES[case]
    message = error_of(write(tmp_path / "acme-v3.csv", content))
    assert message.startswith("acme-v3.csv")
    assert problem in message


WELD = {"uri": "s:1", "label": "weld"}
DEEP = '{"uri": ' + "[" * 100_000 + "]" * 100_000 + "}"
LONG = '{"uri": ' + "1" * 5000 + "}"
BROKEN_LINES: dict[str, tuple[str | bytes, str]] = {
    "empty file": ("", ": no skills, expected one or more"),
    "blank lines": ("\n \n", ": no skills, expected one or more"),
    "not JSON": (
        json_lines(WELD) + "\n{'uri': 's:2'}\n",
        ", line 3: not valid JSON: Expecting property name enclosed in double quotes at character 2; "
        "expected JSON Lines, one JSON object on each line, or one list of objects",
    ),
    "cut line": (json_lines(WELD)[:-5], ", line 1: not valid JSON: Unterminated string"),
    "one indented object": (json.dumps(WELD, indent=1), ", line 1: an object that goes on over more"),
    "a list of texts": ('["weld"]', ", entry 1: found text; expected JSON Lines"),
    "a cut list": ('[{"uri": 1},', ", the list: not valid JSON"),
    "a text": ('"weld"', ", line 1: found text; expected JSON Lines, one JSON object"),
    "a number": ("5", ", line 1: found a number; expected JSON Lines"),
    "nothing": ("null", ", line 1: found null; expected JSON Lines"),
    "deep": (DEEP, ", line 1: "),
    "long number": (LONG, ", line 1: not usable JSON: Exceeds the limit"),
    "key twice": ('{"uri": "s:1", "uri": "s:2"}', ", line 1: not usable JSON: key 'uri' appears twice"),
    "unknown key": (json_lines(WELD, {"a\nb": 1}), ", line 2, key 'a\\nb': unknown; expected one of uri, l"),
    "duplicate uri": (
        json_lines(WELD) + "\n" + json_lines(WELD | {"label": "fuse"}),
        ", line 3, key uri: duplicate URI 's:1', and it contradicts line 1: label is 'fuse' here",
    ),
    "broader of an occupation": (
        json_lines(WELD | {"kind": "occupation", "broader": ["s:1"]}),
        ", line 1, key broader: an occupation has none; expected only uri, ",
    ),
    "not UTF-8": (json_lines(WELD).encode() + b'{"uri": "\xe9"}', ", line 2: byte 0xe9 at offset 41 is not"),
    "NUL": (json_lines(WELD) + "\0", ", line 2: a NUL character; check the file"),
    "escaped NUL": (json_lines(WELD | {"label": "we\0ld"}), ", line 1, key label: a NUL character or half"),
    "surrogate": ('{"uri": "s:\\ud800", "label": "x"}', ", line 1, key uri: a NUL character or half of a"),
    "line break": (
        json_lines(WELD | {"aliases": ["b\nc"]}),
        ", line 1, key aliases: a line break in",
    ),
    "a list of kinds": (json_lines(WELD | {"kind": ["skill"]}), ", line 1, key kind: found a list, expected"),
}


@pytest.mark.parametrize("case", list(BROKEN_LINES))
def test_broken_lines(tmp_path: Path, case: str) -> None:
    content, problem = BROKEN_LINES[case]
    assert error_of(write(tmp_path / "acme-v3.jsonl", content)).startswith(f"acme-v3.jsonl{problem}")


@pytest.mark.parametrize("name", HEADER.split(","))
@pytest.mark.parametrize(
    ("value", "found"),
    [(5, "a number"), (0.5, "a number"), (True, "true or false"), ({"a": 1}, "a table"), ([[]], "a list")],
)
def test_a_json_value_of_the_wrong_type(tmp_path: Path, name: str, value: object, found: str) -> None:
    if value == 5 and name in ("uri", "broader", "essential_for", "optional_for"):  # an identifier
        return
    message = error_of(write(tmp_path / "acme-v3.jsonl", json_lines(WELD | {name: value})))
    assert message == f"acme-v3.jsonl, line 1, key {name}: found {found}, expected text"


@pytest.mark.parametrize(("ending", "text"), [("csv", TABLE), ("jsonl", json_lines(*LINES))])
def test_any_flipped_byte_reads_or_raises_the_one_error(tmp_path: Path, ending: str, text: str) -> None:
    draw = random.Random(0)  # noqa: S311
    for position in range(len(text)):
        damaged = bytearray(text.encode())
        damaged[position] ^= draw.randrange(1, 256)
        try:
            read_plain(write(tmp_path / f"acme-v3.{ending}", damaged))
        except TaxonomyError as error:
            assert "\n" not in str(error)  # noqa: PT017


def test_references_to_what_is_not_there_are_dropped(tmp_path: Path) -> None:
    path = write(
        tmp_path / "acme-v3.csv",
        "uri,label,kind,broader,essential_for,optional_for\n"
        's:1,weld,,"s:9\ns:2\no:1",o:9,"o:1\ns:2"\n'
        's:2,read,,s:9,"o:1\no:1",o:1\n'
        "o:1,welder,occupation,,,\n",
    )
    release = read_plain(path)
    assert release.taxonomy.relations == (
        Relation("o:1", "s:1", "optional"),
        Relation("o:1", "s:2", "essential"),
    )
    assert release.taxonomy.skills["s:1"].broader == ("s:2",)
    assert release.taxonomy.skills["s:2"].broader == ()
    assert release.skipped == (
        Skipped("acme-v3.csv", "the occupation does not exist", 2, ("row 2: o:9 s:1", "row 2: s:2 s:1")),
        Skipped(
            "acme-v3.csv",
            "the pair is essential and optional; essential was kept",
            1,
            ("row 3: o:1 s:2",),
        ),
        Skipped(
            "acme-v3.csv",
            "the broader skill does not exist",
            3,
            ("row 2: s:9 s:1", "row 2: o:1 s:1", "row 3: s:9 s:2"),
        ),
    )


def test_drops_of_json_lines_have_their_line(tmp_path: Path) -> None:
    path = write(tmp_path / "acme-v3.jsonl", "\n" + json_lines(WELD | {"broader": "s:9"}))
    assert read_plain(path).skipped == (
        Skipped("acme-v3.jsonl", "the broader skill does not exist", 1, ("line 2: s:9 s:1",)),
    )


def test_a_cycle_ends(tmp_path: Path) -> None:
    path = write(tmp_path / "acme-v3.csv", "uri,label,broader\ns:1,a,s:2\ns:2,b,s:1\ns:3,c,s:3\n")
    taxonomy = read_plain(path).taxonomy
    assert taxonomy.skill_ancestors("s:1") == ("s:2", "s:1")
    assert taxonomy.skill_ancestors("s:3") == ("s:3",)


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("Copy of acme-v3.csv", "acme"),
        ("2025-12-01 acme v3 (1).csv", "acme"),
        ("our skills-v3.csv", "our-skills"),
    ],
)
def test_what_downloads_and_copies_are_called(tmp_path: Path, file: str, name: str) -> None:
    assert str(read_plain(write(tmp_path / file, TABLE)).taxonomy) == f"{name} 3 (en)"


@pytest.mark.parametrize("ending", ["csv", "tsv", "txt"])
@pytest.mark.parametrize(("sign", "encoding"), [(";", "utf-8-sig"), ("\t", "utf-16"), (",", "utf-8")])
def test_tables_as_spreadsheets_save_them(tmp_path: Path, ending: str, sign: str, encoding: str) -> None:
    rows = [[*row, ""] for row in csv.reader(io.StringIO(TABLE))]
    rows[0] = [f" {name.upper().replace('_', ' ')}" for name in rows[0]]
    out = io.StringIO()
    csv.writer(out, delimiter=sign).writerows([*rows, [""] * len(rows[0])])
    path = write(tmp_path / f"acme-v3.{ending}", out.getvalue().encode(encoding))
    assert read_plain(path).taxonomy == EXPECTED


@pytest.mark.parametrize("ending", ["json", "jsonl", "ndjson"])
def test_a_json_list(tmp_path: Path, ending: str) -> None:
    path = write(tmp_path / f"acme-v3.{ending}", json.dumps(LINES, indent=1))
    assert read_plain(path).taxonomy == EXPECTED


def test_numbers_as_uris(tmp_path: Path) -> None:
    path = write(
        tmp_path / "acme-v3.jsonl",
        json_lines(
            {"uri": 1, "label": "weld", "essential_for": [7], "broader": 2},
            {"uri": 2, "label": "join"},
            {"uri": 7, "label": "welder", "kind": "occupation"},
        ),
    )
    taxonomy = read_plain(path).taxonomy
    assert taxonomy.skills["1"].broader == ("2",)
    assert taxonomy.relations == (Relation("7", "1", "essential"),)


def test_columns_with_other_names(tmp_path: Path) -> None:
    path = write(
        tmp_path / "acme-v3.csv",
        "Project,acme,,\n,,,\nSkill ID,RSD Name,Author,Keywords\n"
        "7,weld,me,fuse; join\n8,read,me,scan; look\n",
    )
    message = error_of(path)
    assert message.startswith("acme-v3.csv, row 3, column uri: missing; found 'Skill ID, RSD Name, Author")
    assert 'give --column, such as --column label="Skill name"' in message
    form = PlainForm({"uri": "skill id", "label": "RSD Name", "aliases": "Keywords"})
    release = read_plain(path, form=form)
    assert dict(release.taxonomy.skills) == {
        "7": Skill("7", "weld", ("fuse", "join")),
        "8": Skill("8", "read", ("scan", "look")),
    }
    lines = write(tmp_path / "acme-v3.jsonl", json_lines({"id": 7, "name": "weld", "author": {}}))
    form = PlainForm({"uri": "id", "label": "name"})
    assert dict(read_plain(lines, form=form).taxonomy.skills) == {"7": Skill("7", "weld")}
    with pytest.raises(TaxonomyError, match="--column name: unknown; expected one of uri, label"):
        PlainForm({"name": "x"})


def test_a_list_of_labels(tmp_path: Path) -> None:
    path = write(tmp_path / "ours-v1.csv", "Skills\nC++\nR&D  budgeting\n\n-\nc++\n")
    assert "a list without URIs is read with --set uris=labels" in error_of(path)
    form = PlainForm({"label": "skills"}, uris="labels")
    release = read_plain(path, form=form)
    assert {uri: skill.label for uri, skill in release.taxonomy.skills.items()} == {
        "ours:skill/c%2B%2B": "C++",
        "ours:skill/r%26d%20budgeting": "R&D  budgeting",
    }
    assert [one.reason for one in release.skipped] == [
        "it has no label but an error value or a dash",
        "a duplicate",
    ]
    later = read_plain(write(tmp_path / "ours-v2.csv", "Skills\nnew\nr&d budgeting\n"), form=form).taxonomy
    assert "ours:skill/r%26d%20budgeting" in later.skills
    one = write(tmp_path / "ours-v3.jsonl", json_lines({"label": "weld"}))
    assert "it has no URI" in error_of(one)
    assert list(read_plain(one, form=PlainForm(uris="labels")).taxonomy.skills) == ["ours:skill/weld"]


def test_entries_and_names_that_are_none_are_left_out_and_told(tmp_path: Path) -> None:
    path = write(
        tmp_path / "acme-v3.csv",
        "uri,label,aliases,description,type\ns:1,weld,#N/A,nan,-\n,read,,,\ns:3,#NAME?,,,\ns:1,weld,#N/A,nan,-\n",
    )
    release = read_plain(path)
    assert dict(release.taxonomy.skills) == {"s:1": Skill("s:1", "weld")}
    assert [str(one) for one in release.skipped] == [
        "1 row of acme-v3.csv: it has no URI (row 3: read)",
        "1 row of acme-v3.csv: it has no label but an error value or a dash (row 4: '#NAME?')",
        "1 row of acme-v3.csv: a duplicate (row 5: s:1)",
        "1 value of acme-v3.csv: an error value or a dash in aliases, left out (row 2: '#N/A')",
    ]


def test_lists_that_may_be_separated_by_commas_are_told(tmp_path: Path) -> None:
    path = write(
        tmp_path / "acme-v3.csv", 'uri,label,aliases\ns:1,weld,"fuse, join"\ns:2,read,"scan, look"\n'
    )
    release = read_plain(path)
    assert release.taxonomy.skills["s:1"].alt_labels == ("fuse, join",)
    assert release.notes == (
        "acme-v3.csv: 2 cells of aliases have commas, and were taken as one value each; if they are lists, "
        "separate them by semicolons",
    )


def test_a_file_of_esco_given_as_a_taxonomy_of_ones_own(tmp_path: Path) -> None:
    text = "conceptType,conceptUri,preferredLabel,broaderConceptUri\nK,s:1,weld,g:1\n"
    message = error_of(write(tmp_path / "digital-v1.csv", text))
    assert message.startswith("digital-v1.csv: a file of ESCO; give the zips or folders of the whole release")


def test_a_spreadsheet(tmp_path: Path) -> None:
    for name in ("acme-v3.xlsx", "acme-v3.csv"):
        message = error_of(write(tmp_path / name, b"PK\x03\x04[Content_Types].xml"))
        assert (
            message
            == f"{name}: a spreadsheet (Excel workbook), not text; in a spreadsheet program save "
            + ("it as CSV UTF-8")
        )
