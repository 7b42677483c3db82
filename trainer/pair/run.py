"""A whole training run: taxonomy in, two model folders, a manifest and a model card out."""

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from skillsearch.errors import TrainingError
from skillsearch.models.device import select_device
from skillsearch.models.encoder import Encoder, new_encoder, write_alias_weight
from skillsearch.models.folder import ENCODER, RERANKER
from skillsearch.models.hub import quiet, resolve_model
from skillsearch.models.reranker import new_reranker
from skillsearch.taxonomy.records import Occupation, Skill, Taxonomy
from skillsearch.taxonomy.texts import occupation_text, pair_text, skill_names
from trainer.card import write_documents
from trainer.evaluate.heldout import (
    classification_metrics,
    confusion,
    majority_macro_f1,
    retrieval_evaluator,
    retrieval_metrics,
    triple_labels,
    triple_logits,
)
from trainer.pair.calibration import expected_calibration_error, fit_temperature, reliability
from trainer.pair.config import TrainConfig
from trainer.pair.encoder import train_encoder
from trainer.pair.negatives import mine_hard_negatives
from trainer.pair.pairs import (
    Split,
    Triple,
    encoder_pairs,
    relation_classes,
    relation_matrix,
    reranker_triples,
    split_occupations,
)
from trainer.pair.reranker import start_from_encoder, train_reranker
from trainer.processes import is_first, local_device, wait_for_all
from trainer.report import Reporter, TrainReport
from trainer.workspace import Workspace

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sentence_transformers import SentenceTransformer
    from transformers import TrainerCallback

__all__ = ["train"]

_SEARCH_DEPTH = 200  # candidates an occupation, as many as a search reranks
_SEARCHED = 100  # occupations


def train(
    taxonomy: Taxonomy,
    config: TrainConfig,
    output: Path,
    *,
    device: str | None = None,
    overwrite: bool = False,
    restart: bool = False,
    reporter: Reporter | None = None,
) -> TrainReport:
    """Train the encoder, mine hard negatives with it, train the reranker, measure both, save all.

    Everything is written next to `output` and moved there at the end, so that `output` is either
    complete or not there. A run that was stopped goes on where it was when it is called again with
    the same arguments, and gives the same weights on a CPU.

    Args:
        taxonomy: what to train on.
        config: the recipe.
        output: folder of the models.
        device: by default the best there is.
        overwrite: replace what is at `output`.
        restart: discard a run that was stopped, instead of going on with it.
        reporter: hears what is being done.

    Raises:
        TrainingError: `output` exists and `overwrite` is not set, or cannot be written, or the
            taxonomy is too small or lacks essential or optional relations, or a run with other
            settings was stopped here.
        ModelError: a base cannot be loaded.
    """
    if output.exists() and not overwrite:
        raise TrainingError(f"{output} exists already: choose another folder, or replace it with --force")
    kinds = {relation.kind for relation in taxonomy.relations}
    for kind, name in (("essential", "core"), ("optional", "contextual")):
        if kind not in kinds:
            raise TrainingError(
                f"{taxonomy} has no {kind} relation, so the reranker has no example of {name}"
            )
    for base in (config.encoder.base, config.reranker.base):
        resolve_model(base)  # a wrong one is better told now than after hours
    device = local_device(select_device(device))
    split = split_occupations(taxonomy, config.holdout, config.seed, validation=config.validation)
    run = _Run(taxonomy, split, config, device, reporter or Reporter())
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        identity = {"taxonomy": _digest(taxonomy), "device": device} | config.model_dump(mode="json")
        workspace = Workspace.open(output, identity, device=device, restart=restart)
        report = TrainReport(examples={"occupations_without_skills": _without_skills(taxonomy)})
        for part, work in ((ENCODER, run.encoder), (RERANKER, run.reranker)):
            record = workspace.record(part)
            if record is None:
                record = work(workspace).to_dict()
                workspace.finish(part, record)
            report.add(record)
        if is_first():
            write_documents(workspace.models, taxonomy, split, config, device, report)
        workspace.publish(output)
    except OSError as error:
        raise TrainingError(f"{output} cannot be written: {error.strerror or error}") from error
    return report


