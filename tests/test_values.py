"""Values of JSON and TOML files: damage is one error that names the file, the place and the remedy."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from skillsearch.errors import ModelError
from skillsearch.values import parse_json, read_values

DAMAGED = {
    "nested": ("[" * 100_000, "recursion"),
    "empty": ("", "EOF"),
    "infinite": ('{"number": Infinity}', "JSON"),
    "overflowing": ('{"number": 1e400}', "the number inf"),
    "giant": ('{"number": 1' + "0" * 400 + "}", "the number of 1329 bits"),
    "half of a character": (r'{"text": "\ud800"}', "JSON"),
    "five thousand digits": ("9" * 5000, "JSON"),
    "another form": ('{"number": "x"}', r"number: input should be a valid number.*found 'x'"),
}


class Form(BaseModel):
    number: float = 0.0
    text: str = ""


@pytest.mark.parametrize(("text", "message"), DAMAGED.values(), ids=DAMAGED)
def test_damaged_json(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match=rf"(?s)file\.json.*{message}.*; write it again"):
        read_values(path, Form, ModelError, remedy="write it again")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = " + "[" * 100_000, "TOML"),
        ("x = inf", "the number inf"),
        ("x = 1" + "0" * 400, "the number of"),
        ("x = 1" + "0" * 5000, "TOML"),
    ],
)
def test_damaged_toml(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "file.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match=rf"file\.toml.*{message}"):
        read_values(path, dict[str, Any], ModelError)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "file.json").write_bytes(b"\xff")
    with pytest.raises(ModelError, match=r"file\.json cannot be read"):
        read_values(tmp_path / "file.json", Form, ModelError)


def test_a_long_value_is_cut() -> None:
    with pytest.raises(ModelError) as told:
        parse_json('{"number": "' + "x" * 10_000 + '"}', Form, ModelError, source="it")
    assert len(str(told.value)) < 300


def test_what_is_right_is_read(tmp_path: Path) -> None:
    (tmp_path / "file.json").write_text('{"number": 1}', encoding="utf-8")
    assert read_values(tmp_path / "file.json", Form, ModelError) == Form(number=1.0)
    with pytest.raises(FileNotFoundError):
        read_values(tmp_path / "none.json", Form, ModelError)
