"""Training and measuring the variants of an experiment; finished figures are kept, so that it can resume."""

import hashlib
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pydantic import BaseModel, TypeAdapter
from transformers import set_seed

from skillsearch.errors import TrainingError
from skillsearch.files import save
from skillsearch.progress import Progress, silent
from skillsearch.values import read_values
from trainer.bases import new_encoder
from trainer.config import changed
from trainer.evaluate.workbench.runner import evaluate_workbench
from trainer.evaluate.workbench.tasks import WorkBench
from trainer.experiments.designs import Design, Variant
from trainer.experiments.interactions import similarity
from trainer.fit import FitOptions
from trainer.unified.config import UnifiedConfig
from trainer.unified.graph import WorkGraph
from trainer.unified.train import train_on_graph

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = ["Cell", "Figures", "Results", "run_design"]


class Figures(BaseModel):
    """MAP of a model by type of task, its mean over the types, and the seconds of the training."""

    average: float
    maps: dict[str, float]
    seconds: float = 0.0


class Cell(NamedTuple):
    """The table, the variant and the reading that figures stand for."""

    table: str
    variant: str
    reading: str


Results = dict[Cell, dict[int | None, Figures]]
"""Figures by seed; None for the untrained base."""

_KEPT = TypeAdapter(dict[str, Figures])  # of a model, by reading


def run_design(
    design: Design,
    graph: WorkGraph,
    config: UnifiedConfig,
    tasks: WorkBench,
    *,
    seeds: Sequence[int],
    folder: Path,
    device: str,
    progress: Progress = silent,
) -> Results:
    """Train every variant with every seed, and read it in each of its ways.

    Args:
        design: the variants.
        graph: the data set to train on.
        config: what the variants change.
        tasks: to measure on.
        seeds: at least one.
        folder: keeps the figures of each model under a digest of all that they depend on.
        device: to train on.
        progress: hears of each finished model.

    Returns:
        The figures in the order of the design.

    Raises:
        TrainingError: see `train_on_graph`; or figures that were kept cannot be read.
    """
    runs = [(one, seed) for one in design.variants for seed in (seeds if one.trained else (None,))]
    advance = progress("models trained and measured", len(runs))
    results: Results = {}
    for variant, seed in runs:
        wanted = config if seed is None else changed(config, variant.changes or {}, {"seed": seed})
        figures = _figures(variant, graph, wanted, tasks, folder, device)
        for reading in map(str, variant.readings):
            results.setdefault(Cell(variant.table, variant.name, reading), {})[seed] = figures[reading]
        advance(1)
    return results


def _figures(
    variant: Variant, graph: WorkGraph, config: UnifiedConfig, tasks: WorkBench, folder: Path, device: str
) -> dict[str, Figures]:
    """The figures of a model by reading, of which the missing ones are measured and kept."""
    identity = {
        "graph": graph.fingerprint if variant.trained else None,
        "config": config.model_dump(mode="json") if variant.trained else {"base": config.base},
        "interaction": variant.interaction if variant.trained else None,
        "tasks": [[task.name, task.direction, len(task.targets), *task.queries] for task in tasks.tasks],
    }
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]
    path = folder / f"{digest}.json"
    remedy = "delete it to measure again"
    kept = read_values(path, dict[str, Figures], TrainingError, remedy=remedy) if path.exists() else {}
    missing = [reading for reading in variant.readings if str(reading) not in kept]
    if missing:
        set_seed(config.seed)
        model = new_encoder(config.base, device=device, max_length=config.max_length)
        seconds = _train(model, variant, graph, config) if variant.trained else 0.0
        model.eval()
    for reading in missing:
        result = evaluate_workbench(reading.scorer(model), tasks)
        maps = {str(kind): value for kind, value in result.by_kind("map").items()}
        kept[str(reading)] = Figures(average=result.average_map, maps=maps, seconds=seconds)
        save(path, [_KEPT.dump_json(kept)], TrainingError)
    return kept


def _train(model: "SentenceTransformer", variant: Variant, graph: WorkGraph, config: UnifiedConfig) -> float:
    """Train without checkpoints, since such runs are short; gives the seconds."""
    score = similarity(
        variant.interaction,
        temperature=config.attention_temperature,
        length_normalised=config.length_normalised,
    )
    whole = config.model_copy(update={"checkpoint_steps": 1_000_000})
    with tempfile.TemporaryDirectory() as checkpoints:
        options = FitOptions(Path(checkpoints), config.seed, config.precision)
        report = train_on_graph(model, graph, whole, options, similarity=score)
    return round(sum(report.seconds.values()), 1)
