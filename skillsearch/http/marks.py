"""An advert in parts, those that name skills marked."""

from collections.abc import Iterable
from dataclasses import dataclass

from skillsearch.tasks.extraction import FoundSkill

__all__ = ["Part", "marked"]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a text, and the skill that it was read as, if any."""

    text: str
    skill: FoundSkill | None = None


def marked(text: str, skills: Iterable[FoundSkill]) -> list[Part]:
    """The whole text in parts; of places that overlap, the first and longest is marked."""
    places = sorted(
        ((span.start, span.end, skill) for skill in skills for span in skill.spans),
        key=lambda place: (place[0], -place[1]),
    )
    parts, last = [], 0
    for start, end, skill in places:
        if start < last or end <= start:
            continue
        parts += [Part(text[last:start]), Part(text[start:end], skill)]
        last = end
    return [part for part in (*parts, Part(text[last:])) if part.text]
