"""Options that take several of some known values, which Typer cannot tell from a type."""

from typing import Any

import typer

__all__ = ["several_of"]


def several_of(*names: str, help: str, default: str | bool = False) -> Any:  # noqa: A002, ANN401 - Typer's
    """An option for ``list[str] | None`` that can be given several times, each time one of some names.

    Args:
        names: the known values.
        help: of the option.
        default: what the help shows as the default; nothing by default.
    """

    def parse(value: str) -> str:
        if value not in names:
            raise typer.BadParameter(f"{value!r} is not one of {', '.join(names)}.")
        return value

    return typer.Option(parser=parse, metavar="|".join(names), help=help, show_default=default)
