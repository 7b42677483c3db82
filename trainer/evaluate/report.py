"""An evaluation as JSON and as files."""

import io
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from skillsearch.errors import EvaluationError
from skillsearch.files import save
from skillsearch.tables import write_rows
from trainer.evaluate.evaluation import Curve, Evaluation
from trainer.evaluate.measures import MEASURES, Row
from trainer.evaluate.significance import estimates, p_values
from trainer.evaluate.trec import write_run

__all__ = ["Points", "as_json", "measured_points", "write_files"]

Points = dict[str, dict[str, float]]
"""Mean, low and high end of the interval by measure, and p against the first row where it is tested."""


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """An evaluation as JSON, without the figures of single queries."""
    benchmark = evaluation.benchmark
    return {
        "benchmark": {
            "name": benchmark.name,
            "queries": len(benchmark.queries),
            "judged_queries": len(benchmark.qrels),
            "documents": len(benchmark.documents),
            "judgements": sum(map(len, benchmark.qrels.values())),
            "graded": benchmark.graded,
        },
        **evaluation.facts,
        "note": evaluation.note,
        "warnings": list(evaluation.warnings),
        "rows": [
            {"label": row.label, "measures": measured_points(row, evaluation)} for row in evaluation.rows
        ],
        "sweeps": {
            curve.parameter: [
                {curve.parameter: value, "label": row.label, "measures": measured_points(row)}
                for value, row in zip(curve.values, curve.rows, strict=True)
            ]
            for curve in evaluation.curves
        },
    }


def measured_points(row: Row, evaluation: Evaluation | None = None) -> Points:
    """The figures of a row; tested where it is a row, but not the first one, of the evaluation."""
    points: Points = {name: asdict(estimate) for name, estimate in estimates(row.values).items()}
    if evaluation is not None and row is not evaluation.rows[0]:
        for name, p in p_values(row.values, evaluation.rows[0].values).items():
            points[name]["p"] = p
    return points


def write_files(folder: Path, evaluation: Evaluation) -> list[Path]:
    """Write what the tables leave out, and tell the paths.

    ``run.trec`` has the ranking of the last row, ``queries.csv`` the figures of each judged query,
    worst MAP of the last row first, and each sweep is a ``sweep-<parameter>.csv``.

    Raises:
        EvaluationError: a file cannot be written.
    """
    run, queries = folder / "run.trec", folder / "queries.csv"
    write_run(run, evaluation.ranking, f"skillsearch {evaluation.rows[-1].label}")
    _write_queries(queries, evaluation)
    written = [run, queries]
    for curve in evaluation.curves:
        table = folder / f"sweep-{curve.parameter}.csv"
        _write_curve(table, curve, [measured_points(row) for row in curve.rows])
        written.append(table)
    return written


def _write_queries(path: Path, evaluation: Evaluation) -> None:
    benchmark, rows = evaluation.benchmark, evaluation.rows
    header = ["title", "id", "relevant"]
    header += [f"{row.label} {MEASURES[name]}" for row in rows for name in row.values]

    def line(index: int) -> list[object]:
        query = rows[-1].queries[index]
        relevant = sum(grade > 0 for grade in benchmark.qrels[query].values())
        figures = [f"{values[index]:.6f}" for row in rows for values in row.values.values()]
        return [benchmark.queries[query], query, relevant, *figures]

    worst = rows[-1].values["map"].argsort(kind="stable")
    _write_csv(path, header, map(line, worst.tolist()))


def _write_curve(path: Path, curve: Curve, points: Sequence[Points]) -> None:
    header = [curve.parameter, "label"]
    header += [f"{MEASURES[name]}{end}" for name in points[0] for end in ("", " low", " high")]
    lines = (
        [f"{value:g}", row.label, *(f"{figure:.6f}" for found in point.values() for figure in found.values())]
        for value, row, point in zip(curve.values, curve.rows, points, strict=True)
    )
    _write_csv(path, header, lines)


def _write_csv(path: Path, header: Sequence[str], lines: Iterable[Sequence[object]]) -> None:
    buffer = io.StringIO(newline="")
    write_rows(buffer, header, lines)
    save(path, buffer.getvalue(), EvaluationError)
