"""Overlays: a team's own skills, hidden concepts, labels and aliases, applied to any version of a taxonomy.

Entries come from a file (see `indexer.read.overlays`) and are stored with the index, so that they can be
applied to the next version too.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from skillsearch.errors import TaxonomyError
from skillsearch.taxonomy.records import Occupation, Relation, RelationKind, Skill, Taxonomy

__all__ = ["Alias", "Entry", "Hide", "Overlaid", "Overlay", "Pin", "PrivateSkill", "apply_overlay"]

_Concept = TypeVar("_Concept", Skill, Occupation)


@dataclass(frozen=True, slots=True)
class PrivateSkill:
    """A skill that the taxonomy lacks, and the occupations that need it; `place` is its row or entry."""

    place: str
    skill: Skill
    essential_for: tuple[str, ...] = ()
    optional_for: tuple[str, ...] = ()

    @property
    def uri(self) -> str:
        """The URI of the skill."""
        return self.skill.uri


@dataclass(frozen=True, slots=True)
class Hide:
    """A skill or occupation to leave out."""

    place: str
    uri: str


@dataclass(frozen=True, slots=True)
class Pin:
    """The label of a skill or occupation, in place of the release's."""

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
    """Entries that do not contradict each other; `source` is the name of their file.

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
        entries: tuple[Entry, ...] = (*self.hidden, *self.skills, *self.pins, *self.aliases)
        first: dict[tuple[type, str], Entry] = {}
        for entry in entries:
            other = first.setdefault((type(entry), entry.uri), entry)
            if other is not entry and isinstance(entry, PrivateSkill):
                raise self._contradiction(other, entry, f"both add the skill {entry.uri!r}")
            if other is not entry and isinstance(entry, Pin):
                raise self._contradiction(other, entry, f"both pin the label of {entry.uri!r}")
            hide = first.get((Hide, entry.uri), entry)
            if hide is not entry and not isinstance(entry, Hide):
                raise self._contradiction(hide, entry, f"one hides {entry.uri!r}, and the other changes it")

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        values: dict[str, Any] = _ADAPTER.dump_python(self, mode="json")
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Overlay":
        """Read the values of `to_dict`.

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

    def _contradiction(self, one: Entry, other: Entry, problem: str) -> TaxonomyError:
        places = f"{self.source}, {one.place} and {other.place}"
        return TaxonomyError(f"{places}: {problem}; keep one of them")


_ADAPTER: Final = TypeAdapter(Overlay)


class Overlaid(NamedTuple):
    """A taxonomy with an overlay applied, and a line for each entry, or URI in one, that has no effect."""

    taxonomy: Taxonomy
    problems: tuple[str, ...]


def apply_overlay(overlay: Overlay, taxonomy: Taxonomy) -> Overlaid:
    """Apply an overlay to a taxonomy, which itself stays as it is.

    Whatever their order in the file, private skills are added first, then concepts are hidden, labels
    pinned, and aliases added. So a private skill can be pinned, and a pinned label is never an alias.

    - A private skill whose URI is in the release is left out, and the release's is kept. References to
      URIs that do not exist are left out.
    - A hidden concept takes its relations with it; concepts below it move to its parents.
    - A pinned label replaces the release's, which becomes the first alias.
    - Aliases that exist are not added again.
    """
    draft = _Draft(overlay, taxonomy)
    draft.add_skills()
    draft.hide()
    draft.pin()
    draft.add_aliases()
    changed = replace(
        taxonomy, skills=draft.skills, occupations=draft.occupations, relations=tuple(draft.relations)
    )
    return Overlaid(changed, tuple(draft.problems))


