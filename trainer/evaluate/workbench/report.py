"""WorkBench's figures as JSON, and notes on them."""

from dataclasses import asdict
from typing import Any

from trainer.evaluate.workbench.runner import MEASURES, TaskResult, WorkbenchReport
from trainer.evaluate.workbench.tasks import Task, WorkBench

__all__ = ["as_json", "notes"]


def notes(bench: WorkBench) -> list[str]:
    """Notes for a reader of the figures: what was skipped, left out and not built."""
    lines = []
    for task in bench.tasks:
        if task.left_out:
            noun = "query" if task.left_out == 1 else "queries"
            lines.append(f"{task.name}: {task.left_out:,} {noun} without a right target, left out")
        for drop in task.dropped:
            examples = f" ({', '.join(drop.examples)})" if any(drop.examples) else ""
            noun = "row" if drop.count == 1 else "rows"
            lines.append(f"{task.name}: {drop.count:,} {noun} dropped, {drop.reason}{examples}")
    lines += [f"{name}: not built, {reason}" for name, reason in bench.missing.items()]
    return lines


def as_json(report: WorkbenchReport) -> dict[str, Any]:
    """A result as JSON, without the figures of single queries."""
    return {
        **report.facts,
        "tasks": {task.name: _task_json(task) for task in report.bench.tasks},
        "not_built": [{"name": name, "reason": why} for name, why in report.bench.missing.items()],
        "rows": [
            {
                "label": result.name,
                "average": {name: result.average(name) for name in MEASURES},
                "types": {name: result.by_kind(name) for name in MEASURES},
                "tasks": {one.task.name: _figures_json(one) for one in result.results},
            }
            for result in report.results
        ],
    }


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
        "right": sum(map(len, task.benchmark.qrels.values())),
        "dropped": [asdict(drop) for drop in task.dropped],
        "averaged": task.averaged,
    }


def _figures_json(one: TaskResult) -> dict[str, Any]:
    found: dict[str, Any] = {name: one.figures.mean(name) for name in MEASURES} | {"seconds": one.seconds}
    if one.kept is not None:
        found["query_kept"] = {name: one.kept.mean(name) for name in MEASURES}
    return found
