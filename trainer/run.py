"""A whole training run: taxonomy in, two model folders and a manifest out."""

import json
import platform
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from skillsearch.errors import TrainingError
from skillsearch.models.device import select_device
from skillsearch.models.encoder import Encoder, new_encoder
from skillsearch.models.folder import ENCODER, MANIFEST, RERANKER
from skillsearch.models.reranker import new_reranker
from skillsearch.models.source import fingerprint, quiet
from skillsearch.taxonomy import Taxonomy
from skillsearch.texts import occupation_text, skill_text
from trainer.config import TrainConfig
from trainer.data import Split, Triple, encoder_pairs, reranker_triples, split_occupations
from trainer.encoder import train_encoder
from trainer.evaluation.heldout import classification_metrics, majority_macro_f1, retrieval_metrics
from trainer.negatives import mine_hard_negatives
from trainer.reranker import train_reranker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sentence_transformers import SentenceTransformer
    from transformers import TrainerCallback

__all__ = ["Reporter", "TrainReport", "train"]


class Reporter:
    """Hears what a run is doing; this one keeps silent."""

    def stage(self, name: str) -> None:
        """A stage begins."""

    def callback(self, name: str) -> "TrainerCallback | None":
        """A callback that follows the training of a model, if wanted."""


@dataclass
class TrainReport:
    """What a run gave: held-out figures by model, steps and seconds by stage."""

    metrics: dict[str, dict[str, float]] = field(default_factory=dict)
    steps: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    examples: dict[str, int] = field(default_factory=dict)


def train(
    taxonomy: Taxonomy,
    config: TrainConfig,
    output: Path,
    *,
    device: str | None = None,
    overwrite: bool = False,
    reporter: Reporter | None = None,
) -> TrainReport:
    """Train the encoder, mine hard negatives with it, train the reranker, measure both, save all.

    Everything is written next to `output` and moved there at the end, so that `output` is either
    complete or not there.

    Raises:
        TrainingError: `output` exists and `overwrite` is not set, or cannot be written, or the
            taxonomy is too small.
        ModelError: a base cannot be loaded.
    """
    if output.exists() and not overwrite:
        raise TrainingError(f"{output} exists already: choose another folder, or replace it with --force")
    try:
        return _train(taxonomy, config, output, select_device(device), reporter or Reporter())
    except OSError as error:
        raise TrainingError(f"{output} cannot be written: {error.strerror or error}") from error


