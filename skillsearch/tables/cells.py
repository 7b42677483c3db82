"""Texts of cells as people and programs leave them, and what of them is meant."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

__all__ = ["clean", "list_sign"]

_SPACES: Final = dict.fromkeys(map(ord, "\u00a0\u2007\u202f\u2009\u3000"), " ")
_DROPPED: Final = dict.fromkeys(
    [*(code for code in range(0x20) if chr(code) not in "\t\n\r"), *range(0x7F, 0xA0)]
    + [ord(char) for char in "\u00ad\u200b\u2060\ufeff"]
)
"""Control characters, soft hyphens, and spaces of no width."""

_TRANSLATION: Final = {**_SPACES, **_DROPPED}

_ERROR = re.compile(r"#(?:N/A|N/D|NV|GETTING_DATA|[¡¿]?[^\W\d_][\w/]*[!?])")
"""A spreadsheet's error value, such as ``#REF!``, ``#NAME?``, ``#BEZUG!`` or ``#N/A``."""

_DASHES = re.compile(r"[-\u2010-\u2015\u2212_.]+")
_PLACEHOLDERS: Final = frozenset(("n/a", "nan", "null", "none", "nil"))
_LONGEST_PLACEHOLDER: Final = 20
_LIST_SIGNS: Final = (" | ", ";", "|")


def clean(text: str) -> str:
    """A text without what only looks like one: composed (NFC), no-break spaces as spaces, stripped.

    Control characters and spaces of no width are dropped. A spreadsheet's error value, a dash and a
    placeholder such as ``nan`` or ``N/A`` are nothing: they become the empty text.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if not text.isprintable():
        text = text.translate(_TRANSLATION)
    text = text.strip()
    return "" if len(text) <= _LONGEST_PLACEHOLDER and _is_placeholder(text) else text


def list_sign(cells: Iterable[str]) -> str | None:
    """The sign that separates the values of one column's lists: `` | ``, ``;`` or ``|``.

    None where a cell has a line break, which then separates them; or where fewer than two cells, and
    fewer than half of those that are filled, have one of the signs.
    """
    filled = [cell for cell in cells if cell.strip()]
    if any(len(cell.strip().splitlines()) > 1 for cell in filled):
        return None
    counts = {sign: sum(sign in cell for cell in filled) for sign in _LIST_SIGNS}
    best = max(_LIST_SIGNS, key=lambda sign: counts[sign])  # the first of equals
    return best if counts[best] >= min(2, len(filled) / 2) and counts[best] else None


def _is_placeholder(text: str) -> bool:
    if text.lower() in _PLACEHOLDERS or _DASHES.fullmatch(text):
        return True
    return text.isupper() and _ERROR.fullmatch(text) is not None
