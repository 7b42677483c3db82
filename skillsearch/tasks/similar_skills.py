"""Similar skills: the skills that are like one, by its words or its URI."""

from collections.abc import Callable
from typing import Final

from skillsearch.results import Found, SkillMatch
from skillsearch.store.filters import Filters, Match, Where
from skillsearch.tasks import concepts
from skillsearch.tasks.engine import PLAIN, Engine, checked_request
from skillsearch.tasks.task import Input, Task
from skillsearch.taxonomy.texts import query_text

__all__ = ["SIMILAR_SKILLS"]

SKILL: Final = Input("skill", "project management", "max_title_length", query_text)


def similar(
    engine: Engine, skill: str, *, limit: int = 20, filters: Filters | None = None
) -> Found[SkillMatch]:
    """Find skills that are like one; the skill itself is not among them.

    The probability of each is that of standing under the same group or skill of the taxonomy.

    Args:
        engine: what runs it.
        skill: its URI, its label or another of its names, or any other words for one.
        limit: how many skills.
        filters: what a skill must be; they act within the vector search.

    Raises:
        QueryError: the skill is empty, too long or not text, or a URI that no skill of the index has.
        FilterError: a filter names a value that the index does not have.
        StoreError: the store failed, or the client is closed.
    """
    return _prepare(engine, limit=limit, filters=filters)(skill)


def _prepare(
    engine: Engine, *, limit: int = 20, filters: Filters | None = None
) -> Callable[[object], Found[SkillMatch]]:
    request = checked_request(limit, filters, PLAIN)

    def answer(skill: object) -> Found[SkillMatch]:
        text = SKILL.read(skill, engine.settings)
        with engine.run() as run:
            named = concepts.skills_named(run, text)
            view = run.kept.names("skills").labels[named[0].uri] if named else text
            recognised = bool(named) or concepts.matches(run, "skills", text, limit=1)[0]
            where, notes = run.conditions("skills", filters)
            if named:
                itself = Match(("uri",), tuple(name.uri for name in named))
                where = Where(where.must, (*where.must_not, itself))
            ranked, _ = run.ranked("skills", view, request, where=where)
            ranked = run.probable("similar-skills", ranked, PLAIN)[:limit] if recognised else []
            payloads = run.build.fetch("skills", [candidate.uri for candidate in ranked])
            return Found(
                input=str(skill),
                searched=(view,),
                recognised=recognised,
                hits=tuple(
                    concepts.skill_match(rank, concepts.by_model(one, one.probability), payloads[one.uri])
                    for rank, one in enumerate(ranked, start=1)
                ),
                timings=run.timings(),
                versions=run.versions(),
                notes=notes,
            )

    return answer


SIMILAR_SKILLS: Final = Task("similar-skills", SKILL, "skills", similar, _prepare)
"""Ranks skills by their likeness to one."""
