"""The commands `skillsearch status`, `builds`, `rollback` and `prune`."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from skillsearch.cli.options import JsonOption

if TYPE_CHECKING:
    from skillsearch.store.base import Store

__all__ = ["builds", "prune", "rollback", "status"]


def status(as_json: JsonOption = False) -> None:
    """Show the published build.

    Example: skillsearch status --json
    """
    from indexer.cli.tables import candidates_found, megabytes
    from skillsearch.cli.console import pairs_table, stdout
    from skillsearch.settings import load_settings

    with _store() as store:
        info = store.current()
        size, facts = store.size(info.name), store.facts()
    if as_json:
        typer.echo(json.dumps({"published": info.to_dict(), "bytes": size, **facts}))
        return
    settings = load_settings()
    rows = {
        "build": info.name,
        "taxonomies": info.taxonomies,
        "skills": f"{info.skills:,}",
        "occupations": f"{info.occupations:,}",
        "encoder": f"{info.encoder} ({info.encoder_fingerprint})",
        "created": info.created,
        "replaced": info.replaced or "nothing",
        "recall": "not measured" if info.quality.get("recall") is None else info.quality["recall"],
        "candidates": candidates_found(info.quality),
        "program": info.program,
        "size": megabytes(size),
        **facts,
    }
    where = str(settings.qdrant_url or settings.home.expanduser() / "index")
    stdout().print(pairs_table(f"published in {where}", rows))


def builds(as_json: JsonOption = False) -> None:
    """List all builds with their taxonomies, model, counts, state and size.

    Example: skillsearch builds
    """
    from indexer.builds import published_info
    from indexer.cli.tables import builds_table
    from skillsearch.cli.console import stdout

    with _store() as store:
        found, published = store.builds(), published_info(store)
        sizes = {info.name: None if info.state == "unfinished" else store.size(info.name) for info in found}
    name = published.name if published else None
    if as_json:
        rows = [
            info.to_dict() | {"published": info.name == name, "bytes": sizes[info.name]} for info in found
        ]
        typer.echo(json.dumps(rows))
    else:
        stdout().print(builds_table(found, name, sizes))


def rollback(
    to: Annotated[
        str | None, typer.Option(help="Name of a build.", show_default="the one that was replaced")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Go back to the build that the published one replaced, or to another one.

    Example: skillsearch rollback
    """
    from indexer.builds import rollback as run
    from skillsearch.cli.console import stdout

    with _store() as store:
        info = run(store, to)
    if as_json:
        typer.echo(json.dumps({"published": info.to_dict()}))
    else:
        stdout().print(f"published: {info.name} ({info.taxonomies})", soft_wrap=True)


def prune(
    keep: Annotated[int, typer.Option(min=1, help="Builds to keep, including the published one.")] = 2,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be removed.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Remove old, failed and unfinished builds; the published one always stays.

    Example: skillsearch prune --keep 2
    """
    from indexer.builds import prunable
    from indexer.builds import prune as run
    from skillsearch.cli.console import stdout

    with _store() as store:
        removed = prunable(store, keep) if dry_run else run(store, keep)
    if as_json:
        typer.echo(json.dumps({"removed": [info.name for info in removed], "dry_run": dry_run}))
        return
    verb = "would remove" if dry_run else "removed"
    for info in removed:
        stdout().print(f"{verb} {info.name} ({info.state})", soft_wrap=True)
    if not removed:
        stdout().print("nothing to remove")


@contextmanager
def _store() -> "Iterator[Store]":
    from skillsearch.settings import load_settings
    from skillsearch.store import open_store

    with closing(open_store(load_settings())) as store:
        yield store
