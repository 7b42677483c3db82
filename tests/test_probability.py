"""Probabilities of hits: what a calibrator sees, what it makes of it, its file, and how it is fitted."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from command import run
from hash_encoder import HashEncoder

from skillsearch import SkillSearch
from skillsearch.errors import ModelError
from skillsearch.models.calibration import (
    CALIBRATION,
    Calibration,
    Calibrator,
    read_calibration,
    write_calibration,
)
from skillsearch.models.pair import RECORD
from skillsearch.models.protocols import Encoder
from skillsearch.rank.candidates import Candidate
from skillsearch.rank.late_interaction import LateInteractionRanker
from skillsearch.rank.logistic import fit_logistic, logistic
from skillsearch.rank.probability import features, keep_probable, with_probabilities
from skillsearch.rank.ranker import NoReranking
from skillsearch.taxonomy.records import Taxonomy
from trainer.calibrate.run import calibrate

LOGITS = (0.0, np.log(3.0), 0.0)  # contextual and core together are four times as likely as irrelevant

CANDIDATES = [
    Candidate("s:1", "a", 0.7, 1.0, logits=LOGITS, rerank_score=0.0),
    Candidate("s:2", "b", 0.8, 0.5, logits=(0.0, 0.0, 0.0), rerank_score=0.0),
    Candidate("s:3", "c", 0.6, 0.0),
]


def test_a_calibrator_sees_cosine_rank_and_reranker() -> None:
    table = features(CANDIDATES)
    assert table[0] == pytest.approx([1, 0.7, 0.1, 0, np.log(4), 0])
    assert table[1] == pytest.approx([1, 0.8, 0, np.log(2), np.log(2), np.log(2)])
    assert table[2, :4] == pytest.approx([1, 0.6, 0.2, np.log(3)])
    assert np.isnan(table[2, 4:]).all()
    assert features([]).shape == (0, 6)


def test_what_the_reranker_did_not_score_has_the_calibrator_of_the_search() -> None:
    calibrators = {
        "late-interaction": Calibrator(weights=(0.0, 0.0, 0.0, 0.0, 1.0, 0.0)),
        "none": Calibrator(weights=(0.0, 10.0, 0.0, 0.0)),
    }
    ranker = LateInteractionRanker(HashEncoder())
    found = [one.probability for one in with_probabilities(CANDIDATES, ranker, calibrators)]
    assert found == pytest.approx([4 / 5, 2 / 3, 1 / (1 + np.exp(-6))])
    plain = with_probabilities(CANDIDATES[2:], NoReranking(), calibrators)
    assert plain[0].probability == pytest.approx(1 / (1 + np.exp(-6)))
    assert with_probabilities(CANDIDATES[2:], NoReranking(), {})[0].probability is None
    raw = with_probabilities(CANDIDATES, NoReranking(), {})
    assert raw[0].probability == pytest.approx(4 / 5)  # the classes as they are
    assert [one.uri for one in keep_probable(raw, 0.7)] == ["s:1"]
    assert keep_probable(raw, None) == raw


def test_a_logistic_regression_finds_the_weights_that_made_the_truth() -> None:
    rng = np.random.default_rng(0)
    table = np.column_stack([np.ones(20_000), rng.normal(size=20_000)])
    truth = (rng.random(20_000) < logistic(table @ np.array([-1.0, 2.0]))).astype(np.float64)
    assert fit_logistic(table, truth) == pytest.approx([-1.0, 2.0], abs=0.1)
    assert np.abs(fit_logistic(table, truth, ridge=1e9)).max() < 1e-3
    # rows that count nothing change nothing
    counts = (np.arange(20_000) < 10_000).astype(np.float64)
    half = fit_logistic(table[:10_000], truth[:10_000])
    assert fit_logistic(table, truth, counts=counts) == pytest.approx(half)


def test_a_calibration_is_kept_beside_its_models(encoder: Encoder, tmp_path: Path) -> None:
    made = Calibration(
        encoder=encoder.folder.fingerprint,
        rerankers={"cross-encoder": "one"},
        fitted_on="a sample",
        tasks={"title-to-skills": {"none": Calibrator(weights=(0.0, 1.0, 2.0, 3.0))}},
    )
    assert read_calibration(tmp_path, encoder.folder, {}) is None
    write_calibration(tmp_path, made)
    assert read_calibration(tmp_path, encoder.folder, {}) == made
    assert read_calibration(tmp_path, encoder.folder, {"distilled": encoder.folder}) == made
    assert read_calibration(tmp_path, encoder.folder, {"cross-encoder": encoder.folder}) is None
    write_calibration(tmp_path, made.model_copy(update={"encoder": "another"}))
    assert read_calibration(tmp_path, encoder.folder, {}) is None
    for broken in ("{", '{"encoder": 1}', made.model_dump_json().replace("3.0", '"much"')):
        (tmp_path / CALIBRATION).write_text(broken, encoding="utf-8")
        with pytest.raises(ModelError, match=r"calibration\.json.*skillsearch calibrate"):
            read_calibration(tmp_path, encoder.folder, {})


def test_too_few_occupations_give_no_calibration(encoder: Encoder, taxonomy: Taxonomy) -> None:
    one = next(iter(taxonomy.relations_by_occupation))
    report = calibrate(taxonomy, encoder, None, [one])
    assert "title-to-skills" not in {reported.task for reported in report.reported}


def test_the_command_calibrates_what_a_search_shows(
    home: Path, models_folder: Path, taxonomy: Taxonomy, tmp_path: Path
) -> None:
    models = tmp_path / "models"
    shutil.copytree(models_folder, models)
    settings = {"SKILLSEARCH_MODELS": str(models), "SKILLSEARCH_DEVICE": "cpu"}
    done = run("calibrate", "--sample", home=home, **settings)
    assert done.returncode == 1
    assert "does not say which occupations it held out" in " ".join(done.stderr.split())
    held_out = sorted(taxonomy.relations_by_occupation)
    (models / RECORD).write_text(json.dumps({"held_out_occupations": held_out}), encoding="utf-8")
    done = run("calibrate", "--sample", "--json", home=home, **settings)
    assert done.returncode == 0, done.stderr
    reported = {(one["task"], one["reranker"]): one for one in json.loads(done.stdout)}
    assert {task for task, _ in reported} >= {"title-to-skills", "skill-to-titles"}
    assert reported["title-to-skills", "cross-encoder"]["before"] is not None
    for one in reported.values():
        assert 0 <= one["error"] <= 1
        assert sum(group["count"] for group in one["bins"]) <= one["candidates"]
    with SkillSearch.open(home=home, models=str(models), device="cpu") as client:
        calibration = client._engine.calibration
        assert calibration is not None
        found = client.search("Chef", limit=5)
        shares = [hit.probability for hit in found]
        assert all(share is not None and 0 < share < 1 for share in shares)
        assert shares != [hit.probabilities and hit.probabilities.relevant for hit in found]
        assert all(hit.probability for hit in client.search("Chef", limit=5, rerank=False))
        assert all(hit.probability for hit in client.titles_for("bookkeeping", limit=5))
    done = run("search", "Chef", "--limit", "3", home=home, **settings)
    assert "probability" in done.stdout
    (models / CALIBRATION).write_text("[]", encoding="utf-8")
    done = run("search", "Chef", home=home, **settings)
    assert done.returncode == 1
    assert "calibration.json" in done.stderr
