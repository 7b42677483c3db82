"""Training data from a taxonomy: the split by occupation, pairs for the encoder, triples for the reranker.

Occupations are held out before anything is paired, and a training occupation loses every title
that a held-out occupation bears too, so that no held-out title is seen in training.
"""

import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np

from skillsearch.arrays import BoolArray, Float32Array
from skillsearch.errors import TrainingError
from skillsearch.models.classes import CONTEXTUAL, CORE, IRRELEVANT
from skillsearch.taxonomy.records import Occupation, Relation, Skill, Taxonomy
from skillsearch.taxonomy.texts import pair_text, query_text, skill_text, titles_in
from trainer.pair.config import EncoderConfig, RerankerConfig

__all__ = [
    "Pair",
    "Split",
    "Triple",
    "drawn_language",
    "encoder_pairs",
    "mine_hard_negatives",
    "relation_classes",
    "relation_matrix",
    "reranker_triples",
    "split_occupations",
    "training_titles",
]


_Drawn = TypeVar("_Drawn")


class Pair(NamedTuple):
    """A title, the text of a skill that it needs, and the pair's row and column in the relation matrix.

    With several languages, also two names of one concept.
    """

    title: str
    skill: str
    row: int
    column: int


Triple = tuple[str, str, int]
"""A title, the text of a skill, and the class of the skill for the title: 0, 1 or 2."""


@dataclass(frozen=True)
class Split:
    """Occupations with at least one skill, by URI.

    Only `train` is trained on. `validation` chooses between checkpoints and calibrates; `held_out`
    does nothing but report.
    """

    train: tuple[str, ...]
    held_out: tuple[str, ...]
    validation: tuple[str, ...] = ()


def split_occupations(taxonomy: Taxonomy, fraction: float, seed: int, *, validation: float = 0.0) -> Split:
    """Hold out two shares of the occupations, drawn by seed: to report on, and to validate with.

    At least one occupation is held out to report on, and one to validate with if its share is not 0.

    Raises:
        TrainingError: there are too few occupations that need a skill.
    """
    uris = sorted(taxonomy.relations_by_occupation)
    needed = 3 if validation else 2
    if len(uris) < needed:
        raise TrainingError(
            f"{taxonomy} has {len(uris)} occupations with skills, at least {needed} are needed to split"
        )
    random.Random(seed).shuffle(uris)  # noqa: S311 - a reproducible draw, not a secret
    first = min(max(1, round(len(uris) * fraction)), len(uris) - needed + 1)
    second = min(first + max(1, round(len(uris) * validation)), len(uris) - 1) if validation else first
    return Split(
        train=tuple(sorted(uris[second:])),
        held_out=tuple(sorted(uris[:first])),
        validation=tuple(sorted(uris[first:second])),
    )


def relation_matrix(taxonomy: Taxonomy, *, names: bool = False) -> BoolArray:
    """Shape (occupations, skills), in the order of the taxonomy: which are related at all.

    With `names`, what pairs of names need too: shape (occupations + skills, skills + occupations), where
    each concept is related to itself, and a skill to an occupation as the occupation is to the skill.
    """
    rows, columns = _places(taxonomy)
    shape = (len(rows), len(columns)) if names else (len(taxonomy.occupations), len(taxonomy.skills))
    related = np.zeros(shape, dtype=np.bool_)
    for relation in taxonomy.relations:
        related[rows[relation.occupation], columns[relation.skill]] = True
        if names:
            related[rows[relation.skill], columns[relation.occupation]] = True
    for uri in rows if names else ():
        related[rows[uri], columns[uri]] = True
    return related


def _places(taxonomy: Taxonomy) -> tuple[dict[str, int], dict[str, int]]:
    """The row and the column of each concept in the relation matrix."""
    occupations, skills = tuple(taxonomy.occupations), tuple(taxonomy.skills)
    rows = {uri: row for row, uri in enumerate(occupations + skills)}
    return rows, {uri: column for column, uri in enumerate(skills + occupations)}


