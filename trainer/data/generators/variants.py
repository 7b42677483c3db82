"""Variants: different names of a skill, by rules."""

import random
import re
from collections.abc import Iterator
from itertools import chain, zip_longest

from skillsearch.taxonomy.records import Skill
from trainer.data.generators.inflect import gerund
from trainer.data.generators.lexicon import VERBS
from trainer.data.generators.phrases import Phrase, compound, described, forward, parse, reworded

__all__ = ["variants"]

_PATTERNS = (
    "skills in {}", "expertise in {}", "experience in {}", "competence in {}", "knowledge of {}",
    "training in {}", "proficiency in {}", "know-how in {}", "background in {}", "understanding of {}",
)  # fmt: skip
_TURNED = re.compile(r"(.+)(?<!al|ic|ve|ed) (\w+(?<!ic)s|equipment|law|theory|technology|management)$")


def variants(skill: Skill, rng: random.Random) -> Iterator[str]:
    """Names of a skill: those in other words than the label first, patterns around it last."""
    phrase = parse(skill)
    told = described(skill)
    spoken = [text for one in told for text in ((one, gerund(one)) if phrase.verb else (one,))]
    lists = [rng.sample(texts, len(texts)) for texts in (_of_verb if phrase.verb else _of_topic)(phrase)]
    yield from filter(None, chain.from_iterable(zip_longest(spoken[:6], *lists)))
    for base in (str(phrase), *told[:2], *chain.from_iterable(lists[:2])):
        noun = gerund(base) if phrase.verb else base
        yield from (pattern.format(noun) for pattern in rng.sample(_PATTERNS, len(_PATTERNS)))


def _of_verb(phrase: Phrase) -> Iterator[list[str]]:
    """Rewritings: other verbs and objects, the act as a noun, and what follows the object put before it."""
    verbs, acts, _ = VERBS.get(phrase.verb, ((), (gerund(phrase.verb),), ()))
    nouns = [phrase.with_parts("", noun) for noun in reworded(phrase.noun)]
    whole = phrase.with_parts("", phrase.noun)
    yield [f"{other} {whole}" for other in verbs]
    yield [f"{phrase.verb} {noun}" for noun in nouns]
    yield [gerund(str(phrase))]
    yield list(_acts(phrase.noun, phrase.tail, whole, acts))
    short = forward(phrase.noun, phrase.tail)
    turned = f"{phrase.verb} {short}"
    yield [turned, gerund(turned), *_acts(short, "", short, acts)] if short else []
    yield [f"{other} {noun}" for other in verbs for noun in nouns]


def _acts(noun: str, tail: str, whole: str, names: tuple[str, ...]) -> Iterator[str]:
    """``staff management`` and ``management of staff``."""
    before = compound(noun)
    for name in names:
        if name.endswith((" on", " to", " with")):
            yield f"{name} {whole}"
        elif " " not in name:
            yield f"{name} of {whole}"
            yield f"{before} {name} {tail}" if before else ""


def _of_topic(phrase: Phrase) -> Iterator[list[str]]:
    """The topic with and without its note, in other words, and in another order."""
    label = str(phrase)
    yield [label, f"{label} {phrase.note}", f"{phrase.note} with {label}"] if phrase.note else []
    yield [phrase.with_parts("", noun) for noun in reworded(phrase.noun)]
    yield [forward(phrase.noun, phrase.tail)]
    if found := re.match(r"(?:types|kinds|variety) of (.+)", label):
        yield [found[1], *(f"{word} of {found[1]}" for word in ("kinds", "varieties", "different sorts"))]
    elif (found := _TURNED.match(phrase.noun)) and compound(found[1]):
        yield [phrase.with_parts("", f"{found[2]} of {found[1]}")]
