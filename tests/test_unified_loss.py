"""The many-to-many loss against a naive double loop, and what must not change it."""

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from trainer.interaction import late_interaction
from trainer.unified.losses import ABSENT, LossKind, Side, UnifiedLoss, info_nce, symmetric_info_nce

TAU = 0.3
SKILLS, NODES = 4, 5
EDGES = {
    "titles": [[0, 0], [0, 1], [1, 1], [2, 2], [3, 4]],
    "sentences": [[0, 3], [1, 0], [2, 2], [3, 1]],
    "variants": [[0, 0], [1, 1], [2, 2], [2, 3]],
}
WEIGHTS = {"titles": 1.0, "sentences": 0.5, "variants": 0.25}
LABELS = torch.tensor([[0, 0, 3, 0], [1, 1, 0, 1], [2, 2, 2, ABSENT], [3, 4, 1, ABSENT]])


def naive(similarity: Tensor, edges: Tensor, temperature: float, ignored: Tensor | None = None) -> float:
    """L(Y|Q), query by query and target by target."""
    queries = []
    for q in range(len(similarity)):
        targets = [y for y in range(similarity.shape[1]) if edges[q, y]]
        others = [
            y for y in range(similarity.shape[1]) if edges[q, y] or ignored is None or not ignored[q, y]
        ]
        if targets:
            total = sum(math.exp(float(similarity[q, y]) / temperature) for y in others)
            shares = [math.log(math.exp(float(similarity[q, y]) / temperature) / total) for y in targets]
            queries.append(-sum(shares) / len(targets))
    return sum(queries) / len(queries) if queries else 0.0


@pytest.fixture
def matrix() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    similarity = torch.rand(SKILLS, NODES, generator=generator) * 2 - 1
    edges = torch.zeros(SKILLS, NODES, dtype=torch.bool)
    for row, column in ((0, 0), (0, 3), (1, 1), (3, 1), (3, 2), (3, 4)):  # nothing for the third
        edges[row, column] = True
    return similarity, edges


def test_positives_are_averaged_outside_the_logarithm(matrix: tuple[Tensor, Tensor]) -> None:
    similarity, edges = matrix
    assert float(info_nce(similarity, edges, TAU)) == pytest.approx(naive(similarity, edges, TAU), rel=1e-5)


def test_ignored_entries_are_no_negatives(matrix: tuple[Tensor, Tensor]) -> None:
    similarity, edges = matrix
    ignored = torch.rand(SKILLS, NODES, generator=torch.Generator().manual_seed(1)) < 0.4
    assert (ignored & edges).any()
    assert (ignored & ~edges).any()
    found = float(info_nce(similarity, edges, TAU, ignored=ignored))
    assert found == pytest.approx(naive(similarity, edges, TAU, ignored), rel=1e-5)
    assert found != pytest.approx(naive(similarity, edges, TAU), rel=1e-3)


def test_both_directions(matrix: tuple[Tensor, Tensor]) -> None:
    similarity, edges = matrix
    backward = torch.rand(NODES, SKILLS, generator=torch.Generator().manual_seed(9))
    expected = naive(similarity, edges, TAU) + naive(backward, edges.T, TAU)
    assert float(symmetric_info_nce(similarity, backward, edges, TAU)) == pytest.approx(expected, rel=1e-5)


def test_one_positive_a_row_is_symmetric_info_nce() -> None:
    similarity = torch.rand(6, 6, generator=torch.Generator().manual_seed(2))
    target = torch.arange(6)
    cross = nn.functional.cross_entropy
    expected = cross(similarity / TAU, target) + cross(similarity.T / TAU, target)
    found = symmetric_info_nce(similarity, similarity.T, torch.eye(6, dtype=torch.bool), TAU)
    torch.testing.assert_close(found, expected)


def test_no_edge_gives_zero_and_no_nan() -> None:
    similarity = torch.rand(2, 3, requires_grad=True)
    loss = info_nce(similarity, torch.zeros(2, 3, dtype=torch.bool), TAU)
    loss.backward()  # type: ignore[no-untyped-call]
    assert float(loss.detach()) == 0.0
    assert similarity.grad is not None
    assert not similarity.grad.any()


def test_gradient_is_the_numerical_one(matrix: tuple[Tensor, Tensor]) -> None:
    similarity, edges = matrix
    ignored = torch.zeros_like(edges)
    ignored[0, 1] = ignored[1, 4] = True

    def loss(forward: Tensor, backward: Tensor) -> Tensor:
        return symmetric_info_nce(forward, backward, edges, TAU, ignored=ignored)

    inputs = (similarity.double().requires_grad_(), similarity.T.double().clone().requires_grad_())
    assert torch.autograd.gradcheck(loss, inputs)


