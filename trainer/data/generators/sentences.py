"""Sentences of vacancies that ask for a skill, by rules."""

import random
import re
from collections.abc import Iterator
from itertools import chain, cycle, islice, zip_longest

from skillsearch.taxonomy.records import Skill
from trainer.data.generators.inflect import gerund
from trainer.data.generators.lexicon import VERBS
from trainer.data.generators.phrases import described, forward, parse, reworded
from trainer.data.generators.titles import plain_titles

__all__ = ["sentences"]

_DUTIES = """
You will {base}.
In this role you {base} and {other}.
Responsible for {gerund}.
At least 3 years of experience in {gerund}.
Experience with {gerund} is a plus.
Your responsibilities include {gerund} as well as {others}.
We are looking for a {title} who can {base}.
{base}
- {gerund}
The {title} is expected to {base} and to {other}.
Strong skills in {gerund} and attention to detail.
"""
_TOPICS = """
Good knowledge of {base}.
Familiarity with {base} is an advantage.
- {base}
Requirements: {base}, good communication skills, fluent English.
You bring a degree in a relevant field and a sound knowledge of {base}.
Our {title} is well versed in {base}.
You {other} and contribute your expertise in {base}.
Training in {base} will be provided, prior knowledge is a plus.
At least 2 years of hands-on experience with {base}.
{base}, MS Office, team spirit
"""
_OTHERS = (
    "support the team", "document your work", "train new colleagues", "take part in meetings",
    "work closely with other departments", "follow our quality standards", "keep in touch with customers",
)  # fmt: skip


def sentences(skill: Skill, rng: random.Random) -> Iterator[str]:
    """Sentences of one template each, around the label, phrases of the description, and paraphrases."""
    verb = bool(parse(skill).verb)
    templates = (_DUTIES if verb else _TOPICS).strip().splitlines()
    jobs = list(islice(plain_titles(skill, rng), 4)) or ["colleague"]
    bases = cycle(_wordings(skill, rng))
    for template, base in zip(rng.sample(templates, len(templates)) * 2, bases, strict=False):
        ing = gerund(base) if verb else ""
        other, title = rng.choice(_OTHERS), rng.choice(jobs)
        text = template.format(base=base, gerund=ing, other=other, others=gerund(other), title=title)
        text = re.sub(r"\ba(?= (?:[AEIO]|[FHLMNRSX][A-Z]))", "an", text)
        yield re.sub(r"^(\W*)([a-z])", lambda start: start[1] + start[2].upper(), text)


def _wordings(skill: Skill, rng: random.Random) -> list[str]:
    """The label, phrases of the description and paraphrases, in turns."""
    phrase = parse(skill)
    others = [phrase.with_parts(phrase.verb, noun) for noun in reworded(phrase.noun)]
    if phrase.verb:
        short = forward(phrase.noun, phrase.tail)
        others += [phrase.with_parts(verb, phrase.noun) for verb in VERBS.get(phrase.verb, [()])[0]]
        others += [f"{phrase.verb} {short}"] if short else []
    mixed = zip_longest(described(skill)[:4], rng.sample(others, len(others))[:5])
    return [str(phrase), *filter(None, chain.from_iterable(mixed))]
