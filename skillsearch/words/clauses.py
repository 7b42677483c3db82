"""Clauses: the parts of a sentence that may name a skill by themselves."""

import re
from collections.abc import Iterator
from typing import Final

__all__ = ["clauses"]

_BREAK = re.compile(r"[,;:()\u2013\u2014]|\s-\s|\b(?:and|or|und|oder|et|ou|y)\b|^[\s\-\u2022*]+")
_JOINT = re.compile(
    r"\b(?:by|through|with|for|while|using|including|such as|as well as|that|who|which|in order to|to ensure"
    r"|ensuring|within)\b",
    re.IGNORECASE,
)
_FEWEST: Final = 2
_LONG: Final = 8  # words of a clause before its parts are clauses, too
_MOST: Final = 18  # words of a clause: they are fewer than 64 tokens, where encoders cut


def clauses(text: str) -> list[tuple[int, int]]:
    """Where the clauses of a sentence stand in it; those within a long one come before it."""
    found: list[tuple[int, int]] = []
    for start, end in _parts(text, _BREAK, 0, len(text)):
        if len(text[start:end].split()) > _LONG:
            found += _parts(text, _JOINT, start, end)
        found.append((start, end))
    return [place for place in dict.fromkeys(found) if _FEWEST <= len(text[slice(*place)].split()) <= _MOST]


def _parts(text: str, pattern: re.Pattern[str], start: int, end: int) -> Iterator[tuple[int, int]]:
    """What stands between the places of a pattern, without the blanks and signs around it."""
    cuts = [match.span() for match in pattern.finditer(text, start, end)]
    for low, high in zip(
        [start, *(last for _, last in cuts)], [*(first for first, _ in cuts), end], strict=True
    ):
        part = text[low:high].strip(" .!?\n\t\"'")
        if part:
            first = text.index(part, low)
            yield first, first + len(part)
