"""What can score the candidates of a search again."""

from enum import StrEnum
from typing import Final, Literal, get_args

__all__ = ["RERANK_METHODS", "RerankMethod", "RerankerChoice"]

RerankMethod = Literal["cross-encoder", "late-interaction"]

RERANK_METHODS: Final[tuple[RerankMethod, ...]] = get_args(RerankMethod)


class RerankerChoice(StrEnum):
    """The same for a command line."""

    cross_encoder = "cross-encoder"
    late_interaction = "late-interaction"
