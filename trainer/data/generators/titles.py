"""Job titles that need a skill, by rules."""

import random
import re
from collections import Counter
from collections.abc import Iterator
from itertools import chain, zip_longest

from skillsearch.taxonomy.records import Skill
from trainer.data.generators.inflect import agent, singular, word_set
from trainer.data.generators.lexicon import FIELDS, PROFESSIONS, VERBS
from trainer.data.generators.phrases import compound, parse, reworded

__all__ = ["field_titles", "plain_titles", "titles"]

_GENERIC = word_set(
    "activity procedure process operation system technique method principle type plan requirement strategy "
    "matter issue situation condition task information result practice area level aspect characteristic"
)
_ADJECTIVES = ("al", "ic", "ve", "ed")  # their last letters
_HEADS = "Specialist Technician Officer Consultant Coordinator Assistant Manager Expert"
_CODE_HEADS = "Developer Programmer Engineer Consultant Administrator Analyst Architect Trainer"
_LANGUAGE_HEADS = "Translator Teacher Interpreter Proofreader Tutor Linguist Copywriter"
_LANGUAGE = re.compile(r"(?:spoken|written|verbally in|^write|^speak|^read) ([A-Z][\w' ]+)$")
_LEVELS = ("Senior {}", "Junior {}", "Lead {}", "Trainee {}", "{} (m/f/d)", "{} - Full Time", "{} in Berlin")
_LEVELLED, _OWN = 0.3, 8


def titles(skill: Skill, rng: random.Random) -> Iterator[str]:
    """Titles as vacancies write them; after the first ones, some have a level or a note."""
    plain = list(plain_titles(skill, rng))
    for index, title in enumerate(plain):
        yield rng.choice(_LEVELS).format(title) if index > 2 and rng.random() < _LEVELLED else title
    more = [level.format(title) for level in _LEVELS for title in plain]
    yield from rng.sample(more, len(more))


def plain_titles(skill: Skill, rng: random.Random) -> Iterator[str]:
    """Titles without level and note: of the label's own words and of its field of work, in turns."""
    own = list(dict.fromkeys(_own_titles(skill, rng)))[:_OWN]
    pairs = zip_longest(own, field_titles(skill, rng), fillvalue="")
    for title in filter(None, chain.from_iterable(pairs)):
        words = [singular(word) for word in re.findall(r"[\w'-]+", title.lower())]
        if len(set(words)) == len(words) <= 7:
            yield title


def field_titles(skill: Skill, rng: random.Random) -> list[str]:
    """Titles of the fields of work whose words stand in a label or a description."""
    scores: Counter[tuple[str, ...]] = Counter()
    for text, weight in ((skill.label, 4), (skill.description, 1)):
        for word in re.findall(r"[a-z]{2,}", text.lower()):
            stems = [stem for end in range(3, len(word) + 2) if (stem := f"{word}$"[:end]) in FIELDS]
            scores.update({FIELDS[stem][1]: weight for stem in stems})
    best = [field for field, score in scores.most_common(3) if 2 * score >= max(scores.values())]
    return [title for field in best for title in rng.sample(field, len(field))]


def _own_titles(skill: Skill, rng: random.Random) -> Iterator[str]:
    phrase = parse(skill)
    nouns = (phrase.noun, phrase.tail.partition(" ")[2], *list(reworded(phrase.noun))[:2])
    modifiers = [_capital(noun) for noun in dict.fromkeys(map(_modifier, nouns)) if noun] or [""]
    if phrase.verb:
        first = phrase.verb.split()[0]
        known = VERBS.get(phrase.verb) or VERBS.get(first) or ((), (), ())
        heads = [*known[2], *_capital(agent(first)).split(), *_HEADS.split()]
    else:
        code = re.search(r"programming|software|computer", f"{skill.label} {skill.description[:80]}")
        heads = (_CODE_HEADS if code else _HEADS).split()
        for ending, person in PROFESSIONS.items():
            if phrase.noun.endswith(ending) and compound(phrase.noun):
                yield _capital(f"{phrase.noun.removesuffix(ending)}{person}")
    if language := _LANGUAGE.search(skill.label):
        modifiers, heads = [language[1]], _LANGUAGE_HEADS.split()
    heads[1:] = rng.sample(heads[1:], len(heads) - 1)
    for shift in range(len(heads)):
        yield from (f"{noun} {heads[(place + shift) % len(heads)]}" for place, noun in enumerate(modifiers))


def _modifier(noun: str) -> str:
    """The words before the head of a title; empty if nothing of the phrase fits."""
    words = re.split(r",| and | or ", noun.rpartition(" of ")[2])[0].split()
    while len(words) > 1 and singular(words[-1]) in _GENERIC and words[-2][-2:] not in _ADJECTIVES:
        words.pop()
    return "" if singular(" ".join(words)) in _GENERIC else compound(" ".join(words[-3:]))


def _capital(phrase: str) -> str:
    return re.sub(r"(?:^| )[a-z]", lambda start: start[0].upper(), phrase)
