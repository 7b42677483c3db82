"""Job titles as they come: what of one names the job, without what is mechanical around it."""

import html
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Final

from skillsearch.characters import fold
from skillsearch.errors import ConfigurationError
from skillsearch.words import noise

__all__ = ["CleanTitle", "Vocabulary", "clean_title", "read_acronyms", "words_of"]

_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,200}>")
_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u2060\ufeff\ufe00-\ufe0f]")
_DASH: Final = r"\-\u2013\u2014"
_SEPARATOR = re.compile(
    rf"\s+[{_DASH}|•·»>~]+\s+|\s*[|•·;]\s*|\s*\*+\s*|,\s+|:\s+|\s+//\s+|^[{_DASH}\s]+|[{_DASH}\s]+$"
)
_BRACKETS = re.compile(r"[(\[{]([^()\[\]{}]*)[)\]}]")
_WORD = re.compile(r"\w[\w'\u2019+#.-]*\w|\w[+#]*")
_TWO = re.compile(r"\s*/\s*|\s+(?:and|und|et|y|e|en|&)\s+")
_PAIR = re.compile(r"(\w{3,})\s*/\s*(\w{3,})")
_AMPERSAND = re.compile(r"\s+&\s+")
_CAPITALS = re.compile(r"[A-Z]{1,3}(?:\s?&\s?[A-Z])|[A-Z]{2,5}")
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_SHORTEST_MISTYPED: Final = 6
_CLEAR: Final = 5  # how many times as often as another word one is that a mistyped word may be
_KINDS: Final = (noise.PAY, noise.REFERENCE, noise.HOURS, noise.ADVERTISING)


@dataclass(frozen=True)
class CleanTitle:
    """What a title says.

    Attributes:
        texts: titles of jobs; several where it names several.
        seniority: words such as *senior*, kept apart.
    """

    texts: tuple[str, ...]
    seniority: tuple[str, ...] = ()


@dataclass(frozen=True)
class Vocabulary:
    """What a normaliser has to know of an index.

    Attributes:
        words: of its names, folded, with how often each occurs.
        names: concepts by name, folded.
        acronyms: what each stands for, by the acronym in capitals.
        is_alone: whether titles are in the language of the index alone. Otherwise one of whose words the
            index has less than half is left as it is spelt, with all of its parts.
    """

    words: Mapping[str, int]
    names: Mapping[str, frozenset[str]]
    acronyms: Mapping[str, str] = field(default_factory=dict)
    is_alone: bool = True

    @cached_property
    def has_and(self) -> bool:
        """Whether it is English enough for *and* to stand for an ampersand."""
        return "and" in self.words

    def knows(self, text: str) -> bool:
        """Whether a text has a word of some meaning that the index has."""
        return any(len(word) > 3 and self.words.get(word) for word in words_of(text))

    def reads(self, text: str) -> bool:
        """Whether a text is to be taken for one in the language of the index."""
        words = [word for word in words_of(text) if len(word) > 3]
        return self.is_alone or 2 * sum(word in self.words for word in words) >= len(words)

    def knows_all(self, text: str) -> bool:
        """Whether the index has all words of a text."""
        words = words_of(text)
        return bool(words) and all(word in self.words for word in words)


def clean_title(title: str, vocabulary: Vocabulary) -> CleanTitle:
    """Take from a title what does not name the job; a title of nothing else stays as it is."""
    text = _characters(title)
    if fold(text) in vocabulary.names:
        return CleanTitle((text,))
    bare = noise.GENDER_ENDING.sub("", noise.GENDER.sub(" ", text))
    for kind in _KINDS:
        bare = kind.sub(" | ", bare)
    seniority: list[str] = []

    def keep(match: re.Match[str]) -> str:
        seniority.append(" ".join(match[0].split()))
        return " "

    bare = _BRACKETS.sub(lambda match: _bracket(match[1], vocabulary, seniority), bare)
    junior = noise.SENIORITY.sub(keep, bare)
    bare = junior if any(char.isalpha() for char in junior) else bare
    job = _job(bare, vocabulary)
    if not any(char.isalpha() for char in job):
        return CleanTitle((" ".join(text.split()),))
    job = _PAIR.sub(_of_one_gender, job)
    if vocabulary.reads(job):
        job = _expanded(_spelt(job, vocabulary), vocabulary)
    return CleanTitle(_titles(job, vocabulary), tuple(seniority))


def read_acronyms(path: Path | None) -> dict[str, str]:
    """The acronyms of the package, and those of a file, which win.

    Raises:
        ConfigurationError: the file cannot be read, or a line is not ``ACRONYM = words``.
    """
    own = files(__package__).joinpath("acronyms.txt").read_text(encoding="utf-8")
    found = dict(_acronyms(own.splitlines(), "acronyms.txt"))
    if path is not None:
        try:
            text = path.expanduser().read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"acronyms {path} cannot be read: {error}") from error
        found |= _acronyms(text.splitlines(), str(path))
    return found


