"""Where and in which precision a model runs."""

from typing import Literal

from skillsearch.errors import ConfigurationError

__all__ = ["Precision", "select_device"]

Precision = Literal["float32", "bfloat16", "float16"]


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