@dataclass(frozen=True)
class _Run:
    """What the parts of a run have in common."""

    taxonomy: Taxonomy
    split: Split
    config: TrainConfig
    device: str
    reporter: Reporter

    def encoder(self, workspace: Workspace) -> TrainReport:
        """Train, measure and save the bi-encoder."""
        report, config, taxonomy = TrainReport(), self.config.encoder, self.taxonomy
        _seed_everything(self.config.seed)
        model = new_encoder(config.base, device=self.device, max_length=config.max_length)
        pairs = encoder_pairs(
            taxonomy,
            self.split,
            optional_ratio=config.optional_ratio,
            seed=self.config.seed,
            alias_pairs=config.alias_pairs,
            description_ratio=config.description_ratio,
        )
        report.examples["pairs"] = len(pairs)
        with self._timed(report, "measure the untrained encoder"):
            report.metrics["encoder_untrained"] = self._retrieval(model)
        with self._timed(report, "train the encoder"):
            fitted = train_encoder(
                model,
                pairs,
                config,
                relation_matrix(taxonomy),
                folder=workspace.checkpoints(ENCODER),
                seed=self.config.seed,
                validation=retrieval_evaluator(taxonomy, self.split.validation),
                precision=self.config.precision,
                callbacks=self._callbacks(ENCODER),
            )
        report.fitted(ENCODER, fitted)
        _save(model, workspace.models / ENCODER)
        if is_first():
            write_alias_weight(workspace.models / ENCODER, config.alias_weight)
        wait_for_all(self.device)
        with self._timed(report, "embed the skills"):
            encoder = Encoder.load(str(workspace.models / ENCODER), device=self.device)
            vectors = encoder.encode_named([skill_names(skill) for skill in taxonomy.skills.values()])
        if is_first():
            np.save(workspace.skill_vectors, vectors)
        with self._timed(report, "measure the encoder"):
            report.metrics["encoder"] = self._retrieval(model, vectors)
        return report

    def reranker(self, workspace: Workspace) -> TrainReport:
        """Mine hard negatives, train, calibrate, measure and save the cross-encoder."""
        report, config = TrainReport(), self.config.reranker
        encoder = Encoder.load(str(workspace.models / ENCODER), device=self.device)
        skills = np.load(workspace.skill_vectors)
        with self._timed(report, "mine hard negatives"):
            training = self._triples(self.split.train, encoder, skills, self.config.seed)
            held_out = self._triples(self.split.held_out, encoder, skills, self.config.seed + 1)
            validation = self._triples(self.split.validation, encoder, skills, self.config.seed + 2)
        report.examples |= {"triples": len(training), "held_out_triples": len(held_out)}
        _seed_everything(self.config.seed)
        model = new_reranker(config.base, device=self.device, max_length=config.max_length)
        if config.from_encoder:
            start_from_encoder(model, _load_encoder(workspace.models / ENCODER))
        with self._timed(report, "train the reranker"):
            fitted = train_reranker(
                model,
                training,
                config,
                folder=workspace.checkpoints(RERANKER),
                seed=self.config.seed,
                validation=validation,
                precision=self.config.precision,
                callbacks=self._callbacks(RERANKER),
            )
        report.fitted(RERANKER, fitted)
        with self._timed(report, "measure the reranker"):
            logits, labels = triple_logits(model, held_out), triple_labels(held_out)
            report.metrics["reranker"] = classification_metrics(logits, labels)
            report.metrics["majority_class"] = {"macro_f1": majority_macro_f1(labels)}
            report.confusion = confusion(logits, labels)
        with self._timed(report, "calibrate the reranker"):
            report.calibration["temperature"] = fit_temperature(
                triple_logits(model, validation), triple_labels(validation)
            )
            _measure_calibration(report, logits, labels)
            candidates = self._candidates(self.split.held_out, encoder, skills)
            _measure_calibration(
                report, triple_logits(model, candidates), triple_labels(candidates), of="search_"
            )
        _save(model, workspace.models / RERANKER)
        return report

    def _triples(
        self, occupations: Sequence[str], encoder: Encoder, skills: "NDArray[np.float32]", seed: int
    ) -> list[Triple]:
        """Triples of some occupations; those of each side of the split are made by the same rules."""
        config = self.config.reranker
        titles = [occupation_text(self.taxonomy.occupations[uri]) for uri in occupations]
        mined = mine_hard_negatives(
            self.taxonomy,
            occupations,
            encoder.encode(titles),
            skills,
            per_occupation=config.hard_negatives,
            depth=config.mining_depth,
            seed=seed,
        )
        return reranker_triples(
            self.taxonomy,
            self.split,
            occupations,
            mined,
            optional_ratio=config.optional_ratio,
            random_negatives=config.random_negatives,
            seed=seed,
        )

    def _candidates(
        self, occupations: Sequence[str], encoder: Encoder, skills: "NDArray[np.float32]"
    ) -> list[Triple]:
        """What a search would rerank for some occupations' labels, with the taxonomy's classes."""
        names = list(self.taxonomy.skills)
        triples: list[Triple] = []
        for uri in occupations[:_SEARCHED]:
            title = occupation_text(self.taxonomy.occupations[uri])
            similarity = skills @ encoder.encode([title])[0]  # (m, 1024) @ (1024,) -> (m,)
            classes = relation_classes(self.taxonomy, uri)
            for index in np.argsort(-similarity, kind="stable")[:_SEARCH_DEPTH]:
                skill = self.taxonomy.skills[names[index]]
                triples.append((*pair_text(title, skill.label), classes.get(skill.uri, 0)))
        return triples

    def _retrieval(
        self, model: "SentenceTransformer", skills: "NDArray[np.float32] | None" = None
    ) -> dict[str, float]:
        return retrieval_metrics(model, self.taxonomy, self.split.held_out, skills=skills)

    def _callbacks(self, name: str) -> list["TrainerCallback"]:
        callback = self.reporter.callback(name)
        return [callback] if callback else []

    @contextmanager
    def _timed(self, report: TrainReport, stage: str) -> Iterator[None]:
        self.reporter.stage(stage)
        start = time.perf_counter()
        yield
        report.seconds[stage] = round(time.perf_counter() - start, 2)


