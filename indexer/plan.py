"""What a reindex would do, found out before anything is changed."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from typing import Any

from indexer.diff import Change, Fate, Shifts, compare, count_shifts, differences
from indexer.target import Target
from skillsearch.errors import TaxonomyError
from skillsearch.models.encoder import EncoderIdentity
from skillsearch.store.base import SPACES, Build, Hashes, Payload, Space
from skillsearch.store.info import SCHEMA_VERSION, BuildInfo, Part
from skillsearch.store.schema import rehashed
from skillsearch.taxonomy.texts import VIEW_VERSION

__all__ = ["Plan", "SpacePlan", "make_plan"]


@dataclass(frozen=True)
class SpacePlan:
    """What is done with the concepts of a space, by URI; each stands in one of the first five.

    Attributes:
        added: new ones.
        removed: those that the release does not have any more.
        embedded: those whose embedded text changed, or all of them in a complete build.
        payload: those of which only the payload changed.
        unchanged: those that stay as they are.
        others: concepts of the index's other taxonomies, which are not looked at.
        hashes: what each point of the new build is to hold.
        differences: for `payload` the fields that change.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    embedded: tuple[str, ...]
    payload: tuple[str, ...]
    unchanged: tuple[str, ...]
    others: tuple[str, ...]
    hashes: Mapping[str, Hashes]
    differences: Mapping[str, Payload] = field(repr=False)

    def counts(self) -> dict[Fate, int]:
        """How many concepts have each fate."""
        found = (self.added, self.removed, self.embedded, self.payload, self.unchanged)
        return dict(zip(Fate, map(len, found), strict=True))


@dataclass(frozen=True)
class Plan:
    """What a reindex would do.

    Attributes:
        info: describes the build that it would make.
        base: the published build, if there is one.
        complete: why everything is embedded again; empty if only what changed is.
        spaces: what is done with skills and occupations.
        changes: every concept that is not the same afterwards.
        target: where the payloads come from.
        is_forced: whether a complete build was asked for.
        overlay_problems: entries of the overlay that have no effect.
    """

    info: BuildInfo
    base: BuildInfo | None
    complete: str
    spaces: Mapping[Space, SpacePlan]
    changes: tuple[Change, ...]
    target: Target = field(repr=False)
    is_forced: bool = False
    overlay_problems: tuple[str, ...] = ()

    @property
    def is_published(self) -> bool:
        """Whether the published build holds all this already."""
        return self.base is not None and self.base.digest == self.info.digest

    @cached_property
    def shifts(self) -> Shifts:
        """The relations and places in the hierarchy behind the changes."""
        return count_shifts(self.changes)

    def to_embed(self, space: Space) -> tuple[str, ...]:
        """URIs of what has to be embedded: all there is, if the build is a complete one."""
        found = self.spaces[space]
        return found.added + found.embedded + (found.others if self.complete else ())

    def to_copy(self, space: Space) -> tuple[str, ...]:
        """URIs of what keeps its vector."""
        found = self.spaces[space]
        return found.payload + found.unchanged + (() if self.complete else found.others)

    def to_dict(self) -> dict[str, Any]:
        """As JSON-ready values: counts, examples and shifts; the migration report has every concept."""
        counts = {space: self.spaces[space].counts() for space in SPACES}
        return {
            "base": self.base.name if self.base else None,
            "build": self.info.name,
            "taxonomies": [asdict(part) for part in self.info.parts],
            "complete": self.complete,
            "counts": {
                space: {fate.value: count for fate, count in row.items()} for space, row in counts.items()
            },
            "examples": {
                fate.value: [change.to_dict() for change in self.examples(fate)]
                for fate in Fate
                if fate is not Fate.unchanged
            },
            "shifts": self.shifts.to_dict(),
            "overlay_problems": list(self.overlay_problems),
        }

    def examples(self, fate: Fate, count: int = 3) -> list[Change]:
        """Some concepts with a fate, of both kinds where there are."""
        found = [change for change in self.changes if change.fate is fate]
        kinds = [[change for change in found if change.kind == kind] for kind in ("skill", "occupation")]
        return [change for some in kinds for change in some[:count]]


