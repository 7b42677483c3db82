"""The agreement of exported weights with the safetensors, on titles and skills of a taxonomy."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from skillsearch.arrays import BoolArray, Float32Array, Int64Array
from skillsearch.errors import EvaluationError
from skillsearch.models.classes import CORE
from skillsearch.models.manifest import Agreement
from skillsearch.rank.fuse import fuse
from skillsearch.taxonomy.records import Taxonomy
from skillsearch.taxonomy.texts import occupation_text, pair_text, skill_text
from trainer.evaluate.measures import measure_ranks

__all__ = [
    "Sample",
    "candidates",
    "compare_encoders",
    "compare_rerankers",
    "draw_sample",
    "pairs",
    "sample_texts",
]

_TITLES: Final = 200
_SKILLS: Final = 3000
_RERANKED: Final = 100  # titles whose candidates are reranked
_CANDIDATES: Final = 50
_ALPHA: Final = 0.7
_TINY: Final = 1e-12

Numbers = NDArray[np.floating]
_Item = TypeVar("_Item")


@dataclass(frozen=True, eq=False)
class Sample:
    """Titles and skills to compare on.

    Attributes:
        titles: n texts.
        skills: m texts.
        relevant: shape (n, m).
        described: what they are, in words.
    """

    titles: tuple[str, ...]
    skills: tuple[str, ...]
    relevant: BoolArray
    described: str


def draw_sample(taxonomy: Taxonomy, held_out: Sequence[str] = ()) -> Sample:
    """A sample of a taxonomy: occupations that were held out, and where they are too few others as well.

    Raises:
        EvaluationError: no occupation needs a skill.
    """
    needs = taxonomy.relations_by_occupation
    known = _spaced([uri for uri in held_out if uri in needs], _TITLES)
    trained = set(needs) - set(held_out)
    others = _spaced([uri for uri in needs if uri in trained], _TITLES - len(known))
    occupations, rows = [*known, *others], {uri: row for row, uri in enumerate(taxonomy.skills)}
    if not occupations:
        raise EvaluationError(
            f"no occupation of {taxonomy} needs a skill: export with a release that has relations"
        )
    return sample_texts(
        [occupation_text(taxonomy.occupations[uri]) for uri in occupations],
        [skill_text(skill) for skill in taxonomy.skills.values()],
        [[rows[relation.skill] for relation in needs[uri]] for uri in occupations],
        f"{taxonomy}, {len(known)} held-out occupations and {len(others)} that may have been trained on",
    )


def sample_texts(
    titles: Sequence[str], skills: Sequence[str], wanted: Sequence[Sequence[int]], described: str
) -> Sample:
    """At most 200 titles, evenly spaced; the skills that they want, and others up to 3,000.

    Args:
        titles: n texts.
        skills: m texts.
        wanted: for each title the places of its skills.
        described: where they come from, in words.
    """
    chosen = _spaced(range(len(titles)), _TITLES)
    columns = dict.fromkeys(place for row in chosen for place in wanted[row])
    others = [place for place in range(len(skills)) if place not in columns]
    columns |= dict.fromkeys(_spaced(others, max(_SKILLS - len(columns), 0)))
    column = {place: index for index, place in enumerate(columns)}
    relevant = np.zeros((len(chosen), len(columns)), dtype=bool)
    for index, row in enumerate(chosen):
        relevant[index, [column[place] for place in wanted[row]]] = True
    return Sample(
        tuple(titles[row] for row in chosen),
        tuple(skills[place] for place in columns),
        relevant,
        f"{described}: {len(chosen):,} titles, {len(columns):,} skills",
    )


def candidates(titles: Float32Array, skills: Float32Array) -> Int64Array:
    """The nearest skills of the first titles: shape (k, c), columns of the sample."""
    found: Int64Array = np.argsort(-(titles[:_RERANKED] @ skills.T), axis=1, kind="stable")[:, :_CANDIDATES]
    return found


def pairs(sample: Sample, chosen: Int64Array) -> list[tuple[str, str]]:
    """The pairs of texts of titles and their candidates, k times c."""
    return [
        pair_text(title, sample.skills[column])
        for title, columns in zip(sample.titles, chosen, strict=False)
        for column in columns
    ]


def compare_encoders(
    sample: Sample, reference: tuple[Float32Array, Float32Array], exported: tuple[Float32Array, Float32Array]
) -> Agreement:
    """Compare the vectors of titles, shape (n, d), and skills, shape (m, d), by the two.

    The loss is the largest of three: both sides exported, titles alone, and skills alone, since an index
    may have been built with the other.
    """
    (titles, skills), (other_titles, other_skills) = reference, exported
    before, after = titles @ skills.T, other_titles @ other_skills.T
    mixed = (after, other_titles @ skills.T, titles @ other_skills.T)
    lowest = min(ndcg_at_10(scores, sample.relevant) for scores in mixed)
    differences = [np.abs(one - other).max() for one, other in zip(reference, exported, strict=True)]
    cosines = [(one * other).sum(axis=1).min() for one, other in zip(reference, exported, strict=True)]
    return Agreement(
        difference=float(max(differences)),
        cosine=float(min(cosines)),
        ndcg_loss=ndcg_at_10(before, sample.relevant) - lowest,
        **_orders(before, after),
    )


def compare_rerankers(
    sample: Sample,
    vectors: tuple[Float32Array, Float32Array],
    chosen: Int64Array,
    reference: Float32Array,
    exported: Float32Array,
) -> Agreement:
    """Compare the logits of the pairs of k titles and c candidates, shape (k * c, 3), by the two.

    The order is that of the logit of *core*; the loss is of the blend with the cosine that a search serves.

    Args:
        sample: has the k titles first.
        vectors: of titles and skills, shapes (n, d) and (m, d).
        chosen: shape (k, c), from `candidates`.
        reference: logits of the safetensors.
        exported: logits of the exported weights.
    """
    titles, skills = vectors
    rows = np.arange(len(chosen))[:, None]
    relevant = sample.relevant[rows, chosen]  # (k, c)
    cosines = (titles @ skills.T)[rows, chosen]
    before, after = (logits[:, CORE].reshape(chosen.shape) for logits in (reference, exported))
    blended = [
        np.stack([fuse(cosine, score, _ALPHA) for cosine, score in zip(cosines, scores, strict=True)])
        for scores in (before, after)
    ]
    kept, left = (ndcg_at_10(scores, relevant) for scores in blended)
    return Agreement(
        difference=float(np.abs(reference - exported).max()), ndcg_loss=kept - left, **_orders(before, after)
    )


def ndcg_at_10(scores: Numbers, relevant: BoolArray) -> float:
    """Mean nDCG@10 of n rankings of m documents, both of shape (n, m)."""
    rows, columns = np.nonzero(relevant)
    found = measure_ranks(("ndcg@10",), rows, _ranks(scores)[rows, columns], len(scores))
    return float(found["ndcg@10"].mean())


def _orders(before: Numbers, after: Numbers) -> dict[str, float]:
    """How alike two orders of m documents are, for n titles: scores of shape (n, m)."""
    ranks, others = _ranks(before), _ranks(after)

    def share(k: int) -> float:
        return float(((ranks <= k) & (others <= k)).sum(axis=1).mean() / min(k, before.shape[1]))

    one, other = (values - values.mean(axis=1, keepdims=True) for values in (ranks, others))
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    found = {
        "rank_correlation": float(((one * other).sum(axis=1) / np.maximum(lengths, _TINY)).mean()),
        "top_10": share(10),
    }
    return found | ({"top_200": share(200)} if before.shape[1] > 200 else {})


def _ranks(scores: Numbers) -> Int64Array:
    """Ranks from 1, of the highest score: shape (n, m)."""
    order = np.argsort(-scores, axis=1, kind="stable")
    ranks: Int64Array = np.argsort(order, axis=1) + 1
    return ranks


def _spaced(items: Sequence[_Item], most: int) -> list[_Item]:
    """At most so many items, evenly spaced."""
    places = np.linspace(0, len(items) - 1, min(most, len(items)), dtype=np.int64)
    return [items[place] for place in places]
