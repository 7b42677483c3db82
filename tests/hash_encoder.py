"""An encoder without a model: vectors that depend on the text alone, made in microseconds."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from skillsearch.models.encoder import DIMENSION, Encoder
from skillsearch.models.hub import ModelFolder

__all__ = ["HashEncoder", "hash_vector"]


class HashEncoder(Encoder):
    """Takes 32 SHA-256 digests of a text for 1024 numbers, so that different texts are almost orthogonal.

    How a label and its aliases become one vector is left to `Encoder`.

    Attributes:
        texts: what was embedded, in order: labels, aliases and titles.
        concepts: the labels of the concepts that were embedded, in order.
    """

    def __init__(self, alias_weight: float = 0.0, *, seed: str = "") -> None:
        """Make one; another seed or weight is another encoder, with other vectors and fingerprint."""
        fingerprint = hashlib.sha256(f"{seed} {alias_weight}".encode()).hexdigest()[:16]
        folder = ModelFolder(Path("hash"), "hash", "", fingerprint)
        super().__init__(cast(Any, None), folder, alias_weight=alias_weight)
        self.texts: list[str] = []
        self.concepts: list[str] = []
        self._seed = seed

    def encode_named(
        self, names: Sequence[Sequence[str]], *, progress: Callable[[int], object] | None = None
    ) -> NDArray[np.float32]:
        """Embed concepts; shape (n, 1024)."""
        self.concepts += [label for label, *_ in names]
        return super().encode_named(names, progress=progress)

    def _forward(self, texts: list[str]) -> NDArray[np.float32]:
        """Shape (n, 1024)."""
        self.texts += texts
        return np.stack([hash_vector(text, self._seed) for text in texts])


def hash_vector(text: str, seed: str = "") -> NDArray[np.float32]:
    """The vector of a text, of unit length; shape (1024,)."""
    digests = (hashlib.sha256(f"{seed}\n{part}\n{text}".encode()).digest() for part in range(DIMENSION // 32))
    numbers = np.frombuffer(b"".join(digests), dtype=np.uint8).astype(np.float64) - 127.5
    return (numbers / np.linalg.norm(numbers)).astype(np.float32)