def make_plan(
    target: Target,
    encoder: EncoderIdentity,
    base: Build | None,
    *,
    overlay: Mapping[str, Any] | None = None,
    force: bool = False,
    advance: Callable[[int], object] = lambda _: None,
) -> Plan:
    """Compare a release with the published build by the two hashes of each concept.

    Args:
        target: what the release has.
        encoder: what it would be embedded with.
        base: the published build.
        overlay: what was laid over the release, to be kept with the build.
        force: embed everything again.
        advance: called with the number of concepts just compared.

    Raises:
        TaxonomyError: the release has a URI that another taxonomy of the index has.
        StoreError: the published build cannot be read.
    """
    complete = "it was asked for" if force else _why_complete(encoder, base)
    spaces: dict[Space, SpacePlan] = {}
    changes: list[Change] = []
    for space in SPACES:
        spaces[space], found = _compare_space(target, encoder, base, space, bool(complete), advance)
        changes += found
    parts = _parts(target, base, overlay)
    now = datetime.now(UTC)
    taxonomy = target.taxonomy
    info = BuildInfo(
        name=f"{taxonomy.name}-{taxonomy.version}__{encoder.folder}__{_stamp(now)}",
        parts=parts,
        encoder=encoder.folder.name,
        encoder_fingerprint=encoder.folder.fingerprint,
        view_version=VIEW_VERSION,
        created=now.isoformat(),
        program=version("skillsearch"),
        digest=_digest(parts, encoder, spaces),
        base=base.info.name if base and not complete else None,
    )
    return Plan(info, base.info if base else None, complete, spaces, tuple(changes), target, force)


def _why_complete(encoder: EncoderIdentity, base: Build | None) -> str:
    if base is None:
        return "nothing is published that can be gone on from"
    info = base.info
    if info.encoder_fingerprint != encoder.folder.fingerprint:
        return f"the encoder changed: {info.encoder} ({info.encoder_fingerprint}) to {encoder.folder}"
    if info.view_version != VIEW_VERSION:
        return f"the text views changed: {info.view_version} to {VIEW_VERSION}"
    return ""


def _compare_space(
    target: Target,
    encoder: EncoderIdentity,
    base: Build | None,
    space: Space,
    complete: bool,
    advance: Callable[[int], object],
) -> tuple[SpacePlan, list[Change]]:
    fates: dict[Fate, list[str]] = {fate: [] for fate in Fate}
    others: list[str] = []
    hashes: dict[str, Hashes] = {}
    changes: list[Change] = []
    changed: dict[str, Payload] = {}
    for point in base.scan(space) if base else ():
        old = point.payload
        if old["taxonomy"] != target.taxonomy.name:
            if target.has(space, point.uri):
                raise TaxonomyError(
                    f"{target.taxonomy}: {point.uri} is a concept of {old['taxonomy']} in the index already; "
                    "give yours a URI of its own, or change the other's by an overlay"
                )
            others.append(point.uri)
            hashes[point.uri] = Hashes.of(rehashed(old, alias_weight=encoder.alias_weight))
        elif not target.has(space, point.uri):
            fates[Fate.removed].append(point.uri)
            changes += _changed(compare(old, None))
        else:
            new = target.payload(space, point.uri)
            hashes[point.uri] = Hashes.of(new)
            change = compare(old, new)
            changes += _changed(change)
            fates[change.fate if change else Fate.unchanged].append(point.uri)
            if change and change.fate is Fate.payload and not complete:
                changed[point.uri] = differences(change, new)
        advance(1)
    for uri in target.uris(space):
        if uri not in hashes:
            new = target.payload(space, uri)
            hashes[uri] = Hashes.of(new)
            changes += _changed(compare(None, new))
            fates[Fate.added].append(uri)
            advance(1)
    if complete:
        fates[Fate.embedded] += fates[Fate.payload] + fates[Fate.unchanged]
        fates[Fate.payload], fates[Fate.unchanged] = [], []
        changes = [
            replace(change, fate=Fate.embedded) if change.fate is Fate.payload else change
            for change in changes
        ]
    uris = {fate.name: tuple(found) for fate, found in fates.items()}
    return SpacePlan(**uris, others=tuple(others), hashes=hashes, differences=changed), changes


def _changed(change: Change | None) -> Iterator[Change]:
    if change is not None:
        yield change


def _parts(target: Target, base: Build | None, overlay: Mapping[str, Any] | None) -> tuple[Part, ...]:
    """The new part and the others, by name."""
    taxonomy = target.taxonomy
    new = Part(
        taxonomy.name,
        taxonomy.version,
        taxonomy.language,
        len(taxonomy.skills),
        len(taxonomy.occupations),
        overlay,
    )
    others = [part for part in base.info.parts if part.taxonomy != taxonomy.name] if base else []
    return tuple(sorted((new, *others), key=lambda part: part.taxonomy))


def _digest(parts: Sequence[Part], encoder: EncoderIdentity, spaces: Mapping[Space, SpacePlan]) -> str:
    """Identifies all that a build holds: each point's hashes, the encoder, and how both are stored."""
    digest = hashlib.sha256()
    made_with = [SCHEMA_VERSION, VIEW_VERSION, encoder.folder.fingerprint, *map(asdict, parts)]
    digest.update(json.dumps(made_with, sort_keys=True).encode())
    for space, found in sorted(spaces.items()):
        for uri, hashes in sorted(found.hashes.items()):
            digest.update("\0".join((space, uri, *hashes)).encode())
    return digest.hexdigest()[:32]


def _stamp(moment: datetime) -> str:
    """A build's own name: the moment, to the millisecond."""
    return f"{moment:%Y%m%dT%H%M%S}{moment.microsecond // 1000:03}"
