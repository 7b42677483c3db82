"""Job titles that need a skill, by rules."""

import random
import re
from collections.abc import Iterator, Sequence
from itertools import islice

from skillsearch.taxonomy.records import Skill
from trainer.data.generators.inflection import is_plural, singular, title_case, word_set
from trainer.data.generators.interleave import in_turns
from trainer.data.generators.languages import language_titles
from trainer.data.generators.lexicon import Domain, Lexicon
from trainer.data.generators.phrases import Phrase, compound, parse, replaced_nouns, tidy
from trainer.data.generators.variants import topic_kind

__all__ = ["domains_of", "plain_titles", "titles"]

_GENERIC = word_set(
    "activity procedure process operation system technique method principle type plan requirement need "
    "strategy measure aspect matter issue situation condition task thing service information result "
    "practice use area way set level work characteristic standard issue material objective problem "
    "environment purpose opportunity"
)
_TOPIC_HEADS = {
    "code": ("Developer", "Programmer", "Engineer", "Software Engineer", "Backend Developer", "Consultant",
             "Software Developer", "Full Stack Developer", "Architect", "Trainer"),
    "tools": ("Specialist", "Consultant", "Administrator", "Developer", "Engineer", "Expert", "Analyst",
              "Support Engineer", "Application Specialist", "Trainer"),
    "legal": ("Compliance Officer", "Specialist", "Advisor", "Inspector", "Consultant", "Legal Advisor",
    "Officer",
              "Compliance Manager"),
    "things": ("Specialist", "Technician", "Sales Advisor", "Product Manager", "Buyer", "Expert",
    "Consultant",
               "Sales Representative"),
    "wide": ("Specialist", "Consultant", "Expert", "Advisor", "Lecturer", "Manager", "Officer", "Researcher",
             "Coordinator", "Trainer"),
}  # fmt: skip
_PROFESSIONS = {"ology": "ologist", "graphy": "grapher", "iatry": "iatrist", "nomy": "nomist"}
_VERB_HEADS = ("Specialist", "Technician", "Officer", "Coordinator", "Assistant")
_NO_MODIFIERS = word_set("the a an own other different")
_LEVELS = (
    "Senior {}", "Junior {}", "Lead {}", "Trainee {}", "Assistant {}", "Senior {}", "Junior {}",
    "Experienced {}",
    "Apprentice {}", "Deputy {}", "Principal {}", "Chief {}", "Graduate {}", "Freelance {}", "Part-Time {}",
)  # fmt: skip
_NOTES = (
    "{} (m/f/d)", "{} (f/m/x)", "{} - Full Time", "{} (Part-time)", "{} - Remote", "{} II", "{} I",
    "{} (Temporary)",
    "{} - Night Shift", "{} (Contract)", "{} - {city}", "{} ({city})", "{}, {city}", "{} in {city}",
    "{} - Immediate Start",
    "{} (Entry Level)", "{} / Team Leader", "{} - 12 Month Contract", "{} (Permanent)", "{} needed",
    "{} (80-100%)",
    "{} - Weekends", "{} Internship", "{} - Hybrid", "{} Apprenticeship", "Urgent: {}", "{} III", "{} - Days",
)  # fmt: skip
_CITIES = (
    "London", "Berlin", "Dublin", "Manchester", "Munich", "Brussels", "Paris", "Vienna", "Zurich", "Leeds",
    "Singapore", "New York", "Chicago", "Copenhagen", "Birmingham", "Rotterdam", "Lisbon", "Madrid", "Warsaw",
    "Toronto", "Sydney", "Kuala Lumpur", "Bristol", "Hamburg", "Ghent", "Stockholm", "Dallas", "Cork",
    "Prague",
)  # fmt: skip
_RANKED = re.compile(
    r"^(?:Head|Chief|Lead|Senior|Deputy|Trainee|Assistant)\b|\b(?:Director|Assistant|Head|Lead)$"
)
_DECORATED = 0.5
_PLAIN = 40
_LABEL_WEIGHT = 4
_DOMAINS = 4
_VAGUE_SHARE = 0.25
_VAGUE = word_set(
    "software plant press record model collection set prop stage ride match play park call cell table "
    "room bar code network serve drive catch design image book publication exercise radio satellite "
    "client customer team project business company organisation training education school event market "
    "price cost quality product data safety security risk environment environmental animal water oil "
    "gas paint wall floor tree die tool machine machinery drawing sketch pattern space research "
    "scientific chemical test sample laboratory law legal engineering engineer emergency hazard policy "
    "government personal family child behaviour emotion cognitive language communication shop store "
    "delivery transport storage distribution visual layout creative staff employee conference meeting "
    "contract agreement camera video film light lighting pilot tissue production manufacturing "
    "industrial factory energy economic trade social vehicle driver metal wood glass plastic rubber "
    "paper fabric map strategy strategic budget visitor"
)
"""Words that stand in descriptions of skills of any field."""


