"""Sentences of vacancies that ask for a skill, by rules."""

import random
from collections.abc import Iterator, Sequence
from itertools import cycle

from skillsearch.taxonomy.records import Skill
from trainer.data.generators.inflection import gerund, past, third_person, with_article
from trainer.data.generators.languages import language_sentences
from trainer.data.generators.lexicon import Lexicon
from trainer.data.generators.phrases import (
    all_gerunds,
    description_phrases,
    examples,
    parse,
    tail_forward,
    tidy,
)
from trainer.data.generators.phrases import replaced_nouns as _replaced
from trainer.data.generators.titles import plain_titles
from trainer.data.generators.variants import topic_kind

__all__ = ["sentences"]

_DUTIES = (
    "You will {base}.", "Your main task is to {base}.", "In this role you {base} and {other}.", "- {Gerund}",
    "Responsible for {gerund}.", "You are able to {base}.",
    "The successful candidate will {base} on a daily basis.",
    "Proven ability to {base}.", "At least {years} years of experience in {gerund}.",
    "Experience with {gerund} is a plus.",
    "Our {title} {third}, {otherthird} and reports to the {boss}.", "{Gerund} and {othergerund}.",
    "As {title_a}, you {base}.", "You {other}, {base} and {another}.",
    "Your responsibilities include {gerund} as well as {othergerund}.",
    "We are looking for someone who can {base} with little supervision.",
    "Duties: {gerund}, {othergerund}, {anothergerund}.",
    "{Base}", "* {Base} and {other}",
    "You have already {past} in a similar position, or you are eager to learn it.",
    "Knowing how to {base} is essential for this position.", "Ideally, you have experience in {gerund}.",
    "It is an advantage if you know how to {base}.", "Together with your colleagues you {base}.",
    "The {title} is expected to {base} and to {other}.",
    "Strong skills in {gerund} and a valid driving licence.",
    "You enjoy {gerund}, even when things get busy.", "Working closely with the {boss}, you {base}.",
    "What you will do: {base}; {other}; {another}.", "Nice to have: experience in {gerund}.",
    "{Gerund} is part of your everyday work.", "Day to day you {base}, {other} and {another}.",
)  # fmt: skip
_TOPICS = (
    "Good knowledge of {topic}.", "You have experience with {topic}.",
    "Solid understanding of {topic} is required.",
    "Familiarity with {topic} is an advantage.", "- {Topic}", "Knowledge of {topic} and {general}.",
    "Our {title} is well versed in {topic}.", "At least {years} years of experience with {topic}.",
    "You bring a degree in a relevant field and a sound knowledge of {topic}.", "Nice to have: {topic}.",
    "As {title_a} you apply your knowledge of {topic} every day.",
    "Requirements: {topic}, {general}, {general2}.",
    "You {other} and contribute your expertise in {topic}.", "Strong background in {topic} preferred.",
    "Ideally, you have already worked with {topic}.", "* Proven experience in {topic}",
    "We expect you to be familiar with {topic} and to {other}.",
    "Training in {topic} will be provided, prior knowledge is a plus.",
    "You combine {general} with a deep interest in {topic}.", "Hands-on experience with {topic} is a must.",
    "Keeping our know-how in {topic} up to date is part of the job.", "{Topic}, {general}, {general2}",
    "The ideal candidate has worked as {title_a} and knows {topic} well.",
    "Certification or training in {topic} is welcome.",
    "You advise customers and colleagues on questions of {topic}.",
)  # fmt: skip
_CODE_TOPICS = (
    "Strong programming skills in {topic}.", "You write clean and well tested code in {topic}.",
    "Experience with {topic} or a similar language.", "{topic}, Git, CI/CD and agile development",
    "You develop and maintain applications in {topic}.", "Our stack: {topic}, Docker and PostgreSQL.",
)  # fmt: skip
_TOOL_TOPICS = (
    "Hands-on experience with {topic}.", "You work with {topic} every day.",
    "Knowledge of tools such as {topic}.",
    "You set up and maintain {topic} for our teams.",
    "Experience with {topic} or similar software is a plus.",
)  # fmt: skip
_OTHERS = (
    "support the team in daily business", "report to the management", "work in shifts",
    "keep the workplace tidy",
    "train new colleagues", "document your work", "take part in team meetings", "ensure deadlines are met",
    "keep in touch with customers", "help to improve our way of working",
    "work closely with other departments",
    "follow our quality standards", "prepare weekly reports", "meet the agreed targets",
    "answer questions of clients",
)  # fmt: skip
_GENERAL = (
    "good communication skills", "MS Office", "a structured way of working", "fluent English", "team spirit",
    "attention to detail", "customer focus", "flexibility", "an eye for quality", "a driving licence",
    "reliability",
    "a hands-on mentality", "good organisation", "an analytical mind", "willingness to travel",
)  # fmt: skip
_BOSSES = (
    "team leader", "department head", "site manager", "shift supervisor", "operations manager",
    "project lead",
    "director", "general manager",
)  # fmt: skip
_BEFORE = (
    "We offer a varied job in a growing company.",
    "What we expect from you:",
    "Join our team in {city}!",
    "Your profile:",
    "About the role:",
    "Are you looking for a new challenge?",
    "Key responsibilities:",
)
_AFTER = (
    "We offer flexible working hours.",
    "A competitive salary is part of the offer.",
    "You report to the {boss}.",
    "Full training is given.",
    "Apply now!",
    "Start date: as soon as possible.",
)
_IN_CONTEXT = 0.2


