"""Judged titles and skills as arrays: what a blend is fitted and measured on."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from skillsearch.arrays import BoolArray, Float32Array, Int64Array
from skillsearch.errors import EvaluationError, ModelMismatchError
from skillsearch.models.concepts import encode_concepts
from skillsearch.models.protocols import Encoder
from skillsearch.rank.features import NEAREST_OCCUPATIONS
from skillsearch.store.base import Build
from skillsearch.tasks import TITLE_TO_SKILLS
from trainer.blend.catalogue import Catalogue
from trainer.evaluate.benchmark import Benchmark, Qrels
from trainer.evaluate.ranking import Ranking, best_first, id_order

__all__ = ["Pool", "build_pool"]


@dataclass(frozen=True, eq=False)
class Pool:
    """t titles and m skills to rank for each.

    Attributes:
        benchmark: the judgements, without skills that cannot be ranked.
        skipped: URIs of skills that are neither in the index nor named by the judgements.
        titles: as the models see them.
        vectors: shape (t, d).
        occupations: for each title, URIs and cosines of the nearest occupations.
        labels: of the m skills, as the reranker sees them.
        catalogue_rows: rows of the m skills in the catalogue, shape (m,); -1 where it lacks one.
        cosines: shape (t, m).
        grades: shape (t, m), as shares of the highest grade.
    """

    benchmark: Benchmark
    skipped: tuple[str, ...]
    titles: tuple[str, ...]
    vectors: Float32Array
    occupations: tuple[tuple[tuple[str, float], ...], ...]
    labels: tuple[str, ...]
    catalogue_rows: Int64Array
    cosines: Float32Array
    grades: Float32Array

    @cached_property
    def known(self) -> BoolArray:
        """Whether the index has each skill, shape (m,); a blend is fitted on those alone."""
        return self.catalogue_rows >= 0

    @cached_property
    def ties(self) -> Int64Array:
        """The rank of each skill by id, which orders equal scores: shape (m,)."""
        return id_order(tuple(self.benchmark.documents))

    def unknown(self) -> tuple[str, ...]:
        """URIs of judged skills that the index does not have, ranked or not."""
        documents = self.benchmark.documents.values()
        ranked = (document.uri for document, known in zip(documents, self.known, strict=True) if not known)
        return (*ranked, *self.skipped)

    def best(self, scores: NDArray[np.floating], depth: int) -> Int64Array:
        """Columns of the best skills of each title: shape (t, m) to (t, min(m, depth))."""
        return np.stack([best_first(row, self.ties)[:depth] for row in scores]).astype(np.int64)

    def ranking(self, scores: NDArray[np.floating]) -> Ranking:
        """All skills of each title by score: shape (t, m)."""
        order = self.best(scores, scores.shape[1])
        ranked = np.take_along_axis(scores, order, axis=1).astype(np.float64)
        queries, documents = tuple(self.benchmark.queries), tuple(self.benchmark.documents)
        return Ranking(queries, documents, tuple(order), tuple(ranked))


def build_pool(benchmark: Benchmark, catalogue: Catalogue, build: Build, encoder: Encoder) -> Pool:
    """Embed the titles, find their occupations, and lay out their judgements.

    A skill that the index lacks is embedded by its own names, where the judgements name it, and stays
    among what is ranked; otherwise it is skipped. A title without a relevant skill is left out: there
    is nothing to find for it.

    Raises:
        ModelMismatchError: the index was built with another encoder.
        EvaluationError: the index has none of the skills.
    """
    if catalogue.info.encoder_fingerprint != encoder.folder.fingerprint:
        raise ModelMismatchError(
            f"the index {catalogue.info.name} was built with encoder {catalogue.info.encoder} "
            f"({catalogue.info.encoder_fingerprint}), loaded is {encoder.folder.name} "
            f"({encoder.folder.fingerprint}): name its models with --set models=FOLDER, or run "
            "`skillsearch reindex`"
        )
    documents = {
        name: document
        for name, document in benchmark.documents.items()
        if document.names or document.uri in catalogue.row_of
    }
    rows = np.array([catalogue.row_of.get(one.uri, -1) for one in documents.values()], dtype=np.int64)
    if not (rows >= 0).any():
        raise EvaluationError(
            f"{benchmark.name}: none of its {len(benchmark.documents):,} skills is in the index "
            f"{catalogue.info.name}: skills are named by URI, and the index has to be of their taxonomy"
        )
    qrels = {
        query: {name: grade for name, grade in row.items() if name in documents}
        for query, row in benchmark.qrels.items()
        if any(grade > 0 and name in documents for name, grade in row.items())
    }
    queries = {query: benchmark.queries[query] for query in qrels}
    titles = tuple(map(TITLE_TO_SKILLS.view, queries.values()))
    vectors = encoder.encode(titles)
    skills = catalogue.vectors[rows]  # (m, d)
    if (rows < 0).any():
        missing = [one.names for one, row in zip(documents.values(), rows, strict=True) if row < 0]
        skills[rows < 0] = encode_concepts(encoder, missing)
    return Pool(
        benchmark=replace(benchmark, queries=queries, documents=documents, qrels=qrels),
        skipped=tuple(one.uri for name, one in benchmark.documents.items() if name not in documents),
        titles=titles,
        vectors=vectors,
        occupations=tuple(_nearest(build, vector) for vector in vectors),
        labels=tuple(
            catalogue.labels[row] if row >= 0 else document.label
            for row, document in zip(rows, documents.values(), strict=True)
        ),
        catalogue_rows=rows,
        cosines=vectors @ skills.T,  # (t, d) @ (d, m)
        grades=_grades(qrels, documents),
    )


def _nearest(build: Build, vector: Float32Array) -> tuple[tuple[str, float], ...]:
    found = build.query("occupations", vector.tolist(), NEAREST_OCCUPATIONS)
    return tuple((point.uri, point.score) for point in found)


def _grades(qrels: Qrels, documents: Collection[str]) -> Float32Array:
    columns = {document: column for column, document in enumerate(documents)}
    grades = np.zeros((len(qrels), len(columns)), dtype=np.float32)
    for row, judgements in enumerate(qrels.values()):
        for document, grade in judgements.items():
            grades[row, columns[document]] = grade
    shares: Float32Array = grades / max(float(grades.max()), 1.0)
    return shares
