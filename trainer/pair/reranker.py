"""Training the three-class cross-encoder with cross entropy."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from skillsearch.errors import ConfigurationError
from trainer.fit import Fitted, common_arguments, fit
from trainer.pair.config import Mixed, RerankerConfig
from trainer.pair.pairs import Triple

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder, SentenceTransformer
    from transformers import TrainerCallback

__all__ = ["start_from_encoder", "train_reranker"]


def train_reranker(
    model: "CrossEncoder",
    triples: Sequence[Triple],
    config: RerankerConfig,
    *,
    folder: Path,
    seed: int,
    validation: Sequence[Triple] = (),
    precision: Mixed = "auto",
    callbacks: Sequence["TrainerCallback"] = (),
) -> Fitted:
    """Train in place.

    Args:
        model: from `new_reranker`, on the device to train on.
        triples: title, skill text, and class 0, 1 or 2.
        config: the recipe.
        folder: of the checkpoints; a run that was stopped goes on from the last one there.
        seed: of the order of batches and of dropout.
        validation: triples that choose the best checkpoint by macro F1, where the recipe wants that.
        precision: of the forward pass.
        callbacks: told of every step.

    Raises:
        TrainingError: see `fit`.
    """
    from datasets import Dataset
    from sentence_transformers import CrossEncoderTrainer, CrossEncoderTrainingArguments
    from sentence_transformers.cross_encoder.evaluation import CrossEncoderClassificationEvaluator
    from sentence_transformers.cross_encoder.losses import CrossEntropyLoss

    titles, skills, labels = zip(*triples, strict=True)
    model.model_card_data.generate_widget_examples = False
    if config.gradient_checkpointing:
        cast("Any", model.model).activation_checkpointing_enable()
    evaluator = None
    if config.eval_steps:
        evaluator = CrossEncoderClassificationEvaluator(
            [[title, skill] for title, skill, _ in validation],
            [label for _, _, label in validation],
            write_csv=False,
        )
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
                measure="f1_macro",
            )
        ),
        train_dataset=Dataset.from_dict({"title": titles, "skill": skills, "label": labels}),
        evaluator=evaluator,
        loss=CrossEntropyLoss(model),
    )
    return fit(trainer, callbacks, average_ratio=config.average_ratio)


def start_from_encoder(model: "CrossEncoder", encoder: "SentenceTransformer") -> None:
    """Give a new reranker the transformer of a trained encoder of the same base.

    Raises:
        ConfigurationError: their bases are of different kinds or sizes.
    """
    classifier: Any = model.model
    backbone, source = classifier.base_model, cast("Any", encoder[0]).auto_model
    try:
        if type(backbone) is not type(source):
            raise ValueError(f"{type(source).__name__} and {type(backbone).__name__}")
        backbone.load_state_dict(source.state_dict(), strict=False)
    except (RuntimeError, ValueError) as error:
        raise ConfigurationError(
            f"reranker.from_encoder needs one base for both models: {str(error).splitlines()[0]}"
        ) from error
