"""WorkBench's figures as a table for a terminal, as JSON, and as Markdown."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from trainer.evaluate.workbench.measures import MEASURES, Figures
from trainer.evaluate.workbench.references import REFERENCES, public_code
from trainer.evaluate.workbench.runner import TaskResult, WorkbenchResult
from trainer.evaluate.workbench.tasks import KINDS, Task, WorkBench

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["as_json", "as_markdown", "notes", "result_table"]

_TITLES: Final = {
    "job2skill": "Job2Skill",
    "skill2job": "Skill2Job",
    "skillnorm": "SkillNorm",
    "skillextract": "SkillExtract",
    "house": "SkillExtract HOUSE",
    "tech": "SkillExtract TECH",
    "techwolf": "SkillExtract TECHWOLF",
    "jobnorm": "JobNorm",
    "skillsim": "SkillSim",
}
_KEPT = "SkillSim, query kept in"


def result_table(result: WorkbenchResult) -> "Table":
    """A row for each task with its counts, release and figures, and the average below."""
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    table = Table(
        title=f"[bold]{escape(result.name)}[/] on WorkBench",
        title_justify="left",
        caption="average: HOUSE and TECH first, then each type of task once; n x m: queries x targets",
        caption_justify="left",
        header_style="bold",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
    )
    for name in ("task", "part", "release", "n x m", *MEASURES.values(), "public code, by default"):
        numbers = name in MEASURES.values() or name == "n x m"
        table.add_column(name, justify="right" if numbers else "left", overflow="fold")
    for one in result.results:
        task = one.task
        facts = (task.split, task.taxonomy or "-", f"{len(task.queries):,} x {len(task.targets):,}")
        table.add_row(_title(task.name), *facts, *_cells(one.figures), escape(public_code(task)))
        if one.kept is not None:
            table.add_row(_KEPT, *facts, *_cells(one.kept), "not in the average")
    table.add_section()
    averages = (f"{result.average(name):.4f}" for name in MEASURES)
    kinds = len(result.by_kind("map"))
    table.add_row("average", "", "", f"{kinds} of {len(KINDS)} types", *averages, "", style="bold")
    return table


def notes(bench: WorkBench) -> list[str]:
    """What a reader of the figures should know: what was dropped, left out and not built."""
    lines = []
    for task in bench.tasks:
        if task.left_out:
            noun = "query" if task.left_out == 1 else "queries"
            lines.append(f"{task.name}: {task.left_out:,} {noun} without a right target, left out")
        for drop in task.dropped:
            examples = f" ({', '.join(drop.examples)})" if any(drop.examples) else ""
            noun = "row" if drop.count == 1 else "rows"
            lines.append(f"{task.name}: {drop.count:,} {noun} dropped, {drop.reason}{examples}")
        reference = REFERENCES.get(task.name)
        if reference and reference.note:
            lines.append(f"{task.name}: {reference.note}")
    lines += [f"{missing.name}: not built, {missing.reason}" for missing in bench.missing]
    return lines


def as_json(bench: WorkBench, results: Sequence[WorkbenchResult], **facts: object) -> dict[str, Any]:
    """Everything but the figures of single queries; `facts` come first, such as the model's folder."""
    return {
        **facts,
        "tasks": {task.name: _task_json(task) for task in bench.tasks},
        "not_built": [asdict(missing) for missing in bench.missing],
        "rows": [
            {
                "label": result.name,
                "average": {name: result.average(name) for name in MEASURES},
                "types": {name: result.by_kind(name) for name in MEASURES},
                "tasks": {one.task.name: _figures_json(one) for one in result.results},
            }
            for result in results
        ],
    }


def as_markdown(bench: WorkBench, results: Sequence[WorkbenchResult]) -> str:
    """Three tables: a scorer a row with the MAP of each type; what each task was; all figures by task."""
    kinds = [kind for kind in KINDS if any(kind in result.by_kind("map") for result in results)]
    summary = [["MAP", *(_title(kind) for kind in kinds), *(f"average {name}" for name in MEASURES.values())]]
    for result in results:
        means = result.by_kind("map")
        averages = [result.average(name) for name in MEASURES]
        summary.append(
            [result.name, *(_short(value) for value in (*(means[kind] for kind in kinds), *averages))]
        )
    tasks = [["task", "part", "release", "queries", "targets", "right", "public code, by default"]]
    for task in bench.tasks:
        counts = (f"{count:,}" for count in (len(task.queries), len(task.targets), task.relevant))
        tasks.append([_title(task.name), task.split, task.taxonomy or "-", *counts, public_code(task)])
    figures = [["model", "task", *MEASURES.values(), "seconds"]]
    for result in results:
        for one in result.results:
            cells = [_short(one.figures.mean(name)) for name in MEASURES]
            figures.append([result.name, _title(one.task.name), *cells, f"{one.seconds:.1f}"])
            if one.kept is not None:
                cells = [_short(one.kept.mean(name)) for name in MEASURES]
                figures.append([result.name, _KEPT, *cells, ""])
    parts = [_markdown(summary, 1), _markdown(tasks, 3), _markdown(figures, 2)]
    if found := notes(bench):
        parts.append("\n".join(f"- {_cell(note)}" for note in found))
    return "\n\n".join(parts)


def _task_json(task: Task) -> dict[str, Any]:
    return {
        "type": task.kind,
        "split": task.split,
        "direction": task.direction,
        "release": task.taxonomy,
        "files": list(task.files),
        "queries": len(task.queries),
        "left_out": task.left_out,
        "targets": len(task.targets),
        "right": task.relevant,
        "dropped": [asdict(drop) for drop in task.dropped],
        "averaged": task.averaged,
        "public_code": public_code(task),
        "note": REFERENCES[task.name].note if task.name in REFERENCES else "",
    }


def _figures_json(one: TaskResult) -> dict[str, Any]:
    found: dict[str, Any] = {name: one.figures.mean(name) for name in MEASURES} | {"seconds": one.seconds}
    if one.kept is not None:
        found["query_kept"] = {name: one.kept.mean(name) for name in MEASURES}
    return found


def _title(name: str) -> str:
    return _TITLES.get(name, name)


def _cells(figures: Figures) -> tuple[str, ...]:
    return tuple(f"{figures.mean(name):.4f}" for name in MEASURES)


def _short(share: float) -> str:
    """A number in [0, 1] to four digits, without the zero before the point."""
    return f"{share:.4f}".removeprefix("0")


def _markdown(rows: Sequence[Sequence[str]], texts: int) -> str:
    """A table whose first row is the header, and whose first columns are text."""
    rule = [
        "---" if column < texts or name == "public code, by default" else "---:"
        for column, name in enumerate(rows[0])
    ]
    return "\n".join(f"| {' | '.join(map(_cell, row))} |" for row in (rows[0], rule, *rows[1:]))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
