"""Scorers: they take the documents of a benchmark, and then score queries against them.

Models are read by the cosine of their vectors or by late interaction; `TFIDF` and `BM25` only compare
words.
"""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

import numpy as np

from skillsearch.arrays import Float32Array, Int64Array
from skillsearch.errors import ConfigurationError
from skillsearch.models.hub import ModelFolder
from skillsearch.models.protocols import Encoder
from skillsearch.models.torch import TorchEncoder
from skillsearch.progress import Advance, advance_only
from skillsearch.rank.token_table import TokenTable, embed_tokens
from trainer.evaluate.ranking import ScoreQueries
from trainer.interaction import Meet, late_interaction

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = [
    "BM25",
    "TFIDF",
    "CosineScorer",
    "Direction",
    "InteractionScorer",
    "Reading",
    "Scorer",
    "WordScorer",
    "as_encoder",
    "make_scorer",
]

Direction = Literal["query-to-target", "target-to-query"]
"""Which side's tokens look for their like in the other's, where a model is read by late interaction."""

Reading = Literal["cosine", "soft"]
"""How a model is read: by its vectors, or by soft late interaction of its tokens."""

_TARGETS: Final = 512  # of similar length, whose tokens meet those of the queries at once


class Scorer(Protocol):
    """Ranks documents, here called targets, for queries."""

    @property
    def name(self) -> str:
        """Name in tables."""
        ...

    def fit(
        self,
        targets: Sequence[str],
        *,
        direction: Direction = "query-to-target",
        advance: Advance | None = None,
    ) -> ScoreQueries:
        """Take the targets of a benchmark, and return what scores queries against them.

        Args:
            targets: m texts.
            direction: of a late interaction; other scores are the same in both.
            advance: called with numbers that add up to m.
        """
        ...


def make_scorer(
    model: "SentenceTransformer",
    name: str,
    *,
    interaction: Reading = "cosine",
    temperature: float = 1.0,
    meet: Meet | None = None,
    batch_size: int = 64,
    folder: ModelFolder | None = None,
) -> Scorer:
    """A scorer that reads a model in one way.

    Args:
        model: may be one that is being trained. A scorer remembers the targets that it embedded: make a
            new one where the weights have changed.
        name: what tables call it; soft late interaction is added to it.
        interaction: ``cosine`` of the model's own vectors, with its pooling and head, or ``soft`` late
            interaction of its tokens.
        temperature: of soft late interaction.
        meet: another way for tokens to meet, in place of `interaction`; the name is taken as it is.
        batch_size: texts embedded at once.
        folder: of the model, which messages name.

    Raises:
        ConfigurationError: the temperature is not above 0.
    """
    if not temperature > 0:
        raise ConfigurationError(f"the temperature is {temperature:g}, expected a number above 0")
    encoder = as_encoder(model, name, batch_size=batch_size, folder=folder)
    device = str(model.device)
    if meet is not None:
        return InteractionScorer(name, encoder, meet=meet, device=device)
    if interaction == "soft":
        label = f"{name}, soft τ={temperature:g}"
        return InteractionScorer(label, encoder, temperature=temperature, device=device)
    return CosineScorer(name, encoder)


def as_encoder(
    model: "SentenceTransformer", name: str, *, batch_size: int = 64, folder: ModelFolder | None = None
) -> Encoder:
    """A model that is in memory as an encoder; without a folder, messages call it by its name."""
    folder = folder or ModelFolder(Path(name), name, "", "unsaved")
    return TorchEncoder(model, folder, batch_size=batch_size)


