"""The command line, put together from what the installed packages register.

A package registers a command under the entry-point group ``skillsearch.commands``: a function, or a
group of commands as a `typer.Typer`.
"""

import sys
from importlib.metadata import entry_points, version
from typing import Annotated, Final, NoReturn

import typer

from skillsearch.errors import SkillSearchError

__all__ = ["COMMANDS", "build_app", "main"]

COMMANDS: Final = "skillsearch.commands"
"""The entry-point group of commands."""

_FIRST = (
    *("search", "extract", "titles", "similar", "normalize", "compare", "annotate"),
    *("reindex", "status", "builds", "rollback", "prune"),
    *("serve", "mcp"),
    *("train", "export", "fit", "evaluate", "data"),
)
_OURS: Final = ("skillsearch", "indexer", "trainer")
_EXTRAS: Final = dict.fromkeys(("fastapi", "starlette", "uvicorn", "prometheus_client"), "serve") | {
    "mcp": "mcp"
}
"""The extra that brings a library; ``train`` for others."""
_STOPPED: Final = 130
"""The exit code after Ctrl-C, as shells have it."""


def build_app() -> typer.Typer:
    """All registered commands; what they need to run is imported when one runs."""
    app = typer.Typer(
        name="skillsearch",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_skillsearch)
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
    """Run the command line; an error of ours, or of a missing extra, is one red line and its exit code."""
    try:
        build_app()()
    except SkillSearchError as problem:
        from skillsearch.cli.console import error

        error(str(problem))
        sys.exit(problem.exit_code)
    except ModuleNotFoundError as problem:
        if (problem.name or "skillsearch").partition(".")[0] in _OURS:
            raise
        from skillsearch.cli.console import error

        extra = _EXTRAS.get((problem.name or "").partition(".")[0], "train")
        error(
            f"this command needs {problem.name}, which is not installed: pip install 'skillsearch[{extra}]'"
        )
        sys.exit(1)
    except KeyboardInterrupt:
        _tell_stopped()
    except SystemExit as ended:
        if ended.code == _STOPPED:  # what typer makes of Ctrl-C
            _tell_stopped()
        raise


def _tell_stopped() -> NoReturn:
    from skillsearch.cli.console import stderr

    told = "stopped by Ctrl-C: what is published is untouched, and the same command can be given again"
    stderr().print(told, soft_wrap=True)
    sys.exit(_STOPPED)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"skillsearch {version('skillsearch')}")
        raise typer.Exit


def _skillsearch(
    verbose: Annotated[
        int,
        typer.Option("--verbose", "-v", count=True, show_default=False, help="Show logs; -vv shows more."),
    ] = 0,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Show results and errors only: no notes, no progress.")
    ] = False,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """Ranked skills of a taxonomy for job titles."""
    from skillsearch.cli.console import set_quiet, show_logs

    set_quiet(quiet)
    if verbose:
        show_logs("INFO" if verbose == 1 else "DEBUG")
