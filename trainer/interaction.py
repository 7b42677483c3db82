"""Soft late interaction: the score of two texts from the embeddings of their tokens.

It scores pairs in the loss of the unified encoder, and in evaluations. A search scores one query on the
CPU by `skillsearch.rank.interaction`, without torch; a test holds that both give the same.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Meet", "late_interaction", "token_lengths"]

Meet = Callable[["Tensor", "Tensor", "Tensor"], "Tensor"]
"""What each of k query tokens, (k, d), makes of each target, (m, t, d) with mask (m, t): shape (k, m)."""

_TINY: Final = 1e-9
_SIMILAR: Final = 64  # targets of similar length whose tokens meet those of the queries at once


def late_interaction(
    queries: "Tensor",
    targets: "Tensor",
    query_mask: "Tensor",
    target_mask: "Tensor",
    *,
    temperature: float = 1.0,
    length_normalised: bool = False,
    meet: Meet | None = None,
    chunk_elements: int = 1 << 24,
) -> "Tensor":
    """Score every query with every target from the embeddings of their tokens.

    Soft late interaction, after De Lange, Decorte and Van Haute, "Unified Work Embeddings" (2025),
    arXiv:2511.07969. For a query of s tokens E_q and a target of t tokens E_y:

        S = E_q E_y^T,   A = softmax of the rows of S / temperature,   score = sum of A * cos(E_q, E_y)

    where cos has the cosines of the same pairs of tokens. The score is asymmetric, and grows with the
    number of query tokens unless it is `length_normalised`: compare scores for one query at a time.

    Args:
        queries: shape (n, s, d), token embeddings that are not normalised.
        targets: shape (m, t, d).
        query_mask: shape (n, s), true for tokens and false for padding, which never counts.
        target_mask: shape (m, t).
        temperature: of the softmax over target tokens; above 0.
        length_normalised: divide by the number of query tokens, so that scores are in [-1, 1].
        meet: another way for the tokens to meet, in place of the soft one.
        chunk_elements: pairs of tokens whose scores are held at once; it bounds the memory and
            changes no result.

    Returns:
        Shape (n, m), float32; 0 where either side has no token.
    """
    import torch

    (n, _, _), (m, t, _) = queries.shape, targets.shape
    owners = query_mask.nonzero()[:, 0]  # (tokens,), the query of each token
    scores = queries.new_zeros((n, m)).float()
    if not (len(owners) and m and t):
        return scores
    met = meet or _soft(temperature)
    tokens = queries[query_mask].float()  # (tokens, d), without padding
    order = target_mask.sum(dim=1).argsort(descending=True)  # similar lengths together, for less padding
    columns = min(max(chunk_elements // (len(tokens) * t), 1), _SIMILAR)
    rows = max(chunk_elements // (t * columns), 1)
    found = []
    for places in order.split(columns):  # type: ignore[no-untyped-call]
        mask = target_mask[places]
        used = mask.any(dim=0).nonzero()
        width = int(used[-1]) + 1 if len(used) else 1
        others = targets[places, :width].float()
        parts = [met(some, others, mask[:, :width]) for some in tokens.split(rows)]  # type: ignore[no-untyped-call]
        found.append(torch.cat(parts))  # (tokens, columns)
    by_token = torch.cat(found, dim=1)[:, order.argsort()]
    scores = scores.index_add(0, owners, by_token)  # (tokens, m) -> (n, m)
    if length_normalised:
        scores = scores / query_mask.sum(dim=1, keepdim=True).clamp_min(1)
    return scores


def token_lengths(tokens: "Tensor") -> "Tensor":
    """Euclidean lengths, never 0: shape (..., d) to (...)."""
    lengths: Tensor = tokens.norm(dim=-1).clamp_min(_TINY)
    return lengths


def _soft(temperature: float) -> Meet:
    def meet(tokens: "Tensor", targets: "Tensor", mask: "Tensor") -> "Tensor":
        import torch

        k, (m, t, _) = len(tokens), targets.shape
        inverse = torch.where(mask, 1 / token_lengths(targets), 0.0)  # (m, t)
        lowest = torch.finfo(tokens.dtype).min  # finite, so that a target without tokens gives no NaN
        # (k, d) @ (d, m * t) -> (k, m, t)
        logits = (tokens / temperature) @ targets.flatten(0, 1).T
        logits = logits.view(k, m, t).masked_fill(~mask, lowest)
        weighted: Tensor = (logits.softmax(dim=-1) * logits * inverse).sum(dim=-1)
        return weighted * (temperature / token_lengths(tokens)[:, None])

    return meet
