"""The command `skillsearch serve`."""

from pathlib import Path
from typing import Annotated

import typer

from indexer.cli.options import SampleOption, index_sample
from skillsearch.cli.options import SetOption, split_settings

__all__ = ["serve"]


def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen at.", show_default="127.0.0.1, this machine alone")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen at.", show_default="8000")] = None,
    sample: SampleOption = False,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; each loads the models.", show_default="1")
    ] = None,
    keys_file: Annotated[
        Path | None, typer.Option(help="File of hashed API keys.", show_default="everybody may call")
    ] = None,
    new_key: Annotated[
        str | None,
        typer.Option(
            metavar="ROLE:NAME",
            help="Make a key with the role read or judge, and a line for the file of keys; then exit.",
            show_default=False,
        ),
    ] = None,
    assignments: SetOption = None,
) -> None:
    """Serve the HTTP API and the page, until Ctrl-C.

    The published index is searched; a new one is taken up between two requests. --sample indexes the sample
    taxonomy first, where nothing is published. --set takes any setting of a search, and those of the
    service, such as max_items or cors.

    Example: skillsearch serve --sample --port 8000

    Example: skillsearch serve --new-key judge:anna

    Example: skillsearch serve --host 0.0.0.0 --keys-file keys.txt --workers 2
    """
    from skillsearch.cli.console import note, stdout
    from skillsearch.http.keys import new_key as make_key
    from skillsearch.http.run import serve as run
    from skillsearch.http.settings import ServiceSettings, load_service_settings
    from skillsearch.settings import load_settings

    if new_key is not None:
        role, _, name = new_key.partition(":")
        key, line = make_key(name, role)
        note("give the key to its owner, and add the line to the file of keys:")
        stdout().print(f"{key}\n{line}", soft_wrap=True)
        return
    changes, more = split_settings(assignments, set(ServiceSettings.model_fields))
    options = {"host": host, "port": port, "workers": workers, "keys_file": keys_file}
    given = {name: str(value) for name, value in options.items() if value is not None}
    service, settings = load_service_settings(**(more | given)), load_settings(**changes)
    if sample:
        index_sample(settings)
    note(f"serving at http://{service.host}:{service.port}")
    environment = {f"SKILLSEARCH_{name.upper()}": value for name, value in changes.items()}
    environment |= {f"SKILLSEARCH_SERVE_{name.upper()}": value for name, value in (more | given).items()}
    run(settings, service, environment)
