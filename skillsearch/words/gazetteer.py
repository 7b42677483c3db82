"""Gazetteer: finds names in running text, the longest first, whole words only, signs such as C++ kept.

A name is found in other spellings too: ``type-script``, ``work in a team`` for *work in teams*, and one of
several words in other forms: ``managing budgets`` for *manage budgets*. A name of one word that is also an
ordinary word, such as *Swift*, is found only where its case says that it is a name.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from skillsearch.words.stems import REMEMBERED, root, singular

__all__ = ["Gazetteer", "Mention", "tokens", "words_of"]

_TOKEN = re.compile(r"(?<![\w.])\.[A-Z]\w+|\w+(?:[.&]\w+)*[+#]*")
_LEFT_OUT: Final = frozenset(("a", "an", "the", "your", "our", "their", "of"))
_LONGEST: Final = 12
"""Words of a name, at most."""


class Token(NamedTuple):
    """A word of a text: where it stands, its spelling, and what its forms share."""

    start: int
    end: int
    text: str
    stem: str


class Mention(NamedTuple):
    """A name in a text: where it stands, and what has it."""

    start: int
    end: int
    names: tuple[int, ...]


@dataclass(frozen=True)
class Gazetteer:
    """Names by their stems.

    Attributes:
        by_key: rows of the names, by the stems of their words without blanks.
        by_roots: rows of the names of several words, by the roots of these.
        spellings: of each row, as the taxonomy has it.
        ordinary: words in lower case, those of longer names among them.
    """

    by_key: Mapping[str, tuple[int, ...]]
    by_roots: Mapping[str, tuple[int, ...]]
    spellings: tuple[str, ...]
    ordinary: frozenset[str]

    @classmethod
    def of(cls, names: Iterable[str], words: Iterable[str] = ()) -> "Gazetteer":
        """Make one of names, of which a mention tells the rows, and of further ordinary words."""
        by_key: dict[str, list[int]] = {}
        by_roots: dict[str, list[int]] = {}
        spellings, ordinary = [], set(words)
        for row, name in enumerate(names):
            parts = words_of(name)
            spellings.append(name)
            if len(parts) > 1:
                ordinary.update(part for part in parts if part.islower())
            if parts and len(parts) <= _LONGEST:
                stems = [_stem(part) for part in parts]
                by_key.setdefault("".join(stems), []).append(row)
                if key := _roots(parts, stems):
                    by_roots.setdefault(key, []).append(row)
        by_key.pop("", None)
        keys, roots = ({key: tuple(rows) for key, rows in some.items()} for some in (by_key, by_roots))
        return cls(keys, roots, tuple(spellings), frozenset(ordinary))

    def find(self, text: str) -> list[Mention]:
        """All mentions, in order, none over another."""
        words = tokens(text)
        found, place = [], 0
        while place < len(words):
            mention, used = self._longest(text, words, place)
            if mention:
                found.append(mention)
            place += used
        return found

    def _longest(self, text: str, words: list[Token], place: int) -> tuple[Mention | None, int]:
        if not words[place].stem:
            return None, 1
        for count in range(min(_LONGEST, len(words) - place), 0, -1):
            run = words[place : place + count]
            between = text[run[0].start : run[-1].end]
            stems = [word.stem for word in run]
            rows = self.by_key.get("".join(stems)) or self.by_roots.get(
                _roots([word.text for word in run], stems)
            )
            if rows and run[-1].stem and not re.search(r"[,;:()\n!?|]|\.\s", between):
                kept = tuple(row for row in rows if self._is_meant(text, run, self.spellings[row]))
                if kept:
                    return Mention(run[0].start, run[-1].end, kept), count
        return None, 1

    def _is_meant(self, text: str, run: list[Token], name: str) -> bool:
        """Whether a run of words is the name, and not only spelt so."""
        if len(words_of(name)) > 1:
            return True
        if len(run) > 1:
            return len(name) > 5
        word = run[0].text
        if len(name) == 1:
            return word == name
        if name.islower():
            return len(word) > 2
        if word.islower() or _begins(text, run[0]):
            listed = re.match(r"\s*[,/;]", text[run[0].end :]) is not None
            return word.casefold() not in self.ordinary or (listed and not word.islower())
        return True


def tokens(text: str) -> list[Token]:
    """The words of a text; articles have no stem."""
    return [Token(match.start(), match.end(), match[0], _stem(match[0])) for match in _TOKEN.finditer(text)]


def words_of(text: str) -> list[str]:
    """The words of a text, as `tokens` has them."""
    return _TOKEN.findall(text)


def _roots(words: Sequence[str], stems: Sequence[str]) -> str:
    """The roots of several words, articles left out; empty for one word."""
    found = [root(word) for word, stem in zip(words, stems, strict=True) if stem]
    return " ".join(found) if len(found) > 1 else ""


@lru_cache(REMEMBERED)
def _stem(word: str) -> str:
    """What the singular and the plural of a word share; empty for an article."""
    return "" if word.casefold() in _LEFT_OUT and (word.islower() or word.istitle()) else singular(word)


def _begins(text: str, word: Token) -> bool:
    """Whether a word is the first of a sentence or of a line."""
    before = text[: word.start].rstrip(" \t\"'(\u2022*-\u2013")
    return not before or before[-1] in ".!?:\n"
