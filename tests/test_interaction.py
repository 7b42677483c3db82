"""Late interaction as a function: against loops, by hand, and against the library's MaxSim."""

import math

import numpy as np
import pytest
import torch
from sentence_transformers.util import maxsim

from skillsearch.rank.interaction import late_interaction as served_interaction
from trainer.experiments.interactions import INTERACTIONS, MEETS, Interaction, similarity
from trainer.interaction import late_interaction

QUERY_LENGTHS, TARGET_LENGTHS = (1, 4, 3), (2, 5, 1, 4)


def block(lengths: tuple[int, ...], *, seed: int, wide: int = 6, junk: float = 0.0) -> list[torch.Tensor]:
    """Random tokens, shape (n, t, d), and their mask; padding has `junk` in it."""
    made = torch.Generator().manual_seed(seed)
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    tokens = 2 * torch.randn(*mask.shape, wide, generator=made)
    return [tokens.masked_fill(~mask[:, :, None], junk), mask]


def unit(tokens: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(tokens, dim=-1)


def naive(query: torch.Tensor, target: torch.Tensor, interaction: str, temperature: float) -> float:
    """One query and one target without padding, shapes (s, d) and (t, d), number by number."""
    rows, columns = query.tolist(), target.tolist()
    if interaction in {"mean-target", "cosine"}:
        columns = [[sum(values) / len(columns) for values in zip(*columns, strict=True)]]
    if interaction == "cosine":
        rows = [[sum(values) / len(rows) for values in zip(*rows, strict=True)]]
    total = 0.0
    for row in rows:
        products = [sum(a * b for a, b in zip(row, column, strict=True)) for column in columns]
        cosines = [
            product / math.hypot(*row) / math.hypot(*column)
            for product, column in zip(products, columns, strict=True)
        ]
        if interaction == "maxsim":
            total += max(cosines)
            continue
        powers = [math.exp((product - max(products)) / temperature) for product in products]
        total += sum(power * found for power, found in zip(powers, cosines, strict=True)) / sum(powers)
    return total


@pytest.mark.parametrize("interaction", INTERACTIONS)
@pytest.mark.parametrize("temperature", [0.1, 1.0, 7.0])
@pytest.mark.parametrize("length_normalised", [False, True])
def test_it_is_the_loop(interaction: Interaction, temperature: float, length_normalised: bool) -> None:
    queries, query_mask = block(QUERY_LENGTHS, seed=1)
    targets, target_mask = block(TARGET_LENGTHS, seed=2)
    score = similarity(interaction, temperature=temperature, length_normalised=length_normalised)
    found = score(queries, targets, query_mask, target_mask)
    expected = torch.tensor(
        [
            [
                naive(query[mask], target[other], interaction, temperature)
                / (mask.sum().item() if length_normalised and interaction != "cosine" else 1)
                for target, other in zip(targets, target_mask, strict=True)
            ]
            for query, mask in zip(queries, query_mask, strict=True)
        ]
    )
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("interaction", INTERACTIONS)
@pytest.mark.parametrize("junk", [1e4, -1e4, math.inf, math.nan])
def test_padding_never_counts(interaction: Interaction, junk: float) -> None:
    queries, targets = block(QUERY_LENGTHS, seed=1, junk=junk), block(TARGET_LENGTHS, seed=2, junk=junk)
    score = similarity(interaction)
    clean = score(*_sides(block(QUERY_LENGTHS, seed=1), block(TARGET_LENGTHS, seed=2)))
    torch.testing.assert_close(score(*_sides(queries, targets)), clean)


@pytest.mark.parametrize("length_normalised", [False, True])
def test_it_is_the_librarys_maxsim(length_normalised: bool) -> None:
    queries, query_mask = block(QUERY_LENGTHS, seed=3)
    targets, target_mask = block(TARGET_LENGTHS, seed=4)
    ours = similarity("maxsim", length_normalised=length_normalised)(
        queries, targets, query_mask, target_mask
    )
    theirs = maxsim(unit(queries), unit(targets), query_mask, target_mask, length_normalize=length_normalised)
    torch.testing.assert_close(ours, theirs)


def test_a_long_token_draws_the_soft_attention() -> None:
    """Though a short one has the higher cosine."""
    query = torch.tensor([[[1.0, 0.0]]])
    target = torch.tensor([[[0.5, 0.0], [3.0, 4.0]]])  # products 0.5 and 3, cosines 1 and 0.6
    one, two = torch.ones(1, 1, dtype=torch.bool), torch.ones(1, 2, dtype=torch.bool)
    assert similarity("maxsim")(query, target, one, two).item() == pytest.approx(1)
    assert late_interaction(query, target, one, two, temperature=0.01).item() == pytest.approx(0.6)


def test_each_form_by_hand() -> None:
    queries = torch.tensor([[[1.0, 0.0], [0.0, 2.0]]])
    targets = torch.tensor([[[3.0, 0.0], [0.0, 1.0]]])
    masks = torch.ones(1, 2, dtype=torch.bool), torch.ones(1, 2, dtype=torch.bool)

    def score(interaction: Interaction, **options: float) -> float:
        return similarity(interaction, **options)(queries, targets, *masks).item()  # type: ignore[arg-type]

    # products 3, 0 and 0, 2; cosines 1, 0 and 0, 1
    soft = math.exp(3) / (math.exp(3) + 1) + math.exp(2) / (math.exp(2) + 1)
    assert score("soft") == pytest.approx(soft)
    halved = math.exp(1.5) / (math.exp(1.5) + 1) + math.e / (math.e + 1)
    assert score("soft", temperature=2.0) == pytest.approx(halved)
    assert score("soft", length_normalised=True) == pytest.approx(soft / 2)
    assert score("maxsim") == pytest.approx(2)
    # the mean target is (1.5, 0.5), of length sqrt(2.5); the mean query (0.5, 1), of sqrt(1.25)
    assert score("mean-target") == pytest.approx((1.5 + 0.5) / math.sqrt(2.5))
    assert score("mean-target", length_normalised=True) == pytest.approx(1 / math.sqrt(2.5))
    assert score("cosine") == pytest.approx(1.25 / math.sqrt(2.5) / math.sqrt(1.25))
    assert score("cosine", length_normalised=True) == pytest.approx(score("cosine"))


@pytest.mark.parametrize("interaction", INTERACTIONS)
@pytest.mark.parametrize("chunk_elements", [1, 7, 40, 150])
def test_chunks_change_nothing(interaction: Interaction, chunk_elements: int) -> None:
    sides = _sides(block((3, 1, 4, 2, 5), seed=9), block((2, 6, 1, 3, 4, 2, 2), seed=10))
    meet = MEETS.get(interaction)
    whole = late_interaction(*sides, meet=meet, length_normalised=True)
    parts = late_interaction(*sides, meet=meet, length_normalised=True, chunk_elements=chunk_elements)
    torch.testing.assert_close(parts, whole, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("interaction", INTERACTIONS)
def test_gradients_are_right_and_leave_padding_alone(interaction: Interaction) -> None:
    (queries, query_mask), (targets, target_mask) = block((2, 3), seed=11), block((3, 1), seed=12)
    queries.requires_grad_()
    targets.requires_grad_()

    def total() -> torch.Tensor:
        weights = torch.tensor([[1.0, -0.5], [0.25, 2.0]])
        scores = similarity(interaction)(queries, targets, query_mask, target_mask)
        return (scores * weights).sum()

    total().backward()
    for tokens, mask in ((queries, query_mask), (targets, target_mask)):
        assert tokens.grad is not None
        assert tokens.grad[mask].abs().sum() > 0
        assert not tokens.grad[~mask].any()
        step = torch.zeros_like(tokens)
        step[0, 0, 0] = 1e-2
        before, slope = tokens.detach().clone(), tokens.grad[0, 0, 0].item()
        with torch.no_grad():
            tokens.copy_(before + step)
            above = total().item()
            tokens.copy_(before - step)
            below = total().item()
            tokens.copy_(before)
        assert (above - below) / 2e-2 == pytest.approx(slope, abs=2e-3)


@pytest.mark.parametrize("interaction", INTERACTIONS)
def test_a_side_without_tokens_gives_0(interaction: Interaction) -> None:
    queries, targets = block((2, 0), seed=13), block((3, 0, 1), seed=14)
    score = similarity(interaction, length_normalised=True)
    scores = score(*_sides(queries, targets))
    assert scores[1].tolist() == [0, 0, 0]
    assert scores[:, 1].tolist() == [0, 0]
    assert (scores[0, [0, 2]] != 0).all()
    none = score(*_sides(block((2,), seed=1), [torch.empty(0, 3, 6), torch.empty(0, 3) > 0]))
    assert none.shape == (1, 0)
    hollow = score(*_sides(block((2,), seed=1), [torch.empty(4, 0, 6), torch.empty(4, 0) > 0]))
    assert hollow.tolist() == [[0, 0, 0, 0]]


def test_half_precision_is_scored_in_full() -> None:
    queries, targets = block(QUERY_LENGTHS, seed=15), block(TARGET_LENGTHS, seed=16)
    halves = [targets[0].half(), targets[1]]
    found = late_interaction(*_sides(queries, halves))
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, late_interaction(*_sides(queries, targets)), atol=5e-3, rtol=0)


def test_it_is_not_symmetric_and_grows_with_the_query() -> None:
    one, other = block((2,), seed=17), block((4,), seed=18)
    assert not torch.allclose(late_interaction(*_sides(one, other)), late_interaction(*_sides(other, one)))

    tokens, mask = block((3,), seed=19)
    twice = [torch.cat([tokens, tokens], dim=1), torch.cat([mask, mask], dim=1)]
    same = late_interaction(*_sides([tokens, mask], [tokens, mask]))
    assert same.item() > 0
    longer_query = late_interaction(*_sides(twice, [tokens, mask]))
    longer_target = late_interaction(*_sides([tokens, mask], twice))
    torch.testing.assert_close(longer_query, 2 * same)
    torch.testing.assert_close(longer_target, same)
    by_length = [
        late_interaction(*_sides(query, [tokens, mask]), length_normalised=True)
        for query in ([tokens, mask], twice)
    ]
    torch.testing.assert_close(*by_length)
    assert by_length[0].item() <= 1


def _sides(
    queries: list[torch.Tensor], targets: list[torch.Tensor]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """In the order of the arguments."""
    return queries[0], targets[0], queries[1], targets[1]


@pytest.mark.parametrize("length_normalised", [False, True])
@pytest.mark.parametrize("temperature", [0.1, 1.0, 20.0])
def test_a_search_scores_as_the_training_does(temperature: float, length_normalised: bool) -> None:
    """The formula in numpy, which is served, and the one in torch, which is trained with."""
    lengths = (*range(12), *range(90), 0)  # more than are scored at once, and some without a token
    targets, mask = block(lengths, seed=2, junk=9.0)
    for tokens in (1, 5):
        queries, query_mask = block((tokens,), seed=tokens)
        options = {"temperature": temperature, "length_normalised": length_normalised}
        trained = late_interaction(queries, targets, query_mask, mask, **options)
        served = served_interaction(queries[0].numpy(), targets.numpy(), mask.numpy(), **options)
        np.testing.assert_allclose(served, trained[0], atol=1e-5)
    assert served_interaction(queries[0].numpy(), targets.numpy()[:0], mask.numpy()[:0]).shape == (0,)
    assert (served_interaction(queries[0].numpy()[:0], targets.numpy(), mask.numpy()) == 0).all()
