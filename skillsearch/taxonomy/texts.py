"""The only place where text that goes into a model is made, and the hashes of what went in.

A change to any function here changes what the models see: raise `VIEW_VERSION`, so that an
index built with other texts is recognised and embedded again.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from skillsearch.taxonomy.records import Occupation, Skill

__all__ = [
    "VIEW_VERSION",
    "embedding_hash",
    "label_variants",
    "occupation_text",
    "pair_text",
    "payload_hash",
    "query_text",
    "skill_embedding_hash",
    "skill_names",
    "skill_text",
    "titles_in",
]

VIEW_VERSION = 1

_NOT_HASHED = ("embedding_hash", "payload_hash")
_SUFFIX = re.compile(r"(?<=\w)/-?(in|innen|e|r)\b")  # of the other gender, as in Handweber/in


def query_text(title: str) -> str:
    """The encoder's view of a job title: white space folded, case kept."""
    return " ".join(title.split())


def skill_text(skill: Skill) -> str:
    """The encoder's view of a skill: its preferred label."""
    return skill.label


def skill_names(skill: Skill) -> tuple[str, ...]:
    """All that an encoder may see of a skill: its preferred label, then its aliases.

    Aliases are sorted: their order says nothing, and releases shuffle it.
    """
    return (skill_text(skill), *sorted(skill.alt_labels))


def occupation_text(occupation: Occupation) -> str:
    """The encoder's view of an occupation: its preferred label, of a pair the first half."""
    return query_text(titles_in(occupation.label)[0])


def pair_text(title: str, skill_label: str) -> tuple[str, str]:
    """The reranker's view of a job title and a skill's preferred label."""
    return query_text(title), skill_label


def label_variants(label: str) -> tuple[str, ...]:
    """The label itself, then its halves where it is a pair of words for one thing.

    A pair is ``Buchbinder/Buchbinderin``, with the same number of words on both sides, or
    ``Handweber/in``, which gives the word without the suffix and with it.
    """
    if _SUFFIX.search(label):
        halves = [_SUFFIX.sub("", label), _SUFFIX.sub(r"\1", label)]
    else:
        parts = label.split("/")
        middle = len(parts) // 2  # of Import-/Exporthändler/Import-/Exporthändlerin too
        halves = ["/".join(parts[:middle]).strip(), "/".join(parts[middle:]).strip()]
        if len(parts) % 2 or len(halves[0].split()) != len(halves[1].split()):
            halves = []
    return tuple(dict.fromkeys([label, *filter(None, halves)]))


def titles_in(label: str) -> tuple[str, ...]:
    """The titles that a label has: the halves of a pair, else the label itself."""
    return label_variants(label)[1:] or (label,)


def embedding_hash(text: str) -> str:
    """Identifies what was embedded: the text and the version of the views, 16 hex digits."""
    return _digest(f"{VIEW_VERSION}\n{text}")


def skill_embedding_hash(skill: Skill, *, alias_weight: float) -> str:
    """Identifies what was embedded of a skill: its label, and its aliases where they have a weight."""
    if not alias_weight:
        return embedding_hash(skill_text(skill))
    return embedding_hash(json.dumps([alias_weight, *skill_names(skill)], ensure_ascii=False))


def payload_hash(payload: Mapping[str, Any]) -> str:
    """Identifies a payload by its canonical JSON without the hashes, 16 hex digits."""
    content = {key: value for key, value in payload.items() if key not in _NOT_HASHED}
    return _digest(json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":")))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
