"""Title to skills: the skills that a job asks for, by its title."""

from collections.abc import Callable, Sequence
from typing import Final

from skillsearch.models.classes import CLASSES
from skillsearch.rank.candidates import Candidate, merged
from skillsearch.rank.fuse import softmax
from skillsearch.rank.ranker import Ranker
from skillsearch.results import EscoLinks, Probabilities, Reference, SearchResult, SkillHit
from skillsearch.settings import RerankerName
from skillsearch.store.base import Build, Payload
from skillsearch.store.filters import Filters
from skillsearch.tasks.concepts import is_title
from skillsearch.tasks.engine import Engine, checked_request
from skillsearch.tasks.task import Input, Task
from skillsearch.taxonomy.texts import query_text

__all__ = ["TITLE", "TITLE_TO_SKILLS"]

TITLE: Final = Input("title", "Data Scientist", "max_title_length", query_text)


def search(
    engine: Engine,
    title: str,
    *,
    limit: int = 20,
    filters: Filters | None = None,
    rerank: bool | RerankerName = True,
    alpha: float | None = None,
    depth: int | None = None,
    demand_weight: float | None = None,
    min_probability: float | None = None,
) -> SearchResult:
    """Find and rank the skills for a job title.

    Args:
        engine: what runs it.
        title: the job title.
        limit: how many skills; beyond `depth` the list goes on in retrieval order, or in that of
            a learned blend before reranking.
        filters: what a skill must be; they act within the vector search.
        rerank: what scores the candidates again: ``"distilled"``, ``"cross-encoder"``,
            ``"late-interaction"``, or True for the setting's; see `Settings.rerank`. False gives
            the order of the vector search alone, or that of a learned blend before reranking.
            Late interaction gives no classes; a learned blend goes with the cross-encoder alone. The first
            search that needs the tokens of all skills may wait until they are embedded.
        alpha: weight of the retrieval score in the fixed blend, in [0, 1]; by default the setting's.
        depth: how many candidates are reranked; by default the setting's, 200.
        demand_weight: how much a blend heeds how often a skill is asked for, at least 0; by default the
            setting's, 1. 0 treats every skill as of average demand, more brings general skills forward. It
            needs a reranker or a learned blend.
        min_probability: keeps hits that are at least so probable, in [0, 1], before `limit` is cut; by
            default the setting's, none. It goes with the cross-encoder, distilled or whole.

    Raises:
        QueryError: the title is empty, too long or not text, a number is out of range, an option
            does not go with the ranker, or there is no such reranker.
        FilterError: a filter names a value that the index does not have.
        ModelMismatchError: an index of another encoder has been published meanwhile.
        StoreError: the store failed, or the client is closed.
    """
    return _prepare(
        engine,
        limit=limit,
        filters=filters,
        rerank=rerank,
        alpha=alpha,
        depth=depth,
        demand_weight=demand_weight,
        min_probability=min_probability,
    )(title)


def _prepare(
    engine: Engine,
    *,
    limit: int = 20,
    filters: Filters | None = None,
    rerank: bool | RerankerName = True,
    **options: float | None,
) -> Callable[[object], SearchResult]:
    """Check the options of a search; what is given back searches for one title after the other."""
    request = checked_request(limit, filters, engine.rankers.choose(rerank).with_options(options))
    settings = engine.settings

    def answer(title: object) -> SearchResult:
        view = TITLE.read(title, settings)
        with engine.run() as run:
            where, notes = run.conditions("skills", filters)
            clean = run.cleaned(view)
            found = [run.ranked("skills", text, request, where=where, demand=True) for text in clean.texts]
            ranker = found[0][1]
            ranked = merged([run.probable("title-to-skills", some, ranker) for some, _ in found])
            hits = _skill_hits(run.build, ranked[:limit], ranker)
            used = {"alpha": None, "depth": None} | ranker.options()
            if settings.min_probability is not None and "min_probability" not in used:
                notes = (*notes, f"min_probability has no effect: {ranker} gives no probabilities")
            return SearchResult(
                title=view,
                recognised=any(is_title(run, text) for text in clean.texts),
                hits=hits,
                timings=run.timings(),
                versions=run.versions(ranker),
                rerank=ranker.reranker,
                notes=notes,
                searched=clean.texts,
                seniority=clean.seniority,
                **used,
            )

    return answer


def _skill_hits(build: Build, candidates: Sequence[Candidate], ranker: Ranker) -> tuple[SkillHit, ...]:
    """Hits in the order of the candidates: their payloads, and what the models said of each."""
    payloads = build.fetch("skills", [candidate.uri for candidate in candidates])
    return tuple(
        _hit(rank, candidate, payloads[candidate.uri], ranker)
        for rank, candidate in enumerate(candidates, start=1)
    )


def _hit(rank: int, candidate: Candidate, payload: Payload, ranker: Ranker) -> SkillHit:
    shares = _probabilities(candidate, ranker.temperature)
    features, contributions = ranker.explain(candidate) or (None, None)
    return SkillHit(
        rank=rank,
        uri=candidate.uri,
        label=payload["label"],
        relevance=None if shares is None else CLASSES[shares.index(max(shares))],
        probability=candidate.probability,
        score=candidate.score,
        retrieval_score=candidate.retrieval_score,
        rerank_score=candidate.rerank_score,
        probabilities=None if shares is None else Probabilities(*shares),
        aliases=tuple(payload["alt_labels"]),
        description=payload["description"],
        skill_type=payload["skill_type"],
        reuse_level=payload["reuse_level"],
        collections=tuple(payload["collections"]),
        links=EscoLinks(
            broader=tuple(Reference(**parent) for parent in payload["broader"]),
            essential_for=tuple(payload["occupations_essential"]),
            optional_for=tuple(payload["occupations_optional"]),
        ),
        taxonomy=payload["taxonomy"],
        features=features,
        contributions=contributions,
    )


def _probabilities(candidate: Candidate, temperature: float) -> tuple[float, ...] | None:
    """Probabilities of the three classes, the softmax of ``logits / temperature``; None without logits."""
    if candidate.logits is None:
        return None
    return tuple(softmax([logit / temperature for logit in candidate.logits]).tolist())


TITLE_TO_SKILLS: Final = Task("title-to-skills", TITLE, "skills", search, _prepare)
"""Ranks skills for a job title, each with its class where the cross-encoder ranks them."""
