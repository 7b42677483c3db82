"""The classes of relevance that the cross-encoder tells apart."""

from typing import Final, Literal, get_args

__all__ = ["CLASSES", "CONTEXTUAL", "CORE", "IRRELEVANT", "Relevance"]

Relevance = Literal["irrelevant", "contextual", "core"]

CLASSES: Final[tuple[Relevance, ...]] = get_args(Relevance)
"""In the order of the cross-encoder's logits."""

IRRELEVANT, CONTEXTUAL, CORE = range(3)
