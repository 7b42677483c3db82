"""The loss of the bi-encoder."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import torch
from sentence_transformers.base.losses.gradcache import CachedLossMixin
from torch import Tensor, nn

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = ["RelationAwareRankingLoss"]


class RelationAwareRankingLoss(CachedLossMixin, nn.Module):
    """Multiple Negatives Ranking that never takes a known positive for a negative.

    A batch of n pairs gives n x n cosines. Cross entropy runs over each row (title to skill) and,
    with `both_directions`, over each column (skill to title), as in CLIP (Radford et al., 2021,
    arXiv:2103.00020). Entries off the diagonal whose title and skill the taxonomy relates are left
    out of both. With gradient caching (Gao et al., 2021, arXiv:2101.06983) the batch can be larger
    than the memory for activations.

    Args:
        model: the encoder.
        related: shape (occupations, skills), bool: what the taxonomy relates.
        scale: multiplies the cosines.
        both_directions: whether columns count too.
        log_frequency: shape (skills,): log of each skill's share of the pairs, taken off its logits
            when skills are ranked, so that the model learns how probable a skill is and not how
            much more probable than in general (Yi et al., "Sampling-Bias-Corrected Neural
            Modeling", RecSys 2019); None takes nothing off.
        mini_batch_size: pairs embedded at a time with gradient caching; None embeds all at once.
    """

    def __init__(
        self,
        model: "SentenceTransformer",
        related: Tensor,
        *,
        scale: float = 20.0,
        both_directions: bool = True,
        log_frequency: Tensor | None = None,
        mini_batch_size: int | None = None,
    ) -> None:
        super().__init__()
        self.model = model
        self.scale = scale
        self.both_directions = both_directions
        self.mini_batch_size = mini_batch_size or 0
        self.mini_batch_num_tokens = None
        self.show_progress_bar = False
        self.uses_gradient_cache = mini_batch_size is not None
        self.register_buffer("related", related, persistent=False)
        self.register_buffer("log_frequency", log_frequency, persistent=False)

    def forward(self, sentence_features: Iterable[dict[str, Tensor]], labels: Tensor) -> Tensor:
        """Loss of a batch; `labels` has shape (n, 2), the row and column of each pair in `related`."""
        features = list(sentence_features)
        if self.uses_gradient_cache:
            return self.forward_cached(features, labels)
        return self.loss([self.model(feature)["sentence_embedding"] for feature in features], labels)

    def calculate_loss(
        self, reps: list[list[Tensor]], labels: Tensor | None = None, *, with_backward: bool = False
    ) -> Tensor:
        """Loss of a batch that was embedded in mini-batches; for the gradient cache."""
        if labels is None:
            raise ValueError("the pairs' rows and columns are needed as labels")
        loss = self.loss([torch.cat(column) for column in reps], labels)
        if with_backward:
            loss.backward()  # type: ignore[no-untyped-call]
            loss = loss.detach()
        return loss

    def loss(self, embeddings: list[Tensor], labels: Tensor) -> Tensor:
        """Loss of embedded titles and skills, each of shape (n, d)."""
        titles, skills = (nn.functional.normalize(column.float(), dim=1) for column in embeddings)
        logits = self.scale * titles @ skills.T  # (n, d) @ (d, n) -> (n, n)
        known = self.related[labels[:, 0, None], labels[None, :, 1]]  # type: ignore[index]
        known.fill_diagonal_(False)
        logits = logits.masked_fill(known, -torch.inf)
        target = torch.arange(len(logits), device=logits.device)
        rows = logits
        if self.log_frequency is not None:
            rows = rows - self.log_frequency[labels[:, 1]]  # type: ignore[index]
        loss = nn.functional.cross_entropy(rows, target)
        if self.both_directions:
            loss = (loss + nn.functional.cross_entropy(logits.T, target)) / 2
        return loss

    def get_config_dict(self) -> dict[str, Any]:
        """What the model card of sentence-transformers says of the loss."""
        return {
            "scale": self.scale,
            "both_directions": self.both_directions,
            "mini_batch_size": self.mini_batch_size or None,
        }
