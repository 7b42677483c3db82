"""The documents beside trained models: their manifest, model card, training curves and reliability."""

import csv
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from skillsearch.files import write_atomically
from skillsearch.models.classes import CLASSES
from skillsearch.models.hub import COMPACT_BASE, MULTILINGUAL_BASE, fingerprint
from skillsearch.models.pair import RECORD
from trainer.config import Frozen
from trainer.run import TrainReport

__all__ = ["write_documents"]

_LIBRARIES: Final = ("skillsearch", "sentence-transformers", "transformers", "torch", "numpy")
_LICENCES: Final = {
    COMPACT_BASE: "Apache-2.0",
    MULTILINGUAL_BASE: "MIT",
    "cross-encoder/ms-marco-MiniLM-L-12-v2": "Apache-2.0",
    "jjzha/esco-xlm-roberta-large": "Apache-2.0",
}


def write_documents(
    folder: Path, recipe: str, config: Frozen, report: TrainReport, facts: Mapping[str, Any]
) -> None:
    """Write ``manifest.json``, ``README.md``, and ``curves/`` with CSV files.

    The manifest is written last: it is the sign that the folder is complete.

    Args:
        folder: of the models.
        recipe: ``pair`` or ``unified``.
        config: of the run.
        report: of the run.
        facts: other values of the manifest, such as the device and what was trained on.
    """
    curves = folder / "curves"
    curves.mkdir(parents=True, exist_ok=True)
    for model, points in report.curves.items():
        _write_curve(curves / f"{model}.csv", points)
    if report.reliability:
        bins = [{"of": name} | asdict(one) for name, group in report.reliability.items() for one in group]
        _write_curve(curves / "reliability.csv", bins)
    values = config.model_dump(mode="json")
    manifest = {
        "preset": values["preset"],
        "recipe": recipe,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "config": values,
        "seed": values["seed"],
        **report.model_dump(mode="json", exclude={"curves", "reliability"}),
        "fingerprints": {model: fingerprint(folder / model) for model in report.steps},
        "libraries": {"python": platform.python_version()} | {name: version(name) for name in _LIBRARIES},
        **facts,
    }
    write_atomically(folder / "README.md", _card(manifest))
    write_atomically(folder / RECORD, json.dumps(manifest, indent=2) + "\n")


def _card(manifest: Mapping[str, Any]) -> str:
    """The model card, from its template."""
    environment = Environment(
        loader=PackageLoader("trainer"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - it is Markdown
    )
    environment.filters["number"] = "{:,}".format
    return environment.get_template("model_card.md").render(manifest, classes=CLASSES, licences=_LICENCES)


def _write_curve(path: Path, points: Sequence[Mapping[str, object]]) -> None:
    """Write values as CSV: of a training a row for each step, of its reliability one for each bin."""
    names = sorted({name for point in points for name in point}, key=lambda name: (name != "step", name))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(points)
