"""Plots of a training run, as PNG files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trainer.pair.calibration import Bin

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_curve", "plot_reliability"]

_DPI = 120


def plot_curve(path: Path, points: Sequence[Mapping[str, float]], *, title: str) -> None:
    """Loss by step, and beside it what validation measured, if anything."""
    from matplotlib.figure import Figure  # without pyplot, which would want a display

    measures = [
        name
        for name in ("validation_ndcg@10", "validation_map@100", "validation_f1_macro")
        if any(name in point for point in points)
    ]
    figure = Figure(figsize=(10 if measures else 5.5, 3.6), layout="constrained")
    axes = figure.subplots(1, 2 if measures else 1, squeeze=False)[0]
    figure.suptitle(title)
    _line(axes[0], points, "loss")
    axes[0].set_ylabel("training loss")
    if measures:
        for name in measures:
            _line(axes[1], points, name)
        axes[1].set_ylabel("on validation occupations")
        axes[1].legend()
    figure.savefig(path, dpi=_DPI)


def plot_reliability(path: Path, bins: Mapping[str, Sequence[Bin]], calibration: Mapping[str, float]) -> None:
    """Accuracy by confidence, before and after calibration, with the share of the predictions."""
    from matplotlib.figure import Figure

    rows = {"": "held-out triples", "search_": "candidates of a search"}
    figure = Figure(figsize=(9, 7.5), layout="constrained")
    panels = figure.subplots(2, 2, sharex=True, sharey=True)
    for line, (prefix, pairs) in zip(panels, rows.items(), strict=True):
        for axes, name in zip(line, ("before", "after"), strict=True):
            groups = bins[prefix + name]
            total = sum(group.count for group in groups)
            confidence = [group.confidence for group in groups]
            axes.plot([0, 1], [0, 1], color="grey", linestyle="--", linewidth=1)
            axes.bar(confidence, [group.accuracy for group in groups], width=0.04, label="accuracy")
            axes.plot(
                confidence,
                [group.count / total for group in groups],
                color="tab:orange",
                marker=".",
                label="share of the predictions",
            )
            axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence")
            axes.set_title(f"{pairs}, {name}: error {calibration[f'{prefix}error_{name}']:.3f}")
            axes.legend(loc="upper left")
    figure.savefig(path, dpi=_DPI)


def _line(axes: "Axes", points: Sequence[Mapping[str, float]], name: str) -> None:
    known = [point for point in points if name in point]
    axes.plot(
        [point["step"] for point in known], [point[name] for point in known], label=name.replace("_", " ")
    )
    axes.set_xlabel("step")
