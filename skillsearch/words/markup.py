"""Markup: the text of an advert in HTML, also escaped once more, with where each character stood."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import unescape
from typing import Final

__all__ = ["PlainText", "plain_text", "repaired"]

_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|\w{2,31});")
_LINE = re.compile(r"[ \t]*\r?\n\s*")
_ESCAPED_TAG = re.compile(r"&lt;/?[a-zA-Z][^&<>]{0,40}")
_HIDDEN = re.compile(
    r"<(script|style|template|noscript)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)", re.DOTALL | re.IGNORECASE
)
_TAG = re.compile(r"</?([a-zA-Z][a-zA-Z0-9]*)(?:\s[^<>]*)?/?>")
_BLOCK: Final = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "br",
        "dd",
        "div",
        "dl",
        "dt",
        "footer",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "li",
        "main",
        "nav",
        "ol",
        "option",
        "p",
        "section",
        "table",
        "tbody",
        "td",
        "th",
        "tr",
        "ul",
    ]
)
_ITEMS: Final = frozenset(["dd", "dt", "li", "option", "td", "th", "tr"])
_WINDOWS: Final = {code: bytes([code]).decode("cp1252", "replace") for code in range(0x80, 0xA0)}
_ROUNDS: Final = 3


@dataclass(frozen=True)
class PlainText:
    """A text as a reader sees it.

    Attributes:
        text: without markup.
        starts: of each character, where it begins in the text as given.
        ends: of each character, where it ends there.
    """

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Where a part, which is not empty, stands in the text as given."""
        return self.starts[start], self.ends[end - 1]


def repaired(text: str) -> str:
    """The text with what Windows-1252 means by control characters; it is as long as before."""
    return text.translate(_WINDOWS)


def plain_text(given: str, *, html: bool = False) -> PlainText:
    """The text without tags, scripts and styles, entities resolved; text without markup stays as it is.

    Args:
        given: plain text, HTML, or HTML that was escaped once more.
        html: take it for HTML, whose lines end with its elements, although it may have none that tells.
    """
    plain = PlainText(given, tuple(range(len(given))), tuple(range(1, len(given) + 1)))
    for _ in range(_ROUNDS):
        if not _ESCAPED_TAG.search(plain.text) or _TAG.search(plain.text):
            break
        plain = _replaced(plain, _ENTITY, _character)
    plain = _replaced(plain, _HIDDEN, lambda _: "\n")
    if html or _is_html(plain.text):
        plain = _replaced(plain, _LINE, lambda _: " ")
    plain = _replaced(plain, _TAG, _line_break)
    return _replaced(plain, _ENTITY, _character)


def _character(match: re.Match[str]) -> str:
    """What an entity stands for."""
    return unescape(match[0])


def _is_html(text: str) -> bool:
    """Whether elements other than line breaks make the lines of a text."""
    return any(match[1].lower() in _BLOCK and match[1].lower() != "br" for match in _TAG.finditer(text))


def _line_break(match: re.Match[str]) -> str:
    """What stands for a tag: a line break for one of a block, but only one between two items of a list."""
    name = match[1].lower()
    ends_item = name in _ITEMS and match[0].startswith("</")
    return "\n" if name in _BLOCK and not ends_item else ""


def _replaced(
    plain: PlainText, pattern: re.Pattern[str], replace: Callable[[re.Match[str]], str]
) -> PlainText:
    texts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    last = 0
    for match in pattern.finditer(plain.text):
        texts.append(plain.text[last : match.start()])
        starts += plain.starts[last : match.start()]
        ends += plain.ends[last : match.start()]
        new = replace(match)
        texts.append(new)
        starts += [plain.starts[match.start()]] * len(new)
        ends += [plain.ends[match.end() - 1]] * len(new)
        last = match.end()
    texts.append(plain.text[last:])
    return PlainText("".join(texts), (*starts, *plain.starts[last:]), (*ends, *plain.ends[last:]))
