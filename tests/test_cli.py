"""The commands as a person or a script runs them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from command import run, run_process

from indexer.read.esco import sample_path


def test_from_a_release_to_ranked_skills(tmp_path: Path, bert_base: Path) -> None:
    """Train, index and search the sample, with the smallest of models."""
    base = str(bert_base)
    done = run(
        *("train", "--sample", "--set", "max_steps=2", "--set", "device=cpu", "--json"),
        *("--set", f"encoder.base={base}", "--set", f"reranker.base={base}"),
        home=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["steps"] == {"encoder": 2, "reranker": 2, "distilled": 19}
    assert set(report["metrics"]) == {
        *("encoder_untrained", "encoder", "reranker", "majority_class", "distilled")
    }

    done = run("train", "--sample", home=tmp_path)
    assert done.returncode == 1
    assert "--force" in done.stderr

    done = run("reindex", "--sample", "--json", home=tmp_path)
    assert done.returncode == 0, done.stderr
    build = json.loads(done.stdout)["build"]
    (part,) = build["parts"]
    assert (part["taxonomy"], part["version"], part["skills"]) == ("sample", "1.0.0", 412)

    done = run("status", "--json", home=tmp_path)
    assert json.loads(done.stdout)["published"] == build
    done = run("status", home=tmp_path)
    assert build["name"] in done.stdout

    done = run_process("search", "Data Scientist", "Chef", "-n", "3", "--json", home=tmp_path)
    assert done.returncode == 0, done.stderr
    first, second = map(json.loads, done.stdout.splitlines())
    assert (first["title"], second["title"]) == ("Data Scientist", "Chef")
    assert [hit["rank"] for hit in first["hits"]] == [1, 2, 3]

    done = run(
        *("search", "Data Scientist", "--explain", "1", "--collection", "digital", "--type", "knowledge"),
        home=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    for text in ("relevance", "reuse level", "logit of core", "sample 1.0.0 (en)"):
        assert text in done.stdout

    done = run("search", "Data Scientist", "--collection", "digitl", home=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "did you mean 'digital'" in done.stderr


def test_two_processes_train_one_model(tmp_path: Path, bert_base: Path) -> None:
    """As on two GPUs: accelerate starts the command twice, and one of them writes."""
    base = str(bert_base)
    launch = "launch --cpu --num_processes 2 --num_machines 1 --mixed_precision no --dynamo_backend no"
    settings = ("device=cpu", "max_steps=4", "encoder.eval_steps=2")
    bases = (f"encoder.base={base}", f"reranker.base={base}")
    done = subprocess.run(
        [
            *(str(Path(sys.executable).with_name("accelerate")), *launch.split(), "-m", "skillsearch"),
            *("train", "--sample", "--preset", "compact-card", "--json"),
            *(part for setting in settings + bases for part in ("--set", setting)),
        ],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"SKILLSEARCH_HOME": str(tmp_path), "OMP_NUM_THREADS": "1"},
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["steps"] == {"encoder": 4, "reranker": 4}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["models"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("search", "Chef"), "no index is published"),
        (("status",), "no index is published"),
        (("reindex", "--sample"), "no models at"),
        (("train",), "give either --esco"),
        (("train", "--esco", "x.zip", "--sample"), "give either --esco"),
        (("train", "--esco", "missing.zip"), "missing.zip"),
        (("train", "--sample", "--preset", "huge"), "unknown preset 'huge'"),
        (("train", "--sample", "--set", "encoder.epochs=0"), "encoder.epochs"),
        (("train", "--sample", "--config", "missing.toml"), "missing.toml cannot be read"),
        (("train", "--sample", "--talentclef", "x"), "give one of"),
        (("train", "--talentclef", "missing"), "missing cannot be read"),
        (("train", "--sample", "--set", "encoder.base=./missing"), "no model at"),
        (("train", "--sample", "--preset", "skillscout"), "searched with, not trained"),
        (("train", "--sample", "--set", "holdout=1.5"), "holdout"),
        (("train", "--sample", "--set", "device=warp"), "device 'warp'"),
    ],
)
def test_an_error_is_one_line_and_exit_code_1(
    arguments: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    done = run(*arguments, home=tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith("error: ")


def test_a_wrong_setting_is_told(tmp_path: Path) -> None:
    done = run("status", home=tmp_path, SKILLSEARCH_ALPHA="2")
    assert done.returncode == 1
    assert "alpha" in done.stderr


def test_a_broken_release_publishes_nothing(tmp_path: Path, models_folder: Path) -> None:
    broken = tmp_path / "ESCO dataset - v9.9.9 - classification - en - csv"
    broken.mkdir()
    for path in sample_path().glob("*.csv"):
        (broken / path.name).write_bytes(path.read_bytes())
    with (broken / "occupationSkillRelations.csv").open("a", encoding="utf-8") as file:
        file.write("https://example.org/a,mandatory,knowledge,https://example.org/b\n")
    done = run("reindex", "--esco", str(broken), "--set", f"models={models_folder}", home=tmp_path)
    assert done.returncode == 1
    assert "column relationType: unknown value 'mandatory'" in done.stderr
    assert not (tmp_path / "index").exists()


def test_help_has_examples(tmp_path: Path) -> None:
    for command in ("search", "reindex", "status", "train", "evaluate talentclef", "evaluate esco"):
        done = run(*command.split(), "--help", home=tmp_path)
        assert done.returncode == 0
        assert f"skillsearch {command}" in done.stdout
