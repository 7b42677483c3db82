"""Experiments as tables for the terminal and as CSV."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from skillsearch.errors import EvaluationError
from skillsearch.files import save
from trainer.experiments.summary import Row, Spread

__all__ = ["Cells", "cells", "write_report"]

Cells = tuple[list[str], list[list[str]]]
"""Header and lines of a table; the first two columns are words, the others numbers."""


def write_report(path: Path, rows: Sequence[Row]) -> None:
    """Write the tables as one CSV file, each with its header.

    Raises:
        EvaluationError: it cannot be written.
    """
    table = io.StringIO()
    for header, body in cells(rows):
        csv.writer(table).writerows([header, *body])
    save(path, table.getvalue(), EvaluationError)


def cells(rows: Sequence[Row]) -> list[Cells]:
    """The tables of an experiment: MAP in points with intervals of 95% over seeds."""
    names = dict.fromkeys(row.table for row in rows)
    return [_map_cells(name, [row for row in rows if row.table == name]) for name in names]


def _map_cells(name: str, rows: Sequence[Row]) -> Cells:
    kinds = list(rows[0].maps)
    header = [name, "read by", "seeds", "average MAP", "difference", *kinds, "s"]
    return header, [
        [
            row.variant,
            row.reading,
            str(row.seeds or "-"),
            _points(row.average),
            "reference" if row.difference is None else _points(row.difference, sign="+"),
            *(f"{100 * row.maps[kind]:.1f}" for kind in kinds),
            f"{row.seconds:.0f}" if row.seconds else "-",
        ]
        for row in rows
    ]


def _points(found: Spread, *, sign: str = "") -> str:
    mean = f"{100 * found.mean:{sign}.2f}"
    return mean if found.half_width is None else f"{mean} ± {100 * found.half_width:.2f}"
