"""Training the bi-encoder with Multiple Negatives Ranking.

The loss is the one of Henderson et al., "Efficient Natural Language Response Suggestion for Smart
Reply" (2017), arXiv:1705.00652: for each title, cross entropy over the skills of the batch, the
other pairs' skills being the negatives.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from trainer.fit import Fitted, common_arguments, fit
from trainer.pair.config import EncoderConfig, Mixed
from trainer.pair.pairs import Pair

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator
    from transformers import TrainerCallback

__all__ = ["move_towards", "train_encoder"]


def train_encoder(
    model: "SentenceTransformer",
    pairs: Sequence[Pair],
    config: EncoderConfig,
    related: NDArray[np.bool_],
    *,
    folder: Path,
    seed: int,
    validation: "InformationRetrievalEvaluator | None" = None,
    precision: Mixed = "auto",
    callbacks: Sequence["TrainerCallback"] = (),
) -> Fitted:
    """Train in place; no text is its own negative.

    Args:
        model: from `new_encoder`, on the device to train on.
        pairs: positive pairs of title and skill text.
        config: the recipe.
        related: shape (occupations, skills): what the taxonomy relates.
        folder: of the checkpoints; a run that was stopped goes on from the last one there.
        seed: of the order of batches and of dropout.
        validation: chooses the best checkpoint by nDCG@10, where the recipe wants that.
        precision: of the forward pass.
        callbacks: told of every step.

    Raises:
        TrainingError: see `fit`.
    """
    from datasets import Dataset
    from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments

    from trainer.pair.embeddings import trimmed_embeddings

    titles, skills, rows, columns = zip(*pairs, strict=True)
    # an example of our own spares the trainer's search for one, and its progress bar
    model.model_card_data.widget = [{"source_sentence": titles[0]}]
    data: dict[str, Any] = {"anchor": titles, "positive": skills}
    if config.loss == "relations":
        data["label"] = list(zip(rows, columns, strict=True))
    arguments = SentenceTransformerTrainingArguments(
        batch_sampler="no_duplicates" if config.loss == "ranking" else "batch_sampler",
        **common_arguments(
            config,
            examples=len(pairs),
            folder=folder,
            seed=seed,
            device=model.device.type,
            precision=precision,
            measure="cosine_ndcg@10",
        ),
    )
    if config.gradient_checkpointing:
        cast("Any", model[0]).auto_model.activation_checkpointing_enable()
    base = {}
    if config.base_weight:
        base = {name: value.detach().clone() for name, value in model.state_dict().items()}
    seen = {*titles, *skills, *(_texts(validation) if validation else ())}
    trimmed = trimmed_embeddings(model, sorted(seen)) if config.trim_embeddings else nullcontext()
    with trimmed:
        trainer = SentenceTransformerTrainer(
            model=model,
            args=arguments,
            train_dataset=Dataset.from_dict(data),
            evaluator=validation if config.eval_steps else None,
            loss=_loss(model, config, related, columns),
        )
        fitted = fit(trainer, callbacks, average_ratio=config.average_ratio)
    if config.base_weight:
        move_towards(model, base, config.base_weight)
    return fitted


def _texts(evaluator: "InformationRetrievalEvaluator") -> list[str]:
    return [str(text) for text in (*evaluator.queries, *evaluator.corpus)]


def move_towards(model: "SentenceTransformer", base: dict[str, "torch.Tensor"], weight: float) -> None:
    """Interpolate with the base's weights, for what the base knows and the taxonomy does not teach.

    A weight of 0 changes nothing, 1 gives the base. Wortsman et al., "Robust fine-tuning of zero-shot
    models" (2022), arXiv:2109.01903.
    """
    state = model.state_dict()
    moved = {
        name: value.lerp(base[name].to(value), weight) if value.is_floating_point() else value
        for name, value in state.items()
    }
    model.load_state_dict(moved)


def _loss(
    model: "SentenceTransformer", config: EncoderConfig, related: NDArray[np.bool_], columns: Sequence[int]
) -> "torch.nn.Module":
    import torch
    from sentence_transformers.sentence_transformer import losses

    from trainer.pair.losses import RelationAwareRankingLoss

    if config.loss == "relations":
        log_frequency = None
        if config.frequency_correction:
            counts = np.bincount(columns, minlength=related.shape[1]) / len(columns)
            log_frequency = torch.from_numpy(np.log(np.maximum(counts, 1e-9))).float().to(model.device)
        return RelationAwareRankingLoss(
            model,
            torch.from_numpy(related).to(model.device),
            scale=config.scale,
            both_directions=config.both_directions,
            log_frequency=log_frequency,
            mini_batch_size=config.mini_batch_size,
        )
    options: dict[str, Any] = {"scale": config.scale}
    if config.both_directions:
        options |= {"directions": ("query_to_doc", "doc_to_query"), "partition_mode": "per_direction"}
    if config.mini_batch_size is not None:
        return losses.CachedMultipleNegativesRankingLoss(
            model, mini_batch_size=config.mini_batch_size, **options
        )
    return losses.MultipleNegativesRankingLoss(model, **options)
