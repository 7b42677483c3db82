"""Evaluation: what is read, what is measured, what is reported; expected values are worked out by hand."""

import csv
import json
import math
import os
import random
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from command import run as run_command

import skillsearch
from skillsearch.cli.app import build_app
from skillsearch.errors import ConfigurationError, EvaluationError, ModelError
from skillsearch.models.pair import ENCODER, RECORD, RERANKER
from skillsearch.models.protocols import Encoder
from skillsearch.models.torch import load_pair_scorer
from skillsearch.progress import Advance
from skillsearch.rank.candidates import Candidate, Query
from skillsearch.rank.cross_encoder import CrossEncoderRanker
from skillsearch.rank.late_interaction import LateInteractionRanker
from skillsearch.taxonomy.records import Occupation, Relation, Skill, Taxonomy
from skillsearch.taxonomy.texts import query_text, skill_text
from trainer.evaluate.benchmark import Benchmark, Document, Qrels
from trainer.evaluate.esco import esco_benchmark, select_occupations
from trainer.evaluate.evaluation import Plan, evaluate_models, evaluate_run
from trainer.evaluate.measures import MEASURES, measure, measure_ranks
from trainer.evaluate.ranking import Ranking, rank_run
from trainer.evaluate.report import as_json
from trainer.evaluate.report import write_files as write_report
from trainer.evaluate.scores import Reranker, Scores, score_benchmark
from trainer.evaluate.significance import Estimate, estimates, p_values
from trainer.evaluate.talentclef import read_talentclef
from trainer.evaluate.trec import read_qrels, read_run, write_run
from trainer.pair.heldout import RETRIEVAL_MEASURES, retrieval_evaluator

DATA = os.environ.get("SKILLSEARCH_TEST_DATA") or Path(skillsearch.__file__).parents[2] / "shared" / "data"
TOY = Path(DATA) / "talentclef-2026-toy"
DOCUMENTS = ("a", "b", "c", "d", "e")

needs_toy = pytest.mark.skipif(not TOY.is_dir(), reason=f"the official toy files are not at {TOY}")


def benchmark_of(qrels: Qrels, documents: Sequence[str] = DOCUMENTS) -> Benchmark:
    return Benchmark(
        "tiny",
        {query: f"title of {query}" for query in qrels},
        {name: Document(name, f"uri:{name}", (f"skill {name}",)) for name in documents},
        qrels,
    )


def ranking_of(documents: Sequence[str], **lists: str) -> Ranking:
    """Rankings written as words, such as ``q="badc"``."""
    run = {query: {name: float(-rank) for rank, name in enumerate(names)} for query, names in lists.items()}
    return rank_run(run, documents)


def talentclef_files() -> dict[str, str]:
    return {
        "queries": "q_id\tjobtitle\nq1\tbaker\nq2\twelder\n",
        "corpus_elements": (
            "c_id\tesco_uri\tskill_aliases\n"
            "d1\turi:bake\t['bake bread', 'make bread', 'bake bread']\n"
            'd2\turi:weld\t"[\'weld metal\', ""use a welder\'s torch""]"\n'
            "d3\turi:talk\t['talk']\n"
        ),
        "qrels.tsv": "q1\t0\td1\t2\nq1\t0\td3\t1\nq2\t0\td2\t2\n",
    }


