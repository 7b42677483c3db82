"""Compare: two titles, or a profile of skills and a title: what they share, what is near, what is missing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from skillsearch.arrays import Float32Array
from skillsearch.characters import json_text, quoted
from skillsearch.errors import QueryError
from skillsearch.rank.candidates import merged
from skillsearch.results import Timings, Versions
from skillsearch.tasks import concepts
from skillsearch.tasks.engine import Engine, Request, Run, checked_request
from skillsearch.tasks.task import Input, Task
from skillsearch.taxonomy.texts import query_text

__all__ = ["COMPARE", "ComparedSkill", "Comparison", "NearSkill"]

TITLE: Final = Input("title", "Data Scientist", "max_title_length", query_text)
SKILL: Final = Input("skill", "project management", "max_title_length", query_text)


@dataclass(frozen=True, slots=True)
class ComparedSkill:
    """A skill that the second title asks for, and how probably; None where no cross-encoder tells."""

    uri: str
    label: str
    probability: float | None


@dataclass(frozen=True, slots=True)
class NearSkill:
    """A skill that the second title asks for, and the nearest one there is, with their cosine."""

    uri: str
    label: str
    probability: float | None
    near: str
    likeness: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """What of a title's skills another title, or a profile, has.

    Attributes:
        a: the title or the skills that are there.
        b: the title that is wanted.
        shared: skills of `b` that `a` has.
        near: skills of `b` that `a` does not have, but something like them.
        missing: skills of `b` that nothing of `a` is like.
        recognised: whether `b` is a title in a language of the index, and `a` one, or skills of which at
            least one was recognised.
        timings: milliseconds by stage.
        versions: what answered.
        notes: skills of a profile that were not recognised.
    """

    a: str | tuple[str, ...]
    b: str
    shared: tuple[ComparedSkill, ...]
    near: tuple[NearSkill, ...]
    missing: tuple[ComparedSkill, ...]
    recognised: bool
    timings: Timings
    versions: Versions
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Values ready for JSON."""
        return asdict(self)

    def to_json(self, *, indent: int | None = None) -> str:
        """The comparison as a JSON object."""
        return json_text(self.to_dict(), indent=indent)


def compare(engine: Engine, a: str | Sequence[str], b: str, *, limit: int = 20) -> Comparison:
    """Compare what is there with the skills that a title asks for.

    Args:
        engine: what runs it.
        a: a title, or a profile: a list of skills by URI, name or any other words.
        b: the title that is wanted.
        limit: how many skills of a title count, the best first.

    Raises:
        QueryError: a title or a skill is empty, too long or not text, or the limit out of range.
        StoreError: the store failed, or the client is closed.
    """
    return _prepare(engine, limit=limit)((a, b))


def _prepare(engine: Engine, *, limit: int = 20) -> Callable[[object], Comparison]:
    request = checked_request(limit, None, engine.rankers.pairs)

    def answer(pair: object) -> Comparison:
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise QueryError(
                f"a comparison takes two titles, or a list of skills and a title, found {quoted(pair)}"
            )
        notes: list[str] = []
        a, b = pair
        with engine.run() as run:
            wanted = _of_title(run, b, request)
            if isinstance(a, str):
                given: str | tuple[str, ...] = TITLE.read(a, engine.settings)
                there = {uri: one.label for uri, one in _of_title(run, a, request).items()}
                known = _is_title(run, a)
            else:
                given, there = _of_profile(run, a, notes)
                known = bool(there)
            nearest = _nearest(run, there, [uri for uri in wanted if uri not in there])
            return Comparison(
                a=given,
                b=TITLE.read(b, engine.settings),
                shared=tuple(skill for uri, skill in wanted.items() if uri in there),
                near=tuple(
                    NearSkill(uri, skill.label, skill.probability, *nearest[uri])
                    for uri, skill in wanted.items()
                    if uri in nearest
                ),
                missing=tuple(
                    skill for uri, skill in wanted.items() if uri not in there and uri not in nearest
                ),
                recognised=known and _is_title(run, b),
                timings=run.timings(),
                versions=run.versions(request.ranker),
                notes=tuple(notes),
            )

    return answer


def _of_title(run: Run, title: object, request: Request) -> dict[str, ComparedSkill]:
    """The skills of a title by URI, best first."""
    clean = run.cleaned(TITLE.read(title, run.engine.settings))
    lists = [run.ranked("skills", text, request, demand=True) for text in clean.texts]
    ranked = merged([run.probable("title-to-skills", some, ranker) for some, ranker in lists])
    return {one.uri: ComparedSkill(one.uri, one.label, one.probability) for one in ranked[: request.limit]}


def _is_title(run: Run, title: str) -> bool:
    return any(concepts.is_title(run, text) for text in run.cleaned(TITLE.view(title)).texts)


def _of_profile(run: Run, skills: object, notes: list[str]) -> tuple[tuple[str, ...], dict[str, str]]:
    """The skills as they were given, and their labels by URI."""
    if not isinstance(skills, Sequence) or not skills:
        raise QueryError(
            f"a profile is a list of skills such as ['SQL', 'write reports'], found {quoted(skills)}"
        )
    texts = tuple(SKILL.read(skill, run.engine.settings) for skill in skills)
    labels = run.kept.names("skills").labels
    there: dict[str, str] = {}
    for text in texts:
        uris = [name.uri for name in concepts.skills_named(run, text)]
        if not uris:
            recognised, found, _ = concepts.matches(run, "skills", text, limit=1)
            uris = [match.uri for match in found] if recognised else []
        if not uris:
            notes.append(f"the skill {quoted(text)} was not recognised")
        there |= {uri: labels[uri] for uri in uris}
    return texts, there


def _nearest(run: Run, there: Mapping[str, str], wanted: Sequence[str]) -> dict[str, tuple[str, float]]:
    """For each wanted skill the label of the nearest that is there, and their cosine, where they are near.

    Two skills are near if their cosine is at least what three of four aliases have with their own skill.
    """
    if not (there and wanted):
        return {}
    vectors, least = run.kept.vectors("skills"), run.confidence("skills").near
    cosines = _rows(vectors.matrix, vectors.rows, wanted) @ _rows(vectors.matrix, vectors.rows, there).T
    best, labels = cosines.argmax(axis=1), list(there.values())
    return {
        uri: (labels[column], float(cosines[row, column]))
        for row, (uri, column) in enumerate(zip(wanted, best.tolist(), strict=True))
        if least and cosines[row, column] >= least
    }


def _rows(
    matrix: Float32Array, rows: Mapping[str, int], uris: Sequence[str] | Mapping[str, str]
) -> Float32Array:
    """The vectors of n concepts: shape (n, d)."""
    return matrix[np.array([rows[uri] for uri in uris], dtype=np.int64)]


COMPARE: Final = Task("compare", TITLE, "skills", compare, _prepare)
"""Compares two titles, or a profile and a title."""
