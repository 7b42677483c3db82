"""Concepts that a text names or is near to, and the matches made of them: what several tasks share."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from skillsearch.characters import fold, quoted, script_of
from skillsearch.errors import QueryError
from skillsearch.rank.candidates import Candidate
from skillsearch.results import How, OccupationMatch, Relation, SkillMatch
from skillsearch.store.base import Payload, Space
from skillsearch.store.filters import Filters
from skillsearch.tables.cells import clean
from skillsearch.tasks.engine import PLAIN, Request, Run
from skillsearch.tasks.names import Name

__all__ = [
    "Match",
    "by_model",
    "is_nothing",
    "is_text",
    "is_title",
    "matches",
    "matches_of",
    "occupation_match",
    "skill_match",
    "skills_named",
]

_ADDRESS = re.compile(r"(?:\w+://|www\.)\S+|\S+@\S+\.\w+", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]{4,}")
_NAMED_SURE: Final = 0.95
"""Probability that a text which is a name of one concept means it."""


@dataclass(frozen=True, slots=True)
class Match:
    """A concept for a text: how it was found, by which name, its cosine, and its probability."""

    uri: str
    how: How
    name: str
    score: float
    probability: float | None


def by_model(candidate: Candidate, probability: float | None = None) -> Match:
    """A concept that the models found."""
    return Match(candidate.uri, "model", candidate.label, candidate.score, probability)


def skills_named(run: Run, text: str) -> tuple[Name, ...]:
    """The skills that a text names, by URI, label or alias; empty where it is other words.

    Raises:
        QueryError: it is the URI of something else, or of nothing.
    """
    given = text.strip()
    payload = run.build.fetch("skills", [given]).get(given)
    if payload:
        return (Name(payload["label"], given, "label"),)
    if run.build.fetch("occupations", [given]):
        raise QueryError(
            f"{quoted(given)} is the URI of an occupation, expected that of a skill, or its label"
        )
    if _ADDRESS.fullmatch(given):
        raise QueryError(
            f"no skill has the URI {quoted(given)} in {run.build.info.name}: it may have been removed or "
            "belong to another taxonomy; search for its label"
        )
    return run.kept.names("skills").find(given)


def matches(
    run: Run, space: Space, text: str, *, limit: int, filters: Filters | None = None
) -> tuple[bool, list[Match], tuple[str, ...]]:
    """The concepts that a text means: those that it names, then the nearest.

    Returns:
        Whether the text was recognised, the concepts, best first, and notes on the filters.
    """
    where, notes = run.conditions(space, filters)
    if not is_text(text, run.scripts(space)):
        return False, [], notes
    named = {name.uri: name for name in run.kept.names(space).find(text)}
    ranked, _ = run.ranked(
        space, text, Request(limit + len(named), filters, PLAIN), where=where, also=tuple(named)
    )
    shares = _shares(run, space, ranked)
    known = [one for one in ranked if one.uri in named]
    found = []
    for candidate, share in zip(ranked, shares, strict=True):
        name = named.get(candidate.uri)
        if name:
            share = _NAMED_SURE / len(known)
        elif known and share is not None:
            share *= 1 - _NAMED_SURE
        how: How = name.how if name else "model"
        found.append(
            Match(candidate.uri, how, name.text if name else candidate.label, candidate.score, share)
        )
    found.sort(key=_order)
    recognised = bool(known) or (bool(ranked) and _recognises(run, space, text, ranked[0].score))
    return recognised, found[:limit], notes


def is_title(run: Run, text: str) -> bool:
    """Whether a text is a job title in a language that is read, by the occupations, or else the skills."""
    space: Space = "occupations" if run.kept.names("occupations").labels else "skills"
    names = run.kept.names(space)
    if not is_text(text, run.scripts(space)):
        return False
    if names.find(text):
        return True
    found = run.build.query(space, run.vector(text).tolist(), 1)
    return bool(found) and _recognises(run, space, text, found[0].score)


def _recognises(run: Run, space: Space, text: str, cosine: float) -> bool:
    """Whether a text is near enough to the index; one that has a word of its names need be less near.

    Where the encoder reads more languages than the index has, words that it lacks tell nothing.
    """
    words = {fold(word) for word in _WORD.findall(text)}
    is_known = bool(run.other_languages) or not words.isdisjoint(run.kept.names(space).words_of_names)
    return run.confidence(space).recognises(cosine, is_known=is_known)


def _shares(run: Run, space: Space, ranked: Sequence[Candidate]) -> list[float | None]:
    """How probably each concept is the one meant: by the models' calibration, or the index's own names."""
    if space == "occupations":
        shares = [one.probability for one in run.probable("title-to-occupation", ranked, PLAIN)]
        if None not in shares:
            return shares
    return run.confidence(space).probabilities([candidate.score for candidate in ranked])


def matches_of(run: Run, space: Space, texts: Sequence[str], *, limit: int) -> tuple[bool, list[Match]]:
    """The concepts that any of some texts means: whether one was recognised, and the best of all."""
    results = [matches(run, space, text, limit=limit) for text in texts]
    best: dict[str, Match] = {}
    for match in sorted((one for _, found, _ in results for one in found), key=_order):
        best.setdefault(match.uri, match)
    return any(recognised for recognised, _, _ in results), list(best.values())[:limit]


def is_nothing(value: object) -> bool:
    """Whether a value is that of an empty cell: None, or not a number."""
    return value is None or value != value


def is_text(text: str, scripts: Collection[str]) -> bool:
    """Whether something can be a name at all: no number, address or placeholder, in a script of the index."""
    if not clean(text) or _ADDRESS.fullmatch(text.strip()):
        return False
    letters = [char for char in text if char.isalpha()]
    readable = sum(script_of(char) in scripts for char in letters)
    return bool(letters) and readable * 2 > len(letters)


def _order(match: Match) -> tuple[bool, float, str]:
    return match.how == "model", -match.score, match.uri


def skill_match(rank: int, match: Match, payload: Payload) -> SkillMatch:
    """A skill that was found, with what the index knows of it."""
    return SkillMatch(
        rank=rank,
        uri=match.uri,
        label=payload["label"],
        probability=match.probability,
        how=match.how,
        name=match.name,
        score=match.score,
        skill_type=payload["skill_type"],
        description=payload["description"],
        taxonomy=payload["taxonomy"],
    )


def occupation_match(
    rank: int, match: Match, payload: Payload, relation: Relation | None = None
) -> OccupationMatch:
    """An occupation that was found, with what the index knows of it."""
    return OccupationMatch(
        rank=rank,
        uri=match.uri,
        label=payload["label"],
        probability=match.probability,
        code=payload["code"],
        isco=_isco(payload["isco_groups"]),
        relation=relation,
        how=match.how,
        name=match.name,
        score=match.score,
        description=payload["description"],
        taxonomy=payload["taxonomy"],
    )


def _isco(groups: Sequence[str]) -> str:
    """The code of the narrowest ISCO-08 group, at most four digits."""
    return max((code for code in groups if code.isdigit()), key=len, default="")
