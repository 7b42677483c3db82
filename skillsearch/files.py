"""Files that are written whole or not at all."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

__all__ = ["write_atomically"]


def write_atomically(path: Path, parts: Iterable[bytes]) -> None:
    """Write beside, part by part, flush to disk, and rename; missing folders above are made.

    Raises:
        OSError: it cannot be written; what was there is untouched.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as file:
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise
