"""What is written beside the models: manifest, model card, training curves, reliability plot."""

import csv
import json
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from skillsearch.models.folder import ENCODER, MANIFEST, RERANKER
from skillsearch.models.hub import COMPACT_BASE, fingerprint
from skillsearch.rank.fuse import CLASSES
from skillsearch.taxonomy.records import Taxonomy
from trainer.pair.config import TrainConfig
from trainer.pair.pairs import Split
from trainer.plots import plot_curve, plot_reliability
from trainer.report import TrainReport

__all__ = ["LIBRARIES", "licence", "markdown_table", "write_curve", "write_documents"]

LIBRARIES: Final = ("skillsearch", "sentence-transformers", "transformers", "torch", "numpy")
_LICENCES = {
    COMPACT_BASE: "Apache-2.0",
    "cross-encoder/ms-marco-MiniLM-L-12-v2": "Apache-2.0",
    "jjzha/esco-xlm-roberta-large": "Apache-2.0",
}


def write_documents(
    folder: Path, taxonomy: Taxonomy, split: Split, config: TrainConfig, device: str, report: TrainReport
) -> None:
    """Write ``manifest.json``, ``README.md``, and ``curves/`` with CSV files and plots.

    The manifest is written last: it is the sign that the folder is complete.
    """
    curves = folder / "curves"
    curves.mkdir(parents=True, exist_ok=True)
    for model, points in report.curves.items():
        write_curve(curves / f"{model}.csv", points)
        plot_curve(curves / f"{model}.png", points, title=f"Training the {model}")
    if report.reliability:
        plot_reliability(curves / "reliability.png", report.reliability, report.calibration)
    manifest = _manifest(folder, taxonomy, split, config, device, report)
    (folder / "README.md").write_text(_card(manifest, report), encoding="utf-8")
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def _manifest(
    folder: Path, taxonomy: Taxonomy, split: Split, config: TrainConfig, device: str, report: TrainReport
) -> dict[str, Any]:
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
        "kept_steps": report.kept_steps,
        "resumed_from": report.resumed_from,
        "examples": report.examples,
        "seconds": report.seconds,
        "metrics": report.metrics,
        "confusion": report.confusion,
        "calibration": report.calibration,
        "fingerprints": {part: fingerprint(folder / part) for part in (ENCODER, RERANKER)},
        "libraries": {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES},
        "held_out_occupations": list(split.held_out),
        "validation_occupations": list(split.validation),
    }


def write_curve(path: Path, points: Sequence[Mapping[str, float]]) -> None:
    """The logged values of a training as CSV, a row a step."""
    names = list(dict.fromkeys(name for point in points for name in point))
    names.sort(key=lambda name: (name != "step", name))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(points)


