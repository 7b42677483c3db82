"""The distilled cross-encoder: a few layers over the tokens that the encoder gave each side of a pair.

The layers below are those of the encoder, which read each side alone, so that the tokens of skills can be
computed once an index, and those of a title once a search. Splitting a cross-encoder so is from MacAvaney et
al., "Efficient Document Re-Ranking for Transformers by Precomputing Term Representations" (2020),
arXiv:2004.14255, and Gao et al., "Modularized Transformer-based Ranking Framework" (2020), arXiv:2004.13313.
"""

import torch
from torch import Tensor, nn

__all__ = ["HEAD_WIDTH", "Student"]

HEAD_WIDTH = 32
"""Numbers of an attention head."""

_FAR_BELOW = -1e4


class Student(nn.Module):
    """Classifies pairs of texts by their tokens.

    Args:
        hidden: numbers of the encoder's tokens.
        width: numbers of a token here, a multiple of `HEAD_WIDTH`.
        layers: in which the tokens of both sides see each other.
        classes: of the logits.
    """

    def __init__(self, hidden: int, width: int, layers: int, classes: int) -> None:
        super().__init__()
        self.title = nn.Sequential(nn.LayerNorm(hidden), nn.Linear(hidden, width))
        self.skill = nn.Sequential(nn.LayerNorm(hidden), nn.Linear(hidden, width))
        self.summary = nn.Parameter(torch.zeros(width))
        self.layers = nn.ModuleList(_Layer(width) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(3 * width, classes)

    def forward(self, titles: Tensor, titles_mask: Tensor, skills: Tensor, skills_mask: Tensor) -> Tensor:
        """Logits of n pairs: shape (n, classes). One title may stand for all, and so may one skill.

        Args:
            titles: shape (n, s, hidden) or (1, s, hidden).
            titles_mask: shape (n, s) or (1, s), true for tokens and false for padding.
            skills: shape (n, t, hidden) or (1, t, hidden).
            skills_mask: shape (n, t) or (1, t).
        """
        length = titles.shape[1]
        parts = [self.title(titles), self.skill(skills)]  # once where one stands for all
        pairs = torch.zeros_like(parts[0][:, :1, :1]) + torch.zeros_like(parts[1][:, :1, :1])  # (n, 1, 1)
        states = torch.cat([self.summary + pairs, *(part + pairs for part in parts)], 1)  # (n, 1 + s + t, w)
        every = pairs[:, :, 0] == 0  # (n, 1)
        titles_mask, skills_mask = titles_mask & every, skills_mask & every
        mask = torch.cat([every, titles_mask, skills_mask], 1)
        for layer in self.layers:
            states = layer(states, mask)
        states = self.norm(states)
        summaries = (
            states[:, 0],
            _mean(states[:, 1 : 1 + length], titles_mask),
            _mean(states[:, 1 + length :], skills_mask),
        )
        logits: Tensor = self.head(torch.cat(summaries, 1))
        return logits


class _Layer(nn.Module):
    """A layer of a transformer, normalised before each part."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.heads = width // HEAD_WIDTH
        self.before_attention, self.before_forward = nn.LayerNorm(width), nn.LayerNorm(width)
        self.project, self.output = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.forward_part = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """States of shape (n, t, w) and their mask of shape (n, t) to states."""
        count, length, width = states.shape
        split = self.project(self.before_attention(states)).reshape(count, length, 3, self.heads, HEAD_WIDTH)
        query, key, value = split.permute(2, 0, 3, 1, 4).unbind(0)  # each (n, heads, t, HEAD_WIDTH)
        weights = query @ key.transpose(-1, -2) / HEAD_WIDTH**0.5
        weights = weights.masked_fill(~mask[:, None, None, :], _FAR_BELOW).softmax(-1)
        states = states + self.output((weights @ value).transpose(1, 2).reshape(count, length, width))
        mixed: Tensor = states + self.forward_part(self.before_forward(states))
        return mixed


def _mean(states: Tensor, mask: Tensor) -> Tensor:
    """The mean of the states that the mask takes: (n, t, w) to (n, w)."""
    taken = mask[:, :, None].to(states.dtype)
    return (states * taken).sum(1) / taken.sum(1)
