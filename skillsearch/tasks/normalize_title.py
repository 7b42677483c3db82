"""Title to occupation: what the taxonomy calls the job of a title, with its ISCO code."""

from collections.abc import Callable
from typing import Final

from skillsearch.results import Found, OccupationMatch
from skillsearch.tasks import concepts
from skillsearch.tasks.engine import PLAIN, Engine, checked_request
from skillsearch.tasks.task import Input, Task
from skillsearch.taxonomy.texts import query_text

__all__ = ["NORMALIZE_TITLE"]

TITLE: Final = Input("title", "Data Scientist", "max_title_length", query_text)


def normalize_title(engine: Engine, title: str, *, limit: int = 5) -> Found[OccupationMatch]:
    """Find the occupation of a job title, and alternatives.

    A label, half of a label that is a pair, or another name of an occupation wins over all that is
    near. What is no title, blank text among it, gives a result that is not recognised.

    Args:
        engine: what runs it.
        title: the job title.
        limit: how many occupations, the best first.

    Raises:
        QueryError: the title is too long or not text, or has characters that text may not have.
        StoreError: the store failed, or the client is closed.
    """
    return _prepare(engine, limit=limit)(title)


def _prepare(engine: Engine, *, limit: int = 5) -> Callable[[object], Found[OccupationMatch]]:
    checked_request(limit, None, PLAIN)

    def answer(title: object) -> Found[OccupationMatch]:
        view = TITLE.checked("" if concepts.is_nothing(title) else title, engine.settings)
        with engine.run() as run:
            clean = run.cleaned(view)
            recognised, found = concepts.matches_of(run, "occupations", clean.texts, limit=limit)
            payloads = run.build.fetch("occupations", [match.uri for match in found])
            return Found(
                input=title if isinstance(title, str) else "",
                searched=clean.texts if view else (),
                recognised=recognised,
                hits=tuple(
                    concepts.occupation_match(rank, match, payloads[match.uri])
                    for rank, match in enumerate(found, start=1)
                ),
                timings=run.timings(),
                versions=run.versions(),
                seniority=clean.seniority,
            )

    return answer


NORMALIZE_TITLE: Final = Task("normalize-title", TITLE, "occupations", normalize_title, _prepare)
"""Finds the occupation of a job title."""
