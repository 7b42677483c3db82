"""Skill words to a concept: what the taxonomy calls a skill that is written in words of one's own."""

from collections.abc import Callable
from typing import Final

from skillsearch.results import Found, SkillMatch
from skillsearch.store.filters import Filters
from skillsearch.tasks import concepts
from skillsearch.tasks.engine import PLAIN, Engine, checked_request
from skillsearch.tasks.task import Input, Task
from skillsearch.taxonomy.texts import query_text

__all__ = ["NORMALIZE_SKILL"]

SKILL: Final = Input("skill", "project management", "max_title_length", query_text)


def normalize_skill(
    engine: Engine, text: str, *, limit: int = 5, filters: Filters | None = None
) -> Found[SkillMatch]:
    """Find the skill of the taxonomy that some words mean.

    A label or another name of a skill wins over all that is near. What is no skill, blank text among
    it, gives a result that is not recognised; so does what is near to nothing, with its nearest skills
    at the low probabilities that they have.

    Args:
        engine: what runs it.
        text: the words.
        limit: how many skills, the best first.
        filters: what a skill must be.

    Raises:
        QueryError: the text is too long or not text, or has characters that text may not have.
        FilterError: a filter names a value that the index does not have.
        StoreError: the store failed, or the client is closed.
    """
    return _prepare(engine, limit=limit, filters=filters)(text)


def _prepare(
    engine: Engine, *, limit: int = 5, filters: Filters | None = None
) -> Callable[[object], Found[SkillMatch]]:
    checked_request(limit, filters, PLAIN)

    def answer(text: object) -> Found[SkillMatch]:
        view = SKILL.checked("" if concepts.is_nothing(text) else text, engine.settings)
        with engine.run() as run:
            recognised, found, notes = concepts.matches(run, "skills", view, limit=limit, filters=filters)
            payloads = run.build.fetch("skills", [match.uri for match in found])
            return Found(
                input=text if isinstance(text, str) else "",
                searched=(view,) if view else (),
                recognised=recognised,
                hits=tuple(
                    concepts.skill_match(rank, match, payloads[match.uri])
                    for rank, match in enumerate(found, start=1)
                ),
                timings=run.timings(),
                versions=run.versions(),
                notes=notes,
            )

    return answer


NORMALIZE_SKILL: Final = Task("normalize-skill", SKILL, "skills", normalize_skill, _prepare)
"""Finds the concept of skill words."""
