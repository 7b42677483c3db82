"""Training data from a taxonomy: the split by occupation, pairs for the encoder, triples for the reranker.

Occupations are held out before anything is paired, and a training occupation loses every title
that a held-out occupation bears too, so that no held-out title is seen in training.
"""

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from skillsearch.errors import TrainingError
from skillsearch.scoring import CONTEXTUAL, CORE, IRRELEVANT
from skillsearch.taxonomy import Occupation, Relation, Skill, Taxonomy
from skillsearch.texts import occupation_text, pair_text, query_text, skill_text

__all__ = ["Pair", "Split", "Triple", "encoder_pairs", "reranker_triples", "split_occupations"]

Pair = tuple[str, str]
"""A title and the text of a skill that it needs."""

Triple = tuple[str, str, int]
"""A title, the text of a skill, and the class of the skill for the title: 0, 1 or 2."""


@dataclass(frozen=True)
class Split:
    """Occupations with at least one skill, by URI; `held_out` ones are never trained on."""

    train: tuple[str, ...]
    held_out: tuple[str, ...]


def split_occupations(taxonomy: Taxonomy, fraction: float, seed: int) -> Split:
    """Hold out a share of the occupations, at least one, drawn by seed.

    Raises:
        TrainingError: there are fewer than two occupations that need a skill.
    """
    uris = sorted(taxonomy.relations_by_occupation)
    if len(uris) < 2:
        raise TrainingError(
            f"{taxonomy} has {len(uris)} occupations with skills, at least 2 are needed to hold one out"
        )
    random.Random(seed).shuffle(uris)  # noqa: S311 - a reproducible draw, not a secret
    count = min(max(1, round(len(uris) * fraction)), len(uris) - 1)
    return Split(train=tuple(sorted(uris[count:])), held_out=tuple(sorted(uris[:count])))


def encoder_pairs(taxonomy: Taxonomy, split: Split, *, optional_ratio: float, seed: int) -> list[Pair]:
    """Positive pairs of the training occupations, shuffled.

    Every kept relation gives its canonical pair (label, label) and, where either side has
    aliases, one pair of variants drawn by seed.

    Raises:
        TrainingError: nothing is left to train on.
    """
    draw = random.Random(seed)  # noqa: S311
    titles = _training_titles(taxonomy, split)
    pairs: list[Pair] = []
    for relation in _sampled_relations(taxonomy, tuple(titles), optional_ratio, draw):
        skill = taxonomy.skills[relation.skill]
        variants = titles[relation.occupation]
        canonical = (variants[0], skill_text(skill))
        varied = (draw.choice(variants), draw.choice(_skill_variants(skill)))
        pairs.extend(dict.fromkeys((canonical, varied)))
    if not pairs:
        raise TrainingError(f"{taxonomy} gives no pairs of title and skill to train on")
    draw.shuffle(pairs)
    return pairs


def reranker_triples(
    taxonomy: Taxonomy,
    split: Split,
    occupations: Sequence[str],
    hard_negatives: Mapping[str, Sequence[str]],
    *,
    optional_ratio: float,
    random_negatives: int,
    seed: int,
) -> list[Triple]:
    """Labelled triples of some occupations, shuffled.

    Args:
        taxonomy: where relations and texts come from.
        split: what is held out; titles that both sides bear are left out of training.
        occupations: the URIs to make triples of, from one side of the split.
        hard_negatives: skill URIs for each occupation URI, none of them related to it.
        optional_ratio: optional relations kept for each essential one.
        random_negatives: unrelated skills drawn for each occupation.
        seed: of all draws.

    Returns:
        Essential relations as class 2, optional ones as 1, negatives as 0. Titles are the
        preferred label or, as often, any of the occupation's titles.
    """
    draw = random.Random(seed)  # noqa: S311
    titles = _training_titles(taxonomy, split) | _held_out_titles(taxonomy, split)
    skills = list(taxonomy.skills)
    triples: list[Triple] = []

    def add(occupation: str, skill: str, label: int) -> None:
        variants = titles[occupation]
        title = variants[0] if draw.random() < 0.5 else draw.choice(variants)
        triples.append((*pair_text(title, taxonomy.skills[skill].label), label))

    occupations = [uri for uri in occupations if uri in titles]
    for relation in _sampled_relations(taxonomy, occupations, optional_ratio, draw):
        add(relation.occupation, relation.skill, CORE if relation.kind == "essential" else CONTEXTUAL)
    for occupation in occupations:
        related = {relation.skill for relation in taxonomy.relations_by_occupation[occupation]}
        hard = hard_negatives.get(occupation, ())
        for skill in hard:
            add(occupation, skill, IRRELEVANT)
        for skill in _draw_unrelated(skills, related.union(hard), random_negatives, draw):
            add(occupation, skill, IRRELEVANT)
    draw.shuffle(triples)
    return triples


def _training_titles(taxonomy: Taxonomy, split: Split) -> dict[str, list[str]]:
    """Titles of each training occupation, its label first, without those a held-out one bears."""
    held_out = _held_out_titles(taxonomy, split)
    forbidden = {title.casefold() for titles in held_out.values() for title in titles}
    titles = {
        uri: [title for title in _titles(taxonomy.occupations[uri]) if title.casefold() not in forbidden]
        for uri in split.train
    }
    return {uri: kept for uri, kept in titles.items() if kept}


def _held_out_titles(taxonomy: Taxonomy, split: Split) -> dict[str, list[str]]:
    """Titles of each held-out occupation, its label first."""
    return {uri: _titles(taxonomy.occupations[uri]) for uri in split.held_out}


def _titles(occupation: Occupation) -> list[str]:
    return [occupation_text(occupation), *map(query_text, occupation.alt_labels)]


def _skill_variants(skill: Skill) -> list[str]:
    return [skill_text(skill), *skill.alt_labels]


def _sampled_relations(
    taxonomy: Taxonomy, occupations: Collection[str], optional_ratio: float, draw: random.Random
) -> list[Relation]:
    """All essential relations, and as many optional ones as `optional_ratio` allows."""
    relations = [
        relation for uri in occupations for relation in taxonomy.relations_by_occupation.get(uri, ())
    ]
    essential = [relation for relation in relations if relation.kind == "essential"]
    optional = [relation for relation in relations if relation.kind == "optional"]
    wanted = min(len(optional), round(len(essential) * optional_ratio))
    return essential + draw.sample(optional, wanted)


def _draw_unrelated(
    skills: Sequence[str], excluded: Collection[str], count: int, draw: random.Random
) -> list[str]:
    """Up to `count` distinct skills that are not excluded."""
    return [
        skill
        for skill in draw.sample(skills, min(len(skills), count + len(excluded)))
        if skill not in excluded
    ][:count]
