"""Several data sets as one."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skillsearch.errors import TrainingError
from trainer.unified.graph import SIDES, GraphManifest, WorkGraph, read_graph, tidy_edges
from trainer.unified.nodes import node_key

__all__ = ["combine", "read_graphs"]


def read_graphs(folders: Sequence[Path]) -> WorkGraph:
    """Read one data set or several of the same taxonomy as one; see `read_graph` and `combine`.

    Raises:
        TrainingError: none is named, one cannot be read, or their taxonomies differ.
    """
    return combine([read_graph(folder) for folder in folders])


def combine(graphs: Sequence[WorkGraph]) -> WorkGraph:
    """One graph with the nodes and edges of several; skills are joined by URI, other nodes by text.

    The profile is ``product`` as soon as one of them is. Sources are put together, drops add up.

    Raises:
        TrainingError: there is none, or they are of different taxonomies, versions or languages.
    """
    if not graphs:
        raise TrainingError("no data set to combine: name at least one")
    first = graphs[0]
    for other in graphs[1:]:
        if other.manifest.release != first.manifest.release:
            raise TrainingError(
                f"two data sets with different taxonomies, {first.manifest.release} and "
                f"{other.manifest.release}: build both from the same release"
            )
    if len(graphs) == 1:
        return first
    skills, labels = _Places(), list[str]()
    nodes = {side: _Places() for side in SIDES}
    texts: dict[str, list[str]] = {side: [] for side in SIDES}
    edges: dict[str, list[NDArray[np.int64]]] = {side: [] for side in SIDES}
    for graph in graphs:
        skill_ids = skills.place(graph.uris, graph.texts["skills"], labels)
        for side in SIDES:
            found, pairs = graph.texts[side], graph.edges[side]
            node_ids = nodes[side].place([node_key(side, text) for text in found], found, texts[side])
            edges[side].append(np.stack([skill_ids[pairs[:, 0]], node_ids[pairs[:, 1]]], axis=1))
    joined = WorkGraph(
        first.manifest,
        tuple(skills),
        {"skills": tuple(labels), **{side: tuple(texts[side]) for side in SIDES}},
        {side: tidy_edges(np.concatenate(edges[side])) for side in SIDES},
    )
    manifest = _joined([graph.manifest for graph in graphs], dict(joined.counts))
    return WorkGraph(manifest, joined.uris, joined.texts, joined.edges)


class _Places(dict[str, int]):
    """Ids of keys in the order in which they were met."""

    def place(self, keys: Sequence[str], texts: Sequence[str], met: list[str]) -> NDArray[np.int64]:
        """The ids of keys, shape (n,); the texts of new ones are put behind those met before."""
        ids = np.empty(len(keys), dtype=np.int64)
        for row, (key, text) in enumerate(zip(keys, texts, strict=True)):
            ids[row] = self.setdefault(key, len(met))
            if ids[row] == len(met):
                met.append(text)
        return ids


def _joined(manifests: Sequence[GraphManifest], counts: dict[str, int]) -> GraphManifest:
    first = manifests[0]
    drops: Counter[str] = Counter()
    for manifest in manifests:
        drops.update(manifest.drops)
    return GraphManifest(
        taxonomy=first.taxonomy,
        version=first.version,
        language=first.language,
        profile="product" if any(one.profile == "product" for one in manifests) else "workbench",
        seed=first.seed,
        sources=tuple(dict.fromkeys(source for one in manifests for source in one.sources)),
        generator=" + ".join(dict.fromkeys(one.generator for one in manifests if one.generator)) or None,
        encoder=" + ".join(dict.fromkeys(one.encoder for one in manifests if one.encoder)) or None,
        counts=counts,
        drops=dict(drops),
    )
