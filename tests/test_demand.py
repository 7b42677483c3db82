"""Demand: its features, its model, what it does to the blend, and how it is fitted."""

import json
from collections.abc import Mapping
from dataclasses import replace
from math import log, log1p, nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command import run

from skillsearch import SkillSearch
from skillsearch.rank.demand import (
    FEATURES,
    MOST,
    DemandModel,
    demand_features,
    own_demand,
    skill_payloads,
    title_hash,
)
from skillsearch.rank.fuse import fuse
from skillsearch.tasks.kept_files import kept_in
from skillsearch.taxonomy.records import Taxonomy
from trainer.blend.prior import FitOptions, fit_scores
from trainer.evaluate.benchmark import Benchmark, Document
from trainer.evaluate.esco import without_relations
from trainer.evaluate.scores import Scores


def payload(uri: str, label: str, **more: str | list[str]) -> Mapping[str, Any]:
    facts = dict.fromkeys(("description", "reuse_level", "skill_type"), "")
    lists: dict[str, list[str]] = {
        f"{name}_{kind}": [] for name in ("occupations", "isco_groups") for kind in ("essential", "optional")
    }
    return {"uri": uri, "label": label, "collections": [], **facts, **lists, **more}


def test_features_by_hand() -> None:
    table = demand_features(
        [
            payload(
                "a",
                "manage Time",
                description="time, and time again",
                reuse_level="transversal",
                skill_type="skill",
                collections=["transversal", "green"],
                occupations_essential=["x", "y"],
                isco_groups_essential=["2", "25", "2512", "http://data.europa.eu/esco/isco/C2", "3"],
            ),
            payload(
                "b", "welding", description="Manage heat", skill_type="knowledge", collections=["digital"]
            ),
            payload("c", "…", occupations_optional=["x"], isco_groups_optional=["7"]),
        ]
    )
    half, third = log(2 / 4), log(1 / 4)  # words of one description of three, and of none
    expected = [
        [4, 0, log1p(2), 0, 2, 0, 1, 0, half, half],
        [nan, 1, 0, 0, 0, 0, 0, 1, third, third],
        [nan, nan, 0, log1p(1), 0, 1, 0, 0, nan, nan],
    ]
    np.testing.assert_allclose(table, expected)
    assert table.shape == (3, len(FEATURES))


def test_what_a_taxonomy_does_not_say_is_neutral() -> None:
    bare = [payload("a", "one"), payload("b", "two")]
    assert np.isnan(demand_features(bare)).all()
    assert own_demand().by_uri(bare) == {"a": 0.0, "b": 0.0}
    assert own_demand().by_uri([]) == {}


def test_a_model_by_hand() -> None:
    model = DemandModel((1.0,) * 10, (2.0,) * 10, (0.03, -0.2, *[0.0] * 8))
    table = np.ones((5, 10))
    table[0, 0], table[1, 0], table[2, 1], table[3, 1], table[4, 1] = 3, 100, nan, 3, -3
    # one deviation above; a feature counts up to three; not known; below without limit, above up to the limit
    np.testing.assert_allclose(model.of(table), [0.03, 0.09, 0.0, -0.2, MOST])


def test_the_model_of_the_package_finds_general_skills_in_demand() -> None:
    model = own_demand()
    assert len(model.weights) == len(model.means) == len(model.deviations) == len(FEATURES)
    assert min(model.deviations) > 0
    assert len(model.titles) == 152
    weights = dict(zip(FEATURES, model.weights, strict=True))
    assert weights["transversal"] > 0
    assert weights["reuse_level"] > 0


