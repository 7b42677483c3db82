"""A whole unified training: a data set in; a model folder with its manifest and card out."""

from sentence_transformers.base.evaluation import BaseEvaluator
from transformers import set_seed

from skillsearch.models.hub import resolve_model
from skillsearch.models.manifest import Interaction, ModelManifest
from skillsearch.models.pair import ENCODER
from skillsearch.progress import Progress, silent
from trainer.bases import DIMENSION, new_encoder
from trainer.documents import write_documents
from trainer.export.agreement import Sample, sample_texts
from trainer.export.run import export_trained
from trainer.fit import FitOptions
from trainer.run import Target, TrainReport, is_first, open_workspace
from trainer.unified.config import UnifiedConfig
from trainer.unified.graph import SIDES, WorkGraph
from trainer.unified.train import train_on_graph

__all__ = ["train_unified"]


def train_unified(
    graph: WorkGraph,
    config: UnifiedConfig,
    target: Target,
    *,
    validation: BaseEvaluator | None = None,
    progress: Progress = silent,
) -> TrainReport:
    """Train one encoder for all work tasks, and save it with a manifest, a card and its curve.

    Everything is written next to the output and moved there at the end. A run that was stopped is
    resumed when it is called again with the same arguments, and gives the same weights on a CPU.

    Args:
        graph: the data set.
        config: the recipe.
        target: where to run and write.
        validation: the evaluator that chooses the best checkpoint; without it the last weights are kept.
        progress: hears of the steps.

    Raises:
        TrainingError: the output exists and is not to be replaced, or cannot be written, the graph has
            no edge, the loss is no longer finite, or a run with other options was stopped here.
        ModelError: the base cannot be loaded.
    """
    target.require_free()  # before a base is downloaded
    resolve_model(config.base)
    report = TrainReport(examples=dict(graph.counts))
    identity = {"graph": graph.fingerprint} | config.model_dump(mode="json")
    with open_workspace(target, identity) as workspace:
        set_seed(config.seed)
        model = new_encoder(config.base, device=workspace.device, max_length=config.max_length)
        options = FitOptions(
            workspace.checkpoints(ENCODER), config.seed, config.precision, progress if is_first() else silent
        )
        report.add(train_on_graph(model, graph, config, options, validation=validation))
        interaction = Interaction(
            temperature=config.reading_temperature or config.attention_temperature,
            length_normalised=config.length_normalised,
        )
        manifest = ModelManifest(dimension=DIMENSION, max_length=config.max_length, interaction=interaction)
        workspace.save(model, ENCODER, manifest)
        with report.timed("export the model", progress if is_first() else silent):
            if is_first():
                export_trained(workspace.models, _sample(graph))
        if is_first():
            facts = {
                "preset": f"unified-{config.preset}",
                "device": workspace.device,
                "data": graph.manifest.model_dump(mode="json") | {"fingerprint": graph.fingerprint},
            }
            write_documents(workspace.models, "unified", config, report, facts)
    return report


def _sample(graph: WorkGraph) -> Sample:
    """Texts of the first side that has edges, which are titles in most data sets, and their skills."""
    side = next(side for side in SIDES if len(graph.edges[side]))
    wanted: dict[int, list[int]] = {}
    for skill, node in graph.edges[side].tolist():
        wanted.setdefault(node, []).append(skill)
    texts = [graph.texts[side][node] for node in wanted]
    described = f"{side} of {graph.manifest.release}, which were trained on"
    return sample_texts(texts, graph.texts["skills"], list(wanted.values()), described)