def relation_classes(taxonomy: Taxonomy, occupation: str) -> dict[str, int]:
    """The classes of an occupation's skills, by URI; all others are irrelevant."""
    return {
        relation.skill: CORE if relation.kind == "essential" else CONTEXTUAL
        for relation in taxonomy.relations_by_occupation.get(occupation, ())
    }


def encoder_pairs(
    taxonomy: Taxonomy, split: Split, config: EncoderConfig, seed: int, others: Sequence[Taxonomy] = ()
) -> list[Pair]:
    """Positive pairs of the training occupations, shuffled.

    Every kept relation gives its canonical pair (label, label) and `alias_pairs` pairs with either
    side drawn by seed from labels and aliases; pairs that come out equal are kept once. With other
    languages, the canonical pair is in one that is drawn, each side of the others in one of its own, and
    every concept gives `translation_pairs` of its names in two languages.

    Args:
        taxonomy: its relations, and its names in the first language.
        split: the occupations to train on.
        config: the recipe.
        seed: of all draws.
        others: the same taxonomy in other languages.

    Raises:
        TrainingError: nothing is left to train on.
    """
    draw = random.Random(seed)  # noqa: S311
    titles = [training_titles(one, split, (taxonomy, *others)) for one in (taxonomy, *others)]
    skills = [{uri: _skill_names(skill) for uri, skill in one.skills.items()} for one in (taxonomy, *others)]
    rows, columns = _places(taxonomy)
    pairs: list[Pair] = []
    for relation in _sampled_relations(taxonomy, tuple(titles[0]), config.optional_ratio, draw):
        variants = [one[relation.occupation] for one in titles if relation.occupation in one]
        names = [one[relation.skill] for one in skills if relation.skill in one]
        both = [
            (one[relation.occupation], other[relation.skill])
            for one, other in zip(titles, skills, strict=True)
            if relation.occupation in one and relation.skill in other
        ]
        title, name = drawn_language(both, draw)
        drawn = [
            (draw.choice(drawn_language(variants, draw)), draw.choice(drawn_language(names, draw)))
            for _ in range(config.alias_pairs)
        ]
        row, column = rows[relation.occupation], columns[relation.skill]
        texts = dict.fromkeys([(title[0], name[0]), *drawn])
        pairs.extend(Pair(title, text, row, column) for title, text in texts)
    if not pairs:
        raise TrainingError(f"{taxonomy} gives no pairs of title and skill to train on")
    for uri in (*titles[0], *taxonomy.skills):
        languages = [one[uri] for part in (titles, skills) for one in part if uri in one]
        for one, other in _translations(languages, config.translation_pairs, draw):
            pairs.append(Pair(one, other, rows[uri], columns[uri]))
    draw.shuffle(pairs)
    return pairs


def _translations(
    languages: Sequence[Sequence[str]], count: int, draw: random.Random
) -> Iterator[tuple[str, str]]:
    """Up to so many pairs of a concept's names in two languages, each its label or, as often, any name."""
    for _ in range(count if len(languages) > 1 else 0):
        one, other = (
            names[0] if draw.random() < 0.5 else draw.choice(names) for names in draw.sample(languages, 2)
        )
        if one.casefold() != other.casefold():
            yield one, other


def drawn_language(languages: Sequence[_Drawn], draw: random.Random) -> _Drawn:
    """One of several; where there is one language, nothing is drawn."""
    return languages[0] if len(languages) == 1 else draw.choice(languages)


def _skill_names(skill: Skill) -> list[str]:
    return [skill_text(skill), *skill.alt_labels]


def mine_hard_negatives(
    taxonomy: Taxonomy,
    occupations: Sequence[str],
    occupation_vectors: Float32Array,
    skill_vectors: Float32Array,
    config: RerankerConfig,
    seed: int,
) -> dict[str, list[str]]:
    """Draw hard negatives: skills near an occupation that the taxonomy does not relate to it.

    Args:
        taxonomy: its relations, essential and optional alike, are never negatives.
        occupations: n occupation URIs.
        occupation_vectors: shape (n, d), unit rows in the order of `occupations`.
        skill_vectors: shape (m, d), unit rows in the order of `taxonomy.skills`.
        config: says how many are drawn, and from how many of the nearest skills.
        seed: of the draws.

    Returns:
        Skill URIs for each occupation URI.
    """
    draw = random.Random(seed)  # noqa: S311
    skills = list(taxonomy.skills)
    mined: dict[str, list[str]] = {}
    for row, occupation in enumerate(occupations):
        related = relation_classes(taxonomy, occupation)
        similarity = skill_vectors @ occupation_vectors[row]  # (m, d) @ (d,) -> (m,)
        nearest = np.argsort(-similarity, kind="stable")[: config.mining_depth + len(related)]
        unrelated = [skills[index] for index in nearest if skills[index] not in related]
        unrelated = unrelated[: config.mining_depth]
        mined[occupation] = draw.sample(unrelated, min(config.hard_negatives, len(unrelated)))
    return mined


