"""A whole unified training: a data set in, a model folder with its manifest and card out."""

import json
import platform
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from skillsearch.errors import TrainingError
from skillsearch.models.device import select_device
from skillsearch.models.encoder import new_encoder
from skillsearch.models.folder import ENCODER, MANIFEST
from skillsearch.models.hub import fingerprint, quiet, resolve_model
from skillsearch.models.interaction import InteractionSettings, write_interaction
from trainer.card import LIBRARIES, licence, markdown_table, write_curve
from trainer.plots import plot_curve
from trainer.processes import is_first, local_device, wait_for_all
from trainer.report import Reporter, TrainReport
from trainer.unified.config import UnifiedConfig
from trainer.unified.graph import WorkGraph
from trainer.unified.train import train_unified
from trainer.workspace import Workspace

if TYPE_CHECKING:
    from sentence_transformers.base.evaluation import BaseEvaluator

__all__ = ["train_on_graph"]

_UNIFIED: Final = "unified"


def train_on_graph(
    graph: WorkGraph,
    config: UnifiedConfig,
    output: Path,
    *,
    validation: "BaseEvaluator | None" = None,
    device: str | None = None,
    overwrite: bool = False,
    restart: bool = False,
    reporter: Reporter | None = None,
) -> TrainReport:
    """Train one encoder for all work tasks, and save it with a manifest, a card and its curve.

    Everything is written next to `output` and moved there at the end. A run that was stopped goes on
    where it was when it is called again with the same arguments, and gives the same weights on a CPU.

    Args:
        graph: the data set.
        config: the recipe.
        output: folder of the model: ``encoder/``, ``manifest.json``, ``README.md``, ``curves/``.
        validation: the evaluator that chooses the best checkpoint; without it the last is kept.
        device: by default the best there is.
        overwrite: replace what is at `output`.
        restart: discard a run that was stopped, instead of going on with it.
        reporter: hears what is being done.

    Raises:
        TrainingError: `output` exists and `overwrite` is not set, or cannot be written, the graph has no
            edge, the loss is not finite, or a run with other settings was stopped here.
        ModelError: the base cannot be loaded.
    """
    from transformers import set_seed

    if output.exists() and not overwrite:
        raise TrainingError(f"{output} exists already: choose another folder, or replace it with --force")
    resolve_model(config.base)
    device = local_device(select_device(device))
    reporter, report = reporter or Reporter(), TrainReport(examples=dict(graph.counts))
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        identity = {"graph": graph.fingerprint, "device": device} | config.model_dump(mode="json")
        workspace = Workspace.open(output, identity, device=device, restart=restart)
        set_seed(config.seed)
        model = new_encoder(config.base, device=device, max_length=config.max_length)
        follower = reporter.callback(ENCODER)
        with _timed(report, "train the encoder"):
            fitted = train_unified(
                model,
                graph,
                config,
                folder=workspace.checkpoints(ENCODER),
                validation=validation,
                callbacks=[follower] if follower else [],
            )
        report.fitted(ENCODER, fitted)
        if is_first():
            with quiet():
                model.save_pretrained(
                    str(workspace.models / ENCODER), create_model_card=False, safe_serialization=True
                )
            temperature = config.reading_temperature or config.attention_temperature
            settings = InteractionSettings(config.interaction, temperature, config.length_normalised)
            write_interaction(workspace.models / ENCODER, settings)
            _write_documents(workspace.models, graph, config, device, report)
        wait_for_all(device)
        workspace.publish(output)
    except OSError as error:
        raise TrainingError(f"{output} cannot be written: {error.strerror or error}") from error
    return report


@contextmanager
def _timed(report: TrainReport, stage: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    report.seconds[stage] = round(time.perf_counter() - start, 2)


def _write_documents(
    folder: Path, graph: WorkGraph, config: UnifiedConfig, device: str, report: TrainReport
) -> None:
    """Curve, card, and last the manifest, the sign that the folder is complete."""
    curves = folder / "curves"
    curves.mkdir(parents=True, exist_ok=True)
    points = report.curves[ENCODER]
    write_curve(curves / f"{ENCODER}.csv", points)
    plot_curve(curves / f"{ENCODER}.png", points, title="Training the unified encoder")
    manifest = {
        "preset": f"{_UNIFIED}-{config.preset}",
        "recipe": _UNIFIED,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "data": graph.manifest.model_dump(mode="json") | {"fingerprint": graph.fingerprint},
        "config": config.model_dump(mode="json"),
        "seed": config.seed,
        "device": device,
        "steps": report.steps,
        "kept_steps": report.kept_steps,
        "resumed_from": report.resumed_from,
        "examples": report.examples,
        "seconds": report.seconds,
        "fingerprints": {ENCODER: fingerprint(folder / ENCODER)},
        "libraries": {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES},
    }
    (folder / "README.md").write_text(_card(manifest, graph), encoding="utf-8")
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def _card(manifest: Mapping[str, Any], graph: WorkGraph) -> str:
    data, config = graph.manifest, manifest["config"]
    source = f"{data.taxonomy} {data.version} ({data.language})"
    kept = manifest["kept_steps"].get(ENCODER)
    lines = [
        "---",
        f"language: {data.language}",
        "library_name: sentence-transformers",
        "tags: [sentence-transformers, skills, job-titles, ESCO, late-interaction]",
        "---",
        "",
        f"# One encoder for work tasks, trained on {source}",
        "",
        "`encoder/` embeds job titles, vacancy sentences, skills and other names of skills in one space. "
        "Read it by the cosine of its vectors, or by soft late interaction of its tokens (De Lange, Decorte "
        "and Van Haute, arXiv:2511.07969).",
        "",
        "## Data",
        "",
        f"Profile `{data.profile}` of `skillsearch data build`, fingerprint {graph.fingerprint}:",
        "",
        *markdown_table(("", "count"), [(name, f"{count:,}") for name, count in graph.counts.items()]),
        "",
        "## Recipe",
        "",
        f"Preset `{config['preset']}` of the unified recipe, seed {manifest['seed']}, on "
        f"{manifest['device']}, {manifest['steps'][ENCODER]:,} updates"
        + (f", those of update {kept:,} kept." if kept else ", the last weights kept."),
        "",
        *markdown_table(("", "value"), [(name, str(value)) for name, value in config.items()]),
        "",
        "![training curve](curves/encoder.png)",
        "",
        "Measure it with `skillsearch evaluate workbench --models .`",
        "",
        "## Licence",
        "",
        f"Base: {licence(config['base'])}. ESCO is © European Union and may be reused with attribution; "
        "another taxonomy, and vacancies, have their own terms.",
        "",
        "## Limits",
        "",
        "- Short texts in one language; longer ones are cut.",
        "- Synthetic titles, sentences and variants teach what their generator knows, and no more.",
        "- Late interaction scores are comparable for one query at a time, and depend on the direction.",
        "- Do not decide about people by these scores alone.",
        "",
    ]
    return "\n".join(lines)
