"""The learned blend: its features, its leakage, its file, and the search that uses it."""

import csv
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from command import run
from indexing import index_taxonomy

from skillsearch import Filters, SkillSearch
from skillsearch.cli.console import stdout
from skillsearch.cli.tables import explanation, result_table
from skillsearch.errors import EvaluationError, ModelError, ModelMismatchError, QueryError
from skillsearch.models.hub import ModelFolder
from skillsearch.models.protocols import Encoder
from skillsearch.models.torch import load_pair_scorer
from skillsearch.rank.blender import Head, load_blender, save_blender
from skillsearch.rank.features import FIRST, RERANKED, SECOND, Evidence, reranked_features, title_profile
from skillsearch.settings import load_settings
from skillsearch.store import open_store
from skillsearch.store.base import BuildInfo
from skillsearch.store.server import ServerStore
from skillsearch.taxonomy.records import Taxonomy
from trainer.blend.catalogue import Catalogue, read_catalogue, sparse_rows
from trainer.blend.cross_validation import Fit, FitOptions, fit_blender, merge_scores
from trainer.blend.evidence import build_evidence, crossed_features, deal, demand, pool_features
from trainer.blend.judgements import read_judgements, with_uris
from trainer.blend.network import Training, calibrate, fit_head
from trainer.blend.pool import Pool, build_pool
from trainer.blend.validation import learning_curve, measure_fit
from trainer.evaluate.benchmark import Benchmark, Document

FAST = Training(networks=1, steps=150)
INFO = BuildInfo("b", "made-up", "1", "en", "e", "f", 1, 1, "", 0, 0, "")


# ---- features, by hand -------------------------------------------------------------------------


@pytest.fixture
def evidence() -> Evidence:
    """Three skills, two occupations, two judged titles; vectors have two numbers, directions too."""
    return Evidence(
        uris=("a", "b", "c"),
        attributes=np.array([[1, 0, 4, 0], [0, 1, 1, 1], [0, 0, np.nan, 0]], np.float32),
        directions=np.array([[1, 0], [0, 1], [0.6, 0.8]], np.float32),
        occupations=("x", "y"),
        needs=sparse_rows([{0: 1.0, 1: 0.5}, {1: 1.0}]),
        demand=np.array([0.5, -1, -2], np.float32),
        titles=np.array([[1, 0], [0, 1]], np.float32),
        judged=sparse_rows([{0: 1.0}, {0: 0.5, 2: 1.0}]),
        title_ridge=np.array([[1, 0, 0, 0], [0, 2, 0, 1]], np.float32),
        skill_ridge=np.array([[1, 0, 0.25], [0, 1, 0]], np.float32),
    )


def test_features_by_hand(evidence: Evidence) -> None:
    vector = np.array([0.6, 0.8], np.float32)
    nearest = [("x", 0.5), ("y", 0.5 - 0.05 * math.log(3)), ("unheard of", 0.9)]
    # e^0 : e^-ln 3 = 3 : 1, so x weighs 0.75 and y 0.25
    votes = np.array([0.75, 0.75 * 0.5 + 0.25, 0])
    np.testing.assert_allclose(evidence.votes(nearest), votes, rtol=1e-5)
    profile = votes[:2] / np.hypot(*votes[:2])
    np.testing.assert_allclose(
        title_profile(votes.astype(np.float32), evidence.directions), profile, rtol=1e-5
    )
    share = 1 / (1 + math.exp(0.2 / 0.05))  # of the first title, whose cosine is 0.6 beside 0.8
    weights = np.array([0.6, 2 * 0.8 + profile[1]])
    carried = np.array([weights[0], weights[1], 0.25 * weights[0]])
    expected = {
        "retrieval": [0.1, 0.2],
        "occupation_votes": [votes[0], 0],
        "occupation_profile": [profile[0], 0.6 * profile[0] + 0.8 * profile[1]],
        "similar_titles": [share + 0.5 * (1 - share), 1 - share],
        "title_ridge": [weights[0] + 0.5 * weights[1], weights[1]],
        "skill_ridge": [carried[0] + carried[2], 0.6 * carried[0] + 0.8 * carried[1] + carried[2]],
        "demand": [0.5, -2],
        "esco_essential": [1, 0],
        "esco_optional": [0, 0],
        "reuse_level": [4, np.nan],
        "skill_type": [0, 0],
    }
    view = evidence.view(vector, nearest)
    rows = evidence.rows_of(["a", "c", "new"])
    assert rows.tolist() == [0, 2, -1]
    table = evidence.features(view, rows, np.array([0.1, 0.2, 0.3], np.float32))
    assert tuple(expected) == FIRST
    np.testing.assert_allclose(table[:2], np.array(list(expected.values())).T, rtol=1e-4)
    assert table[2, 0] == np.float32(0.3)
    assert np.isnan(table[2, 1:]).all()
    # title_ridge is 0.6 + 0.5 w for a, w for c with w > 1.2, and 0 for b
    assert evidence.expected(view, 3) == ("c", "a", "b")
    assert evidence.expected(view, 1) == ("c",)


