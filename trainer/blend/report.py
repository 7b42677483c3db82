"""A fitted blend as tables for a terminal, as JSON, and as plots."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from trainer.blend.importance import CurvePoint, Worth
from trainer.evaluate.measures import MEASURES, Row
from trainer.evaluate.significance import CONFIDENCE, Estimate, estimates, p_values

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["Report", "curve_table", "figures_table", "worth_table", "write_plots"]

_SHOWN: Final = ("map", "ndcg@10", "ndcg", "graded_ndcg@10", "graded_ndcg")
_SLIGHT = 0.001
_DPI = 120


@dataclass(frozen=True)
class Report:
    """What `skillsearch fit` tells.

    Attributes:
        facts: what was fitted on what.
        rows: cross-validated figures; the first row is what the others are compared with.
        worth: of each feature.
        curve: by training titles; empty where it was not asked for.
    """

    facts: Mapping[str, Any]
    rows: Sequence[Row]
    worth: Sequence[Worth]
    curve: Sequence[CurvePoint] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """As JSON-ready values."""
        return {
            **self.facts,
            "cross_validation": self.figures(),
            "features": [asdict(worth) for worth in self.worth],
            "learning_curve": [asdict(point) for point in self.curve],
        }

    def figures(self) -> list[dict[str, Any]]:
        """A row each: mean, interval, and p against the first row."""
        figures = []
        for row in self.rows:
            tests = p_values(row.values, self.rows[0].values) if row is not self.rows[0] else {}
            measures = {
                name: asdict(estimate) | ({"p": tests[name]} if name in tests else {})
                for name, estimate in estimates(row.values).items()
            }
            figures.append({"label": row.label, "measures": measures})
        return figures


def figures_table(report: Report) -> "Table":
    """A row for each ranking, a column for each measure: mean, interval, and p against the first row."""
    facts, names = report.facts, [name for name in _SHOWN if name in report.rows[0].values]
    table = _table(
        f"{facts['titles']:,} titles, {facts['documents']:,} skills to rank, "
        f"{facts['relevant']:,} relevant pairs, {facts['folds']}-fold cross-validation"
    )
    table.caption = (
        f"mean, {CONFIDENCE:.0%} bootstrap interval over the titles, p against {report.rows[0].label} "
        "(paired randomisation test)"
    )
    table.add_column("")
    for name in names:
        table.add_column(MEASURES[name], justify="right")
    for figure in report.figures():
        cells = [figure["measures"][name] for name in names]
        table.add_row(figure["label"], *map(_cell, cells))
    return table


def worth_table(report: Report) -> "Table":
    """What each feature is worth, the one worth most first."""
    table = _table("what a feature is worth: MAP lost, out of fold, when it is shuffled")
    table.add_column("feature")
    table.add_column("before reranking", justify="right")
    if reranked := any(worth.second is not None for worth in report.worth):
        table.add_column("after", justify="right")
    for worth in report.worth:
        cells = (worth.first, worth.second) if reranked else (worth.first,)
        table.add_row(
            worth.feature.replace("_", " "), *("" if cell is None else f"{cell:.4f}" for cell in cells)
        )
    return table


def curve_table(report: Report) -> "Table":
    """Figures by number of training titles."""
    table = _table("by training titles, without reranker: means over three draws")
    for name in ("titles", "MAP", "±", "nDCG@10", "nDCG"):
        table.add_column(name, justify="right")
    for point in report.curve:
        figures = (point.map, point.map_deviation, point.ndcg_10, point.ndcg)
        table.add_row(f"{point.titles:,}", *(f"{figure:.4f}" for figure in figures))
    return table


def write_plots(folder: Path, report: Report) -> list[Path]:
    """Draw what features are worth, and the learning curve if there is one, as PNG files.

    Raises:
        EvaluationError: they cannot be written.
    """
    from matplotlib.figure import Figure  # without pyplot, which would want a display

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    worth = report.worth[::-1]
    names = [one.feature.replace("_", " ") for one in worth]
    axes.barh(names, [one.second if one.second is not None else one.first or 0.0 for one in worth])
    axes.set_xlabel("MAP lost when the feature is shuffled")
    written = [_saved(figure, folder / "features.png")]
    if report.curve:
        figure = Figure(figsize=(5.5, 4), layout="constrained")
        axes = figure.subplots()
        titles = [point.titles for point in report.curve]
        axes.errorbar(
            titles,
            [point.map for point in report.curve],
            yerr=[point.map_deviation for point in report.curve],
            marker="o",
            label="learned, without reranker",
        )
        axes.axhline(report.rows[0].mean("map"), color="grey", linestyle="--", label=report.rows[0].label)
        axes.set_xscale("log")
        axes.set_xticks(titles, [str(number) for number in titles])
        axes.set(xlabel="training titles", ylabel="MAP")
        axes.legend()
        written.append(_saved(figure, folder / "learning_curve.png"))
    return written


def _saved(figure: Any, path: Path) -> Path:  # noqa: ANN401 - a figure, whose import is slow
    import io

    from trainer.evaluate.output import write_bytes

    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI)
    write_bytes(path, [buffer.getvalue()])
    return path


def _table(title: str) -> "Table":
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    return Table(
        title=title,
        title_justify="left",
        caption_justify="left",
        header_style="bold",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )


def _cell(measure: Mapping[str, float]) -> str:
    estimate = Estimate(measure["mean"], measure["low"], measure["high"])
    text = f"[bold]{estimate.mean:.4f}[/] {estimate.low:.3f}-{estimate.high:.3f}"
    if "p" not in measure:
        return text
    return f"{text} p<.001" if measure["p"] < _SLIGHT else f"{text} p={measure['p']:.3f}"
