import random
import struct
import zipfile
from pathlib import Path

import pytest

from indexer.read.release_files import find_tables
from skillsearch.errors import TaxonomyError
from skillsearch.tables import FILE_LIMIT, Table

TEXT = "conceptUri,label\nu:1,one\nu:2,two\n"


def make_zip(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def table(tmp_path: Path, data: bytes) -> Table:
    (tmp_path / "skills_en.csv").write_bytes(data)
    return find_tables([tmp_path]).tables["skills_en.csv"]


def error_of(path: Path, *columns: str, limit: int = FILE_LIMIT) -> str:
    """The one line that finding and reading all tables of a path fails with."""
    with pytest.raises(TaxonomyError) as caught:
        read_all(path, *columns, limit=limit)
    message = str(caught.value)
    assert "\n" not in message
    return message


def read_all(path: Path, *columns: str, limit: int) -> None:
    for found in find_tables([path], limit).tables.values():
        list(found.rows(*columns))


def test_columns_are_found_by_header_and_cells_are_stripped(tmp_path: Path) -> None:
    rows = list(table(tmp_path, b"\xef\xbb\xbflabel, conceptUri\n one ,\tu:1\n").rows("conceptUri"))
    assert [(row.place, row["conceptUri"], row["label"]) for row in rows] == [("row 2", "u:1", "one")]


def test_a_row_is_a_record_not_a_line(tmp_path: Path) -> None:
    rows = list(table(tmp_path, b'conceptUri,label\r\nu:1,"a\nb\n\nc"\r\n\r\nu:3,d\r\n').rows("conceptUri"))
    assert [(row.place, row["label"]) for row in rows] == [("row 2", "a\nb\n\nc"), ("row 4", "d")]


def test_lines_are_stripped_and_kept_once(tmp_path: Path) -> None:
    row = next(table(tmp_path, b'conceptUri,label\nu:1," b \r\n\na\nb\n  "\n').rows())
    assert row.lines("label") == ("b", "a")
    assert row.lines("absent") == ()


def test_a_zip_is_read_with_folders_inside_and_without_what_macos_adds(tmp_path: Path) -> None:
    path = make_zip(
        tmp_path / "a.zip",
        {
            "ESCO v1/skills_en.csv": TEXT.encode(),
            "__MACOSX/ESCO v1/._skills_en.csv": b"\0",
            "ESCO v1/.hidden.csv": b"\0",
            "ESCO v1/readme.txt": b"",
        },
    )
    tables = find_tables([path]).tables
    assert list(tables) == ["skills_en.csv"]
    assert [row["label"] for row in tables["skills_en.csv"].rows("label")] == ["one", "two"]


def test_a_folder_is_read_without_what_macos_adds(tmp_path: Path) -> None:
    (tmp_path / "skills_en.csv").write_text(TEXT)
    (tmp_path / "._skills_en.csv").write_bytes(b"\0")
    (tmp_path / "folder.csv").mkdir()
    assert list(find_tables([tmp_path]).tables) == ["skills_en.csv"]


def test_missing_path_or_not_a_zip(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    assert "no such file or folder" in error_of(path)
    path.write_text(TEXT)
    assert error_of(path).startswith("a.zip: not a zip")


@pytest.mark.parametrize("keep", [0, 10, 60, 150, -1, -10])
def test_cut_zip(tmp_path: Path, keep: int) -> None:
    path = make_zip(tmp_path / "a.zip", {"skills_en.csv": TEXT.encode()})
    data = path.read_bytes()
    path.write_bytes(data[: keep % len(data)])
    assert error_of(path).startswith("a.zip: not a zip, or a truncated one")


def test_checksum_error_in_a_member(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {"skills_en.csv": TEXT.encode()}, zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"u:2,two", b"u:2,TWO"))
    message = error_of(path)
    assert message.startswith("a.zip/skills_en.csv: damaged in the zip")
    assert "CRC" in message


def test_any_flipped_byte_reads_or_raises_the_one_error(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {"skills_en.csv": TEXT.encode() * 5, "é.csv": TEXT.encode()})
    data = path.read_bytes()
    draw = random.Random(0)  # noqa: S311
    for position in range(len(data)):
        damaged = bytearray(data)
        damaged[position] ^= draw.randrange(1, 256)
        path.write_bytes(damaged)
        try:
            read_all(path, "conceptUri", limit=10_000)
        except TaxonomyError as error:
            assert "\n" not in str(error)  # noqa: PT017


def test_encrypted_zip(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {"skills_en.csv": TEXT.encode()})
    set_flags(path, 0x1)
    message = error_of(path)
    assert message.startswith("a.zip/skills_en.csv: encrypted")
    assert "unpack it" in message


def set_flags(path: Path, flags: int) -> None:
    data = bytearray(path.read_bytes())
    struct.pack_into("<H", data, data.index(b"PK\x03\x04") + 6, flags)
    struct.pack_into("<H", data, data.index(b"PK\x01\x02") + 8, flags)
    path.write_bytes(data)


@pytest.mark.parametrize(("method", "number"), [(zipfile.ZIP_LZMA, 14), (zipfile.ZIP_BZIP2, 12)])
def test_unsupported_compression(tmp_path: Path, method: int, number: int) -> None:
    message = error_of(make_zip(tmp_path / "a.zip", {"skills_en.csv": TEXT.encode()}, method))
    assert message.startswith(f"a.zip/skills_en.csv: compressed by method {number}, expected stored")


@pytest.mark.parametrize("in_zip", [True, False])
def test_member_limit(tmp_path: Path, in_zip: bool) -> None:
    data = b"conceptUri\n" + b"u:1\n" * 1000
    if in_zip:
        path = make_zip(tmp_path / "a.zip", {"skills_en.csv": data})
    else:
        (path := tmp_path / "a").mkdir()
        (path / "skills_en.csv").write_bytes(data)
    assert "skills_en.csv: has more than the limit of 4,010 bytes" in error_of(path, limit=4010)
    assert len(list(find_tables([path], 4011).tables["skills_en.csv"].rows("conceptUri"))) == 1000


def test_a_size_in_the_header_is_not_trusted(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {"skills_en.csv": b"x" * 100_000})
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, data.index(b"PK\x01\x02") + 24, 10)
    path.write_bytes(data)
    assert error_of(path, limit=1000).startswith("a.zip/skills_en.csv: ")


