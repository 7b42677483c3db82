"""Praise: how probably a sentence asks for nothing, such as praise of the company or what it pays.

The weights are those of a logistic regression on the sentences of SkillSkape's training part, with a skill
and without; see ``benchmarks/fit_praise.py``, which writes praise.toml.
"""

import math
import re
import tomllib
from importlib.resources import files
from itertools import pairwise
from typing import Final

from skillsearch.words.stems import root

__all__ = ["CONSTANT", "praise", "word_parts"]

CONSTANT: Final = ""
"""The name of the weight that each sentence has."""

_WORD = re.compile(r"\d[\d,.]*[k+]?|[^\W\d_]+", re.IGNORECASE)
_LARGE: Final = re.compile(r"(?:\d\D?){3}|\d+[\d.,]*k", re.IGNORECASE)
_NUMBER: Final = "#"
_WEIGHTS: Final[dict[str, float]] = tomllib.loads(
    files(__package__).joinpath("praise.toml").read_text(encoding="utf-8")
)["weights"]


def word_parts(text: str) -> frozenset[str]:
    """The roots of the words of a text, and pairs of them; ``#`` is a number of three or more digits."""
    words = [word for one in _WORD.findall(text) if (word := _root(one))]
    return frozenset(words) | {f"{one} {other}" for one, other in pairwise(words)}


def praise(text: str) -> float:
    """The probability that a sentence in English asks for nothing, in [0, 1]."""
    odds = _WEIGHTS[CONSTANT] + sum(_WEIGHTS.get(part, 0.0) for part in word_parts(text))
    return 1 / (1 + math.exp(-odds))


def _root(word: str) -> str:
    if not word[0].isdigit():
        return root(word)
    return _NUMBER if _LARGE.match(word) else ""
