"""Lay an overlay over a taxonomy, and tell what of it had no effect."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from indexer.overlay import Entry, Overlay, PrivateSkill
from skillsearch.taxonomy.records import Occupation, Relation, RelationKind, Skill, Taxonomy

__all__ = ["Overlaid", "Problem", "apply_overlay"]

_Concept = TypeVar("_Concept", Skill, Occupation)


@dataclass(frozen=True, slots=True)
class Problem:
    """An entry of an overlay, or one URI in it, that had no effect, and why."""

    source: str
    place: str
    uri: str
    reason: str

    def __str__(self) -> str:
        """The one line to show."""
        return f"{self.source}, {self.place}: {self.uri!r} {self.reason}"


@dataclass(frozen=True)
class Overlaid:
    """A taxonomy with an overlay laid over it, and what of the overlay had no effect."""

    taxonomy: Taxonomy
    problems: tuple[Problem, ...]


def apply_overlay(overlay: Overlay, taxonomy: Taxonomy) -> Overlaid:
    """Lay an overlay over a taxonomy, which stays as it is.

    Whatever their order in the file, private skills are added first, then concepts are hidden, labels
    pinned, and aliases added. So a private skill can be pinned, and a pinned label is never an alias.

    - A private skill whose URI the release has by now is left out, the release's is kept. References
      to what does not exist are left out.
    - A hidden concept takes its relations with it; what stood below it then stands below its parents.
    - A pinned label takes the place of the release's, which becomes the first alias.
    - Aliases that are there already are not added again.
    """
    draft = _Draft(overlay, taxonomy)
    _add_skills(draft)
    _hide(draft)
    _pin(draft)
    _add_aliases(draft)
    changed = replace(
        taxonomy, skills=draft.skills, occupations=draft.occupations, relations=tuple(draft.relations)
    )
    return Overlaid(changed, tuple(draft.problems))


@dataclass
class _Draft:
    """A taxonomy under change."""

    overlay: Overlay
    release: Taxonomy
    skills: dict[str, Skill] = field(init=False)
    occupations: dict[str, Occupation] = field(init=False)
    relations: list[Relation] = field(init=False)
    problems: list[Problem] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.skills = dict(self.release.skills)
        self.occupations = dict(self.release.occupations)
        self.relations = list(self.release.relations)

    def report(self, entry: Entry, uri: str, reason: str) -> None:
        self.problems.append(Problem(self.overlay.source, entry.place, uri, reason))

    def find(self, entry: Entry) -> Skill | Occupation | None:
        """The target of an entry; that there is none is reported."""
        found = self.skills.get(entry.uri) or self.occupations.get(entry.uri)
        if found is None and self.is_group(entry.uri):
            self.report(entry, entry.uri, f"is a group of {self.release}, expected a skill or an occupation")
        elif found is None:
            self.report(entry, entry.uri, f"is not in {self.release}")
        return found

    def put(self, concept: Skill | Occupation) -> None:
        if isinstance(concept, Skill):
            self.skills[concept.uri] = concept
        else:
            self.occupations[concept.uri] = concept

    def is_group(self, uri: str) -> bool:
        return uri in self.release.groups or uri in self.release.isco_groups


def _add_skills(draft: _Draft) -> None:
    """Add private skills; they may stand below each other."""
    release, added = draft.release, []
    for entry in draft.overlay.skills:
        if entry.uri in release.skills:
            draft.report(entry, entry.uri, f"is in {release} too, whose skill is kept; remove the entry")
        elif entry.uri in release.occupations or draft.is_group(entry.uri):
            draft.report(entry, entry.uri, f"is not a skill in {release}; give the private skill another URI")
        else:
            draft.skills[entry.uri] = entry.skill
            added.append(entry)
    for entry in added:
        broader = tuple(_known_broader(draft, entry))
        draft.skills[entry.uri] = replace(entry.skill, broader=broader)
        draft.relations += _known_relations(draft, entry)


def _known_broader(draft: _Draft, entry: PrivateSkill) -> Iterator[str]:
    for uri in entry.skill.broader:
        if uri in draft.skills or uri in draft.release.groups:
            yield uri
        else:
            reason = f"is no skill or skill group of {draft.release}; {entry.uri!r} does not stand below it"
            draft.report(entry, uri, reason)


def _known_relations(draft: _Draft, entry: PrivateSkill) -> Iterator[Relation]:
    """Each pair once; essential wins over optional."""
    kinds: dict[str, RelationKind] = dict.fromkeys(entry.essential_for, "essential")
    for uri in entry.optional_for:
        kinds.setdefault(uri, "optional")
    for uri, kind in kinds.items():
        if uri in draft.occupations:
            yield Relation(uri, entry.uri, kind)
        else:
            reason = f"is no occupation of {draft.release}; it is not related to {entry.uri!r}"
            draft.report(entry, uri, reason)


def _hide(draft: _Draft) -> None:
    hidden: set[str] = set()
    for entry in draft.overlay.hidden:
        if entry.uri in hidden:
            draft.report(entry, entry.uri, "is hidden by another entry already; remove one")
        elif draft.find(entry):
            hidden.add(entry.uri)
    if hidden:
        draft.skills = _without(draft.skills, hidden)
        draft.occupations = _without(draft.occupations, hidden)
        draft.relations = [
            relation for relation in draft.relations if not {relation.skill, relation.occupation} & hidden
        ]


def _without(concepts: Mapping[str, _Concept], hidden: set[str]) -> dict[str, _Concept]:
    """The concepts that are not hidden; those below a hidden one come below its nearest visible parents."""

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
        if not hidden.isdisjoint(concept.broader)
        else concept
        for uri, concept in concepts.items()
        if uri not in hidden
    }


def _pin(draft: _Draft) -> None:
    for pin in draft.overlay.pins:
        concept = draft.find(pin)
        if concept is None:
            continue
        if concept.label == pin.label:
            draft.report(pin, pin.uri, f"has the label {pin.label!r} already; remove the entry")
            continue
        others = (alias for alias in concept.alt_labels if alias not in (pin.label, concept.label))
        draft.put(replace(concept, label=pin.label, alt_labels=(concept.label, *others)))


def _add_aliases(draft: _Draft) -> None:
    for entry in draft.overlay.aliases:
        concept = draft.find(entry)
        if concept is None:
            continue
        known = (concept.label, *concept.alt_labels)
        new = tuple(alias for alias in dict.fromkeys(entry.aliases) if alias not in known)
        if not new:
            draft.report(entry, entry.uri, "has these names already; remove the entry")
            continue
        draft.put(replace(concept, alt_labels=concept.alt_labels + new))
