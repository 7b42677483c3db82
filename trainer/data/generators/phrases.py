"""Parses labels and descriptions into verb, object, and what follows it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from skillsearch.taxonomy.records import Skill
from trainer.data.generators.inflect import is_verb, plural, singular, split_verbs, word_set
from trainer.data.generators.lexicon import NOUNS, VERBS

__all__ = ["Phrase", "compound", "described", "forward", "parse", "reworded"]

_PREPOSITIONS = word_set(
    "in on for with to from at by into during through under between within after before according related "
    "using regarding about across over via based without throughout as while when that which who per"
)
_ARTICLES = word_set("a an the your their its his one's")
_NO_MODIFIERS = _PREPOSITIONS | _ARTICLES | word_set("of and or not own other others")
_CUT = re.compile(
    r"[.;:(]|,? (?:such|including|in order|so|which|who|where|while|how to|by \w+ing|(?:\w+ing )?that"
    r"|based on|according|using|whereby|because"
    r"|e\.g|i\.e|is|are|has|have|can|used|dealing|related|etc|either|[-\u2013])\b"
    rf"|, (?=\w+ing |to )|(?:,|,? and|,? or) (?=(?:make|give|keep|{'|'.join(sorted(VERBS))}) )"
)
_NO_START = re.compile(
    r"(?:this|it|they|in|by|if|such|one|for|as|you|their|field|(?:make|ensure) \w+)\b", re.I
)


@dataclass(frozen=True, slots=True)
class Phrase:
    """A label in its parts, of which each may be empty; the note is what stood in parentheses."""

    verb: str
    article: str
    noun: str
    tail: str
    note: str

    def __str__(self) -> str:
        return self.with_parts(self.verb, self.noun)

    def with_parts(self, verb: str, noun: str) -> str:
        """The phrase with another verb and noun."""
        article = "" if self.article in ("a", "an") and noun != self.noun else self.article
        return " ".join(filter(None, (verb, article, noun, self.tail)))


def parse(skill: Skill) -> Phrase:
    """Take a label apart; knowledge, and a label that begins with no verb, is a topic without a verb."""
    note = re.search(r"\(([^)]*)\)", skill.label)
    label = _tidy(re.sub(r"^(set|follow)-(?=up )", r"\1 ", skill.label)) or skill.label
    verb, rest = "", label
    if skill.skill_type != "knowledge" and " " in label and is_verb(label.split()[0].rstrip(",")):
        verb, rest = split_verbs(label)
    words = rest.split()
    article = words.pop(0) if len(words) > 1 and words[0].lower() in _ARTICLES else ""
    end = next((i for i, word in enumerate(words) if i and word.lower() in _PREPOSITIONS), len(words))
    return Phrase(verb, article, " ".join(words[:end]), " ".join(words[end:]), note[1] if note else "")


def compound(noun: str) -> str:
    """A noun as it stands before another (``latex samples`` → ``latex sample``); empty if it cannot."""
    words = [word for word in noun.split() if word not in _ARTICLES]
    if not 1 <= len(words) <= 4 or _NO_MODIFIERS.intersection(words) or re.search("[,/']", noun):
        return ""
    return singular(" ".join(words))


def forward(noun: str, tail: str) -> str:
    """``pans``, ``for flour`` → ``flour pans``; ``types of ice`` → ``ice types``; empty if it cannot."""
    head, lead, topic = (noun, *tail.partition(" ")[::2]) if tail else noun.partition(" of ")
    before = compound(topic)
    if lead.strip() not in ("for", "in", "on", "of") or _NO_MODIFIERS.intersection(head.split()):
        return ""
    return f"{before} {head}" if before and not before.endswith("ing") else ""


def reworded(noun: str) -> Iterator[str]:
    """A noun phrase with one of its nouns in other words, the last noun first."""
    words = noun.split()
    spans = [(end - size, end) for end in range(len(words), 0, -1) for size in (2, 1) if end >= size]
    for start, end in spans:
        piece = " ".join(words[start:end])
        for other in NOUNS.get(piece, [()])[0] or map(plural, NOUNS.get(singular(piece), [()])[0]):
            yield " ".join([*words[:start], singular(other) if end < len(words) else other, *words[end:]])


def described(skill: Skill) -> list[str]:
    """Phrases that the sentences of a description begin with: the activity or, of a topic, its definition."""
    topic = skill.skill_type == "knowledge"
    found = []
    for sentence in re.split(r"(?<=[.;!?])\s+", _tidy(skill.description)):
        text = re.sub(r"^(?:To|The|An?)\s", "", sentence)
        cuts = [cut.start() for cut in _CUT.finditer(text)]
        end = next((cut for cut in cuts if topic or text[:cut].count(" ") > 1), len(text))
        first, *others = words = re.sub(r",? to \w+$", "", text[:end].strip(" .,;")).split() or [""]
        if not 3 <= len(words) <= 14 or words[-1].lower() in _NO_MODIFIERS or _NO_START.match(text):
            continue
        if topic or (
            is_verb(first.lower().rstrip(",")) and others[0] not in ("of", "is", "are", "which", "if", "how")
        ):
            found.append(" ".join([first.lower() if first == first.capitalize() else first, *others]))
    return found


def _tidy(text: str) -> str:
    """Single spaces, straight apostrophes, no parentheses."""
    return " ".join(re.sub(r"\s*\([^)]*\)", "", re.sub("[`\u2019]", "'", text)).split()).strip(" .;,:")
