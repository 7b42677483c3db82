"""The plan of a reindex: a release compared with the published build, before anything is changed."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from typing import Any

from indexer.diff import ACTIONS, Action, Change, compare, count_shifts, differences
from skillsearch.errors import ModelError, TaxonomyError
from skillsearch.models.hub import ModelFolder
from skillsearch.models.manifest import MANIFEST_FILE
from skillsearch.progress import Advance, Progress, silent
from skillsearch.store.base import SPACES, Build, Hashes, Payload, Space
from skillsearch.store.info import SCHEMA_VERSION, BuildInfo, Part
from skillsearch.store.schema import occupation_payload, rehashed, skill_payload
from skillsearch.taxonomy.records import Occupation, Skill, Taxonomy
from skillsearch.taxonomy.texts import VIEW_VERSION

__all__ = ["Plan", "ReleasePayloads", "SpacePlan", "make_plan"]


@dataclass(frozen=True)
class ReleasePayloads:
    """Payloads of a release, made on demand, since all of them at once would fill the memory."""

    taxonomy: Taxonomy
    alias_weight: float

    def concepts(self, space: Space) -> Mapping[str, Skill] | Mapping[str, Occupation]:
        """The concepts of a space by URI, in the release's order."""
        return self.taxonomy.skills if space == "skills" else self.taxonomy.occupations

    def payload(self, space: Space, uri: str) -> Payload:
        """The payload of a concept, with both hashes."""
        if space == "skills":
            return skill_payload(self.taxonomy, self.taxonomy.skills[uri], alias_weight=self.alias_weight)
        return occupation_payload(self.taxonomy, self.taxonomy.occupations[uri])


@dataclass(frozen=True)
class SpacePlan:
    """Actions of a reindex on the concepts of a space.

    Attributes:
        uris: of the release and of its published version, by action; in a full build ``embedded again``
            has all that stay.
        others: URIs of the index's other taxonomies, which are not compared.
        hashes: what each point of the new build is to hold, by URI.
        differences: the fields that change, by URI, for the action ``payload only``.
    """

    uris: Mapping[Action, tuple[str, ...]]
    others: tuple[str, ...]
    hashes: Mapping[str, Hashes]
    differences: Mapping[str, Payload] = field(repr=False)

    def counts(self) -> dict[Action, int]:
        """Numbers of concepts by action."""
        return {action: len(self.uris[action]) for action in ACTIONS}