@pytest.mark.parametrize(
    "name",
    ["../x.csv", "a/../../x.csv", "/x.csv", "C:/x.csv", "C:\\x.csv", "..\\x.csv", "\\\\x\\x.csv", "a\nb.csv"],
)
def test_a_member_name_that_escapes_the_folder(tmp_path: Path, name: str) -> None:
    message = error_of(make_zip(tmp_path / "a.zip", {name: TEXT.encode()}))
    assert message.startswith("a.zip: the member ")
    assert repr(name) in message
    assert "do not use this zip" in message


def test_the_same_member_twice(tmp_path: Path) -> None:
    one = make_zip(tmp_path / "a.zip", {"skills_en.csv": b""})
    other = make_zip(tmp_path / "b.zip", {"x/skills_en.csv": b""})
    with pytest.raises(TaxonomyError, match=r"skills_en\.csv is in both a\.zip and b\.zip: give"):
        find_tables([one, other])


def test_a_file_or_folder_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = table(tmp_path, TEXT.encode())

    def refuse(*args: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(TaxonomyError, match=r"skills_en\.csv: cannot be read: Permission denied"):
        list(found.rows())
    monkeypatch.setattr(Path, "iterdir", refuse)
    assert "cannot be read: Permission denied; check its permissions" in error_of(tmp_path)


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    found = table(tmp_path, TEXT.encode())
    found.path.unlink()
    with pytest.raises(TaxonomyError, match=r"skills_en\.csv: cannot be read: No such file"):
        list(found.rows())


@pytest.mark.parametrize(
    ("data", "column", "problem"),
    [
        (b"uri;label\nu:1;one\n", "conceptUri", "1, column conceptUri: missing; found 'uri, label'"),
        (
            b'conceptUri,label\n"u:\n1",one\nu:2,caf\xe9\n',
            "label",
            "3, column label: byte 0xe9 at offset 35",
        ),
        (
            b'\xef\xbb\xbfconceptUri,label\n"u:\n1",one\nu:2,caf\xe9\n',
            "label",
            "3, column label: byte 0xe9 at offset 38 is not UTF-8",
        ),
        (b"label,x\n\xe9t\xe9,1\n", "label", "2, column label: byte 0xe9"),
        (b'conceptUri,label\nu:1,one\nu:2,"two\nu:3,three\n', "label", "3, column unknown: not valid CSV"),
        (
            b"conceptUri,label\nu:1,one\nu:2,two,three\n",
            "label",
            "3, column 3: more cells than the header",
        ),
    ],
)
def test_a_broken_table(tmp_path: Path, data: bytes, column: str, problem: str) -> None:
    (tmp_path / "skills_en.csv").write_bytes(data)
    assert f"/skills_en.csv, row {problem}" in error_of(tmp_path, column)


def test_a_row_that_is_too_short(tmp_path: Path) -> None:
    row = next(table(tmp_path, b"conceptUri,label,note\nu:1\n").rows("conceptUri", "label"))
    assert row["conceptUri"] == "u:1"
    assert row.text("note") == ""
    with pytest.raises(TaxonomyError, match="row 2, column label: the row ends before this column"):
        row["label"]
    row = next(table(tmp_path, b"conceptUri,label\nu:1,  \n").rows())
    with pytest.raises(TaxonomyError, match="row 2, column label: empty, expected a value"):
        row.filled("label")


def test_zips_within_zips_are_read_to_a_depth(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "0.zip", {"a/skills_en.csv": TEXT.encode()})
    for depth in range(1, 5):
        path = make_zip(tmp_path / f"{depth}.zip", {f"in/{path.name}": path.read_bytes()}, zipfile.ZIP_STORED)
        found = find_tables([path])
        if depth == 4:
            assert found.tables == {}
        else:
            rows = list(found.tables["skills_en.csv"].rows("conceptUri"))
            assert [row["label"] for row in rows] == ["one", "two"]
            assert found.names[0] == path.name


def test_a_broken_zip_within_a_zip(tmp_path: Path) -> None:
    inner = make_zip(tmp_path / "inner.zip", {"skills_en.csv": TEXT.encode()}).read_bytes()
    path = make_zip(tmp_path / "outer.zip", {"inner.zip": inner[:60]})
    assert error_of(path).startswith("outer.zip/inner.zip: not a zip, or a truncated one")
    path = make_zip(tmp_path / "outer.zip", {"../inner.zip": inner})
    assert "has a name that escapes the folder" in error_of(path)
    set_flags(make_zip(path, {"inner.zip": inner}), 0x1)
    assert error_of(path).startswith("outer.zip/inner.zip: encrypted")


def test_a_release_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.read.release_files.RELEASE_LIMIT", 100)
    path = make_zip(tmp_path / "a.zip", {f"{number}.csv": b"x" * 60 for number in range(2)})
    assert "a.zip: its tables have more than 100 bytes once unpacked" in error_of(path)
