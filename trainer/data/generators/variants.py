"""Other names of a skill, by rules."""

import random
import re
from collections.abc import Iterator
from itertools import islice

from skillsearch.taxonomy.records import Skill
from trainer.data.generators.inflection import gerund, is_plural, plural, singular, word_set
from trainer.data.generators.interleave import in_turns
from trainer.data.generators.languages import language_variants
from trainer.data.generators.lexicon import Lexicon, Verb
from trainer.data.generators.patterns import CODE, LAST, LEGAL, THINGS, TOOLS, WIDE, WIDER_VERBS
from trainer.data.generators.phrases import (
    Phrase,
    all_gerunds,
    compound,
    description_phrases,
    parse,
    replaced_nouns,
    tail_forward,
    tidy,
)

__all__ = ["topic_kind", "variants"]

_PREPOSITION = re.compile(r" (?:on|in|with|to|for|of)$")
_OF = re.compile(
    r"^(types|kinds|methods|techniques|principles|theory|theories|characteristics|properties|parts|"
    r"history|processes|rules|procedures|systems|standards|varieties|components|forms|sources|functions|"
    r"categories|models|elements|styles|genres|manufacturing|manufacture|design|quality|use|operation|"
    r"production|management|classification|philosophy|psychology|sociology|anatomy|chemistry|physics) "
    r"of (.+)$"
)
_SUFFIX = re.compile(
    r"^(.+) (techniques|methods|principles|processes|procedures|theory|regulations|legislation|law|"
    r"standards|policies|products|systems|equipment|tools|technology|technologies|management|analysis|"
    r"design|development|engineering|therapy|software|industry|materials|operations)$"
)
_ADJECTIVE = re.compile(
    r"(?:al|ic|ive|ous|ary|ory|ed|ible|able|ar|ful|less|ent|ant|AV|ese|ish|an)$|^(?:new|common)$"
)


def variants(skill: Skill, lexicon: Lexicon, rng: random.Random) -> Iterator[str]:
    """Names of a skill, those with few words of the label first."""
    phrase = parse(skill, lexicon)
    special = language_variants(tidy(skill.label), skill.description)
    if special:
        yield from special
        return
    verb_phrases, noun_phrases = description_phrases(skill, lexicon)
    if phrase.verb is None:
        yield from _topic_variants(skill, phrase, noun_phrases, lexicon, rng)
        return
    told = [text for text in verb_phrases if len(text.split()) <= 11][:4]
    forward = tail_forward(phrase.noun, phrase.tail)
    short = Phrase(phrase.verb, phrase.second, forward, "", "", "") if forward else None
    first = [
        _shuffled(_verb_and_noun(phrase, lexicon), rng, 14),
        _acts(phrase, phrase.verb, phrase.noun),
        [text for one in told for text in (one, all_gerunds(one, lexicon))],
        _shuffled(_other_verbs(phrase), rng, 8),
        _shortened(short, lexicon, rng) if short else [],
        [_gerund(phrase)],
        _shuffled(_other_nouns(phrase, lexicon), rng, 6),
        _shuffled(_other_acts(phrase, lexicon), rng, 8),
    ]
    yield from in_turns(first)
    others = _shuffled([*_other_verbs(phrase), *_other_nouns(phrase, lexicon)], rng)
    yield from (gerund(other) for other in others)
    bases = [_base(phrase), *others, *told[:1]]
    for index, pattern in enumerate(_shuffled(WIDER_VERBS, rng)):
        base = tidy(bases[index % len(bases)])
        yield pattern.format(base=base, gerund=all_gerunds(base, lexicon))
    yield from (pattern.format(base=_base(phrase), gerund=_gerund(phrase)) for pattern in WIDER_VERBS)
    yield from (pattern.format(_gerund(phrase)) for pattern in LAST)


def _shortened(phrase: Phrase, lexicon: Lexicon, rng: random.Random) -> list[str]:
    """Forms of a phrase whose tail went before its object."""
    acts = _acts(phrase, phrase.verb, phrase.noun) if phrase.verb else []
    others = _shuffled(_verb_and_noun(phrase, lexicon), rng, 3) or _shuffled(_other_verbs(phrase), rng, 3)
    return [*acts[:2], _base(phrase), *others]


