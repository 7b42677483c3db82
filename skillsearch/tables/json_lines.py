"""The reader of JSON Lines, one object on each line, and of JSON lists of objects."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from itertools import chain
from typing import Any, Final

from skillsearch.tables.names import our_names
from skillsearch.tables.record import KINDS, Record
from skillsearch.tables.table import Skip
from skillsearch.tables.text_file import TextFile

__all__ = ["json_lines"]

_EXPECTED: Final = "expected JSON Lines, one JSON object on each line, or one list of objects"


def json_lines(
    file: TextFile,
    known: Collection[str] = (),
    *,
    columns: Mapping[str, str] | None = None,
    skip: Skip | None = None,
) -> Iterator[Record]:
    """The objects of a file: one on each line that is not blank, or all in one list.

    Args:
        file: of JSON objects.
        known: keys that an object may have; by default any.
        columns: the file's own names of keys, by ours; it may then have others too.
        skip: called for an object that is not usable; by default that is an error.

    Raises:
        SkillSearchError: the file cannot be read, something in it is no JSON object, or a key is not known.
    """
    own_names = columns or {}
    for place, read in _places(file):
        try:
            found = read()
            values = dict(zip(our_names(tuple(found), known, own_names), found.values(), strict=True))
            record = Record(file, place, "key", values)
            if known and own_names:
                record = Record(file, place, "key", {name: values[name] for name in known if name in values})
            elif known:
                record.require_known(known)
        except file.error_type as error:
            if skip is None:
                raise
            skip(place, str(error))
            continue
        yield record


def _places(file: TextFile) -> Iterator[tuple[str, Callable[[], dict[str, Any]]]]:
    """Where each object stands, and what reads it."""
    lines = file.lines()
    first = next((line for line in lines if line.strip()), "")
    if first.lstrip().startswith("["):
        for number, value in enumerate(_parsed(file, "the list", "".join(chain([first], lines))), start=1):
            yield f"entry {number}", partial(_object, file, f"entry {number}", value)
        return
    for number, line in enumerate(file.lines(), start=1):
        if line.strip():
            yield f"line {number}", partial(_line_object, file, f"line {number}", line)


def _line_object(file: TextFile, place: str, line: str) -> dict[str, Any]:
    if line.strip() == "{":
        raise file.error(f", {place}: an object that goes on over more lines; {_EXPECTED}")
    return _object(file, place, _parsed(file, place, line))


def _parsed(file: TextFile, place: str, text: str) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return json.loads(text, object_pairs_hook=_each_once)
    except json.JSONDecodeError as error:
        problem = f"not valid JSON: {error.msg} at character {error.pos + 1}"
        raise file.error(f", {place}: {problem}; {_EXPECTED}") from error
    except (ValueError, RecursionError) as error:
        raise file.error(f", {place}: not usable JSON: {error}; {_EXPECTED}") from error


def _object(file: TextFile, place: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise file.error(f", {place}: found {KINDS.get(type(value), 'text')}; {_EXPECTED}")
    return value


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"key {twice!r} appears twice")
    return values