def test_without_a_known_occupation_nobody_votes(evidence: Evidence) -> None:
    assert evidence.votes([("unheard of", 1.0)]).tolist() == [0, 0, 0]
    view = evidence.view(np.array([1, 0], np.float32), [])
    assert view.profile.tolist() == [0, 0]


def test_reranked_features_by_hand() -> None:
    table = reranked_features(np.array([[0.0, 0.0, math.log(2)]]))
    np.testing.assert_allclose(table, [[math.log(2), 0, 0, 0.5, 0.75]], rtol=1e-6)
    assert len(RERANKED) == table.shape[1]


def test_rows_sum_like_a_dense_matrix() -> None:
    dense = np.array([[0, 2, 0], [0, 0, 0], [1, 0, 3]], np.float32)
    rows = sparse_rows({int(c): float(row[c]) for c in np.flatnonzero(row)} for row in dense)
    picked, weights = np.array([2, 0, 1]), np.array([1, -1, 5], np.float32)
    np.testing.assert_allclose(rows.weighted_sum(picked, weights, 3), weights @ dense[picked])
    np.testing.assert_allclose(rows.weighted_sum(None, weights, 3), weights @ dense)


def test_demand_lies_between_the_count_and_its_prediction() -> None:
    catalogue = made_up_catalogue(np.random.default_rng(0), skills=30)
    counts = np.full(20, 3)
    counts[0] = 19
    values = demand(catalogue, np.arange(20), counts, titles=20)
    shares = 1 / (1 + np.exp(-values))
    assert values.shape == (30,)
    assert shares[0] == shares.max()
    assert 0.15 < shares[0] < 19 / 20  # drawn down toward what skills like it have
    assert np.isfinite(values).all()
    assert (shares[20:] < 0.5).all()  # never judged: the prediction


# ---- a made-up world -----------------------------------------------------------------------------


