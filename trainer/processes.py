"""Several processes of one run, as `accelerate launch` starts them: the first one writes."""

import os
from contextlib import suppress

__all__ = ["is_first", "local_device", "wait_for_all"]


def is_first() -> bool:
    """Whether this process is the one that writes files."""
    return int(os.environ.get("RANK", "0")) == 0


def wait_for_all(device: str) -> None:
    """Wait until every process has come here; at once where there is only one."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        from accelerate import PartialState

        PartialState(cpu=device == "cpu").wait_for_everyone()


def local_device(device: str) -> str:
    """The device of this process: its own GPU where several processes share a machine."""
    with suppress(KeyError):
        if device == "cuda":
            return f"cuda:{os.environ['LOCAL_RANK']}"
    return device
