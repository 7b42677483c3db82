"""WorkBench's scores, ranks and figures, against hand-worked values and naive loops."""

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from skillsearch.errors import ConfigurationError, EvaluationError, ModelError
from skillsearch.models.folder import ENCODER
from skillsearch.models.hub import resolve_model
from skillsearch.rank.fuse import Interaction, late_interaction
from trainer.evaluate.workbench import runner
from trainer.evaluate.workbench.baselines import Bm25Scorer, TfidfScorer
from trainer.evaluate.workbench.measures import measure_ranks
from trainer.evaluate.workbench.models import load_sentence_transformer, make_scorer
from trainer.evaluate.workbench.ranking import rank_targets
from trainer.evaluate.workbench.runner import evaluate_task, evaluate_workbench
from trainer.evaluate.workbench.scorers import Advance, CosineScorer, InteractionScorer, ScoreQueries
from trainer.evaluate.workbench.tasks import KINDS, Direction, Kind, Task, make_task

Floats = NDArray[np.float32]

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
        progress: Advance | None = None,
    ) -> ScoreQueries:
        self.direction = direction

        def score(queries: Sequence[str]) -> Floats:
            self.asked.append(len(queries))
            return np.array([self.rows[query] for query in queries], dtype=np.float32)

        return score


def task_of(
    name: str, entries: dict[str, list[int]], targets: Sequence[str], kind: Kind = "skillextract"
) -> Task:
    task = make_task(name, kind, "all", entries.items(), tuple(targets))
    assert isinstance(task, Task)
    return task


# --- measures and ranks


def test_measures_by_hand() -> None:
    # the first query finds its two targets at 1 and 3, the second its only one at 11
    rows, ranks = np.array([0, 1, 0]), np.array([3, 11, 1])
    figures = measure_ranks(rows, ranks, 2)
    assert figures.values["map"].tolist() == [(1 / 1 + 2 / 3) / 2, 1 / 11]
    assert figures.values["rp@10"].tolist() == [1.0, 0.0]
    assert figures.values["mrr"].tolist() == [1.0, 1 / 11]
    assert figures.mean("mrr") == (1 + 1 / 11) / 2


def test_rp_divides_by_ten_where_there_are_more_right_targets() -> None:
    ranks = np.array([1, 2, 3, 4, 20, 21, 22, 23, 24, 25, 26, 27])
    figures = measure_ranks(np.zeros(12, dtype=int), ranks, 1)
    assert figures.mean("rp@10") == 4 / 10
    assert figures.mean("map") == pytest.approx(sum(place / rank for place, rank in enumerate(ranks, 1)) / 12)


@pytest.mark.parametrize("block", [1, 17, 1 << 20])
def test_ranks_are_places_in_a_stable_sort(block: int) -> None:
    generator = np.random.default_rng(0)
    scores = generator.integers(0, 6, size=(20, 13)).astype(np.float32)  # full of ties
    rows, columns = generator.integers(0, 20, size=90), generator.integers(0, 13, size=90)
    expected = []
    for row, column in zip(rows, columns, strict=True):
        order = sorted(range(13), key=lambda place: -scores[row, place])
        expected.append(order.index(column) + 1)
    assert rank_targets(scores, rows, columns, block=block).tolist() == expected


def naive(task: Task, scorer: TableScorer, *, kept: bool) -> list[float]:
    """MAP, RP@10 and MRR by sorting every row, query by query."""
    figures = []
    for row, (query, right) in enumerate(zip(task.queries, task.positives, strict=True)):
        order = sorted(range(len(task.targets)), key=lambda place: -scorer.rows[query][place])
        if task.own is not None and not kept:
            order = [place for place in order if place != task.own[row]]
        ranks = sorted(order.index(place) + 1 for place in right.tolist())
        precision = sum(found / rank for found, rank in enumerate(ranks, 1)) / len(ranks)
        at_ten = sum(rank <= 10 for rank in ranks) / min(10, len(ranks))
        figures.append((precision, at_ten, 1 / ranks[0]))
    return np.mean(figures, axis=0).tolist()


