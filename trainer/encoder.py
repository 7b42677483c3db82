"""Training the bi-encoder with Multiple Negatives Ranking.

The loss is the one of Henderson et al., "Efficient Natural Language Response Suggestion for Smart
Reply" (2017), arXiv:1705.00652: for each title, cross entropy over the skills of the batch, the
other pairs' skills being the negatives.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trainer.config import EncoderConfig, Mixed
from trainer.data import Pair
from trainer.fit import common_arguments, fit

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from transformers import TrainerCallback

__all__ = ["train_encoder"]


def train_encoder(
    model: "SentenceTransformer",
    pairs: Sequence[Pair],
    config: EncoderConfig,
    *,
    folder: Path,
    seed: int,
    precision: Mixed = "auto",
    callbacks: Sequence["TrainerCallback"] = (),
) -> int:
    """Train in place; no text stands twice in a batch, so none is its own negative.

    Args:
        model: from `new_encoder`, on the device to train on.
        pairs: positive pairs of title and skill text.
        config: the recipe.
        folder: where the trainer keeps what it needs while it runs.
        seed: of the order of batches and of dropout.
        precision: of the forward pass.
        callbacks: told of every step.

    Returns:
        The number of optimisation steps.
    """
    from datasets import Dataset
    from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    titles, skills = zip(*pairs, strict=True)
    # an example of our own spares the trainer's search for one, and its progress bar
    model.model_card_data.widget = [{"source_sentence": titles[0]}]
    arguments = SentenceTransformerTrainingArguments(
        batch_sampler="no_duplicates",
        **common_arguments(
            config,
            examples=len(pairs),
            folder=folder,
            seed=seed,
            device=model.device.type,
            precision=precision,
        ),
    )
    trainer = SentenceTransformerTrainer(
        model=model,
        args=arguments,
        train_dataset=Dataset.from_dict({"anchor": titles, "positive": skills}),
        loss=MultipleNegativesRankingLoss(model, scale=config.scale),
    )
    return fit(trainer, callbacks)
