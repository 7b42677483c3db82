"""Filters of a search: the public `Filters`, and neutral conditions for the stores."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Literal

from skillsearch.characters import fault_of, quoted
from skillsearch.errors import FilterError

__all__ = ["Filters", "Match", "RelationFilter", "Where"]

RelationFilter = Literal["essential", "optional", "either"]
_RELATIONS: tuple[RelationFilter, ...] = ("essential", "optional", "either")

Values = Iterable[str] | str


@dataclass(frozen=True, slots=True)
class Match:
    """Any of these payload fields holds any of these values."""

    fields: tuple[str, ...]
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Where:
    """All of `must` and none of `must_not`; empty means everything."""

    must: tuple[Match, ...] = ()
    must_not: tuple[Match, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Filters on skills: values of one field are alternatives, and all fields must hold.

    Case, blanks and the composition of accents do not matter.

    Attributes:
        types: ``skill`` or ``knowledge``.
        reuse_levels: ``transversal``, ``cross-sector``, ``sector-specific``, ``occupation-specific``.
        collections: ``digital``, ``green``, ``transversal``, ``language``, ``research``, ``digcomp``.
        ancestors: codes or URIs in the skills hierarchy, at any level above the skill.
        occupations: URIs or preferred labels of occupations that need the skill; of a label in a pair,
            such as ``Buchbinder/Buchbinderin``, each half will do.
        isco_groups: ISCO-08 codes or URIs, of any level, of occupations that need the skill.
        relation: whether `occupations` and `isco_groups` need it essentially, optionally or either way.
        taxonomies: names such as ``esco``.
        languages: codes such as ``en``.
        include: only these skill URIs; those that the index does not have are noted in the result.
        exclude: not these skill URIs; those that the index does not have are noted, and change nothing.

    Raises:
        FilterError: `relation` is not one of its three values, or a value is not text, or has characters
            that text may not have.
    """

    types: Values = ()
    reuse_levels: Values = ()
    collections: Values = ()
    ancestors: Values = ()
    occupations: Values = ()
    isco_groups: Values = ()
    relation: RelationFilter = "either"
    taxonomies: Values = ()
    languages: Values = ()
    include: Values = ()
    exclude: Values = ()

    def __post_init__(self) -> None:
        """Take lists and single values, keep tuples."""
        if self.relation not in _RELATIONS:
            expected = ", ".join(_RELATIONS)
            raise FilterError(f"relation {quoted(self.relation)}: expected one of {expected}")
        for field in fields(self):
            if field.name != "relation":
                values = _texts(field.name, getattr(self, field.name))
                object.__setattr__(self, field.name, values)

    def where(self) -> Where:
        """The conditions on payload fields."""
        sides = ("essential", "optional") if self.relation == "either" else (self.relation,)
        must = (
            _match(("skill_type",), self.types),
            _match(("reuse_level",), self.reuse_levels),
            _match(("collections",), self.collections),
            _match(("ancestors",), self.ancestors),
            _match(tuple(f"occupations_{side}" for side in sides), self.occupations),
            _match(tuple(f"isco_groups_{side}" for side in sides), self.isco_groups),
            _match(("taxonomy",), self.taxonomies),
            _match(("language",), self.languages),
            _match(("uri",), self.include),
        )
        excluded = _match(("uri",), self.exclude)
        return Where(tuple(match for match in must if match), (excluded,) if excluded else ())


def _texts(name: str, value: object) -> tuple[str, ...]:
    """The values of a filter as a tuple."""
    if not isinstance(value, str | Iterable):
        raise FilterError(f"filter {name}: {quoted(value)} is not text or a list of texts")
    values = (value,) if isinstance(value, str) else tuple(value)
    for item in values:
        if not isinstance(item, str):
            raise FilterError(f"filter {name}: {quoted(item)} is not text")
        if fault := fault_of(" ".join(item.split())):
            raise FilterError(f"filter {name}: {quoted(item)} has {fault}; remove it")
    return values


def _match(names: tuple[str, ...], values: Values) -> Match | None:
    return Match(names, tuple(values)) if values else None
