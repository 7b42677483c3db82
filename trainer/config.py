"""One frozen configuration a run, saved with the models it made; the presets are instances of it."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from skillsearch.errors import ConfigurationError
from skillsearch.models.source import COMPACT_BASE

__all__ = ["PRESETS", "EncoderConfig", "Mixed", "RerankerConfig", "TrainConfig", "preset"]

Mixed = Literal["auto", "float32", "bfloat16", "float16"]
Count = Annotated[int, Field(gt=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EncoderConfig(_Frozen):
    """The bi-encoder: Multiple Negatives Ranking on pairs of title and skill.

    `max_steps` ends the run early; `scale` multiplies the cosines; `optional_ratio` is the number
    of optional relations kept for each essential one.
    """

    base: str
    max_length: Count = 64
    batch_size: Count = 64
    epochs: Count = 3
    max_steps: Count | None = None
    learning_rate: Annotated[float, Field(gt=0)] = 5e-5
    warmup_ratio: Fraction = 0.1
    scale: Annotated[float, Field(gt=0)] = 20.0
    optional_ratio: Annotated[float, Field(ge=0)] = 0.5


class RerankerConfig(_Frozen):
    """The cross-encoder: cross entropy on triples of title, skill and class.

    `hard_negatives` and `random_negatives` are counts for each occupation; hard ones are drawn
    from the `mining_depth` nearest skills that are not related to the occupation.
    """

    base: str
    max_length: Count = 128
    batch_size: Count = 32
    epochs: Count = 3
    max_steps: Count | None = None
    learning_rate: Annotated[float, Field(gt=0)] = 2e-5
    warmup_ratio: Fraction = 0.1
    optional_ratio: Annotated[float, Field(ge=0)] = 0.5
    hard_negatives: Annotated[int, Field(ge=0)] = 5
    random_negatives: Annotated[int, Field(ge=0)] = 10
    mining_depth: Count = 100


class TrainConfig(_Frozen):
    """A whole run: both models, the seed, and the share of occupations held out before pairing."""

    preset: str
    encoder: EncoderConfig
    reranker: RerankerConfig
    seed: Annotated[int, Field(ge=0)] = 42
    holdout: Annotated[float, Field(gt=0, lt=1)] = 0.1
    precision: Mixed = "auto"


PRESETS = {
    "compact": TrainConfig(
        preset="compact",
        encoder=EncoderConfig(base=COMPACT_BASE, epochs=10, max_steps=1000, learning_rate=1e-4),
        reranker=RerankerConfig(
            base=COMPACT_BASE, batch_size=64, epochs=10, max_steps=1400, learning_rate=1e-4
        ),
    ),
    "large": TrainConfig(
        preset="large",
        encoder=EncoderConfig(base="jjzha/esco-xlm-roberta-large"),
        reranker=RerankerConfig(base="cross-encoder/ms-marco-MiniLM-L-12-v2"),
    ),
}
"""`compact` runs on two CPU cores; `large` starts from the bases of SkillScout, for a GPU."""


def preset(
    name: str,
    *,
    encoder_base: str | None = None,
    reranker_base: str | None = None,
    max_steps: int | None = None,
    seed: int | None = None,
    holdout: float | None = None,
) -> TrainConfig:
    """A preset by name, with what is given in place of its own.

    Args:
        name: one of `PRESETS`.
        encoder_base: a folder or a hub id.
        reranker_base: a folder or a hub id.
        max_steps: at most so many steps for each model.
        seed: of the split, the draws and the new weights.
        holdout: share of the occupations that is held out, in (0, 1).

    Raises:
        ConfigurationError: there is no such preset, or it is not one to train, or a value is wrong.
    """
    if name == "skillscout":
        raise ConfigurationError(
            "the preset skillscout is the published weights: it is searched with, not trained; "
            "its recipe is --preset large"
        )
    if name not in PRESETS:
        raise ConfigurationError(f"unknown preset {name!r}: expected one of {', '.join(PRESETS)}")
    values = PRESETS[name].model_dump()
    values["encoder"] |= _given(base=encoder_base, max_steps=max_steps)
    values["reranker"] |= _given(base=reranker_base, max_steps=max_steps)
    try:
        return TrainConfig.model_validate(values | _given(seed=seed, holdout=holdout))
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigurationError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def _given(**values: object) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}
