"""Experiments as tables for the terminal, Markdown and CSV, and as plots."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skillsearch.files import write_atomically
from trainer.card import markdown_table
from trainer.experiments.latency import Latency
from trainer.experiments.summary import Row, Spread

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["as_json", "rich_tables", "write_report"]

_DPI: Final = 120
_LEFT: Final = 2  # columns of words

Cells = tuple[list[str], list[list[str]]]
"""Header and lines of a table; the first column's header names the table."""


def rich_tables(rows: Sequence[Row] | Sequence[Latency]) -> list["Table"]:
    """Tables for the terminal."""
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    tables = []
    for header, lines in _tables(rows):
        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        for place, name in enumerate(header):
            table.add_column(escape(name), justify="left" if place < _LEFT else "right", no_wrap=True)
        for line in lines:
            table.add_row(*map(escape, line))
        tables.append(table)
    return tables


def as_json(rows: Sequence[Row] | Sequence[Latency]) -> list[dict[str, Any]]:
    """Rows as JSON-ready values."""
    return [asdict(row) for row in rows]


def write_report(folder: Path, name: str, title: str, rows: Sequence[Row] | Sequence[Latency]) -> list[Path]:
    """Write tables as ``NAME.md`` and ``NAME.csv``, and figures of several variants as ``NAME.png``.

    Args:
        folder: made where it is not there.
        name: of the experiment; ``transfer`` is drawn as a matrix.
        title: says what was done.
        rows: of one experiment.

    Returns:
        The files.

    Raises:
        OSError: something cannot be written.
    """
    lines, table = [title, ""], io.StringIO()
    for header, body in _tables(rows):
        lines += [*markdown_table(header, body), ""]
        csv.writer(table).writerows([header, *body])
    written = [folder / f"{name}.md", folder / f"{name}.csv"]
    write_atomically(written[0], ["\n".join(lines).encode()])
    write_atomically(written[1], [table.getvalue().encode()])
    figures = [row for row in rows if isinstance(row, Row)]
    if figures:
        written.append(folder / f"{name}.png")
        (_plot_transfer if name == "transfer" else _plot_averages)(written[-1], figures)
    return written


def _tables(rows: Sequence[Row] | Sequence[Latency]) -> list[Cells]:
    figures = [row for row in rows if isinstance(row, Row)]
    if figures:
        names = dict.fromkeys(row.table for row in figures)
        return [_cells(name, [row for row in figures if row.table == name]) for name in names]
    return [_latency_cells([row for row in rows if isinstance(row, Latency)])]


def _cells(name: str, rows: Sequence[Row]) -> Cells:
    """MAP in points; intervals of 95% over seeds."""
    kinds = list(rows[0].maps)
    header = [name, "read by", "seeds", "average MAP", "difference", *kinds, "s"]
    return header, [
        [
            row.variant,
            row.reading,
            str(row.seeds or "-"),
            _points(row.average),
            "reference" if row.difference is None else _points(row.difference, sign=True),
            *(f"{100 * row.maps[kind]:.1f}" for kind in kinds),
            f"{row.seconds:.0f}" if row.seconds else "-",
        ]
        for row in rows
    ]


def _latency_cells(found: Sequence[Latency]) -> Cells:
    header = ["task", "read by", "targets", "p50 ms", "p95 ms", "MFLOPs"]
    return header, [
        [
            one.task,
            one.reading,
            f"{one.targets:,}",
            f"{one.p50:.1f}",
            f"{one.p95:.1f}",
            f"{one.flops / 1e6:,.0f}",
        ]
        for one in found
    ]


def _points(found: Spread, *, sign: bool = False) -> str:
    mean = f"{100 * found.mean:+.2f}" if sign else f"{100 * found.mean:.2f}"
    return mean if found.half_width is None else f"{mean} ± {100 * found.half_width:.2f}"


def _plot_averages(path: Path, rows: Sequence[Row]) -> None:
    """The average of every row with its interval, a panel a table."""
    from matplotlib.figure import Figure  # without pyplot, which would want a display

    tables = list(dict.fromkeys(row.table for row in rows))
    figure = Figure(figsize=(6.5 * len(tables), 0.32 * len(rows) / len(tables) + 1.6), layout="constrained")
    for axes, table in zip(figure.subplots(1, len(tables), squeeze=False)[0], tables, strict=True):
        shown = [row for row in rows if row.table == table][::-1]
        axes.errorbar(
            [100 * row.average.mean for row in shown],
            [f"{row.variant}, {row.reading}" for row in shown],
            xerr=[100 * (row.average.half_width or 0.0) for row in shown],
            fmt="o",
            capsize=3,
        )
        axes.set_title(table)
        axes.set_xlabel("average MAP, points")
        axes.grid(axis="x", alpha=0.3)
    figure.savefig(path, dpi=_DPI)


def _plot_transfer(path: Path, rows: Sequence[Row]) -> None:
    """What training on each graph is worth on each type of task: points of MAP above the first row."""
    from matplotlib.figure import Figure

    base, *trained = rows
    kinds = list(base.maps)
    gains = np.array([[100 * (row.maps[kind] - base.maps[kind]) for kind in kinds] for row in trained])
    figure = Figure(figsize=(1.2 * len(kinds) + 2.5, 0.6 * len(trained) + 1.6), layout="constrained")
    axes = figure.subplots()
    limit = max(float(np.abs(gains).max()), 0.1)
    image = axes.imshow(gains, cmap="RdBu", vmin=-limit, vmax=limit, aspect="auto")
    axes.set_xticks(range(len(kinds)), kinds, rotation=30, ha="right")
    axes.set_yticks(range(len(trained)), [row.variant for row in trained])
    for (line, column), gain in np.ndenumerate(gains):
        axes.text(column, line, f"{gain:+.1f}", ha="center", va="center")
    figure.colorbar(image, ax=axes, label=f"MAP above the {base.variant}, points")
    figure.savefig(path, dpi=_DPI)