def _card(manifest: Mapping[str, Any], report: TrainReport) -> str:
    taxonomy, config, metrics = manifest["taxonomy"], manifest["config"], manifest["metrics"]
    source = f"{taxonomy['name']} {taxonomy['version']} ({taxonomy['language']})"
    held_out, validation = len(manifest["held_out_occupations"]), len(manifest["validation_occupations"])
    calibration = report.calibration
    lines = [
        "---",
        f"language: {taxonomy['language']}",
        "library_name: sentence-transformers",
        "tags: [sentence-transformers, cross-encoder, skills, job-titles, ESCO]",
        "---",
        "",
        f"# Skill search models trained on {source}",
        "",
        "Two models for `skillsearch`: `encoder/` embeds job titles and skills in one space, `reranker/` "
        "says of a title and a skill whether the skill is irrelevant, contextual or core for the job.",
        "",
        "## Data",
        "",
        f"{source}: {taxonomy['skills']:,} skills, {taxonomy['occupations']:,} occupations "
        f"({report.examples['occupations_without_skills']:,} of them without skills), "
        f"{taxonomy['relations']:,} relations. {held_out:,} occupations were held out to report on and "
        f"{validation:,} to choose checkpoints and to calibrate, before anything was paired; no training "
        f"title is a title or alias of one of them. The encoder saw {report.examples['pairs']:,} pairs, the "
        f"reranker {report.examples['triples']:,} triples.",
        "",
        "## Recipe",
        "",
        f"Preset `{manifest['preset']}`, seed {manifest['seed']}, on {manifest['device']}. "
        "The same run: `skillsearch train --config manifest.json` on the same release.",
        "",
        *markdown_table(("", "encoder", "reranker"), _recipe_rows(config)),
        "",
        f"Steps taken: {_counts(manifest['steps'])}. Checkpoint kept: "
        f"{_counts(manifest['kept_steps']) or 'the end of each run'}.",
        "",
        "## Figures",
        "",
        f"The encoder on the {held_out:,} held-out occupations: the query is the preferred label, the corpus "
        f"all skills by {_view(config['encoder'])}, a skill is relevant where the taxonomy relates it.",
        "",
        *markdown_table(
            ("measure", "untrained base", "trained"),
            [
                (name, f"{metrics['encoder_untrained'][name]:.4f}", f"{value:.4f}")
                for name, value in metrics["encoder"].items()
            ],
        ),
        "",
        "![training curve of the encoder](curves/encoder.png)",
        "",
        f"The reranker on {report.examples['held_out_triples']:,} held-out triples: macro F1 "
        f"{metrics['reranker']['macro_f1']:.4f} (always the most frequent class: "
        f"{metrics['majority_class']['macro_f1']:.4f}), accuracy {metrics['reranker']['accuracy']:.4f}. "
        "True classes in rows, predicted ones in columns:",
        "",
        *markdown_table(
            ("", *CLASSES),
            [
                (name, *(f"{count:,}" for count in row))
                for name, row in zip(CLASSES, report.confusion, strict=True)
            ],
        ),
        "",
        "Probabilities are calibrated on validation triples, with temperature "
        f"{calibration['temperature']:.3f}. The expected calibration error on held-out triples is "
        f"{calibration['error_before']:.4f} before and {calibration['error_after']:.4f} after; on what a "
        "search for held-out occupations reranks, where a larger share of the skills is unrelated, "
        f"{calibration['search_error_before']:.4f} and {calibration['search_error_after']:.4f}.",
        "",
        "![reliability before and after calibration](curves/reliability.png)",
        "",
        "## Licence",
        "",
        f"Bases: {licence(config['encoder']['base'])}; {licence(config['reranker']['base'])}. "
        "ESCO is © European Union and may be reused with attribution; another taxonomy has its own terms.",
        "",
        "## Limits",
        "",
        "- The taxonomy is the only teacher: a skill that it does not relate to an occupation counts as "
        "irrelevant, which is not always how a recruiter would judge. General skills, which nearly every job "
        "needs, are related to few occupations and rank low.",
        "- Figures on held-out occupations say how well relations of the same taxonomy are found again. "
        "Vacancy titles differ: measure on judged titles of your own with `skillsearch evaluate`.",
        "- One language, short titles. Do not decide about people by these scores alone.",
        "",
    ]
    return "\n".join(lines)


def _view(encoder: Mapping[str, Any]) -> str:
    weight = encoder["alias_weight"]
    return f"preferred label and, with weight {weight:g}, aliases" if weight else "preferred label"


def _recipe_rows(config: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    encoder, reranker = config["encoder"], config["reranker"]
    return [
        (name, str(encoder.get(name, "")), str(reranker.get(name, "")))
        for name in dict.fromkeys([*encoder, *reranker])
    ]


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table in Markdown."""
    return ["| " + " | ".join(row) + " |" for row in (header, ["---"] * len(header), *rows)]


def _counts(values: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {value:,}" for name, value in values.items())


def licence(base: str) -> str:
    """A base and its licence, where it is known."""
    return f"`{base}` ({_LICENCES.get(base, 'see its own card')})"
