"""Results of a search as tables for a terminal."""

from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from skillsearch.cli.console import new_table
from skillsearch.results import SearchResult, SkillHit

__all__ = ["explanation", "result_table"]

_STYLES = {"core": "bold green", "contextual": "yellow", "irrelevant": "dim"}
_BAR_WIDTH = 8
_NONE = "-"


def result_table(result: SearchResult) -> RenderableType:
    """The hits of a title: rank, skill, relevance, probability, type and reuse level; notes below."""
    versions, timings = result.versions, result.timings
    reranked = "late interaction" if result.rerank == "late-interaction" else "rerank"
    parts = [
        " + ".join(map(str, versions.taxonomies)),
        *([versions.blender] if versions.blender else []),
        f"{timings.total:.0f} ms: encode {timings.encode:.0f}, retrieve {timings.retrieve:.0f}, "
        f"{reranked} {timings.rerank:.0f}",
    ]
    table = new_table(_title(result), " · ".join(parts))
    table.title_style = "bold"
    table.add_column("#", justify="right", style="dim")
    table.add_column("skill", ratio=1)
    table.add_column("relevance", no_wrap=True)
    table.add_column("probability", no_wrap=True, min_width=_BAR_WIDTH + 5)
    table.add_column("type", no_wrap=True)
    table.add_column("reuse level", no_wrap=True)
    for hit in result:
        table.add_row(
            str(hit.rank),
            hit.label,
            _relevance(hit),
            _probability(hit.probability),
            hit.skill_type or _NONE,
            hit.reuse_level.removesuffix("-specific") or _NONE,
        )
    notes = list(result.notes)
    if not result.recognised:
        notes.insert(0, f"not recognised as a job title in {', '.join(versions.languages)}")
    if not result.hits:
        asked = "" if result.min_probability is None else " and is as probable as was asked for"
        notes.append(f"no skill fulfils the filters{asked}")
    return Group(table, *(Text(note, style="yellow") for note in notes)) if notes else table


def _title(result: SearchResult) -> str:
    """The title, and what was searched for where that is something else."""
    searched = "; ".join(result.searched)
    return result.title if searched in ("", result.title) else f"{result.title} → {searched}"


def explanation(result: SearchResult, hit: SkillHit) -> RenderableType:
    """Panel that explains the score of one hit, with its entry in the taxonomy."""
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("URI", hit.uri)
    table.add_row("relevance", _relevance(hit))
    table.add_row("probability", _NONE if hit.probability is None else f"{hit.probability:.4f}")
    table.add_row("score", f"{hit.score:.4f}{_formula(result, hit)}")
    table.add_row("retrieval", f"{hit.retrieval_score:.4f} (cosine of title and skill)")
    if hit.rerank_score is not None:
        meaning = "logit of core" if hit.probabilities else "late interaction of the tokens"
        table.add_row("rerank", f"{hit.rerank_score:.4f} ({meaning})")
    if hit.probabilities is not None:
        shares = hit.probabilities
        table.add_row(
            "classes",
            f"core {shares.core:.3f}, contextual {shares.contextual:.3f}, irrelevant {shares.irrelevant:.3f}",
        )
    if hit.features is not None and hit.contributions is not None:
        table.add_row("features", _features(hit.features, hit.contributions))
    table.add_row("aliases", "; ".join(hit.aliases) or _NONE)
    table.add_row("description", hit.description or _NONE)
    table.add_row("collections", ", ".join(hit.collections) or _NONE)
    parents = (f"{parent.code} {parent.label}".strip() for parent in hit.links.broader)
    table.add_row("broader", "; ".join(parents) or _NONE)
    table.add_row(
        "needed by",
        f"{len(hit.links.essential_for)} occupations essentially, {len(hit.links.optional_for)} optionally",
    )
    return Panel(table, title=Text(f"#{hit.rank} {hit.label}"), title_align="left")


def _relevance(hit: SkillHit) -> Text:
    return Text(hit.relevance or _NONE, style=_STYLES.get(hit.relevance or "", "dim"))


def _probability(share: float | None) -> Table | str:
    """The number, and a bar for it."""
    if share is None:
        return _NONE
    row = Table.grid(padding=(0, 1))
    bar = ProgressBar(total=1.0, completed=share, width=_BAR_WIDTH, complete_style="cyan")
    row.add_row(f"{share:.2f}", bar)
    return row


def _features(features: Mapping[str, float], contributions: Mapping[str, float]) -> Table:
    """Each feature's value, and by how much it raises the score against the feature's mean."""
    rows = Table(box=None, pad_edge=False, header_style="dim")
    rows.add_column("", no_wrap=True)
    rows.add_column("value", justify="right")
    rows.add_column("raises the score by", justify="right")
    for name in sorted(features, key=lambda name: -abs(contributions[name])):
        rows.add_row(name.replace("_", " "), f"{features[name]:.4f}", f"{contributions[name]:+.4f}")
    return rows


def _formula(result: SearchResult, hit: SkillHit) -> str:
    if result.versions.blender is not None:
        return f" = probability by {result.versions.blender}, demand weight {result.demand_weight:g}"
    if hit.rerank_score is None or result.alpha is None:
        return ""
    demand = "" if hit.contributions is None else " + demand"
    return f" = {result.alpha:g} · minmax(retrieval) + {1 - result.alpha:g} · minmax(rerank){demand}"
