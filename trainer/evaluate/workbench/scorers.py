"""Models as scorers: something that takes the targets of a task and then scores queries against them."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from skillsearch.errors import ModelError
from skillsearch.rank.fuse import Interaction, late_interaction
from trainer.evaluate.workbench.tasks import Direction

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "Advance",
    "CosineScorer",
    "Encode",
    "EncodeTokens",
    "InteractionScorer",
    "ScoreQueries",
    "Scorer",
    "require_finite",
]

Floats = NDArray[np.float32]

Advance = Callable[[int], object]
"""Called with each number of things done."""

Encode = Callable[[Sequence[str]], Floats]
"""n texts to shape (n, d)."""

EncodeTokens = Callable[[Sequence[str]], Sequence[Floats]]
"""n texts to an array each, shape (t, d): the embeddings of its t tokens, not normalised, no padding."""

ScoreQueries = Callable[[Sequence[str]], Floats]
"""n queries to shape (n, m), the score of each with each of m targets; the higher the better."""

_CHUNK: Final = 1024  # texts embedded between two reports of progress
_TINY: Final = 1e-12
_QUERIES: Final = 16  # queries of similar length that meet a block of targets at once
_TARGETS: Final = 512


class Scorer(Protocol):
    """Anything that ranks targets for queries."""

    @property
    def name(self) -> str:
        """What tables call it."""
        ...

    def fit(
        self,
        targets: Sequence[str],
        *,
        direction: Direction = "query-to-target",
        progress: Advance | None = None,
    ) -> ScoreQueries:
        """Take the targets of a task, and return what scores queries against them.

        Args:
            targets: m texts.
            direction: of a late interaction; other scores are the same in both.
            progress: called with numbers that add up to m.
        """
        ...


class CosineScorer:
    """Cosine of one vector a text; texts that were targets once are not embedded again."""

    def __init__(self, name: str, encode: Encode) -> None:
        self._name = name
        self._encode = encode
        self._places: dict[str, int] = {}
        self._vectors: Floats = np.empty((0, 0), dtype=np.float32)

    @property
    def name(self) -> str:
        """What tables call it."""
        return self._name

    def fit(
        self,
        targets: Sequence[str],
        *,
        direction: Direction = "query-to-target",  # noqa: ARG002  (a cosine has none)
        progress: Advance | None = None,
    ) -> ScoreQueries:
        """Embed the targets; see `Scorer`.

        Raises:
            ModelError: a vector is not finite.
        """
        import torch

        self._remember(targets, progress)
        matrix = torch.from_numpy(self._vectors[[self._places[text] for text in targets]]).T  # (d, m)

        def score(queries: Sequence[str]) -> Floats:
            # by torch, which embeds too: numpy's threads would wait for the same cores
            product = torch.from_numpy(self._embed(queries)) @ matrix  # (n, d) @ (d, m) -> (n, m)
            scores: Floats = product.numpy()
            return scores

        return score

    def _remember(self, targets: Sequence[str], progress: Advance | None) -> None:
        new = [text for text in dict.fromkeys(targets) if text not in self._places]
        parts = [self._vectors] if len(self._vectors) else []
        for start in range(0, len(new), _CHUNK):
            some = new[start : start + _CHUNK]
            parts.append(self._unit(some))
            if progress:
                progress(len(some))
        if progress:
            progress(len(targets) - len(new))
        self._places |= {text: place for place, text in enumerate(new, start=len(self._places))}
        self._vectors = np.concatenate(parts) if parts else self._vectors

    def _embed(self, texts: Sequence[str]) -> Floats:
        """Shape (n, d); what is known comes from memory."""
        known = self._places
        new = [text for text in dict.fromkeys(texts) if text not in known]
        places, fresh = {text: place for place, text in enumerate(new)}, self._unit(new)
        return np.stack(
            [fresh[places[text]] if text in places else self._vectors[known[text]] for text in texts]
        )

    def _unit(self, texts: Sequence[str]) -> Floats:
        if not texts:
            return np.empty((0, self._vectors.shape[1]), dtype=np.float32)
        vectors = np.asarray(self._encode(texts), dtype=np.float32)
        require_finite(self._name, vectors)
        unit: Floats = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), _TINY)
        return unit


class InteractionScorer:
    """Late interaction of token embeddings; those of the targets are kept as float16.

    A score is the mean over the tokens of the side that looks in the other, so that those of targets of
    several lengths compare.

    Attributes:
        flops: of the products of tokens so far, two for each multiplication and addition.
    """

    def __init__(
        self,
        name: str,
        encode_tokens: EncodeTokens,
        *,
        interaction: Interaction = "soft",
        temperature: float = 1.0,
        device: str = "cpu",
    ) -> None:
        self.flops = 0
        self._name = name
        self._encode = encode_tokens
        self._interaction: Interaction = interaction
        self._temperature = temperature
        self._device = device
        self._fitted: dict[tuple[str, ...], _Tokens] = {}

    @property
    def name(self) -> str:
        """What tables call it."""
        return self._name

    def fit(
        self,
        targets: Sequence[str],
        *,
        direction: Direction = "query-to-target",
        progress: Advance | None = None,
    ) -> ScoreQueries:
        """Embed the tokens of the targets, once for each set of them; see `Scorer`.

        Raises:
            ModelError: a token's embedding is not finite, or beyond float16.
        """
        key = tuple(targets)
        if key in self._fitted:
            if progress:
                progress(len(key))
        else:
            self._fitted[key] = _Tokens.of(self._name, self._chunks(key, progress))
        tokens = self._fitted[key]

        def score(queries: Sequence[str]) -> Floats:
            return self._score(queries, tokens, direction)

        return score

    def _chunks(self, texts: Sequence[str], progress: Advance | None) -> Iterable[Sequence[Floats]]:
        for start in range(0, len(texts), _CHUNK):
            some = texts[start : start + _CHUNK]
            yield self._encode(some)
            if progress:
                progress(len(some))

    def _score(self, queries: Sequence[str], targets: "_Tokens", direction: Direction) -> Floats:
        import torch

        asked = _Tokens.of(self._name, [self._encode(queries)], dtype=np.float32)
        scores = np.empty((len(queries), len(targets.lengths)), dtype=np.float32)
        by_length, order = np.argsort(-asked.lengths, kind="stable"), targets.order
        with torch.inference_mode():
            groups = [
                (rows, *asked.padded(rows, self._device))
                for rows in np.split(by_length, range(_QUERIES, len(by_length), _QUERIES))
            ]
            for columns in np.split(order, range(_TARGETS, len(order), _TARGETS)):
                block, mask = targets.padded(columns, self._device)
                for rows, some, some_mask in groups:
                    if direction == "query-to-target":
                        part = self._interact(some, block, some_mask, mask)
                    else:
                        part = self._interact(block, some, mask, some_mask).T
                    scores[np.ix_(rows, columns)] = part.float().cpu().numpy()
        return scores

    def _interact(
        self, asking: "Tensor", asked: "Tensor", asking_mask: "Tensor", asked_mask: "Tensor"
    ) -> "Tensor":
        """Shape (n, m), from (n, s, d) and (m, t, d) with their masks."""
        self.flops += self._cost(asking, asked)
        return late_interaction(
            asking,
            asked,
            asking_mask,
            asked_mask,
            interaction=self._interaction,
            temperature=self._temperature,
            length_normalised=True,
        )

    def _cost(self, asking: "Tensor", asked: "Tensor") -> int:
        (n, s, d), (m, t, _) = asking.shape, asked.shape
        if self._interaction == "cosine":
            s = 1
        if self._interaction in ("cosine", "mean-target"):
            t = 1
        return 2 * n * s * m * t * d


class _Tokens:
    """The tokens of m texts in one array, and where each text's begin."""

    def __init__(self, values: NDArray[np.floating], lengths: NDArray[np.intp]) -> None:
        self.values = values  # (all tokens, d)
        self.lengths = lengths  # (m,)
        self.starts = np.concatenate(([0], np.cumsum(lengths)[:-1])).astype(np.intp)
        self.order = np.argsort(-lengths, kind="stable")  # longest first

    @classmethod
    def of(
        cls,
        name: str,
        chunks: Iterable[Sequence[Floats]],
        *,
        dtype: type[np.floating] = np.float16,
    ) -> "_Tokens":
        """Put together what is embedded chunk by chunk.

        Raises:
            ModelError: something is not finite, or beyond the type.
        """
        values, lengths = [], []
        for chunk in chunks:
            with np.errstate(over="ignore"):
                values += [tokens.astype(dtype) for tokens in chunk]
            lengths += [len(tokens) for tokens in chunk]
        together = np.concatenate(values)
        require_finite(name, together)
        return cls(together, np.array(lengths, dtype=np.intp))

    def padded(self, rows: NDArray[np.integer], device: str) -> tuple["Tensor", "Tensor"]:
        """Shapes (n, t, d), float32, and (n, t), true where there is a token; t is the longest of them."""
        import torch

        lengths = self.lengths[rows]
        longest = int(lengths.max(initial=1))
        mask = np.arange(longest) < lengths[:, None]  # (n, t)
        padded = np.zeros((*mask.shape, self.values.shape[1]), dtype=np.float32)
        places = self.starts[rows][:, None] + np.arange(longest)
        padded[mask] = self.values[places[mask]]
        return torch.from_numpy(padded).to(device), torch.from_numpy(mask).to(device)


def require_finite(name: str, values: NDArray[np.floating]) -> None:
    """Refuse what a broken model gives.

    Raises:
        ModelError: a number is not finite.
    """
    if not np.isfinite(values).all():
        raise ModelError(f"model {name} gave numbers that are not finite: its weights are broken")
