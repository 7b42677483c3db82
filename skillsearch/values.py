"""Values of JSON and TOML files, checked against a form; whatever is wrong is one error that says where.

Such files are written by other programs and by hand. They may be nested without end, hold numbers that
are not finite, half a character, or something else than is expected.
"""

import math
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from skillsearch.errors import SkillSearchError

__all__ = ["check_values", "parse_json", "parse_toml", "read_values"]

_Value = TypeVar("_Value")

_SHOWN: Final = 80  # characters of a value, in a message
_BITS: Final = 64  # of a whole number
_adapter: Callable[[Any], TypeAdapter[Any]] = cache(TypeAdapter)


def read_values(path: Path, form: type[_Value], error: type[SkillSearchError], *, remedy: str = "") -> _Value:
    """The value of a file: JSON where its name ends in ``.json`` or has no ending, else TOML.

    Args:
        path: of the file.
        form: a type that pydantic knows.
        error: what is raised where something is wrong.
        remedy: what to do then.

    Raises:
        FileNotFoundError: there is no such file.
        SkillSearchError: it cannot be read or parsed, or has another form.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as reason:
        raise _error(error, str(path), f"cannot be read: {reason}", remedy) from reason
    parse = parse_json if path.suffix in (".json", "") else parse_toml
    return parse(text, form, error, source=str(path), remedy=remedy)


def parse_json(
    text: str | bytes, form: type[_Value], error: type[SkillSearchError], *, source: str, remedy: str = ""
) -> _Value:
    """The value of a JSON text; `source` names it in messages.

    Raises:
        SkillSearchError: it is not JSON, or has another form.
    """
    try:
        values = from_json(text, allow_inf_nan=False)
    except ValueError as reason:
        raise _error(error, source, f"cannot be read as JSON: {reason}", remedy) from reason
    return check_values(values, form, error, source=source, remedy=remedy)


def parse_toml(
    text: str, form: type[_Value], error: type[SkillSearchError], *, source: str, remedy: str = ""
) -> _Value:
    """The value of a TOML text; `source` names it in messages.

    Raises:
        SkillSearchError: it is not TOML, or has another form.
    """
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as reason:
        raise _error(error, source, f"cannot be read as TOML: {reason}", remedy) from reason
    return check_values(values, form, error, source=source, remedy=remedy)


def check_values(
    values: object, form: type[_Value], error: type[SkillSearchError], *, source: str, remedy: str = ""
) -> _Value:
    """Parsed values in their form; `source` names where they are from in messages.

    Raises:
        SkillSearchError: they have another form, or a number that is not finite or beyond 64 bits.
    """
    try:
        if unusable := _unusable_number(values):
            raise _error(error, source, f"holds the number {unusable}, which cannot be used", remedy)
        checked: _Value = _adapter(form).validate_python(values)
        return checked
    except ValidationError as reason:
        first = reason.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        found = f"{first['input']!r:.{_SHOWN}}"
        problem = f"{where}: {first['msg'][:1].lower()}{first['msg'][1:]}, found {found}"
        raise _error(error, f"{source}:", problem, remedy) from reason


def _unusable_number(values: Any) -> str:  # noqa: ANN401 - any parsed value
    """The first number that is not finite or too large, in words; parsers limit the depth."""
    match values:
        case float() if not math.isfinite(values):
            return str(values)
        case int() if values.bit_length() >= _BITS:
            return f"of {values.bit_length()} bits"
        case dict():
            return next(filter(None, map(_unusable_number, values.values())), "")
        case list():
            return next(filter(None, map(_unusable_number, values)), "")
    return ""


def _error(error: type[SkillSearchError], source: str, problem: str, remedy: str) -> SkillSearchError:
    return error(f"{source} {problem}" + (remedy and f"; {remedy}"))
