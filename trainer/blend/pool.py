"""Judged titles and skills as arrays: what a blend is fitted and measured on."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from skillsearch.errors import EvaluationError, ModelMismatchError
from skillsearch.models.encoder import Encoder
from skillsearch.rank.features import NEAREST_OCCUPATIONS, Floats
from skillsearch.store.base import Build
from skillsearch.taxonomy.texts import query_text
from trainer.blend.catalogue import Catalogue
from trainer.evaluate.benchmark import Benchmark
from trainer.evaluate.ranking import Ranking, best_first, id_order

__all__ = ["Pool", "build_pool"]

Places = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Pool:
    """t titles and m skills to rank for each.

    Attributes:
        benchmark: the judgements, without skills that cannot be ranked.
        dropped: URIs of skills that are neither in the index nor named by the judgements.
        titles: as the models see them.
        vectors: shape (t, 1024).
        occupations: for each title, URIs and cosines of the nearest occupations.
        labels: of the m skills, as the reranker sees them.
        places: shape (m,), where they stand in the catalogue; -1 where the index does not know them.
        cosines: shape (t, m).
        grades: shape (t, m), as shares of the highest grade.
    """

    benchmark: Benchmark
    dropped: tuple[str, ...]
    titles: tuple[str, ...]
    vectors: Floats
    occupations: tuple[tuple[tuple[str, float], ...], ...]
    labels: tuple[str, ...]
    places: Places
    cosines: Floats
    grades: Floats

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """Shape (m,): skills that the index knows, which are what is fitted on."""
        return self.places >= 0

    @cached_property
    def ties(self) -> NDArray[np.intp]:
        """Shape (m,): skills by id, which orders equal scores."""
        return id_order(tuple(self.benchmark.documents))

    def unknown(self) -> tuple[str, ...]:
        """URIs of judged skills that the index does not know, ranked or not."""
        documents = self.benchmark.documents.values()
        ranked = (document.uri for document, known in zip(documents, self.known, strict=True) if not known)
        return (*ranked, *self.dropped)

    def best(self, scores: NDArray[np.floating], depth: int) -> NDArray[np.intp]:
        """The best skills of each title: shape (t, m) to (t, min(m, depth))."""
        order = np.stack([best_first(row, self.ties) for row in scores])
        return order[:, :depth]

    def ranking(self, scores: NDArray[np.floating]) -> Ranking:
        """All skills of each title by score: shape (t, m)."""
        order = self.best(scores, scores.shape[1])
        ranked = np.take_along_axis(scores, order, axis=1).astype(np.float64)
        queries, documents = tuple(self.benchmark.queries), tuple(self.benchmark.documents)
        return Ranking(queries, documents, tuple(order), tuple(ranked))


def build_pool(benchmark: Benchmark, catalogue: Catalogue, build: Build, encoder: Encoder) -> Pool:
    """Embed the titles, find their occupations, and lay out their judgements.

    A skill that the index does not know is embedded by its own names, where the judgements name it,
    and stays in what is ranked; otherwise it is dropped. A title that is left without a relevant skill
    is left out: there is nothing to find for it.

    Raises:
        ModelMismatchError: the index was built with another encoder.
        EvaluationError: the index knows none of the skills.
    """
    if catalogue.info.encoder_fingerprint != encoder.folder.fingerprint:
        raise ModelMismatchError(
            f"the index {catalogue.info.name} was built with encoder {catalogue.info.encoder} "
            f"({catalogue.info.encoder_fingerprint}), loaded is {encoder.folder.name} "
            f"({encoder.folder.fingerprint}): name its models with --models, or run `skillsearch reindex`"
        )
    documents = {
        name: document
        for name, document in benchmark.documents.items()
        if document.names or document.uri in catalogue.places
    }
    dropped = tuple(one.uri for name, one in benchmark.documents.items() if name not in documents)
    places = np.array([catalogue.places.get(one.uri, -1) for one in documents.values()], dtype=np.int64)
    if not (places >= 0).any():
        raise EvaluationError(
            f"{benchmark.name}: none of its {len(benchmark.documents):,} skills is in the index "
            f"{catalogue.info.name}: skills are named by URI, and the index has to be of their taxonomy"
        )
    qrels = {
        query: {name: grade for name, grade in row.items() if name in documents}
        for query, row in benchmark.qrels.items()
        if any(grade > 0 and name in documents for name, grade in row.items())
    }
    judged = replace(
        benchmark,
        queries={query: benchmark.queries[query] for query in qrels},
        documents=documents,
        qrels=qrels,
    )
    titles = tuple(map(query_text, judged.queries.values()))
    vectors = encoder.encode(titles)
    skills = catalogue.vectors[places]  # (m, 1024)
    strangers = [row for row, place in enumerate(places) if place < 0]
    if strangers:
        names = [document.names for document in documents.values()]
        skills[strangers] = encoder.encode_named([names[row] for row in strangers])
    return Pool(
        benchmark=judged,
        dropped=dropped,
        titles=titles,
        vectors=vectors,
        occupations=tuple(_nearest(build, vector) for vector in vectors),
        labels=tuple(
            catalogue.labels[place] if place >= 0 else document.label
            for place, document in zip(places, documents.values(), strict=True)
        ),
        places=places,
        cosines=vectors @ skills.T,  # (t, 1024) @ (1024, m)
        grades=_grades(judged),
    )


def _nearest(build: Build, vector: Floats) -> tuple[tuple[str, float], ...]:
    found = build.query("occupations", vector.tolist(), NEAREST_OCCUPATIONS)
    return tuple((point.uri, point.score) for point in found)


def _grades(benchmark: Benchmark) -> Floats:
    columns = {document: column for column, document in enumerate(benchmark.documents)}
    grades = np.zeros((len(benchmark.qrels), len(columns)), dtype=np.float32)
    for row, judgements in enumerate(benchmark.qrels.values()):
        for document, grade in judgements.items():
            grades[row, columns[document]] = grade
    shares: Floats = grades / max(float(grades.max()), 1.0)
    return shares
