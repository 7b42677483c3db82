"""Splitting descriptions into sentences."""

import re

__all__ = ["split_sentences"]

_LINES = re.compile(r"[\r\n\u2028\u2029]+|\s[\u2022\u00b7*]\s")
_BULLET = re.compile(r"^\s*(?:[-\u2013\u2014\u2022\u00b7*>]+|\(?\d{1,2}[.)])\s+")
_END = re.compile(r"(?<=[.!?])\s+(?=[\"'(\[]*[A-Z0-9\u00c0-\u00de])")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\[])(?:e\.g|i\.e|incl|approx|vs|cf|no|nr|mr|mrs|ms|dr|prof|st|[a-z])\.$", re.IGNORECASE
)


def split_sentences(text: str) -> list[str]:
    """The sentences of a text, without bullets, white space folded.

    A line ends a sentence, and so does a full stop, question or exclamation mark before a capital
    or digit, unless it ends an abbreviation such as ``e.g.`` or an initial.
    """
    sentences = []
    for line in _LINES.split(text):
        held = ""
        for part in _END.split(_BULLET.sub("", line)):
            held = f"{held} {part}".strip()
            if not _ABBREVIATION.search(held):
                sentences.append(held)
                held = ""
        if held:
            sentences.append(held)
    return [folded for sentence in sentences if (folded := " ".join(sentence.split()))]
