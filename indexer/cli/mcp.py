"""The command `skillsearch mcp`."""

from typing import Annotated

import typer

from indexer.cli.options import SampleOption, index_sample
from skillsearch.cli.options import SetOption, split_settings

__all__ = ["mcp"]


def mcp(
    http: Annotated[
        int | None,
        typer.Option(
            metavar="PORT",
            help="Serve streamable HTTP at this port of this machine, path /mcp.",
            show_default="standard input and output",
        ),
    ] = None,
    sample: SampleOption = False,
    assignments: SetOption = None,
) -> None:
    """Serve the tasks to agents by the Model Context Protocol, until the input ends or Ctrl-C.

    Standard output carries the protocol alone. --sample indexes the sample taxonomy first, where nothing is
    published.

    Example: skillsearch mcp

    Example: skillsearch mcp --http 8001
    """
    from skillsearch.client import SkillSearch
    from skillsearch.mcp.server import serve
    from skillsearch.settings import load_settings

    changes, _ = split_settings(assignments)
    settings = load_settings(**changes)

    def open_client() -> SkillSearch:
        if sample:
            index_sample(settings)
        return SkillSearch.open(settings)

    serve(open_client, port=http)
