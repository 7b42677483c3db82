"""The skills that vacancies ask for: those of their sentences, and by majority those of their titles."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Final

import numpy as np

from skillsearch.models.protocols import Encoder
from skillsearch.progress import Advance, advance_only
from skillsearch.taxonomy.records import Skill
from trainer.data.sentences import split_sentences
from trainer.data.vacancies import Vacancy
from trainer.unified.nodes import node_key, unusable

__all__ = ["MOST_SKILLS", "Tagger", "skill_tagger", "tag_vacancies"]

MOST_SKILLS: Final = 200
"""Skills that a title has at most."""

SkillsByText = dict[str, tuple[str, ...]]

Tagger = Callable[[Sequence[str]], list[tuple[str, ...]]]
"""Gives the URIs of the skills of each sentence, nearest first; many have none."""

_FEWEST_WORDS = 3  # of a sentence that is looked at
_CHUNK = 256  # vacancies at a time
_CHUNK_ELEMENTS = 1 << 24  # cosines at a time: 64 MiB


def skill_tagger(
    encoder: Encoder, skills: Mapping[str, Skill], confidence: float, *, advance: Advance | None = None
) -> Tagger:
    """A tagger that finds a skill where the cosine of the sentence and the skill's label is high enough.

    Only preferred labels are embedded, whatever else the encoder could use.

    Args:
        encoder: of labels and sentences.
        skills: by URI.
        confidence: the least cosine.
        advance: called with the number of labels just embedded.

    Raises:
        ModelError: the model gave something that is not finite.
    """
    uris = tuple(skills)
    labels = encoder.encode([skill.label for skill in skills.values()], advance=advance)  # (skills, d)
    rows = max(1, _CHUNK_ELEMENTS // max(len(uris), 1))

    def tag(sentences: Sequence[str]) -> list[tuple[str, ...]]:
        vectors, found = encoder.encode(sentences), []  # (n, d)
        for start in range(0, len(sentences), rows):
            for cosines in vectors[start : start + rows] @ labels.T:  # (rows, skills)
                near = np.flatnonzero(cosines >= confidence)
                order = near[np.argsort(-cosines[near], kind="stable")]
                found.append(tuple(uris[row] for row in order))
        return found

    return tag


def tag_vacancies(
    vacancies: Iterable[Vacancy],
    tag: Tagger,
    skipped: Counter[str],
    *,
    advance: Advance | None = None,
) -> tuple[SkillsByText, SkillsByText]:
    """Tag the sentences of vacancies, and merge their titles.

    Vacancies whose titles differ in upper and lower case alone have one title, spelled as most of
    them do. A skill stays on it when at least half of these vacancies ask for it in some sentence,
    and of the skills that stay, those that most vacancies ask for. The same vacancy counts once.

    Args:
        vacancies: read once, some hundred at a time.
        tag: finds the skills of sentences.
        skipped: what was left out is counted here, by reason.
        advance: called with the number of vacancies just done.

    Returns:
        The skills of each title, most asked for first, and of each sentence that has any.
    """
    report = advance or advance_only(None)
    spellings: dict[str, Counter[str]] = {}
    votes: dict[str, Counter[str]] = {}
    sentences: SkillsByText = {}
    seen: set[int] = set()
    left = iter(vacancies)
    while chunk := list(islice(left, _CHUNK)):
        new = []
        for vacancy in chunk:
            digest = hash((node_key("titles", vacancy.title), vacancy.description))
            if digest not in seen:
                seen.add(digest)
                new.append(vacancy)
        skipped["vacancy: stands there again"] += len(chunk) - len(new)
        texts = [_usable_sentences(vacancy.description, skipped) for vacancy in new]
        fresh = list(dict.fromkeys(text for some in texts for text in some if text not in sentences))
        sentences.update(zip(fresh, tag(fresh), strict=True))
        for vacancy, some in zip(new, texts, strict=True):
            key = node_key("titles", vacancy.title)
            spellings.setdefault(key, Counter())[vacancy.title] += 1
            votes.setdefault(key, Counter()).update({uri for text in some for uri in sentences[text]})
        report(len(chunk))
    titles: SkillsByText = {}
    for key, spelled in spellings.items():
        kept = _majority(votes[key], spelled.total())
        skipped["title: no skill that half of its vacancies ask for"] += not kept
        skipped[f"title: skill beyond the first {MOST_SKILLS}"] += max(0, len(kept) - MOST_SKILLS)
        if kept:
            spelling = min(spelled, key=lambda text: (-spelled[text], text))
            titles[spelling] = tuple(kept[:MOST_SKILLS])
    tagged = {text: uris for text, uris in sentences.items() if uris}
    skipped["sentence: asks for no skill"] += len(sentences) - len(tagged)
    return titles, tagged


def _majority(votes: Counter[str], total: int) -> list[str]:
    """The skills that at least half of a title's vacancies ask for; most votes first, ties by URI."""
    kept = [uri for uri, count in votes.items() if 2 * count >= total]
    return sorted(kept, key=lambda uri: (-votes[uri], uri))


def _usable_sentences(description: str, skipped: Counter[str]) -> list[str]:
    """The sentences that can be nodes, each once."""
    found = []
    for text in dict.fromkeys(split_sentences(description)):
        if text.count(" ") + 1 < _FEWEST_WORDS:
            skipped["sentence: fewer than three words"] += 1
        elif reason := unusable("sentences", text):
            skipped[f"vacancy: {reason}"] += 1
        else:
            found.append(text)
    return found
