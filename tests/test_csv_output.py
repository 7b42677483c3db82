"""CSV that is written: cells that a spreadsheet would run are made plain text."""

import csv
import io

import pytest

from skillsearch.tables import write_rows


@pytest.mark.parametrize(
    "cell",
    ['=HYPERLINK("https://example.com")', "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\n=1", "-"],
)
def test_a_formula_becomes_text(cell: str) -> None:
    assert _written([cell]) == f"'{cell}"


@pytest.mark.parametrize("cell", ["press operator", "C++", "a=b", "-0.25", "+3", "-1.5e-07", -0.25, ""])
def test_other_cells_stay_as_they_are(cell: object) -> None:
    assert _written([cell]) == str(cell)


def test_a_header_is_made_plain_too_and_none_is_empty() -> None:
    file = io.StringIO(newline="")
    write_rows(file, ["=a", "b"], [[None, 1], ["two\r\nlines", "\r=1"]])
    assert file.getvalue() == '\'=a,b\n,1\n"two\nlines","\'\n=1"\n'


def _written(row: list[object]) -> str:
    file = io.StringIO(newline="")
    write_rows(file, ["column"], [row])
    _, (cell,) = csv.reader(io.StringIO(file.getvalue(), newline=""))
    return cell
