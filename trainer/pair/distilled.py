"""The part of a training that makes the distilled cross-encoder, with its files and figures."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from safetensors.torch import save_file

from skillsearch.arrays import Float32Array
from skillsearch.errors import ModelError
from skillsearch.files import write_atomically
from skillsearch.models.device import cpu_threads
from skillsearch.models.exported import digest
from skillsearch.models.hub import fingerprint, resolve_model
from skillsearch.models.manifest import EXPORT, ExportedFile, ModelExport, ModelManifest, write_manifest
from skillsearch.models.onnx import Session
from skillsearch.models.pair import DISTILLED, ENCODER, RERANKER
from skillsearch.models.runtime import load_encoder, load_pair_scorer
from skillsearch.models.token_scorer import CONFIG, StudentConfig, Tokens, TokenScorer
from skillsearch.progress import Progress, silent
from skillsearch.rank.token_table import embed_tokens
from skillsearch.taxonomy.records import Taxonomy
from trainer.export.agreement import candidates, compare_rerankers, draw_sample, pairs
from trainer.export.graph import FLOAT32, write_student
from trainer.export.run import EXACT
from trainer.pair.config import DistilledConfig
from trainer.pair.distil import make_lessons, train_student
from trainer.pair.pairs import Split
from trainer.pair.student import Student
from trainer.run import TrainReport

__all__ = ["distil"]

_WEIGHTS: Final = "model.safetensors"


def distil(
    models: Path,
    taxonomy: Taxonomy,
    split: Split,
    skills: Float32Array,
    config: DistilledConfig,
    *,
    others: Sequence[Taxonomy] = (),
    seed: int,
    device: str,
    progress: Progress = silent,
) -> TrainReport:
    """Train a student of the cross-encoder in a folder of models, and save it beside it.

    Args:
        models: the folder, with a trained encoder and cross-encoder.
        taxonomy: what they were trained on.
        split: its occupations.
        skills: shape (m, d), vectors of its skills.
        config: the recipe.
        others: the same taxonomy in other languages.
        seed: of all draws.
        device: of the encoder and the cross-encoder.
        progress: hears of the stages and steps.

    Raises:
        ModelError: a model gave something that is not finite, or the student cannot be exported.
        TrainingError: the loss is no longer finite.
    """
    report, folder = TrainReport(), models / DISTILLED
    encoder = load_encoder(str(models / ENCODER), device=device)
    scorer = load_pair_scorer(str(models / RERANKER), device=device)
    with report.timed("score pairs for the distilled reranker"):
        lessons = make_lessons(taxonomy, split, encoder, scorer, skills, config, seed, progress, others)
    report.examples["distilled_pairs"] = lessons.candidates.size
    report.steps[DISTILLED] = steps = config.steps(len(lessons.titles))
    with report.timed("train the distilled reranker"):
        advance = progress("train the distilled reranker", steps)
        student, report.curves[DISTILLED] = train_student(lessons, config, seed, advance=advance)
    hidden = lessons.skill_tokens.tokens.shape[1]
    made_of = StudentConfig(
        encoder=encoder.folder.fingerprint, hidden=hidden, width=config.width, layers=config.layers
    )
    shutil.rmtree(folder, ignore_errors=True)  # of a run that was stopped here
    (folder / EXPORT).mkdir(parents=True)
    save_file(student.state_dict(), folder / _WEIGHTS)
    write_atomically(folder / CONFIG, made_of.model_dump_json(indent=2) + "\n")
    manifest = ModelManifest(temperature=scorer.folder.manifest.temperature)
    write_manifest(folder, manifest)
    write_student(student, hidden, folder / EXPORT / FLOAT32)
    with report.timed("measure the distilled reranker", progress):
        sample = draw_sample(taxonomy, split.held_out)
        vectors = encoder.encode(sample.titles), encoder.encode(sample.skills)
        chosen = candidates(*vectors)
        teacher = scorer.logits(pairs(sample, chosen))
        titles, labels = embed_tokens(encoder, sample.titles), embed_tokens(encoder, sample.skills)
        asked = [
            (
                titles.padded(np.array([titles.index[title]])),
                labels.padded(np.array([labels.index[sample.skills[column]] for column in columns])),
            )
            for title, columns in zip(sample.titles, chosen, strict=False)
        ]
        known = np.concatenate([_logits(student, *one) for one in asked])
        report.metrics[DISTILLED] = {
            name: value
            for name, value in compare_rerankers(sample, vectors, chosen, teacher, known).model_dump().items()
            if name in ("rank_correlation", "top_10", "ndcg_loss")
        }
        path = folder / EXPORT / FLOAT32
        exported = TokenScorer(resolve_model(str(folder)), Session(path), cpu_threads())
        found = np.concatenate([exported.logits(*one) for one in asked])
        agreement = compare_rerankers(sample, vectors, chosen, known, found)
    if not agreement.difference <= EXACT:
        raise ModelError(
            f"{folder} in ONNX differs from torch by {agreement.difference:.2g}, expected at most {EXACT:g}"
        )
    file = ExportedFile(name=FLOAT32, sha256=digest(path), agreement=agreement)
    export = ModelExport(of=fingerprint(folder), measured_on=sample.described, files={"float32": file})
    write_manifest(folder, manifest.model_copy(update={"export": export}))
    return report


def _logits(student: Student, titles: Tokens, skills: Tokens) -> Float32Array:
    """Logits of the pairs of a title and n skills, by torch: shape (n, 3)."""
    parts = [torch.from_numpy(np.asarray(part)) for side in (titles, skills) for part in side]
    parts[0], parts[2] = parts[0].float(), parts[2].float()
    with torch.inference_mode():
        found: Float32Array = student(*parts).numpy()
    return found