def _train(
    taxonomy: Taxonomy, config: TrainConfig, output: Path, device: str, reporter: Reporter
) -> TrainReport:
    report = TrainReport()
    split = split_occupations(taxonomy, config.holdout, config.seed)
    output.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=output.parent, prefix=f".{output.name}-") as scratch:
        built = Path(scratch) / "models"
        _seed_everything(config.seed)
        encoder = _encoder(taxonomy, split, config, built, device, reporter, report)
        _reranker(taxonomy, split, config, encoder, built, device, reporter, report)
        manifest = _manifest(taxonomy, split, config, device, built, report)
        (built / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        if output.exists():
            output.rename(Path(scratch) / "replaced")
        built.rename(output)
    return report


def _encoder(
    taxonomy: Taxonomy,
    split: Split,
    config: TrainConfig,
    built: Path,
    device: str,
    reporter: Reporter,
    report: TrainReport,
) -> Encoder:
    model = new_encoder(config.encoder.base, device=device, max_length=config.encoder.max_length)
    pairs = encoder_pairs(taxonomy, split, optional_ratio=config.encoder.optional_ratio, seed=config.seed)
    report.examples["pairs"] = len(pairs)
    with _timed(reporter, report, "measure the untrained encoder"):
        report.metrics["encoder_untrained"] = _retrieval(model, taxonomy, split)
    with _timed(reporter, report, "train the encoder"):
        report.steps["encoder"] = train_encoder(
            model,
            pairs,
            config.encoder,
            folder=built.parent / "run",
            seed=config.seed,
            precision=config.precision,
            callbacks=_callbacks(reporter, "encoder"),
        )
    with _timed(reporter, report, "measure the encoder"):
        report.metrics["encoder"] = _retrieval(model, taxonomy, split)
    _save(model, built / ENCODER)
    return Encoder.load(str(built / ENCODER), device=device, batch_size=config.encoder.batch_size)


def _reranker(
    taxonomy: Taxonomy,
    split: Split,
    config: TrainConfig,
    encoder: Encoder,
    built: Path,
    device: str,
    reporter: Reporter,
    report: TrainReport,
) -> None:
    with _timed(reporter, report, "mine hard negatives"):
        training, held_out = _triples(taxonomy, split, config, encoder)
    report.examples["triples"] = len(training)
    model = new_reranker(config.reranker.base, device=device, max_length=config.reranker.max_length)
    with _timed(reporter, report, "train the reranker"):
        report.steps["reranker"] = train_reranker(
            model,
            training,
            config.reranker,
            folder=built.parent / "run",
            seed=config.seed,
            precision=config.precision,
            callbacks=_callbacks(reporter, "reranker"),
        )
    with _timed(reporter, report, "measure the reranker"):
        report.metrics["reranker"] = classification_metrics(model, held_out)
        report.metrics["majority_class"] = {"macro_f1": majority_macro_f1(held_out)}
    report.examples["held_out_triples"] = len(held_out)
    _save(model, built / RERANKER)


def _triples(
    taxonomy: Taxonomy, split: Split, config: TrainConfig, encoder: Encoder
) -> tuple[list[Triple], list[Triple]]:
    """Triples to train on, and triples of the held-out occupations made by the same rules."""
    skill_vectors = encoder.encode([skill_text(skill) for skill in taxonomy.skills.values()])

    def triples(occupations: tuple[str, ...], seed: int) -> list[Triple]:
        titles = [occupation_text(taxonomy.occupations[uri]) for uri in occupations]
        mined = mine_hard_negatives(
            taxonomy,
            occupations,
            encoder.encode(titles),
            skill_vectors,
            per_occupation=config.reranker.hard_negatives,
            depth=config.reranker.mining_depth,
            seed=seed,
        )
        return reranker_triples(
            taxonomy,
            split,
            occupations,
            mined,
            optional_ratio=config.reranker.optional_ratio,
            random_negatives=config.reranker.random_negatives,
            seed=seed,
        )

    return triples(split.train, config.seed), triples(split.held_out, config.seed + 1)


def _retrieval(model: "SentenceTransformer", taxonomy: Taxonomy, split: Split) -> dict[str, float]:
    return retrieval_metrics(model, taxonomy, split.held_out)


def _callbacks(reporter: Reporter, name: str) -> list["TrainerCallback"]:
    callback = reporter.callback(name)
    return [callback] if callback else []


def _save(model: Any, folder: Path) -> None:  # noqa: ANN401 - either model; both save alike
    with quiet():
        model.save_pretrained(str(folder), create_model_card=False, safe_serialization=True)


def _seed_everything(seed: int) -> None:
    """Seed what makes new weights; the trainers seed their own draws."""
    from transformers import set_seed

    set_seed(seed)


@contextmanager
def _timed(reporter: Reporter, report: TrainReport, stage: str) -> "Iterator[None]":
    reporter.stage(stage)
    start = time.perf_counter()
    yield
    report.seconds[stage] = round(time.perf_counter() - start, 2)


def _manifest(
    taxonomy: Taxonomy, split: Split, config: TrainConfig, device: str, built: Path, report: TrainReport
) -> dict[str, Any]:
    libraries = ("skillsearch", "sentence-transformers", "transformers", "torch", "numpy")
    return {
        "preset": config.preset,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "taxonomy": {
            "name": taxonomy.name,
            "version": taxonomy.version,
            "language": taxonomy.language,
            "skills": len(taxonomy.skills),
            "occupations": len(taxonomy.occupations),
            "relations": len(taxonomy.relations),
        },
        "config": config.model_dump(mode="json"),
        "seed": config.seed,
        "device": device,
        "steps": report.steps,
        "examples": report.examples,
        "seconds": report.seconds,
        "metrics": report.metrics,
        "fingerprints": {ENCODER: fingerprint(built / ENCODER), RERANKER: fingerprint(built / RERANKER)},
        "libraries": {"python": platform.python_version()} | {name: version(name) for name in libraries},
        "held_out_occupations": list(split.held_out),
    }
