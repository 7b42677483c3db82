"""An encoder without a model: vectors that depend on the text alone, made in microseconds."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import indexer.build
from skillsearch.arrays import Float32Array
from skillsearch.models.concepts import encode_concepts
from skillsearch.models.hub import ModelFolder
from skillsearch.models.manifest import ModelManifest
from skillsearch.models.protocols import Encoder
from skillsearch.progress import Advance, advance_only
from trainer.bases import DIMENSION

__all__ = ["HashEncoder", "hash_vector"]


class HashEncoder:
    """Takes 32 SHA-256 digests of a text for 1024 numbers, so that different texts are almost orthogonal.

    Attributes:
        texts: what was embedded, in order: labels, aliases and titles.
        concepts: labels of the concepts that a build had embedded, in order.
    """

    def __init__(self, alias_weight: float = 0.0, *, seed: str = "") -> None:
        """Make one; another seed or weight is another encoder, with other vectors and fingerprint."""
        fingerprint = hashlib.sha256(f"{seed} {alias_weight}".encode()).hexdigest()[:16]
        self.folder = ModelFolder(Path("hash"), "hash", "", fingerprint)
        vars(self.folder)["manifest"] = ModelManifest(dimension=DIMENSION, alias_weight=alias_weight)
        self.texts: list[str] = []
        self.concepts: list[str] = []
        self._seed = seed

    def encode(self, texts: Sequence[str], *, advance: Advance | None = None) -> Float32Array:
        """Shape (n, 1024)."""
        vectors = self._forward(list(texts)) if texts else np.empty((0, DIMENSION), dtype=np.float32)
        advance_only(advance)(len(texts))
        return vectors

    def encode_tokens(self, texts: Sequence[str], *, advance: Advance | None = None) -> list[Float32Array]:
        """The vectors of the words of each text."""
        return [self.encode(text.split(), advance=advance) for text in texts]

    def encode_with_tokens(self, text: str) -> tuple[Float32Array, Float32Array]:
        """The vector of a text, and those of its words."""
        return self.encode([text])[0], self.encode(text.split())

    def embedding(self, names: Sequence[Sequence[str]]) -> None:
        """Hear that a build is about to embed concepts: for each its label and aliases."""
        self.concepts += [label for label, *_ in names]

    def _forward(self, texts: list[str]) -> Float32Array:
        """Shape (n, 1024)."""
        self.texts += texts
        return np.stack([hash_vector(text, self._seed) for text in texts])


def hash_vector(text: str, seed: str = "") -> Float32Array:
    """The vector of a text, of unit length; shape (1024,)."""
    digests = (hashlib.sha256(f"{seed}\n{part}\n{text}".encode()).digest() for part in range(DIMENSION // 32))
    numbers = np.frombuffer(b"".join(digests), dtype=np.uint8).astype(np.float64) - 127.5
    return (numbers / np.linalg.norm(numbers)).astype(np.float32)


def _announced(
    encoder: Encoder, names: Sequence[Sequence[str]], *, advance: Advance | None = None
) -> Float32Array:
    if isinstance(encoder, HashEncoder):
        encoder.embedding(names)
    return encode_concepts(encoder, names, advance=advance)


indexer.build.encode_concepts = _announced