def titles(skill: Skill, lexicon: Lexicon, rng: random.Random) -> Iterator[str]:
    """Titles as vacancies write them: about half with a level, a place or a note."""
    plain = list(islice(plain_titles(skill, lexicon, rng), _PLAIN))
    seen = set()
    for index, title in enumerate(plain):
        # the first ones stay as they are: they say most of the skill
        text = title if index < 3 or rng.random() > _DECORATED else _decorated(title, plain, rng)
        key = text.casefold()
        if key not in seen:
            seen.add(key)
            yield text
    for pattern in _LEVELS:
        yield from (pattern.format(title) for title in plain if not _RANKED.search(title))


def plain_titles(skill: Skill, lexicon: Lexicon, rng: random.Random) -> Iterator[str]:
    """Titles without level, place and note, those that say most of the skill first."""
    phrase = parse(skill, lexicon)
    special = language_titles(tidy(skill.label), skill.description)
    if special:
        rng.shuffle(special)
        yield from special
        return
    heads = _heads(skill, phrase)
    domains = domains_of(skill, lexicon)
    own = list(dict.fromkeys(_own_titles(phrase, heads, lexicon, rng)))
    crossed = _crossed(domains, heads, rng)
    yield from _without_repetition(in_turns([own, _field_titles(domains, heads, rng), crossed]))


def domains_of(skill: Skill, lexicon: Lexicon) -> list[Domain]:
    """The fields of work whose words stand in a label or a description, strongest first."""
    scores: dict[int, float] = {}
    for text, weight in ((tidy(skill.label), _LABEL_WEIGHT), (skill.label, 1), (skill.description, 1)):
        for keyword, count in _ngrams(text).items():
            places = lexicon.domains_by_keyword.get(keyword, ())
            for place in places:
                worth = weight * min(count, 2) * (1 + keyword.count(" ")) / len(places)
                if weight < _LABEL_WEIGHT and keyword in _VAGUE:
                    worth *= _VAGUE_SHARE
                scores[place] = scores.get(place, 0.0) + worth
    if not scores:
        return []
    best = max(scores.values())
    ranked = sorted(scores, key=lambda place: (-scores[place], place))
    return [lexicon.domains[place] for place in ranked if scores[place] >= 0.4 * best][:_DOMAINS]


def _ngrams(text: str) -> dict[str, int]:
    """Every run of one to four words with its last word in the singular."""
    words = [word for whole in re.findall(r"[a-z][a-z'-]*", text.lower()) for word in _pieces(whole)]
    counts: dict[str, int] = {}
    for length in (1, 2, 3, 4):
        for start in range(len(words) - length + 1):
            run = words[start : start + length]
            key = " ".join([*run[:-1], singular(run[-1])])
            counts[key] = counts.get(key, 0) + 1
    return counts


def _pieces(word: str) -> list[str]:
    """``video-games`` → ``video``, ``games``; a short first part, as in ``e-learning``, stays."""
    parts = word.strip("-").split("-")
    return parts if len(parts[0]) > 3 else [word]


def _heads(skill: Skill, phrase: Phrase) -> tuple[str, ...]:
    if phrase.verb is not None:
        return phrase.verb.heads or _VERB_HEADS
    return _TOPIC_HEADS[topic_kind(skill)]


