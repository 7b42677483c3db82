"""The columns that a result becomes: its fields, without what is the same for all rows or in the index."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, Final, TypeVar, get_args, get_origin, get_type_hints

from skillsearch.tasks.task import Task

__all__ = ["kept_fields", "reduced", "result_columns"]

_SAME_FOR_ALL: Final = frozenset(
    ("alpha", "demand_weight", "depth", "min_probability", "notes", "rerank", "timings", "versions")
)
_GIVEN: Final = frozenset(("input", "title", "sentences"))
_IN_THE_INDEX: Final = frozenset(
    ("aliases", "collections", "description", "links", "reuse_level", "skill_type", "taxonomy")
)
_FOR_EXPLANATIONS: Final = frozenset(("contributions", "features", "rerank_score", "retrieval_score"))
_LEFT_OUT: Final = _SAME_FOR_ALL | _GIVEN | _IN_THE_INDEX | _FOR_EXPLANATIONS


def result_columns(task: Task[..., Any]) -> dict[str, Any]:
    """The columns of a task's results, in order, with their types as Python writes them."""
    return dict(kept_fields(get_type_hints(task.run)["return"]))


def kept_fields(kind: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - a data class, maybe of a type
    """Names and types of the fields that are kept of a data class; ``Found[SkillMatch]`` is one too."""
    owner = get_origin(kind) or kind
    told = dict(zip(getattr(owner, "__parameters__", ()), get_args(kind), strict=False))
    hints = get_type_hints(owner)
    for one in fields(owner):
        if one.name not in _LEFT_OUT:
            yield one.name, _told(hints[one.name], told)


def reduced(value: object) -> Any:  # noqa: ANN401 - any value of JSON
    """A result as values of JSON, with the fields that are kept."""
    if is_dataclass(value):
        return {
            one.name: reduced(getattr(value, one.name)) for one in fields(value) if one.name not in _LEFT_OUT
        }
    return [reduced(item) for item in value] if isinstance(value, tuple | list) else value


def _told(hint: Any, told: dict[Any, Any]) -> Any:  # noqa: ANN401 - any type
    """A type, with the types that its variables stand for."""
    if isinstance(hint, TypeVar):
        return told[hint]
    inner = tuple(_told(one, told) for one in get_args(hint)) if told else get_args(hint)
    return get_origin(hint)[inner] if told and get_origin(hint) is tuple else hint
