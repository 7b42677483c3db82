"""Training one encoder for all work tasks on a data set of titles, sentences, variants and skills."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from skillsearch.rank.fuse import late_interaction
from trainer.fit import Fitted, common_arguments, fit, total_steps
from trainer.pair.encoder import move_towards
from trainer.unified.config import UnifiedConfig
from trainer.unified.graph import SIDES, WorkGraph
from trainer.unified.losses import Side, UnifiedLoss
from trainer.unified.sampling import draw, training_dataset

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.evaluation import BaseEvaluator
    from transformers import TrainerCallback

__all__ = ["VALIDATION_MEASURE", "train_unified", "unified_loss"]

VALIDATION_MEASURE = "average_map"
"""What the evaluator calls the mean MAP over the tasks; it chooses the best checkpoint."""


def train_unified(
    model: "SentenceTransformer",
    graph: WorkGraph,
    config: UnifiedConfig,
    *,
    folder: Path,
    validation: "BaseEvaluator | None" = None,
    callbacks: Sequence["TrainerCallback"] = (),
) -> Fitted:
    """Train in place; the transformer learns, a head to 1024 numbers stays the isometry that it is.

    So the cosine of two vectors is the cosine of their mean tokens, with head and without.

    Args:
        model: from `new_encoder`, on the device to train on.
        graph: what to learn.
        config: the recipe.
        folder: of the checkpoints; a run that was stopped goes on from the last one there.
        validation: gives `VALIDATION_MEASURE`; without it the last weights are kept.
        callbacks: told of every step.

    Raises:
        TrainingError: see `fit`; or the graph has no edge, or the loss is not finite.
    """
    from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments

    if validation is None:
        config = config.model_copy(update={"eval_steps": None})
    skills = len(graph.uris)
    rows = total_steps(config, skills) * config.batch_size * config.gradient_accumulation
    columns = draw(graph, rows, affix_probability=config.affix_probability, seed=config.seed)
    _freeze_head(model)
    if config.dropout is not None:
        _set_dropout(model, config.dropout)
    if model.device.type == "cpu":  # where the fused attention's backward pass is the slower one
        cast("Any", model[0]).auto_model.set_attn_implementation("eager")
    # an example of our own spares the trainer's search for one, and its progress bar
    model.model_card_data.widget = [{"source_sentence": graph.texts["skills"][0]}]
    if config.gradient_checkpointing:
        cast("Any", model[0]).auto_model.activation_checkpointing_enable()
    base = {}
    if config.base_weight:
        base = {name: value.detach().clone() for name, value in model.state_dict().items()}
    arguments = SentenceTransformerTrainingArguments(
        **common_arguments(
            config,
            examples=skills,
            folder=folder,
            seed=config.seed,
            device=model.device.type,
            precision=config.precision,
            measure=VALIDATION_MEASURE,
        ),
    )
    trainer = SentenceTransformerTrainer(
        model=model,
        args=arguments,
        train_dataset=training_dataset(graph, columns),
        evaluator=validation,
        loss=unified_loss(model, graph, config),
    )
    fitted = fit(trainer, callbacks, average_ratio=config.average_ratio)
    if config.base_weight:
        move_towards(model, base, config.base_weight)
    return fitted


def unified_loss(model: "SentenceTransformer", graph: WorkGraph, config: UnifiedConfig) -> UnifiedLoss:
    """The loss of a configuration on a graph."""
    sides = {}
    for side in SIDES:
        part = getattr(config, side)
        shape = (len(graph.uris), len(graph.texts[side]))
        sides[side] = Side.of(graph.edges[side], shape, weight=part.weight, temperature=part.temperature)
    return UnifiedLoss(
        model,
        sides,
        partial(
            late_interaction,
            interaction=config.interaction,
            temperature=config.attention_temperature,
            length_normalised=config.length_normalised,
        ),
        kind=config.kind,
        mini_batch_size=config.mini_batch_size,
    )


def _freeze_head(model: "SentenceTransformer") -> None:
    for module in list(model)[1:]:
        module.requires_grad_(False)


def _set_dropout(model: "SentenceTransformer", probability: float) -> None:
    from torch import nn

    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = probability