def write_files(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


# --- measures


def test_measures_worked_out_by_hand() -> None:
    """Relevant documents at ranks 2 (grade 2) and 4 (grade 1) of 5; a second query is not in the run."""
    benchmark = benchmark_of({"q1": {"b": 2, "d": 1, "e": 0}, "q2": {"c": 1}})
    row = measure("row", benchmark, ranking_of(DOCUMENTS, q1="abcde"))
    assert row.queries == ("q1", "q2")
    binary = (1 / math.log2(3) + 1 / math.log2(5)) / (1 + 1 / math.log2(3))
    graded = (2 / math.log2(3) + 1 / math.log2(5)) / (2 + 1 / math.log2(3))
    expected = {
        "map": (1 / 2 + 2 / 4) / 2,
        "mrr": 1 / 2,
        "precision@5": 2 / 5,
        "precision@10": 2 / 10,
        "precision@100": 2 / 100,
        **dict.fromkeys(("ndcg@10", "ndcg@100", "ndcg"), binary),
        **dict.fromkeys(("graded_ndcg@10", "graded_ndcg@100", "graded_ndcg"), graded),
    }
    assert set(expected) == set(MEASURES) == set(row.values)
    for name, value in expected.items():
        assert row.values[name].tolist() == pytest.approx([value, 0.0]), name
        assert row.mean(name) == pytest.approx(value / 2)


@needs_toy
def test_the_toy_files_give_the_official_figures() -> None:
    benchmark, run = read_talentclef(TOY), read_run(TOY / "sample_run.txt")
    assert benchmark.graded
    evaluation = evaluate_run(benchmark, run, label="run", source="run", plan=Plan())
    row = evaluation.rows[0]
    assert row.label == "run, cut at 10"
    assert evaluation.warnings == ()
    official = {
        "ndcg": 0.5916,
        "graded_ndcg": 0.5832,
        "map": 0.4117,
        "mrr": 0.3333,
        "precision@5": 0.4,
        "precision@10": 0.5,
        "precision@100": 0.05,
    }
    assert {name: round(row.mean(name), 4) for name in official} == official


def test_measures_agree_with_naive_loops() -> None:
    draw = random.Random(5)  # noqa: S311 - a reproducible draw, not a secret
    documents = [f"d{number:03}" for number in range(150)]
    qrels = {f"q{n}": {d: draw.choice((0, 1, 2)) for d in draw.sample(documents, 40)} for n in range(12)}
    run = {query: {d: draw.random() for d in documents} for query in qrels}
    ranking = rank_run(run, documents)
    row = measure("row", benchmark_of(qrels, documents), ranking)
    listed = {query: sorted(documents, key=lambda document: -run[query][document]) for query in qrels}
    pairs = [
        (row, listed[query].index(document) + 1, grade)
        for row, (query, grades) in enumerate(qrels.items())
        for document, grade in grades.items()
        if grade
    ]
    draw.shuffle(pairs)  # their order does not matter
    rows, ranks, grades = np.array(pairs).T
    others = ("rp@10", "rp@100", "map@10", "map@100", "mrr@2", "accuracy@1", "accuracy@3", "ndcg@3")
    values = {**measure_ranks(others, rows, ranks, len(qrels), grades), **row.values}
    assert set(values) == {*others, *MEASURES}
    for place, query in enumerate(qrels):
        for name in values:
            assert values[name][place] == pytest.approx(_naive(name, listed[query], qrels[query])), name
    cut = measure("row", benchmark_of(qrels, documents), ranking.cut(30))
    for place, query in enumerate(qrels):
        for name in MEASURES:
            expected = _naive(name, listed[query][:30], qrels[query])
            assert cut.values[name][place] == pytest.approx(expected), name


def _naive(name: str, listed: list[str], grades: dict[str, int]) -> float:
    gains = [grades.get(document, 0) for document in listed]
    hits = [gain > 0 for gain in gains]
    relevant = sum(grade > 0 for grade in grades.values())
    name, _, cutoff = name.partition("@")
    k = int(cutoff or len(listed))
    if name == "precision":
        return sum(hits[:k]) / k
    if name == "rp":
        return sum(hits[:k]) / min(k, relevant)
    if name == "accuracy":
        return float(any(hits[:k]))
    if name == "mrr":
        return next((1 / rank for rank, hit in enumerate(hits[:k], 1) if hit), 0.0)
    if name == "map":
        precisions = [sum(hits[:rank]) / rank for rank in range(1, len(hits[:k]) + 1) if hits[rank - 1]]
        return sum(precisions) / min(relevant, k if cutoff else relevant)
    ideal = sorted(grades.values(), reverse=True)
    if name == "ndcg":
        gains, ideal = [int(gain > 0) for gain in gains], [int(grade > 0) for grade in ideal]
    found = sum(gain / math.log2(i + 2) for i, gain in enumerate(gains[:k]))
    return found / sum(gain / math.log2(i + 2) for i, gain in enumerate(ideal[: k if cutoff else None]))


def test_what_a_training_watches_is_the_librarys_evaluator(taxonomy: Taxonomy, models_folder: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator

    occupations = sorted(taxonomy.relations_by_occupation)[:9]
    model = SentenceTransformer(str(models_folder / ENCODER), device="cpu")
    evaluator = retrieval_evaluator(taxonomy, occupations)
    library = InformationRetrievalEvaluator(
        queries={uri: taxonomy.occupations[uri].label for uri in occupations},
        corpus={uri: skill_text(skill) for uri, skill in taxonomy.skills.items()},
        relevant_docs={
            uri: {relation.skill for relation in taxonomy.relations_by_occupation[uri]} for uri in occupations
        },
        ndcg_at_k=[10, 50, 100],
        accuracy_at_k=[1, 3, 5, 10],
        write_csv=False,
    )(model)
    found = evaluator(model, "output", epoch=1)
    assert found == pytest.approx(
        {f"cosine_{name}": library[f"cosine_{name}"] for name in RETRIEVAL_MEASURES}
    )
    assert evaluator.primary_metric in found
    assert set(evaluator.queries) == {taxonomy.occupations[uri].label for uri in occupations}
    assert set(evaluator.corpus) == {skill.label for skill in taxonomy.skills.values()}


def test_binary_judgements_have_no_graded_measures() -> None:
    row = measure("row", benchmark_of({"q": {"a": 1}}), ranking_of(DOCUMENTS, q="abcde"))
    assert set(row.values) == {name for name in MEASURES if not name.startswith("graded")}
    assert row.mean("map") == 1


def test_ties_are_broken_by_document_id() -> None:
    run = {"q": {"d": 0.5, "b": 0.5, "a": 0.5, "e": 0.9, "c": 0.5}}
    ranking = rank_run(run, ["e", "d", "c", "b", "a"])
    assert [ranking.documents[place] for place in ranking.order[0]] == ["e", "a", "b", "c", "d"]


def test_lists_that_are_cut_say_so() -> None:
    full = ranking_of(DOCUMENTS, q1="abcde", q2="edcba")
    assert full.cut_label == ""
    assert full.cut(3).cut_label == "cut at 3"
    assert full.cut(5).cut_label == ""
    assert ranking_of(DOCUMENTS, q1="abcde", q2="ed").cut_label == "cut at 2 to 5"


def test_what_is_not_judged_or_not_retrieved_is_told() -> None:
    benchmark = benchmark_of({"q1": {"a": 1}, "q2": {"a": 0}, "q3": {"b": 1}})
    benchmark = replace(benchmark, queries={**benchmark.queries, "q4": "not judged"})
    run = {"q1": {"a": 1.0}, "q2": {"a": 1.0}}
    evaluation = evaluate_run(benchmark, run, label="x", source="run.trec", plan=Plan())
    assert evaluation.rows[0].mean("map") == pytest.approx(1 / 3)
    assert evaluation.warnings == (
        "1 queries (q4) without judgements: left out of all figures",
        "1 queries (q2) without a relevant document: each counts 0",
        "1 judged queries (q3) missing in run.trec: each counts 0",
    )
    assert as_json(evaluation)["warnings"] == list(evaluation.warnings)


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ({"q9": {"a": 1.0}}, r"run: names 1 queries that the data does not have \(q9\)"),
        ({"q": {"x": 1.0, "y": 0.5}}, r"run: names 2 documents that the data does not have \(x, y\)"),
    ],
)
def test_a_run_of_other_data_is_refused(run: dict[str, dict[str, float]], message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        evaluate_run(benchmark_of({"q": {"a": 1}}), run, label="x", source="run", plan=Plan())


# --- intervals and tests


def test_intervals_of_degenerate_samples() -> None:
    alone = estimates({"map": np.array([0.25])})
    assert alone == {"map": Estimate(0.25, 0.25, 0.25)}
    same = estimates({"map": np.full(6, 0.5), "mrr": np.linspace(0, 1, 6)})
    assert same["map"] == Estimate(0.5, 0.5, 0.5)
    assert 0 <= same["mrr"].low < 0.5 < same["mrr"].high <= 1
    assert same == estimates({"map": np.full(6, 0.5), "mrr": np.linspace(0, 1, 6)})  # a fixed seed


def test_p_values_worked_out_by_hand() -> None:
    """Of the 8 ways to flip three differences of 1, two are as far from 0 as the one found."""
    zeros, ones = np.zeros(3), np.ones(3)
    values = {"better": ones, "equal": zeros, "worse": -ones}
    found = p_values(values, dict.fromkeys(values, zeros))
    assert found == pytest.approx({"better": 0.25, "equal": 1.0, "worse": 0.25})
    assert p_values({"map": ones[:1]}, {"map": zeros[:1]}) == {"map": 1.0}


# --- files of TREC


def test_a_written_run_is_read_back_in_the_same_order(tmp_path: Path) -> None:
    draw = np.random.default_rng(3)
    documents = tuple(f"d{number}" for number in range(200))
    order = tuple(draw.permutation(200) for _ in range(4))
    scores = tuple(np.sort(draw.normal(size=200).round(1))[::-1] for _ in range(4))  # full of ties
    ranking = Ranking(tuple(f"q{n}" for n in range(4)), documents, order, scores)
    write_run(tmp_path / "new" / "run.trec", ranking, "my tag")
    run = read_run(tmp_path / "new" / "run.trec")
    again = rank_run(run, documents)
    assert again.queries == ranking.queries
    assert all((one == other).all() for one, other in zip(again.order, order, strict=True))
    benchmark = benchmark_of({f"q{n}": {"d1": 2, "d7": 1, "d90": 1} for n in range(4)}, documents)
    before, after = (measure("row", benchmark, one) for one in (ranking, again))
    assert {name: values.tolist() for name, values in before.values.items()} == {
        name: values.tolist() for name, values in after.values.items()
    }
    for retrieved in run.values():  # distinct even in single precision, as some tools hold scores
        assert len(np.unique(np.float32(list(retrieved.values())))) == 200
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["run.trec"]


def test_the_lines_of_a_run(tmp_path: Path) -> None:
    ranking = Ranking(("q",), ("a", "b"), (np.array([1, 0]),), (np.array([0.5, 0.5]),))
    write_run(tmp_path / "run.trec", ranking, "my tag")
    assert (tmp_path / "run.trec").read_text(encoding="utf-8") == (
        "q\tQ0\tb\t1\t0.500000\tmy-tag\nq\tQ0\ta\t2\t0.499999\tmy-tag\n"
    )
    spaced = replace(ranking, documents=("a", "b c"))
    with pytest.raises(EvaluationError, match="'b c' has white space"):
        write_run(tmp_path / "run.trec", spaced, "tag")


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EvaluationError, match="cannot be written"):
        write_run(tmp_path / "file" / "run.trec", ranking_of(DOCUMENTS, q="abcde"), "tag")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("q 0 a\n", r", line 1: 3 columns, expected 4: query 0 document grade"),
        ("q 0 a 1\n\nq 0 b x\n", r", line 3: grade 'x', expected a whole number from 0"),
        ("q 0 a -1\n", r", line 1: grade '-1'"),
        ("q 0 a 1" + "0" * 5000 + "\n", r", line 1: grade '1000.{,80}, expected a whole number"),
        ("q 0 a 1.0\n", r", line 1: grade '1.0'"),
        ("q 0 a 1\nq 0 a 2\n", r", line 2: a is judged twice for q"),
        ("q 0 a 0\n", r"nothing is judged relevant"),
        ("", r"nothing is judged relevant"),
    ],
)
def test_wrong_judgements(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "qrels.tsv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(EvaluationError, match=rf"^qrels\.tsv.*{message}"):
        read_qrels(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("q Q0 a 1 0.5\n", r", line 1: 5 columns, expected 6"),
        ("q Q0 a 1 0.5 x y\n", r", line 1: 7 columns, expected 6"),
        ("q Q0 a 1 high x\n", r", line 1: score 'high', expected a number"),
        ("q Q0 b 1 1 x\nq Q0 a 1 nan x\n", r", line 2: score 'nan', expected a finite number"),
        ("q Q0 a 1 inf x\n", r", line 1: score 'inf', expected a finite number"),
        ("q Q0 a 1 0.5 x\nq Q0 a 2 0.4 x\n", r", line 2: a appears twice for q"),
        ("\n", r": empty, expected lines of"),
    ],
)
def test_wrong_runs(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "run.trec"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(EvaluationError, match=rf"^run\.trec{message}"):
        read_run(path)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"no\.trec: no such file; check the path"):
        read_run(tmp_path / "no.trec")
    (tmp_path / "latin.trec").write_bytes(b"q Q0 a 1 0.5 x\nq Q0 b\xe9 1 0.5 x\n")
    with pytest.raises(EvaluationError, match=r"latin\.trec, line 2: byte 0xe9 at offset 21 is not UTF-8"):
        read_run(tmp_path / "latin.trec")


