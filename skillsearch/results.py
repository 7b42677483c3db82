"""Results of all tasks: frozen, and ready for JSON."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Generic, Literal, TypeVar, overload

from skillsearch.characters import json_text, quoted
from skillsearch.models.classes import Relevance
from skillsearch.settings import RerankerName
from skillsearch.store.info import BuildInfo

__all__ = [
    "EscoLinks",
    "FailedSearch",
    "Found",
    "Hits",
    "How",
    "OccupationMatch",
    "Probabilities",
    "Reference",
    "Relation",
    "SearchResult",
    "SkillHit",
    "SkillMatch",
    "Status",
    "TaxonomyVersion",
    "Timings",
    "Versions",
]

Hit = TypeVar("Hit")

How = Literal["label", "alias", "model"]
"""How a concept was found: by its label, by another of its names, or by the models."""

Relation = Literal["essential", "optional"]
"""How the taxonomy links an occupation and a skill."""


class Hits(Generic[Hit]):
    """A result with hits, best first; it can be looped over, measured and indexed like a tuple."""

    __slots__ = ()

    hits: tuple[Hit, ...]

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)

    def __len__(self) -> int:
        return len(self.hits)

    @overload
    def __getitem__(self, index: int) -> Hit: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Hit, ...]: ...

    def __getitem__(self, index: int | slice) -> Hit | tuple[Hit, ...]:
        return self.hits[index]

    def to_dict(self) -> dict[str, Any]:
        """Values ready for JSON."""
        return asdict(self)  # type: ignore[call-overload,no-any-return] # a data class, as all results are

    def to_json(self, *, indent: int | None = None) -> str:
        """The result as a JSON object."""
        return json_text(self.to_dict(), indent=indent)


@dataclass(frozen=True, slots=True)
class Probabilities:
    """The reranker's class probabilities, which add up to 1.

    They are the softmax of its logits, divided by the temperature that training found to make them
    honest, where it did.
    """

    irrelevant: float
    contextual: float
    core: float

    @property
    def relevant(self) -> float:
        """Probability of being contextual or core."""
        return self.contextual + self.core


@dataclass(frozen=True, slots=True)
class Reference:
    """Another concept of the taxonomy; `code` may be empty."""

    uri: str
    label: str
    code: str


@dataclass(frozen=True, slots=True)
class EscoLinks:
    """Links of a skill in the taxonomy: its direct parents, and the URIs of the occupations that need it."""

    broader: tuple[Reference, ...]
    essential_for: tuple[str, ...]
    optional_for: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SkillHit:
    """A skill that was found.

    `probability` is that of the skill being needed: calibrated on occupations that the models have not
    seen, where they have a calibration; else that of the cross-encoder's classes, or None.

    `relevance`, `probabilities` and `rerank_score`, the logit of *core*, are None where the skill
    was not reranked. With late interaction `rerank_score` is the interaction of the tokens, and there
    are no classes, so the other two are always None. `retrieval_score` is a cosine. `score` is what
    the hits are ordered by: the blend, in [0, 1] for reranked skills and at most 0 below the reranked
    depth; without reranking it is the cosine.

    With a learned blend `score` is the probability that the judges it learned from would call the
    skill relevant, in [0, 1] with and without reranking; below the reranked depth it is lowered to
    the lowest above, if need be. `features` are then what the blend saw, without what it did not
    know, and `contributions` by how much each raised the score, against its mean in the judgements.
    """

    rank: int
    uri: str
    label: str
    relevance: Relevance | None
    probability: float | None
    score: float
    retrieval_score: float
    rerank_score: float | None
    probabilities: Probabilities | None
    aliases: tuple[str, ...]
    description: str
    skill_type: str
    reuse_level: str
    collections: tuple[str, ...]
    links: EscoLinks
    taxonomy: str
    features: Mapping[str, float] | None = None
    contributions: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds by stage; `total` has the rest of the work in it too."""

    encode: float
    retrieve: float
    rerank: float
    total: float


@dataclass(frozen=True, slots=True)
class TaxonomyVersion:
    """A taxonomy in the index, such as ``esco``, ``1.1.1``, ``en``."""

    name: str
    version: str
    language: str

    def __str__(self) -> str:
        return f"{self.name} {self.version} ({self.language})"


@dataclass(frozen=True, slots=True)
class Versions:
    """Versions that answered: the build of the index, its taxonomies, the models with their fingerprints.

    With late interaction the reranker is the encoder. `languages` are those that a title may be in: of the
    taxonomies, and of the encoder's training.
    """

    build: str
    taxonomies: tuple[TaxonomyVersion, ...]
    encoder: str
    reranker: str | None
    blender: str | None = None
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Status:
    """The description of the published build, and the versions that answer a search."""

    build: BuildInfo
    versions: Versions

    def to_dict(self) -> dict[str, Any]:
        """Values ready for JSON."""
        return {"build": self.build.to_dict(), "versions": asdict(self.versions)}


