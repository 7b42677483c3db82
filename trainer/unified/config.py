"""The configuration of a unified training, and its presets."""

from collections.abc import Mapping, Sequence
from typing import Any

from skillsearch.models.hub import COMPACT_BASE
from trainer.config import (
    Count,
    CountOrNone,
    Fraction,
    Frozen,
    Mixed,
    ModelConfig,
    NotNegative,
    Positive,
    Share,
    assigned,
    from_preset,
)
from trainer.unified.losses import LossKind

__all__ = ["PRESETS", "SideConfig", "UnifiedConfig", "configure_unified"]


class SideConfig(Frozen):
    """One bipartite graph's part in the loss: its weight in the sum and its temperature."""

    weight: NotNegative
    temperature: Positive


class UnifiedConfig(ModelConfig):
    """Unified Work Embeddings: De Lange, Decorte and Van Haute (2025), arXiv:2511.07969.

    A batch is of `batch_size` skills, each with a title, a sentence and a variant.

    Attributes:
        preset: the preset that it started from.
        mini_batch_size: texts embedded at a time with gradient caching; None for no caching.
        kind: `many-to-many` heeds every edge of the graph within a batch, `pairwise` only the sampled
            pairs, leaving the others out, `info-nce` takes the others for negatives.
        titles: of the graph of titles.
        sentences: of the graph of sentences.
        variants: of the graph of variants.
        attention_temperature: of soft late interaction, in training.
        reading_temperature: of soft late interaction, saved with the model; None for that of the training.
        length_normalised: divide a score by the query's tokens, so that it is on the scale of a cosine.
        affix_probability: how often a sentence gets another one before or after it.
        dropout: of the transformer in training; None for the base's own.
        base_weight: how far the trained weights are moved back towards the base at the end.
        seed: of the draws and of dropout.
        precision: of the forward passes; `auto` is the fastest that the device has in hardware.
    """

    preset: str
    batch_size: Count = 512
    mini_batch_size: Count | None = 64
    learning_rate: Positive = 8e-5
    epochs: Count = 22
    max_steps: Count | None = 600
    kind: LossKind = "many-to-many"
    titles: SideConfig = SideConfig(weight=1.0, temperature=0.05)
    sentences: SideConfig = SideConfig(weight=0.5, temperature=0.02)
    variants: SideConfig = SideConfig(weight=0.5, temperature=0.02)
    attention_temperature: Positive = 1.0
    reading_temperature: Positive | None = None
    length_normalised: bool = True
    affix_probability: Fraction = 0.8
    dropout: Share | None = None
    eval_steps: Count | None = 50
    base_weight: Fraction = 0.0
    seed: CountOrNone = 42
    precision: Mixed = "auto"


PRESETS = {
    "compact": UnifiedConfig(
        preset="compact",
        base=COMPACT_BASE,
        batch_size=128,
        reading_temperature=20.0,
        eval_steps=None,
        base_weight=0.5,
    ),
    "large": UnifiedConfig(preset="large", base="sentence-transformers/all-mpnet-base-v2"),
}
"""`large` has the paper's numbers, for a GPU; `compact` fits two CPU cores.

The number of updates and the base of `large` are our choice.
"""


def configure_unified(
    preset: str | None = None,
    *,
    values: Mapping[str, Any] | None = None,
    assignments: Sequence[str] = (),
) -> UnifiedConfig:
    """A preset with other values in place of its own; later ones win.

    Args:
        preset: one of `PRESETS`; by default the one that `values` name, else ``compact``.
        values: nested like a `UnifiedConfig`, such as ``{"epochs": 1}``.
        assignments: such as ``titles.weight=0.5``; the value is read as TOML.

    Raises:
        ConfigurationError: there is no such preset, or a value is wrong.
    """
    return from_preset(PRESETS, preset, values, [assigned(text) for text in assignments])
