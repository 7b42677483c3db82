"""What a search is asked for, checked before anything is searched."""

import math
from dataclasses import dataclass

from skillsearch.errors import QueryError
from skillsearch.settings import Settings
from skillsearch.texts import query_text

__all__ = ["Options", "check_options", "check_title"]


@dataclass(frozen=True, slots=True)
class Options:
    """The numbers of one search, with the settings where none was given; see `SkillSearch.search`."""

    limit: int
    rerank: bool
    alpha: float
    depth: int
    demand_weight: float
    min_probability: float | None


def check_title(title: object, settings: Settings) -> str:
    """The title as the models see it.

    Raises:
        QueryError: it is empty, too long or not text.
    """
    if not isinstance(title, str):
        raise QueryError(f"a title is text, found {type(title).__name__}")
    text = query_text(title)
    if not any(char.isalnum() for char in text):
        raise QueryError(f"the title {title!r} is empty: give a job title such as 'Data Scientist'")
    longest = settings.max_title_length
    if len(text) > longest:
        raise QueryError(
            f"the title has {len(text):,} characters, at most {longest:,} are allowed "
            "(SKILLSEARCH_MAX_TITLE_LENGTH): give a job title, not a job advertisement"
        )
    return text


def check_options(
    settings: Settings,
    *,
    limit: int,
    rerank: bool,
    alpha: float | None,
    depth: int | None,
    demand_weight: float | None,
    min_probability: float | None,
    blender: str | None,
) -> Options:
    """Fill in settings, and check ranges and what goes together.

    Args:
        settings: what counts where a number is None.
        limit: how many skills.
        rerank: whether there will be reranking.
        alpha: of the fixed blend.
        depth: how many candidates are reranked.
        demand_weight: of a learned blend.
        min_probability: what hits are kept.
        blender: the name of the learned blend, if there is one.

    Raises:
        QueryError: a number is out of range, or goes with a blend that this is not.
    """
    if blender is None and demand_weight is not None:
        raise QueryError(
            "demand_weight goes with a learned blend, and none is loaded: name one with "
            "SKILLSEARCH_BLENDER, or leave it out"
        )
    if blender is not None and alpha is not None:
        raise QueryError(
            f"alpha goes with the fixed blend, but the learned blend {blender} is loaded: "
            "leave alpha out, or unset SKILLSEARCH_BLENDER"
        )
    alpha = settings.alpha if alpha is None else alpha
    depth = settings.depth if depth is None else depth
    demand_weight = settings.demand_weight if demand_weight is None else demand_weight
    if limit < 1 or depth < 1:
        raise QueryError(f"limit and depth are at least 1, found {limit} and {depth}")
    if not 0 <= alpha <= 1:
        raise QueryError(f"alpha is between 0 and 1, found {alpha}")
    if not 0 <= demand_weight < math.inf:
        raise QueryError(f"demand_weight is a finite number from 0 up, found {demand_weight}")
    if min_probability is not None:
        if not 0 <= min_probability <= 1:
            raise QueryError(f"min_probability is between 0 and 1, found {min_probability}")
        if not rerank:
            raise QueryError(
                "min_probability needs the reranker, which gives the probabilities: search with "
                "reranking, or leave it out"
            )
    return Options(limit, rerank, alpha, depth, demand_weight, min_probability)