def _measure_calibration(
    report: TrainReport, logits: "NDArray[np.float64]", labels: "NDArray[np.int64]", *, of: str = ""
) -> None:
    """Note how far confidence and accuracy are apart, before and after, of some pairs."""
    for name, temperature in (("before", 1.0), ("after", report.calibration["temperature"])):
        bins = reliability(logits, labels, temperature=temperature)
        report.calibration[f"{of}error_{name}"] = expected_calibration_error(bins)
        report.reliability[f"{of}{name}"] = bins


def _load_encoder(folder: Path) -> "SentenceTransformer":
    from sentence_transformers import SentenceTransformer

    with quiet():
        return SentenceTransformer(str(folder), device="cpu", local_files_only=True)


def _save(model: Any, folder: Path) -> None:  # noqa: ANN401 - either model; both save alike
    if is_first():
        with quiet():
            model.save_pretrained(str(folder), create_model_card=False, safe_serialization=True)


def _seed_everything(seed: int) -> None:
    """Seed what makes new weights; the trainers seed their own draws."""
    from transformers import set_seed

    set_seed(seed)


def _without_skills(taxonomy: Taxonomy) -> int:
    return len(taxonomy.occupations) - len(taxonomy.relations_by_occupation)


def _digest(taxonomy: Taxonomy) -> str:
    """Identifies what is trained on: every label, alias, description and relation."""
    digest = hashlib.sha256(str(taxonomy).encode())
    concepts: list[Mapping[str, Skill] | Mapping[str, Occupation]] = [taxonomy.skills, taxonomy.occupations]
    for group in concepts:
        for concept in group.values():
            texts = (concept.uri, concept.label, *concept.alt_labels, concept.description)
            digest.update("\0".join(texts).encode())
    for relation in taxonomy.relations:
        digest.update(f"{relation.occupation}\0{relation.skill}\0{relation.kind}\n".encode())
    return digest.hexdigest()[:16]
