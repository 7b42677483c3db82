"""Concepts that were found for texts, as tables or JSON Lines."""

from collections.abc import Iterable

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from skillsearch.characters import json_text
from skillsearch.cli.answers import Answer, json_cell
from skillsearch.cli.console import error, new_table, stdout
from skillsearch.results import FailedSearch, Found, OccupationMatch, SkillMatch

__all__ = ["found_table", "print_found", "probability_cell"]

_NONE = "-"


def print_found(found: Iterable[Answer], *, as_json: bool) -> bool:
    """A table or a JSON object on a line for each input; True, as all was there that was to be shown.

    In JSON an input that was refused has the names of the others too, and beside them its error.
    """
    for row, answer in found:
        if as_json:
            typer.echo(json_text(_values(answer) | ({"row": row.values} if row.values else {})))
        elif isinstance(answer, FailedSearch):
            error(f"{row.place}: {answer.error}".removeprefix(": "))
        else:
            stdout().print(found_table(answer))
    return True


def _values(answer: Found[SkillMatch] | Found[OccupationMatch] | FailedSearch) -> dict[str, object]:
    if isinstance(answer, FailedSearch):
        given = json_cell(answer.title)
        return {"input": given, "recognised": False, "hits": [], "error": answer.error, "kind": answer.kind}
    return answer.to_dict()


def found_table(found: Found[SkillMatch] | Found[OccupationMatch]) -> RenderableType:
    """The concepts found for a text: label, probability, how it was found, and what it is."""
    searched = "; ".join(found.searched)
    title = found.input if searched in ("", found.input) else f"{found.input} → {searched}"
    versions = " + ".join(map(str, found.versions.taxonomies))
    table = new_table(title, f"{versions} · {found.timings.total:.0f} ms")
    table.title_style = "bold"
    table.add_column("#", justify="right", style="dim")
    table.add_column("concept", ratio=1)
    table.add_column("probability", justify="right", no_wrap=True)
    table.add_column("found by", no_wrap=True)
    table.add_column("what it is", no_wrap=True)
    for hit in found:
        table.add_row(
            str(hit.rank), hit.label, probability_cell(hit.probability), _how(hit), _kind(hit) or _NONE
        )
    notes = list(found.notes)
    if not found.recognised:
        notes.insert(0, "not recognised")
    return Group(table, *(Text(note, style="yellow") for note in notes)) if notes else table


def probability_cell(probability: float | None) -> str:
    """A probability with two digits, or a dash where no model tells."""
    return _NONE if probability is None else f"{probability:.2f}"


def _how(hit: SkillMatch | OccupationMatch) -> str:
    if isinstance(hit, OccupationMatch) and hit.relation:
        return hit.relation
    return f"alias {hit.name}" if hit.how == "alias" else hit.how


def _kind(hit: SkillMatch | OccupationMatch) -> str:
    if isinstance(hit, OccupationMatch):
        return f"ISCO {hit.isco}" if hit.isco else "occupation"
    return hit.skill_type
