"""The many-to-many loss over bipartite graphs, after "Unified Work Embeddings", arXiv:2511.07969.

The mathematics are functions of a similarity matrix and an edge mask; `UnifiedLoss` embeds a batch of
four aligned columns and puts them together.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from sentence_transformers.base.losses.gradcache import CachedLossMixin, RandContext, _create_minibatch
from torch import Tensor, nn

from skillsearch.arrays import Int32Array

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix
    from sentence_transformers import SentenceTransformer

__all__ = ["ABSENT", "LossKind", "Side", "Similarity", "UnifiedLoss", "info_nce", "symmetric_info_nce"]

LossKind = Literal["many-to-many", "pairwise", "info-nce"]

ABSENT = -1
"""The node id of a text that a skill does not have; its embedding never counts."""

Similarity = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
"""Token embeddings and masks of n and m texts, as `late_interaction` takes them, to shape (n, m)."""


def info_nce(
    similarity: Tensor, edges: Tensor, temperature: float, *, ignored: Tensor | None = None
) -> Tensor:
    """InfoNCE with several targets a query, among all targets of a batch.

    ``L(Y|Q) = - mean over q of the mean over its targets y of log softmax_Y(sim(q, .) / temperature)[y]``

    Positives are averaged outside the logarithm (Khosla et al., "Supervised Contrastive Learning",
    2020, arXiv:2004.11362, L_out). With one target a query this is InfoNCE.

    Args:
        similarity: shape (n, m), of queries and targets.
        edges: shape (n, m), bool: which targets are a query's.
        temperature: above 0.
        ignored: shape (n, m), bool: pairs that are no negatives; edges are never ignored.

    Returns:
        A scalar; 0 where there is no edge. Queries without edges are left out of the mean.
    """
    logits = similarity / temperature
    if ignored is not None:
        logits = logits.masked_fill(ignored & ~edges, -torch.inf)
    surprise = torch.where(edges, -logits.log_softmax(dim=1), 0.0)
    degrees = edges.sum(dim=1)
    return (surprise.sum(dim=1) / degrees.clamp_min(1)).sum() / (degrees > 0).sum().clamp_min(1)


def symmetric_info_nce(
    forward: Tensor,
    backward: Tensor,
    edges: Tensor,
    temperature: float,
    *,
    ignored: Tensor | None = None,
) -> Tensor:
    """``L(Y|Q) + L(Q|Y)`` of one bipartite graph.

    Args:
        forward: shape (n, m): sim(q, y).
        backward: shape (m, n): sim(y, q), which is not the transpose where the similarity is asymmetric.
        edges: shape (n, m), bool.
        temperature: above 0.
        ignored: shape (n, m), as in `info_nce`.
    """
    there = info_nce(forward, edges, temperature, ignored=ignored)
    back = info_nce(backward, edges.T, temperature, ignored=None if ignored is None else ignored.T)
    return there + back


@dataclass(frozen=True, eq=False)
class Side:
    """One bipartite graph's part in the loss.

    Attributes:
        edges: shape (skills, nodes), which node belongs to which skill.
        weight: of this graph in the sum.
        temperature: of its softmax.
    """

    edges: "csr_matrix"
    weight: float
    temperature: float

    @classmethod
    def of(cls, edges: Int32Array, shape: tuple[int, int], *, weight: float, temperature: float) -> "Side":
        """Relations of an edge list of shape (e, 2): skill id, node id."""
        from scipy.sparse import csr_matrix

        ones = np.ones(len(edges), dtype=bool)
        return cls(csr_matrix((ones, (edges[:, 0], edges[:, 1])), shape=shape), weight, temperature)

    def among(self, skills: Tensor, nodes: Tensor) -> Tensor:
        """Shape (n, m), bool: the edges between some skills and some nodes, in the whole graph."""
        rows = self.edges[skills.cpu().numpy()][:, nodes.cpu().numpy()]
        return torch.from_numpy(rows.toarray()).to(skills.device)


class UnifiedLoss(CachedLossMixin, nn.Module):
    """Weighted sum of the symmetric losses of titles, sentences and variants, each with the skills.

    A batch has four aligned columns of texts, skill, title, sentence and variant, and their node
    ids as labels. A node that appears twice is one node. Edges within the batch come from the
    whole graph, so that a known relation is never a negative.

    Args:
        model: gives token embeddings.
        sides: by name, in the order of the columns.
        similarity: of token embeddings, in the direction query to target.
        kind: `many-to-many` has every edge of the graph as a positive; `pairwise` only the sampled
            pairs, leaving other edges out; `info-nce` only the sampled pairs, with other edges
            among the negatives.
        mini_batch_size: texts embedded at a time with gradient caching (Gao et al., 2021,
            arXiv:2101.06983); None embeds all at once.
    """

    def __init__(
        self,
        model: "SentenceTransformer",
        sides: Mapping[str, Side],
        similarity: Similarity,
        *,
        kind: LossKind = "many-to-many",
        mini_batch_size: int | None = None,
    ) -> None:
        super().__init__()
        self.model = model
        self.sides = dict(sides)
        self.similarity = similarity
        self.kind = kind
        self.mini_batch_size = mini_batch_size or 0
        self.mini_batch_num_tokens = None
        self.show_progress_bar = False
        self.uses_gradient_cache = mini_batch_size is not None

    def forward(self, sentence_features: Iterable[dict[str, Tensor]], labels: Tensor) -> Tensor:
        """Loss of a batch.

        Args:
            sentence_features: tokenised columns: skills, then one for each side.
            labels: shape (n, 1 + sides), node ids; `ABSENT` where a skill has no such node.
        """
        features = [_by_length(feature) for feature in sentence_features]
        self._masks = [feature["attention_mask"].bool() for feature, _ in features]
        self._rows = [rows for _, rows in features]
        columns = [feature for feature, _ in features]
        if self.uses_gradient_cache:
            return self.forward_cached(columns, labels)
        return self.loss([self.model(feature)["token_embeddings"] for feature in columns], labels)

    def embed_minibatch(
        self,
        sentence_feature: dict[str, Tensor],
        begin: int,
        end: int,
        with_grad: bool,
        copy_random_state: bool,
        random_state: RandContext | None = None,
    ) -> tuple[Tensor, RandContext | None]:
        """Token embeddings of a mini-batch, shape (b, t, d), where the mixin has one vector a text."""
        features = _create_minibatch(sentence_feature, begin, end)
        with random_state or nullcontext(), nullcontext() if with_grad else torch.no_grad():
            state = RandContext(*features.values()) if copy_random_state else None
            return self.model(features)["token_embeddings"], state

    def calculate_loss(
        self, reps: list[list[Tensor]], labels: Tensor | None = None, *, with_backward: bool = False
    ) -> Tensor:
        """Loss of a batch that was embedded in mini-batches; for the gradient cache."""
        if labels is None:
            raise ValueError("the node ids are needed as labels")
        columns = [_pad(parts, mask.shape[1]) for parts, mask in zip(reps, self._masks, strict=True)]
        loss = self.loss(columns, labels)
        if with_backward:
            loss.backward()  # type: ignore[no-untyped-call]
            loss = loss.detach()
        return loss

    def loss(self, tokens: Sequence[Tensor], labels: Tensor) -> Tensor:
        """Loss of embedded columns, shapes (n, t, d), each with a width t and an order of its own."""
        (skill_tokens, *others), (skill_mask, *masks) = tokens, self._masks
        (skill_order, *orders) = self._rows
        skill_ids, skill_rows, skill_index = _distinct(labels[:, 0])
        skill_rows = skill_order[skill_rows]
        skill_tokens, skill_mask = skill_tokens[skill_rows], skill_mask[skill_rows]
        # every column takes part, so that the gradient cache finds a gradient for each
        total = torch.stack([column.sum() for column in tokens]).sum() * 0.0
        columns = zip(self.sides.values(), others, masks, orders, labels.T[1:], strict=True)
        for side, column, mask, order, ids in columns:
            node_ids, rows, index = _distinct(ids)
            if not len(node_ids) or not side.weight:
                continue
            known = side.among(skill_ids, node_ids)
            edges = known
            if self.kind != "many-to-many":
                present = ids != ABSENT
                edges = torch.zeros_like(known)
                edges[skill_index[present], index[present]] = True
            nodes, node_mask = column[order[rows]], mask[order[rows]]
            total = total + side.weight * symmetric_info_nce(
                self.similarity(skill_tokens, nodes, skill_mask, node_mask),
                self.similarity(nodes, skill_tokens, node_mask, skill_mask),
                edges,
                side.temperature,
                ignored=known if self.kind == "pairwise" else None,
            )
        return total


def _by_length(features: dict[str, Tensor]) -> tuple[dict[str, Tensor], Tensor]:
    """Texts in the order of their lengths, for little padding in mini-batches; and the row of each there."""
    order = features["attention_mask"].sum(dim=1).argsort(descending=True)
    rows = {
        name: value[order] if isinstance(value, Tensor) and value.ndim and len(value) == len(order) else value
        for name, value in features.items()
    }
    return rows, order.argsort()


def _distinct(ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Each id once, without `ABSENT`; the row where it is first; and the index of every row's id.

    The index of absent rows is negative.
    """
    found, index = torch.unique(ids, return_inverse=True)  # sorted, so ABSENT comes first
    order = torch.arange(len(ids), device=ids.device)
    first = torch.full((len(found),), len(ids), device=ids.device).scatter_reduce(
        0, index, order, reduce="amin"
    )
    absent = int((found == ABSENT).sum())
    return found[absent:], first[absent:], index - absent


def _pad(parts: Sequence[Tensor], width: int) -> Tensor:
    """Mini-batches of shape (b, t, d) put together as (n, width, d)."""
    return torch.cat([nn.functional.pad(part, (0, 0, 0, width - part.shape[1])) for part in parts])