@pytest.mark.parametrize("chunk", [1, 4, 1000])
def test_figures_match_a_naive_loop(monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    generator = np.random.default_rng(1)
    targets = [f"t{place:02}" for place in range(30)]
    entries = {
        f"q{row}": generator.choice(30, size=generator.integers(1, 15), replace=False).tolist()
        for row in range(11)
    }
    task = task_of("own", entries, targets, "skillsim")
    own = np.array([(right[-1] + 1) % 30 if row % 3 else -1 for row, right in enumerate(task.positives)])
    own = np.array(
        [-1 if place in right else place for place, right in zip(own, task.positives, strict=True)]
    )
    task = replace(task, own=own.astype(np.int32))
    table = {query: generator.integers(0, 9, size=30).tolist() for query in task.queries}
    scorer = TableScorer(table)
    monkeypatch.setattr(runner, "_QUERIES", chunk)
    result = evaluate_task(scorer, task)
    assert result.kept is not None
    for figures, kept in ((result.figures, False), (result.kept, True)):
        assert [figures.mean(name) for name in figures.values] == pytest.approx(
            naive(task, scorer, kept=kept)
        )
    assert max(scorer.asked) == min(chunk, 11)


def test_the_query_itself_is_left_out_and_kept_in() -> None:
    # SQL is nearest to itself, then to C, then to Java, the right one
    task = task_of("skillsim", {"SQL": [1]}, ("C", "Java", "SQL"), "skillsim")
    task = replace(task, own=np.array([2], dtype=np.int32))
    result = evaluate_task(TableScorer({"SQL": (0.5, 0.4, 1.0)}), task)
    assert result.kept is not None
    assert (result.figures.mean("map"), result.kept.mean("map")) == (1 / 2, 1 / 3)


def test_few_scores_are_held_at_once() -> None:
    """A task of the size of SkillNorm is scored some thousand queries at a time, 64 MiB of scores."""
    asked: list[int] = []

    class Wide:
        name = "wide"

        def fit(
            self,
            targets: Sequence[str],
            *,
            direction: Direction = "query-to-target",
            progress: Advance | None = None,
        ) -> ScoreQueries:
            def score(queries: Sequence[str]) -> Floats:
                asked.append(len(queries))
                return np.zeros((len(queries), len(targets)), dtype=np.float32)

            return score

    places = [0]
    entries = {str(row): places for row in range(1500)}
    task = task_of("wide", entries, [str(place) for place in range(30_000)])
    assert evaluate_task(Wide(), task).figures.mean("map") == 1.0
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

    def stage(name: str, total: int) -> Advance:
        done[name] = [total]
        return done[name].append

    task = task_of("house", {"weld": [2], "manage": [0]}, TARGETS)
    for scorer in (TfidfScorer(), Bm25Scorer(), CosineScorer("letters", letters)):
        evaluate_task(scorer, task, progress=stage)
    assert len(done) == 6
    assert all(sum(parts) == total for total, *parts in done.values()), done


# --- baselines


def test_tfidf_matches_its_formula() -> None:
    """idf(t) = ln((1 + m) / (1 + df)) + 1, unit vectors, words of two or more letters."""

    def words(text: str) -> list[str]:
        return re.findall(r"\b\w\w+\b", unicodedata.normalize("NFKD", text).lower())

    known = sorted({word for target in TARGETS for word in words(target)})
    often = {word: sum(word in words(target) for target in TARGETS) for word in known}

    def vector(text: str) -> NDArray[np.float64]:
        weights = [
            words(text).count(word) * (math.log((1 + len(TARGETS)) / (1 + often[word])) + 1) for word in known
        ]
        return np.array(weights) / (np.linalg.norm(weights) or 1)

    expected = [[vector(query) @ vector(target) for target in TARGETS] for query in QUERIES]
    np.testing.assert_allclose(TfidfScorer().fit(TARGETS)(QUERIES), expected, atol=1e-6)
    assert expected[1][4] > 0  # accents and case do not matter
    assert not any(expected[3])


def test_bm25_matches_the_library() -> None:
    from rank_bm25 import BM25Okapi

    def words(text: str) -> list[str]:
        return unicodedata.normalize("NFKD", text).lower().split()

    for targets in (TARGETS, ("manage a", "manage b", "manage c", "other words here")):
        library = BM25Okapi([words(target) for target in targets])
        expected = [library.get_scores(words(query)) for query in QUERIES]
        np.testing.assert_allclose(Bm25Scorer().fit(targets)(QUERIES), expected, rtol=1e-5)
    assert np.abs(expected[0]).max() > 0  # a word in most targets, whose idf the library replaces


# --- models


def letters(texts: Sequence[str]) -> Floats:
    """How often a text has each letter: a vector with known cosines."""
    return np.array(
        [[text.lower().count(letter) + 0.5 for letter in "abcdefghijklm"] for text in texts], np.float32
    )


def letter_tokens(texts: Sequence[str]) -> list[Floats]:
    return [letters(text.split()) for text in texts]


def test_cosine_of_any_encoder_and_what_is_embedded_once() -> None:
    embedded: list[str] = []

    def encode(texts: Sequence[str]) -> Floats:
        embedded.extend(texts)
        return letters(texts) * 3

    scorer = CosineScorer("letters", encode)
    scores = scorer.fit(TARGETS)(QUERIES)
    unit = [
        vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        for vectors in map(letters, (QUERIES, TARGETS))
    ]
    np.testing.assert_allclose(scores, unit[0] @ unit[1].T, atol=1e-6)
    assert embedded == [*TARGETS, *QUERIES]
    again = scorer.fit((*TARGETS[::-1], "weld"))(("manage", "weld", "new", "new"))  # texts known and new
    assert embedded[len(TARGETS) + len(QUERIES) :] == ["weld", "new"]
    plain = CosineScorer("letters", letters).fit((*TARGETS[::-1], "weld"))(("manage", "weld", "new", "new"))
    np.testing.assert_allclose(again, plain, atol=1e-6)


@pytest.mark.parametrize("direction", get_args(Direction))
@pytest.mark.parametrize("interaction", ["soft", "maxsim", "mean-target", "cosine"])
def test_late_interaction_is_that_of_each_pair_alone(interaction: Interaction, direction: Direction) -> None:
    import torch

    scorer = InteractionScorer("tokens", letter_tokens, interaction=interaction, temperature=2.0)
    scores = scorer.fit(TARGETS, direction=direction)(QUERIES)
    for row, query in enumerate(letter_tokens(QUERIES)):
        for column, target in enumerate(letter_tokens(TARGETS)):
            one, other = torch.from_numpy(query)[None], torch.from_numpy(target)[None]
            if direction == "target-to-query":
                one, other = other, one
            expected = late_interaction(
                one,
                other,
                torch.ones(one.shape[:2], dtype=torch.bool),
                torch.ones(other.shape[:2], dtype=torch.bool),
                interaction=interaction,
                temperature=2.0,
                length_normalised=True,
            )
            assert scores[row, column] == pytest.approx(expected.item(), abs=2e-3)


def test_late_interaction_counts_its_cost_and_embeds_targets_once() -> None:
    calls: list[int] = []

    def encode(texts: Sequence[str]) -> list[Floats]:
        calls.append(len(texts))
        return letter_tokens(texts)

    scorer = InteractionScorer("tokens", encode)
    scorer.fit(["a b c", "d e f"])(["one two"])
    assert scorer.flops == 2 * (1 * 2) * (2 * 3) * 13  # query tokens, target tokens, width
    scorer.fit(["a b c", "d e f"])
    assert calls == [2, 1]
    flops = {}
    for direction in get_args(Direction):
        mean = InteractionScorer("tokens", letter_tokens, interaction="mean-target")
        mean.fit(["a b c", "d e f"], direction=direction)(["one two"])
        flops[direction] = mean.flops // (2 * 13)  # the side that is looked in has one token, its mean
    assert flops == {"query-to-target": 2 * 2, "target-to-query": 2 * 3}


def test_a_label_looks_in_the_text_of_a_vacancy() -> None:
    """So that what else a vacancy says does not count; every other task is read from its query."""
    scorer = TableScorer({"weld": [0.1, 0.2, 0.3, 0.4]})
    for kind in KINDS:
        evaluate_task(scorer, task_of(kind, {"weld": [2]}, TARGETS, kind))
        looked = "target-to-query" if kind in ("skillextract", "jobnorm") else "query-to-target"
        assert scorer.direction == looked

    def tokens(texts: Sequence[str]) -> list[Floats]:
        """The two sides of two skills, and what is neither, as unit vectors."""
        places = {"weld": 0, "bake": 1}
        return [np.eye(3, dtype=np.float32)[[places.get(word, 2) for word in text.split()]] for text in texts]

    sentence, skills = "you weld and have many other things to do all day", ("weld", "bake well")
    soft = InteractionScorer("tokens", tokens, temperature=0.1)
    there, back = (
        soft.fit(skills, direction=direction)([sentence])[0]
        for direction in ("query-to-target", "target-to-query")
    )
    assert there.argmax() == 1  # "well" is nearer to most of the sentence
    assert back.argmax() == 0


def test_numbers_that_are_not_finite_are_refused() -> None:
    task = task_of("house", {"weld": [2]}, TARGETS)

    def broken(texts: Sequence[str]) -> Floats:
        return letters(texts) * np.nan

    def huge(texts: Sequence[str]) -> list[Floats]:
        return [np.full((2, 3), 1e30, dtype=np.float32) for _ in texts]

    table = TableScorer({"weld": [math.nan] * len(TARGETS)})
    for scorer in (CosineScorer("broken", broken), InteractionScorer("huge", huge), table):
        with pytest.raises(ModelError, match=f"model {scorer.name} gave numbers that are not finite"):
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
    assert make_scorer(model, "tiny", interaction="maxsim").name == "tiny, maxsim"
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


def test_a_model_whose_weights_are_broken(folder: Path) -> None:
    import torch

    model = load_sentence_transformer(resolve_model(str(folder)), device="cpu")
    with torch.no_grad():
        next(model.parameters()).fill_(math.nan)
    task = task_of("house", {"weld": [2]}, TARGETS)
    for interaction in ("cosine", "soft"):
        with pytest.raises(ModelError, match="not finite: its weights are broken"):
            evaluate_task(make_scorer(model, "tiny", interaction=interaction), task)


def test_a_folder_that_is_no_model(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(ModelError, match="cannot be loaded as an encoder"):
        load_sentence_transformer(resolve_model(str(tmp_path)), device="cpu")
