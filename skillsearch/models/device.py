"""The device that a model runs on, and its threads there."""

import os

from skillsearch.errors import ConfigurationError

__all__ = ["select_device", "use_threads"]


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


def use_threads(threads: int | None) -> None:
    """Have the models of this process use so many threads on CPUs.

    Args:
        threads: by default ``OMP_NUM_THREADS``, or else the CPUs that the process may use, by affinity and by
            the quota of its container, of which torch knows only the first.
    """
    import torch
    from joblib import cpu_count

    if threads is None and not os.environ.get("OMP_NUM_THREADS"):
        threads = min(torch.get_num_threads(), cpu_count())
    if threads is not None:
        torch.set_num_threads(threads)
