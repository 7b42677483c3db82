"""An evaluation as files: single queries, and curves as tables and pictures."""

import io
from pathlib import Path

from trainer.evaluate.measures import MEASURES
from trainer.evaluate.output import write_bytes, write_csv
from trainer.evaluate.runner import Curve, Evaluation
from trainer.evaluate.significance import CONFIDENCE, estimates

__all__ = ["write_curve", "write_per_query"]

_DRAWN = ("map", "ndcg@10", "ndcg", "precision@10", "graded_ndcg@10")


def write_per_query(path: Path, evaluation: Evaluation) -> None:
    """Write the figures of each judged query as CSV, worst MAP of the last row first.

    Raises:
        EvaluationError: it cannot be written.
    """
    benchmark, rows = evaluation.benchmark, evaluation.rows
    worst = rows[-1].values["map"].argsort(kind="stable")
    header = ["title", "id", "relevant"]
    header += [f"{row.label} {MEASURES[name]}" for row in rows for name in row.values]

    def line(place: int) -> list[object]:
        query = rows[-1].queries[place]
        relevant = sum(grade > 0 for grade in benchmark.qrels[query].values())
        figures = [f"{values[place]:.6f}" for row in rows for values in row.values.values()]
        return [benchmark.queries[query], query, relevant, *figures]

    write_csv(path, header, (line(place) for place in worst.tolist()))


def write_curve(folder: Path, evaluation: Evaluation, curve: Curve) -> tuple[Path, Path]:
    """Write a curve as ``sweep-<parameter>.csv`` and ``.png``.

    Raises:
        EvaluationError: a file cannot be written.
    """
    table, picture = (folder / f"sweep-{curve.parameter}{suffix}" for suffix in (".csv", ".png"))
    names = list(curve.rows[0].values)
    header = [f"{MEASURES[name]}{end}" for name in names for end in ("", " low", " high")]
    points = [estimates(row.values) for row in curve.rows]
    write_csv(
        table,
        [curve.parameter, "label", *header],
        (
            [f"{value:g}", row.label]
            + [
                f"{figure:.6f}"
                for name in names
                for figure in (point[name].mean, point[name].low, point[name].high)
            ]
            for value, row, point in zip(curve.values, curve.rows, points, strict=True)
        ),
    )
    write_bytes(picture, [_draw(evaluation, curve)])
    return table, picture


def _draw(evaluation: Evaluation, curve: Curve) -> bytes:
    """A PNG: values evenly spaced, since depths grow by factors; a band for each interval."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    places = range(len(curve.values))
    points = [estimates(row.values) for row in curve.rows]
    for name in (name for name in _DRAWN if name in points[0]):
        axes.plot(places, [point[name].mean for point in points], marker="o", label=MEASURES[name])
        axes.fill_between(
            places, [point[name].low for point in points], [point[name].high for point in points], alpha=0.12
        )
    if curve.chosen in curve.values:
        axes.axvline(curve.values.index(curve.chosen), color="grey", linestyle=":")
    axes.set_xticks(list(places), [f"{value:g}" for value in curve.values])
    axes.set_xlabel("alpha, the weight of retrieval" if curve.parameter == "alpha" else "candidates reranked")
    axes.set_ylabel(f"mean over the queries, {CONFIDENCE:.0%} interval")
    note = curve.rows[0].label.partition(", ")[2]
    axes.set_title(evaluation.benchmark.name + (f" ({note})" if note else ""))
    axes.grid(alpha=0.3)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