# --- TalentCLEF


def test_reading_a_folder(tmp_path: Path) -> None:
    benchmark = read_talentclef(write_files(tmp_path / "validation", talentclef_files()))
    assert benchmark.name == "validation"
    assert benchmark.queries == {"q1": "baker", "q2": "welder"}
    assert benchmark.documents["d1"] == Document("d1", "uri:bake", ("bake bread", "make bread"))
    assert benchmark.documents["d2"].names == ("weld metal", "use a welder's torch")
    assert benchmark.qrels == {"q1": {"d1": 2, "d3": 1}, "q2": {"d2": 2}}
    assert benchmark.graded


def test_the_preferred_label_comes_first(tmp_path: Path) -> None:
    taxonomy = Taxonomy("t", "1", "en", {"uri:bake": Skill("uri:bake", "make bread")}, {}, (), {}, {})
    benchmark = read_talentclef(write_files(tmp_path, talentclef_files()), taxonomy=taxonomy)
    assert benchmark.documents["d1"].names == ("make bread", "bake bread")
    assert benchmark.documents["d1"].label == "make bread"
    assert benchmark.documents["d3"].label == "talk"
    binary = talentclef_files() | {"qrels.tsv": "q1\t0\td1\t1\n"}
    assert not read_talentclef(write_files(tmp_path, binary)).graded


