"""English word forms by lemminflect."""

import re
from functools import cache

from lemminflect import getAllLemmas, getInflection, getLemma

__all__ = ["agent", "gerund", "is_verb", "plural", "singular", "split_verbs", "word_set"]


def word_set(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


_KEPT = word_set(
    "goods sales data media premises glasses news clothes savings operations arms works means series"
)
_PARTICLES = word_set("up out off down away back on in with to for at from of about into against")
_VERB_LIST = re.compile(r"([\w-]+)(?: up| out| off)?((?:, [\w-]+)*),? (?:and|or|&) ([\w-]+)(?= )")


@cache
def is_verb(word: str) -> bool:
    """Whether a word is the base form of a verb; ``post-process`` counts by its last part."""
    last = word.rpartition("-")[2]
    return last in getAllLemmas(last).get("VERB", ())


def split_verbs(phrase: str) -> tuple[str, str]:
    """``plan and lead work`` → ``plan and lead``, ``work``; ``deal with it`` → ``deal with``, ``it``."""
    found = _VERB_LIST.match(phrase)
    if found and all(map(is_verb, re.findall(r"[\w-]+", " ".join(found.groups())))):
        return found[0], phrase[found.end() :].strip()
    verb, _, rest = phrase.partition(" ")
    particle, _, more = rest.partition(" ")
    return (f"{verb} {particle}", more) if more and particle in _PARTICLES else (verb, rest)


def gerund(phrase: str) -> str:
    """``plan and lead work`` → ``planning and leading work``: the -ing form of the verbs at the start."""
    verbs, rest = split_verbs(phrase)
    kept = _PARTICLES | {"and", "or"}
    forms = re.sub(r"[\w-]+", lambda word: word[0] if word[0] in kept else _gerund(word[0]), verbs)
    return f"{forms} {rest}".strip()


@cache
def agent(verb: str) -> str:
    """Agent noun, if the dictionary has it: ``weld`` → ``welder``, ``inspect`` → ``inspector``."""
    stem = _gerund(verb).removesuffix("ing")
    return next((stem + end for end in ("er", "or") if "NOUN" in getAllLemmas(stem + end)), "")


def singular(phrase: str) -> str:
    """A phrase with its last word in the singular; names and words without one are kept."""
    before, space, word = phrase.rpartition(" ")
    return f"{before}{space}{_singular(word)}"


def plural(phrase: str) -> str:
    """A phrase with its last word in the plural."""
    before, space, word = phrase.rpartition(" ")
    return f"{before}{space}{(getInflection(word, 'NNS') or (word,))[0]}"


@cache
def _gerund(verb: str) -> str:
    before, hyphen, last = verb.rpartition("-")
    forms = getInflection(last, "VBG") or (f"{last}ing",)
    british = max(forms, key=len) if last.endswith("l") else forms[0]
    return f"{before}{hyphen}{'programming' if last == 'program' else british}"


@cache
def _singular(word: str) -> str:
    if word != word.lower():
        return word[:-1] if re.fullmatch(r"[A-Z]{2,}s", word) else word
    if word in _KEPT or word.endswith(("ss", "ics", "us")):
        return word
    return str((getLemma(word, "NOUN") or (word,))[0])