def sentences(skill: Skill, lexicon: Lexicon, rng: random.Random) -> Iterator[str]:
    """Sentences, each from another template and most in other words than the label."""
    special = language_sentences(tidy(skill.label), skill.description)
    if special:
        rng.shuffle(special)
        yield from special
        return
    phrase = parse(skill, lexicon)
    jobs = [title for title, _ in zip(plain_titles(skill, lexicon, rng), range(6), strict=False)]
    wordings = _wordings(skill, lexicon, rng)
    if phrase.verb is not None:
        templates: Sequence[str] = _DUTIES
    else:
        special_topics = {"code": _CODE_TOPICS, "tools": _TOOL_TOPICS}.get(topic_kind(skill), ())
        templates = [
            *rng.sample(special_topics, min(3, len(special_topics))),
            *rng.sample(_TOPICS, len(_TOPICS)),
        ]
    mixed = templates if phrase.verb is None else rng.sample(templates, len(templates))
    for template, wording in zip([*mixed, *mixed], cycle(wordings), strict=False):
        yield _with_context(_filled(template, wording, jobs, lexicon, rng), rng)


def _wordings(skill: Skill, lexicon: Lexicon, rng: random.Random) -> list[str]:
    """Verb phrases or topics to fill in: the label, its paraphrases, and what the description says."""
    phrase = parse(skill, lexicon)
    verb_phrases, noun_phrases = description_phrases(skill, lexicon)
    if phrase.verb is None:
        topic = phrase.rest
        others = [f"{noun} {phrase.tail}".strip() for noun in _replaced(phrase.noun, lexicon)][:4]
        told = [text if text[1:2].isupper() else text[:1].lower() + text[1:] for text in noun_phrases[:2]]
        named = examples(skill.description)
        listed = [f"{named[0]} and {named[1]}"] if len(named) > 1 else []
        more = [f"{topic}, especially {named[-1]}"] if named else []
        return [topic, *told[:1], *listed, topic, *others[:2], *more, topic, *told[1:], *others[2:]]
    nouns = [f"{noun} {phrase.tail}".strip() for noun in _replaced(phrase.noun, lexicon)][:5]
    forward = tail_forward(phrase.noun, phrase.tail)
    nouns += [forward] if forward else []
    label = f"{phrase.verb.base}{f' and {phrase.second}' if phrase.second else ''} {phrase.object}"
    verbs = [phrase.verb.base, *phrase.verb.synonyms]
    article = f"{phrase.article} " if phrase.article not in ("", "a", "an") else ""
    others = [f"{rng.choice(verbs)} {article}{noun}" for noun in nouns]
    others += [f"{verb} {phrase.object}" for verb in phrase.verb.synonyms]
    rng.shuffle(others)
    told = verb_phrases[:5]
    mixed = [label]
    for index in range(6):
        mixed += told[index : index + 1] + others[index : index + 1]
    return [text.strip() for text in mixed]


def _filled(template: str, wording: str, jobs: Sequence[str], lexicon: Lexicon, rng: random.Random) -> str:
    other, another = rng.sample(_OTHERS, 2)
    general, general2 = rng.sample(_GENERAL, 2)
    title = rng.choice(jobs) if jobs else "Employee"
    ing = all_gerunds(wording, lexicon)
    first = wording.partition(" ")[0]
    joined = (
        after.partition(" ")[0] for mark in (" and ", " or ", ", ") for after in wording.split(mark)[1:]
    )
    simple = not first.endswith(",") and not any(word in lexicon.known_verbs for word in joined)
    if ("{third}" in template or "{past}" in template) and not simple:
        template = "You will {base}."
    if wording.count(",") or len(wording.split()) > 9:  # a long one stands better on its own
        template = template.replace(" and {other}", "").replace(" and {othergerund}", "")
    return template.format(
        base=wording, Base=_capital(wording), gerund=ing, Gerund=_capital(ing), third=third_person(wording),
        past=_participle(wording), topic=wording, Topic=_capital(wording), other=other, another=another,
        othergerund=gerund(other), anothergerund=gerund(another), otherthird=third_person(other),
        general=general, general2=general2, title=title, title_a=with_article(title),
        years=rng.choice("2345"),
        boss=rng.choice(_BOSSES),
    )  # fmt: skip


_PARTICIPLES = {
    "be": "been", "begin": "begun", "choose": "chosen", "draw": "drawn", "drive": "driven", "do": "done",
    "fly": "flown", "give": "given", "go": "gone", "grow": "grown", "hold": "held", "know": "known",
    "oversee": "overseen", "ride": "ridden", "rewrite": "rewritten", "run": "run", "see": "seen",
    "sew": "sewn",
    "show": "shown", "sing": "sung", "speak": "spoken", "swim": "swum", "take": "taken",
    "undertake": "undertaken", "wear": "worn", "weave": "woven", "withdraw": "withdrawn", "write": "written",
    "bear": "borne", "strive": "striven",
}  # fmt: skip


def _participle(phrase: str) -> str:
    first, space, rest = phrase.partition(" ")
    return f"{_PARTICIPLES.get(first) or past(first)}{space}{rest}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _with_context(sentence: str, rng: random.Random) -> str:
    """Now and then with another sentence of the vacancy before or after it."""
    chance = rng.random()
    if chance > 2 * _IN_CONTEXT or not sentence.endswith("."):
        return sentence
    if chance > _IN_CONTEXT:
        return f"{sentence} {rng.choice(_AFTER)}".replace("{boss}", rng.choice(_BOSSES))
    return f"{rng.choice(_BEFORE)} {sentence}".replace(
        "{city}", rng.choice(("Leeds", "Berlin", "Ghent", "Dublin"))
    )
