"""Which titles would teach most if somebody judged them: those whose ranking is least sure."""

from collections.abc import Collection, Iterator

from skillsearch.characters import fold
from skillsearch.client import SkillSearch
from skillsearch.results import SearchResult, SkillHit

__all__ = ["least_sure", "unsureness"]

_TITLES = 20
_HITS = 10
_DEPTH = 30  # candidates that are reranked at most


def least_sure(
    client: SkillSearch, judged: Collection[str], *, count: int = _TITLES
) -> list[tuple[str, float]]:
    """Titles of the index, drawn evenly from the alphabet, and how unsure each one's ranking is.

    Args:
        client: that ranks.
        judged: titles that are left out.
        count: how many titles are looked at.

    Returns:
        Titles and their unsureness in [0, 1], the least sure first.

    Raises:
        StoreError: the store failed, or the client is closed.
        ModelError: a model cannot be used.
    """
    done = {fold(title) for title in judged}
    labels = sorted(label for label in client.labels("occupations").values() if fold(label) not in done)
    chosen = labels[:: max(len(labels) // count, 1)][:count]
    depth = client.depth and min(client.depth, _DEPTH)
    found = [(title, unsureness(client.search(title, limit=_HITS, depth=depth))) for title in chosen]
    return sorted(found, key=lambda one: (-one[1], one[0]))


def unsureness(result: SearchResult) -> float:
    """How unsure the first hits are: 1 where each may as well be relevant as not, 0 where all are sure."""
    shares = list(_shares(result))
    return sum(1 - abs(2 * share - 1) for share in shares) / len(shares) if shares else 0.0


def _shares(result: SearchResult) -> Iterator[float]:
    for hit in result:
        yield _share(hit, learned=result.versions.blender is not None)


def _share(hit: SkillHit, *, learned: bool) -> float:
    """The probability that a hit is relevant; where no model tells, its cosine."""
    if learned:  # the blend's score is one
        return min(max(hit.score, 0.0), 1.0)
    return hit.probabilities.relevant if hit.probabilities else min(max(hit.retrieval_score, 0.0), 1.0)
