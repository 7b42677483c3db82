"""The device that a model runs on."""

from skillsearch.errors import ConfigurationError

__all__ = ["select_device"]


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
