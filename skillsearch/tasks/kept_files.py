"""Files of what was learned of a build and is costly to learn again; any of them may be deleted."""

import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic_core import from_json

from skillsearch.errors import StoreError
from skillsearch.files import save

__all__ = ["kept_in"]

_Made = TypeVar("_Made")

_logger = logging.getLogger(__name__)


def kept_in(
    path: Path,
    build: str,
    make: Callable[[], _Made],
    *,
    read: Callable[[Mapping[str, Any]], _Made],
    write: Callable[[_Made], Mapping[str, Any]],
) -> _Made:
    """What a file keeps of a build, or else what `make` gives, which the file keeps from now on.

    It keeps those of two builds, so that nothing is learned again after a rollback.

    Args:
        path: of the file, which is JSON.
        build: the name of the build; what is kept of others is not read.
        make: learns it anew, where there is no file or a damaged one.
        read: makes it of JSON values.
        write: gives its JSON values.
    """
    before: dict[str, Any] = {}
    try:
        known = dict(from_json(path.read_bytes())["builds"])
        if build in known:
            return read(known[build])
        before = known
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        pass  # there is none, or it is damaged: it is made again
    made = make()
    kept = dict([*list(before.items())[-1:], (build, write(made))])
    try:
        save(path, json.dumps({"builds": kept}, ensure_ascii=False) + "\n", StoreError)
    except StoreError as error:
        _logger.info("%s; it is learned again next time", error)
    return made
