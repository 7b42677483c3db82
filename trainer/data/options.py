"""Options of a data set, checked by pydantic."""

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from skillsearch.errors import ConfigurationError
from trainer.data.generators.base import KINDS, WANTED, Kind

__all__ = ["DataOptions", "checked"]

Cosine = Annotated[float, Field(gt=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Model = TypeVar("Model", bound=BaseModel)


class DataOptions(BaseModel):
    """Options of a data set, beside its sources.

    Attributes:
        titles: synthetic titles that a skill gets.
        sentences: synthetic sentences that a skill gets.
        variants: synthetic variants that a skill gets.
        confidence: cosine from which a sentence of a vacancy asks for a skill.
        merge: cosine from which a synthetic title joins a real one.
        seed: of a generator's draws.
        title_column: of the vacancies.
        description_column: of the vacancies.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    titles: Count = WANTED["titles"]
    sentences: Count = WANTED["sentences"]
    variants: Count = WANTED["variants"]
    confidence: Cosine = 0.65
    merge: Cosine = 0.7
    seed: Count = 42
    title_column: str = "title"
    description_column: str = "description"

    @property
    def wanted(self) -> dict[Kind, int]:
        """Synthetic texts that a skill gets, without the kinds of which there are to be none."""
        return {kind: count for kind in KINDS if (count := getattr(self, kind))}


def checked(model: type[Model], values: Mapping[str, Any], name: str) -> Model:
    """A model of some values; `name` says in messages what they are.

    Raises:
        ConfigurationError: names each value that is wrong, and what was expected.
    """
    try:
        return model(**values)
    except ValidationError as error:
        problems = []
        for item in error.errors():
            found = "" if "key" in item["loc"] else f", found {item['input']!r}"
            problems.append(f"{'.'.join(map(str, item['loc']))}: {item['msg']}{found}")
        raise ConfigurationError(f"wrong {name}: {'; '.join(problems)}") from error
