"""Training and measuring the variants of an experiment; what is done is kept, so that a run can go on."""

import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skillsearch.errors import TrainingError
from skillsearch.models.encoder import new_encoder
from trainer.evaluate.workbench.models import make_scorer
from trainer.evaluate.workbench.runner import evaluate_workbench
from trainer.evaluate.workbench.tasks import WorkBench
from trainer.experiments.designs import Design, Reading, Variant
from trainer.pair.config import changed
from trainer.unified.config import UnifiedConfig
from trainer.unified.graph import WorkGraph
from trainer.unified.train import train_unified

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = ["Record", "run_design"]


@dataclass(frozen=True, slots=True)
class Record:
    """One trained model read in one way.

    Attributes:
        table: of the experiment.
        variant: the row.
        reading: how it was read.
        seed: of the training; None for the untrained base.
        maps: MAP by type of task.
        average: their mean.
        seconds: that the training took; 0 for the untrained base.
    """

    table: str
    variant: str
    reading: str
    seed: int | None
    maps: dict[str, float]
    average: float
    seconds: float


def run_design(
    design: Design,
    graph: WorkGraph,
    config: UnifiedConfig,
    tasks: WorkBench,
    *,
    seeds: Sequence[int],
    folder: Path,
    device: str,
    advance: Callable[[int], object] | None = None,
) -> list[Record]:
    """Train every variant with every seed, and read it in each of its ways.

    Args:
        design: the variants.
        graph: what is learned.
        config: what the variants change.
        tasks: what is measured on, as it is: sample it before.
        seeds: at least one.
        folder: keeps the figures of each model under a name made of all that they depend on.
        device: to train on.
        advance: called with the number of models done.

    Raises:
        TrainingError: see `train_unified`; or figures that were kept cannot be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    records: list[Record] = []
    for variant in design.variants:
        for seed in seeds if variant.changes is not None else (None,):
            wanted = config if seed is None else changed(config, variant.changes or {}, {"seed": seed})
            figures = _kept(folder, graph, wanted, tasks, trained=seed is not None)
            missing = [reading for reading in variant.readings if str(reading) not in figures.values]
            if missing:
                _measure(figures, missing, graph, wanted, tasks, device, trained=seed is not None)
            records += [_record(variant, reading, seed, figures) for reading in variant.readings]
            if advance:
                advance(1)
    return records


@dataclass
class _Figures:
    """What is kept of one model: seconds of its training, and figures by reading."""

    path: Path
    seconds: float
    values: dict[str, dict[str, Any]]

    def write(self) -> None:
        temporary = self.path.with_suffix(".tmp")
        temporary.write_text(json.dumps({"seconds": self.seconds, "readings": self.values}), encoding="utf-8")
        temporary.replace(self.path)


def _kept(
    folder: Path, graph: WorkGraph, config: UnifiedConfig, tasks: WorkBench, *, trained: bool
) -> _Figures:
    """What is known of a model, by all that its figures depend on."""
    identity = {
        "graph": graph.fingerprint if trained else None,
        "config": config.model_dump(mode="json") if trained else {"base": config.base},
        "tasks": [[task.name, task.direction, len(task.targets), *task.queries] for task in tasks.tasks],
    }
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]
    path = folder / f"{digest}.json"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return _Figures(path, float(values["seconds"]), dict(values["readings"]))
    except FileNotFoundError:
        return _Figures(path, 0.0, {})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainingError(f"{path} cannot be read ({error}): delete it to measure again") from error


def _measure(
    figures: _Figures,
    readings: Sequence[Reading],
    graph: WorkGraph,
    config: UnifiedConfig,
    tasks: WorkBench,
    device: str,
    *,
    trained: bool,
) -> None:
    from transformers import set_seed

    set_seed(config.seed)
    model: SentenceTransformer = new_encoder(config.base, device=device, max_length=config.max_length)
    if trained:
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as checkpoints:
            # no checkpoint before the end: such runs are short, and done again where they are stopped
            short = config.model_copy(update={"eval_steps": None, "checkpoint_steps": 1_000_000})
            train_unified(model, graph, short, folder=Path(checkpoints))
        figures.seconds = round(time.perf_counter() - start, 1)
    model.eval()
    for reading in readings:
        scorer = make_scorer(model, "model", interaction=reading.interaction, temperature=reading.temperature)
        result = evaluate_workbench(scorer, tasks)
        figures.values[str(reading)] = {
            "average": result.average_map,
            "maps": {str(kind): value for kind, value in result.by_kind("map").items()},
        }
        figures.write()


def _record(variant: Variant, reading: Reading, seed: int | None, figures: _Figures) -> Record:
    found = figures.values[str(reading)]
    return Record(
        variant.table,
        variant.name,
        str(reading),
        seed,
        dict(found["maps"]),
        float(found["average"]),
        figures.seconds,
    )