def zipped(path: Path, *folders: str, files: dict[str, str] | None = None) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.mkdir("TaskA/queries")
        for folder in folders:
            for name, text in (files or talentclef_files()).items():
                archive.writestr(f"{folder}{name}", text)
    return path


def test_zips_and_folders_below(tmp_path: Path) -> None:
    expected = read_talentclef(write_files(tmp_path / "set", talentclef_files()))
    for path in (
        zipped(tmp_path / "a.zip", ""),
        zipped(tmp_path / "b.zip", "x/TaskB/validation/", "__MACOSX/x/"),
        write_files(tmp_path / "deep" / "x" / "y", talentclef_files()).parents[1],
    ):
        found = read_talentclef(path)
        assert (found.queries, found.documents, found.qrels) == (
            expected.queries,
            expected.documents,
            expected.qrels,
        )
        assert found.name == path.name


def test_which_set_is_meant_must_be_clear(tmp_path: Path) -> None:
    path = zipped(tmp_path / "two.zip", "TaskB/test/", "TaskB/validation/")
    with pytest.raises(EvaluationError, match=r"holds 2 sets \(TaskB/test, TaskB/validation\); give"):
        read_talentclef(path)
    write_files(tmp_path / "two" / "a", talentclef_files())
    write_files(tmp_path / "two" / "b", talentclef_files())
    with pytest.raises(EvaluationError, match=r"holds 2 sets \(a, b\)"):
        read_talentclef(tmp_path / "two")
    write_files(tmp_path / "two", talentclef_files())  # what lies on top is what is meant
    assert read_talentclef(tmp_path / "two").name == "two"


@pytest.mark.parametrize("name", ["queries", "corpus_elements", "qrels.tsv"])
def test_a_missing_file_is_named(name: str, tmp_path: Path) -> None:
    files = talentclef_files()
    del files[name]
    for path in (
        write_files(tmp_path / "set", files),
        zipped(tmp_path / "set.zip", "x/", files=files),
    ):
        with pytest.raises(
            EvaluationError, match=rf"no folder in it has all of queries, .*; missing: {name};"
        ):
            read_talentclef(path)


def test_no_set_at_all(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="nowhere: no such file or folder"):
        read_talentclef(tmp_path / "nowhere")
    with pytest.raises(EvaluationError, match=r"missing: queries, corpus_elements, qrels\.tsv"):
        read_talentclef(write_files(tmp_path / "empty", {}))
    (tmp_path / "no.zip").write_text("not a zip", encoding="utf-8")
    with pytest.raises(EvaluationError, match=r"no.zip: not a zip that can be unpacked"):
        read_talentclef(tmp_path / "no.zip")
    damaged = zipped(tmp_path / "damaged.zip", "")
    data = bytearray(damaged.read_bytes())
    data[data.index(b"bake bread")] ^= 1  # stored, so that the checksum is wrong
    damaged.write_bytes(data)
    with pytest.raises(EvaluationError, match=r"damaged.zip/corpus_elements: damaged in the zip"):
        read_talentclef(damaged)


