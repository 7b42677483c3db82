"""Options that commands share, and reading ``NAME=VALUE``."""

from collections.abc import Collection, Iterable, Sequence
from typing import Annotated

import typer

from skillsearch.characters import fault_of, quoted
from skillsearch.errors import ConfigurationError

__all__ = ["JsonOption", "SetOption", "read_assignments", "split_settings"]

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]

SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="A setting for this run, such as device=cpu."),
]


def read_assignments(assignments: Iterable[str], option: str = "--set") -> list[tuple[str, str]]:
    """Names and values of ``NAME=VALUE``, in their order; a name may stand several times.

    Raises:
        ConfigurationError: there is no name or no equals sign, or a character that text may not have;
            `option` says where.
    """
    pairs = []
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals or not name.strip():
            raise ConfigurationError(f"{option} {quoted(assignment)}: expected NAME=VALUE")
        if fault := fault_of(" ".join(assignment.split())):
            raise ConfigurationError(f"{option} {quoted(assignment)} has {fault}; remove it")
        pairs.append((name.strip().replace("-", "_"), value.strip()))
    return pairs


def split_settings(
    assignments: Sequence[str] | None, others: Collection[str] = ()
) -> tuple[dict[str, str], dict[str, str]]:
    """The values of ``--set``: those of settings, and those of other names that a command takes.

    Raises:
        ConfigurationError: a name is neither, or an assignment is not NAME=VALUE.
    """
    from skillsearch.settings import Settings

    settings: dict[str, str] = {}
    more: dict[str, str] = {}
    for name, value in read_assignments(assignments or ()):
        if name in others:
            more[name] = value
        elif name in Settings.model_fields:
            settings[name] = value
        else:
            own = f"{', '.join(sorted(others))}, or " if others else ""
            raise ConfigurationError(
                f"--set {quoted(name)[1:-1]}: unknown; expected {own}a setting such as models, home or device"
            )
    return settings, more
