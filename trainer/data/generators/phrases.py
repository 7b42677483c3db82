"""How the label and the description of a skill are built: verb, object, and what follows it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from skillsearch.taxonomy.records import Skill
from trainer.data.generators.inflection import gerund, is_plural, plural, singular, word_set
from trainer.data.generators.lexicon import Lexicon, Verb

__all__ = [
    "PREPOSITIONS",
    "Phrase",
    "all_gerunds",
    "compound",
    "description_phrases",
    "examples",
    "parse",
    "replaced_nouns",
    "tail_forward",
    "tidy",
]

PREPOSITIONS = word_set(
    "in on for with to from at by into during through under against between within after before according "
    "related using regarding concerning about across over via based without among throughout as while "
    "following towards toward when that which where who whose onto including off inside until per"
)
_PARTICLES = word_set("up out down off away back")
_ARTICLES = word_set("a an the one's your their its his")
_APOSTROPHE = re.compile("[`\u2019]")
_PARENTHESES = re.compile(r"\s*\(([^)]*)\)")
_BOUNDARY = re.compile(
    r"[.;:!?](?:\s|$)|,\s*(?:such as|including|e\.g|i\.e|for example|like|which|who|where|in order|so that|"
    r"ensuring|making|using|according|based|taking|as well|namely|especially|and other|even|while|often|"
    r"usually|but|when|thus|to\b|by\b|with\b)|"
    r"\s(?:such as|in order to|so that|so as to|which|e\.g|i\.e|for example|including|whereby|because)\b|"
    r"\s\(|\s[-\u2013]\s"
)
_OPENING = re.compile(
    r"^(?:the |a |an )?(?:(?:various|different|main|general|basic|particular|specific|many) )?", re.IGNORECASE
)
_MOST_WORDS = 14


@dataclass(frozen=True, slots=True)
class Phrase:
    """A label in its parts.

    Attributes:
        verb: what is done, or None for a topic; with the verb's entry of the lexicon where there is one.
        second: another verb, as in ``load and unload``, or empty.
        noun: the object of the verb, or the topic, without a leading article.
        article: that article, or empty.
        tail: what follows, from its preposition on, or empty.
        note: what stood in parentheses, or empty.
    """

    verb: Verb | None
    second: str
    noun: str
    article: str
    tail: str
    note: str

    @property
    def object(self) -> str:
        """Object with article and tail."""
        return " ".join(filter(None, (self.article, self.noun, self.tail)))

    @property
    def rest(self) -> str:
        """Object with tail, without article."""
        return " ".join(filter(None, (self.noun, self.tail)))


def tidy(text: str) -> str:
    """Single spaces, straight apostrophes, no parenthesis and no point at the end."""
    text = _APOSTROPHE.sub("'", text)
    return " ".join(_PARENTHESES.sub("", text).split()).strip(" .;,:")


def parse(skill: Skill, lexicon: Lexicon) -> Phrase:
    """Take a label apart; one that starts with no verb is a topic."""
    note = next(iter(_PARENTHESES.findall(skill.label)), "")
    words = tidy(skill.label).split() or skill.label.split() or [skill.label]
    if words[0].lower() in ("follow-up", "set-up") and len(words) > 1:
        words = [*words[0].lower().split("-"), *words[1:]]
    if len(words) > 2 and words[0].endswith("ly") and words[1] in lexicon.known_verbs:
        words = words[1:]  # an adverb before the verb
    if words[:2] == ["advice", "on"]:
        words = ["advise", *words[1:]]
    first = words[0].lower()
    known = first in lexicon.known_verbs
    verbal = len(words) > 1 and first.isascii() and skill.skill_type != "knowledge"
    guessed = skill.skill_type == "skill" and words[0][:1].islower() and _looks_verbal(first)
    if not (verbal and (known or guessed)):
        noun, tail = _split_tail(words)
        return Phrase(None, "", noun, "", tail, note)
    verb, second, words = _verb(words, lexicon)
    article = words[0] if words and words[0].lower() in _ARTICLES else ""
    noun, tail = _split_tail(words[1:] if article else words)
    return Phrase(verb, second, noun, article, tail, note)


def compound(noun: str, most: int = 4) -> str:
    """The noun as it stands before another (``latex samples`` → ``latex sample``), or empty.

    Empty for what makes no compound: longer than `most` words, or with ``of``, a list or a possessive.
    """
    words = [word for word in noun.split() if word.lower() not in _ARTICLES]
    if not words or len(words) > most or re.search(r",|/|'s?\s|\b(?:of|own|or|not|and)\b", f"{noun} "):
        return ""
    joined = " ".join(words)
    last = words[-1].lower()
    kept = last in ("sales", "goods", "operations", "communications", "systems", "data", "savings")
    return joined if kept else singular(joined)


def tail_forward(noun: str, tail: str) -> str:
    """``separators`` with ``for flour`` → ``flour separators``; empty where it cannot be said so."""
    head, of, owner = noun.partition(" of ")
    if of and not tail:
        noun, topic = head, owner
    else:
        lead, _, topic = tail.partition(" ")
        topic = topic.removeprefix("to ") if lead == "related" else topic
        if lead not in ("in", "for", "on", "related") or " of " in noun or " and " in noun:
            return ""
    last = singular(noun.rpartition(" ")[2].lower())
    before = compound(topic, 3)
    parts = before.split()
    if not parts or last in _BEINGS or _NO_MODIFIERS.intersection(map(str.lower, parts)):
        return ""
    if set(parts) & set(noun.split()) or len(noun.split()) > 4 or parts[0].endswith("ing"):
        return ""
    return f"{before} {noun}"


_NO_MODIFIERS = PREPOSITIONS | _ARTICLES | word_set("other others")
_BEINGS = word_set(
    "other animal patient person people client customer employee worker child student user staff others "
    "authority expert team professional individual colleague guest supplier artist member"
)


def replaced_nouns(noun: str, lexicon: Lexicon) -> Iterator[str]:
    """The phrase with one part in other words, heads first, then with two parts."""
    words = noun.split()
    spots = list(_spots(words, lexicon))
    if not spots:
        return
    deepest = max(len(options) for _, _, options in spots)
    for depth in range(deepest):
        for start, end, options in spots:
            if depth < len(options):
                yield " ".join([*words[:start], options[depth], *words[end:]])
    for depth in range(deepest):
        changed, used, limit = list(words), 0, len(words)
        for start, end, options in sorted(spots, key=lambda spot: -spot[0]):
            if end <= limit:
                changed[start:end] = [options[(depth + used) % len(options)]]
                limit, used = start, used + 1
        if used > 1:
            yield " ".join(changed)


def description_phrases(skill: Skill, lexicon: Lexicon) -> tuple[list[str], list[str]]:
    """Verb phrases and noun phrases with which the sentences of a description begin."""
    verbs: list[str] = []
    nouns: list[str] = []
    text = _APOSTROPHE.sub("'", skill.description)
    for sentence in re.split(r"(?<=[.;!?])\s+|\n+", " ".join(_PARENTHESES.sub("", text).split())):
        words = _clause(sentence)
        if len(words) < 2:
            continue
        if words[0].lower() == "to" and words[1].lower() in lexicon.known_verbs:
            words = words[1:]
        if words[0].lower().rstrip(",") in lexicon.known_verbs and words[1].lower() not in (
            "is",
            "are",
            "of",
        ):
            if len(words) > 2 and skill.skill_type != "knowledge":
                verbs.append(" ".join([words[0].lower(), *words[1:]]))
        elif phrase := _noun_phrase(words):
            nouns.append(phrase)
    return verbs, nouns


_CUTS = word_set("to for by in with through from during that used")


def _clause(sentence: str) -> list[str]:
    """The words of a sentence up to its first boundary; none where that is too long."""
    found = _BOUNDARY.search(sentence)
    words = (sentence[: found.start()] if found else sentence).strip(" .,;:").split()
    if len(words) > _MOST_WORDS:
        places = range(_MOST_WORDS, 3, -1)  # before a preposition, or after a comma
        cuts = (at for at in places if words[at].lower() in _CUTS or words[at - 1].endswith(","))
        words = words[: next(cuts, 0)]
    while words and words[-1].lower().rstrip(",") in _NO_ENDS | {"if", "necessary", "they", "when"}:
        words = words[:-1]
    return " ".join(words).rstrip(",").split()


def _noun_phrase(words: list[str]) -> str:
    """A phrase without article, up to its verb; empty where it is a whole sentence or too short."""
    text = _OPENING.sub("", " ".join(words))
    head = re.split(
        r"\s(?:that|is|are|was|were|has|have|can|may|used|dealing|deals|relating|related|consists?|involves?|"
        r"refers?|allows?|allowing|includes?|known|developed|produced|who|comprises?|covers?|aims?|provides?|"
        r"they|it|their|those|between|offered|must|should|will|do|does)\b",
        text,
    )[0].strip(" ,")
    parts = head.split()
    bad = parts and parts[-1].lower() in _NO_ENDS
    starts = parts and parts[0].lower() in _NO_STARTS
    content = [part for part in parts if singular(part.lower().strip(",")) not in _EMPTY]
    return "" if not content or bad or starts or not 2 <= len(parts) <= 12 else " ".join(parts)


_NO_ENDS = PREPOSITIONS | word_set("of and or the a to both often not")
_NO_STARTS = word_set(
    "this it they these in by if when some such one for as there be not you its also thoroughly know field "
    "that their while with on from at he she we"
)
_NO_EXAMPLES = PREPOSITIONS | _ARTICLES | word_set("others etc other is are of")
_EMPTY = word_set(
    "technique method process procedure principle rule regulation legislation current relevant engineering "
    "discipline field software tool science study set type characteristic use of and the or in for various "
    "different code practice activity system thing way theory knowledge concept work part kind area aspect "
    "material equipment product range term word body information branch scientific subdiscipline action "
    "ability skill quality feature element component application function operation policy strategy"
)


def examples(description: str) -> list[str]:
    """What a description names after ``such as`` or ``including``: short terms, each once."""
    found: list[str] = []
    for run in re.findall(
        r"\b(?:such as|including|like|namely)\s+([^.;:()]+)", " ".join(description.split())
    ):
        for item in re.split(r",|\band\b|\bor\b", run)[:6]:
            words = item.strip().split()
            plain = not _NO_EXAMPLES.intersection(map(str.lower, words))
            if 1 <= len(words) <= 3 and plain and len(item.strip()) > 2:
                found.append(" ".join(words))
    return list(dict.fromkeys(found))


def _looks_verbal(word: str) -> bool:
    return not word.endswith(
        ("ion", "ing", "ity", "ment", "ness", "ship", "ics", "ism", "al", "ic", "ive", "ly")
    )


def _verb(words: list[str], lexicon: Lexicon) -> tuple[Verb, str, list[str]]:
    """The verb, a second one, and the words after them."""
    first = words[0].lower()
    two = " ".join(words[:2]).lower()
    if two in lexicon.verbs:
        return lexicon.verbs[two], "", words[2:]
    if len(words) > 3 and words[1] in ("and", "or", "&") and words[2].lower() in lexicon.known_verbs:
        return lexicon.verbs.get(first, Verb(first)), words[2].lower(), words[3:]
    if len(words) > 2 and (
        words[1] in _PARTICLES or words[1] in ("on", "in", "with", "to", "for", "at", "from")
    ):
        return Verb(two, (), (), lexicon.verbs.get(first, Verb(first)).heads), "", words[2:]
    return lexicon.verbs.get(first, Verb(first)), "", words[1:]


def _split_tail(words: list[str]) -> tuple[str, str]:
    for index, word in enumerate(words):
        if index and word.lower() in PREPOSITIONS:
            return " ".join(words[:index]), " ".join(words[index:])
    return " ".join(words), ""


def _spots(words: list[str], lexicon: Lexicon) -> Iterator[tuple[int, int, list[str]]]:
    """Where the phrase may change: start, end, and what may stand there; the last noun comes first."""
    head = next((i for i, word in enumerate(words) if word.lower() == "of"), len(words)) - 1
    for start in sorted(range(len(words)), key=lambda index: (index != head, index)):
        for length in (4, 3, 2, 1):
            end = start + length
            if end > len(words):
                continue
            piece = " ".join(words[start:end])
            low = piece.lower()
            options = list(lexicon.abbreviations.get(piece if piece.isupper() else low, ()))
            options += lexicon.abbreviations.get(low, ()) if not options else ()
            before_noun = end < len(words) and words[end].lower() not in ("of", "and", "or") and end <= head
            if before_noun and low in lexicon.adjectives:
                options += lexicon.adjectives[low]
            elif singular(low) in lexicon.nouns:
                many = is_plural(low)
                for other in lexicon.nouns[singular(low)]:
                    options.append(plural(other) if many else (singular(other) if before_noun else other))
            elif low in lexicon.nouns:
                options += lexicon.nouns[low]
            if options:
                yield start, end, options
                break


def all_gerunds(phrase: str, lexicon: Lexicon) -> str:
    """``plan, coordinate and supervise work`` → ``planning, coordinating and supervising work``."""
    words = phrase.split()
    words[0] = gerund(words[0].rstrip(",")) + ("," if words[0].endswith(",") else "")
    open_list = words[0].endswith(",")
    for index in range(1, len(words)):
        word, before = words[index], words[index - 1]
        listed = open_list and before.endswith(",")
        joined = before in ("and", "or") and (open_list or index == 2)
        bare = word.rstrip(",")
        if (listed or joined) and bare in lexicon.known_verbs:
            words[index] = gerund(bare) + ("," if word.endswith(",") else "")
            if joined:
                break
        elif index > 1 and not before.endswith(",") and word not in ("and", "or"):
            break
    return " ".join(words)
