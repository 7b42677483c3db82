"""Judged candidates: what each task finds for texts of held-out occupations, and what of it is right.

The models are called by the rankers that serve a search. Nothing that depends on an occupation is asked
about one that the models may have seen.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import numpy as np

from skillsearch.arrays import BoolArray, Float32Array
from skillsearch.models.concepts import encode_concepts
from skillsearch.models.protocols import Encoder
from skillsearch.progress import Advance
from skillsearch.rank.candidates import Candidate, Query
from skillsearch.rank.demand import own_demand, skill_payloads
from skillsearch.rank.probability import NO_RERANKER
from skillsearch.rank.ranker import NoReranking, Ranker
from skillsearch.tasks import SKILL_TO_TITLES, TITLE_TO_SKILLS
from skillsearch.taxonomy.records import Taxonomy
from skillsearch.taxonomy.texts import occupation_text, skill_names
from trainer.evaluate.esco import without_relations

__all__ = ["DEPTH", "Concepts", "Judged", "Source"]

DEPTH: Final = 200
"""Candidates of a text, as many as a search reranks."""

Item = TypeVar("Item")
Pair = Callable[[str, str], tuple[str, str]]

_LIKE: Final = 50  # candidates where only the nearest can be right
_TITLES: Final = 150  # of a half, whose every candidate is judged
_PLAIN: Final = 500  # texts of a half, of whose candidates few are


@dataclass(frozen=True, eq=False)
class Judged:
    """Candidates of one text, in their final order.

    Attributes:
        candidates: n of them.
        right: shape (n,).
        counts: shape (n,), those that the truth is known of.
    """

    candidates: list[Candidate]
    right: BoolArray
    counts: BoolArray


@dataclass(frozen=True, eq=False)
class Concepts:
    """Concepts of a space, with their labels and vectors, shape (m, d)."""

    uris: tuple[str, ...]
    labels: tuple[str, ...]
    vectors: Float32Array

    def nearest(self, vector: Float32Array, count: int) -> list[Candidate]:
        """The nearest by cosine, then URI."""
        cosines = self.vectors @ vector  # (m, d) @ (d,) -> (m,)
        rows = np.argsort(-cosines, kind="stable")[:count].tolist()
        return [
            Candidate(self.uris[row], self.labels[row], float(cosines[row]), float(cosines[row]))
            for row in rows
        ]


@dataclass(frozen=True, eq=False)
class Source:
    """What candidates are drawn from: a taxonomy, embedded.

    Attributes:
        taxonomy: tells what is right.
        encoder: of the texts.
        rankers: by name; ``none`` is the order of the vector search.
        skills: all, sorted by URI.
        occupations: all, sorted by URI.
        demand: what demand adds for a skill, told without the occupations that are asked about.
    """

    taxonomy: Taxonomy
    encoder: Encoder
    rankers: Mapping[str, Ranker]
    skills: Concepts
    occupations: Concepts
    demand: Mapping[str, float]

    @classmethod
    def of(
        cls,
        taxonomy: Taxonomy,
        encoder: Encoder,
        rankers: Sequence[Ranker],
        asked: Sequence[str],
        advance: Advance | None = None,
    ) -> "Source":
        """Embed a taxonomy.

        Args:
            taxonomy: that is embedded.
            encoder: of the texts.
            rankers: that order candidates.
            asked: URIs of the occupations that candidates are found for.
            advance: called with the number of texts just embedded.

        Raises:
            ModelError: the model gave something that is not finite.
        """
        skills, occupations = sorted(taxonomy.skills), sorted(taxonomy.occupations)
        names = [skill_names(taxonomy.skills[uri]) for uri in skills]
        titles = [occupation_text(taxonomy.occupations[uri]) for uri in occupations]
        return cls(
            taxonomy,
            encoder,
            {NO_RERANKER: NoReranking()} | {str(ranker.reranker): ranker for ranker in rankers},
            Concepts(
                tuple(skills),
                tuple(taxonomy.skills[uri].label for uri in skills),
                encode_concepts(encoder, names, advance=advance),
            ),
            Concepts(tuple(occupations), tuple(titles), encoder.encode(titles, advance=advance)),
            own_demand().by_uri(skill_payloads(without_relations(taxonomy, asked))),
        )

    def needed(self, occupations: Sequence[str], half: int, ranker: str) -> Iterator[Judged]:  # noqa: ARG002
        """Skills of titles, which are labels and aliases in turn: right are those that the job needs."""
        for row, uri in enumerate(_spaced(occupations, _TITLES)):
            occupation = self.taxonomy.occupations[uri]
            aliases = sorted(occupation.alt_labels)
            title = aliases[row % len(aliases)] if aliases and row % 2 else occupation_text(occupation)
            links = {one.skill for one in self.taxonomy.relations_by_occupation.get(uri, ())}
            query = self._query(TITLE_TO_SKILLS.view(title), TITLE_TO_SKILLS.pair, ranker)
            query = replace(query, demand=self.demand)
            found = self.rankers[ranker].rank(query, self.skills.nearest(query.vector, DEPTH))
            right = np.array([one.uri in links for one in found])
            yield Judged(found, right, np.ones(len(found), dtype=bool))

    def needing(self, occupations: Sequence[str], half: int, ranker: str) -> Iterator[Judged]:
        """Occupations of any skills: right are those that need them; known of the given ones alone.

        `half`, 0 or 1, takes one half of the skills.
        """
        known = set(occupations)
        skills = sorted(self.taxonomy.relations_by_skill)[half::2]
        for uri in _spaced(skills, _PLAIN):
            links = {one.occupation for one in self.taxonomy.relations_by_skill[uri]}
            query = self._query(self.taxonomy.skills[uri].label, SKILL_TO_TITLES.pair, ranker)
            found = self.rankers[ranker].rank(query, self.occupations.nearest(query.vector, DEPTH))
            yield Judged(
                found,
                np.array([one.uri in links for one in found]),
                np.array([one.uri in known for one in found]),
            )

    def meant(self, occupations: Sequence[str], half: int, ranker: str) -> Iterator[Judged]:  # noqa: ARG002
        """Occupations of titles, which are aliases: right are those that have this name."""
        names = [
            (alias, uri) for uri in occupations for alias in sorted(self.taxonomy.occupations[uri].alt_labels)
        ]
        for alias, uri in _spaced(names, _PLAIN):
            query = self._query(TITLE_TO_SKILLS.view(alias), TITLE_TO_SKILLS.pair, ranker)
            found = self.occupations.nearest(query.vector, _LIKE)
            right = np.array([one.uri == uri for one in found])
            yield Judged(found, right, np.ones(len(found), dtype=bool))

    def alike(self, occupations: Sequence[str], half: int, ranker: str) -> Iterator[Judged]:  # noqa: ARG002
        """Skills of skills: right are those with the same direct parent; `half` as for `needing`."""
        skills = self.taxonomy.skills
        with_parents = [uri for uri in self.skills.uris if skills[uri].broader]
        rows = {uri: row for row, uri in enumerate(self.skills.uris)}
        for uri in _spaced(with_parents[half::2], _PLAIN):
            parents = set(skills[uri].broader)
            found = self.skills.nearest(self.skills.vectors[rows[uri]], _LIKE + 1)
            found = [one for one in found if one.uri != uri]
            right = np.array([bool(parents.intersection(skills[one.uri].broader)) for one in found])
            yield Judged(found, right, np.ones(len(found), dtype=bool))

    def _query(self, text: str, pair: Pair, ranker: str) -> Query:
        vector, tokens = self.encoder.encode([text])[0], None
        if self.rankers[ranker].reads_tokens:
            tokens = self.encoder.encode_tokens([text])[0]
        return Query(text, vector, tokens, pair)


def _spaced(items: Sequence[Item], most: int) -> list[Item]:
    """At most so many items, evenly spaced."""
    places = np.linspace(0, len(items) - 1, min(most, len(items)), dtype=np.int64).tolist()
    return [items[place] for place in places]