@dataclass(frozen=True)
class Plan:
    """Plan of a reindex.

    Attributes:
        info: describes the build that it would make.
        base: the published build, if there is one.
        full_reason: why everything is embedded again; empty if only changed concepts are.
        spaces: what is done with skills and occupations.
        changes: every concept that differs.
        release: makes the payloads.
        is_forced: whether a full build was asked for.
        overlay_problems: a line for each overlay entry that has no effect.
    """

    info: BuildInfo
    base: BuildInfo | None
    full_reason: str
    spaces: Mapping[Space, SpacePlan]
    changes: tuple[Change, ...]
    release: ReleasePayloads = field(repr=False)
    is_forced: bool = False
    overlay_problems: tuple[str, ...] = ()

    @property
    def is_published(self) -> bool:
        """Whether the published build already has the same content."""
        return self.base is not None and self.base.digest == self.info.digest

    @cached_property
    def shifts(self) -> dict[str, int]:
        """Counts of the relations and hierarchy positions behind the changes; see `SHIFTS`."""
        return count_shifts(self.changes)

    def to_embed(self, space: Space) -> tuple[str, ...]:
        """URIs to embed; in a full build, all of them."""
        found = self.spaces[space]
        others = found.others if self.full_reason else ()
        return found.uris["added"] + found.uris["embedded again"] + others

    def to_copy(self, space: Space) -> tuple[str, ...]:
        """URIs that keep their vectors."""
        found = self.spaces[space]
        others = () if self.full_reason else found.others
        return found.uris["payload only"] + found.uris["unchanged"] + others

    def examples(self, action: Action, count: int = 3) -> list[Change]:
        """Up to `count` skills and as many occupations with an action."""
        found = [change for change in self.changes if change.action == action]
        kinds = [[change for change in found if change.kind == kind] for kind in ("skill", "occupation")]
        return [change for some in kinds for change in some[:count]]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values: counts, examples and shifts; the migration report has every concept."""
        return {
            "base": self.base.name if self.base else None,
            "build": self.info.name,
            "taxonomies": [asdict(part) for part in self.info.parts],
            "complete": self.full_reason,
            "counts": {space: self.spaces[space].counts() for space in SPACES},
            "examples": {
                action: [change.to_dict() for change in self.examples(action)]
                for action in ACTIONS
                if action != "unchanged"
            },
            "shifts": self.shifts,
            "overlay_problems": list(self.overlay_problems),
        }


def make_plan(
    taxonomy: Taxonomy,
    encoder: ModelFolder,
    base: Build | None,
    *,
    overlay: Mapping[str, Any] | None = None,
    overlay_problems: Sequence[str] = (),
    full: bool = False,
    progress: Progress = silent,
) -> Plan:
    """Compare a release with the published build by the two hashes of each concept.

    Args:
        taxonomy: the release, with its overlay applied.
        encoder: embeds it; the model itself is not loaded.
        base: the published build.
        overlay: the overlay that was applied, to be stored with the build.
        overlay_problems: a line for each of its entries that has no effect.
        full: embed everything again.
        progress: hears of the stage ``plan``.

    Raises:
        TaxonomyError: a URI of the release belongs to another taxonomy of the index.
        ModelError: the encoder's files do not tell how long its vectors are.
        StoreError: the published build cannot be read.
    """
    dimension = _dimension(encoder)
    release = ReleasePayloads(taxonomy, encoder.manifest.alias_weight)
    full_reason = "a full build was asked for" if full else _full_reason(encoder, base)
    advance = progress("plan", base.info.skills + base.info.occupations if base else None)
    spaces: dict[Space, SpacePlan] = {}
    changes: list[Change] = []
    for space in SPACES:
        spaces[space], found = _compare_space(release, base, space, bool(full_reason), advance)
        changes += found
    parts = _parts(taxonomy, base, overlay)
    now = datetime.now(UTC)
    info = BuildInfo(
        name=f"{taxonomy.name}-{taxonomy.version}__{encoder}__{_stamp(now)}",
        parts=parts,
        encoder=encoder.name,
        encoder_fingerprint=encoder.fingerprint,
        view_version=VIEW_VERSION,
        created=now.isoformat(),
        program=version("skillsearch"),
        dimension=dimension,
        digest=_digest(parts, encoder, spaces),
        base=base.info.name if base and not full_reason else None,
    )
    published = base.info if base else None
    return Plan(info, published, full_reason, spaces, tuple(changes), release, full, tuple(overlay_problems))


def _dimension(encoder: ModelFolder) -> int:
    dimension = encoder.manifest.dimension
    if not dimension:
        raise ModelError(
            f"encoder {encoder}: no file in {encoder.path} tells the dimension of its vectors: train it with "
            f'`skillsearch train`, or set "dimension" in its {MANIFEST_FILE}'
        )
    return dimension


def _full_reason(encoder: ModelFolder, base: Build | None) -> str:
    if base is None:
        return "there is no published index to start from"
    info = base.info
    if info.encoder_fingerprint != encoder.fingerprint:
        return f"the encoder changed from {info.encoder} ({info.encoder_fingerprint}) to {encoder}"
    if info.view_version != VIEW_VERSION:
        return f"the text views changed from version {info.view_version} to {VIEW_VERSION}"
    return ""


def _compare_space(
    release: ReleasePayloads, base: Build | None, space: Space, full: bool, advance: Advance
) -> tuple[SpacePlan, list[Change]]:
    """The plan of a space, and its concepts that differ."""
    concepts = release.concepts(space)
    uris: dict[Action, list[str]] = {action: [] for action in ACTIONS}
    others: list[str] = []
    hashes: dict[str, Hashes] = {}
    changes: list[Change] = []
    changed_fields: dict[str, Payload] = {}

    def add(uri: str, old: Payload | None, new: Payload | None) -> None:
        change = compare(old, new)
        action: Action = change.action if change else "unchanged"
        if full and old and new:
            action = "embedded again"
        if change:
            changes.append(replace(change, action=action))
        if change and new and action == "payload only":
            changed_fields[uri] = differences(change, new)
        if new:
            hashes[uri] = Hashes.of(new)
        uris[action].append(uri)

    for point in base.scan(space) if base else ():
        old, uri = point.payload, point.uri
        if old["taxonomy"] == release.taxonomy.name:
            add(uri, old, release.payload(space, uri) if uri in concepts else None)
        elif uri in concepts:
            raise TaxonomyError(
                f"{release.taxonomy}: {uri} already belongs to {old['taxonomy']} in the index: give the "
                "concept another URI, or hide the other one with an overlay"
            )
        else:
            others.append(uri)
            hashes[uri] = Hashes.of(rehashed(old, alias_weight=release.alias_weight))
        advance(1)
    for uri in concepts:
        if uri not in hashes:
            add(uri, None, release.payload(space, uri))
            if base is None:
                advance(1)
    by_action = {action: tuple(found) for action, found in uris.items()}
    return SpacePlan(by_action, tuple(others), hashes, changed_fields), changes


def _parts(taxonomy: Taxonomy, base: Build | None, overlay: Mapping[str, Any] | None) -> tuple[Part, ...]:
    """The part of this release and those of other taxonomies, by name."""
    counts = len(taxonomy.skills), len(taxonomy.occupations)
    new = Part(taxonomy.name, taxonomy.version, taxonomy.language, *counts, overlay)
    others = [part for part in base.info.parts if part.taxonomy != taxonomy.name] if base else []
    return tuple(sorted((new, *others), key=lambda part: part.taxonomy))


def _digest(parts: Sequence[Part], encoder: ModelFolder, spaces: Mapping[Space, SpacePlan]) -> str:
    """Identifies the content of a build: each point's hashes, the encoder, and how both are stored."""
    digest = hashlib.sha256()
    made_with = [SCHEMA_VERSION, VIEW_VERSION, encoder.fingerprint, *map(asdict, parts)]
    digest.update(json.dumps(made_with, sort_keys=True).encode())
    for space, found in sorted(spaces.items()):
        for uri, hashes in sorted(found.hashes.items()):
            digest.update("\0".join((space, uri, *hashes)).encode())
    return digest.hexdigest()[:32]


def _stamp(moment: datetime) -> str:
    """The moment to the millisecond, which makes the name of a build unique."""
    return f"{moment:%Y%m%dT%H%M%S}{moment.microsecond // 1000:03}"
