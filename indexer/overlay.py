"""What a team lays over any version of a taxonomy: skills of its own, hidden concepts, labels, aliases.

The entries come from a file (see `indexer.read.overlays`) and are stored with the index, so that they
survive the next version of the taxonomy, over which they are laid again (see `indexer.overlay_apply`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from skillsearch.errors import TaxonomyError
from skillsearch.taxonomy.records import Skill

__all__ = ["Alias", "Entry", "Hide", "Overlay", "Pin", "PrivateSkill"]


@dataclass(frozen=True, slots=True)
class PrivateSkill:
    """A skill that the taxonomy lacks, and the occupations that need it; `place` is where it stands."""

    place: str
    skill: Skill
    essential_for: tuple[str, ...] = ()
    optional_for: tuple[str, ...] = ()

    @property
    def uri(self) -> str:
        """Of the skill."""
        return self.skill.uri


@dataclass(frozen=True, slots=True)
class Hide:
    """A skill or occupation to leave out."""

    place: str
    uri: str


@dataclass(frozen=True, slots=True)
class Pin:
    """The label that a skill or occupation is to have, whatever the release calls it."""

    place: str
    uri: str
    label: str


@dataclass(frozen=True, slots=True)
class Alias:
    """More aliases of a skill or occupation."""

    place: str
    uri: str
    aliases: tuple[str, ...]


Entry = PrivateSkill | Hide | Pin | Alias


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class Overlay:
    """Entries that do not contradict each other; `source` names their file in messages.

    Raises:
        TaxonomyError: two entries contradict each other; it names both.
    """

    source: str
    skills: tuple[PrivateSkill, ...] = ()
    hidden: tuple[Hide, ...] = ()
    pins: tuple[Pin, ...] = ()
    aliases: tuple[Alias, ...] = ()

    def __post_init__(self) -> None:
        """Check that no two entries contradict each other."""
        skills, pins, hidden = (_by_uri(entries) for entries in (self.skills, self.pins, self.hidden))
        others: tuple[tuple[Iterable[Entry], Mapping[str, Entry], str], ...] = (
            (self.skills, skills, "both add the skill"),
            (self.pins, pins, "both pin the label of"),
            ((*self.skills, *self.pins, *self.aliases), hidden, "one hides, the other is about"),
        )
        for entries, first, problem in others:
            for entry in entries:
                other = first.get(entry.uri, entry)
                if other is not entry:
                    raise TaxonomyError(
                        f"{self.source}, {other.place} and {entry.place}: {problem} {entry.uri!r}; "
                        "keep one of them"
                    )

    def to_dict(self) -> dict[str, Any]:
        """As JSON-ready values."""
        values: dict[str, Any] = _ADAPTER.dump_python(self, mode="json")
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Overlay":
        """Read what `to_dict` gave.

        Raises:
            TaxonomyError: they are not the values of an overlay, or two entries contradict each other.
        """
        try:
            return _ADAPTER.validate_python(values)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise TaxonomyError(
                f"the stored overlay cannot be read: {place}: {first['msg']}; give its file again"
            ) from error


_ADAPTER: Final = TypeAdapter(Overlay)


def _by_uri(entries: Iterable[Entry]) -> dict[str, Entry]:
    """The first entry of each URI."""
    first: dict[str, Entry] = {}
    for entry in entries:
        first.setdefault(entry.uri, entry)
    return first