def made_up_catalogue(draw: np.random.Generator, *, skills: int) -> Catalogue:
    vectors = draw.normal(size=(skills, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Catalogue(
        info=INFO,
        uris=tuple(f"skill-{number:03}" for number in range(skills)),
        labels=tuple(f"label {number}" for number in range(skills)),
        vectors=vectors,
        attributes=draw.integers(0, 3, size=(skills, 4)).astype(np.float32),
        directions=vectors[:, :8].astype(np.float16).astype(np.float32),
        occupations=("occupation",),
        needs=sparse_rows([{0: 1.0}]),
    )


def made_up_pool(catalogue: Catalogue, relevant: np.ndarray, vectors: np.ndarray) -> Pool:
    size = len(relevant)
    documents = {uri: Document(uri, uri, ()) for uri in catalogue.uris}
    queries = {f"q{row}": f"title {row}" for row in range(size)}
    qrels = {
        f"q{row}": {catalogue.uris[column]: 1 for column in np.flatnonzero(relevant[row])}
        for row in range(size)
    }
    return Pool(
        benchmark=Benchmark("made-up", queries, documents, qrels),
        skipped=(),
        titles=tuple(queries.values()),
        vectors=vectors,
        occupations=((("occupation", 0.5),),) * size,
        labels=catalogue.labels,
        catalogue_rows=np.arange(len(catalogue.uris)),
        cosines=(vectors @ catalogue.vectors.T).astype(np.float32),
        grades=relevant.astype(np.float32),
    )


def titles_for(draw: np.random.Generator, size: int) -> np.ndarray:
    vectors = draw.normal(size=(size, 16)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def fit_made_up(catalogue: Catalogue, pool: Pool, folds: int = 4) -> Fit:
    folder = ModelFolder(Path("x"), "made-up", "", "fingerprint")
    return fit_blender(catalogue, pool, folder, None, FitOptions(folds=folds, training=FAST))


def test_too_few_titles_are_told_once_skills_are_dropped() -> None:
    draw = np.random.default_rng(0)
    catalogue = made_up_catalogue(draw, skills=10)
    pool = made_up_pool(catalogue, draw.random((4, 10)) < 0.5, titles_for(draw, 4))
    with pytest.raises(EvaluationError, match="found 4 titles with a relevant skill, expected at least 5"):
        fit_made_up(catalogue, pool)


def test_where_demand_matters_the_blend_beats_the_cosine() -> None:
    """Five skills of eighty are relevant for most titles, wherever they lie; the rest follows the cosine."""
    draw = np.random.default_rng(1)
    catalogue, vectors = made_up_catalogue(draw, skills=80), titles_for(draw, 40)
    relevant = vectors @ catalogue.vectors.T > 0.45
    relevant[:, :5] = draw.random((40, 5)) < 0.8
    fit = fit_made_up(catalogue, made_up_pool(catalogue, relevant, vectors))
    cosine, learned = measure_fit(fit)
    assert learned.mean("map") > cosine.mean("map") + 0.1
    curve = learning_curve(catalogue, fit)
    assert [point.titles for point in curve] == [5, 10, 20, 30]
    assert curve[-1].map == pytest.approx(learned.mean("map"))


def test_random_judgements_teach_nothing() -> None:
    """What is measured out of fold is no better than chance, so that no title sees its own judgements."""
    draw = np.random.default_rng(2)
    catalogue, vectors = made_up_catalogue(draw, skills=60), titles_for(draw, 60)
    relevant = draw.random((60, 60)) < 0.2
    pool = made_up_pool(catalogue, relevant, vectors)
    _, learned = measure_fit(fit_made_up(catalogue, pool))
    chance = []
    for _ in range(20):
        order = np.argsort(draw.random(relevant.shape), axis=1)
        hits = np.take_along_axis(relevant, order, axis=1)
        precision = np.cumsum(hits, axis=1) / np.arange(1, 61)
        chance.append(((precision * hits).sum(1) / np.maximum(hits.sum(1), 1)).mean())
    assert learned.mean("map") == pytest.approx(np.mean(chance), abs=0.03)


def test_a_title_is_no_evidence_for_itself() -> None:
    """Features of a title stay the same whatever its own judgements are."""
    draw = np.random.default_rng(3)
    catalogue, vectors = made_up_catalogue(draw, skills=40), titles_for(draw, 20)
    relevant = draw.random((20, 40)) < 0.3
    rows = np.arange(20)
    before = crossed_features(catalogue, made_up_pool(catalogue, relevant, vectors), rows, 0)
    for title in (0, 7):
        other = relevant.copy()
        other[title] = ~other[title]
        after = crossed_features(catalogue, made_up_pool(catalogue, other, vectors), rows, 0)
        np.testing.assert_array_equal(after[title], before[title])
        assert np.abs(after - before).max() > 0.01  # others see the change


def test_folds_share_no_title() -> None:
    folds = deal(23, 5, seed=0)
    assert sorted(np.concatenate(folds).tolist()) == list(range(23))
    assert {len(fold) for fold in folds} == {4, 5}
    assert len(deal(3, 10, seed=0)) == 3


def test_the_same_seed_gives_the_same_blender() -> None:
    draw = np.random.default_rng(4)
    catalogue, vectors = made_up_catalogue(draw, skills=30), titles_for(draw, 12)
    pool = made_up_pool(catalogue, draw.random((12, 30)) < 0.3, vectors)
    first, second = fit_made_up(catalogue, pool), fit_made_up(catalogue, pool)
    np.testing.assert_array_equal(first.first.scores, second.first.scores)


# ---- heads ---------------------------------------------------------------------------------------


@pytest.fixture
def head() -> Head:
    """Two inputs, one network with one unit: relu(x0 + 2 x1) - 1."""
    return Head(
        features=("retrieval", "demand"),
        means=np.array([1, 10], np.float32),
        deviations=np.array([2, 5], np.float32),
        hidden=np.array([[[1], [2]]], np.float32),
        hidden_bias=np.zeros((1, 1), np.float32),
        output=np.ones((1, 1), np.float32),
        output_bias=np.array([-1], np.float32),
        calibration=np.array([2, 0.5], np.float32),
    )


def test_a_head_by_hand(head: Head) -> None:
    table = np.array([[3, 15], [1, np.nan], [-3, 10]], np.float32)
    # standardised: (1, 1), (0, 0 as it is not known), (-2, 0)
    np.testing.assert_allclose(head.raw(table), [1 + 2 - 1, -1, -1])
    np.testing.assert_allclose(head.raw(table, demand_weight=0), [1 - 1, -1, -1])
    np.testing.assert_allclose(head.raw(table, demand_weight=3), [1 + 6 - 1, -1, -1])
    np.testing.assert_allclose(head.probability(table), 1 / (1 + np.exp([-4.5, 1.5, 1.5])))


def test_contributions_by_hand(head: Head) -> None:
    whole, without_first, without_demand = 1 / (1 + np.exp([-4.5, -2.5, -0.5]))
    contributions = head.contributions(np.array([3, 15], np.float32))
    assert contributions == pytest.approx(
        {"retrieval": whole - without_first, "demand": whole - without_demand}, abs=1e-6
    )


def test_the_fitted_moments_leave_out_what_is_not_known() -> None:
    table = np.array([[[1, np.nan], [3, 4]], [[1, 4], [3, np.nan]]], np.float32)
    grades = np.array([[0, 1], [0, 1]], np.float32)
    head = fit_head(("retrieval", "demand"), table, grades, seed=0, training=Training(2, 300))
    np.testing.assert_allclose(head.means, [2, 4])
    np.testing.assert_allclose(head.deviations, [1, 1])  # where there is no spread it is 1
    assert head.hidden.shape == (2, 2, 32)
    low, high = head.raw(table[0])
    assert high > low


def test_calibration_gives_the_share_of_relevant_ones(head: Head) -> None:
    draw = np.random.default_rng(5)
    scores = draw.normal(size=20_000)
    odds = 0.7 * scores - 1.2
    grades = (draw.random(20_000) < 1 / (1 + np.exp(-odds))).astype(np.float32)
    np.testing.assert_allclose(calibrate(head, scores, grades).calibration, [0.7, -1.2], atol=0.08)
    assert calibrate(head, -scores, grades).calibration[0] > 0  # never turns the order round


def test_reranked_skills_stand_above_all_others() -> None:
    first = np.array([[3.0, 1.0, 2.0]], np.float32)
    scores = merge_scores(first, np.array([[-5.0, -4.0]], np.float32), np.array([[0, 2]]))
    assert np.argsort(-scores[0]).tolist() == [2, 0, 1]


# ---- judgements ------------------------------------------------------------------------------------


def write_csv(path: Path, rows: list[tuple[object, ...]], header: str = "title,skill,grade") -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(header + "\n")
        csv.writer(file).writerows(rows)
    return path


GOOD = [
    (f"title {number}", f"urn:{skill}", int(number % 3 == skill)) for number in range(6) for skill in range(3)
]


def test_a_csv_is_read(tmp_path: Path) -> None:
    rows = [*GOOD, ("  Title   0 ", "urn:0", 1), GOOD[3]]
    benchmark = read_judgements(write_csv(tmp_path / "j.csv", rows))
    assert len(benchmark.queries) == 6
    assert benchmark.qrels["title-1"] == {"urn:0": 1, "urn:1": 0, "urn:2": 0}
    assert [document.uri for document in benchmark.documents.values()] == ["urn:0", "urn:1", "urn:2"]


def test_a_trec_file_is_read_with_its_titles(tmp_path: Path) -> None:
    qrels = tmp_path / "qrels.txt"
    qrels.write_text("".join(f"{title[6:]} 0 {skill} {grade}\n" for title, skill, grade in GOOD))
    titles = write_csv(tmp_path / "t.csv", [(n, f"title {n}") for n in range(7)], "query,title")
    benchmark = read_judgements(qrels, titles=titles)
    assert benchmark.queries == {str(n): f"title {n}" for n in range(6)}
    assert benchmark.qrels["0"]["urn:0"] == 1
    for rows, message in (
        ([(0, "title 0")], r"t\.csv: no title for 5 of the queries"),
        ([(0, "title 0"), (0, "title 1")], r"t\.csv, row 3, column query: 0 has a title in an earlier row"),
        ([(0, " ")], r"t\.csv, row 2, column title: empty, expected a job title"),
    ):
        write_csv(titles, rows, "query,title")
        with pytest.raises(EvaluationError, match=message):
            read_judgements(qrels, titles=titles)


def test_judgements_as_a_spreadsheet_saves_them_with_words_and_labels(tmp_path: Path) -> None:
    words = [("Core", 2), ("not relevant", 0), ("optional", 1), ("2,0", 2), ("essential", 2), ("0.0", 0)]
    rows = [f"title {n};Skill {m};{word}" for n in range(6) for m, (word, _) in enumerate(words)]
    path = tmp_path / "j.csv"
    path.write_text("sep=;\nTitle;Skill;GRADE\n" + "\n".join(rows) + "\n;;\n", encoding="utf-8-sig")
    benchmark = read_judgements(path)
    assert benchmark.qrels["title-1"] == {f"Skill {m}": grade for m, (_, grade) in enumerate(words)}
    uris, labels = [f"urn:{n}" for n in range(7)], ["skill 0", "SKILL  1", *["x"] * 4, "Skill 6"]
    known = with_uris(benchmark, uris, labels)
    assert list(known.qrels["title-1"])[:3] == ["urn:0", "urn:1", "Skill 2"]
    assert known.documents["urn:0"].uri == "urn:0"
    with pytest.raises(EvaluationError, match=r"1 labels belong to several .*: Skill 0 \(urn:0, urn:1\)"):
        with_uris(benchmark, uris, ["skill 0"] * 2 + labels[2:])
    twice = replace(benchmark, documents={**benchmark.documents, "urn:0": Document("urn:0", "urn:0", ())})
    twice = replace(twice, qrels={"title-1": {"Skill 0": 2, "urn:0": 1}})
    with pytest.raises(EvaluationError, match="'title 0' has two grades for urn:0"):
        with_uris(twice, uris, labels)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [*GOOD, ("title 0", "urn:0", 0)],
            r"j\.csv, row 20, column grade: 0 for 'title 0' and urn:0, which had 1",
        ),
        ([("", "urn:0", 1)], r"j\.csv, row 2, column title: empty"),
        ([("a", "", 1)], r"j\.csv, row 2, column skill: empty"),
        ([("a", "urn:0", "yes")], r"j\.csv, row 2, column grade: 'yes', expected a whole number"),
        ([("a", "urn:0", -1)], r"j\.csv, row 2, column grade: '-1'"),
        ([("a", "urn:0", "1" * 5000)], r"j\.csv, row 2, column grade: '111.{,80}, expected a whole number"),
        ([("a", "urn:0")], r"j\.csv, row 2, column grade: the row ends before this column"),
        ([(title, skill, 0) for title, skill, _ in GOOD], "nothing is judged relevant"),
        ([(title, skill, 1) for title, skill, _ in GOOD], "every judged skill is relevant for every title"),
        (GOOD[:12], "found 4 titles with a relevant skill, expected at least 5"),
        ([], "nothing is judged relevant"),
    ],
)
def test_bad_judgements_are_told(tmp_path: Path, rows: list[tuple[object, ...]], message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        read_judgements(write_csv(tmp_path / "j.csv", rows))


def test_a_wrong_header_and_a_missing_file_are_told(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"j\.csv, row 1, column title: missing; found 'a, b'"):
        read_judgements(write_csv(tmp_path / "j.csv", [], "a,b"))
    with pytest.raises(EvaluationError, match=r"none\.csv: no such file"):
        read_judgements(tmp_path / "none.csv")


# ---- on the sample -----------------------------------------------------------------------------------


def sample_judgements(path: Path, taxonomy: Taxonomy, *, occupations: int = 14) -> Path:
    """Titles of occupations with the skills that they need, and two skills that everyone needs."""
    general = sorted(taxonomy.skills)[:2]
    rows: list[tuple[object, ...]] = []
    for uri in sorted(taxonomy.relations_by_occupation)[:occupations]:
        needed = {relation.skill for relation in taxonomy.relations_by_occupation[uri]}
        rows += [(taxonomy.occupations[uri].label, skill, 1) for skill in sorted(needed.union(general))]
    rows.append((rows[0][0], "https://example.org/unknown", 1))
    return write_csv(path, rows)


@pytest.fixture(scope="module")
def sample_fit(
    tmp_path_factory: pytest.TempPathFactory,
    taxonomy: Taxonomy,
    home: Path,
    encoder: Encoder,
    models_folder: Path,
) -> tuple[Fit, Path]:
    """A blender with both heads, and its file."""
    folder = tmp_path_factory.mktemp("blender")
    benchmark = read_judgements(sample_judgements(folder / "j.csv", taxonomy))
    store = open_store(load_settings(home=home))
    build = store.published()
    catalogue = read_catalogue(build)
    pool = build_pool(benchmark, catalogue, build, encoder)
    store.close()
    reranker = load_pair_scorer(str(models_folder / "reranker"), device="cpu")
    options = FitOptions(folds=3, depth=20, training=FAST)
    fit = fit_blender(catalogue, pool, encoder.folder, reranker, options)
    save_blender(folder / "blender.safetensors", fit.blender)
    return fit, folder / "blender.safetensors"


@pytest.fixture
def blended(home: Path, models_folder: Path, sample_fit: tuple[Fit, Path]) -> Iterator[SkillSearch]:
    with SkillSearch.open(
        home=home, models=str(models_folder), device="cpu", blender=sample_fit[1]
    ) as client:
        yield client


def test_an_unknown_skill_with_a_name_stays_in_what_is_ranked(
    home: Path, encoder: Encoder, taxonomy: Taxonomy
) -> None:
    known = sorted(taxonomy.skills)[:2]
    documents = {
        "d0": Document("d0", known[0], ("alias",)),
        "d1": Document("d1", "urn:new", ("using a saw",)),
    }
    titles = {"q": "Carpenter", "nothing": "Chef"}
    benchmark = Benchmark("b", titles, documents, {"q": {"d1": 2}, "nothing": {"d0": 0}})
    store = open_store(load_settings(home=home))
    build = store.published()
    catalogue = read_catalogue(build)
    pool = build_pool(benchmark, catalogue, build, encoder)
    assert pool.labels == (taxonomy.skills[known[0]].label, "using a saw")
    assert pool.unknown() == ("urn:new",)
    assert pool.grades.tolist() == [[0, 1]]
    np.testing.assert_allclose(
        pool.cosines[0, 1],
        (encoder.encode(["Carpenter"]) @ encoder.encode(["using a saw"]).T)[0, 0],
        atol=1e-5,
    )
    table = pool_features(build_evidence(catalogue, pool, np.array([0])), pool, np.array([0]))
    assert np.isnan(table[0, 1, 1:]).all()
    assert pool.titles == ("Carpenter",)
    none = replace(benchmark, documents={"d1": documents["d1"]})
    with pytest.raises(EvaluationError, match="none of its 1 skills is in the index"):
        build_pool(none, catalogue, build, encoder)
    other = replace(catalogue, info=replace(catalogue.info, encoder_fingerprint="other"))
    with pytest.raises(ModelMismatchError, match="built with encoder"):
        build_pool(benchmark, other, build, encoder)
    store.close()


def test_a_saved_blender_says_the_same(sample_fit: tuple[Fit, Path]) -> None:
    fit, path = sample_fit
    loaded, blender = load_blender(path), fit.blender
    assert (loaded.encoder, loaded.reranker, loaded.name) == (blender.encoder, blender.reranker, "blender")
    pool = fit.pool
    rows = np.arange(3)
    table = pool_features(blender.evidence, pool, rows)
    np.testing.assert_array_equal(pool_features(loaded.evidence, pool, rows), table)
    np.testing.assert_array_equal(loaded.first.probability(table[0]), blender.first.probability(table[0]))
    assert loaded.second is not None
    assert blender.second is not None
    more = np.concatenate((table[0], np.zeros((len(table[0]), 5), np.float32)), axis=1)
    np.testing.assert_array_equal(loaded.second.probability(more), blender.second.probability(more))


def test_the_search_gives_what_the_fit_computed(blended: SkillSearch, sample_fit: tuple[Fit, Path]) -> None:
    """Features and probabilities of a fitted title are those of its search."""
    fit, _ = sample_fit
    title, count = fit.pool.titles[0], len(fit.blender.evidence.uris)
    table = pool_features(fit.blender.evidence, fit.pool, np.array([0]))[0]
    probability = fit.blender.first.probability(table)
    hits = {hit.uri: hit for hit in blended.search(title, limit=count, rerank=False)}
    for row, document in enumerate(fit.pool.benchmark.documents.values()):
        hit = hits[document.uri]
        known = {name: float(value) for name, value in zip(FIRST, table[row], strict=True) if value == value}
        assert hit.features == pytest.approx(known, abs=1e-4)
        assert hit.score <= probability[row] + 1e-4  # beyond the candidates, scores never rise again


def test_a_blended_result(blended: SkillSearch) -> None:
    result = blended.search("Data Scientist", limit=60, depth=25)
    scores = [hit.score for hit in result]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert [hit.relevance is None for hit in result] == [False] * 25 + [True] * 35
    assert (result.versions.blender, result.demand_weight) == ("blender", 1.0)
    assert len({hit.uri for hit in result}) == 60
    for hit in result[:25]:
        assert hit.features is not None
        assert hit.contributions is not None
        assert set(hit.features) <= set(SECOND)
        assert hit.features.keys() == hit.contributions.keys()
        assert hit.features["core_logit"] == pytest.approx(hit.rerank_score)
        assert hit.features["retrieval"] == pytest.approx(hit.retrieval_score)
    assert result[30].features is not None
    assert set(result[30].features) <= set(FIRST)
    assert json.loads(result.to_json())["hits"][0]["features"]["demand"] == result[0].features["demand"]
    longer = blended.search("Data Scientist", limit=400, depth=25)
    assert [hit.uri for hit in longer[:60]] == [hit.uri for hit in result]
    assert len(longer) == 400


def test_without_reranking_the_first_head_orders(blended: SkillSearch) -> None:
    result = blended.search("Chef", limit=30, rerank=False)
    assert result.versions.reranker is None
    assert all(hit.rerank_score is None for hit in result)
    keys = [(-hit.score, hit.uri) for hit in result]
    assert keys == sorted(keys)
    assert [hit.score for hit in result] != [hit.retrieval_score for hit in result]


@pytest.mark.parametrize(
    "filters",
    [Filters(types="knowledge"), Filters(collections="digital"), Filters(occupations="data scientist")],
)
@pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant:UserWarning")
@pytest.mark.filterwarnings("ignore:Local mode performs exact:UserWarning")
def test_expected_skills_fulfil_the_filters_in_both_stores(
    blended: SkillSearch,
    client: SkillSearch,
    taxonomy: Taxonomy,
    encoder: Encoder,
    sample_fit: tuple[Fit, Path],
    filters: Filters,
) -> None:
    store = ServerStore.in_memory()
    index_taxonomy(taxonomy, encoder, store)
    other = SkillSearch(store, encoder, None, load_settings(), blender=sample_fit[0].blender)
    expected = {hit.uri for hit in client.search("Chef", limit=400, filters=filters, rerank=False)}
    plain = blended.search("Chef", limit=400, filters=filters, rerank=False)
    assert {hit.uri for hit in plain} == expected
    assert {hit.uri for hit in other.search("Chef", limit=400, filters=filters, rerank=False)} == expected
    wanted = [hit.uri for hit in plain][:7]
    found = blended.search("Chef", limit=400, filters=Filters(include=wanted, exclude=wanted[:2]))
    assert {hit.uri for hit in found} == set(wanted[2:])
    assert len(blended.search("Chef", filters=Filters(include=wanted[0], exclude=wanted[0]))) == 0
    other.close()


def test_more_weight_lifts_what_is_demanded(blended: SkillSearch, sample_fit: tuple[Fit, Path]) -> None:
    first, evidence = sample_fit[0].blender.first, sample_fit[0].blender.evidence
    average = first.means[FIRST.index("demand")]
    demand_of = dict(zip(evidence.uris, evidence.demand, strict=True))
    before: dict[str, float] = {}
    for weight in (0.0, 1.0, 5.0):
        result = blended.search("Welder", limit=400, depth=412, rerank=False, demand_weight=weight)
        assert result.demand_weight == weight
        for hit in result:
            rises = demand_of[hit.uri] >= average
            last = before.get(hit.uri, hit.score)
            assert hit.score >= last - 1e-6 if rises else hit.score <= last + 1e-6
        before = {hit.uri: hit.score for hit in result}


def test_the_score_never_falls_as_demand_rises() -> None:
    """Not even where the judgements say that it should."""
    draw = np.random.default_rng(8)
    table = draw.normal(size=(20, 30, len(FIRST))).astype(np.float32)
    grades = (table[..., FIRST.index("demand")] < -0.5).astype(np.float32)
    head = fit_head(FIRST, table, grades, seed=0, training=Training(2, 100))
    row = np.tile(table[0, 0], (50, 1))
    row[:, FIRST.index("demand")] = np.linspace(-3, 3, 50)
    assert (np.diff(head.raw(row)) >= -1e-6).all()


def test_a_blender_without_second_head_keeps_its_order(
    home: Path, models_folder: Path, sample_fit: tuple[Fit, Path], tmp_path: Path
) -> None:
    path = tmp_path / "first.safetensors"
    save_blender(path, replace(sample_fit[0].blender, second=None, reranker=None))
    with SkillSearch.open(home=home, models=str(models_folder), device="cpu", blender=path) as client:
        plain, reranked = client.search("Chef", rerank=False), client.search("Chef")
        assert [hit.uri for hit in reranked] == [hit.uri for hit in plain]
        assert all(hit.probabilities is not None for hit in reranked)


def test_options_of_the_other_blend_are_refused(blended: SkillSearch, client: SkillSearch) -> None:
    with pytest.raises(QueryError, match="alpha does not go with the learned blend blender"):
        blended.search("Chef", alpha=0.5)
    with pytest.raises(QueryError, match="demand_weight does not go with a search without reranking"):
        client.search("Chef", rerank=False, demand_weight=1)
    for weight in (-1.0, math.inf, math.nan):
        with pytest.raises(QueryError, match="finite number from 0"):
            blended.search("Chef", demand_weight=weight)


def test_explain_shows_every_feature(blended: SkillSearch, capsys: pytest.CaptureFixture[str]) -> None:
    result = blended.search("Chef", limit=3)
    stdout().print(result_table(result), explanation(result, result[0]))
    shown = capsys.readouterr().out
    assert "probability by blender, demand weight 1" in shown
    for name in ("demand", "occupation votes", "core logit", "raises the score by"):
        assert name in shown


def test_a_blender_of_other_models_is_refused(
    home: Path, models_folder: Path, sample_fit: tuple[Fit, Path], tmp_path: Path
) -> None:
    for change in ({"encoder": "another"}, {"reranker": "another"}):
        path = tmp_path / "other.safetensors"
        save_blender(path, replace(sample_fit[0].blender, **change))
        with pytest.raises(ModelMismatchError, match=f"fitted with {next(iter(change))} another"):
            SkillSearch.open(home=home, models=str(models_folder), device="cpu", blender=path)


def test_damaged_files_are_told(sample_fit: tuple[Fit, Path], tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    blender, path = sample_fit[0].blender, tmp_path / "b.safetensors"
    with pytest.raises(ModelError, match="no blender at"):
        load_blender(path)
    data = sample_fit[1].read_bytes()
    for broken in (b"", b"nonsense", data[: len(data) // 2], data[:100]):
        path.write_bytes(broken)
        with pytest.raises(ModelError, match="cannot be read as a blender"):
            load_blender(path)
    save_file({"x": np.zeros(1)}, path)
    with pytest.raises(ModelError, match="is not a blender"):
        load_blender(path)
    save_file({"x": np.zeros(1)}, path, metadata={"skillsearch": '{"format": 2}'})
    with pytest.raises(ModelError, match="format 2, this program reads 1"):
        load_blender(path)
    features = '{"format": 1, "first": [[]], "second": null, "encoder": "e", "reranker": null, "facts": {}}'
    for header in ('{"format": 1}', '{"format": 1', "[" * 100_000, '{"format": Infinity}', features):
        save_file({"x": np.zeros(1)}, path, metadata={"skillsearch": header})
        with pytest.raises(ModelError, match="cannot be read as a blender"):
            load_blender(path)
    hidden = blender.first.hidden.copy()
    hidden[0, 0, 0] = np.nan
    save_blender(path, replace(blender, first=replace(blender.first, hidden=hidden)))
    with pytest.raises(ModelError, match=r"first\.hidden has numbers that are not finite"):
        load_blender(path)
    evidence = replace(blender.evidence, demand=blender.evidence.demand[:-1])
    save_blender(path, replace(blender, evidence=evidence))
    with pytest.raises(ModelError, match="demand has shape"):
        load_blender(path)
    needs = replace(blender.evidence.needs, columns=blender.evidence.needs.columns + 1000)
    save_blender(path, replace(blender, evidence=replace(blender.evidence, needs=needs)))
    with pytest.raises(ModelError, match="columns that do not exist"):
        load_blender(path)
    renamed = replace(blender.first, features=("other", *FIRST[1:]))
    save_blender(path, replace(blender, first=renamed))
    with pytest.raises(ModelError, match="this program computes"):
        load_blender(path)
    with pytest.raises(ModelError, match="cannot be written"):
        save_blender(tmp_path / "b.safetensors" / "below", blender)


# ---- the command line ----------------------------------------------------------------------------------


def test_from_judgements_to_a_blended_search(
    tmp_path: Path, taxonomy: Taxonomy, home: Path, models_folder: Path
) -> None:
    judgements = sample_judgements(tmp_path / "j.csv", taxonomy, occupations=10)
    output = tmp_path / "new" / "blender.safetensors"
    models = ("--set", f"models={models_folder}", "--set", "device=cpu")
    command = ("fit", "--judgements", str(judgements), "--output", str(output), "--folds", "2", *models)
    more = ("--json", "--learning-curve", "--set", "depth=20")
    done = run(*command, *more, home=home)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert [row["label"] for row in report["cross_validation"]] == [
        "retrieval alone",
        "fixed blend",
        "learned, without reranker",
        "learned",
    ]
    assert (report["titles"], report["unknown_skills"]) == (10, 1)
    assert "1 judged skills are not in the index" in done.stderr
    assert [point["titles"] for point in report["learning_curve"]] == [5]
    blender = load_blender(output)
    assert blender.facts["titles"] == 10
    assert blender.facts["cross_validation"] == report["cross_validation"]

    done = run(*command, home=home)
    assert done.returncode == 1
    assert "--force" in done.stderr
    done = run(*command, "--force", "--no-rerank", home=home)
    assert done.returncode == 0, done.stderr
    for text in ("learned, without reranker", "2-fold cross-validation", "MAP"):
        assert text in done.stdout
    assert load_blender(output).second is None

    search = ("search", "Chef", "--set", f"blender={output}", "--set", "demand_weight=2", *models)
    done = run(*search, "--explain", "1", "--set", "min_probability=0.1", home=home)
    assert done.returncode == 0, done.stderr
    for text in ("blender", "demand weight 2", "raises the score by"):
        assert text in done.stdout


def test_missing_judgements_are_told(home: Path) -> None:
    done = run("fit", "--judgements", "none", "--output", "b", home=home)
    assert (done.returncode, done.stdout) == (1, "")
    assert "none: no such file" in done.stderr