_CORPUS = "c_id\tesco_uri\tskill_aliases\n"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "queries",
            "id\tjobtitle\nq1\tbaker\n",
            r"queries, row 1, column q_id: missing; found 'id, jobtitle'",
        ),
        ("queries", "", r"queries, row 1, column q_id: missing; found no header at all"),
        ("queries", "q_id\tjobtitle\nq1\n", r"queries, row 2, column jobtitle: the row ends before"),
        (
            "queries",
            "q_id\tjobtitle\nq1\tbaker\nq1\twelder\n",
            r"queries, row 3, column q_id: q1 appears twice",
        ),
        ("queries", "q_id\tjobtitle\nq1\t \n", r"queries, row 2, column jobtitle: empty"),
        ("queries", 'q_id\tjobtitle\nq1\t"baker\n', r"queries, row \d, .*is a quote not closed"),
        (
            "corpus_elements",
            _CORPUS + "d1\tu\t['bake'\n",
            r"corpus_elements, row 2, column skill_aliases: .* is not a list; expected a Python list",
        ),
        ("corpus_elements", _CORPUS + "d1\tu\t__import__('os')\n", r"row 2, .* is not a list"),
        ("corpus_elements", _CORPUS + "d1\tu\t[1]\n", r"row 2, .* is not a list of text"),
        ("corpus_elements", _CORPUS + "d1\tu\t[' ']\n", r"row 2, .* has no name in it"),
        ("qrels.tsv", "q1\t0\td1\tx\n", r"qrels.tsv, line 1: grade 'x'"),
        ("qrels.tsv", "", r"qrels.tsv: nothing is judged relevant"),
        (
            "qrels.tsv",
            "".join(f"q{n}\t0\td1\t1\n" for n in range(9)),
            r"qrels.tsv: names 7 queries that the data does not have \(q0, q3, q4, …\)",
        ),
        ("qrels.tsv", "q1\t0\td8\t1\nq2\t0\td8\t1\n", r"names 1 documents that .* \(d8\)"),
    ],
)
def test_wrong_files(name: str, text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=message):
        read_talentclef(write_files(tmp_path, talentclef_files() | {name: text}))


def test_files_in_another_encoding(tmp_path: Path) -> None:
    write_files(tmp_path, talentclef_files())
    (tmp_path / "queries").write_bytes("q_id\tjobtitle\nq1\tbaker\nq2\tmétier\n".encode("latin-1"))
    with pytest.raises(EvaluationError, match=r"queries, row 3, column jobtitle: byte 0xe9 .* is not UTF-8"):
        read_talentclef(tmp_path)
    (tmp_path / "queries").write_bytes("q_id\tjobtitle\nq1\tbaker\nq2\tmétier\n".encode("utf-8-sig"))
    assert read_talentclef(tmp_path).queries["q2"] == "métier"


# --- the models


def scores_of(retrieval: Sequence[Sequence[float]], core: Sequence[Sequence[float]], depth: int) -> Scores:
    queries = tuple(f"q{row}" for row in range(len(retrieval)))
    return Scores(queries, DOCUMENTS, np.array(retrieval, dtype=np.float32), np.array(core), depth)


def words(ranking: Ranking) -> list[str]:
    return ["".join(ranking.documents[place] for place in order) for order in ranking.order]


def test_rankings_worked_out_by_hand() -> None:
    """The head of 3 is e, a, b by cosine; the others keep their order below it."""
    nan = math.nan
    scores = scores_of([[0.75, 0.5, 0.25, 0.125, 1.0]], [[-4.0, 4.0, nan, nan, 0.0]], depth=3)
    alone = scores.fused(0.5, 0)
    assert words(alone) == ["eabcd"]
    assert alone.scores[0].tolist() == [1.0, 0.75, 0.5, 0.25, 0.125]
    assert words(scores.fused(0.0, 3)) == ["beacd"]
    blend = scores.fused(0.75, 3)  # minmax of cosines e 1, a .5, b 0; of logits e .5, a 0, b 1
    assert words(blend) == ["eabcd"]
    assert blend.scores[0].tolist() == [0.875, 0.375, 0.25, -0.375, -0.5625]
    assert words(scores.fused(0.25, 3)) == ["beacd"]
    assert words(scores.fused(1.0, 3)) == words(alone)
    assert words(scores.fused(0.0, 2)) == ["eabcd"]
    with pytest.raises(EvaluationError, match="depth 4: only the best 3 of each title were reranked"):
        scores.fused(0.5, 4)


@pytest.fixture(scope="module")
def rankers(models_folder: Path, encoder: Encoder) -> dict[str, Reranker]:
    scorer = load_pair_scorer(str(models_folder / RERANKER), device="cpu")
    return {
        "cross-encoder": CrossEncoderRanker(scorer, alpha=0.4, depth=20),
        "late-interaction": LateInteractionRanker(encoder, alpha=0.4, depth=20),
    }