def _acronyms(lines: Iterable[str], source: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, words = line.partition("=")
        if not (equals and name.strip() and words.strip()):
            raise ConfigurationError(
                f"{source}, line {number}: expected ACRONYM = words, found {line.strip()!r}"
            )
        yield "".join(name.split()).upper(), " ".join(words.split())


def _characters(title: str) -> str:
    """The text of a title: without markup, invisible characters and emoji, in usual case."""
    text = html.unescape(html.unescape(title))
    text = _INVISIBLE.sub("", _TAG.sub(" ", text))
    text = "".join(" | " if unicodedata.category(char) in ("So", "Sk", "Cs") else char for char in text)
    text = " ".join(unicodedata.normalize("NFC", text).split()).strip("| ")
    words = [word for word in _WORD.findall(text) if any(char.isalpha() for char in word)]
    if words and all(word.isupper() for word in words) and max(map(len, words)) > 4:
        return text.lower()
    return re.sub(r"\b[a-zà-þ][A-ZÀ-Þ]{3,}\b", lambda match: match[0].lower(), text)


def _bracket(text: str, vocabulary: Vocabulary, seniority: list[str]) -> str:
    """What stays of brackets: words that the index has, and nothing else."""
    seniority += (" ".join(match[0].split()) for match in noise.SENIORITY.finditer(text))
    rest = noise.SENIORITY.sub(" ", text)
    return f" {rest} " if "|" not in rest and vocabulary.knows_all(rest) else " "


def _job(text: str, vocabulary: Vocabulary) -> str:
    """The parts that name the job: the first that the index has words of, and further such ones.

    All of them where the title is in another language than the index, whose words do not tell.
    """
    reads = vocabulary.reads(text)
    head = noise.PLACEMENT.split(text)[0] if reads else text
    if not vocabulary.knows(head) and vocabulary.knows(text) and "@" not in text:
        head = text
    parts = [" ".join(part.split()) for part in _SEPARATOR.split(head)]
    parts = [part.strip(" -\u2013\u2014,.:/") for part in parts if any(char.isalpha() for char in part)]
    if not vocabulary.words or not reads:
        return ", ".join(parts)
    known = [part for part in parts if vocabulary.knows(part)]
    if not known:
        return parts[0] if parts else ""
    return ", ".join([known[0], *(part for part in known[1:] if vocabulary.knows_all(part))])


def _of_one_gender(match: re.Match[str]) -> str:
    """The first of two words for one thing, such as *Koch/Köchin*; both where they begin otherwise."""
    first, second = (unicodedata.normalize("NFD", fold(word)) for word in match.groups())
    first, second = ("".join(char for char in word if char.isalpha()) for word in (first, second))
    shared = next(
        (place for place, pair in enumerate(zip(first, second, strict=False)) if len(set(pair)) > 1), 99
    )
    return match[1] if shared >= 3 and 2 * shared >= min(len(first), len(second)) else match[0]


def _spelt(job: str, vocabulary: Vocabulary) -> str:
    """The job with words that the index has in place of those that are mistyped by one letter."""
    if fold(job) in vocabulary.names:
        return job
    return _WORD.sub(lambda match: _word(match[0], vocabulary.words), job)


def _word(word: str, words: Mapping[str, int]) -> str:
    lower = word.casefold()
    if len(word) < _SHORTEST_MISTYPED or lower in words or not lower.isascii() or not lower.isalpha():
        return word
    splits = [(lower[:place], lower[place:]) for place in range(len(lower) + 1)]
    near = {before + after[1:] for before, after in splits if after}
    near |= {before + after[1] + after[0] + after[2:] for before, after in splits if len(after) > 1}
    near |= {before + letter + after[1:] for before, after in splits if after for letter in _LETTERS}
    near |= {before + letter + after for before, after in splits for letter in _LETTERS}
    found = sorted(near & words.keys(), key=lambda one: (-words[one], one))
    if not found or (len(found) > 1 and words[found[0]] < _CLEAR * words[found[1]]):
        return word
    return found[0]


def _expanded(job: str, vocabulary: Vocabulary) -> str:
    """The job with acronyms written out, and *and* for an ampersand, where the whole is no name."""
    if fold(job) in vocabulary.names:
        return job

    def written_out(match: re.Match[str]) -> str:
        return vocabulary.acronyms.get("".join(match[0].split()), match[0])

    job = re.sub(rf"(?<!\w)(?:{_CAPITALS.pattern})(?!\w)", written_out, job)
    return _AMPERSAND.sub(" and ", job) if vocabulary.has_and else job


def _titles(job: str, vocabulary: Vocabulary) -> tuple[str, ...]:
    """The titles in a job: two where both sides of a sign are names of different concepts, else itself."""
    if fold(job) in vocabulary.names:
        return (job,)
    parts = [part.strip() for part in _TWO.split(job)]
    found = [vocabulary.names.get(fold(part)) for part in parts]
    if len(parts) > 1 and all(found):
        if frozenset.intersection(*(one for one in found if one)):
            return (parts[0],)
        return tuple(parts)
    return (job,)


def words_of(text: str) -> list[str]:
    """The words of a text, folded, with the signs that belong to them."""
    return [fold(word) for word in _WORD.findall(text)]
