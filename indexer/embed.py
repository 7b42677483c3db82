"""Concepts to points: texts embedded in batches."""

from collections.abc import Callable, Iterable, Iterator

from skillsearch.models.encoder import Encoder
from skillsearch.store.base import Payload, Point, batches
from skillsearch.store.schema import embedded_names

__all__ = ["points"]

_BATCH = 256
"""Concepts embedded, held in memory and made durable at a time."""


def points(
    payloads: Iterable[Payload], encoder: Encoder, progress: Callable[[int], object] | None = None
) -> Iterator[list[Point]]:
    """Batches of points in the order of their payloads, each with a unit vector of 1024 numbers."""
    for batch in batches(payloads, _BATCH):
        names = [embedded_names(payload) for payload in batch]
        vectors = encoder.encode_named(names, progress=progress)  # (n, 1024)
        yield [Point(payload, vector.tolist()) for payload, vector in zip(batch, vectors, strict=True)]
