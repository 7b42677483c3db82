"""WorkBench's scores, ranks and figures, against hand-worked values and naive loops."""

import math
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pytest
from hash_encoder import HashEncoder

from skillsearch.arrays import Float32Array, Float64Array
from skillsearch.errors import ConfigurationError, EvaluationError, ModelError
from skillsearch.models.hub import resolve_model
from skillsearch.models.pair import ENCODER
from skillsearch.models.torch import load_sentence_transformer
from skillsearch.progress import Advance
from trainer.evaluate import ranking
from trainer.evaluate.benchmark import Benchmark, Document
from trainer.evaluate.ranking import ScoreQueries, rank_pairs
from trainer.evaluate.scorers import (
    BM25,
    TFIDF,
    CosineScorer,
    Direction,
    InteractionScorer,
    Scorer,
    make_scorer,
)
from trainer.evaluate.workbench.runner import evaluate_task, evaluate_workbench
from trainer.evaluate.workbench.tasks import KINDS, Kind, Task, make_task
from trainer.interaction import Meet, late_interaction

if TYPE_CHECKING:
    from torch import Tensor

TARGETS = (
    "manage staff",
    "manage a team of staff",
    "weld metal",
    "weld metal by hand, by hand",
    "Café service",
    "C++",
    "manage",
)
QUERIES = ("manage staff staff", "CAFE\u0301 manager", "by hand welding", "nothing known", "C++ weld")


class TableScorer:
    """Scores that are known: a row for each query."""

    def __init__(self, rows: dict[str, Sequence[float]], name: str = "table") -> None:
        self.rows, self.name, self.asked = rows, name, list[int]()

    def fit(
        self,
        targets: Sequence[str],
        *,
        direction: Direction = "query-to-target",
        advance: Advance | None = None,
    ) -> ScoreQueries:
        self.direction = direction

        def score(queries: Sequence[str]) -> Float32Array:
            self.asked.append(len(queries))
            return np.array([self.rows[query] for query in queries], dtype=np.float32)

        return score


def task_of(
    name: str, entries: dict[str, list[int]], targets: Sequence[str], kind: Kind = "skillextract"
) -> Task:
    documents = {target: Document(target, "", (target,)) for target in targets}
    right = {query: [targets[place] for place in places] for query, places in entries.items()}
    return make_task(name, kind, "all", right, documents)


# --- ranks


