"""Plans, reports and builds as tables for a terminal."""

from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from indexer.build import BuildReport
from indexer.diff import ACTIONS, SHIFTS, Change
from indexer.plan import Plan
from skillsearch.cli.console import new_table, pairs_table
from skillsearch.store.base import SPACES
from skillsearch.store.info import BuildInfo, Quality

__all__ = ["builds_table", "candidates_found", "megabytes", "plan_view", "report_table"]


def plan_view(plan: Plan) -> RenderableType:
    """A plan: counts and examples by action, and the relations and hierarchy positions that change."""
    before = plan.base.taxonomies if plan.base else "nothing"
    lines: list[RenderableType] = [Text(f"published: {before}"), Text(f"planned:   {plan.info.taxonomies}")]
    if plan.full_reason and plan.base:
        lines.append(Text(f"everything is embedded again: {plan.full_reason}", style="yellow"))
    if plan.is_published and not plan.is_forced:
        lines.append(Text("this is already published: there is nothing to do", style="green"))
    if plan.base is None:
        return Group(*lines, _counts_table(plan))
    return Group(*lines, _counts_table(plan), *_examples(plan), *_shifts(plan))


def report_table(report: BuildReport) -> Table:
    """The published build, and how long it took."""
    rows = {
        "build": report.build.name,
        "taxonomies": report.build.taxonomies,
        "skills": f"{report.build.skills:,}",
        "occupations": f"{report.build.occupations:,}",
        "embedded now": f"{report.embedded:,}",
        **_quality(report.build.quality),
        **{name: f"{value:.2f} s" for name, value in report.seconds.items()},
        "size": megabytes(report.bytes_on_disk),
    }
    return pairs_table("published" if report.is_new else "already published, nothing to do", rows)


def builds_table(
    builds: Sequence[BuildInfo], published: str | None, sizes: Mapping[str, int | None]
) -> RenderableType:
    """All builds, oldest first, with their models in their names; below them the problems of failed ones."""
    table = new_table()
    table.add_column("build", overflow="fold")
    for name in ("skills", "occupations", "state", "size"):
        table.add_column(name, justify="left" if name == "state" else "right", no_wrap=True)
    for info in builds:
        is_published = info.name == published
        table.add_row(
            Group(Text(info.name), Text(f"  {info.taxonomies}", style="dim")),
            f"{info.skills:,}",
            f"{info.occupations:,}",
            "published" if is_published else info.state,
            megabytes(sizes.get(info.name)),
            style="bold green" if is_published else None,
        )
    return Group(table, *(Text(info.problem, style="red") for info in builds if info.problem))


def megabytes(size: int | None) -> str:
    """A size on disk in MB."""
    return "unknown" if size is None else f"{size / 1e6:.1f} MB"


def candidates_found(quality: Quality) -> str:
    """The share of the nearest skills that a search finds at least, and how it searches."""
    if "candidates" not in quality:
        return "not measured"
    return f"{quality['candidates']:.3f} of the nearest or more ({quality['search']})"


def _counts_table(plan: Plan) -> Table:
    table = new_table()
    table.add_column("")
    counts = {space: plan.spaces[space].counts() for space in SPACES}
    for space in SPACES:
        table.add_column(space, justify="right")
    for action in ACTIONS:
        table.add_row(action, *(f"{counts[space][action]:,}" for space in SPACES))
    if any(plan.spaces[space].others for space in SPACES):
        others = (f"{len(plan.spaces[space].others):,}" for space in SPACES)
        table.add_row("other taxonomies", *others, style="dim")
    return table


def _examples(plan: Plan) -> list[RenderableType]:
    found: list[RenderableType] = []
    for action in ACTIONS:
        if examples := plan.examples(action):
            found.append(Text(f"{action}, for example", style="bold"))
            rows = Table.grid(padding=(0, 2))
            for change in examples:
                fields = ", ".join(change.fields).replace("_", " ")
                rows.add_row("", _labels(change), Text(fields, style="cyan"))
            found += [rows, Text()]
    return found


def _labels(change: Change) -> Text:
    label = change.label_after if change.label_before is None else change.label_before
    if change.label_before and change.label_after and change.label_before != change.label_after:
        return Text(f"{label} → {change.label_after}")
    return Text(str(label))


def _shifts(plan: Plan) -> list[RenderableType]:
    rows = Table.grid(padding=(0, 2))
    for justify in ("left", "left", "right"):
        rows.add_column(justify=justify)
    counts = {name: count for name, count in plan.shifts.items() if count}
    for name, count in counts.items():
        rows.add_row("", SHIFTS[name], f"{count:,}")
    return [Text("relations and hierarchy", style="bold"), rows, Text()] if counts else []


def _quality(quality: Mapping[str, object]) -> dict[str, str]:
    if quality.get("recall") is None:
        return {}
    before = quality.get("published_recall")
    told = f"{quality['recall']:.3f}" + ("" if before is None else f", was {before:.3f}")
    return {"recall": f"{told} ({quality['golden']}, {quality['titles']} titles)"}
