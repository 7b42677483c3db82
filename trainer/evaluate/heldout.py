"""Both models on occupations that were held out before anything was paired."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from skillsearch.rank.fuse import CLASSES
from skillsearch.taxonomy.records import Taxonomy
from skillsearch.taxonomy.texts import occupation_text, skill_text
from trainer.pair.pairs import Triple

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder, SentenceTransformer
    from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator

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
"""The measures of SkillScout's model card; accuracy@k: a relevant skill is among the first k."""


def retrieval_evaluator(
    taxonomy: Taxonomy, occupations: Sequence[str], *, batch_size: int = 64
) -> "InformationRetrievalEvaluator":
    """Ranks all skills of the taxonomy for the preferred label of each of some occupations.

    Relevance is binary: a skill is relevant where the taxonomy relates it to the occupation,
    essential or optional.
    """
    from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator

    return InformationRetrievalEvaluator(
        queries={uri: occupation_text(taxonomy.occupations[uri]) for uri in occupations},
        corpus={uri: skill_text(skill) for uri, skill in taxonomy.skills.items()},
        relevant_docs={
            uri: {relation.skill for relation in taxonomy.relations_by_occupation[uri]} for uri in occupations
        },
        ndcg_at_k=[10, 50, 100],
        accuracy_at_k=[1, 3, 5, 10],
        precision_recall_at_k=[10],
        batch_size=batch_size,
        write_csv=False,
    )


def retrieval_metrics(
    model: "SentenceTransformer",
    taxonomy: Taxonomy,
    occupations: Sequence[str],
    *,
    skills: NDArray[np.float32] | None = None,
    batch_size: int = 64,
) -> dict[str, float]:
    """The `RETRIEVAL_MEASURES` of an encoder on some occupations, each in [0, 1].

    `skills`, of shape (m, 1024), are the vectors of all skills in the taxonomy's order where they
    are not those of the labels.
    """
    import torch

    evaluator = retrieval_evaluator(taxonomy, occupations, batch_size=batch_size)
    if skills is None:
        named: dict[str, float] = evaluator(model)
        scores = {name.removeprefix("cosine_"): value for name, value in named.items()}
    else:
        evaluator.score_functions = {"cosine": model.similarity}
        by_function: Any = evaluator.compute_metrices(model, corpus_embeddings=torch.from_numpy(skills))
        scores = {
            f"{measure.split('@')[0]}@{k}": value
            for measure, values in by_function["cosine"].items()
            if measure.startswith(("ndcg", "map", "mrr", "accuracy"))
            for k, value in values.items()
        }
    return {name: float(scores[name]) for name in RETRIEVAL_MEASURES}


def triple_logits(model: "CrossEncoder", triples: Sequence[Triple]) -> NDArray[np.float64]:
    """Score triples: shape (n, 3), the logits of irrelevant, contextual and core."""
    import torch

    logits = model.predict(
        [(title, skill) for title, skill, _ in triples], activation_fn=torch.nn.Identity(), batch_size=64
    )
    return np.asarray(logits, dtype=np.float64)


def triple_labels(triples: Sequence[Triple]) -> NDArray[np.int64]:
    """The classes of triples: shape (n,), each 0, 1 or 2."""
    return np.array([label for _, _, label in triples], dtype=np.int64)


def classification_metrics(logits: NDArray[np.float64], labels: NDArray[np.int64]) -> dict[str, float]:
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


def confusion(logits: NDArray[np.float64], labels: NDArray[np.int64]) -> list[list[int]]:
    """How often each true class (row) was taken for each class (column): 3 rows of 3."""
    from sklearn.metrics import confusion_matrix

    counts = confusion_matrix(labels, logits.argmax(axis=1), labels=list(range(len(CLASSES))))
    return [[int(count) for count in row] for row in counts]


def majority_macro_f1(labels: NDArray[np.int64]) -> float:
    """Macro F1 of a classifier that always answers the most frequent class."""
    share = float(np.bincount(labels).max()) / len(labels)
    return 2 * share / (1 + share) / len(CLASSES)  # F1 of that class; the others have 0
