"""Tables as spreadsheets, downloads and other programs write them."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from skillsearch.errors import SkillSearchError
from skillsearch.tables import Record, Table, TextFile, json_lines, with_lists
from skillsearch.tables.cells import clean, list_sign

ROWS = [("u:1", "Färben; Walken", ""), ("u:2", 'Filz "weich"', "two\nlines")]
HEADER = ("uri", "label", "note")


def table_text(delimiter: str, header: tuple[str, ...] = HEADER) -> str:
    quoted = [['"' + cell.replace('"', '""') + '"' if cell else "" for cell in row] for row in ROWS]
    return "\r\n".join(delimiter.join(row) for row in (header, *quoted)) + "\r\n"


def read(path: Path, data: bytes | str, *required: str, **options: object) -> list[Record]:
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    table = Table(path.name, path.name, path, **options)  # type: ignore[arg-type]
    return list(table.rows(*(required or ("uri", "label"))))


def cells(rows: list[Record]) -> list[tuple[str, ...]]:
    return [tuple(row.text(name) for name in HEADER) for row in rows]


def error_of(path: Path, data: bytes | str, *required: str, **options: object) -> str:
    with pytest.raises(SkillSearchError) as caught:
        read(path, data, *required, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("declared", ["", "sep={}\r\n", '"sep={}"\r\n'])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_delimiters_declarations_and_encodings(
    tmp_path: Path, delimiter: str, declared: str, encoding: str
) -> None:
    text = declared.format(delimiter) + table_text(delimiter)
    rows = read(tmp_path / "a.csv", text.encode(encoding))
    assert cells(rows) == ROWS
    assert [row.place for row in rows] == ["row 2", "row 3"]


@pytest.mark.parametrize("mark", [b"\xff\xfe", b"\xfe\xff"])
def test_utf_16_of_both_kinds(tmp_path: Path, mark: bytes) -> None:
    encoding = "utf-16-le" if mark == b"\xff\xfe" else "utf-16-be"
    assert cells(read(tmp_path / "a.csv", mark + table_text("\t").encode(encoding))) == ROWS


def test_names_of_columns_differ_in_case_blanks_and_signs(tmp_path: Path) -> None:
    rows = read(tmp_path / "a.csv", table_text(",", (" URI\u00a0", "La-bel", "N O_T E")), *HEADER)
    assert cells(rows) == ROWS


def test_lines_above_the_header_are_not_read(tmp_path: Path) -> None:
    above = ",,\r\nProject,ours,\r\nuri,of something,\r\n"
    rows = read(tmp_path / "a.csv", above + table_text(","))
    assert cells(rows) == ROWS
    assert [row.place for row in rows] == ["row 5", "row 6"]


def test_the_line_that_looks_like_the_header_is_named(tmp_path: Path) -> None:
    message = error_of(tmp_path / "a.csv", "Project,ours,,\n,,,\nID,Term,Kind,Note\n1,a,b,c\n")
    assert message.startswith("a.csv, row 3, column uri: missing; found 'ID, Term, Kind, Note' in row 3")


def test_columns_with_other_names(tmp_path: Path) -> None:
    text = "Canonical URL,label,Skill name,Label\nu:1,x,weld,y\n"
    columns = {"uri": "canonical url", "label": "Skill Name"}
    (row,) = read(tmp_path / "a.csv", text, columns=columns)
    assert (row["uri"], row["label"]) == ("u:1", "weld")
    message = error_of(tmp_path / "a.csv", text, columns={"label": "Name"}, hint="do this")
    assert "column uri: missing; found 'Canonical URL, label, Skill name, Label'" in message
    assert message.endswith("; do this")


def test_rows_and_columns_of_nothing_are_left_out(tmp_path: Path) -> None:
    text = "uri,label,note,,\n,,,,\nu:1,weld,,,\n  , ,\u00a0,,\nu:2,fuse,x,,,,,\n"
    table = tmp_path / "a.csv"
    table.write_text(text, encoding="utf-8")
    rows = list(Table.at(table).rows("uri", known=HEADER))
    assert cells(rows) == [("u:1", "weld", ""), ("u:2", "fuse", "x")]
    table.write_text("uri,label,\nu:1,weld,fuse\n", encoding="utf-8")
    with pytest.raises(SkillSearchError, match=r"row 2, column 3 \(no name\): a value below a header with"):
        list(Table.at(table).rows("uri", known=HEADER))


@pytest.mark.parametrize("sign", [",", ";", "\t"])
def test_windows_1252_is_refused_with_what_to_choose(tmp_path: Path, sign: str) -> None:
    text = sign.join(("uri", "label")) + "\r\n" + sign.join(("u:1", "Färben"))
    message = error_of(tmp_path / "a.csv", text.encode("cp1252"))
    assert message.startswith("a.csv, row 2, column label: byte 0xe4 at offset ")
    assert "save it as CSV UTF-8" in message


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (
            b"PK\x03\x04..[Content_Types].xml",
            "a spreadsheet (Excel workbook), not text; in a sprea",
        ),
        (b"PK\x03\x04..mimetypeapplication/vnd.oasis.opendocument.spreadsheet", "a spreadsheet"),
        (b"PK\x03\x04..other", "a zip, not text; unpack it"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "an Excel workbook of the old form (.xls)"),
        (b"\x1f\x8b\x08", "compressed by gzip; unpack it"),
        (b"%PDF-1.7", "a PDF, not a table"),
        (b"\r\n <!DOCTYPE html><title>Sign in</title>", "a web page, not a table"),
        ("uri,label\nu:1,weld\n".encode("utf-16-le"), "UTF-16 without a byte order mark"),
        ("uri,label\nu:1,weld\n".encode("utf-16-be"), "UTF-16 without a byte order mark"),
        (b"\xff\xfeu\x00r\x00i", "damaged UTF-16"),
        (b'uri,label\nu:1,"' + b"x" * (4 * 2**20) + b'"\n', "a line of more than 4,194,304 characters"),
        (b'uri,label\nu:1,"' + b"x\n" * (3 * 2**20) + b'"\n', "not valid CSV: field larger than"),
    ],
)
def test_what_is_no_table_is_told_as_what_it_is(tmp_path: Path, data: bytes, problem: str) -> None:
    assert problem in error_of(tmp_path / "a.csv", data)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("slate\u00a0work ", "slate work"),
        ("\ufeffWeb\u200bmaster", "Webmaster"),
        ("cafe\u0301", "café"),
        ("a\x1b[31mb\x07", "a[31mb"),
        ("two\nlines\t", "two\nlines"),
        ("C++", "C++"),
        (".NET", ".NET"),
        ("#hashtag", "#hashtag"),
        ("C#", "C#"),
        ("null hypothesis", "null hypothesis"),
        *((value, "") for value in ("#N/A", "#REF!", "#BEZUG!", "#NV", "#NAME?", "#¿NOMBRE?", "#DIV/0!")),
        *(
            (value, "")
            for value in ("-", "\u2013", "\u2014", "--", "", "nan", "NaN", "N/A", "None", "null", " ")
        ),
    ],
)
def test_what_is_meant_of_a_text(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


@pytest.mark.parametrize(
    ("column", "sign"),
    [
        (["a | b", "c", "d | e | f"], " | "),
        (["a;b", "c; d"], ";"),
        (["a|b", "c|d", "e"], "|"),
        (["a;b"], ";"),
        (["a;b", "c", "d", "e", "f"], None),  # one cell of five: the sign belongs to the name
        (["a\nb", "c | d", "e | f"], None),
        (["a\nb; c", "d;e"], None),
        (["a, b", "c, d"], None),
        ([], None),
    ],
)
def test_the_sign_that_separates_lists(column: list[str], sign: str | None) -> None:
    assert list_sign(column) == sign


def test_lists_are_split_by_their_own_sign_and_commas_are_told(tmp_path: Path) -> None:
    rows = read(
        tmp_path / "a.csv",
        'uri,label,aliases,notes\nu:1,weld,fuse; join,"a, b"\nu:2,read,,"c, d"\nu:3,x,y;#REF!;-,\n',
    )
    records, signs, commas = with_lists(rows, ("aliases", "notes", "absent"))
    assert signs == {"aliases": ";"}
    assert commas == {"notes": 2}
    assert [record.lines("aliases") for record in records] == [("fuse", "join"), (), ("y",)]
    assert records[2].unusable("aliases") == ("#REF!", "-")
    assert records[0].lines("notes") == ("a, b",)


def test_json_lists_lines_and_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('\n [{"URI": 41007, "ref": [1, 2.0, "x"]},\n {"uri": 7.0}]', encoding="utf-8")
    one, two = json_lines(TextFile.at(path), ("uri", "ref"))
    assert (one.identifier("uri"), one.identifiers("ref"), one.place) == ("41007", ("1", "2", "x"), "entry 1")
    assert two.identifier("uri") == "7"
    path.write_text('{"key": 1, "name": "weld", "other": {}}\n', encoding="utf-8")
    (row,) = json_lines(TextFile.at(path), ("uri", "label"), columns={"uri": "key", "label": "name"})
    assert (row.identifier("uri"), row.text("label")) == ("1", "weld")
    for value in ("true", "1.5", "{}"):
        path.write_text(f'{{"uri": {value}}}\n', encoding="utf-8")
        with pytest.raises(SkillSearchError, match=r"line 1, key uri: found .*, expected text"):
            next(json_lines(TextFile.at(path))).identifier("uri")


@pytest.mark.parametrize("character", ["x", "\U0001f525"])
def test_a_small_zip_of_a_large_table_takes_little_memory(tmp_path: Path, character: str) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.csv", "w") as file:
        file.write(b"uri,label\nu:1,")
        for _ in range(30):
            file.write(character.encode() * (2**20 // len(character.encode())))
    code = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from skillsearch.errors import SkillSearchError\n"
        "from skillsearch.tables import Table\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        f"table = Table('a.csv', 'a.csv', Path({str(path)!r}), ('a.csv',))\n"
        "try:\n"
        "    list(table.rows('uri'))\n"
        "except SkillSearchError as error:\n"
        "    assert 'a line of more than' in str(error), error\n"
        "else:\n"
        "    sys.exit(1)\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 100  # MiB
