"""Concepts of a taxonomy to points: payloads made, texts embedded."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from skillsearch.models.encoder import Encoder
from skillsearch.store.base import Payload, Point, Space
from skillsearch.store.schema import occupation_payload, skill_payload
from skillsearch.taxonomy import Taxonomy
from skillsearch.texts import occupation_text, skill_names

__all__ = ["concept_count", "points"]

_BATCH = 1024
"""Concepts embedded and held in memory at a time."""


def concept_count(taxonomy: Taxonomy) -> int:
    """Skills and occupations together."""
    return len(taxonomy.skills) + len(taxonomy.occupations)


def points(
    taxonomy: Taxonomy, space: Space, encoder: Encoder, progress: Callable[[int], object] | None = None
) -> Iterator[Sequence[Point]]:
    """Batches of points of a space, in the release's order, each with a unit vector of 1024 numbers."""
    payloads = _skills(taxonomy, encoder) if space == "skills" else _occupations(taxonomy)
    while batch := list(islice(payloads, _BATCH)):
        names = [texts for texts, _ in batch]
        vectors = encoder.encode_named(names, progress=progress)  # (n, 1024)
        yield [Point(payload, vector.tolist()) for (_, payload), vector in zip(batch, vectors, strict=True)]


def _skills(taxonomy: Taxonomy, encoder: Encoder) -> Iterator[tuple[tuple[str, ...], Payload]]:
    for skill in taxonomy.skills.values():
        yield skill_names(skill), skill_payload(taxonomy, skill, alias_weight=encoder.alias_weight)


def _occupations(taxonomy: Taxonomy) -> Iterator[tuple[tuple[str, ...], Payload]]:
    for occupation in taxonomy.occupations.values():
        yield (occupation_text(occupation),), occupation_payload(taxonomy, occupation)