@pytest.mark.parametrize("alpha", [0.0, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("name", ["cross-encoder", "late-interaction"])
def test_a_ranking_is_that_of_a_search(
    name: str, alpha: float, taxonomy: Taxonomy, encoder: Encoder, rankers: dict[str, Reranker]
) -> None:
    """What is measured is what `ranker.rank` makes of the same candidates."""
    ranker = replace(rankers[name], alpha=alpha)
    occupations = sorted(taxonomy.relations_by_occupation)[:3]
    scores = score_benchmark(esco_benchmark(taxonomy, occupations), encoder, ranker, depth=20)
    assert scores.retrieval.shape == (3, len(taxonomy.skills))
    assert np.isfinite(scores.rerank).sum(axis=1).tolist() == [20, 20, 20]
    ranking = scores.fused(alpha, 20)
    skills = list(taxonomy.skills.values())
    vectors = encoder.encode([skill_text(skill) for skill in skills])
    for row, uri in enumerate(occupations):
        title = query_text(taxonomy.occupations[uri].label)
        query = Query(title, encoder.encode([title])[0])
        assert scores.retrieval[row] == pytest.approx(vectors @ query.vector, abs=1e-5)
        candidates = [
            Candidate(skills[place].uri, skills[place].label, float(cosine), float(cosine))
            for place in scores.order[row]
            for cosine in (scores.retrieval[row, place],)
        ]
        searched = ranker.rank(query, candidates)
        assert [ranking.documents[place] for place in ranking.order[row]] == [one.uri for one in searched]
        assert ranking.scores[row] == pytest.approx([one.score for one in searched], abs=1e-5)


def test_equal_names_tie_exactly(encoder: Encoder) -> None:
    names = {name: Document(name, "", ("the same name",)) for name in reversed(DOCUMENTS)}
    benchmark = Benchmark("tie", {"q": "baker"}, names, {"q": {"a": 1}})
    scores = score_benchmark(benchmark, encoder, None, depth=200)
    assert len(set(scores.retrieval[0].tolist())) == 1
    assert words(scores.fused(1.0, 0)) == ["abcde"]
    assert scores.depth == 0


def test_rows_curves_and_progress(encoder: Encoder, rankers: dict[str, Reranker]) -> None:
    told: dict[str, list[int | None]] = {}

    def progress(stage: str, total: int | None = None, /) -> Advance:
        told[stage] = [total]
        return lambda done, note="": told[stage].append(done)

    benchmark = benchmark_of({"q1": {"a": 2, "b": 1}, "q2": {"e": 1}})
    ranker = replace(rankers["cross-encoder"], depth=3)
    plan = Plan(sweeps=("alpha", "depth"), note="noted")
    evaluation = evaluate_models(benchmark, encoder, ranker, plan, progress)
    assert {stage: (total, sum(done)) for stage, (total, *done) in told.items()} == {
        "embed": (7, 7),
        "rerank": (2, 2),
    }
    assert [row.label for row in evaluation.rows] == [
        "stage one, noted",
        "stage two, noted",
        "blend alpha=0.4, noted",
    ]
    assert all(len(order) == 5 for order in evaluation.ranking.order)  # the tail is kept
    alpha, depth = evaluation.curves
    assert alpha.values == (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
    assert (depth.values, depth.chosen) == ((0, 5), 3)

    def figures(row: object) -> dict[str, list[float]]:
        return {name: values.tolist() for name, values in row.values.items()}  # type: ignore[attr-defined]

    one, two, blend = map(figures, evaluation.rows)
    assert figures(alpha.rows[0]) == two
    assert figures(alpha.rows[4]) == blend
    assert figures(alpha.rows[10]) == figures(depth.rows[0]) == one
    cut = evaluate_models(benchmark, encoder, ranker, replace(plan, cut=2, sweeps=()))
    assert cut.rows[0].label == "stage one, cut at 2, noted"


def test_a_title_that_a_spreadsheet_would_run_is_written_as_text(tmp_path: Path, encoder: Encoder) -> None:
    benchmark = replace(benchmark_of({"q": {"a": 1}}), queries={"q": "=1+1"})
    write_report(tmp_path, evaluate_models(benchmark, encoder, None, Plan()))
    assert "\n'=1+1,q," in (tmp_path / "queries.csv").read_text(encoding="utf-8")


# --- occupations of a taxonomy


def small() -> Taxonomy:
    return Taxonomy(
        "small",
        "1",
        "en",
        {f"s{n}": Skill(f"s{n}", f"skill {n}", (f"alias {n}",)) for n in range(4)},
        {f"o{n}": Occupation(f"o{n}", f"occupation {n}") for n in range(4)},
        (
            Relation("o0", "s0", "essential"),
            Relation("o0", "s1", "optional"),
            Relation("o1", "s2", "optional"),
            Relation("o1", "s2", "essential"),
            Relation("o2", "s3", "optional"),
        ),
        {},
        {},
    )


def test_a_taxonomy_as_a_benchmark() -> None:
    benchmark = esco_benchmark(small(), ["o1", "o0"])
    assert benchmark.name == "small 1 (en)"
    assert benchmark.queries == {"o1": "occupation 1", "o0": "occupation 0"}
    assert benchmark.documents["s3"] == Document("s3", "s3", ("skill 3", "alias 3"))
    assert benchmark.qrels == {"o1": {"s2": 2}, "o0": {"s0": 2, "s1": 1}}
    with pytest.raises(EvaluationError, match=r"1 occupations are not in small 1 \(en\), or need no skill"):
        esco_benchmark(small(), ["o3"])


def models_with(folder: Path, **manifest: object) -> str:
    folder.mkdir(exist_ok=True)
    (folder / RECORD).write_text(json.dumps(manifest), encoding="utf-8")
    return str(folder)


def test_held_out_occupations_are_taken_by_default(tmp_path: Path) -> None:
    models = models_with(tmp_path, held_out_occupations=["o1", "o2", "gone"], validation_occupations=["o2"])
    selection = select_occupations(models, small())
    assert (selection.occupations, selection.trained) == (("o1",), ())
    assert selection.warnings == ("1 held-out occupations are not in small 1 (en): gone",)


def test_occupations_that_were_trained_on_are_refused(tmp_path: Path) -> None:
    models = models_with(tmp_path, held_out_occupations=["o1"], validation_occupations=["o2"])
    file = tmp_path / "occupations.txt"
    file.write_text("o1\n\n", encoding="utf-8")
    assert select_occupations(models, small(), file=file).trained == ()
    file.write_text("o1\no0\n", encoding="utf-8")
    with pytest.raises(
        EvaluationError, match=r"1 of 2 .* \(o0\): they may be trained on\. .*--allow-trained"
    ):
        select_occupations(models, small(), file=file)
    selection = select_occupations(models, small(), file=file, allow_trained=True)
    assert (selection.occupations, selection.trained) == (("o1", "o0"), ("o0",))
    file.write_text("o2\n", encoding="utf-8")
    with pytest.raises(EvaluationError, match=r"1 were used to choose between checkpoints"):
        select_occupations(models, small(), file=file)


def test_models_that_do_not_say_what_they_held_out(tmp_path: Path) -> None:
    models = models_with(tmp_path)
    file = tmp_path / "occupations.txt"
    file.write_text("o1\n", encoding="utf-8")
    for name in (models, "skillscout"):
        with pytest.raises(EvaluationError, match=r"does not say which occupations it held out"):
            select_occupations(name, small())
        with pytest.raises(EvaluationError, match=r"its manifest\.json names no held-out"):
            select_occupations(name, small(), file=file)
        assert select_occupations(name, small(), file=file, allow_trained=True).trained == ("o1",)
    models = models_with(tmp_path, held_out_occupations=["elsewhere"])
    with pytest.raises(EvaluationError, match=r"none of the 1 held-out occupations .* is in small 1"):
        select_occupations(models, small())
    models = models_with(tmp_path, held_out_occupations=5)
    with pytest.raises(ModelError, match=r"manifest\.json: held_out_occupations: .*found 5"):
        select_occupations(models, small())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("o1\nx\n", r", line 2: 'x' is not an occupation in small"),
        ("o3\n", r", line 1: 'o3' needs no skill in small"),
        ("o1\no2\no1\n", r", line 3: o1 stands on line 1 already"),
        ("\n", r": empty, expected the URI"),
    ],
)
def test_wrong_lists_of_occupations(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "occupations.txt"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(EvaluationError, match=message):
        select_occupations(models_with(tmp_path), small(), file=file, allow_trained=True)


# --- the commands


def run(*arguments: str) -> None:
    build_app()(list(arguments), standalone_mode=False)


@pytest.fixture
def data(tmp_path: Path, taxonomy: Taxonomy) -> Path:
    """Five occupations and all skills of the sample in TalentCLEF's form."""
    occupations = sorted(taxonomy.relations_by_occupation)[:5]
    places = {uri: f"d{place}" for place, uri in enumerate(taxonomy.skills)}
    files = {
        "queries": "".join(
            f"q{row}\t{taxonomy.occupations[uri].label}\n" for row, uri in enumerate(occupations)
        ),
        "corpus_elements": "".join(
            f"{places[uri]}\t{uri}\t{[skill.label]!r}\n" for uri, skill in taxonomy.skills.items()
        ),
        "qrels.tsv": "".join(
            f"q{row}\t0\t{places[relation.skill]}\t{2 if relation.kind == 'essential' else 1}\n"
            for row, uri in enumerate(occupations)
            for relation in taxonomy.relations_by_occupation[uri]
        ),
    }
    files["queries"] = "q_id\tjobtitle\n" + files["queries"]
    files["corpus_elements"] = "c_id\tesco_uri\tskill_aliases\n" + files["corpus_elements"]
    return write_files(tmp_path / "data", files)


def test_models_on_talentclef(
    data: Path, models_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["evaluate", "talentclef", "--data", str(data), "--models", str(models_folder)]
    command += ["--set", "device=cpu", "--set", "depth=20", "--json", "--sweep", "alpha", "--sweep", "depth"]
    out = tmp_path / "new" / "out"
    run(*command, "--output", str(out))
    report = json.loads(capsys.readouterr().out)
    assert report["benchmark"] == {
        "name": "data",
        "queries": 5,
        "judged_queries": 5,
        "documents": 412,
        "judgements": len((data / "qrels.tsv").read_text(encoding="utf-8").splitlines()),
        "graded": True,
    }
    assert (report["alpha"], report["depth"], report["cut"]) == (0.7, 20, None)
    assert report["encoder"].startswith("tiny-encoder-")
    assert report["reranker"].startswith("tiny-reranker-")
    first, _, last = report["rows"]
    assert [row["label"] for row in report["rows"]] == ["stage one", "stage two", "blend alpha=0.7"]
    assert "p" not in first["measures"]["map"]
    assert 0 < last["measures"]["map"]["p"] <= 1
    assert set(last["measures"]) == set(MEASURES)
    assert report["sweeps"]["alpha"][7]["measures"]["map"]["mean"] == last["measures"]["map"]["mean"]
    assert [point["depth"] for point in report["sweeps"]["depth"]] == [0, 10, 20, 50, 100, 200, 412]

    assert sorted(path.name for path in out.iterdir()) == [
        "queries.csv",
        "run.trec",
        "sweep-alpha.csv",
        "sweep-depth.csv",
    ]
    with (out / "sweep-depth.csv").open(encoding="utf-8", newline="") as file:
        points = list(csv.DictReader(file))
    assert float(points[0]["MAP"]) == pytest.approx(first["measures"]["map"]["mean"], abs=1e-6)

    with (out / "queries.csv").open(encoding="utf-8", newline="") as file:
        titles = list(csv.DictReader(file))
    assert len(titles) == 5
    column = [float(row["blend alpha=0.7 MAP"]) for row in titles]
    assert column == sorted(column)
    assert np.mean(column) == pytest.approx(last["measures"]["map"]["mean"], abs=1e-6)
    assert list(titles[0])[:4] == ["title", "id", "relevant", "stage one MAP"]

    written = read_run(out / "run.trec")
    assert {len(retrieved) for retrieved in written.values()} == {412}  # the tail is kept
    run("evaluate", "talentclef", "--data", str(data), "--run", str(out / "run.trec"), "--json")
    again = json.loads(capsys.readouterr().out)["rows"][0]
    assert again["label"] == "run.trec"
    for name, figures in again["measures"].items():
        assert figures["mean"] == last["measures"][name]["mean"]


def test_tables_fit_and_say_what_is_cut(
    data: Path, models_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")  # a file or pipe has room for the whole table
    command = ["evaluate", "talentclef", "--data", str(data), "--models", str(models_folder)]
    run(*command, "--set", "device=cpu", "--set", "depth=10", "--cut", "5", "--sweep", "alpha")
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 120
    assert "…" not in out
    text = " ".join(out.split())
    for expected in ("stage one, cut at 5", "p against stage one", "nDCG@100", "blend by alpha", "graded"):
        assert expected in text, expected
    run(*command, "--set", "device=cpu", "--reranker", "none")
    out = capsys.readouterr().out
    assert "stage one" in out
    assert "stage two" not in out


def test_occupations_by_command(
    models_folder: Path, tmp_path: Path, taxonomy: Taxonomy, capsys: pytest.CaptureFixture[str]
) -> None:
    uris = sorted(taxonomy.relations_by_occupation)
    models = tmp_path / "models"
    models_with(models, preset="tiny", held_out_occupations=uris[:3], validation_occupations=uris[3:4])
    for part in (ENCODER, RERANKER):
        (models / part).symlink_to(models_folder / part)
    command = ["evaluate", "esco", "--sample", "--models", str(models), "--set", "device=cpu"]
    command += ["--set", "depth=10"]
    run(*command, "--json")
    report = json.loads(capsys.readouterr().out)
    assert report["benchmark"]["queries"] == 3
    assert report["note"] == ""
    assert report["rows"][2]["label"] == "blend alpha=0.7"

    (tmp_path / "some.txt").write_text(f"{uris[0]}\n{uris[3]}\n", encoding="utf-8")
    command += ["--occupations", str(tmp_path / "some.txt")]
    with pytest.raises(EvaluationError, match="used to choose between checkpoints"):
        run(*command)
    run(*command, "--allow-trained", "--json", "--reranker", "none", "--cut", "20")
    report = json.loads(capsys.readouterr().out)
    assert report["note"] == "trained on these occupations"
    assert report["rows"][0]["label"] == "stage one, cut at 20, trained on these occupations"
    assert "alpha" not in report
    run(*command, "--allow-trained", "--reranker", "none")
    assert "documents, graded judgements, trained on these occupations" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("talentclef",), "give --data, the folder or zip, or both --qrels and --run"),
        (("talentclef", "--run", "x"), "give --data"),
        (
            ("talentclef", "--data", "x", "--sweep", "alpha", "--reranker", "none"),
            "leave out --reranker none",
        ),
        (("talentclef", "--data", "x", "--run", "y", "--sweep", "alpha"), "does not go with --run"),
        (("esco", "--sample", "--set", "alpha=2"), "alpha"),
        (("esco", "--sample", "--set", "alfa=0.2"), "--set alfa: unknown"),
    ],
)
def test_options_that_do_not_go_together(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        run("evaluate", *arguments)


def test_an_error_is_one_line(data: Path, tmp_path: Path) -> None:
    (data / "run.trec").write_text("q0 Q0 nothing 1 0.5 x\n", encoding="utf-8")
    command = ("evaluate", "talentclef", "--data", str(data), "--run", str(data / "run.trec"))
    done = run_command(*command, home=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.strip().startswith("error: ")
    assert "names 1 documents that the data does not have (nothing)" in done.stderr


@pytest.mark.parametrize("name", ["talentclef", "esco", "workbench"])
def test_help_is_short_and_has_examples(name: str, tmp_path: Path) -> None:
    text = run_command("evaluate", name, "--help", home=tmp_path).stdout
    assert f"Example: skillsearch evaluate {name}" in text
    assert sum(line.startswith("│ --") for line in text.splitlines()) <= 13  # with --help
