"""Bodies of requests: the arguments of the client's methods, as forms that say what they take."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from skillsearch.judgements import Grade
from skillsearch.settings import MAX_DEPTH, RerankerName
from skillsearch.store.base import Space
from skillsearch.store.filters import Filters, RelationFilter
from skillsearch.tasks.text_to_skills import THRESHOLD

__all__ = [
    "BatchBody",
    "CompareBatch",
    "CompareBody",
    "ExtractBatch",
    "ExtractBody",
    "FiltersBody",
    "JudgementBody",
    "NormalizeSkills",
    "NormalizeTitles",
    "PagedBody",
    "SearchBatch",
    "SearchBody",
    "SimilarBatch",
    "SimilarBody",
    "SuggestBody",
    "TitlesBatch",
    "TitlesBody",
]

Limit = Annotated[int, Field(ge=1, le=100_000, description="How many hits.")]
Share = Annotated[float, Field(ge=0, le=1)]
Budget = Annotated[
    float | None,
    Field(gt=0, allow_inf_nan=False, description="Milliseconds to answer in, by reranking less if need be."),
]
Cursor = Annotated[str | None, Field(max_length=200, description="Of the page before, for the next one.")]
Texts = Annotated[list[Any], Field(min_length=1, description="Each gets its result or its error.")]


class Body(BaseModel):
    """A form that takes what it names, in the types that it names."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class FiltersBody(Body):
    """Filters on skills; see `skillsearch.Filters`."""

    types: list[str] = []
    reuse_levels: list[str] = []
    collections: list[str] = []
    ancestors: list[str] = []
    occupations: list[str] = []
    isco_groups: list[str] = []
    relation: RelationFilter = "either"
    taxonomies: list[str] = []
    languages: list[str] = []
    include: list[str] = []
    exclude: list[str] = []

    def made(self) -> Filters:
        """The filters of a search."""
        return Filters(**self.model_dump())


class _Filtered(Body):
    filters: FiltersBody | None = None

    def options(self, *names: str) -> dict[str, Any]:
        """The arguments of these names, and the filters."""
        found = {name: getattr(self, name) for name in names}
        return found | {"filters": self.filters.made() if self.filters else None}


class PagedBody(Body):
    """A question with pages of answers."""

    limit: Limit = 20
    cursor: Cursor = None


class _Ranked(_Filtered):
    rerank: bool | RerankerName = True
    alpha: Share | None = None
    depth: Annotated[int | None, Field(ge=1, le=MAX_DEPTH)] = None
    demand_weight: Annotated[float | None, Field(ge=0, allow_inf_nan=False)] = None
    min_probability: Share | None = None

    def ranking(self) -> dict[str, Any]:
        """All options of a search but the limit."""
        return self.options("rerank", "alpha", "depth", "demand_weight", "min_probability")


def _example(**values: Any) -> ConfigDict:  # noqa: ANN401 - any value of JSON
    return ConfigDict(json_schema_extra={"examples": [values]})


class SearchBody(PagedBody, _Ranked):
    """Of `search`."""

    model_config = _example(title="Data Scientist", limit=10, filters={"collections": ["digital"]})
    title: str
    budget_ms: Budget = None


class TitlesBody(PagedBody):
    """Of `titles_for`."""

    model_config = _example(skill="administer databases", limit=5)
    skill: str
    rerank: bool = True
    budget_ms: Budget = None


class SimilarBody(PagedBody, _Filtered):
    """Of `similar`."""

    model_config = _example(skill="administer databases", limit=5)
    skill: str


class ExtractBody(Body):
    """Of `extract`."""

    model_config = _example(text="You administer databases and write reports.")
    text: str
    model: bool = True
    threshold: Share = THRESHOLD


class SuggestBody(Body):
    """Of `suggest`."""

    prefix: str
    limit: Limit = 10
    space: Space | None = None


class CompareBody(Body):
    """Of `compare`."""

    model_config = _example(a="Nurse", b="Social Worker", limit=10)
    a: str | list[str]
    b: str
    limit: Limit = 20


class BatchBody(Body):
    """A question with many inputs."""

    def inputs(self) -> list[Any]:
        """The inputs."""
        raise NotImplementedError


class NormalizeSkills(BatchBody, _Filtered):
    """Of `normalize_skills`."""

    model_config = _example(texts=["ms excel", "talking to customers"], limit=3)
    texts: Texts
    limit: Limit = 5

    def inputs(self) -> list[Any]:
        """The texts."""
        return self.texts


class NormalizeTitles(BatchBody):
    """Of `normalize_titles`."""

    model_config = _example(titles=["Sr. Data Scientist (m/f/d)", "RN"], limit=3)
    titles: Texts
    limit: Limit = 5

    def inputs(self) -> list[Any]:
        """The titles."""
        return self.titles


class SearchBatch(BatchBody, _Ranked):
    """Of `search` for many titles."""

    model_config = _example(titles=["Data Scientist", "Nurse", ""], limit=5)
    titles: Texts
    limit: Limit = 20

    def inputs(self) -> list[Any]:
        """The titles."""
        return self.titles


class TitlesBatch(BatchBody):
    """Of `titles_for` for many skills."""

    model_config = _example(skills=["administer databases", "write reports"], limit=5)
    skills: Texts
    limit: Limit = 20
    rerank: bool = True

    def inputs(self) -> list[Any]:
        """The skills."""
        return self.skills


class SimilarBatch(BatchBody, _Filtered):
    """Of `similar` for many skills."""

    model_config = _example(skills=["administer databases", "write reports"], limit=5)
    skills: Texts
    limit: Limit = 20

    def inputs(self) -> list[Any]:
        """The skills."""
        return self.skills


class ExtractBatch(BatchBody):
    """Of `extract` for many texts."""

    model_config = _example(texts=["You write reports.", "You lead a team."])
    texts: Texts
    model: bool = True
    threshold: Share = THRESHOLD

    def inputs(self) -> list[Any]:
        """The texts."""
        return self.texts


class CompareBatch(BatchBody):
    """Of `compare` for many pairs."""

    model_config = _example(pairs=[["Nurse", "Social Worker"], [["SQL"], "Data Scientist"]], limit=10)
    pairs: Texts
    limit: Limit = 20

    def inputs(self) -> list[Any]:
        """The pairs."""
        return self.pairs


class JudgementBody(Body):
    """What somebody says of a title and a skill."""

    model_config = _example(title="Nurse", uri="http://data.europa.eu/esco/skill/…", grade="relevant")
    title: str
    uri: str
    grade: Grade
