"""A run that is stopped, killed or out of disk goes on, and ends with the weights of an unbroken one."""

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from transformers import TrainerCallback

from skillsearch.errors import TrainingError
from skillsearch.models.folder import ENCODER, RERANKER
from skillsearch.models.hub import fingerprint
from skillsearch.taxonomy.records import Taxonomy
from trainer.pair.config import TrainConfig, configure
from trainer.pair.run import train
from trainer.report import Reporter

STEPS = 6

VARIANTS = {
    "card": ("encoder.eval_steps=2", "reranker.eval_steps=2"),
    "average": ("encoder.average_ratio=0.5", "reranker.average_ratio=0.5"),
    "relations": (
        *("encoder.loss=relations", "encoder.both_directions=true", "encoder.mini_batch_size=16"),
        *("encoder.frequency_correction=true", "encoder.base_weight=0.2", "encoder.alias_weight=0.5"),
    ),
    "memory": (
        *("encoder.gradient_checkpointing=true", "encoder.gradient_accumulation=2"),
        *("encoder.trim_embeddings=true", "reranker.gradient_accumulation=2"),
    ),
    "cached": ("encoder.mini_batch_size=16", "encoder.both_directions=true"),
}


class StoppedError(Exception):
    """Stands for whatever ends a process."""


class StopAt(Reporter):
    """Ends the training of a model at a step."""

    def __init__(self, model: str, step: int) -> None:
        self.model, self.step = model, step

    def callback(self, name: str) -> TrainerCallback | None:
        return _StopAt(self.step) if name == self.model else None


class _StopAt(TrainerCallback):
    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_begin(self, _args: object, state: object, *_: object, **__: object) -> None:
        if state.global_step == self.step:  # type: ignore[attr-defined]
            raise StoppedError


def recipe(base: Path, *assignments: str) -> TrainConfig:
    return configure(
        "compact-card",
        values={
            "precision": "float32",
            "encoder": {"base": str(base), "eval_steps": None, "checkpoint_steps": 2},
            "reranker": {"base": str(base), "checkpoint_steps": 2},
        },
        assignments=assignments,
        max_steps=STEPS,
    )


def weights(folder: Path) -> list[str]:
    return [fingerprint(folder / part) for part in (ENCODER, RERANKER)]


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_stopped_run_gives_the_same_weights(
    variant: str, taxonomy: Taxonomy, bert_base: Path, tmp_path: Path
) -> None:
    config = recipe(bert_base, *VARIANTS[variant])
    whole = train(taxonomy, config, tmp_path / "whole", device="cpu")
    for model, step in ((ENCODER, 1), (ENCODER, 5), (RERANKER, 3)):
        with pytest.raises(StoppedError):
            train(taxonomy, config, tmp_path / "broken", device="cpu", reporter=StopAt(model, step))
        assert not (tmp_path / "broken").exists()
    report = train(taxonomy, config, tmp_path / "broken", device="cpu")
    assert report.resumed_from == {ENCODER: 4, RERANKER: 2}
    assert weights(tmp_path / "broken") == weights(tmp_path / "whole")
    assert report.metrics == whole.metrics
    assert report.kept_steps == whole.kept_steps
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken", "whole"]


def test_another_recipe_does_not_go_on(taxonomy: Taxonomy, bert_base: Path, tmp_path: Path) -> None:
    output = tmp_path / "models"
    with pytest.raises(StoppedError):
        train(taxonomy, recipe(bert_base), output, device="cpu", reporter=StopAt(ENCODER, 3))
    other = recipe(bert_base, "encoder.learning_rate=1e-3")
    with pytest.raises(TrainingError, match=r"unfinished run with another encoder: .*--restart"):
        train(taxonomy, other, output, device="cpu")
    assert list(tmp_path.glob(".models-run/encoder-checkpoints/checkpoint-2"))
    report = train(taxonomy, other, output, device="cpu", restart=True)
    assert report.resumed_from == {}


def test_a_checkpoint_that_was_cut_off_is_not_used(
    taxonomy: Taxonomy, bert_base: Path, tmp_path: Path
) -> None:
    config, output = recipe(bert_base), tmp_path / "models"
    train(taxonomy, config, tmp_path / "whole", device="cpu")
    with pytest.raises(StoppedError):
        train(taxonomy, config, output, device="cpu", reporter=StopAt(ENCODER, 5))
    last = tmp_path / ".models-run" / "encoder-checkpoints" / "checkpoint-4"
    (last / "complete").unlink()
    (last / "model.safetensors").write_bytes(b"half")
    assert train(taxonomy, config, output, device="cpu").resumed_from == {ENCODER: 2}
    assert weights(output) == weights(tmp_path / "whole")


class FullDisk(Reporter):
    """From a step of the encoder on, no file can grow beyond a few bytes."""

    def callback(self, name: str) -> TrainerCallback | None:
        return _Limit() if name == ENCODER else None


class _Limit(TrainerCallback):
    def on_step_begin(self, _args: object, state: object, *_: object, **__: object) -> None:
        if state.global_step == 3:  # type: ignore[attr-defined]
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


@pytest.fixture
def _no_limit_afterwards() -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.usefixtures("_no_limit_afterwards")
def test_a_full_disk_loses_no_checkpoint(taxonomy: Taxonomy, bert_base: Path, tmp_path: Path) -> None:
    config, output = recipe(bert_base), tmp_path / "models"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with pytest.raises(TrainingError, match="the one before it stays valid"):
        train(taxonomy, config, output, device="cpu", reporter=FullDisk())
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not output.exists()
    assert train(taxonomy, config, output, device="cpu").resumed_from == {ENCODER: 2}
    train(taxonomy, config, tmp_path / "whole", device="cpu")
    assert weights(output) == weights(tmp_path / "whole")


def test_a_killed_process_goes_on(bert_base: Path, tmp_path: Path) -> None:
    """SIGKILL in the middle of the encoder's training, then the same command again."""
    output = tmp_path / "models"
    command = [
        str(Path(sys.executable).with_name("skillsearch")),
        *("train", "--sample", "--preset", "compact-card", "--device", "cpu", "--output", str(output)),
        *("--encoder-base", str(bert_base), "--reranker-base", str(bert_base), "--max-steps", "60"),
        *(
            "--set",
            "encoder.eval_steps=none",
            "--set",
            "encoder.checkpoint_steps=5",
            "--set",
            "encoder.epochs=20",
        ),
        *("--set", "precision=float32"),
    ]
    environment = os.environ | {"SKILLSEARCH_HOME": str(tmp_path / "home")}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    checkpoints = tmp_path / ".models-run" / "encoder-checkpoints"
    deadline = time.monotonic() + 120
    while not list(checkpoints.glob("*/complete")):
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not output.exists()
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert "went on from step" in done.stdout
    whole = subprocess.run(
        [str(tmp_path / "whole") if part == str(output) else part for part in command],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert whole.returncode == 0, whole.stderr
    assert weights(output) == weights(tmp_path / "whole")
