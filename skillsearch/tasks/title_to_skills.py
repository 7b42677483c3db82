"""Title to skills: the skills that a job asks for, by its title."""

from collections.abc import Sequence
from typing import Final

from skillsearch.models.classes import CLASSES
from skillsearch.rank.candidates import Candidate
from skillsearch.rank.fuse import softmax
from skillsearch.rank.ranker import Ranker
from skillsearch.results import EscoLinks, Probabilities, Reference, SkillHit
from skillsearch.store.base import Build, Payload
from skillsearch.tasks.task import Task
from skillsearch.taxonomy.texts import pair_text, query_text

__all__ = ["TITLE_TO_SKILLS"]


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


TITLE_TO_SKILLS: Final = Task(
    name="title-to-skills",
    input="title",
    example="Data Scientist",
    longest="max_title_length",
    view=query_text,
    space="skills",
    pair=pair_text,
    hits=_skill_hits,
)
"""Ranks skills for a job title, each with its class where the cross-encoder ranks them."""
