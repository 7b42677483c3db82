"""The schema of a point: its id, its payload, and the indexed fields."""

import uuid
from collections.abc import Iterable, Mapping
from typing import Final

from skillsearch.store.base import Payload
from skillsearch.taxonomy.records import Group, Occupation, Relation, Skill, Taxonomy
from skillsearch.taxonomy.texts import (
    embedding_hash,
    occupation_text,
    payload_hash,
    skill_embedding_hash,
    skill_names,
)

__all__ = [
    "KEYWORD_FIELDS",
    "VECTOR_NAME",
    "embedded_names",
    "occupation_payload",
    "point_id",
    "rehashed",
    "skill_payload",
]

VECTOR_NAME: Final = "dense"

KEYWORD_FIELDS: Final = (
    "uri",
    "label",
    "kind",
    "skill_type",
    "reuse_level",
    "collections",
    "ancestors",
    "occupations_essential",
    "occupations_optional",
    "isco_groups_essential",
    "isco_groups_optional",
    "taxonomy",
    "language",
)
"""Payload fields with a keyword index, made before the first point is written."""


def point_id(uri: str) -> str:
    """A point's id: the UUID, version 5, of the concept's URI."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, uri))


def skill_payload(taxonomy: Taxonomy, skill: Skill, *, alias_weight: float = 0.0) -> Payload:
    """The payload of a skill: all that is known of it, with the hashes of what is embedded and of the rest.

    The version of the taxonomy is not in it but in the description of the build, so that a concept
    which a new version repeats stays as it is.

    `alias_weight` is the encoder's: with 0, aliases are not embedded.

    `ancestors` are codes and URIs of all levels, as are `isco_groups_*`; `broader` are the direct
    parents, with labels to show.
    """
    relations = taxonomy.relations_by_skill.get(skill.uri, ())
    payload = _common(taxonomy, skill, "skill") | {
        "skill_type": skill.skill_type,
        "reuse_level": skill.reuse_level,
        "collections": list(skill.collections),
        "broader": [_reference(taxonomy, uri) for uri in skill.broader],
        "ancestors": _codes_and_uris(taxonomy.skill_ancestors(skill.uri), taxonomy.groups),
    }
    for kind in ("essential", "optional"):
        needed_by = [relation.occupation for relation in relations if relation.kind == kind]
        payload[f"occupations_{kind}"] = sorted(needed_by)
        payload[f"isco_groups_{kind}"] = _isco_groups(taxonomy, needed_by)
    return _hashed(payload, skill_embedding_hash(skill, alias_weight=alias_weight))


def occupation_payload(taxonomy: Taxonomy, occupation: Occupation) -> Payload:
    """The payload of an occupation: all that is known of it, with both hashes."""
    relations = taxonomy.relations_by_occupation.get(occupation.uri, ())
    payload = _common(taxonomy, occupation, "occupation") | {
        "code": occupation.code,
        "isco_groups": _isco_groups(taxonomy, [occupation.uri]),
        "skills_essential": _related_skills(relations, "essential"),
        "skills_optional": _related_skills(relations, "optional"),
    }
    return _hashed(payload, embedding_hash(occupation_text(occupation)))


def embedded_names(payload: Payload) -> tuple[str, ...]:
    """Names of a stored concept that an encoder may see: its label, then the aliases of a skill."""
    if payload["kind"] == "skill":
        return skill_names(_stored_skill(payload))
    return (occupation_text(Occupation(payload["uri"], payload["label"])),)


def rehashed(payload: Payload, *, alias_weight: float) -> Payload:
    """A stored payload with the hash of what this encoder and these text views would embed of it."""
    if payload["kind"] == "skill":
        embedded = skill_embedding_hash(_stored_skill(payload), alias_weight=alias_weight)
    else:
        embedded = embedding_hash(*embedded_names(payload))
    return payload | {"embedding_hash": embedded}


def _stored_skill(payload: Payload) -> Skill:
    return Skill(payload["uri"], payload["label"], tuple(payload["alt_labels"]))


def _common(taxonomy: Taxonomy, concept: Skill | Occupation, kind: str) -> Payload:
    return {
        "uri": concept.uri,
        "kind": kind,
        "label": concept.label,
        "alt_labels": list(concept.alt_labels),
        "hidden_labels": list(concept.hidden_labels),
        "description": concept.description,
        "taxonomy": taxonomy.name,
        "language": taxonomy.language,
    }


def _hashed(payload: Payload, embedded: str) -> Payload:
    return payload | {"embedding_hash": embedded, "payload_hash": payload_hash(payload)}


def _reference(taxonomy: Taxonomy, uri: str) -> dict[str, str]:
    group = taxonomy.groups.get(uri)
    if group:
        return {"uri": uri, "label": group.label, "code": group.code}
    return {"uri": uri, "label": taxonomy.skills[uri].label, "code": ""}


def _isco_groups(taxonomy: Taxonomy, occupations: list[str]) -> list[str]:
    groups = {group for occupation in occupations for group in taxonomy.isco_ancestors(occupation)}
    return _codes_and_uris(groups, taxonomy.isco_groups)


def _codes_and_uris(uris: Iterable[str], groups: Mapping[str, Group]) -> list[str]:
    uris = set(uris)
    codes = {groups[uri].code for uri in uris if uri in groups} - {""}
    return sorted(uris | codes)


def _related_skills(relations: tuple[Relation, ...], kind: str) -> list[str]:
    return sorted(relation.skill for relation in relations if relation.kind == kind)
