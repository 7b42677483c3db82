"""The ranking loss against a naive loop, and what changes memory but not the result."""

import math
from pathlib import Path

import pytest
import torch
from sentence_transformers import SentenceTransformer
from torch import Tensor, nn

from trainer.bases import new_encoder
from trainer.pair.encoder import RelationAwareRankingLoss, TrimmedEmbedding, trimmed_embeddings

N, WIDTH, SCALE = 5, 8, 20.0


def naive(titles: Tensor, skills: Tensor, labels: Tensor, related: Tensor, *, both: bool) -> float:
    """The loss pair by pair."""

    def cosine(a: Tensor, b: Tensor) -> float:
        return float(a @ b / (a.norm() * b.norm()))

    total = 0.0
    for i in range(N):
        rows, columns = [], []
        for j in range(N):
            if i == j or not related[labels[i, 0], labels[j, 1]]:
                rows.append(SCALE * cosine(titles[i], skills[j]))
            if i == j or not related[labels[j, 0], labels[i, 1]]:
                columns.append(SCALE * cosine(titles[j], skills[i]))
        own = SCALE * cosine(titles[i], skills[i])
        by_row = math.log(sum(map(math.exp, rows))) - own
        by_column = math.log(sum(map(math.exp, columns))) - own
        total += (by_row + by_column) / 2 if both else by_row
    return total / N


@pytest.fixture
def batch() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    titles, skills = (torch.randn(N, WIDTH, generator=generator) for _ in range(2))
    labels = torch.tensor([[0, 0], [1, 1], [0, 2], [2, 3], [1, 4]])
    related = torch.zeros(3, 5, dtype=torch.bool)
    for row, column in (*labels.tolist(), (1, 0), (2, 4)):
        related[row, column] = True
    return titles, skills, labels, related


@pytest.mark.parametrize("both", [True, False])
def test_known_positives_are_never_negatives(batch: tuple[Tensor, ...], both: bool) -> None:
    titles, skills, labels, related = batch
    loss = RelationAwareRankingLoss(nn.Identity(), related, scale=SCALE, both_directions=both)  # type: ignore[arg-type]
    assert float(loss.loss([titles, skills], labels)) == pytest.approx(
        naive(titles, skills, labels, related, both=both), rel=1e-5
    )


def test_with_no_other_relation_it_is_multiple_negatives_ranking(batch: tuple[Tensor, ...]) -> None:
    titles, skills, labels, _ = batch
    labels = torch.stack([torch.arange(N), torch.arange(N)], dim=1)
    loss = RelationAwareRankingLoss(nn.Identity(), torch.eye(N, dtype=torch.bool), both_directions=False)  # type: ignore[arg-type]
    unit = nn.functional.normalize
    expected = nn.functional.cross_entropy(SCALE * unit(titles) @ unit(skills).T, torch.arange(N))
    assert float(loss.loss([titles, skills], labels)) == pytest.approx(float(expected), rel=1e-6)


def test_gradient_caching_gives_the_same_gradients(bert_base: Path) -> None:
    labels = torch.tensor([[0, 0], [1, 1], [2, 2], [0, 1]])
    related = torch.tensor([[1, 1, 0], [0, 1, 0], [0, 0, 1]], dtype=torch.bool)
    texts = (["welder", "chef", "nurse", "baker"], ["cook food", "weld metal", "care", "bake bread"])
    gradients = []
    for size in (None, 2):
        torch.manual_seed(3)
        model = new_encoder(str(bert_base), device="cpu").double()  # so that rounding does not count
        model.eval()  # no dropout, so that both see the same
        loss = RelationAwareRankingLoss(model, related, mini_batch_size=size)
        loss([model.tokenize(list(column)) for column in texts], labels).backward()
        gradients.append(
            {name: value.grad for name, value in model.named_parameters() if value.grad is not None}
        )
    assert gradients[0].keys() == gradients[1].keys() != set()
    for name, value in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], value, rtol=1e-4, atol=1e-6)


def test_a_trimmed_table_trains_alike(xlm_roberta_base: Path) -> None:
    """Some steps of AdamW with and without trimming, then every weight is the same, unused rows too."""
    texts = ["data scientist", "machine learning", "welder"]
    states = []
    for trim in (False, True):
        torch.manual_seed(5)
        model = new_encoder(str(xlm_roberta_base), device="cpu")

        def steps(model: SentenceTransformer = model) -> None:
            optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.0)
            for _ in range(3):
                optimizer.zero_grad()
                model(model.tokenize(texts))["sentence_embedding"][:, 0].sum().backward()
                optimizer.step()

        model.eval()
        if trim:
            with trimmed_embeddings(model, texts) as used:
                embedding = model[0].auto_model.get_input_embeddings()
                assert isinstance(embedding, TrimmedEmbedding)
                assert len(embedding.weight) == used < 60
                steps()
                inside = {name: value.clone() for name, value in model.state_dict().items()}
            states.append({name: value.clone() for name, value in model.state_dict().items()})
            assert inside.keys() == states[-1].keys()
        else:
            steps()
            states.append({name: value.clone() for name, value in model.state_dict().items()})
    assert states[0].keys() == states[1].keys()
    for name, value in states[0].items():
        torch.testing.assert_close(states[1][name], value)
        torch.testing.assert_close(inside[name], value)


def test_a_trimmed_table_loads_a_whole_one() -> None:
    whole = nn.Embedding(6, 2)
    trimmed = TrimmedEmbedding(whole, [1, 4])
    other = torch.arange(12.0).reshape(6, 2)
    trimmed.load_state_dict({"weight": other})
    assert trimmed.weight.tolist() == [[2.0, 3.0], [8.0, 9.0]]
    assert trimmed.whole_weight().tolist() == other.tolist()
    assert trimmed(torch.tensor([[4, 1]])).tolist() == [[[8.0, 9.0], [2.0, 3.0]]]