def topic_kind(skill: Skill) -> str:
    """What a piece of knowledge is about: ``code``, ``tools``, ``legal``, ``things`` or ``wide``."""
    label, text = skill.label.lower(), skill.description.lower()
    if (
        "(computer programming)" in label
        or "computer language" in text[:60]
        or "programming language" in text[:80]
    ):
        return "code"
    started = text[:70]
    if any(mark in started for mark in ("computer program", "the tool ", "software program", "game engine",
                                        "the software", "operating system")):  # fmt: skip
        return "tools"
    last = tidy(label).split()[-1] if tidy(label) else ""
    if last in ("law", "legislation", "regulations", "rules", "laws", "directives", "regulation"):
        return "legal"
    return "things" if is_plural(last) and last not in _ABSTRACT else "wide"


_ABSTRACT = word_set(
    "techniques methods principles processes procedures policies theories practices studies sciences "
    "strategies systems operations activities standards services economics physics electronics logistics "
    "mathematics genetics statistics mechanics ethics politics linguistics robotics optics graphics"
)


def _base(phrase: Phrase) -> str:
    return f"{_verbs(phrase)} {phrase.object}".strip()


def _verbs(phrase: Phrase) -> str:
    base = phrase.verb.base if phrase.verb else ""
    return f"{base} and {phrase.second}" if phrase.second else base


def _gerund(phrase: Phrase) -> str:
    base = gerund(phrase.verb.base) if phrase.verb else ""
    both = f"{base} and {gerund(phrase.second)}" if phrase.second else base
    return f"{both} {phrase.object}".strip()


def _synonyms(phrase: Phrase) -> tuple[str, ...]:
    return phrase.verb.synonyms if phrase.verb else ()


def _other_verbs(phrase: Phrase) -> list[str]:
    """Another verb before the same object."""
    return [f"{other} {phrase.object}".strip() for other in _synonyms(phrase)]


def _nouns(phrase: Phrase, lexicon: Lexicon, most: int = 6) -> list[str]:
    """Objects in other words, with article and tail."""
    found = []
    for count, noun in enumerate(replaced_nouns(phrase.noun, lexicon)):
        if count >= most:
            break
        found.append(_with_tail(phrase, noun))
    if not found and phrase.tail:
        found = [f"{phrase.noun} {other}" for other in islice(_tails(phrase, lexicon), 3)]
    return found


def _with_tail(phrase: Phrase, noun: str) -> str:
    article = phrase.article
    if article in ("a", "an"):
        article = "" if is_plural(noun) else ("an" if noun[:1] in "aeiou" else "a")
    return " ".join(filter(None, (article, noun, phrase.tail)))


def _tails(phrase: Phrase, lexicon: Lexicon) -> Iterator[str]:
    """The tail in other words."""
    lead, _, rest = phrase.tail.partition(" ")
    for other in replaced_nouns(rest, lexicon):
        yield f"{lead} {other}"


def _verb_and_noun(phrase: Phrase, lexicon: Lexicon) -> list[str]:
    """Another verb and another object: least like the label."""
    others = _nouns(phrase, lexicon)
    verbs = _synonyms(phrase)
    return [
        (f"{verb} {noun}" if (i + j) % 3 else gerund(f"{verb} {noun}"))
        for i, verb in enumerate(verbs)
        for j, noun in enumerate(others)
    ]


def _other_nouns(phrase: Phrase, lexicon: Lexicon) -> list[str]:
    return [f"{_verbs(phrase)} {noun}" for noun in _nouns(phrase, lexicon)]


def _acts(phrase: Phrase, verb: Verb, noun: str) -> list[str]:
    """Names of the act: ``staff management``, ``management of staff``."""
    found: list[str] = []
    if not noun or phrase.second:
        return found
    whole = " ".join(filter(None, (phrase.article if phrase.article == "the" else "", noun)))
    tail = f" {phrase.tail}" if phrase.tail else ""
    names = verb.nouns or ((gerund(verb.base),) if " " not in verb.base else ())
    before = compound(noun)
    for name in names:
        if _PREPOSITION.search(name):
            found.append(f"{name} {whole}{tail}")
            continue
        if before:
            found.append(f"{before} {name}{tail}")
        found.append(f"{name} of {whole}{tail}")
    if before and " " not in verb.base and gerund(verb.base) not in names:
        found.append(f"{before} {gerund(verb.base)}{tail}")
    return found


