"""Training the three-class cross-encoder with cross entropy."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trainer.config import Mixed, RerankerConfig
from trainer.data import Triple
from trainer.fit import common_arguments, fit

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder
    from transformers import TrainerCallback

__all__ = ["train_reranker"]


def train_reranker(
    model: "CrossEncoder",
    triples: Sequence[Triple],
    config: RerankerConfig,
    *,
    folder: Path,
    seed: int,
    precision: Mixed = "auto",
    callbacks: Sequence["TrainerCallback"] = (),
) -> int:
    """Train in place.

    Args:
        model: from `new_reranker`, on the device to train on.
        triples: title, skill text, and class 0, 1 or 2.
        config: the recipe.
        folder: where the trainer keeps what it needs while it runs.
        seed: of the order of batches and of dropout.
        precision: of the forward pass.
        callbacks: told of every step.

    Returns:
        The number of optimisation steps.
    """
    from datasets import Dataset
    from sentence_transformers import CrossEncoderTrainer, CrossEncoderTrainingArguments
    from sentence_transformers.cross_encoder.losses import CrossEntropyLoss

    titles, skills, labels = zip(*triples, strict=True)
    model.model_card_data.generate_widget_examples = False
    trainer = CrossEncoderTrainer(
        model=model,
        args=CrossEncoderTrainingArguments(
            **common_arguments(
                config,
                examples=len(triples),
                folder=folder,
                seed=seed,
                device=model.device.type,
                precision=precision,
            )
        ),
        train_dataset=Dataset.from_dict({"title": titles, "skill": skills, "label": labels}),
        loss=CrossEntropyLoss(model),
    )
    return fit(trainer, callbacks)
