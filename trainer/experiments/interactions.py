"""The interactions of tokens that soft late interaction is compared with."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Final, Literal, get_args

import torch

from trainer.interaction import Meet, late_interaction, token_lengths

if TYPE_CHECKING:
    from torch import Tensor

    from trainer.unified.losses import Similarity

__all__ = ["INTERACTIONS", "MEETS", "Interaction", "similarity"]

Interaction = Literal["soft", "mean-target", "maxsim", "cosine"]

INTERACTIONS: Final[tuple[Interaction, ...]] = get_args(Interaction)


def similarity(
    interaction: Interaction, *, temperature: float = 1.0, length_normalised: bool = False
) -> "Similarity":
    """A way to score all pairs of n and m texts by their tokens; see `late_interaction`.

    Args:
        interaction: ``soft`` is late interaction as it is served. ``maxsim`` takes the highest cosine
            of each query token (Khattab and Zaharia, "ColBERT", SIGIR 2020), which is the limit of the
            soft form on tokens of unit length as the temperature falls. ``mean-target`` has the mean
            of the target's tokens for its only one. ``cosine`` has the means of both sides: the cosine
            of a mean-pooled bi-encoder.
        temperature: of the soft form.
        length_normalised: divide by the number of query tokens.
    """
    score = partial(
        late_interaction,
        temperature=temperature,
        length_normalised=length_normalised,
        meet=MEETS.get(interaction),
    )
    if interaction != "cosine":
        return score

    def cosine(queries: "Tensor", targets: "Tensor", query_mask: "Tensor", target_mask: "Tensor") -> "Tensor":
        means = _means(queries, query_mask)[:, None]  # (n, 1, d)
        return score(means, targets, query_mask.any(dim=1, keepdim=True), target_mask)

    return cosine


def _maxsim(tokens: "Tensor", targets: "Tensor", mask: "Tensor") -> "Tensor":
    """The highest cosine of each of k tokens with those of each target; see `Meet`."""
    k, (m, t, _) = len(tokens), targets.shape
    unit = (targets / token_lengths(targets)[:, :, None]).flatten(0, 1)  # (m * t, d)
    cosines = ((tokens / token_lengths(tokens)[:, None]) @ unit.T).view(k, m, t)
    highest = cosines.masked_fill(~mask, torch.finfo(tokens.dtype).min).amax(dim=-1)
    return highest.masked_fill(~mask.any(dim=1), 0.0)


def _mean_target(tokens: "Tensor", targets: "Tensor", mask: "Tensor") -> "Tensor":
    """The cosine of each of k tokens with the mean of each target's; see `Meet`."""
    means = _means(targets, mask)  # (m, d)
    cosines: Tensor = (tokens @ means.T) / token_lengths(means) / token_lengths(tokens)[:, None]
    return cosines


def _means(tokens: "Tensor", mask: "Tensor") -> "Tensor":
    """The mean of each text's tokens: shapes (n, t, d) and (n, t) to (n, d)."""
    total = tokens.float().masked_fill(~mask[:, :, None], 0.0).sum(dim=1)
    return total / mask.sum(dim=1, keepdim=True).clamp_min(1)


MEETS: Final[Mapping[Interaction, Meet]] = {
    "maxsim": _maxsim,
    "mean-target": _mean_target,
    "cosine": _mean_target,
}
"""How tokens meet, for the interactions other than the soft one."""
