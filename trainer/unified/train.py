"""Training one encoder for all work tasks on a data set of titles, sentences, variants and skills."""

from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from sentence_transformers.base.evaluation import BaseEvaluator
from torch import nn

from skillsearch.models.pair import ENCODER
from trainer.evaluate.evaluator import BenchmarkEvaluator
from trainer.evaluate.scorers import Scorer
from trainer.evaluate.workbench.runner import evaluate_workbench
from trainer.evaluate.workbench.tasks import WorkBench
from trainer.fit import FitOptions, common_arguments, fit, moved_back, total_steps
from trainer.interaction import late_interaction
from trainer.run import TrainReport
from trainer.unified.config import UnifiedConfig
from trainer.unified.graph import SIDES, WorkGraph
from trainer.unified.losses import Side, Similarity, UnifiedLoss
from trainer.unified.sampling import draw, training_dataset

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = ["VALIDATION_MEASURE", "train_on_graph", "workbench_evaluator"]

VALIDATION_MEASURE: Final = "average_map"
"""The evaluator's name of the mean MAP over the tasks; it chooses the best checkpoint."""


def train_on_graph(
    model: "SentenceTransformer",
    graph: WorkGraph,
    config: UnifiedConfig,
    options: FitOptions,
    *,
    similarity: Similarity | None = None,
    validation: BaseEvaluator | None = None,
) -> TrainReport:
    """Train in place; the transformer learns, a head to 1024 numbers stays the isometry that it is.

    So the cosine of two vectors is the cosine of their mean tokens, with head and without.

    Args:
        model: from `new_encoder`, on the device to train on.
        graph: what to learn.
        config: the recipe.
        options: checkpoints, seed, precision and progress.
        similarity: of tokens, in place of soft late interaction as the recipe has it.
        validation: gives `VALIDATION_MEASURE`; without it the last weights are kept.

    Raises:
        TrainingError: see `fit`; or the graph has no edge.
    """
    from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments

    if validation is None:
        config = config.model_copy(update={"eval_steps": None})
    skills = len(graph.uris)
    rows = total_steps(config, skills) * config.batch_size * config.gradient_accumulation
    columns = draw(graph, rows, affix_probability=config.affix_probability, seed=options.seed)
    _prepare(model, graph, config)
    arguments = SentenceTransformerTrainingArguments(
        **common_arguments(
            config, options, examples=skills, device=model.device.type, measure=VALIDATION_MEASURE
        )
    )
    with moved_back(model, config.base_weight):
        trainer = SentenceTransformerTrainer(
            model=model,
            args=arguments,
            train_dataset=training_dataset(graph, columns),
            evaluator=validation,
            loss=_loss(model, graph, config, similarity),
        )
        return fit(trainer, ENCODER, options)


def _prepare(model: "SentenceTransformer", graph: WorkGraph, config: UnifiedConfig) -> None:
    """Freeze the head, and set dropout and attention as the recipe and the device want them."""
    transformer: Any = cast("Any", model[0]).auto_model
    for module in list(model)[1:]:
        module.requires_grad_(False)
    for module in model.modules():
        if config.dropout is not None and isinstance(module, nn.Dropout):
            module.p = config.dropout
    if model.device.type == "cpu":  # where the fused attention's backward pass is the slower one
        transformer.set_attn_implementation("eager")
    if config.gradient_checkpointing:
        transformer.activation_checkpointing_enable()
    # an example of our own spares the trainer's search for one, and its progress bar
    model.model_card_data.widget = [{"source_sentence": graph.texts["skills"][0]}]


def _loss(
    model: "SentenceTransformer", graph: WorkGraph, config: UnifiedConfig, similarity: Similarity | None
) -> UnifiedLoss:
    sides = {}
    for side in SIDES:
        part = getattr(config, side)
        shape = (len(graph.uris), len(graph.texts[side]))
        sides[side] = Side.of(graph.edges[side], shape, weight=part.weight, temperature=part.temperature)
    soft = partial(
        late_interaction,
        temperature=config.attention_temperature,
        length_normalised=config.length_normalised,
    )
    return UnifiedLoss(
        model, sides, similarity or soft, kind=config.kind, mini_batch_size=config.mini_batch_size
    )


def workbench_evaluator(tasks: WorkBench, *, queries: int = 300, seed: int = 42) -> BenchmarkEvaluator:
    """An evaluator that measures MAP by type of WorkBench task and its mean, by the cosine of vectors.

    Args:
        tasks: the tasks; a sample of their queries is measured on, the same each time.
        queries: kept of each task, with all targets.
        seed: of the sample.
    """
    tasks = tasks.sample(queries=queries, seed=seed)

    def figures(scorer: Scorer) -> dict[str, float]:
        result = evaluate_workbench(scorer, tasks)
        by_kind = {f"{kind}_map": value for kind, value in result.by_kind("map").items()}
        return {VALIDATION_MEASURE: result.average_map} | by_kind

    return BenchmarkEvaluator(figures, VALIDATION_MEASURE)
