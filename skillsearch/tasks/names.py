"""Names of concepts: every label and alias of a space, to be looked up by any spelling."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, NamedTuple

from skillsearch.characters import fold, script_of
from skillsearch.results import How
from skillsearch.running import unhurried
from skillsearch.store.base import Build, Payload, Space
from skillsearch.taxonomy.texts import label_variants

__all__ = ["Name", "Names", "names_of"]

_ADDITION = re.compile(r"\s*\([^()]*\)$")
"""What tells two labels of one name apart, as in ``Python (computer programming)``."""

_ORDER: Final[Mapping[How, int]] = {"label": 0, "alias": 1}
_WORD = re.compile(r"[^\W\d_]+")
_OCCUPATIONS: Final = ("occupations_essential", "occupations_optional")
_FIELDS: Final = ("uri", "label", "alt_labels", "hidden_labels", "description", *_OCCUPATIONS)
_RARE: Final = 0.001  # share of letters that a script of the index has at least


class Name(NamedTuple):
    """A name of a concept, as the index spells it."""

    text: str
    uri: str
    how: How


@dataclass(frozen=True)
class Names:
    """Names of all concepts of a space.

    Attributes:
        by_spelling: names by what their spellings share; see `skillsearch.characters.fold`.
        labels: preferred labels by URI.
        words: in lower case, of descriptions: what is an ordinary word in the language of the index.
        occupations: how many occupations have a concept among their skills, by its URI.
    """

    by_spelling: Mapping[str, tuple[Name, ...]]
    labels: Mapping[str, str]
    words: frozenset[str] = frozenset()
    occupations: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, build: Build, space: Space) -> "Names":
        """Read all names of a space."""
        return cls.from_payloads(point.payload for point in unhurried(build.scan(space, fields=_FIELDS)))

    @classmethod
    def from_payloads(cls, payloads: Iterable[Payload]) -> "Names":
        """Make them of payloads."""
        found: dict[str, dict[str, Name]] = {}
        labels: dict[str, str] = {}
        occupations: dict[str, int] = {}
        words = set[str]()
        for payload in payloads:
            occupations[payload["uri"]] = sum(len(payload.get(key, ())) for key in _OCCUPATIONS)
            labels[payload["uri"]] = payload["label"]
            words.update(word for word in _WORD.findall(payload.get("description", "")) if word.islower())
            for name in names_of(payload):
                found.setdefault(fold(name.text), {}).setdefault(name.uri, name)
        return cls(
            {key: tuple(sorted(some.values(), key=_priority)) for key, some in unhurried(found.items())},
            labels,
            frozenset(words),
            occupations,
        )

    def find(self, text: str) -> tuple[Name, ...]:
        """The concepts of this name: those that have it as a label, or if there are none, as an alias."""
        found = self.by_spelling.get(fold(text), ())
        labels = tuple(name for name in found if name.how == "label")
        return labels or found

    @cached_property
    def scripts(self) -> frozenset[str]:
        """The scripts that the labels are written in."""
        counts = Counter(
            script_of(char) for label in self.labels.values() for char in label if char.isalpha()
        )
        return frozenset(name for name, count in counts.items() if count >= _RARE * counts.total())

    @cached_property
    def words_of_names(self) -> frozenset[str]:
        """The words of all names, folded; short ones say nothing of a language, and are left out."""
        return frozenset(
            word for key in unhurried(self.by_spelling) for word in _WORD.findall(key) if len(word) > 3
        )

    def __iter__(self) -> Iterator[Name]:
        return (name for names in unhurried(self.by_spelling.values()) for name in names)


def names_of(payload: Payload) -> Iterator[Name]:
    """Names of a stored concept, labels first: the label, without its addition, its halves, and aliases."""
    label, uri = payload["label"], payload["uri"]
    for text in dict.fromkeys((*label_variants(label), _ADDITION.sub("", label))):
        yield Name(text, uri, "label")
    for text in (*payload["alt_labels"], *payload["hidden_labels"]):
        yield Name(text, uri, "alias")


def _priority(name: Name) -> tuple[int, str]:
    return _ORDER[name.how], name.uri