class Tokens(nn.Module):
    """A model that looks tokens up, so that a loss can be worked out from known numbers."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(4)
        self.table = nn.Embedding(40, 6)

    def forward(self, features: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"token_embeddings": self.table(features["input_ids"])}


def batch(labels: Tensor, widths: tuple[int, ...] = (2, 3, 4, 2)) -> list[dict[str, Tensor]]:
    """Four columns of token ids that depend on the node only, padded with token 0."""
    columns = []
    for place, (ids, width) in enumerate(zip(labels.T, widths, strict=True)):
        tokens = (ids[:, None] * 7 + torch.arange(width) + place * 3) % 39 + 1
        mask = torch.ones_like(tokens)
        mask[1::2, -1] = 0  # every other text is shorter
        by_node = torch.where((ids % 2 == 1)[:, None], mask[1:2], mask[:1])
        columns.append({"input_ids": tokens * by_node, "attention_mask": by_node})
    return columns


def unified(kind: LossKind = "many-to-many", mini_batch_size: int | None = None) -> UnifiedLoss:
    sides = {
        name: Side.of(np.array(pairs, dtype=np.int32), (SKILLS, NODES), weight=WEIGHTS[name], temperature=TAU)
        for name, pairs in EDGES.items()
    }
    similarity = partial(late_interaction, length_normalised=True)
    return UnifiedLoss(Tokens(), sides, similarity, kind=kind, mini_batch_size=mini_batch_size)  # type: ignore[arg-type]


def by_hand(labels: Tensor, sampled_only: bool = False, ignore: bool = False) -> float:
    """The loss of a batch from the graph's edges, with each node once."""
    model, columns = Tokens(), batch(labels)
    rows = {int(node): row for row, node in reversed(list(enumerate(labels[:, 0])))}
    total = 0.0
    for place, (side, pairs) in enumerate(EDGES.items(), start=1):
        nodes = {int(n): row for row, n in reversed(list(enumerate(labels[:, place]))) if n != ABSENT}
        skill_ids, node_ids = sorted(rows), sorted(nodes)

        def embedded(column: int, where: list[int]) -> tuple[Tensor, Tensor]:
            feature = columns[column]
            return (
                model.table(feature["input_ids"][where]).detach(),
                feature["attention_mask"][where].bool(),
            )

        skills, skill_mask = embedded(0, [rows[i] for i in skill_ids])
        others, mask = embedded(place, [nodes[i] for i in node_ids])
        known = torch.tensor([[[s, n] in pairs for n in node_ids] for s in skill_ids])
        drawn = {(int(s), int(n)) for s, n in zip(labels[:, 0], labels[:, place], strict=True)}
        edges = torch.tensor([[(s, n) in drawn for n in node_ids] for s in skill_ids])
        edges = edges if sampled_only else known
        score = partial(late_interaction, length_normalised=True)
        forward = score(skills, others, skill_mask, mask)
        backward = score(others, skills, mask, skill_mask)
        left_out = known if ignore else None
        one_way = naive(forward, edges, TAU, left_out)
        other_way = naive(backward, edges.T, TAU, None if left_out is None else left_out.T)
        total += WEIGHTS[side] * (one_way + other_way)
    return total


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("many-to-many", partial(by_hand)),
        ("pairwise", partial(by_hand, sampled_only=True, ignore=True)),
        ("info-nce", partial(by_hand, sampled_only=True)),
    ],
)
def test_a_batch_by_hand(kind: LossKind, expected: Callable[[Tensor], float]) -> None:
    loss = unified(kind)(batch(LABELS), LABELS)
    assert float(loss.detach()) == pytest.approx(expected(LABELS), rel=1e-4)


def test_the_order_of_a_batch_does_not_matter() -> None:
    other = LABELS[torch.tensor([2, 0, 3, 1])]
    torch.testing.assert_close(unified()(batch(other), other), unified()(batch(LABELS), LABELS))


def test_a_node_that_appears_twice_is_one_node() -> None:
    twice = torch.cat([LABELS, LABELS[:2]])
    torch.testing.assert_close(unified()(batch(twice), twice), unified()(batch(LABELS), LABELS))


def test_padding_and_absent_texts_do_not_matter() -> None:
    columns = batch(LABELS)
    columns[1]["input_ids"] = columns[1]["input_ids"] + 20 * (1 - columns[1]["attention_mask"])
    columns[3]["input_ids"][2:] = 33  # the variants of these are absent
    torch.testing.assert_close(unified()(columns, LABELS), unified()(batch(LABELS), LABELS))


def test_gradient_caching_changes_no_gradient() -> None:
    plain, cached = unified(), unified(mini_batch_size=3)
    for loss in (plain, cached):
        loss(batch(LABELS), LABELS).backward()
    torch.testing.assert_close(cached.model.table.weight.grad, plain.model.table.weight.grad)
    with torch.no_grad():
        torch.testing.assert_close(cached(batch(LABELS), LABELS), plain(batch(LABELS), LABELS))
