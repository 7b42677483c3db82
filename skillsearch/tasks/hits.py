"""From candidates to hits: what the index knows of each, and what the models said."""

import math
from collections.abc import Sequence

from skillsearch.rank.blender import Blender
from skillsearch.rank.candidates import Candidate
from skillsearch.rank.fuse import CLASSES, softmax
from skillsearch.results import EscoLinks, Probabilities, Reference, SkillHit
from skillsearch.store.base import Build, Payload

__all__ = ["make_hits", "probabilities"]


def make_hits(
    build: Build,
    candidates: Sequence[Candidate],
    *,
    temperature: float,
    blender: Blender | None = None,
    demand_weight: float = 1.0,
) -> tuple[SkillHit, ...]:
    """Fetch the payloads of candidates, and put everything together, in their order.

    Args:
        build: the index.
        candidates: those to return.
        temperature: divides the logits before they become probabilities.
        blender: what ordered them, if it was one.
        demand_weight: of the blender's demand.
    """
    payloads = build.fetch("skills", [candidate.uri for candidate in candidates])
    hits = []
    for rank, candidate in enumerate(candidates, start=1):
        features, contributions = _explained(candidate, blender, demand_weight)
        found = None if candidate.logits is None else probabilities(candidate, temperature)
        hits.append(_hit(rank, candidate, payloads[candidate.uri], found, features, contributions))
    return tuple(hits)


def probabilities(candidate: Candidate, temperature: float) -> Probabilities:
    """Of the classes of a reranked candidate: the softmax of ``logits / temperature``."""
    logits = [] if candidate.logits is None else [logit / temperature for logit in candidate.logits]
    return Probabilities(*map(float, softmax(logits)))


def _explained(
    candidate: Candidate, blender: Blender | None, demand_weight: float
) -> tuple[dict[str, float] | None, dict[str, float] | None]:
    """A candidate's features, without those that are not known, and what each contributes."""
    row = candidate.features
    if blender is None or row is None:
        return None, None
    head = blender.second if blender.second and len(row) > len(blender.first.features) else blender.first
    known = {
        name: float(value) for name, value in zip(head.features, row, strict=True) if math.isfinite(value)
    }
    contributions = head.contributions(row, demand_weight)
    return known, {name: contributions[name] for name in known}


def _hit(
    rank: int,
    candidate: Candidate,
    payload: Payload,
    found: Probabilities | None,
    features: dict[str, float] | None,
    contributions: dict[str, float] | None,
) -> SkillHit:
    shares = None if found is None else (found.irrelevant, found.contextual, found.core)
    return SkillHit(
        rank=rank,
        uri=candidate.uri,
        label=payload["label"],
        relevance=None if shares is None else CLASSES[shares.index(max(shares))],
        score=candidate.score,
        retrieval_score=candidate.retrieval_score,
        rerank_score=candidate.rerank_score,
        probabilities=found,
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
