"""Measuring a learned blend: on titles that are new to it, in the order that a search gives."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from command import run

from skillsearch import SkillSearch
from skillsearch.errors import EvaluationError
from skillsearch.rank.blender import load_blender, save_blender
from skillsearch.taxonomy.records import Taxonomy
from trainer.blend.measure import FITTED_TITLES, unseen
from trainer.evaluate.benchmark import Benchmark, Document

FITTED = 10
NEW = 4


@pytest.fixture(scope="module")
def options(models_folder: Path) -> tuple[str, ...]:
    return ("--set", f"models={models_folder}", "--set", "device=cpu", "--set", "depth=500")


@pytest.fixture(scope="module")
def titles(taxonomy: Taxonomy) -> list[str]:
    """URIs of occupations with different labels: those that the blend is fitted on, then new ones."""
    labels = {taxonomy.occupations[uri].label: uri for uri in sorted(taxonomy.relations_by_occupation)}
    return list(labels.values())[: FITTED + NEW]


@pytest.fixture(scope="module")
def blender(
    tmp_path_factory: pytest.TempPathFactory,
    taxonomy: Taxonomy,
    home: Path,
    titles: list[str],
    options: tuple[str, ...],
) -> Path:
    """A blend with both heads, fitted on the first titles."""
    folder = tmp_path_factory.mktemp("measured")
    rows = [
        f'"{taxonomy.occupations[uri].label}",{relation.skill},1'
        for uri in titles[:FITTED]
        for relation in taxonomy.relations_by_occupation[uri]
    ]
    (folder / "j.csv").write_text("\n".join(["title,skill,grade", *rows]), encoding="utf-8")
    path = folder / "blender.safetensors"
    command = ("fit", "--judgements", str(folder / "j.csv"), "--output", str(path), "--folds", "2")
    done = run(*command, *options, home=home)
    assert done.returncode == 0, done.stderr
    return path


def write_set(folder: Path, taxonomy: Taxonomy, occupations: list[str]) -> Path:
    """TalentCLEF's files for occupations and all skills, and one skill that no index has."""
    folder.mkdir()
    skills = sorted(taxonomy.skills)
    corpus = [f"{uri}\t{uri}\t{[taxonomy.skills[uri].label]!r}" for uri in skills]
    queries = [f"{uri}\t{taxonomy.occupations[uri].label}" for uri in occupations]
    qrels = [
        f"{uri}\t0\t{skill}\t1"
        for uri in occupations
        for skill in sorted({relation.skill for relation in taxonomy.relations_by_occupation[uri]})
    ]
    corpus.append("new\turn:new\t['saw wood']")
    qrels.append(f"{occupations[-1]}\t0\tnew\t1")
    for name, header, lines in (
        ("queries", ["q_id\tjobtitle"], queries),
        ("corpus_elements", ["c_id\tesco_uri\tskill_aliases"], corpus),
        ("qrels.tsv", [], qrels),
    ):
        (folder / name).write_text("\n".join([*header, *lines]) + "\n", encoding="utf-8")
    return folder


def test_new_titles_are_measured_in_the_order_of_a_search(
    tmp_path: Path,
    taxonomy: Taxonomy,
    home: Path,
    models_folder: Path,
    titles: list[str],
    blender: Path,
    options: tuple[str, ...],
) -> None:
    data = write_set(tmp_path / "set", taxonomy, titles[FITTED - 1 :])
    command = ("evaluate", "talentclef", "--data", str(data), "--blender", str(blender), *options)
    done = run(*command, "--json", "--output", str(tmp_path / "out"), home=home)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert [row["label"] for row in report["rows"]] == [
        "retrieval alone",
        "learned, without reranker",
        "learned",
    ]
    size = len(taxonomy.skills) + 1
    assert report["benchmark"]["queries"] == NEW
    assert (report["benchmark"]["documents"], report["unknown_skills"]) == (size, 1)
    label = taxonomy.occupations[titles[FITTED - 1]].label
    assert f"1 titles that blender.safetensors was fitted on are left out ({label})" in report["warnings"][0]
    assert report["blend_ms_per_title"] < 100

    (path,) = (tmp_path / "out").glob("*.trec")
    lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines()]
    found = [line[2] for line in lines if line[0] == titles[FITTED]]
    assert len(found) == size  # the skill that is not in the index is ranked too
    assert "new" in found
    with SkillSearch.open(
        home=home, models=str(models_folder), device="cpu", blender=blender, depth=500
    ) as client:
        result = client.search(taxonomy.occupations[titles[FITTED]].label, limit=30)
    assert [hit.uri for hit in result.hits][:10] == [uri for uri in found if uri != "new"][:10]


def test_fitted_titles_alone_and_what_does_not_go_together_are_refused(
    tmp_path: Path, taxonomy: Taxonomy, home: Path, titles: list[str], blender: Path, options: tuple[str, ...]
) -> None:
    data = write_set(tmp_path / "set", taxonomy, titles[:FITTED])
    command = ("evaluate", "talentclef", "--data", str(data), "--blender", str(blender), *options)
    for more, message in (
        ((), f"was fitted on all {FITTED} judged titles of set"),
        (("--sweep", "alpha"), "--sweep varies the fixed blend"),
        (("--run", "run.trec"), "does not go with --run"),
        (("--reranker", "late-interaction"), "was fitted for the cross-encoder"),
    ):
        done = run(*command, *more, home=home)
        assert (done.returncode, done.stdout) == (1, ""), more
        assert message in " ".join(done.stderr.split())
    done = run(*command[:5], str(tmp_path / "none"), *options, home=home)
    assert done.returncode == 1
    assert "no blender at" in done.stderr


def test_a_blend_that_does_not_say_what_it_was_fitted_on_is_refused(tmp_path: Path, blender: Path) -> None:
    loaded = load_blender(blender)
    assert len(loaded.facts[FITTED_TITLES]) == FITTED
    benchmark = Benchmark("b", {"q": "Chef"}, {"d": Document("d", "u", ("cook",))}, {"q": {"d": 1}})
    for value in (None, "Chef", [1]):
        save_blender(tmp_path / "b", replace(loaded, facts={FITTED_TITLES: value}))
        with pytest.raises(EvaluationError, match="does not say which titles"):
            unseen(benchmark, load_blender(tmp_path / "b"), tmp_path / "b")


def test_titles_are_known_by_what_spellings_share(blender: Path) -> None:
    loaded = replace(load_blender(blender), facts={FITTED_TITLES: ["Head  Chef"]})
    documents = {"d": Document("d", "u", ("cook",))}
    judged = Benchmark("b", {"q": "head chef", "r": "Baker"}, documents, {"q": {"d": 1}, "r": {"d": 1}})
    left, warnings = unseen(judged, loaded, blender)
    assert (left.queries, left.qrels) == ({"r": "Baker"}, {"r": {"d": 1}})
    assert len(warnings) == 1
    other = replace(judged, queries={"r": "Baker"}, qrels={"r": {"d": 1}})
    assert unseen(other, loaded, blender) == (other, ())
