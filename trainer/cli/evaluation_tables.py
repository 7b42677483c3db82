"""Figures as tables for a terminal."""

from typing import Final

from rich.table import Table
from rich.text import Text

from skillsearch.cli.console import new_table
from trainer.evaluate.evaluation import Curve, Evaluation
from trainer.evaluate.measures import MEASURES, Row
from trainer.evaluate.report import measured_points
from trainer.evaluate.significance import CONFIDENCE
from trainer.evaluate.workbench.runner import MEASURES as WORKBENCH_MEASURES
from trainer.evaluate.workbench.runner import WorkbenchResult
from trainer.evaluate.workbench.tasks import KINDS

__all__ = ["evaluation_tables", "workbench_table"]

_SETS: Final = {
    "job2skill": "Job2Skill",
    "skill2job": "Skill2Job",
    "skillnorm": "SkillNorm",
    "house": "SkillExtract HOUSE",
    "tech": "SkillExtract TECH",
    "techwolf": "SkillExtract TECHWOLF",
    "jobnorm": "JobNorm",
    "skillsim": "SkillSim",
}


def evaluation_tables(evaluation: Evaluation) -> list[Table]:
    """The figures of every ranking, and a table for each sweep."""
    return [_rows_table(evaluation), *(_curve_table(evaluation, curve) for curve in evaluation.curves)]


def workbench_table(result: WorkbenchResult) -> Table:
    """A row for each task with its counts, release and figures, and the average below."""
    caption = "average: HOUSE and TECH first, then each type of task once; n x m: queries x targets"
    table = new_table(f"{result.name} on WorkBench", caption)
    for name in ("task", "part", "release"):
        table.add_column(name, overflow="fold")
    for name in ("n x m", *WORKBENCH_MEASURES.values()):
        table.add_column(name, justify="right", overflow="fold")
    for one in result.results:
        task, title = one.task, _SETS.get(one.task.name, one.task.name)
        facts = (task.split, task.taxonomy or "-", f"{len(task.queries):,} x {len(task.targets):,}")
        for label, row in ((title, one.figures), (f"{title}, query kept in (not averaged)", one.kept)):
            if row is not None:
                table.add_row(label, *facts, *(f"{row.mean(name):.4f}" for name in WORKBENCH_MEASURES))
    table.add_section()
    averages = (f"{result.average(name):.4f}" for name in WORKBENCH_MEASURES)
    kinds = f"{len(result.by_kind('map'))} of {len(KINDS)} types"
    table.add_row("average", "", "", kinds, *averages, style="bold")
    return table


def _rows_table(evaluation: Evaluation) -> Table:
    """A row for each ranking, a column for each measure: mean, interval, and p against the first row."""
    caption = f"mean, {CONFIDENCE:.0%} bootstrap interval over the queries"
    if len(evaluation.rows) > 1:
        caption += f", p against {evaluation.rows[0].label} (paired randomisation test)"
    table = _table(_title(evaluation), caption, "", evaluation.rows[0])
    for row in evaluation.rows:
        table.add_row(row.label, *map(_cell, measured_points(row, evaluation).values()))
        table.add_section()
    return table


def _curve_table(evaluation: Evaluation, curve: Curve) -> Table:
    """A row for each value of the parameter, a column for each measure's mean; the chosen value in bold."""
    cut = curve.rows[0].label.partition(", ")[2]
    title = f"blend by {curve.parameter}" + (f", {cut}" if cut else "")
    table = _table(f"{title} · {_title(evaluation)}", "", curve.parameter, curve.rows[0])
    for value, row in zip(curve.values, curve.rows, strict=True):
        style = "bold" if value == curve.chosen else None
        table.add_row(f"{value:g}", *(f"{row.mean(name):.4f}" for name in row.values), style=style)
    return table


def _title(evaluation: Evaluation) -> str:
    benchmark = evaluation.benchmark
    title = (
        f"{benchmark.name}: {len(benchmark.qrels):,} queries, {len(benchmark.documents):,} documents, "
        f"{'graded' if benchmark.graded else 'binary'} judgements"
    )
    return f"{title}, {evaluation.note}" if evaluation.note else title


def _table(title: str, caption: str, first: str, row: Row) -> Table:
    table = new_table(title, caption)
    table.padding = (0, 0)
    table.add_column(first, overflow="fold", min_width=9)
    for name in row.values:
        table.add_column(MEASURES[name].replace(" ", "\n"), justify="right", overflow="fold")
    return table


def _cell(point: dict[str, float]) -> Text:
    lines = [Text(f"{point['mean']:.4f}", "bold"), Text(f"{_short(point['low'])}-{_short(point['high'])}")]
    if "p" in point:
        p = f"{point['p']:.3f}".lstrip("0")
        lines.append(Text("p<.001" if point["p"] < 0.001 else f"p {p}"))
    return Text("\n").join(lines)


def _short(share: float) -> str:
    """A number in [0, 1] in three characters."""
    text = f"{share:.2f}"
    return "1.0" if text == "1.00" else text.removeprefix("0")