def _own_titles(phrase: Phrase, heads: Sequence[str], lexicon: Lexicon, rng: random.Random) -> Iterator[str]:
    """From the words of the label."""
    nouns = [_modifier(phrase.noun)]
    if phrase.tail:
        nouns.append(_modifier(phrase.tail.partition(" ")[2]))
    for count, noun in enumerate(replaced_nouns(phrase.noun, lexicon)):
        if count < 2:
            nouns.append(_modifier(noun))
    nouns = [title_case(noun) for noun in dict.fromkeys(nouns) if noun]
    if phrase.verb is None:
        yield from _term_titles(phrase, lexicon)
    first, *others = heads
    mixed = [first, *rng.sample(others, len(others))]
    for shift in range(len(mixed)):
        for index, noun in enumerate(nouns):
            yield f"{noun} {mixed[(index + shift) % len(mixed)]}"


def _modifier(noun: str) -> str:
    """What stands before the head of a title; empty where nothing of the phrase can."""
    if " of " in noun:
        parts = re.split(r"\s+(?:of|and|or|&)\s+|,", noun)
        noun = parts[-1 if noun.startswith(("types", "kinds", "sorts", "varieties")) else 0]
    words = [word for word in tidy(noun).split() if word.lower() not in _NO_MODIFIERS]
    while words and singular(words[-1].lower()) in _GENERIC and len(words) > 1:
        words.pop()
    if words and re.search(r"(?:al|ic|ive|ous|ary|ory)$|'s?$", words[-1].lower()) and len(words) > 1:
        words = words[:-1] if re.search(r"'s?$", words[0]) else words  # an adjective without its noun
    words = [re.sub(r"'s?$", "", word) for word in words]
    if not words or (len(words) == 1 and singular(words[0].lower()) in _GENERIC):
        return ""
    words = words[-3:] if len(words) > 3 and "and" not in words else words
    return compound(" ".join(words)) or ("" if len(words) > 4 or "/" in noun else singular(" ".join(words)))


def _term_titles(phrase: Phrase, lexicon: Lexicon) -> Iterator[str]:
    """From the last word of a topic: ``labour law`` → ``Labour Lawyer``."""
    before, _, last = phrase.noun.rpartition(" ")
    for ending, person in _PROFESSIONS.items():
        if last.endswith(ending) and len(phrase.noun.split()) <= 3 and not phrase.tail:
            yield title_case(phrase.noun.removesuffix(ending) + person)
    patterns = lexicon.terms.get(last.lower(), ())
    if patterns and before and len(before.split()) <= 3:
        yield from (pattern.replace("*", title_case(before)) for pattern in patterns)


def _field_titles(domains: Sequence[Domain], heads: Sequence[str], rng: random.Random) -> list[str]:
    """Titles of the fields; those that end as the skill's own titles do come early."""
    lasts = {head.rpartition(" ")[2] for head in heads}
    lists = []
    for domain in domains:
        mixed = rng.sample(domain.titles, len(domain.titles))
        lists.append(sorted(mixed, key=lambda title: title.rpartition(" ")[2] not in lasts))
    first = lists[0][:3] if lists else []
    return list(dict.fromkeys([*first, *in_turns(lists)]))


def _crossed(domains: Sequence[Domain], heads: Sequence[str], rng: random.Random) -> list[str]:
    """A field's modifier before one of the skill's heads."""
    pairs = [
        f"{modifier} {head}" for domain in domains[:2] for modifier in domain.modifiers for head in heads[:4]
    ]
    rng.shuffle(pairs)
    return pairs[:8] or list(heads)


def _without_repetition(candidates: Iterator[str]) -> Iterator[str]:
    """Without titles that say a word twice in a row or are a plural."""
    for title in candidates:
        words = [singular(word.lower()) for word in re.findall(r"[\w'-]+", title)]
        if (
            len(set(words)) == len(words)
            and len(words) <= 8
            and not (is_plural(title) and words[-1] != "people")
        ):
            yield title


def _decorated(title: str, plain: Sequence[str], rng: random.Random) -> str:
    chance = rng.random()
    if chance < 0.35 and not _RANKED.search(title):
        return rng.choice(_LEVELS).format(title)
    if chance < 0.8:
        return rng.choice(_NOTES).replace("{city}", rng.choice(_CITIES)).format(title)
    if chance < 0.87:
        return title.upper()
    if chance < 0.93:
        return title.lower()
    other = rng.choice(plain)
    return f"{title} / {other}" if other != title else f"{title} (m/w/d)"
