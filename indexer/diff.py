"""The difference between two versions of a concept, and what it means for the index."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, get_args

from skillsearch.store.base import Hashes, Payload

__all__ = ["ACTIONS", "SHIFTS", "Action", "Change", "compare", "count_shifts", "differences"]

Action = Literal["added", "removed", "embedded again", "payload only", "unchanged"]
"""What a reindex does with a concept; ``fate`` in reports."""

ACTIONS: Final[tuple[Action, ...]] = get_args(Action)

SHIFTS: Final = {
    "relations_added": "relations added",
    "relations_removed": "relations removed",
    "relations_switched": "relations switched between essential and optional",
    "skills_moved": "skills with new direct parents",
    "skills_under_other_groups": "skills under different groups",
    "occupations_moved": "occupations moved to another ISCO group",
}
"""What lies behind changes of payloads, over all concepts: names of counts, and what they count."""

_HASHES = ("embedding_hash", "payload_hash")


@dataclass(frozen=True, slots=True)
class Change:
    """A concept that differs between the published build and the release.

    Attributes:
        uri: of the concept.
        kind: ``skill`` or ``occupation``.
        action: what a reindex does with it.
        label_before: None if it is new.
        label_after: None if it is removed.
        fields: payload fields that differ, without the hashes.
        became_essential: occupations that now need the skill essentially, and did not before.
        became_optional: occupations that now need it optionally, and did not before.
        switched: occupations whose relation went from essential to optional or back.
        lost: occupations that no longer need it.
    """

    uri: str
    kind: str
    action: Action
    label_before: str | None
    label_after: str | None
    fields: tuple[str, ...] = ()
    became_essential: tuple[str, ...] = ()
    became_optional: tuple[str, ...] = ()
    switched: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values; the action is called ``fate``."""
        return {("fate" if name == "action" else name): value for name, value in asdict(self).items()}


def compare(old: Payload | None, new: Payload | None) -> Change | None:
    """The change of one concept; None if it is the same, or on neither side.

    Args:
        old: the published payload, with its hashes.
        new: the payload of the release, with its hashes.
    """
    before, after = old or {}, new or {}
    action = _action(old, new)
    if action == "unchanged":
        return None
    old_kinds, new_kinds = _relations(before), _relations(after)
    changed = {uri: kind for uri, kind in new_kinds.items() if old_kinds.get(uri) != kind}
    return Change(
        uri=str((after or before)["uri"]),
        kind=str((after or before)["kind"]),
        action=action,
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


def count_shifts(changes: Iterable[Change]) -> dict[str, int]:
    """The counts that `SHIFTS` names."""
    counts = dict.fromkeys(SHIFTS, 0)
    for change in changes:
        gained = len(change.became_essential) + len(change.became_optional)
        counts["relations_added"] += gained - len(change.switched)
        counts["relations_removed"] += len(change.lost)
        counts["relations_switched"] += len(change.switched)
        counts["skills_moved"] += "broader" in change.fields and change.kind == "skill"
        counts["skills_under_other_groups"] += "ancestors" in change.fields
        counts["occupations_moved"] += "isco_groups" in change.fields
    return counts


def _action(old: Payload | None, new: Payload | None) -> Action:
    if not old:
        return "added" if new else "unchanged"
    if not new:
        return "removed"
    before, after = Hashes.of(old), Hashes.of(new)
    if before.embedded != after.embedded:
        return "embedded again"
    return "unchanged" if before.payload == after.payload else "payload only"


def _different(before: Payload, after: Payload) -> set[str]:
    names = (before.keys() | after.keys()) - set(_HASHES)
    return {name for name in names if before.get(name) != after.get(name)}


def _relations(payload: Payload) -> dict[str, str]:
    """Essential or optional, by the occupation that needs the skill."""
    kinds = dict.fromkeys(payload.get("occupations_optional", ()), "optional")
    return kinds | dict.fromkeys(payload.get("occupations_essential", ()), "essential")
