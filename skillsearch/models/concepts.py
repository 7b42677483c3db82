"""Vectors of concepts that have a label and perhaps aliases, with any encoder."""

from collections.abc import Sequence
from itertools import chain

import numpy as np

from skillsearch.arrays import Float32Array
from skillsearch.models.protocols import Encoder
from skillsearch.progress import Advance, advance_only

__all__ = ["encode_concepts"]

_CHUNK = 1024  # concepts whose names are embedded at once
_TINY = 1e-9


def encode_concepts(
    encoder: Encoder, names: Sequence[Sequence[str]], *, advance: Advance | None = None
) -> Float32Array:
    """Embed concepts by their labels and, as much as the encoder's manifest says, their aliases.

    A concept's vector is ``unit(label + alias_weight * unit(mean of the aliases))``.

    Args:
        encoder: of the texts.
        names: for each of n concepts its label, then its aliases.
        advance: called with the number of concepts just embedded.

    Returns:
        Shape (n, d), float32, each row of unit length.

    Raises:
        ModelError: the model gave something that is not finite.
    """
    weight = encoder.folder.manifest.alias_weight
    if not weight or not names:
        return encoder.encode([first for first, *_ in names], advance=advance)
    report, parts = advance or advance_only(None), []
    for start in range(0, len(names), _CHUNK):
        some = names[start : start + _CHUNK]
        rows = {text: row for row, text in enumerate(dict.fromkeys(chain.from_iterable(some)))}
        texts = encoder.encode(list(rows))
        vectors = np.empty((len(some), texts.shape[1]), dtype=np.float32)
        for place, (label, *aliases) in enumerate(some):
            vector = texts[rows[label]]
            if aliases:
                mean = texts[[rows[alias] for alias in aliases]].mean(axis=0)
                vector = vector + weight * mean / max(np.linalg.norm(mean), _TINY)
            vectors[place] = vector / max(np.linalg.norm(vector), _TINY)
        parts.append(vectors)
        report(len(some))
    return np.concatenate(parts)