class _Draft:
    """A taxonomy under change."""

    def __init__(self, overlay: Overlay, release: Taxonomy) -> None:
        self.overlay, self.release = overlay, release
        self.skills, self.occupations = dict(release.skills), dict(release.occupations)
        self.relations = list(release.relations)
        self.problems: list[str] = []

    def add_skills(self) -> None:
        """Add private skills; they may stand below each other."""
        added = []
        for entry in self.overlay.skills:
            if entry.uri in self.release.skills:
                self._report(
                    entry, entry.uri, f"is in {self.release} too, whose skill is kept; remove the entry"
                )
            elif entry.uri in self.release.occupations or self._is_group(entry.uri):
                self._report(
                    entry, entry.uri, f"is not a skill in {self.release}; give the private skill another URI"
                )
            else:
                self.skills[entry.uri] = entry.skill
                added.append(entry)
        for entry in added:
            self.skills[entry.uri] = replace(entry.skill, broader=tuple(self._known_broader(entry)))
            self.relations += self._known_relations(entry)

    def hide(self) -> None:
        hidden: set[str] = set()
        for entry in self.overlay.hidden:
            if entry.uri in hidden:
                self._report(entry, entry.uri, "is already hidden by another entry; remove one")
            elif self._find(entry):
                hidden.add(entry.uri)
        if hidden:
            self.skills = _without(self.skills, hidden)
            self.occupations = _without(self.occupations, hidden)
            self.relations = [
                relation for relation in self.relations if not {relation.skill, relation.occupation} & hidden
            ]

    def pin(self) -> None:
        for pin in self.overlay.pins:
            concept = self._find(pin)
            if concept and concept.label == pin.label:
                self._report(pin, pin.uri, f"already has the label {pin.label!r}; remove the entry")
            elif concept:
                others = (alias for alias in concept.alt_labels if alias not in (pin.label, concept.label))
                self._put(replace(concept, label=pin.label, alt_labels=(concept.label, *others)))

    def add_aliases(self) -> None:
        for entry in self.overlay.aliases:
            concept = self._find(entry)
            if concept is None:
                continue
            known = (concept.label, *concept.alt_labels)
            new = tuple(alias for alias in dict.fromkeys(entry.aliases) if alias not in known)
            if new:
                self._put(replace(concept, alt_labels=concept.alt_labels + new))
            else:
                self._report(entry, entry.uri, "already has these names; remove the entry")

    def _known_broader(self, entry: PrivateSkill) -> Iterator[str]:
        for uri in entry.skill.broader:
            if uri in self.skills or uri in self.release.groups:
                yield uri
            else:
                reason = f"is no skill or skill group of {self.release}; {entry.uri!r} is not placed below it"
                self._report(entry, uri, reason)

    def _known_relations(self, entry: PrivateSkill) -> Iterator[Relation]:
        """Each pair once; essential wins over optional."""
        kinds: dict[str, RelationKind] = dict.fromkeys(entry.essential_for, "essential")
        kinds |= {uri: "optional" for uri in entry.optional_for if uri not in kinds}
        for uri, kind in kinds.items():
            if uri in self.occupations:
                yield Relation(uri, entry.uri, kind)
            else:
                reason = f"is no occupation of {self.release}; it is not related to {entry.uri!r}"
                self._report(entry, uri, reason)

    def _find(self, entry: Entry) -> Skill | Occupation | None:
        """The concept that an entry is about; reports where there is none."""
        found = self.skills.get(entry.uri) or self.occupations.get(entry.uri)
        if found is None and self._is_group(entry.uri):
            self._report(entry, entry.uri, f"is a group of {self.release}, expected a skill or an occupation")
        elif found is None:
            self._report(entry, entry.uri, f"is not in {self.release}")
        return found

    def _put(self, concept: Skill | Occupation) -> None:
        if isinstance(concept, Skill):
            self.skills[concept.uri] = concept
        else:
            self.occupations[concept.uri] = concept

    def _is_group(self, uri: str) -> bool:
        return uri in self.release.groups or uri in self.release.isco_groups

    def _report(self, entry: Entry, uri: str, reason: str) -> None:
        self.problems.append(f"{self.overlay.source}, {entry.place}: {uri!r} {reason}")


def _without(concepts: Mapping[str, _Concept], hidden: set[str]) -> dict[str, _Concept]:
    """The concepts that are not hidden; those below a hidden one move to its nearest visible parents."""

    def visible(broader: tuple[str, ...]) -> tuple[str, ...]:
        found: dict[str, None] = {}
        stack, met = list(reversed(broader)), set()
        while stack:
            uri = stack.pop()
            if uri not in hidden:
                found[uri] = None
            elif uri not in met:
                met.add(uri)
                stack += reversed(concepts[uri].broader)
        return tuple(found)

    return {
        uri: replace(concept, broader=visible(concept.broader))
        for uri, concept in concepts.items()
        if uri not in hidden
    }
