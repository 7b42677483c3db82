"""A run that is stopped, killed or out of disk goes on, and ends with the weights of an unbroken one."""

import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from command import SKILLSEARCH

from skillsearch.errors import TrainingError
from skillsearch.models.hub import fingerprint
from skillsearch.models.pair import ENCODER, RERANKER
from skillsearch.progress import Advance, Progress, silent
from skillsearch.taxonomy.records import Taxonomy
from trainer.pair.config import PairConfig, configure_pair
from trainer.pair.run import train_pair
from trainer.run import Target, TrainReport

STEPS = 6

VARIANTS = {
    "card": ("encoder.eval_steps=2", "reranker.eval_steps=2"),
    "relations": (
        *("encoder.loss=relations", "encoder.both_directions=true", "encoder.mini_batch_size=16"),
        *("encoder.base_weight=0.2", "encoder.alias_weight=0.5"),
    ),
    "memory": (
        *("encoder.gradient_checkpointing=true", "encoder.gradient_accumulation=2"),
        *("encoder.trim_embeddings=true", "reranker.gradient_accumulation=2"),
    ),
    "cached": ("encoder.mini_batch_size=16", "encoder.both_directions=true"),
}


class StoppedError(Exception):
    """Stands for whatever ends a process."""


def stop_at(model: str, step: int, how: Callable[[], object]) -> Progress:
    """Progress that ends the training of a model after a step, before its checkpoint is written."""

    def begin(stage: str, _total: int | None = None, /) -> Advance:
        done = 0

        def advance(more: int, _note: str = "", /) -> None:
            nonlocal done
            done += more
            if stage == f"train the {model}" and done == step:
                how()

        return advance

    return begin


def stop() -> None:
    raise StoppedError


def recipe(base: Path, *assignments: str) -> PairConfig:
    return configure_pair(
        "compact-card",
        values={
            "precision": "float32",
            "encoder": {"base": str(base), "eval_steps": None, "checkpoint_steps": 2},
            "reranker": {"base": str(base), "checkpoint_steps": 2},
        },
        assignments=[*assignments, f"max_steps={STEPS}"],
    )


def train(
    taxonomy: Taxonomy,
    config: PairConfig,
    output: Path,
    progress: Progress = silent,
    *,
    restart: bool = False,
) -> TrainReport:
    return train_pair(taxonomy, config, Target(output, "cpu", restart=restart), progress)


def weights(folder: Path) -> list[str]:
    return [fingerprint(folder / part) for part in (ENCODER, RERANKER)]


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_stopped_run_gives_the_same_weights(
    variant: str, taxonomy: Taxonomy, bert_base: Path, tmp_path: Path
) -> None:
    config = recipe(bert_base, *VARIANTS[variant])
    whole = train(taxonomy, config, tmp_path / "whole")
    for model, step in ((ENCODER, 1), (ENCODER, 5), (RERANKER, 3)):
        with pytest.raises(StoppedError):
            train(taxonomy, config, tmp_path / "broken", stop_at(model, step, stop))
        assert not (tmp_path / "broken").exists()
    report = train(taxonomy, config, tmp_path / "broken")
    assert report.resumed_from == {ENCODER: 4, RERANKER: 2}
    assert weights(tmp_path / "broken") == weights(tmp_path / "whole")
    assert report.metrics == whole.metrics
    assert report.kept_steps == whole.kept_steps
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken", "whole"]


def test_another_recipe_does_not_go_on(taxonomy: Taxonomy, bert_base: Path, tmp_path: Path) -> None:
    output = tmp_path / "models"
    with pytest.raises(StoppedError):
        train(taxonomy, recipe(bert_base), output, stop_at(ENCODER, 3, stop))
    other = recipe(bert_base, "encoder.learning_rate=1e-3")
    with pytest.raises(TrainingError, match=r"unfinished run with another encoder: .*--set restart=true"):
        train(taxonomy, other, output)
    assert list(tmp_path.glob(".models-run/encoder-checkpoints/checkpoint-2"))
    report = train(taxonomy, other, output, restart=True)
    assert report.resumed_from == {}


def test_a_checkpoint_that_was_cut_off_is_not_used(
    taxonomy: Taxonomy, bert_base: Path, tmp_path: Path
) -> None:
    config, output = recipe(bert_base), tmp_path / "models"
    train(taxonomy, config, tmp_path / "whole")
    with pytest.raises(StoppedError):
        train(taxonomy, config, output, stop_at(ENCODER, 5, stop))
    last = tmp_path / ".models-run" / "encoder-checkpoints" / "checkpoint-4"
    (last / "complete").unlink()
    (last / "model.safetensors").write_bytes(b"half")
    assert train(taxonomy, config, output).resumed_from == {ENCODER: 2}
    assert weights(output) == weights(tmp_path / "whole")


def fill_the_disk() -> None:
    """From now on, no file can grow beyond a few bytes."""
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
        train(taxonomy, config, output, stop_at(ENCODER, 3, fill_the_disk))
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not output.exists()
    assert train(taxonomy, config, output).resumed_from == {ENCODER: 2}
    train(taxonomy, config, tmp_path / "whole")
    assert weights(output) == weights(tmp_path / "whole")


def test_a_killed_process_goes_on(bert_base: Path, tmp_path: Path) -> None:
    """SIGKILL in the middle of the encoder's training, then the same command again."""
    output = tmp_path / "models"
    options = {
        "device": "cpu",
        "precision": "float32",
        "max_steps": 60,
        "encoder.base": bert_base,
        "reranker.base": bert_base,
        "encoder.eval_steps": "none",
        "encoder.checkpoint_steps": 5,
        "encoder.epochs": 20,
    }
    command = [SKILLSEARCH, "train", "--sample", "--preset", "compact-card", "--output", str(output)]
    command += [part for name, value in options.items() for part in ("--set", f"{name}={value}")]
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
    assert "resumed from step" in done.stdout
    whole = subprocess.run(
        [str(tmp_path / "whole") if part == str(output) else part for part in command],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert whole.returncode == 0, whole.stderr
    assert weights(output) == weights(tmp_path / "whole")
