"""An evaluation as tables for a terminal and as JSON."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from trainer.evaluate.measures import MEASURES, Row
from trainer.evaluate.runner import Curve, Evaluation
from trainer.evaluate.significance import CONFIDENCE, Estimate, estimates, p_values

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["as_json", "curve_table", "evaluation_table"]


def evaluation_table(evaluation: Evaluation) -> "Table":
    """A row for each ranking, a column for each measure: mean, interval, and p against the first row."""
    from rich.markup import escape

    names = list(evaluation.rows[0].values)
    table = _table(_title(evaluation), "", names)
    table.caption = f"mean, {CONFIDENCE:.0%} bootstrap interval over the queries" + (
        f", p against {evaluation.rows[0].label} (paired randomisation test)"
        if len(evaluation.rows) > 1
        else ""
    )
    for row in evaluation.rows:
        means = estimates(row.values)
        tests = _tests(evaluation, row)
        table.add_row(escape(row.label), *(_cell(means[name], tests.get(name)) for name in names))
        table.add_section()
    return table


def curve_table(evaluation: Evaluation, curve: Curve) -> "Table":
    """A row for each value of the parameter, a column for each measure's mean; the chosen value in bold."""
    names = list(curve.rows[0].values)
    cut = curve.rows[0].label.partition(", ")[2]
    title = f"blend by {curve.parameter}" + (f", {cut}" if cut else "")
    table = _table(f"{title} · {_title(evaluation)}", curve.parameter, names)
    for value, row in zip(curve.values, curve.rows, strict=True):
        style = "bold" if value == curve.chosen else None
        table.add_row(f"{value:g}", *(f"{row.mean(name):.4f}" for name in names), style=style)
    return table


def as_json(evaluation: Evaluation, **facts: object) -> dict[str, Any]:
    """Everything but the figures of single queries; `facts` come first, such as the models' names."""
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
        **facts,
        "note": evaluation.note,
        "warnings": list(evaluation.warnings),
        "rows": [_row_json(row, _tests(evaluation, row)) for row in evaluation.rows],
        "sweeps": {
            curve.parameter: [
                {curve.parameter: value} | _row_json(row, {})
                for value, row in zip(curve.values, curve.rows, strict=True)
            ]
            for curve in evaluation.curves
        },
    }


def _tests(evaluation: Evaluation, row: Row) -> dict[str, float]:
    """The p values of a row; none for the first, which the others are compared with."""
    first = evaluation.rows[0]
    return {} if row is first else p_values(row.values, first.values)


def _row_json(row: Row, tests: dict[str, float]) -> dict[str, Any]:
    measures = {
        name: asdict(estimate) | ({"p": tests[name]} if name in tests else {})
        for name, estimate in estimates(row.values).items()
    }
    return {"label": row.label, "measures": measures}


def _title(evaluation: Evaluation) -> str:
    benchmark = evaluation.benchmark
    title = (
        f"{benchmark.name}: {len(benchmark.qrels):,} queries, {len(benchmark.documents):,} documents, "
        f"{'graded' if benchmark.graded else 'binary'} judgements"
    )
    return f"{title}, {evaluation.note}" if evaluation.note else title


def _table(title: str, first: str, names: list[str]) -> "Table":
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    table = Table(
        title=escape(title),
        title_justify="left",
        caption_justify="left",
        header_style="bold",
        box=SIMPLE_HEAD,
        padding=0,
        show_edge=False,
    )
    table.add_column(first, overflow="fold", min_width=9)
    for name in names:
        table.add_column(MEASURES[name].replace(" ", "\n"), justify="right", overflow="fold")
    return table


def _cell(estimate: Estimate, p: float | None) -> str:
    lines = [f"[bold]{estimate.mean:.4f}[/]", f"{_short(estimate.low)}-{_short(estimate.high)}"]
    if p is not None:
        lines.append("p<.001" if p < 0.001 else f"p {f'{p:.3f}'.lstrip('0')}")
    return "\n".join(lines)


def _short(share: float) -> str:
    """A number in [0, 1] in three characters."""
    text = f"{share:.2f}"
    return "1.0" if text == "1.00" else text.removeprefix("0")