def test_demand_moves_no_candidate_over_those_that_were_reranked() -> None:
    # head: minmax 1 and 0, logits 0 and 1; below: -0.5 at most, with demand far above
    found = fuse([0.9, 0.5, 0.4, 0.3], [0, 1], 0.5, [0.0, 0.25, 9.0, 9.5])
    np.testing.assert_allclose(found[:2], [0.5, 0.75])
    np.testing.assert_allclose(found[2:], [0.5 - 0.375, 0.5])  # 8.875 and 9.25, lowered by 8.75
    np.testing.assert_allclose(
        fuse([0.9, 0.5, 0.4], [0, 1], 0.5, [0, 0, 0]), fuse([0.9, 0.5, 0.4], [0, 1], 0.5)
    )
    assert fuse([], [], 0.5, []).tolist() == []
    np.testing.assert_allclose(fuse([0.9, 0.5], [], 0.5, [1, 2]), [1, 2])


def test_a_home_keeps_demand_and_makes_it_again_where_it_is_damaged(
    home: Path, models_folder: Path, taxonomy: Taxonomy
) -> None:
    path = home / "demand.json"
    texts = []
    for damage in (None, "{", "[]", '{"builds": [1]}', json.dumps({"build": "other", "skills": {}})):
        if damage is not None:
            path.write_text(damage, encoding="utf-8")
        with SkillSearch.open(home=home, models=str(models_folder), device="cpu") as client:
            client.search("Chef", limit=5)
        texts.append(path.read_text(encoding="utf-8"))
    assert len(set(texts)) == 1
    (kept,) = json.loads(texts[0])["builds"].values()
    assert kept["skills"] == pytest.approx(own_demand().by_uri(skill_payloads(taxonomy)))


def test_a_file_keeps_what_was_learned_of_two_builds(tmp_path: Path) -> None:
    learned: list[str] = []

    def learn(build: str) -> str:
        def make() -> str:
            learned.append(build)
            return f"of {build}"

        return kept_in(
            tmp_path / "kept.json",
            build,
            make,
            read=lambda values: str(values["told"]),
            write=lambda made: {"told": made},
        )

    for build in ("one", "two", "one", "two", "three", "two", "one"):
        assert learn(build) == f"of {build}"
    assert learned == ["one", "two", "three", "one"]


def test_held_out_occupations_tell_nothing(taxonomy: Taxonomy) -> None:
    uri = next(iter(taxonomy.relations_by_occupation))
    hidden = without_relations(taxonomy, [uri])
    assert uri not in hidden.relations_by_occupation
    assert len(hidden.relations) == len(taxonomy.relations) - len(taxonomy.relations_by_occupation[uri])


# ---- the fit ------------------------------------------------------------------------------------------


def made_up(*, follows: bool) -> tuple[Benchmark, Scores, np.ndarray, np.ndarray]:
    """40 titles and 120 skills; what is relevant follows the first feature, or nothing."""
    draw = np.random.default_rng(3)
    features = np.full((130, len(FEATURES)), nan)
    features[:, :2] = draw.normal(size=(130, 2))
    chance = 1 / (1 + np.exp(2 - 2 * features[:120, 0])) if follows else np.full(120, 0.15)
    relevant = draw.random((40, 120)) < chance
    relevant[:, :2] = True
    titles = {f"q{row}": f"title {row}" for row in range(40)}
    documents = {f"d{column:03}": Document(f"d{column:03}", str(column), ("x",)) for column in range(120)}
    qrels = {
        query: {name: 1 for name, right in zip(documents, row, strict=True) if right}
        for query, row in zip(titles, relevant, strict=True)
    }
    noise = draw.normal(size=(2, 40, 120)).astype(np.float32)
    scores = Scores(tuple(titles), tuple(documents), noise[0], noise[1], 120)
    return Benchmark("b", titles, documents, qrels), scores, features, np.arange(120)


