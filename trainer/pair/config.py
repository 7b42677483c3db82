"""The configuration of an encoder and a reranker, saved with the models; the presets are instances of it."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from skillsearch.errors import ConfigurationError
from skillsearch.models.hub import COMPACT_BASE, MULTILINGUAL_BASE
from skillsearch.models.pair import SKILLSCOUT
from trainer.config import (
    Count,
    CountOrNone,
    Fraction,
    Frozen,
    Mixed,
    ModelConfig,
    NotNegative,
    Positive,
    assigned,
    from_preset,
)

__all__ = ["PRESETS", "DistilledConfig", "EncoderConfig", "PairConfig", "RerankerConfig", "configure_pair"]


class _RelationConfig(ModelConfig):
    """Options of models that learn from a taxonomy's relations.

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
        alias_pairs: pairs a relation with labels or aliases drawn for both sides, beside the
            canonical pair.
        base_weight: how far the trained weights are moved back towards the base at the end.
        alias_weight: how much the mean of its aliases counts in the vector of a skill, beside its label.
        translation_pairs: pairs of a concept's names in two languages, where several are given.
    """

    mini_batch_size: Count | None = None
    trim_embeddings: bool = False
    scale: Positive = 20.0
    loss: Literal["ranking", "relations"] = "ranking"
    both_directions: bool = False
    alias_pairs: CountOrNone = 1
    base_weight: Fraction = 0.0
    alias_weight: NotNegative = 0.0
    translation_pairs: CountOrNone = 0


class RerankerConfig(_RelationConfig):
    """The cross-encoder: cross entropy on triples of title, skill and class.

    Attributes:
        hard_negatives: for each occupation, drawn from the nearest skills that are not related to it.
        random_negatives: for each occupation, drawn from all skills that are not related to it.
        mining_depth: how many of the nearest skills hard negatives are drawn from.
    """

    max_length: Count = 128
    batch_size: Count = 32
    learning_rate: Positive = 2e-5
    hard_negatives: CountOrNone = 5
    random_negatives: CountOrNone = 10
    mining_depth: Count = 100


class DistilledConfig(Frozen):
    """The distilled cross-encoder, which learns the logits of the cross-encoder on candidates of searches.

    Attributes:
        width: numbers of a token, a multiple of 32.
        layers: in which the tokens of both sides see each other.
        aliases: titles of each training occupation beside its label.
        candidates: skills that are scored for each title.
        depth: how many of the nearest skills they are drawn from.
        titles: in a step.
        epochs: passes over the titles.
        learning_rate: at the end of the warm-up; it falls to 0 linearly.
    """

    width: Annotated[int, Field(gt=0, multiple_of=32)] = 128
    layers: Count = 2
    aliases: CountOrNone = 1
    candidates: Count = 20
    depth: Count = 200
    titles: Count = 20
    epochs: Count = 5
    learning_rate: Positive = 1e-3

    def steps(self, titles: int) -> int:
        """Optimisation steps over so many titles."""
        return max(1, titles * self.epochs // self.titles)


class PairConfig(Frozen):
    """A whole training of the models.

    Attributes:
        preset: the preset that it started from.
        encoder: the bi-encoder.
        reranker: the cross-encoder.
        distilled: the distilled cross-encoder; None for none.
        seed: of the splits, the draws and the new weights.
        holdout: share of the occupations held out before pairing, to report on.
        validation: share of the occupations held out to choose checkpoints and to calibrate.
        precision: of the forward passes; `auto` is the fastest that the device has in hardware.
        multilingual: whether the bases read several languages, which may then be given together.
    """

    preset: str
    encoder: EncoderConfig
    reranker: RerankerConfig
    distilled: DistilledConfig | None = None
    seed: CountOrNone = 42
    holdout: Annotated[float, Field(gt=0, lt=1)] = 0.1
    validation: Annotated[float, Field(gt=0, lt=1)] = 0.05
    precision: Mixed = "auto"
    multilingual: bool = False

    @model_validator(mode="after")
    def _something_left(self) -> Self:
        if self.holdout + self.validation >= 1:
            raise ValueError("holdout and validation leave nothing to train on: together they are below 1")
        return self


PRESETS = {
    "compact": PairConfig(
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
        distilled=DistilledConfig(),
    ),
    "compact-card": PairConfig(
        preset="compact-card",
        encoder=EncoderConfig(base=COMPACT_BASE, eval_steps=500),
        reranker=RerankerConfig(base=COMPACT_BASE),
    ),
    "large": PairConfig(
        preset="large",
        encoder=EncoderConfig(
            base="jjzha/esco-xlm-roberta-large",
            eval_steps=500,
            gradient_checkpointing=True,
            trim_embeddings=True,
        ),
        reranker=RerankerConfig(base="cross-encoder/ms-marco-MiniLM-L-12-v2"),
    ),
    "multilingual": PairConfig(
        preset="multilingual",
        encoder=EncoderConfig(
            base=MULTILINGUAL_BASE,
            batch_size=128,
            epochs=10,
            max_steps=3000,
            learning_rate=2e-4,
            loss="relations",
            both_directions=True,
            alias_weight=0.5,
            trim_embeddings=True,
            translation_pairs=4,
        ),
        reranker=RerankerConfig(
            base=MULTILINGUAL_BASE, batch_size=64, epochs=10, max_steps=3000, learning_rate=1e-4
        ),
        distilled=DistilledConfig(),
        multilingual=True,
    ),
}
"""`compact` is the best found for two CPU cores; `compact-card` is SkillScout's recipe on the same base.

`large` is SkillScout's recipe on its own bases, for a GPU: the recipe is that of the model cards
huggingface.co/talentguide/skillscout-large and huggingface.co/talentguide/skillscout-reranker.
Checkpointing and the trimmed token table change no result and keep it under 8 GB of GPU memory.
`multilingual` is the recipe of `compact` on a base of a hundred languages, without the prefixes of E5.
"""


def configure_pair(
    preset: str | None = None,
    *,
    values: Mapping[str, Any] | None = None,
    assignments: Sequence[str] = (),
) -> PairConfig:
    """A preset with other values in place of its own; later ones win.

    Args:
        preset: one of `PRESETS`; by default the one that `values` name, else ``compact``.
        values: nested like a `PairConfig`, such as ``{"encoder": {"epochs": 1}}``.
        assignments: such as ``encoder.learning_rate=1e-4``; the value is read as TOML.
            ``max_steps=100`` is for both models.

    Raises:
        ConfigurationError: there is no such preset, or it is not one to train, or a value is wrong.
    """
    if SKILLSCOUT in (preset, (values or {}).get("preset")):
        raise ConfigurationError(
            f"the preset {SKILLSCOUT} is the published weights: it is searched with, not trained; "
            "its recipe is --preset large"
        )
    return from_preset(PRESETS, preset, values, [_for_both(assigned(text)) for text in assignments])


def _for_both(change: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"encoder": change, "reranker": change} if "max_steps" in change else change
