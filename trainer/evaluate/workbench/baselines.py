"""Baselines that only compare words: TF-IDF by scikit-learn, Okapi BM25 by rank-bm25.

Both see text as the public WorkBench code does: in Unicode's NFKD form and lower case. TF-IDF's words
have two or more letters or digits, and it learns their weights from the targets of each task; BM25's
words are what stands between white space.
"""

import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.evaluate.workbench.scorers import Advance, ScoreQueries
from trainer.evaluate.workbench.tasks import Direction

__all__ = ["Bm25Scorer", "TfidfScorer"]

Floats = NDArray[np.float32]


class TfidfScorer:
    """Cosine of TF-IDF vectors; a query without a known word scores 0 everywhere."""

    @property
    def name(self) -> str:
        """What tables call it."""
        return "TF-IDF"

    def fit(
        self,
        targets: Sequence[str],
        *,
        direction: Direction = "query-to-target",  # noqa: ARG002  (late interaction's alone)
        progress: Advance | None = None,
    ) -> ScoreQueries:
        """Learn the weights of the targets' words; see `Scorer`."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        vectorizer = TfidfVectorizer(preprocessor=_normal)
        weights = vectorizer.fit_transform(targets).T.tocsr()  # (words, m), columns of unit length
        if progress:
            progress(len(targets))

        def score(queries: Sequence[str]) -> Floats:
            return _dense(vectorizer.transform(queries) @ weights)

        return score


class Bm25Scorer:
    """Okapi BM25 with rank-bm25's constants, as one product of sparse matrices.

    A word t of the query adds idf(t) · f · (k1 + 1) / (f + k1 · (1 - b + b · |target| / mean length))
    where f is how often the target has it (Robertson and Zaragoza, "The Probabilistic Relevance
    Framework", 2009). The negative idf of a word that most targets have is replaced as in rank-bm25.
    """

    @property
    def name(self) -> str:
        """What tables call it."""
        return "BM25"

    def fit(
        self,
        targets: Sequence[str],
        *,
        direction: Direction = "query-to-target",  # noqa: ARG002  (late interaction's alone)
        progress: Advance | None = None,
    ) -> ScoreQueries:
        """Count the targets' words; see `Scorer`."""
        from rank_bm25 import BM25Okapi
        from sklearn.feature_extraction.text import CountVectorizer

        counter = CountVectorizer(analyzer=_words)
        counts = counter.fit_transform(targets).tocoo()  # (m, words)
        model = BM25Okapi([_words(target) for target in targets])
        idf = np.array([model.idf[word] for word in counter.get_feature_names_out()])
        lengths = np.array(model.doc_len)[counts.row]
        often = counts.data.astype(np.float64)
        norm = model.k1 * (1 - model.b + model.b * lengths / model.avgdl)
        counts.data = idf[counts.col] * often * (model.k1 + 1) / (often + norm)
        weights = counts.T.tocsr()  # (words, m)
        if progress:
            progress(len(targets))

        def score(queries: Sequence[str]) -> Floats:
            return _dense(counter.transform(queries) @ weights)

        return score


def _dense(scores: Any) -> Floats:  # noqa: ANN401  (scipy has no types)
    """Shape (n, m), float32, from a sparse matrix."""
    dense: Floats = scores.astype(np.float32).toarray()
    return dense


def _normal(text: str) -> str:
    return unicodedata.normalize("NFKD", text).lower()


def _words(text: str) -> list[str]:
    return _normal(text).split()
