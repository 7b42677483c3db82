"""What a search is asked for, checked before anything is searched."""

import math
from dataclasses import dataclass

from skillsearch.errors import QueryError
from skillsearch.rank.ranker import RERANK_METHODS, RerankMethod
from skillsearch.settings import Settings
from skillsearch.taxonomy.texts import query_text

__all__ = ["Options", "check_options", "check_title"]


@dataclass(frozen=True, slots=True)
class Options:
    """What one search is asked for, with the settings where nothing was given; see `SkillSearch.search`.

    `rerank` is None where nothing is to be reranked.
    """

    limit: int
    rerank: RerankMethod | None
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
    rerank: bool | RerankMethod,
    alpha: float | None,
    depth: int | None,
    demand_weight: float | None,
    min_probability: float | None,
    blender: str | None,
    cross_encoder: bool,
) -> Options:
    """Fill in settings, and check ranges and what goes together.

    Args:
        settings: what counts where a number is None.
        limit: how many skills.
        rerank: what to rerank with; True for that of the settings, False for nothing.
        alpha: of the fixed blend.
        depth: how many candidates are reranked.
        demand_weight: of a learned blend.
        min_probability: what hits are kept.
        blender: the name of the learned blend, if there is one.
        cross_encoder: whether there is one.

    Raises:
        QueryError: a number is out of range, or goes with a blend that this is not; or what is to
            rerank is not known, not there, or does not go with the rest.
    """
    method = _method(settings, rerank, cross_encoder=cross_encoder)
    if blender is not None and method == "late-interaction":
        raise QueryError(
            f"the learned blend {blender} was fitted for the cross-encoder, not for late interaction: "
            "rerank with cross-encoder, or unset SKILLSEARCH_BLENDER"
        )
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
        if method != "cross-encoder":
            instead = "without reranking" if method is None else "with late interaction"
            raise QueryError(
                "min_probability needs the reranker cross-encoder, which gives the probabilities, and this "
                f"search is {instead}: search with rerank='cross-encoder', or leave min_probability out"
            )
    return Options(limit, method, alpha, depth, demand_weight, min_probability)


def _method(settings: Settings, rerank: bool | RerankMethod, *, cross_encoder: bool) -> RerankMethod | None:
    """What reranks; a cross-encoder that nobody named, and that is not there, is done without."""
    if isinstance(rerank, bool):
        wanted = settings.rerank if rerank else None
        return None if wanted == "cross-encoder" and not cross_encoder else wanted
    if rerank not in RERANK_METHODS:
        raise QueryError(f"rerank is True, False or one of {', '.join(RERANK_METHODS)}, found {rerank!r}")
    if rerank == "cross-encoder" and not cross_encoder:
        raise QueryError(
            "there is no cross-encoder in this client: open one with rerank='cross-encoder' "
            "(SKILLSEARCH_RERANK), which loads it"
        )
    return rerank