@pytest.mark.parametrize("chunk", [1, 3, 1000])
def test_ranks_are_positions_in_a_stable_sort(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(0)
    scores = generator.integers(0, 6, size=(20, 13)).astype(np.float32)  # full of ties
    rows, columns = generator.integers(0, 20, size=90), generator.integers(0, 13, size=90)
    expected = []
    for row, column in zip(rows, columns, strict=True):
        order = sorted(range(13), key=lambda place: -scores[row, place])
        expected.append(order.index(column) + 1)
    queries = {str(row): str(row) for row in range(20)}
    documents = {str(column): Document(str(column), "", (str(column),)) for column in range(13)}
    benchmark = Benchmark("tiny", queries, documents, {query: {} for query in queries})
    monkeypatch.setattr(ranking, "_QUERIES", chunk)
    found = rank_pairs("table", lambda some: scores[[int(one) for one in some]], benchmark, rows, columns)
    assert found.tolist() == expected


def naive(task: Task, scorer: TableScorer, *, kept: bool) -> list[float]:
    """MAP, RP@10 and MRR by sorting every row, query by query."""
    figures = []
    for query, right in task.benchmark.qrels.items():
        scores = dict(zip(task.targets, scorer.rows[query], strict=True))
        order = sorted(task.targets, key=lambda target: -scores[target])
        if not kept and query in order:
            order.remove(query)
        ranks = sorted(order.index(target) + 1 for target in right)
        precision = sum(found / rank for found, rank in enumerate(ranks, 1)) / len(ranks)
        at_ten = sum(rank <= 10 for rank in ranks) / min(10, len(ranks))
        figures.append((precision, at_ten, 1 / ranks[0]))
    return np.mean(figures, axis=0).tolist()


@pytest.mark.parametrize("chunk", [1, 4, 1000])
def test_figures_match_a_naive_loop(monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    generator = np.random.default_rng(1)
    targets = [f"t{place:02}" for place in range(30)]
    entries = {
        query: [place for place in generator.choice(30, size=14, replace=False) if targets[place] != query]
        for query in targets[:11]
    }
    task = task_of("own", entries, targets, "skillsim")
    scorer = TableScorer({query: generator.integers(0, 9, size=30).tolist() for query in task.queries})
    monkeypatch.setattr(ranking, "_QUERIES", chunk)
    result = evaluate_task(scorer, task)
    assert result.kept is not None
    for figures, kept in ((result.figures, False), (result.kept, True)):
        assert [figures.mean(name) for name in figures.values] == pytest.approx(
            naive(task, scorer, kept=kept)
        )
    assert max(scorer.asked) == min(chunk, 11)


def test_few_scores_are_held_at_once() -> None:
    """A task of the size of SkillNorm is scored some thousand queries at a time, 64 MiB of scores."""
    asked: list[int] = []

    def score(queries: Sequence[str]) -> Float32Array:
        asked.append(len(queries))
        return np.zeros((len(queries), 30_000), dtype=np.float32)

    wide: Any = SimpleNamespace(name="wide", fit=lambda *_, **__: score)
    entries = {f"query {row}": [0] for row in range(1500)}
    task = task_of("wide", entries, [str(place) for place in range(30_000)])
    assert evaluate_task(wide, task).figures.mean("map") == 1.0
    assert sum(asked) == 1500
    assert max(asked) * 30_000 <= 1 << 24


def test_averages() -> None:
    """HOUSE and TECH are averaged first, TECHWOLF stands aside, and types count once each."""

    def one(name: str, kind: Kind, rank: int) -> tuple[Task, dict[str, Sequence[float]]]:
        query = f"{name} query"
        return task_of(name, {query: [rank - 1]}, "abcd", kind), {query: (4, 3, 2, 1)}

    parts = [
        one("job2skill", "job2skill", 1),
        one("house", "skillextract", 1),
        one("tech", "skillextract", 2),
        one("techwolf", "skillextract", 4),
    ]
    scorer = TableScorer({query: row for _, rows in parts for query, row in rows.items()})
    result = evaluate_workbench(scorer, [task for task, _ in parts])
    assert result.by_kind("map") == {"job2skill": 1.0, "skillextract": (1 + 1 / 2) / 2}
    assert result.average_map == (1 + 0.75) / 2
    assert result.average("rp@10") == 1.0
    alone = evaluate_workbench(scorer, [parts[3][0]])
    assert alone.average_map == 1 / 4  # where there is nothing else, it stands for its type
    with pytest.raises(EvaluationError, match="no task"):
        evaluate_workbench(scorer, [])


def test_progress_reaches_the_end() -> None:
    done: dict[str, list[int]] = {}

    def stage(name: str, total: int | None = None, /) -> Advance:
        done[name] = [total or 0]
        return lambda count, note="": done[name].append(count)

    task = task_of("house", {"weld": [2], "manage": [0]}, TARGETS)
    for scorer in (TFIDF, BM25, CosineScorer("letters", Letters()), InteractionScorer("tokens", Letters())):
        evaluate_task(scorer, task, progress=stage)
    assert len(done) == 8
    assert all(sum(parts) == total for total, *parts in done.values()), done


# --- baselines


def test_tfidf_matches_its_formula() -> None:
    """idf(t) = ln((1 + m) / (1 + df)) + 1, unit vectors, words of two or more letters."""

    def words(text: str) -> list[str]:
        return re.findall(r"\b\w\w+\b", unicodedata.normalize("NFKD", text).lower())

    known = sorted({word for target in TARGETS for word in words(target)})
    often = {word: sum(word in words(target) for target in TARGETS) for word in known}

    def vector(text: str) -> Float64Array:
        weights = [
            words(text).count(word) * (math.log((1 + len(TARGETS)) / (1 + often[word])) + 1) for word in known
        ]
        return np.array(weights) / (np.linalg.norm(weights) or 1)

    expected = [[vector(query) @ vector(target) for target in TARGETS] for query in QUERIES]
    np.testing.assert_allclose(TFIDF.fit(TARGETS)(QUERIES), expected, atol=1e-6)
    assert expected[1][4] > 0  # accents and case do not matter
    assert not any(expected[3])


def test_bm25_matches_the_library() -> None:
    from rank_bm25 import BM25Okapi

    def words(text: str) -> list[str]:
        return unicodedata.normalize("NFKD", text).lower().split()

    for targets in (TARGETS, ("manage a", "manage b", "manage c", "other words here")):
        library = BM25Okapi([words(target) for target in targets])
        expected = [library.get_scores(words(query)) for query in QUERIES]
        np.testing.assert_allclose(BM25.fit(targets)(QUERIES), expected, rtol=1e-5)
    assert np.abs(expected[0]).max() > 0  # a word in most targets, whose idf the library replaces


# --- models


def letters(texts: Sequence[str]) -> Float32Array:
    """How often a text has each letter, as a unit vector: known cosines."""
    counts = np.array(
        [[text.lower().count(letter) + 0.5 for letter in "abcdefghijklm"] for text in texts], np.float32
    )
    return counts / np.linalg.norm(counts, axis=1, keepdims=True)


class Letters(HashEncoder):
    """An encoder by `letters`, whose tokens are the words, three times as long; both times a factor."""

    def __init__(self, factor: float = 1.0) -> None:
        super().__init__()
        self.factor = np.float32(factor)

    def _forward(self, texts: list[str]) -> Float32Array:
        self.texts += texts
        return letters(texts) * self.factor

    def encode_tokens(self, texts: Sequence[str], *, advance: Advance | None = None) -> list[Float32Array]:
        self.texts += texts
        if advance:
            advance(len(texts))
        return [letters(text.split()) * self.factor * 3 for text in texts]


def test_cosine_and_what_is_embedded_once() -> None:
    encoder = Letters()
    scorer = CosineScorer("letters", encoder)
    scores = scorer.fit(TARGETS)(QUERIES)
    np.testing.assert_allclose(scores, letters(QUERIES) @ letters(TARGETS).T, atol=1e-6)
    assert encoder.texts == [*TARGETS, *QUERIES]
    encoder.texts.clear()
    again = scorer.fit((*TARGETS[::-1], "weld"))(("manage", "weld", "new", "new"))  # texts known and new
    assert encoder.texts == ["weld", "new"]
    expected = letters(("manage", "weld", "new", "new")) @ letters((*TARGETS[::-1], "weld")).T
    np.testing.assert_allclose(again, expected, atol=1e-6)


def dot_product(tokens: "Tensor", targets: "Tensor", mask: "Tensor") -> "Tensor":
    """A way for tokens to meet: the largest product."""
    import torch

    products = torch.einsum("kd,mtd->kmt", tokens, targets)
    return products.masked_fill(~mask, -math.inf).amax(dim=-1)


@pytest.mark.parametrize("direction", get_args(Direction))
@pytest.mark.parametrize("meet", [None, dot_product])
def test_late_interaction_is_that_of_each_pair_alone(meet: Meet | None, direction: Direction) -> None:
    import torch

    encoder = Letters()
    scorer = InteractionScorer("tokens", encoder, temperature=2.0, meet=meet)
    scores = scorer.fit(TARGETS, direction=direction)(QUERIES)
    for row, query in enumerate(encoder.encode_tokens(QUERIES)):
        for column, target in enumerate(encoder.encode_tokens(TARGETS)):
            one, other = torch.from_numpy(query)[None], torch.from_numpy(target)[None]
            if direction == "target-to-query":
                one, other = other, one
            masks = (torch.ones(side.shape[:2], dtype=torch.bool) for side in (one, other))
            expected = late_interaction(
                one, other, *masks, temperature=2.0, length_normalised=True, meet=meet
            )
            assert scores[row, column] == pytest.approx(expected.item(), rel=2e-3)


def test_late_interaction_embeds_targets_once() -> None:
    encoder = Letters()
    scorer = InteractionScorer("tokens", encoder)
    scorer.fit(["a b c", "d e f"])(["one two"])
    scorer.fit(["d e f", "a b c", "new"])
    assert encoder.texts == ["a b c", "d e f", "one two", "new"]


def test_a_label_looks_in_the_text_of_a_vacancy() -> None:
    """So that what else a vacancy says does not count; every other task is read from its query."""
    scorer = TableScorer({"weld": range(len(TARGETS))})
    for kind in KINDS:
        evaluate_task(scorer, task_of(kind, {"weld": [2]}, TARGETS, kind))
        looked = "target-to-query" if kind in ("skillextract", "jobnorm") else "query-to-target"
        assert scorer.direction == looked

    class Sides(Letters):
        """The two sides of two skills, and what is neither, as unit vectors."""

        def encode_tokens(self, texts: Sequence[str], **_: object) -> list[Float32Array]:
            sides = {"weld": 0, "bake": 1}
            unit = np.eye(3, dtype=np.float32)
            return [unit[[sides.get(word, 2) for word in text.split()]] for text in texts]

    sentence, skills = "you weld and have many other things to do all day", ("weld", "bake well")
    soft = InteractionScorer("tokens", Sides(), temperature=0.1)
    there, back = (
        soft.fit(skills, direction=direction)([sentence])[0]
        for direction in ("query-to-target", "target-to-query")
    )
    assert there.argmax() == 1  # "well" is nearer to most of the sentence
    assert back.argmax() == 0


def test_numbers_that_are_not_finite_are_refused() -> None:
    task = task_of("house", {"weld": [2]}, TARGETS)
    scorers: list[Scorer] = [
        CosineScorer("broken", Letters(math.nan)),
        InteractionScorer("broken", Letters(math.nan)),
        InteractionScorer("huge", Letters(1e30)),
        TableScorer({"weld": [math.nan] * len(TARGETS)}),
    ]
    for scorer in scorers:
        with pytest.raises(ModelError, match=r"not finite: its weights are broken|beyond 65,504"):
            evaluate_task(scorer, task)


@pytest.fixture(scope="module")
def folder(models_folder: Path) -> Path:
    return models_folder / ENCODER


def test_a_sentence_transformer_in_both_readings(folder: Path) -> None:
    model = load_sentence_transformer(resolve_model(str(folder)), device="cpu", max_length=64)
    texts = ["manage staff", "a much longer text about bread, metal and staff", "weld " * 1000]
    cosine = make_scorer(model, "tiny").fit(texts)(texts)
    np.testing.assert_allclose(np.diag(cosine), 1, atol=1e-5)
    soft = make_scorer(model, "tiny", interaction="soft", temperature=0.5)
    assert soft.name == "tiny, soft τ=0.5"
    assert make_scorer(model, "tiny, mine", meet=dot_product).name == "tiny, mine"
    together = soft.fit(texts)(texts)
    for row, one in enumerate(texts):  # neither the others' length nor their company matters
        for column, other in enumerate(texts):
            assert soft.fit([other])([one])[0, 0] == pytest.approx(together[row, column], rel=1e-3)
    assert 0 < together[0, 0] <= 1  # a mean of cosines
    limit = " ".join(["weld"] * 62)  # with [CLS] and [SEP], 64 tokens
    assert soft.fit(texts[:1])([limit])[0, 0] == pytest.approx(together[2, 0], rel=1e-3)
    assert soft.fit(texts[:1])([limit[:-5]])[0, 0] != pytest.approx(together[2, 0], rel=1e-4)
    with pytest.raises(ConfigurationError, match="temperature is 0, expected a number above 0"):
        make_scorer(model, "tiny", interaction="soft", temperature=0)
