"""The command line, put together from what the installed packages register.

A package registers a command under the entry-point group ``skillsearch.commands``: a function, or a
group of commands as a `typer.Typer`.
"""

import sys
from importlib.metadata import entry_points
from typing import Final

import typer

from skillsearch.errors import SkillSearchError

__all__ = ["COMMANDS", "build_app", "main"]

COMMANDS: Final = "skillsearch.commands"
"""The entry-point group of commands."""

_FIRST = ("search", "reindex", "status", "builds", "rollback", "prune", "train", "fit", "evaluate", "data")


def build_app() -> typer.Typer:
    """All registered commands; what they need to run is imported when one runs."""
    app = typer.Typer(
        name="skillsearch",
        help="Ranked skills of a taxonomy for job titles.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    order = {name: place for place, name in enumerate(_FIRST)}
    found = entry_points(group=COMMANDS)
    for entry in sorted(found, key=lambda one: (order.get(one.name, len(order)), one.name)):
        command = entry.load()
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=entry.name)
        else:
            app.command(entry.name)(command)
    return app


def main() -> None:
    """Run the command line; an error of ours is one red line and the exit code of its kind."""
    try:
        build_app()()
    except SkillSearchError as error:
        from rich.markup import escape

        from skillsearch.cli.console import stderr

        stderr().print(f"[bold red]error:[/] {escape(str(error))}", soft_wrap=True)
        sys.exit(error.exit_code)