def _other_acts(phrase: Phrase, lexicon: Lexicon) -> list[str]:
    """Names of the act with the object in other words."""
    verb = phrase.verb
    found: list[str] = []
    if verb is not None:
        for count, noun in enumerate(replaced_nouns(phrase.noun, lexicon)):
            if count < 5:
                found += _acts(phrase, verb, noun)[:4]
    return found


def _topic_variants(
    skill: Skill, phrase: Phrase, noun_phrases: list[str], lexicon: Lexicon, rng: random.Random
) -> Iterator[str]:
    label = phrase.rest
    kind = topic_kind(skill)
    patterns = {"code": CODE, "tools": TOOLS, "legal": LEGAL, "things": THINGS}.get(kind, WIDE)
    told = [text if _is_name(text) else text[:1].lower() + text[1:] for text in noun_phrases[:2]]
    others = [f"{noun} {phrase.tail}".strip() for noun in replaced_nouns(phrase.noun, lexicon)]
    tails = [f"{phrase.noun} {tail}" for tail in _tails(phrase, lexicon)] if phrase.tail else []
    turned = list(_turned(label))
    noted = (
        [f"{label} {phrase.note}", f"{phrase.note} with {label}", f"{label} - {phrase.note}"]
        if phrase.note
        else []
    )
    bare = [label] if phrase.note else []
    filled = [pattern.format(label) for pattern in _fitting(patterns, label)]
    head, rest = _shuffled(filled[:5], rng), _shuffled(filled[5:], rng)
    changed = [
        pattern.format(other) for other, pattern in zip(others[:6], _fitting(patterns, label), strict=False)
    ]
    number = [_other_number(label)] if kind == "things" and not phrase.tail else []
    again = [text for other in others[:5] for text in _turned(other)]
    yield from in_turns(
        [bare + told, others[:10], turned, tails[:4], noted, head, number, changed, again[:6]],
    )
    yield from rest
    yield from (pattern.format(other) for other in others for pattern in _fitting(patterns, label))
    yield from (pattern.format(label) for pattern in LAST)


def _fitting(patterns: tuple[str, ...], label: str) -> list[str]:
    """Patterns that do not say a word of the label again, and put nothing after a long label."""
    words = {singular(word) for word in label.lower().split()}
    first = label.split()[0].lower() if label else ""
    kept = []
    for pattern in patterns:
        said = [singular(word) for word in pattern.replace("{}", "").split()]
        after = not pattern.endswith("{}")
        if words & set(said) or (after and (" of " in label or " in " in label or len(label.split()) > 4)):
            continue
        if first in ("types", "kinds", "principles", "characteristics") and (after or " of {}" in pattern):
            continue
        kept.append(pattern)
    return kept


def _turned(label: str) -> Iterator[str]:
    """The same words in another order: ``types of watches`` → ``watch types``."""
    if found := _OF.match(label):
        before = compound(found[2])
        yield from (f"{before} {found[1]}",) if before else ()
        if found[1] in ("types", "kinds", "varieties", "categories"):
            yield found[2]
            yield from (
                f"{other} of {found[2]}" for other in ("kinds", "varieties", "categories", "different sorts")
            )
            yield f"differences between {found[2]}" if is_plural(found[2]) else f"forms of {found[2]}"
    elif (found := _SUFFIX.match(label)) and not _ADJECTIVE.search(found[1]):
        topic = found[1]
        yield f"{found[2]} of {plural(topic) if found[2] in ('types',) else topic}"
        if found[2] in ("techniques", "methods", "procedures", "principles", "processes"):
            yield topic
            yield f"{found[2]} for {topic}" if topic.endswith("ing") else f"{found[2]} used in {topic}"
            yield from (f"{topic} {other}" for other in ("approaches", "practices", "skills", "know-how"))
        if found[2] in ("law", "legislation", "regulations"):
            yield from (
                f"{topic} {other}"
                for other in ("law", "legislation", "regulations", "rules", "legal framework")
            )
            yield f"{found[2]} on {topic}"


def _other_number(label: str) -> str:
    one = singular(label)
    return one if one != label else plural(label)


def _is_name(text: str) -> bool:
    first = text.split()[0]
    return any(char.isupper() for char in first[1:]) or any(char.isdigit() for char in first)


def _shuffled(texts: "list[str] | tuple[str, ...]", rng: random.Random, most: int | None = None) -> list[str]:
    mixed = list(texts)
    rng.shuffle(mixed)
    return mixed[:most]
