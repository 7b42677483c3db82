"""What vacancies ask for: the skills of their sentences, and by majority those of their titles."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, Protocol

from trainer.data.sentences import split_sentences
from trainer.data.vacancies import Vacancy
from trainer.unified.nodes import node_key, unusable

__all__ = ["MOST_SKILLS", "Demand", "Tagger", "collect_demand"]

MOST_SKILLS: Final = 200
"""Skills that a title has at most."""

_FEWEST_WORDS = 3  # of a sentence that is looked at
_CHUNK = 256  # vacancies at a time


class Tagger(Protocol):
    """Finds skills in sentences."""

    def tag(self, sentences: Sequence[str]) -> list[tuple[str, ...]]:
        """The URIs of the skills of each sentence."""
        ...


@dataclass(frozen=True)
class Demand:
    """What vacancies ask for.

    Attributes:
        titles: the URIs of the skills of each title, most asked for first.
        sentences: the URIs of the skills of each sentence that has any.
        vacancies: how many were looked at, each text once.
    """

    titles: Mapping[str, tuple[str, ...]]
    sentences: Mapping[str, tuple[str, ...]]
    vacancies: int


def collect_demand(
    vacancies: Iterable[Vacancy],
    tagger: Tagger,
    drops: Counter[str],
    *,
    most_skills: int = MOST_SKILLS,
    progress: Callable[[int], object] | None = None,
) -> Demand:
    """Tag the sentences of vacancies, and merge their titles.

    Vacancies whose titles differ in upper and lower case alone have one title, spelled as most of
    them do. A skill stays on it when at least half of these vacancies ask for it in some sentence,
    and of the skills that stay, those that most vacancies ask for. The same vacancy counts once.

    Args:
        vacancies: read once, some hundred at a time.
        tagger: finds the skills of sentences.
        drops: what was left out is counted here, by reason.
        most_skills: skills that a title has at most.
        progress: called with the number of vacancies just done.
    """
    titles: dict[str, _Title] = {}
    sentences: dict[str, tuple[str, ...]] = {}
    seen: set[bytes] = set()
    for chunk in _chunks(vacancies):
        new = [vacancy for vacancy in chunk if _is_new(vacancy, seen)]
        drops["vacancy: stands there again"] += len(chunk) - len(new)
        asked = [_sentences(vacancy.description, drops) for vacancy in new]
        fresh = list(dict.fromkeys(text for texts in asked for text in texts if text not in sentences))
        sentences.update(zip(fresh, tagger.tag(fresh), strict=True))
        for vacancy, texts in zip(new, asked, strict=True):
            title = titles.setdefault(node_key("titles", vacancy.title), _Title())
            title.add(vacancy.title, {uri for text in texts for uri in sentences[text]})
        if progress:
            progress(len(chunk))
    merged: dict[str, tuple[str, ...]] = {}
    for title in titles.values():
        kept = title.majority()
        drops["title: no skill that half of its vacancies ask for"] += int(not kept)
        drops[f"title: skill beyond the first {most_skills}"] += max(0, len(kept) - most_skills)
        if kept:
            merged[title.spelling()] = tuple(kept[:most_skills])
    tagged = {text: uris for text, uris in sentences.items() if uris}
    drops["sentence: asks for no skill"] += len(sentences) - len(tagged)
    return Demand(merged, tagged, len(seen))


@dataclass
class _Title:
    """The vacancies of one title: how they spell it, and how many ask for each skill."""

    spellings: Counter[str] = field(default_factory=Counter)
    votes: Counter[str] = field(default_factory=Counter)

    def add(self, spelling: str, uris: Iterable[str]) -> None:
        self.spellings[spelling] += 1
        self.votes.update(uris)

    def majority(self) -> list[str]:
        """The skills that at least half ask for; most votes first, ties by URI."""
        total = self.spellings.total()
        kept = [uri for uri, votes in self.votes.items() if 2 * votes >= total]
        return sorted(kept, key=lambda uri: (-self.votes[uri], uri))

    def spelling(self) -> str:
        """The most frequent one; ties by the alphabet."""
        return min(self.spellings, key=lambda text: (-self.spellings[text], text))


def _chunks(vacancies: Iterable[Vacancy]) -> Iterator[list[Vacancy]]:
    left = iter(vacancies)
    while chunk := list(islice(left, _CHUNK)):
        yield chunk


def _is_new(vacancy: Vacancy, seen: set[bytes]) -> bool:
    text = f"{node_key('titles', vacancy.title)}\0{vacancy.description}"
    digest = hashlib.sha256(text.encode(errors="replace")).digest()[:16]
    if digest in seen:
        return False
    seen.add(digest)
    return True


def _sentences(description: str, drops: Counter[str]) -> list[str]:
    """The sentences that can be nodes, each once."""
    found = []
    for text in dict.fromkeys(split_sentences(description)):
        if text.count(" ") + 1 < _FEWEST_WORDS:
            drops["sentence: fewer than three words"] += 1
        elif reason := unusable("sentences", text):
            drops[f"vacancy: {reason}"] += 1
        else:
            found.append(text)
    return found
