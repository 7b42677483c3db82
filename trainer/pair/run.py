"""A whole training of a pair: taxonomy in; two model folders, a manifest and a model card out."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from transformers import set_seed

from skillsearch.arrays import Float32Array, Float64Array, Int64Array
from skillsearch.errors import ConfigurationError, TrainingError
from skillsearch.models.calibration import write_calibration
from skillsearch.models.concepts import encode_concepts
from skillsearch.models.hub import resolve_model
from skillsearch.models.manifest import ModelManifest
from skillsearch.models.pair import DISTILLED, ENCODER, RERANKER
from skillsearch.models.protocols import Encoder
from skillsearch.models.token_scorer import load_token_scorer
from skillsearch.models.torch import load_encoder, load_pair_scorer
from skillsearch.progress import Progress, silent
from skillsearch.taxonomy.records import Occupation, Skill, Taxonomy
from skillsearch.taxonomy.texts import occupation_text, pair_text, skill_names
from trainer.bases import DIMENSION, new_encoder, new_reranker
from trainer.calibrate.reliability import expected_calibration_error
from trainer.calibrate.run import calibrate
from trainer.documents import write_documents
from trainer.export.agreement import draw_sample
from trainer.export.run import export_trained
from trainer.fit import FitOptions
from trainer.pair.calibration import fit_temperature, reliability
from trainer.pair.config import PairConfig
from trainer.pair.distilled import distil
from trainer.pair.encoder import train_encoder
from trainer.pair.heldout import (
    classification_metrics,
    confusion,
    majority_macro_f1,
    retrieval_evaluator,
    retrieval_metrics,
    triple_labels,
    triple_logits,
)
from trainer.pair.pairs import (
    Split,
    Triple,
    encoder_pairs,
    mine_hard_negatives,
    relation_classes,
    relation_matrix,
    reranker_triples,
    split_occupations,
)
from trainer.pair.reranker import train_reranker
from trainer.run import Target, TrainReport, Workspace, is_first, open_workspace

__all__ = ["train_pair"]

_SEARCH_DEPTH = 200  # candidates an occupation, as many as a search reranks
_SEARCHED = 100  # occupations


def train_pair(
    taxonomy: Taxonomy,
    config: PairConfig,
    target: Target,
    progress: Progress = silent,
    *,
    others: Sequence[Taxonomy] = (),
) -> TrainReport:
    """Train the encoder, mine hard negatives with it, train the reranker, measure both, save all.

    Everything is written next to the output and moved there at the end, so that the output is either
    complete or not there. A run that was stopped is resumed when it is called again with the same
    arguments, and gives the same weights on a CPU.

    Args:
        taxonomy: what to train on.
        config: the recipe.
        target: where to run and write.
        progress: hears of the stages and steps.
        others: the same taxonomy in other languages; what is measured is in the first.

    Raises:
        ConfigurationError: there are other languages, and the recipe reads one.
        TrainingError: the output exists and is not to be replaced, or cannot be written, or the
            taxonomy is too small or lacks essential or optional relations, or a run with other
            options was stopped here, or the loss is no longer finite.
        ModelError: a base cannot be loaded.
    """
    languages = [one.language for one in (taxonomy, *others)]
    if others and not config.multilingual:
        raise ConfigurationError(
            f"the preset {config.preset} reads one language, found {', '.join(languages)}: give the files of "
            "one, or train with --preset multilingual (or --set multilingual=true, where the bases read them)"
        )
    target.require_free()  # before a base is downloaded
    kinds = {relation.kind for relation in taxonomy.relations}
    for kind, name in (("essential", "core"), ("optional", "contextual")):
        if kind not in kinds:
            raise TrainingError(
                f"{taxonomy} has no {kind} relation, so the reranker has no example of {name}"
            )
    for base in (config.encoder.base, config.reranker.base):
        resolve_model(base)  # a wrong one is better told now than after hours
    split = split_occupations(taxonomy, config.holdout, config.seed, validation=config.validation)
    report = TrainReport(
        examples={
            "occupations_without_skills": len(taxonomy.occupations) - len(taxonomy.relations_by_occupation)
        }
    )
    digests = [_digest(one) for one in (taxonomy, *others)]
    identity = {"taxonomy": " ".join(digests)} | config.model_dump(mode="json")
    with open_workspace(target, identity) as workspace:
        run = _Run(taxonomy, others, split, config, workspace, progress if is_first() else silent)
        report.add(workspace.part(ENCODER, run.encoder))
        report.add(workspace.part(RERANKER, run.reranker))
        report.add(workspace.part("export", run.export))
        if config.distilled:
            report.add(workspace.part(DISTILLED, run.distilled))
        report.add(workspace.part("calibrate", run.calibrate))
        if is_first():
            facts = _facts(taxonomy, split, workspace.device) | {"languages": languages}
            write_documents(workspace.models, "pair", config, report, facts)
    return report


@dataclass(frozen=True)
class _Run:
    """The two parts of a run, and what they have in common."""

    taxonomy: Taxonomy
    others: Sequence[Taxonomy]
    split: Split
    config: PairConfig
    workspace: Workspace
    progress: Progress

    def encoder(self) -> TrainReport:
        """Train, measure and save the bi-encoder."""
        report, config, taxonomy = TrainReport(), self.config.encoder, self.taxonomy
        set_seed(self.config.seed)  # of the new weights; the trainers seed their own draws
        model = new_encoder(config.base, device=self.workspace.device, max_length=config.max_length)
        pairs = encoder_pairs(taxonomy, self.split, config, self.config.seed, self.others)
        report.examples["pairs"] = len(pairs)
        with report.timed("measure the untrained encoder", self.progress):
            report.metrics["encoder_untrained"] = retrieval_metrics(model, taxonomy, self.split.held_out)
        fitted = train_encoder(
            model,
            pairs,
            config,
            relation_matrix(taxonomy, names=bool(self.others)),
            self._options(ENCODER),
            validation=retrieval_evaluator(taxonomy, self.split.validation),
        )
        report.add(fitted)
        manifest = ModelManifest(
            dimension=DIMENSION,
            max_length=config.max_length,
            alias_weight=config.alias_weight,
            languages=tuple(one.language for one in (taxonomy, *self.others)),
        )
        self.workspace.save(model, ENCODER, manifest)
        with report.timed("embed the skills", self.progress):
            names = [skill_names(skill) for skill in taxonomy.skills.values()]
            vectors = encode_concepts(self._trained_encoder(), names)
        if is_first():
            np.save(self.workspace.skill_vectors, vectors)
        with report.timed("measure the encoder", self.progress):
            metrics = retrieval_metrics(model, taxonomy, self.split.held_out, skills=vectors)
            report.metrics["encoder"] = metrics
        return report

    def reranker(self) -> TrainReport:
        """Mine hard negatives, train, calibrate, measure and save the cross-encoder."""
        report, config, seed = TrainReport(), self.config.reranker, self.config.seed
        encoder, skills = self._trained_encoder(), np.load(self.workspace.skill_vectors)
        with report.timed("mine hard negatives", self.progress):
            training = self._triples(self.split.train, encoder, skills, seed)
            held_out = self._triples(self.split.held_out, encoder, skills, seed + 1)
            validation = self._triples(self.split.validation, encoder, skills, seed + 2)
        report.examples |= {"triples": len(training), "held_out_triples": len(held_out)}
        set_seed(seed)
        model = new_reranker(config.base, device=self.workspace.device, max_length=config.max_length)
        report.add(train_reranker(model, training, config, self._options(RERANKER), validation=validation))
        with report.timed("measure the reranker", self.progress):
            logits, labels = triple_logits(model, held_out), triple_labels(held_out)
            report.metrics["reranker"] = classification_metrics(logits, labels)
            report.metrics["majority_class"] = {"macro_f1": majority_macro_f1(labels)}
            report.confusion = confusion(logits, labels)
        with report.timed("calibrate the reranker", self.progress):
            temperature = fit_temperature(triple_logits(model, validation), triple_labels(validation))
            report.calibration["temperature"] = temperature
            _add_calibration(report, "", logits, labels)
            candidates = self._candidates(encoder, skills)
            _add_calibration(report, "search_", triple_logits(model, candidates), triple_labels(candidates))
        manifest = ModelManifest(max_length=config.max_length, temperature=temperature)
        self.workspace.save(model, RERANKER, manifest)
        return report

    def distilled(self) -> TrainReport:
        """Train, measure and save the distilled cross-encoder."""
        if self.config.distilled is None or not is_first():
            return TrainReport()
        return distil(
            self.workspace.models,
            self.taxonomy,
            self.split,
            np.load(self.workspace.skill_vectors),
            self.config.distilled,
            others=self.others,
            seed=self.config.seed,
            device=self.workspace.device,
            progress=self.progress,
        )

    def calibrate(self) -> TrainReport:
        """Fit what makes probabilities of scores on the held-out occupations, and measure it."""
        report = TrainReport()
        with report.timed("calibrate the hits", self.progress):
            if not is_first():
                return report
            folder, device = self.workspace.models, self.workspace.device
            encoder = self._trained_encoder()
            scorer = load_pair_scorer(str(folder / RERANKER), device=device)
            quick = folder / DISTILLED
            distilled = load_token_scorer(str(quick), encoder) if quick.is_dir() else None
            found = calibrate(self.taxonomy, encoder, scorer, self.split.held_out, distilled=distilled)
            if found.calibration:
                write_calibration(folder, found.calibration)
        for one in found.reported:
            report.calibration[f"{one.task} by {one.reranker}"] = one.shown
            report.reliability[f"{one.task} by {one.reranker}"] = one.bins
        return report

    def export(self) -> TrainReport:
        """Write both models for ONNX Runtime, and measure how far they agree with what was trained."""
        report = TrainReport()
        with report.timed("export the models", self.progress):
            if is_first():
                export_trained(self.workspace.models, draw_sample(self.taxonomy, self.split.held_out))
        return report

    def _options(self, model: str) -> FitOptions:
        folder = self.workspace.checkpoints(model)
        return FitOptions(folder, self.config.seed, self.config.precision, self.progress)

    def _trained_encoder(self) -> Encoder:
        return load_encoder(str(self.workspace.models / ENCODER), device=self.workspace.device)

    def _triples(
        self, occupations: Sequence[str], encoder: Encoder, skills: Float32Array, seed: int
    ) -> list[Triple]:
        """Triples of some occupations, by the same rules for each side of the split."""
        config = self.config.reranker
        vectors = encoder.encode([occupation_text(self.taxonomy.occupations[uri]) for uri in occupations])
        mined = mine_hard_negatives(self.taxonomy, occupations, vectors, skills, config, seed)
        return reranker_triples(self.taxonomy, self.split, occupations, mined, config, seed, self.others)

    def _candidates(self, encoder: Encoder, skills: Float32Array) -> list[Triple]:
        """The candidates of a search for held-out occupations' labels, with the taxonomy's classes."""
        names = list(self.taxonomy.skills)
        triples: list[Triple] = []
        for uri in self.split.held_out[:_SEARCHED]:
            title = occupation_text(self.taxonomy.occupations[uri])
            similarity = skills @ encoder.encode([title])[0]  # (m, d) @ (d,) -> (m,)
            classes = relation_classes(self.taxonomy, uri)
            for index in np.argsort(-similarity, kind="stable")[:_SEARCH_DEPTH]:
                skill = self.taxonomy.skills[names[index]]
                triples.append((*pair_text(title, skill.label), classes.get(skill.uri, 0)))
        return triples


def _add_calibration(report: TrainReport, of: str, logits: Float64Array, labels: Int64Array) -> None:
    """Add how far confidence and accuracy are apart, before and after, on some pairs."""
    for name, temperature in (("before", 1.0), ("after", report.calibration["temperature"])):
        bins = reliability(logits, labels, temperature=temperature)
        report.calibration[f"{of}error_{name}"] = expected_calibration_error(bins)
        report.reliability[f"{of}{name}"] = bins


def _facts(taxonomy: Taxonomy, split: Split, device: str) -> dict[str, Any]:
    """Facts about the data, for the manifest."""
    return {
        "device": device,
        "taxonomy": {
            "name": taxonomy.name,
            "version": taxonomy.version,
            "language": taxonomy.language,
            "skills": len(taxonomy.skills),
            "occupations": len(taxonomy.occupations),
            "relations": len(taxonomy.relations),
        },
        "held_out_occupations": list(split.held_out),
        "validation_occupations": list(split.validation),
    }


def _digest(taxonomy: Taxonomy) -> str:
    """A digest of what is trained on: every label, alias, description and relation."""
    digest = hashlib.sha256(str(taxonomy).encode())
    concepts: list[Skill | Occupation] = [*taxonomy.skills.values(), *taxonomy.occupations.values()]
    for concept in concepts:
        texts = (concept.uri, concept.label, *concept.alt_labels, concept.description)
        digest.update("\0".join(texts).encode())
    for relation in taxonomy.relations:
        digest.update(f"{relation.occupation}\0{relation.skill}\0{relation.kind}\n".encode())
    return digest.hexdigest()[:16]
