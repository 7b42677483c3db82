"""The device that a model runs on, its threads there, and what it is good at."""

import importlib.util
import os
import platform
import warnings
from pathlib import Path
from typing import Final

from skillsearch.errors import ConfigurationError

__all__ = [
    "cpu_threads",
    "has_accelerator",
    "multiplies_int8",
    "select_device",
    "usable_cpus",
    "use_threads",
]

_INT8: Final = frozenset({"avx512_vnni", "avx_vnni", "amx_int8", "asimddp"})
"""Flags of CPUs with instructions for products of 8-bit integers: of x86, and the last of ARM."""


def select_device(device: str | None) -> str:
    """The device asked for, or the best there is: CUDA, then MPS, then CPU.

    Raises:
        ConfigurationError: the device is unknown or not on this machine.
    """
    import torch

    if device is None:
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigurationError(f"device {device!r} cannot be used on this machine: {reason}") from error
    return device


def has_accelerator() -> bool:
    """Whether torch is installed and would take a GPU; torch is imported only where there may be one."""
    possible = Path("/proc/driver/nvidia").exists() or platform.system() in ("Darwin", "Windows")
    return possible and importlib.util.find_spec("torch") is not None and select_device(None) != "cpu"


def multiplies_int8() -> bool:
    """Whether the CPU has instructions that make int8 weights faster than float32 (Linux, Apple silicon)."""
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as file:
            flags = next((line for line in file if line.startswith(("flags", "Features"))), "")
    except OSError:
        return (platform.system(), platform.machine()) == ("Darwin", "arm64")
    return not _INT8.isdisjoint(flags.split())


def cpu_threads(threads: int | None = None) -> int:
    """Threads of a model on a CPU.

    Args:
        threads: by default ``OMP_NUM_THREADS``, or else the CPUs that the process may use, by affinity and by
            the quota of its container.
    """
    named = os.environ.get("OMP_NUM_THREADS", "")
    if threads or named.isdigit():
        return threads or int(named)
    return usable_cpus()


def usable_cpus() -> int:
    """The CPUs that the process may use, by affinity and by the quota of its container."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it has no shared memory, which it is not asked for
        from joblib import cpu_count

    return int(cpu_count())


def use_threads(threads: int | None) -> None:
    """Have torch use so many threads on CPUs in this process; by default see `cpu_threads`."""
    import torch

    if threads is None and not os.environ.get("OMP_NUM_THREADS"):
        threads = min(torch.get_num_threads(), usable_cpus())
    if threads is not None:
        torch.set_num_threads(threads)
