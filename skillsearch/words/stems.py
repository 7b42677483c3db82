"""Stems of words: what their forms share, roughly, in English; other languages lose little by it."""

import re
from functools import lru_cache
from typing import Final

__all__ = ["REMEMBERED", "root", "roots", "singular"]

REMEMBERED: Final = 65_536
"""Words whose stems are remembered: the names of a taxonomy have few different ones."""

_WORD = re.compile(r"[\w+#.&-]*[\w+#]")
_ENDINGS: Final = ("ements", "ement", "ments", "ment", "ings", "ing", "ies", "ied", "ed", "es", "s", "e", "y")
_SHORTEST: Final = 3  # letters of a root, at least
_SMALL: Final = frozenset(
    word
    for line in (
        "a an the of in on for to and or with by from as at into your our their its",
        "is are be you we that this other using use such",
    )
    for word in line.split()
)


@lru_cache(REMEMBERED)
def singular(word: str) -> str:
    """What the singular and the plural of a word share."""
    lower = word.casefold()
    if len(lower) > 4 and lower.endswith("ies"):
        return lower[:-3] + "y"
    is_plural = lower.endswith("s") and not lower.endswith(("ss", "us", "is")) and not word.isupper()
    return lower[:-1] if len(lower) > 3 and is_plural else lower


@lru_cache(REMEMBERED)
def root(word: str) -> str:
    """What the forms of a verb and its noun share: *manage*, *managing*, *management*."""
    lower = word.casefold()
    if len(lower) < 4 or word.isupper():
        return lower
    for ending in _ENDINGS:
        if lower.endswith(ending) and len(lower) - len(ending) >= _SHORTEST and not lower.endswith("ss"):
            lower = lower[: -len(ending)]
            break
    is_double = len(lower) > 4 and lower[-1] == lower[-2] and lower[-1] not in "ls"
    return lower[:-1] if is_double else lower


def roots(text: str) -> frozenset[str]:
    """The roots of the words of a text, without those that say little."""
    return frozenset(root(word) for word in _WORD.findall(text) if word.casefold() not in _SMALL)
