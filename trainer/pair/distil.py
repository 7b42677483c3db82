"""Distillation of the cross-encoder: a student learns its logits on the candidates of searches.

The loss is the mean squared difference of the logits, after Hinton et al., "Distilling the Knowledge in a
Neural Network" (2015), arXiv:1503.02531, in the limit of a high temperature.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from skillsearch.arrays import Float32Array, Int64Array
from skillsearch.errors import TrainingError
from skillsearch.models.classes import CLASSES
from skillsearch.models.protocols import Encoder, PairScorer
from skillsearch.progress import Advance, Progress, silent
from skillsearch.rank.token_table import TokenTable, embed_tokens
from skillsearch.taxonomy.records import Taxonomy
from skillsearch.taxonomy.texts import pair_text, query_text
from trainer.pair.config import DistilledConfig
from trainer.pair.pairs import Split, drawn_language, training_titles
from trainer.pair.student import Student

__all__ = ["Lessons", "make_lessons", "pad", "train_student"]

_WARM_UP: Final = 0.1  # share of the steps
_LARGEST_GRADIENT: Final = 1.0


@dataclass(frozen=True, eq=False)
class Lessons:
    """Titles, candidates of each, and what the cross-encoder says of them.

    Attributes:
        titles: n titles, whose tokens are in `title_tokens`.
        labels: m labels of skills, whose tokens are in `skill_tokens`.
        candidates: shape (n, k), places in `labels`.
        logits: shape (n, k, 3).
    """

    titles: tuple[str, ...]
    labels: tuple[str, ...]
    candidates: Int64Array
    logits: Float32Array
    title_tokens: TokenTable
    skill_tokens: TokenTable


def make_lessons(
    taxonomy: Taxonomy,
    split: Split,
    encoder: Encoder,
    scorer: PairScorer,
    skills: Float32Array,
    config: DistilledConfig,
    seed: int,
    progress: Progress = silent,
    others: Sequence[Taxonomy] = (),
) -> Lessons:
    """Draw titles of the training occupations and candidates of each, and have the cross-encoder score them.

    With other languages, the titles of each occupation are in one that is drawn.

    Args:
        taxonomy: what is trained on.
        split: its occupations.
        encoder: the trained one.
        scorer: the trained cross-encoder.
        skills: shape (m, d), vectors of the skills in the order of the taxonomy.
        config: how many titles and candidates.
        seed: of the draws.
        progress: hears how many pairs are scored.
        others: the same taxonomy in other languages.

    Raises:
        ModelError: a model gave something that is not finite.
    """
    draw, drawn = random.Random(seed), np.random.default_rng(seed)  # noqa: S311 - reproducible draws
    titles: dict[str, None] = {}
    languages = (taxonomy, *others)
    known = [training_titles(one, split, languages) for one in languages]
    for uri in known[0]:
        variants = drawn_language([one[uri] for one in known if uri in one], draw)
        aliases = variants[1:]
        for title in (variants[0], *draw.sample(aliases, min(config.aliases, len(aliases)))):
            titles[query_text(title)] = None
    texts, labels = tuple(titles), tuple(skill.label for skill in taxonomy.skills.values())
    count, depth = min(config.candidates, len(labels)), min(config.depth, len(labels))
    vectors = encoder.encode(texts)
    candidates = np.empty((len(texts), count), dtype=np.int64)
    for row, vector in enumerate(vectors):
        nearest = np.argpartition(-(skills @ vector), depth - 1)[:depth]  # (m, d) @ (d,) -> (m,)
        candidates[row] = drawn.choice(nearest, count, replace=False)
    advance = progress("score pairs for the distilled reranker", candidates.size)
    logits = np.empty((*candidates.shape, len(CLASSES)), dtype=np.float32)
    for row, columns in enumerate(candidates):
        logits[row] = scorer.logits([pair_text(texts[row], labels[column]) for column in columns])
        advance(count)
    return Lessons(
        texts, labels, candidates, logits, embed_tokens(encoder, texts), embed_tokens(encoder, labels)
    )


def train_student(
    lessons: Lessons, config: DistilledConfig, seed: int, *, advance: Advance
) -> tuple[Student, list[dict[str, int | float]]]:
    """Train a student on the CPU.

    Args:
        lessons: what it learns.
        config: the recipe.
        seed: of its weights and of the order of the titles.
        advance: called after each step.

    Returns:
        The student, and its loss by step.

    Raises:
        TrainingError: the loss is no longer finite.
    """
    torch.manual_seed(seed)
    drawn, steps = np.random.default_rng(seed), config.steps(len(lessons.titles))
    student = Student(lessons.skill_tokens.tokens.shape[1], config.width, config.layers, len(CLASSES))
    optimiser = torch.optim.AdamW(student.parameters(), lr=config.learning_rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, config.learning_rate, total_steps=steps, pct_start=_WARM_UP, anneal_strategy="linear"
    )
    title_rows, skill_rows = (
        _rows(lessons.title_tokens, lessons.titles),
        _rows(lessons.skill_tokens, lessons.labels),
    )
    curve: list[dict[str, int | float]] = []
    order = np.empty(0, dtype=np.int64)
    batch = min(config.titles, len(lessons.titles))
    for step in range(1, steps + 1):
        if len(order) < batch:
            order = drawn.permutation(len(lessons.titles))
        chosen, order = order[:batch], order[batch:]
        places = lessons.candidates[chosen]  # (b, k)
        titles, titles_mask = pad(lessons.title_tokens, title_rows[np.repeat(chosen, places.shape[1])])
        skills, skills_mask = pad(lessons.skill_tokens, skill_rows[places.reshape(-1)])
        wanted = torch.from_numpy(lessons.logits[chosen].reshape(-1, len(CLASSES)))
        loss = nn.functional.mse_loss(student(titles, titles_mask, skills, skills_mask), wanted)
        if not torch.isfinite(loss):
            raise TrainingError(
                f"the loss of the distilled reranker is {loss.item()} at step {step:,}: "
                "lower distilled.learning_rate"
            )
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(student.parameters(), _LARGEST_GRADIENT)
        optimiser.step()
        schedule.step()
        if step % max(1, steps // 50) == 0 or step == steps:
            curve.append({"step": step, "loss": round(loss.item(), 5)})
        advance(1)
    return student.eval(), curve


def pad(table: TokenTable, rows: Int64Array) -> tuple[Tensor, Tensor]:
    """Tokens of k texts and their mask as tensors: shapes (k, t, h), float32, and (k, t), bool."""
    tokens, mask = table.padded(rows)
    return torch.from_numpy(tokens.astype(np.float32)), torch.from_numpy(mask)


def _rows(table: TokenTable, texts: Sequence[str]) -> Int64Array:
    """Rows of texts in a table: shape (n,)."""
    return np.array([table.index[text] for text in texts], dtype=np.int64)