def test_a_fit_finds_the_feature_that_matters() -> None:
    benchmark, scores, features, places = made_up(follows=True)
    model, crossed, chosen = fit_scores(benchmark, scores, features, places, 0.7, FitOptions())
    assert len(chosen) == 6
    assert min(chosen) > 0
    assert model.weights[0] > 3 * abs(model.weights[1])
    assert model.weights[2:] == (0.0,) * 8
    assert np.corrcoef(crossed[0], features[:120, 0])[0, 1] > 0.9
    assert model.titles == tuple(sorted(map(title_hash, benchmark.queries.values())))
    again = fit_scores(benchmark, scores, features, places, 0.7, FitOptions())
    assert (again[0], again[2]) == (model, chosen)


def test_a_skill_and_a_title_say_nothing_of_themselves() -> None:
    """Other judgements of one title, or of one skill, leave what demand adds for them as it is."""
    benchmark, scores, features, places = made_up(follows=True)
    _, before, weights = fit_scores(benchmark, scores, features, places, 0.7, FitOptions())
    qrels = {query: dict(grades) for query, grades in benchmark.qrels.items()}
    qrels["q0"] = {name: 1 for name in benchmark.documents if name not in qrels["q0"]}
    changed = replace(benchmark, qrels=qrels)
    _, after, others = fit_scores(changed, scores, features, places, 0.7, FitOptions())
    fold = [
        row for row in range(40) if weights[:-1] == others[:-1] and np.array_equal(before[row], after[row])
    ]
    assert 0 in fold  # the rows of its fold; other folds learned from it
    assert len(fold) == 8


def test_skills_that_the_taxonomy_lacks_are_neutral() -> None:
    benchmark, scores, features, places = made_up(follows=True)
    places = np.where(np.arange(120) < 5, -1, places)
    _, crossed, _ = fit_scores(benchmark, scores, features, places, 0.7, FitOptions())
    assert (crossed[:, :5] == 0).all()


def test_the_command_writes_coefficients_and_tells_bad_input(
    tmp_path: Path, taxonomy: Taxonomy, home: Path, models_folder: Path
) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    jobs = sorted(taxonomy.relations_by_occupation)[:10]
    lines = {
        "queries": ["q_id\tjobtitle", *(f"{uri}\t{taxonomy.occupations[uri].label}" for uri in jobs)],
        "corpus_elements": [
            "c_id\tesco_uri\tskill_aliases",
            *(f"{uri}\t{uri}\t['{number}']" for number, uri in enumerate(taxonomy.skills)),
        ],
        "qrels.tsv": [
            f"{uri}\t0\t{skill}\t1"
            for uri in jobs
            for skill in sorted({one.skill for one in taxonomy.relations_by_occupation[uri]})
        ],
    }
    for name, rows in lines.items():
        (folder / name).write_text("\n".join(rows) + "\n", encoding="utf-8")
    output = tmp_path / "demand.json"
    common = ("--sample", "--models", str(models_folder), "--set", "device=cpu", "--set", "depth=20")
    command = ("evaluate", "demand", "--data", str(folder), *common)
    done = run(*command, "--folds", "2", "--coefficients", str(output), "--json", home=home)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    labels = [row["label"].removesuffix(", titles and skills left out") for row in report["rows"]]
    assert labels == ["blend alpha=0.7", "blend alpha=0.7, demand"]
    assert len(report["weights"]) == 3
    written = json.loads(output.read_text(encoding="utf-8"))
    assert len(written["weights"]) == len(written["features"]) == len(FEATURES)
    assert written["fitted_on"].startswith("set: 10 titles")

    (folder / "corpus_elements").write_text(
        "c_id\tesco_uri\tskill_aliases\na\turn:a\t['a']\nb\turn:b\t['b']\n", encoding="utf-8"
    )
    (folder / "qrels.tsv").write_text(
        "".join(f"{uri}\t0\t{name}\t1\n" for uri, name in zip(jobs, "ab" * 5, strict=True)), encoding="utf-8"
    )
    done = run(*command, home=home)
    assert (done.returncode, done.stdout) == (1, "")
    assert "0 of its skills are in sample" in " ".join(done.stderr.split())
