"""Characters: which ones a text may not have, what spellings share, and what may be printed."""

import json
import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

__all__ = ["fault_of", "fold", "json_text", "one_line", "printable", "quoted", "script_of"]

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")
"""Control characters that are not white space."""

_STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What a terminal obeys: control characters but the tab and the line feed, and turns of the direction."""

_HALF = re.compile(r"[\ud800-\udfff]")
"""Half of a surrogate pair, which is also how Python keeps a byte that it cannot decode."""

_LONGEST_LINE: Final = 2000
_END: Final = 500
_LONGEST_QUOTE: Final = 80


def fault_of(text: str) -> str | None:
    """What makes a text unusable: half of a surrogate pair, a stray byte or a control character, if any."""
    if match := _HALF.search(text):
        return f"half of a surrogate pair, or a byte that is not UTF-8 (U+{ord(match[0]):04X})"
    if match := _CONTROL.search(text):
        return f"a control character (U+{ord(match[0]):04X})"
    return None


def fold(text: str) -> str:
    """What spellings of a text share that differ in case, in blanks, or in how accents are composed."""
    lower = unicodedata.normalize("NFC", text).casefold()
    return unicodedata.normalize("NFC", " ".join(lower.split()))


def printable(text: str) -> str:
    """The text without what would steer a terminal; half a surrogate pair becomes a replacement mark."""
    return text if text.isascii() and text.isprintable() else _HALF.sub("\ufffd", _STEERING.sub("", text))


def one_line(text: str) -> str:
    """The text as one printable line; of more than 2,000 characters the middle is left out."""
    line = printable(" ".join(part.strip() for part in text.splitlines() if part.strip()))
    if len(line) <= _LONGEST_LINE:
        return line
    return f"{line[: _LONGEST_LINE - _END - 3]} … {line[-_END:]}"


def quoted(value: object) -> str:
    """A value as messages quote it: as Python writes it, and not longer than 80 characters."""
    if isinstance(value, str) and len(value) > _LONGEST_QUOTE:
        return f"{value[:_LONGEST_QUOTE]!r}…"
    text = repr(value)
    return text if isinstance(value, str) or len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}…"


@lru_cache(maxsize=65536)
def script_of(letter: str) -> str:
    """The script of a letter by its Unicode name, such as ``LATIN``; empty for one without a name."""
    return unicodedata.name(letter, "").partition(" ")[0].partition("-")[0]


def json_text(
    value: Any,  # noqa: ANN401 - any value of JSON
    *,
    indent: int | None = None,
    default: Callable[[Any], object] | None = None,
) -> str:
    """A value as JSON that can be printed: what would steer a terminal is escaped.

    Args:
        value: of JSON.
        indent: spaces of a level; by default all stands on one line.
        default: makes a value of JSON of one that is none.
    """
    text = json.dumps(value, ensure_ascii=False, indent=indent, default=default)
    for pattern in (_STEERING, _HALF):
        text = pattern.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
    return text
