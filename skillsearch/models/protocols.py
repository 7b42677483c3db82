"""Protocols of a runtime: texts to vectors, and pairs of texts to logits, as numpy arrays."""

from collections.abc import Sequence
from typing import Protocol

from skillsearch.arrays import Float32Array
from skillsearch.models.hub import ModelFolder
from skillsearch.progress import Advance

__all__ = ["Encoder", "PairScorer"]


class Encoder(Protocol):
    """Embeds texts; safe to share between threads."""

    folder: ModelFolder

    def encode(self, texts: Sequence[str], *, advance: Advance | None = None) -> Float32Array:
        """Embed texts; what is beyond the encoder's length is cut.

        Args:
            texts: n texts.
            advance: called with the number of texts just embedded.

        Returns:
            Shape (n, d), float32, each row of unit length.

        Raises:
            ModelError: the model gave something that is not finite.
        """
        ...

    def encode_tokens(self, texts: Sequence[str], *, advance: Advance | None = None) -> list[Float32Array]:
        """Embed the tokens of texts: the transformer's output before pooling and head.

        Returns:
            For each text its t tokens, the special ones that begin and end it among them, without
            padding: shape (t, h), float32, of any length.

        Raises:
            ModelError: the model gave something that is not finite.
        """
        ...

    def encode_with_tokens(self, text: str) -> tuple[Float32Array, Float32Array]:
        """Embed a text once, for its vector, shape (d,), and for its tokens, shape (t, h).

        Raises:
            ModelError: the model gave something that is not finite.
        """
        ...


class PairScorer(Protocol):
    """Classifies pairs of texts; safe to share between threads."""

    folder: ModelFolder

    def logits(self, pairs: Sequence[tuple[str, str]]) -> Float32Array:
        """Score pairs.

        Args:
            pairs: n pairs of texts, as `texts.pair_text` gives them.

        Returns:
            Shape (n, 3), float32: the logits of irrelevant, contextual and core.

        Raises:
            ModelError: the model gave something that is not finite.
        """
        ...