def reranker_triples(
    taxonomy: Taxonomy,
    split: Split,
    occupations: Sequence[str],
    hard_negatives: Mapping[str, Sequence[str]],
    config: RerankerConfig,
    seed: int,
    others: Sequence[Taxonomy] = (),
) -> list[Triple]:
    """Labelled triples of some occupations, shuffled; each side in one of the languages, drawn.

    Args:
        taxonomy: where relations and texts come from.
        split: what is held out; titles that both sides bear are left out of training.
        occupations: the URIs to make triples of, from one side of the split.
        hard_negatives: skill URIs for each occupation URI, none of them related to it.
        config: says how many optional relations are kept and random negatives drawn.
        seed: of all draws.
        others: the same taxonomy in other languages.

    Returns:
        Essential relations as class 2, optional ones as 1, negatives as 0. Titles are the
        preferred label or, as often, any of the occupation's titles.
    """
    draw = random.Random(seed)  # noqa: S311
    languages = (taxonomy, *others)
    titles = [training_titles(one, split, languages) | _held_out_titles(one, split) for one in languages]
    skills = list(taxonomy.skills)
    triples: list[Triple] = []

    def add(occupation: str, skill: str, label: int) -> None:
        variants = drawn_language([one[occupation] for one in titles if occupation in one], draw)
        title = variants[0] if draw.random() < 0.5 else draw.choice(variants)
        name = drawn_language([one.skills[skill].label for one in languages if skill in one.skills], draw)
        triples.append((*pair_text(title, name), label))

    occupations = [uri for uri in occupations if uri in titles[0]]
    for relation in _sampled_relations(taxonomy, occupations, config.optional_ratio, draw):
        add(relation.occupation, relation.skill, CORE if relation.kind == "essential" else CONTEXTUAL)
    for occupation in occupations:
        hard = hard_negatives.get(occupation, ())
        related = {*relation_classes(taxonomy, occupation), *hard}
        for skill in hard:
            add(occupation, skill, IRRELEVANT)
        for skill in _draw_unrelated(skills, related, config.random_negatives, draw):
            add(occupation, skill, IRRELEVANT)
    draw.shuffle(triples)
    return triples


def training_titles(
    taxonomy: Taxonomy, split: Split, languages: Sequence[Taxonomy] = ()
) -> dict[str, list[str]]:
    """Titles of each training occupation, its label first, without those a held-out one bears.

    Args:
        taxonomy: whose titles.
        split: the occupations to train on, and those that are held out.
        languages: all that held-out occupations have titles in; by default that of the taxonomy.
    """
    forbidden = {
        title.casefold()
        for one in languages or (taxonomy,)
        for titles in _held_out_titles(one, split).values()
        for title in titles
    }
    titles = {
        uri: [title for title in _titles(taxonomy.occupations[uri]) if title.casefold() not in forbidden]
        for uri in split.train
        if uri in taxonomy.occupations
    }
    return {uri: kept for uri, kept in titles.items() if kept}


def _held_out_titles(taxonomy: Taxonomy, split: Split) -> dict[str, list[str]]:
    """Titles of each occupation that is not trained on, its label first."""
    return {
        uri: _titles(taxonomy.occupations[uri])
        for uri in split.held_out + split.validation
        if uri in taxonomy.occupations
    }


def _titles(occupation: Occupation) -> list[str]:
    return list(map(query_text, (*titles_in(occupation.label), *occupation.alt_labels)))


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
