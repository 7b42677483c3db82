"""Measures both models on occupations that were held out before anything was paired."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from skillsearch.arrays import Float32Array, Float64Array, Int64Array
from skillsearch.models.classes import CLASSES
from skillsearch.taxonomy.records import Taxonomy
from trainer.evaluate.benchmark import Benchmark, relevant_pairs
from trainer.evaluate.esco import esco_benchmark
from trainer.evaluate.evaluator import BenchmarkEvaluator
from trainer.evaluate.measures import measure_ranks
from trainer.evaluate.ranking import ScoreQueries, rank_pairs
from trainer.evaluate.scorers import CosineScorer, Scorer, as_encoder
from trainer.pair.pairs import Triple

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder, SentenceTransformer

__all__ = [
    "RETRIEVAL_MEASURES",
    "classification_metrics",
    "confusion",
    "majority_macro_f1",
    "retrieval_evaluator",
    "retrieval_metrics",
    "triple_labels",
    "triple_logits",
]

RETRIEVAL_MEASURES: Final = (
    "ndcg@10",
    "ndcg@50",
    "ndcg@100",
    "map@100",
    "mrr@10",
    "accuracy@1",
    "accuracy@3",
    "accuracy@5",
    "accuracy@10",
)
"""The measures of SkillScout's model card; see `trainer.evaluate.measures`."""


def retrieval_evaluator(taxonomy: Taxonomy, occupations: Sequence[str]) -> BenchmarkEvaluator:
    """Ranks all skills of the taxonomy for the preferred label of each of some occupations.

    Relevance is binary: a skill is relevant where the taxonomy relates it to the occupation,
    essential or optional. Figures are called ``cosine_ndcg@10`` and alike.
    """
    benchmark = _by_uri(esco_benchmark(taxonomy, occupations))

    def figures(scorer: Scorer) -> dict[str, float]:
        means = _means(benchmark, scorer.fit(benchmark.labels))
        return {f"cosine_{name}": value for name, value in means.items()}

    queries = tuple(benchmark.queries.values())
    return BenchmarkEvaluator(figures, "cosine_ndcg@10", queries=queries, corpus=benchmark.labels)


def retrieval_metrics(
    model: "SentenceTransformer",
    taxonomy: Taxonomy,
    occupations: Sequence[str],
    *,
    skills: Float32Array | None = None,
) -> dict[str, float]:
    """The `RETRIEVAL_MEASURES` of an encoder on some occupations, each in [0, 1].

    `skills`, of shape (m, d), are the vectors of all skills in the taxonomy's order where they
    are not those of the labels.
    """
    given = esco_benchmark(taxonomy, occupations)
    benchmark = _by_uri(given)
    scorer = CosineScorer("model", as_encoder(model, "model"))
    if skills is None:
        return _means(benchmark, scorer.fit(benchmark.labels))
    rows = {uri: row for row, uri in enumerate(given.documents)}
    return _means(benchmark, scorer.against(skills[[rows[uri] for uri in benchmark.documents]]))


def _by_uri(benchmark: Benchmark) -> Benchmark:
    """The same with its documents sorted, so that equal scores are ranked by URI."""
    return replace(benchmark, documents=dict(sorted(benchmark.documents.items())))


def _means(benchmark: Benchmark, score: ScoreQueries) -> dict[str, float]:
    rows, columns, _ = relevant_pairs(benchmark.qrels, benchmark.documents)
    ranks = rank_pairs("encoder", score, benchmark, rows, columns)
    values = measure_ranks(RETRIEVAL_MEASURES, rows, ranks, len(benchmark.qrels))
    return {name: float(found.mean()) for name, found in values.items()}


def triple_logits(model: "CrossEncoder", triples: Sequence[Triple]) -> Float64Array:
    """Score triples: shape (n, 3), the logits of irrelevant, contextual and core."""
    import torch

    logits = model.predict(
        [(title, skill) for title, skill, _ in triples], activation_fn=torch.nn.Identity(), batch_size=64
    )
    return np.asarray(logits, dtype=np.float64)


def triple_labels(triples: Sequence[Triple]) -> Int64Array:
    """The classes of triples: shape (n,), each 0, 1 or 2."""
    return np.array([label for _, _, label in triples], dtype=np.int64)


def classification_metrics(logits: Float64Array, labels: Int64Array) -> dict[str, float]:
    """Figures of a classifier.

    Args:
        logits: shape (n, 3).
        labels: shape (n,).

    Returns:
        ``macro_f1``, the mean of the three classes' F1, and ``accuracy``, each in [0, 1].
    """
    from sklearn.metrics import accuracy_score, f1_score

    predicted = logits.argmax(axis=1)  # (n, 3) -> (n,)
    classes = list(range(len(CLASSES)))
    return {
        "macro_f1": float(f1_score(labels, predicted, labels=classes, average="macro", zero_division=0)),
        "accuracy": float(accuracy_score(labels, predicted)),
    }


def confusion(logits: Float64Array, labels: Int64Array) -> list[list[int]]:
    """Confusion matrix: how often each true class (row) was taken for each class (column), 3 rows of 3."""
    from sklearn.metrics import confusion_matrix

    counts = confusion_matrix(labels, logits.argmax(axis=1), labels=list(range(len(CLASSES))))
    return [[int(count) for count in row] for row in counts]


def majority_macro_f1(labels: Int64Array) -> float:
    """Macro F1 of a classifier that always answers the most frequent class."""
    share = float(np.bincount(labels).max()) / len(labels)
    return 2 * share / (1 + share) / len(CLASSES)  # F1 of that class; the others have 0
