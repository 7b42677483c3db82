"""Skill to titles: the occupations that need a skill, by its words or its URI."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from skillsearch.results import Found, OccupationMatch, Relation
from skillsearch.store.base import Payload
from skillsearch.tasks import concepts
from skillsearch.tasks.engine import PLAIN, Engine, checked_request
from skillsearch.tasks.task import Input, Task
from skillsearch.taxonomy.texts import pair_text, query_text, titles_in

__all__ = ["SKILL_TO_TITLES"]

SKILL: Final = Input("skill", "project management", "max_title_length", query_text)

_ORDER: Final[Mapping[Relation | None, int]] = {"essential": 0, "optional": 1, None: 2}


def titles_for(engine: Engine, skill: str, *, limit: int = 20, rerank: bool = True) -> Found[OccupationMatch]:
    """Find the occupations that need a skill: those that the taxonomy links with it, then others by model.

    Args:
        engine: what runs it.
        skill: its URI, its label or another of its names, or any other words for one, which the
            taxonomy links with nothing.
        limit: how many occupations: those that need it essentially, those that need it optionally,
            then others; among each, those first that the models find more fitting.
        rerank: let the cross-encoder, where there is one, order them; without it they are in the order
            of the vector search.

    What the taxonomy links has the probability 1.

    Raises:
        QueryError: the skill is empty, too long or not text, or a URI that no skill of the index has.
        StoreError: the store failed, or the client is closed.
    """
    return _prepare(engine, limit=limit, rerank=rerank)(skill)


def _prepare(
    engine: Engine, *, limit: int = 20, rerank: bool = True
) -> Callable[[object], Found[OccupationMatch]]:
    request = checked_request(limit, None, engine.rankers.pairs if rerank else PLAIN)

    def answer(skill: object) -> Found[OccupationMatch]:
        text = SKILL.read(skill, engine.settings)
        with engine.run() as run:
            named = concepts.skills_named(run, text)
            view = run.kept.names("skills").labels[named[0].uri] if named else text
            recognised = bool(named) or concepts.matches(run, "skills", text, limit=1)[0]
            skills = run.build.fetch("skills", [name.uri for name in named])
            links = _links(list(skills.values()))
            ranked, ranker = run.ranked("occupations", view, request, pair=_pair, also=tuple(links))
            ranked = run.probable("skill-to-titles", ranked, ranker)
            ranked.sort(key=lambda one: _ORDER[links.get(one.uri)])  # stable: the models' order in each
            ranked = ranked[:limit] if recognised else []
            payloads = run.build.fetch("occupations", [one.uri for one in ranked])
            return Found(
                input=str(skill),
                searched=(view,),
                recognised=recognised,
                hits=tuple(
                    concepts.occupation_match(
                        rank,
                        concepts.by_model(one, 1.0 if one.uri in links else one.probability),
                        payloads[one.uri],
                        links.get(one.uri),
                    )
                    for rank, one in enumerate(ranked, start=1)
                ),
                timings=run.timings(),
                versions=run.versions(ranker),
            )

    return answer


def _pair(skill: str, occupation: str) -> tuple[str, str]:
    """The reranker's view: it reads a title and a skill, in this order."""
    return pair_text(titles_in(occupation)[0], skill)


def _links(skills: Sequence[Payload]) -> dict[str, Relation]:
    """Occupations that the taxonomy links with any of some skills; essential where any link is."""
    found: dict[str, Relation] = {}
    kinds: tuple[Relation, ...] = ("optional", "essential")
    for relation in kinds:
        for skill in skills:
            found |= dict.fromkeys(skill[f"occupations_{relation}"], relation)
    return found


SKILL_TO_TITLES: Final = Task("skill-to-titles", SKILL, "occupations", titles_for, _prepare, _pair)
"""Ranks occupations for a skill; the reranker reads them as it does in a search for a title."""
