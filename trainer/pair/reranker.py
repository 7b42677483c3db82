"""Training of the three-class cross-encoder with cross entropy."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from skillsearch.models.pair import RERANKER
from trainer.fit import FitOptions, common_arguments, fit
from trainer.pair.config import RerankerConfig
from trainer.pair.pairs import Triple
from trainer.run import TrainReport

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

__all__ = ["train_reranker"]


def train_reranker(
    model: "CrossEncoder",
    triples: Sequence[Triple],
    config: RerankerConfig,
    options: FitOptions,
    *,
    validation: Sequence[Triple] = (),
) -> TrainReport:
    """Train in place.

    Args:
        model: from `new_reranker`, on the device to train on.
        triples: title, skill text, and class 0, 1 or 2.
        config: the recipe.
        options: checkpoints, seed, precision and progress.
        validation: triples that choose the best checkpoint by macro F1, where the recipe wants that.

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
    arguments = CrossEncoderTrainingArguments(
        **common_arguments(
            config, options, examples=len(triples), device=model.device.type, measure="f1_macro"
        )
    )
    trainer = CrossEncoderTrainer(
        model=model,
        args=arguments,
        train_dataset=Dataset.from_dict({"title": titles, "skill": skills, "label": labels}),
        evaluator=evaluator,
        loss=CrossEntropyLoss(model),
    )
    return fit(trainer, RERANKER, options)
