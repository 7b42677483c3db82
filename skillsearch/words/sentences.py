"""Sentences of an advert: where each stands, and whether it asks, welcomes, excludes, or is none of it."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Final, Literal

from skillsearch.words.praise import praise

__all__ = ["Kind", "Requirement", "Sentence", "kind_by_cues", "requirement_at", "sentences"]

Requirement = Literal["required", "optional", "excluded"]
Kind = Literal["asks", "offer", "equality", "furniture", "company", "praise", "other language"]

_END = re.compile(r"[.!?;]+[\"')\]]*\s+(?=[^\sa-z])|\n+")
_UNSTOPPED = re.compile(r"(?<=[a-zß-ÿ0-9])\s+(?=[A-ZÀ-Þ][a-zß-ÿ]+\s+[a-zß-ÿ])")
_LONGEST: Final = 30  # words of a sentence before it is split without a full stop
_HEADING: Final = 6  # words of a heading, at most
_CLAUSE = re.compile(r"[,;:()\u2013\u2014]|\s-\s|\b(?:but|aber|mais|pero)\b")
_ALSO = re.compile(r"\bso (?:would|is|are)\s*$", re.IGNORECASE)
_PRAISE: Final = 0.5  # probability from which a sentence is taken to ask for nothing
_NEAR: Final = 24  # characters before a skill in which a negation may stand


def _patterns() -> dict[str, re.Pattern[str]]:
    """The cues of all languages, by kind."""
    read = tomllib.loads(files(__package__).joinpath("cues.toml").read_text(encoding="utf-8"))
    return {
        kind: re.compile(
            r"(?<!\w)(?:" + "|".join(one for some in cues.values() for one in some) + r")(?!\w)",
            re.IGNORECASE,
        )
        for kind, cues in read.items()
    }


_CUES: Final = _patterns()
_APART = re.compile(r"\n[ \t]*\n[ \t]*$")
_OF_HEADINGS: Final = ("asking", "optional", "offer", "furniture")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a text.

    Attributes:
        start: where it begins.
        end: where it ends.
        text: of it.
        kind: whether it asks for something, or what else it is about.
        requirement: what it says of the skills in it, as a whole.
        is_heading: whether it stands over others.
    """

    start: int
    end: int
    text: str
    kind: Kind
    requirement: Requirement
    is_heading: bool = False


def sentences(text: str) -> list[Sentence]:
    """The sentences of a text, long ones without full stops split; a heading tells about those under it."""
    found: list[Sentence] = []
    block: Kind = "asks"
    mode: Requirement = "required"
    for start, end in _spans(text):
        part = text[start:end]
        kind = kind_by_cues(part)
        is_heading = _is_heading(text, start, end)
        optional = bool(_CUES["optional"].search(part))
        if is_heading:
            block = kind
            mode = "optional" if optional else "required"
        elif kind == "asks" and block != "asks":
            kind = block
        elif kind == "asks" and praise(part) > _PRAISE:
            kind = "praise"
        says: Requirement = "optional" if mode == "optional" and not is_heading else "required"
        found.append(Sentence(start, end, part, kind, says, is_heading))
    return found


def requirement_at(sentence: Sentence, start: int, end: int) -> Requirement:
    """What a sentence says of a skill in it, whose place is that in the whole text."""
    text, first, last = sentence.text, start - sentence.start, end - sentence.start
    low = max((match.end() for match in _CLAUSE.finditer(text, 0, first)), default=0)
    negations = list(_CUES["negation"].finditer(text, max(low, first - _NEAR), first))
    if negations and not _CUES["asking"].search(text, negations[-1].end(), first):
        return "excluded"
    high = next((match.start() for match in _CLAUSE.finditer(text, last)), len(text))
    colon = text.rfind(":", 0, first)
    if _CUES["optional"].search(text, low, high) or (colon > 0 and _CUES["optional"].search(text, 0, colon)):
        return "optional"
    if _ALSO.search(text[low:first]) and _CUES["optional"].search(text, 0, low):
        return "optional"
    if _CUES["optional"].match(text.lstrip("-\u2022* ")):
        return "optional"
    if re.match(r"[\s\-\u2022*]*(?:if you|falls sie|si vous)", text, re.IGNORECASE) and _CUES[
        "optional"
    ].search(text):
        return "optional"
    if re.match(r"\W*\w*\W{1,3}(?:so would|too|also|auch|aussi)\b", text[last:]) and _CUES["optional"].search(
        text
    ):
        return "optional"
    for match in _CUES["excluded"].finditer(text):
        if match.start() <= first < match.end() or first <= match.start() <= last + 40:
            return "excluded"
    return sentence.requirement


def kind_by_cues(text: str) -> Kind:
    """What a sentence is about, by the words of cues.toml."""
    kinds: tuple[Kind, ...] = ("equality", "offer", "furniture")
    for kind in kinds:
        if _CUES[kind].search(text):
            return kind
    if _CUES["company"].match(text.lstrip("-\u2022* \"'")) and not _CUES["asking"].search(text):
        return "company"
    return "asks"


def _is_heading(text: str, start: int, end: int) -> bool:
    """Whether a sentence stands alone on a line and apart, is short, and has no end."""
    part = text[start:end].strip()
    before, after = text[:start].rstrip(" \t"), text[end:].lstrip(" \t")
    alone = (not before or before.endswith("\n")) and after.startswith("\n")
    apart = not before or _APART.search(before) is not None or part.endswith(":")
    apart = apart or any(_CUES[kind].search(part) for kind in _OF_HEADINGS)
    return (
        alone
        and apart
        and len(part.split()) <= _HEADING
        and part[-1:] not in ".!?,;"
        and part[:1] not in "-\u2022*"
    )


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Where sentences stand, without the blanks around them."""
    start = 0
    for end, following in [
        *((match.start(), match.end()) for match in _END.finditer(text)),
        (len(text),) * 2,
    ]:
        stop = following if text[end : end + 1] not in "\n" else end
        yield from _split(text, start, stop)
        start = following


def _split(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    part = text[start:end]
    if not part.strip():
        return
    if len(part.split()) > _LONGEST:
        cuts = [match.end() for match in _UNSTOPPED.finditer(part)]
        for low, high in zip([0, *cuts], [*cuts, len(part)], strict=True):
            yield from _trimmed(text, start + low, start + high)
    else:
        yield from _trimmed(text, start, end)


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    part = text[start:end]
    if part.strip():
        yield start + len(part) - len(part.lstrip()), end - (len(part) - len(part.rstrip()))
