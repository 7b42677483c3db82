"""The report of a fit as tables for a terminal."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from rich.text import Text

from skillsearch.cli.console import new_table
from trainer.blend.fit import FitReport
from trainer.evaluate.measures import MEASURES
from trainer.evaluate.significance import CONFIDENCE

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["tables"]

_SHOWN: Final = ("map", "ndcg@10", "ndcg", "graded_ndcg@10", "graded_ndcg")
_SLIGHT = 0.001


def tables(report: FitReport) -> "list[Table]":
    """The figures and, where there is one, the learning curve."""
    return [_figures(report), _curve(report)] if report.curve else [_figures(report)]


def _figures(report: FitReport) -> "Table":
    """A row for each ranking, a column for each measure: mean, interval, and p against the first row."""
    facts, names = report.facts, [name for name in _SHOWN if name in report.rows[0]["measures"]]
    table = new_table(
        f"{facts['titles']:,} titles, {facts['documents']:,} skills to rank, "
        f"{facts['relevant']:,} relevant pairs, {facts['folds']}-fold cross-validation",
        f"mean, {CONFIDENCE:.0%} bootstrap interval over the titles, p against {report.rows[0]['label']} "
        "(paired randomisation test)",
    )
    table.add_column("")
    for name in names:
        table.add_column(MEASURES[name], justify="right")
    for row in report.rows:
        table.add_row(row["label"], *(_cell(row["measures"][name]) for name in names))
    return table


def _curve(report: FitReport) -> "Table":
    """Figures by number of training titles."""
    table = new_table("by training titles, without reranker: means over three draws")
    for name in ("titles", "MAP", "±", "nDCG@10", "nDCG"):
        table.add_column(name, justify="right")
    for point in report.curve:
        values = (point.map, point.map_deviation, point.ndcg_10, point.ndcg)
        table.add_row(f"{point.titles:,}", *(f"{value:.4f}" for value in values))
    return table


def _cell(measure: Mapping[str, float]) -> Text:
    p = ""
    if "p" in measure:
        p = " p<.001" if measure["p"] < _SLIGHT else f" p={measure['p']:.3f}"
    interval = f" {measure['low']:.3f}-{measure['high']:.3f}"
    return Text.assemble((f"{measure['mean']:.4f}", "bold"), interval, p)
