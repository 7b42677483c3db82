"""Both models on the occupations that were held out before anything was paired."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from skillsearch.taxonomy import Taxonomy
from skillsearch.texts import occupation_text, skill_text
from trainer.data import Triple

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder, SentenceTransformer

__all__ = ["classification_metrics", "majority_macro_f1", "retrieval_metrics"]


def retrieval_metrics(
    model: "SentenceTransformer", taxonomy: Taxonomy, occupations: Sequence[str], *, batch_size: int = 64
) -> dict[str, float]:
    """Rank all skills of the taxonomy for each held-out occupation's preferred label.

    Relevance is binary: a skill is relevant where the taxonomy relates it to the occupation,
    essential or optional.

    Returns:
        ``ndcg@10``, ``map@100``, ``mrr@10`` and ``accuracy@1``, each in [0, 1].
    """
    from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator

    evaluator = InformationRetrievalEvaluator(
        queries={uri: occupation_text(taxonomy.occupations[uri]) for uri in occupations},
        corpus={uri: skill_text(skill) for uri, skill in taxonomy.skills.items()},
        relevant_docs={
            uri: {relation.skill for relation in taxonomy.relations_by_occupation[uri]} for uri in occupations
        },
        accuracy_at_k=[1],
        precision_recall_at_k=[10],
        batch_size=batch_size,
        write_csv=False,
    )
    scores: dict[str, float] = evaluator(model)
    names = ("ndcg@10", "map@100", "mrr@10", "accuracy@1")
    return {name: float(scores[f"cosine_{name}"]) for name in names}


def classification_metrics(model: "CrossEncoder", triples: Sequence[Triple]) -> dict[str, float]:
    """Classify held-out triples.

    Returns:
        ``macro_f1``, the mean of the three classes' F1, and ``accuracy``, each in [0, 1].
    """
    from sklearn.metrics import accuracy_score, f1_score

    labels = [label for _, _, label in triples]
    predicted = model.predict([(title, skill) for title, skill, _ in triples]).argmax(
        axis=1
    )  # (n, 3) -> (n,)
    return {
        "macro_f1": float(
            f1_score(labels, predicted, labels=list(range(3)), average="macro", zero_division=0)
        ),
        "accuracy": float(accuracy_score(labels, predicted)),
    }


def majority_macro_f1(triples: Sequence[Triple]) -> float:
    """Macro F1 of a classifier that always answers the most frequent class of `triples`."""
    labels = [label for _, _, label in triples]
    share = max(labels.count(label) for label in set(labels)) / len(labels)
    return 2 * share / (1 + share) / 3  # F1 of that class; the other two of the three classes have 0
