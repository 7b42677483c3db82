"""A builder of graphs, which takes each text once."""

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from skillsearch.taxonomy.records import Skill
from trainer.unified.graph import SIDES, WorkGraph, tidy_edges
from trainer.unified.manifest import GraphManifest

__all__ = ["MAX_TITLE_WORDS", "MAX_WORDS", "GraphBuilder", "node_key", "normal_text", "unusable"]

MAX_WORDS: Final = 1000
"""Words of a sentence or variant; longer ones are left out and counted."""

MAX_TITLE_WORDS: Final = 100
"""Words of a title; longer ones are left out and counted."""


def normal_text(text: str) -> str:
    """The text of a node: white space folded and stripped."""
    return " ".join(text.split())


def node_key(side: str, text: str) -> str:
    """The identity of a normal text in its space; titles ignore case."""
    return text.casefold() if side == "titles" else text


def unusable(side: str, text: str) -> str | None:
    """The reason why a normal text cannot be a node, or None."""
    name = side.removesuffix("s")
    if not text:
        return f"{name} is empty"
    most = MAX_TITLE_WORDS if side == "titles" else MAX_WORDS
    if text.count(" ") >= most:
        return f"{name} has more than {most:,} words"
    try:
        text.encode()
    except UnicodeEncodeError:
        return f"{name} is not valid Unicode"
    return None


class GraphBuilder:
    """Collects edges one by one; equal texts of a space become one node, spelled as the first.

    Attributes:
        drops: texts that were left out, by reason; the caller adds its own.
    """

    def __init__(self, skills: Mapping[str, Skill]) -> None:
        """Begin a graph of some skills, each of which is kept, with edges or without."""
        self._skills = tuple(skills.values())
        self._ids = {uri: row for row, uri in enumerate(skills)}
        self._texts: dict[str, list[str]] = {side: [] for side in SIDES}
        self._nodes: dict[str, dict[str, int]] = {side: {} for side in SIDES}
        self._edges = {side: (array("q"), array("q"), array("b")) for side in SIDES}
        self._origins: list[str] = []
        self.drops: Counter[str] = Counter()

    def add(self, side: str, text: str, uris: Iterable[str], origin: str) -> bool:
        """Join a text with skills, and return whether it was taken.

        Args:
            side: ``titles``, ``sentences`` or ``variants``.
            text: as it stands in its source.
            uris: of the skills.
            origin: to count edges by, such as ``synthetic``; an edge counts for its first origin.
        """
        text = normal_text(text)
        if reason := unusable(side, text):
            self.drops[reason] += 1
            return False
        key = node_key(side, text)
        node = self._nodes[side].setdefault(key, len(self._texts[side]))
        if node == len(self._texts[side]):
            self._texts[side].append(text)
        if origin not in self._origins:
            self._origins.append(origin)
        skills, nodes, origins = self._edges[side]
        for uri in uris:
            skills.append(self._ids[uri])
            nodes.append(node)
            origins.append(self._origins.index(origin))
        return True

    def build(self, manifest: GraphManifest) -> WorkGraph:
        """The graph; counts are added to the manifest's, and its drops are set.

        Raises:
            TrainingError: it is empty.
        """
        edges, counts = {}, {}
        for side in SIDES:
            skills, nodes, origins = (np.asarray(column, dtype=np.int64) for column in self._edges[side])
            edges[side] = tidy_edges(np.stack([skills, nodes], axis=1))  # (e, 2)
            _, first = np.unique((skills << 32) | nodes, return_index=True)  # (e,): the first of equal ones
            by_origin = np.bincount(origins[first], minlength=len(self._origins)).tolist()
            for name, count in zip(self._origins, by_origin, strict=True):
                if count:
                    counts[f"skill-{side.removesuffix('s')} edges: {name}"] = count
        sides = {side: tuple(self._texts[side]) for side in SIDES}
        texts = {"skills": tuple(normal_text(skill.label) for skill in self._skills), **sides}
        graph = WorkGraph(manifest, tuple(self._ids), texts, edges)
        found = {**graph.counts, **counts, **manifest.counts}
        drops = {reason: count for reason, count in self.drops.items() if count}
        return replace(graph, manifest=manifest.model_copy(update={"counts": found, "drops": drops}))
