"""Hard negatives: skills that the encoder holds near a title and the taxonomy does not relate to it."""

import random
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from skillsearch.taxonomy.records import Taxonomy

__all__ = ["mine_hard_negatives"]


def mine_hard_negatives(
    taxonomy: Taxonomy,
    occupations: Sequence[str],
    occupation_vectors: NDArray[np.float32],
    skill_vectors: NDArray[np.float32],
    *,
    per_occupation: int,
    depth: int,
    seed: int,
) -> dict[str, list[str]]:
    """Draw negatives among the nearest skills of each occupation.

    Args:
        taxonomy: its relations, essential and optional alike, are never negatives.
        occupations: n occupation URIs.
        occupation_vectors: shape (n, d), unit rows in the order of `occupations`.
        skill_vectors: shape (m, d), unit rows in the order of `taxonomy.skills`.
        per_occupation: negatives drawn for each occupation.
        depth: how many of the nearest unrelated skills are drawn from.
        seed: of the draw.

    Returns:
        Skill URIs for each occupation URI.
    """
    draw = random.Random(seed)  # noqa: S311
    skills = list(taxonomy.skills)
    mined: dict[str, list[str]] = {}
    for row, occupation in enumerate(occupations):
        related = {relation.skill for relation in taxonomy.relations_by_occupation.get(occupation, ())}
        similarity = skill_vectors @ occupation_vectors[row]  # (m, d) @ (d,) -> (m,)
        nearest = np.argsort(-similarity, kind="stable")[: depth + len(related)]
        unrelated = [skills[index] for index in nearest if skills[index] not in related][:depth]
        mined[occupation] = draw.sample(unrelated, min(per_occupation, len(unrelated)))
    return mined