class CosineScorer:
    """Cosine of one vector a text; texts that were targets once are not embedded again."""

    def __init__(self, name: str, encoder: Encoder) -> None:
        self.name = name
        self._encoder = encoder
        self._known: dict[str, Float32Array] = {}

    def fit(
        self,
        targets: Sequence[str],
        *,
        direction: Direction = "query-to-target",  # noqa: ARG002 - a cosine has none
        advance: Advance | None = None,
    ) -> ScoreQueries:
        """Embed the targets; see `Scorer`."""
        new = [text for text in dict.fromkeys(targets) if text not in self._known]
        self._known |= zip(new, self._encoder.encode(new, advance=advance), strict=True)
        (advance or advance_only(None))(len(targets) - len(new))
        return self.against(np.stack([self._known[text] for text in targets]))

    def against(self, vectors: Float32Array) -> ScoreQueries:
        """Scores queries against targets whose vectors are known: shape (m, d), of unit length."""
        import torch

        matrix = torch.from_numpy(np.ascontiguousarray(vectors)).T  # (d, m)

        def score(queries: Sequence[str]) -> Float32Array:
            # by torch, which embeds too: numpy's threads would wait for the same cores
            scores: Float32Array = (torch.from_numpy(self._embed(queries)) @ matrix).numpy()
            return scores

        return score

    def _embed(self, texts: Sequence[str]) -> Float32Array:
        """Shape (n, d); the vectors of targets come from memory."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        fresh = dict(zip(new, self._encoder.encode(new), strict=True))
        return np.stack([fresh[text] if text in fresh else self._known[text] for text in texts])


class InteractionScorer:
    """Late interaction of token embeddings; those of the targets are kept as float16.

    A score is the mean over the tokens of the side that looks in the other, so that those of targets of
    several lengths compare.

    Args:
        name: what tables call it.
        encoder: gives the tokens.
        temperature: of soft late interaction.
        meet: another way for the tokens to meet; see `trainer.interaction.late_interaction`.
        device: where the tokens meet.
    """

    def __init__(
        self,
        name: str,
        encoder: Encoder,
        *,
        temperature: float = 1.0,
        meet: Meet | None = None,
        device: str = "cpu",
    ) -> None:
        self.name = name
        self._encoder = encoder
        self._temperature = temperature
        self._meet = meet
        self._device = device
        self._known: TokenTable | None = None

    def fit(
        self,
        targets: Sequence[str],
        *,
        direction: Direction = "query-to-target",
        advance: Advance | None = None,
    ) -> ScoreQueries:
        """Embed the tokens of the targets, once for each text; see `Scorer`.

        Raises:
            ModelError: a token's embedding is not finite, or beyond float16.
        """
        known = self._known.labels if self._known else ()
        new = set(targets).difference(known)
        if new or self._known is None:
            self._known = embed_tokens(self._encoder, (*known, *targets), known=self._known, advance=advance)
        (advance or advance_only(None))(len(targets) - len(new))
        table = self._known
        rows = np.array([table.index[text] for text in targets], dtype=np.int64)
        return lambda queries: self._score(queries, table, rows, direction)

    def _score(
        self, queries: Sequence[str], table: TokenTable, rows: Int64Array, direction: Direction
    ) -> Float32Array:
        """Shape (n, m); `rows` has the m rows of the targets in the table."""
        import torch
        from torch.nn.utils.rnn import pad_sequence

        tokens = [torch.from_numpy(found) for found in self._encoder.encode_tokens(queries)]
        asked = pad_sequence(tokens, batch_first=True).to(self._device)  # (n, s, d)
        lengths = torch.tensor([len(found) for found in tokens], device=self._device)
        asked_mask = torch.arange(asked.shape[1], device=self._device) < lengths[:, None]  # (n, s)
        scores = np.empty((len(queries), len(rows)), dtype=np.float32)
        by_length = np.argsort(-np.diff(table.offsets)[rows], kind="stable")
        with torch.inference_mode():
            for columns in np.split(by_length, range(_TARGETS, len(rows), _TARGETS)):
                padded = table.padded(rows[columns])
                block, mask = (torch.from_numpy(part).to(self._device) for part in padded)
                sides, masks = (asked, block), (asked_mask, mask)
                if direction == "target-to-query":
                    sides, masks = (block, asked), (mask, asked_mask)
                found = late_interaction(
                    *sides, *masks, temperature=self._temperature, length_normalised=True, meet=self._meet
                )
                found = found if direction == "query-to-target" else found.T  # (n, columns)
                scores[:, columns] = found.float().cpu().numpy()
        return scores


@dataclass(frozen=True)
class WordScorer:
    """A scorer that only compares words, such as `TFIDF` and `BM25`.

    Text is seen as the public WorkBench code sees it: in Unicode's NFKD form and lower case.
    """

    name: str
    learn: Callable[[Sequence[str]], ScoreQueries]

    def fit(
        self,
        targets: Sequence[str],
        *,
        direction: Direction = "query-to-target",  # noqa: ARG002 - late interaction's alone
        advance: Advance | None = None,
    ) -> ScoreQueries:
        """Learn from the targets' words; see `Scorer`."""
        score = self.learn(targets)
        (advance or advance_only(None))(len(targets))
        return score


def _tfidf(targets: Sequence[str]) -> ScoreQueries:
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(preprocessor=_normal)
    weights = vectorizer.fit_transform(targets).T.tocsr()  # (words, m), columns of unit length
    return lambda queries: _dense(vectorizer.transform(queries) @ weights)


def _bm25(targets: Sequence[str]) -> ScoreQueries:
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
    return lambda queries: _dense(counter.transform(queries) @ weights)


TFIDF: Final = WordScorer("TF-IDF", _tfidf)
"""Cosine of TF-IDF vectors by scikit-learn; a query without a known word scores 0 everywhere.

Words have two or more letters or digits, and their weights are learned from the targets.
"""

BM25: Final = WordScorer("BM25", _bm25)
"""Okapi BM25 with rank-bm25's constants, as one product of sparse matrices.

A word t of the query adds idf(t) · f · (k1 + 1) / (f + k1 · (1 - b + b · |target| / mean length))
where f is how often the target has it (Robertson and Zaragoza, "The Probabilistic Relevance
Framework", 2009). The negative idf of a word that most targets have is replaced as in rank-bm25.
Words are what stands between white space.
"""


def _dense(scores: Any) -> Float32Array:  # noqa: ANN401 - scipy has no types
    """Shape (n, m), float32, from a sparse matrix."""
    dense: Float32Array = scores.astype(np.float32).toarray()
    return dense


def _normal(text: str) -> str:
    return unicodedata.normalize("NFKD", text).lower()


def _words(text: str) -> list[str]:
    return _normal(text).split()
