"""English inflection for the words of skills: verb forms, number, articles, and capitals of titles."""

import re
from collections.abc import Callable
from functools import lru_cache

__all__ = [
    "gerund",
    "is_plural",
    "past",
    "plural",
    "singular",
    "third_person",
    "title_case",
    "with_article",
    "word_set",
]


def word_set(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


_VOWELS = "aeiou"
_DOUBLED = word_set(
    "admit begin confer commit compel debug defer deter emit equip format handicap incur input occur omit "
    "outfit permit prefer program recur refer regret remit retrofit submit transfer transmit unplug upset "
    "handicap reship unwrap rewrap backlog"
)
_NOT_DOUBLED = word_set("parallel")
_GERUNDS = {
    "be": "being",
    "die": "dying",
    "lie": "lying",
    "tie": "tying",
    "dye": "dyeing",
    "age": "ageing",
    "singe": "singeing",
    "programme": "programming",
    "panic": "panicking",
    "mimic": "mimicking",
}
_PASTS = {
    "be": "was", "bear": "bore", "begin": "began", "bend": "bent", "bind": "bound", "breed": "bred",
    "bring": "brought", "build": "built", "buy": "bought", "cast": "cast", "catch": "caught",
    "choose": "chose", "come": "came", "cut": "cut", "deal": "dealt", "dig": "dug", "do": "did",
    "draw": "drew", "drive": "drove", "feed": "fed", "fell": "felled", "find": "found", "fly": "flew",
    "forecast": "forecast", "get": "got", "give": "gave", "go": "went", "grind": "ground",
    "grow": "grew", "hang": "hung", "have": "had", "hear": "heard", "hold": "held", "input": "input",
    "keep": "kept", "know": "knew", "lay": "laid", "lead": "led", "learn": "learned", "leave": "left",
    "lend": "lent", "let": "let", "light": "lit", "lose": "lost", "make": "made", "meet": "met",
    "oversee": "oversaw", "pay": "paid", "put": "put", "quit": "quit", "read": "read", "rebuild": "rebuilt",
    "rewrite": "rewrote", "ride": "rode", "rise": "rose", "run": "ran", "say": "said", "see": "saw",
    "seek": "sought", "sell": "sold", "send": "sent", "set": "set", "sew": "sewed", "shoot": "shot",
    "show": "showed", "shut": "shut", "sing": "sang", "sit": "sat", "speak": "spoke", "spend": "spent",
    "spin": "spun", "split": "split", "spread": "spread", "stand": "stood", "steal": "stole",
    "stick": "stuck", "strive": "strove", "swim": "swam", "take": "took", "teach": "taught",
    "tell": "told", "think": "thought", "undertake": "undertook", "understand": "understood",
    "upset": "upset", "wear": "wore", "weave": "wove", "wind": "wound", "withdraw": "withdrew",
    "withstand": "withstood", "write": "wrote",
}  # fmt: skip
_PLURALS = {
    "person": "people", "child": "children", "man": "men", "woman": "women", "foot": "feet",
    "tooth": "teeth", "mouse": "mice", "leaf": "leaves", "shelf": "shelves", "knife": "knives",
    "life": "lives", "half": "halves", "calf": "calves", "hoof": "hooves", "loaf": "loaves",
    "wolf": "wolves", "analysis": "analyses", "diagnosis": "diagnoses", "basis": "bases",
    "hypothesis": "hypotheses", "thesis": "theses", "prosthesis": "prostheses", "orthosis": "orthoses",
    "crisis": "crises", "criterion": "criteria", "phenomenon": "phenomena", "medium": "media",
    "curriculum": "curricula", "bacterium": "bacteria", "stimulus": "stimuli", "fungus": "fungi",
    "larva": "larvae", "formula": "formulas", "die": "dies", "tomato": "tomatoes", "potato": "potatoes",
    "hero": "heroes", "echo": "echoes", "cargo": "cargoes", "lens": "lenses", "gas": "gases", "bus": "buses",
    "virus": "viruses", "campus": "campuses", "appendix": "appendices", "matrix": "matrices",
    "vertebra": "vertebrae", "synthesis": "syntheses", "axis": "axes", "emphasis": "emphases",
    "focus": "focuses", "census": "censuses", "bonus": "bonuses", "apparatus": "apparatus",
    "workforce": "workforces", "movie": "movies", "cookie": "cookies", "tie": "ties", "pie": "pies",
    "calorie": "calories", "zombie": "zombies", "shoe": "shoes", "canoe": "canoes", "goose": "geese",
    "axe": "axes", "genie": "genies", "prairie": "prairies", "eyelash": "eyelashes",
}  # fmt: skip
_SINGULARS = {many: one for one, many in _PLURALS.items() if many != one} | {
    "media": "media",  # the press
    "axes": "axis",
    "staves": "stave",
    "bases": "base",
}
_ALWAYS_PLURAL = word_set(
    "goods clothes premises headquarters glasses scissors tongs spectacles pliers trousers jeans statistics "
    "funds finances contents remains surroundings earnings savings species series means works diabetes "
    "rabies aerobics arms customs news fundamentals basics furnishings logistics ethics"
)
_MASS = word_set(
    "advice aid air apparel assistance baggage behaviour care cattle cash clothing compliance conduct "
    "conformity content data documentation education electricity energy equipment evidence expertise fabric "
    "finance food footwear freight fuel furniture gear glassware guidance hardware health help hygiene "
    "information instruction jewellery knowledge know-how labour legislation leisure literature livestock "
    "logistics luggage lumber machinery maintenance merchandise money music news nourishment nutrition "
    "packaging personnel plastic poultry power produce production progress promotion protection publicity "
    "recruitment refuse research retail rubbish safety sanitation scenery security software staff storage "
    "stationery sport support teamwork timber tourism traffic training transport transportation travel "
    "upkeep vegetation warehousing waste water wealth weather wellness well-being wildlife wood work "
    "workforce youth people media feedback garbage greenery fish meat wool stuff marketing trade "
    "administration accommodation management supervision surveillance leadership"
)
_SMALL = word_set("a an and as at but by for from in into nor of on or over the to up via with")
_AN = re.compile(r"^(?:[aeioAEIO]|u(?!ni|se|su|ti|k\b|r[io])|[FHLMNRSX](?:[A-Z]|\b)|hour|honest|honour|heir)")
_NOT_AN = re.compile(r"^(?:one\b|once|[Ee]u|ew)")


def gerund(phrase: str) -> str:
    """``carry out tests`` → ``carrying out tests``: the -ing form of the first word."""
    return _first(phrase, _gerund)


def third_person(phrase: str) -> str:
    """``carry out tests`` → ``carries out tests``."""
    return _first(phrase, _third)


def past(phrase: str) -> str:
    """``carry out tests`` → ``carried out tests``."""
    return _first(phrase, _past)


def plural(phrase: str) -> str:
    """The last word in the plural; what has none, or is one, stays."""
    return _last(phrase, _plural)


def singular(phrase: str) -> str:
    """The last word in the singular; what has none, or is one, stays."""
    return _last(phrase, _singular)


def is_plural(phrase: str) -> bool:
    """Whether the last word is a plural."""
    last = phrase.rpartition(" ")[2].lower()
    return last in _ALWAYS_PLURAL or last in ("people", "cattle") or _singular(last) != last


def with_article(phrase: str) -> str:
    """``a`` or ``an`` before a singular count noun; a plural or a mass noun stays as it is."""
    last = phrase.rpartition(" ")[2].lower()
    if is_plural(phrase) or last in _MASS or last.endswith(("ing", "ics", "ness", "ity", "ism")):
        return phrase
    return f"{'an' if _AN.match(phrase) and not _NOT_AN.match(phrase) else 'a'} {phrase}"


def title_case(phrase: str) -> str:
    """Capitals as in a job title; words that have capitals or digits keep them."""
    words = phrase.split()
    return " ".join(
        word
        if any(c.isupper() or c.isdigit() for c in word) or (index and word in _SMALL)
        else _capital(word)
        for index, word in enumerate(words)
    )


def _capital(word: str) -> str:
    start = next((index for index, char in enumerate(word) if char.isalpha()), 0)
    return word[:start] + word[start : start + 1].upper() + word[start + 1 :]


def _first(phrase: str, form: Callable[[str], str]) -> str:
    word, space, rest = phrase.partition(" ")
    head, hyphen, tail = word.rpartition("-")
    return f"{head}{hyphen}{form(tail)}{space}{rest}"


def _last(phrase: str, form: Callable[[str], str]) -> str:
    before, space, word = phrase.rpartition(" ")
    return f"{before}{space}{form(word)}"


def _gerund(verb: str) -> str:
    if verb in _GERUNDS:
        return _GERUNDS[verb]
    if verb.endswith("ie"):
        return f"{verb[:-2]}ying"
    if verb.endswith("e") and not verb.endswith(("ee", "oe", "ye")):
        return f"{verb[:-1]}ing"
    return f"{_stem(verb)}ing"


def _past(verb: str) -> str:
    if verb in _PASTS:
        return _PASTS[verb]
    if verb.endswith("e"):
        return f"{verb}d"
    if verb.endswith("y") and verb[-2:-1] not in _VOWELS:
        return f"{verb[:-1]}ied"
    return f"{_stem(verb)}ed"


def _third(verb: str) -> str:
    if verb in ("be", "have"):
        return {"be": "is", "have": "has"}[verb]
    if verb.endswith(("s", "x", "z", "ch", "sh")) or verb in ("do", "go"):
        return f"{verb}es"
    if verb.endswith("y") and verb[-2:-1] not in _VOWELS:
        return f"{verb[:-1]}ies"
    return f"{verb}s"


def _stem(verb: str) -> str:
    """The verb with its last letter doubled where the spelling asks for it."""
    if verb in _NOT_DOUBLED or len(verb) < 3 or verb[-1] in f"{_VOWELS}wxyh":
        return verb
    vowels = len(re.findall(r"[aeiouy]+", verb.replace("qu", "q")))
    ends_short = verb[-2] in _VOWELS and (verb[-3] not in _VOWELS or verb[-4:-1] == "qui")
    if ends_short and (vowels == 1 or verb in _DOUBLED or verb[-1] == "l"):
        return verb + verb[-1]
    return verb


def _plural(noun: str) -> str:
    low = noun.lower()
    if low in _MASS or low in _ALWAYS_PLURAL or _singular(noun) != noun or low.endswith(("ics", "chassis")):
        return noun
    if low in _PLURALS:
        return _PLURALS[low]
    if low.endswith(("man", "woman")) and low not in ("human", "german"):
        return f"{noun[:-2]}en"
    if low.endswith(("s", "x", "z", "ch", "sh")):
        return f"{noun}es"
    if low.endswith("y") and low[-2:-1] not in _VOWELS:
        return f"{noun[:-1]}ies"
    return f"{noun}s"


@lru_cache(maxsize=1 << 16)
def _singular(noun: str) -> str:
    low = noun.lower()
    if noun[:-1].isupper() and noun.endswith("s"):  # PCs, KPIs
        return noun[:-1]
    if low in _SINGULARS:
        return _SINGULARS[low]
    if low in _ALWAYS_PLURAL or low.endswith(("ss", "us", "is", "ics")) or low in _PLURALS or len(low) < 4:
        return noun
    if low.endswith("men"):
        return f"{noun[:-2]}an" if low not in ("specimen", "regimen", "abdomen", "women") else noun
    if low.endswith("ies"):
        return f"{noun[:-3]}y"
    if low.endswith(("sses", "xes", "ches", "shes", "zzes")) and low not in ("caches", "aches", "headaches"):
        return noun[:-2]
    if low.endswith("s") and not noun.isupper():
        return noun[:-1]
    return noun