@dataclass(frozen=True, slots=True)
class SearchResult(Hits[SkillHit]):
    """The hits for a title, best first; it can be looped over, measured and indexed like a tuple.

    Attributes:
        title: as it was given, white space folded.
        recognised: whether it is a job title, in one of `Versions.languages`, at all.
        hits: best first.
        alpha: weight of retrieval in the fixed blend; None where no reranker or a learned blend ranked.
        depth: how many candidates were reranked at most; None without reranking and learned blend.
        timings: milliseconds by stage.
        versions: what answered.
        demand_weight: of how often a skill is asked for; None without a reranker and a learned blend.
        min_probability: where it is set, each hit is at least so probable.
        rerank: what reranked; None where nothing did.
        notes: what of the request had no effect, such as a URI to exclude that the index does not have.
        searched: what was searched for: the title without what is mechanical, or several titles.
        seniority: words of the title, such as *senior*, that were kept apart.
    """

    title: str
    recognised: bool
    hits: tuple[SkillHit, ...]
    alpha: float | None
    depth: int | None
    timings: Timings
    versions: Versions
    demand_weight: float | None = None
    min_probability: float | None = None
    rerank: RerankerName | None = None
    notes: tuple[str, ...] = ()
    searched: tuple[str, ...] = ()
    seniority: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SkillMatch:
    """A skill that was found for a text or for another skill.

    Attributes:
        rank: 1 for the best.
        uri: of the skill.
        label: its preferred label.
        probability: of being what was asked for; None where no model tells.
        how: by its label, by another of its names, or by the models.
        name: the name that the text is; the label where the models found it.
        score: the cosine; what is found by a name goes before.
        skill_type: ``skill``, ``knowledge`` or empty.
        description: of the skill.
        taxonomy: that it is from.
    """

    rank: int
    uri: str
    label: str
    probability: float | None
    how: How
    name: str
    score: float
    skill_type: str
    description: str
    taxonomy: str


@dataclass(frozen=True, slots=True)
class OccupationMatch:
    """An occupation that was found for a title or for a skill.

    Attributes:
        rank: 1 for the best.
        uri: of the occupation.
        label: its preferred label.
        probability: of being what was asked for; None where no model tells.
        code: of the occupation in its taxonomy; may be empty.
        isco: code of its ISCO-08 unit group; may be empty.
        relation: to the skill that was asked for, where the taxonomy links them.
        how: by its label, by another of its names, or by the models.
        name: the name that the text is; the label where the models found it.
        score: what the models order by; what is linked, or found by a name, goes before.
        description: of the occupation.
        taxonomy: that it is from.
    """

    rank: int
    uri: str
    label: str
    probability: float | None
    code: str
    isco: str
    relation: Relation | None
    how: How
    name: str
    score: float
    description: str
    taxonomy: str


@dataclass(frozen=True, slots=True)
class Found(Hits[Hit]):
    """What was found for a text.

    Attributes:
        input: as it was given.
        searched: the texts that were searched for.
        recognised: whether the input is what the task takes, in one of `Versions.languages`.
        hits: best first.
        timings: milliseconds by stage.
        versions: what answered.
        notes: what of the request had no effect.
        seniority: words of a title, such as *senior*, that were kept apart.
    """

    input: str
    searched: tuple[str, ...]
    recognised: bool
    hits: tuple[Hit, ...]
    timings: Timings
    versions: Versions
    notes: tuple[str, ...] = ()
    seniority: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FailedSearch:
    """A title among many that could not be searched for; the others were.

    Attributes:
        position: of the title, 1 for the first.
        title: as it was given; it need not be text.
        error: what is wrong with it, and what to do.
        kind: name of the error, such as ``QueryError``.
    """

    position: int
    title: object
    error: str
    kind: str

    def to_dict(self) -> dict[str, Any]:
        """Values ready for JSON; a title that JSON cannot tell is told as Python writes it."""
        is_plain = self.title is None or isinstance(self.title, str | int)
        if is_plain or (isinstance(self.title, float) and math.isfinite(self.title)):
            return asdict(self)
        return {**asdict(replace(self, title=None)), "title": quoted(self.title)}

    def to_json(self, *, indent: int | None = None) -> str:
        """The failure as a JSON object."""
        return json_text(self.to_dict(), indent=indent)
