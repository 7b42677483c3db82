"""What is read of a text: its skills with their places, and what gave none."""

from dataclasses import asdict, dataclass
from typing import Any

from skillsearch.characters import json_text
from skillsearch.results import How, Timings, Versions
from skillsearch.words.sentences import Kind, Requirement

__all__ = ["Extraction", "FoundSkill", "ReadSentence", "Span"]


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the text as it was given; offsets are in characters."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class FoundSkill:
    """A skill that a text names.

    Attributes:
        uri: of the skill.
        label: its preferred label.
        probability: that the text means it; None where no model tells.
        requirement: ``required``, ``optional`` or ``excluded``: the strongest that is said of it.
        how: read by its label, by another of its names, or by the encoder.
        spans: all places.
        sentences: the sentence of each place.
    """

    uri: str
    label: str
    probability: float | None
    requirement: Requirement
    how: How
    spans: tuple[Span, ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReadSentence:
    """A sentence: where it stands, what it is about, and the URIs of its skills.

    Those that give no skills are about the company (``company``, ``praise``), what it offers, equal
    opportunity or how to apply (``furniture``), or are in another language.
    """

    start: int
    end: int
    kind: Kind
    skills: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Extraction:
    """The skills of a text.

    Attributes:
        skills: what is required first, then what is optional, then what is excluded; in order of reading.
        unmatched: names of skills that the index does not have.
        recognised: whether any of it is in a language of the index.
        unread: sentences in another language, of which only names with capitals are read; their kind is
            ``other language``.
        sentences: all that were read.
        timings: milliseconds by stage.
        versions: what answered.
    """

    skills: tuple[FoundSkill, ...]
    unmatched: tuple[Span, ...]
    recognised: bool
    unread: tuple[Span, ...]
    sentences: tuple[ReadSentence, ...]
    timings: Timings
    versions: Versions

    def to_dict(self) -> dict[str, Any]:
        """Values ready for JSON."""
        return asdict(self)

    def to_json(self, *, indent: int | None = None) -> str:
        """The result as a JSON object."""
        return json_text(self.to_dict(), indent=indent)
