"""What happens to a concept when a new version takes the place of an old one: pure comparison."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from skillsearch.store.base import Hashes, Payload

__all__ = ["Change", "Fate", "Shifts", "compare", "count_shifts", "differences"]

_HASHES = ("embedding_hash", "payload_hash")


class Fate(StrEnum):
    """What is done with a concept."""

    added = "added"
    removed = "removed"
    embedded = "embedded again"
    payload = "payload only"
    unchanged = "unchanged"


@dataclass(frozen=True, slots=True)
class Change:
    """A concept that is not the same afterwards.

    Attributes:
        uri: of the concept.
        kind: ``skill`` or ``occupation``.
        fate: what is done with it.
        label_before: None if it is new.
        label_after: None if it is removed.
        fields: of the payload that differ, without hashes.
        became_essential: occupations that need the skill essentially now, and did not before.
        became_optional: occupations that need it optionally now, and did not before.
        switched: occupations that go on needing it, but not as before.
        lost: occupations that needed it, and do not any more.
    """

    uri: str
    kind: str
    fate: Fate
    label_before: str | None
    label_after: str | None
    fields: tuple[str, ...] = ()
    became_essential: tuple[str, ...] = ()
    became_optional: tuple[str, ...] = ()
    switched: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As JSON-ready values."""
        return asdict(self) | {"fate": self.fate.value}


@dataclass(frozen=True, slots=True)
class Shifts:
    """Relations and places in the hierarchy that differ, over all concepts.

    Attributes:
        relations_added: pairs of occupation and skill that are new.
        relations_removed: pairs that are gone.
        relations_switched: pairs that went from essential to optional or back.
        skills_moved: skills with other direct parents, by URI and label.
        skills_under_other_groups: skills with another ancestor, at any level.
        occupations_moved: occupations in another ISCO group.
    """

    relations_added: int = 0
    relations_removed: int = 0
    relations_switched: int = 0
    skills_moved: int = 0
    skills_under_other_groups: int = 0
    occupations_moved: int = 0

    def to_dict(self) -> dict[str, int]:
        """As JSON-ready values."""
        return asdict(self)


def compare(old: Payload | None, new: Payload | None) -> Change | None:
    """What becomes of a concept; None if nothing does, or if there are neither.

    Args:
        old: the payload that is published, with its hashes.
        new: the payload that the release gives, with its hashes.
    """
    before, after = old or {}, new or {}
    if not before and not after:
        return None
    fate = _fate(old, new)
    if fate is Fate.unchanged:
        return None
    old_kinds, new_kinds = _relations(before), _relations(after)
    changed = {uri: kind for uri, kind in new_kinds.items() if old_kinds.get(uri) != kind}
    return Change(
        uri=str((after or before)["uri"]),
        kind=str((after or before)["kind"]),
        fate=fate,
        label_before=before.get("label"),
        label_after=after.get("label"),
        fields=tuple(sorted(_different(before, after))) if old and new else (),
        became_essential=tuple(uri for uri, kind in changed.items() if kind == "essential"),
        became_optional=tuple(uri for uri, kind in changed.items() if kind == "optional"),
        switched=tuple(uri for uri in changed if uri in old_kinds),
        lost=tuple(uri for uri in old_kinds if uri not in new_kinds),
    )


def differences(change: Change, new: Payload) -> Payload:
    """The fields to write to a stored payload so that it becomes the new one."""
    return {name: new[name] for name in (*change.fields, *_HASHES)}


def count_shifts(changes: Iterable[Change]) -> Shifts:
    """Add up what lies behind the changes of payloads."""
    counts: Counter[str] = Counter()
    for change in changes:
        gained = len(change.became_essential) + len(change.became_optional)
        counts["relations_added"] += gained - len(change.switched)
        counts["relations_removed"] += len(change.lost)
        counts["relations_switched"] += len(change.switched)
        counts["skills_moved"] += "broader" in change.fields and change.kind == "skill"
        counts["skills_under_other_groups"] += "ancestors" in change.fields
        counts["occupations_moved"] += "isco_groups" in change.fields
    return Shifts(**counts)


def _fate(old: Payload | None, new: Payload | None) -> Fate:
    if old is None:
        return Fate.added
    if new is None:
        return Fate.removed
    before, after = Hashes.of(old), Hashes.of(new)
    if before.embedded != after.embedded:
        return Fate.embedded
    return Fate.unchanged if before.payload == after.payload else Fate.payload


def _different(before: Payload, after: Payload) -> set[str]:
    names = (before.keys() | after.keys()) - set(_HASHES)
    return {name for name in names if before.get(name) != after.get(name)}


def _relations(payload: Payload) -> dict[str, str]:
    """How each occupation needs a skill."""
    kinds = dict.fromkeys(payload.get("occupations_optional", ()), "optional")
    return kinds | dict.fromkeys(payload.get("occupations_essential", ()), "essential")
