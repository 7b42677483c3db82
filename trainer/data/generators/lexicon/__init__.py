"""The lexicon of the rule-based generator: words of the world of work, and what may stand for them.

Written for this project; the files beside this module say in their first line how they are read.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from trainer.data.generators.inflection import singular

__all__ = ["Domain", "Lexicon", "Verb", "load_lexicon"]

_FILES = ("verbs", "plain_verbs", "nouns", "adjectives", "abbreviations", "domains", "terms")


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb and what goes with it.

    Attributes:
        base: the verb, with its particle or preposition (``carry out``, ``advise on``).
        synonyms: that take the same object.
        nouns: names of the act; one that ends in a preposition is followed by the object, another
            stands after it or before ``of``.
        heads: last words of titles of those who do it.
    """

    base: str
    synonyms: tuple[str, ...] = ()
    nouns: tuple[str, ...] = ()
    heads: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Domain:
    """A field of work: words that show it, modifiers of its titles, and titles."""

    keywords: tuple[str, ...]
    modifiers: tuple[str, ...]
    titles: tuple[str, ...]


@dataclass(frozen=True)
class Lexicon:
    """The whole lexicon.

    Attributes:
        verbs: by base form.
        known_verbs: first words of all verbs, with and without an entry.
        nouns: singular nouns and what may stand for them.
        adjectives: adjectives and other modifiers, likewise.
        abbreviations: a phrase in lower case, and other ways to write it.
        domains: fields of work.
        domains_by_keyword: positions in `domains`, by keyword in the singular.
        terms: the last word of a topic, and patterns of titles.
        fingerprint: changes with any of the files, 8 hex digits.
    """

    verbs: Mapping[str, Verb]
    known_verbs: frozenset[str]
    nouns: Mapping[str, tuple[str, ...]]
    adjectives: Mapping[str, tuple[str, ...]]
    abbreviations: Mapping[str, tuple[str, ...]]
    domains: tuple[Domain, ...]
    domains_by_keyword: Mapping[str, tuple[int, ...]]
    terms: Mapping[str, tuple[str, ...]]
    fingerprint: str


@cache
def load_lexicon() -> Lexicon:
    """Read the files once."""
    folder = files(__package__)
    texts = {name: folder.joinpath(f"{name}.txt").read_text(encoding="utf-8") for name in _FILES}
    verbs: dict[str, Verb] = {}
    for base, synonyms, nouns, heads in _columns(texts["verbs"]):
        verbs.setdefault(base, Verb(base, _split(synonyms), _split(nouns), _split(heads)))
    plain = [word for (line,) in _columns(texts["plain_verbs"]) for word in line.split()]
    spoken = [phrase.split()[0] for verb in verbs.values() for phrase in (verb.base, *verb.synonyms)]
    domains = tuple(
        Domain(_split(keywords), _split(modifiers), _split(titles))
        for keywords, modifiers, titles in _columns(texts["domains"])
    )
    by_keyword: dict[str, tuple[int, ...]] = {}
    for index, domain in enumerate(domains):
        for keyword in dict.fromkeys(map(_lemma, domain.keywords)):
            by_keyword[keyword] = (*by_keyword.get(keyword, ()), index)
    return Lexicon(
        verbs=verbs,
        known_verbs=frozenset([*plain, *spoken]),
        nouns=_groups(texts["nouns"]),
        adjectives=_groups(texts["adjectives"]),
        abbreviations=_abbreviations(texts["abbreviations"]),
        domains=domains,
        domains_by_keyword=by_keyword,
        terms={word: _split(titles) for word, titles in _columns(texts["terms"])},
        fingerprint=hashlib.sha256("\0".join(texts.values()).encode()).hexdigest()[:8],
    )


def _columns(text: str) -> Iterator[list[str]]:
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            yield [column.strip() for column in line.split("|")]


def _split(column: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in column.split(",") if part.strip())


def _groups(text: str) -> dict[str, tuple[str, ...]]:
    """What may stand for the first word of each line."""
    groups: dict[str, tuple[str, ...]] = {}
    for (line,) in _columns(text):
        first, *others = _split(line)
        groups.setdefault(first, tuple(others))
    return groups


def _abbreviations(text: str) -> dict[str, tuple[str, ...]]:
    """Each way to write a thing, and the others; the first line of a way wins."""
    found: dict[str, tuple[str, ...]] = {}
    for ways in _columns(text):
        for way in ways:
            found.setdefault(way.lower(), tuple(other for other in ways if other != way))
    return found


def _lemma(phrase: str) -> str:
    *before, last = phrase.lower().split()
    return " ".join([*before, singular(last)])
