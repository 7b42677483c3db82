"""Sampling of training rows from the graph: a skill with a title, a sentence and a variant."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skillsearch.arrays import Int32Array, Int64Array
from skillsearch.errors import TrainingError
from trainer.unified.graph import SIDES, WorkGraph
from trainer.unified.losses import ABSENT

if TYPE_CHECKING:
    from datasets import Dataset

__all__ = ["COLUMNS", "draw", "training_dataset"]

COLUMNS: Final = ("skill", "title", "sentence", "variant")
"""Columns of texts of a batch, in the order of the spaces; the labels have their node ids."""

_FILLER, _PLACE = "filler", "place"  # another sentence, and where it is put: 0 nowhere, 1 before, 2 after


def draw(graph: WorkGraph, rows: int, *, affix_probability: float, seed: int) -> dict[str, Int32Array]:
    """Draw rows: every skill that has an edge once, in a new order, then all of them again, and so on.

    A title, a sentence and a variant of each are drawn evenly from its own.

    Args:
        graph: what to draw from.
        rows: how many.
        affix_probability: how often a sentence gets another one, drawn from all, before or after it.
        seed: of the draws.

    Returns:
        Columns of `rows` node ids: `COLUMNS`, with `ABSENT` where a skill has none; the sentence that
        is put before or after, and where (1 before, 2 after, 0 not at all).

    Raises:
        TrainingError: no skill has an edge.
    """
    generator = np.random.default_rng(seed)
    usable = np.flatnonzero(np.sum([graph.degrees(side) for side in SIDES], axis=0))
    if not len(usable):
        raise TrainingError("no skill of the graph has an edge: there is nothing to learn")
    rounds = [generator.permutation(usable) for _ in range(-(-rows // len(usable)))]
    skills = np.concatenate(rounds)[:rows]
    columns = {COLUMNS[0]: skills.astype(np.int32)}
    for name, side in zip(COLUMNS[1:], SIDES, strict=True):
        columns[name] = _neighbours(graph, side, skills, generator)
    sentences = len(graph.texts["sentences"])
    wanted = generator.random(rows) < affix_probability
    columns[_FILLER] = generator.integers(max(sentences, 1), size=rows).astype(np.int32)
    columns[_PLACE] = (wanted * generator.integers(1, 3, size=rows)).astype(np.int32)
    return columns


def training_dataset(graph: WorkGraph, columns: Mapping[str, Int32Array]) -> "Dataset":
    """A data set that looks texts up when a batch is made, so that it holds only ids.

    Each row has the texts of `COLUMNS`, empty where absent, and their ids as `label`.
    """
    from datasets import Dataset

    def texts(batch: Mapping[str, Sequence[int]]) -> dict[str, Any]:
        result: dict[str, Any] = {
            name: [graph.texts[space][node] if node != ABSENT else "" for node in batch[name]]
            for name, space in zip(COLUMNS, graph.texts, strict=True)
        }
        result["sentence"] = list(_affixed(graph.texts["sentences"], batch))
        result["label"] = [list(ids) for ids in zip(*(batch[name] for name in COLUMNS), strict=True)]
        return result

    dataset = Dataset.from_dict(dict(columns))
    dataset.set_transform(texts)
    return dataset


def _neighbours(
    graph: WorkGraph, side: str, skills: Int64Array, generator: np.random.Generator
) -> Int32Array:
    """One node a skill, drawn evenly; shape (n,)."""
    degrees = graph.degrees(side)
    starts = np.concatenate([[0], np.cumsum(degrees)])[:-1]
    nodes = np.append(graph.edges[side][:, 1], np.int32(ABSENT))
    drawn = starts[skills] + (generator.random(len(skills)) * degrees[skills]).astype(np.int64)
    return np.where(degrees[skills] > 0, nodes[np.minimum(drawn, len(nodes) - 1)], ABSENT).astype(np.int32)


def _affixed(sentences: Sequence[str], batch: Mapping[str, Sequence[int]]) -> Iterator[str]:
    for node, filler, place in zip(batch["sentence"], batch[_FILLER], batch[_PLACE], strict=True):
        if node == ABSENT:
            yield ""
        elif place == 0 or filler == node:
            yield sentences[node]
        else:
            pair = (sentences[filler], sentences[node])
            yield " ".join(pair if place == 1 else pair[::-1])
