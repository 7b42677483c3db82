"""What names no job in a job title, by kind: patterns of signs and numbers, and the words of noise.toml."""

import re
import tomllib
from importlib.resources import files
from typing import Final

__all__ = ["ADVERTISING", "GENDER", "GENDER_ENDING", "HOURS", "PAY", "PLACEMENT", "REFERENCE", "SENIORITY"]

_PHRASES: Final = tomllib.loads(files(__package__).joinpath("noise.toml").read_text(encoding="utf-8"))


def _compiled(kind: str, *patterns: str) -> re.Pattern[str]:
    """Patterns, and the words of a kind, which match as whole words."""
    phrases = sorted((one for some in _PHRASES.get(kind, {}).values() for one in some), key=len, reverse=True)
    words = "|".join(phrase.replace(" ", r"[\s-]+") for phrase in phrases)
    both = [*patterns, rf"(?<!\w)(?:{words})(?!\w)"] if words else patterns
    return re.compile("|".join(both), re.IGNORECASE)


_SIGN: Final = r"[/|,*:\\-]"
_SEX: Final = r"(?:m|w|d|f|x|h|i|v|k|n|o|u|gn|div|divers|any|all)"
GENDER: Final = _compiled(
    "gender",
    rf"[(\[]\s*{_SEX}(?:\s*{_SIGN}\s*{_SEX}){{1,4}}\s*[)\]]",  # (m/w/d), [H/F]
    rf"(?<![\w/])(?:m|w|f|h)(?:\s*[/|]\s*{_SEX}){{1,4}}(?![\w/])",  # H/F, m/w/d
)
"""Gender markers, such as ``(m/w/d)``, ``H/F`` or *all genders*."""

GENDER_ENDING: Final = re.compile(
    r"(?<=\w{3})(?:[*:_·•]|/-?|\(-?)"
    r"(?:innen|in|euse|ère|eure|rice|trice|nne|ne|se|esa|ora|es|er|e|as|os|a|o|r|n)\b\)?(?!\w)",
    re.IGNORECASE,
)
"""Endings of the other gender, such as those of ``Maler/in``, ``Fliesenleger*in`` or ``enfermero/a``."""

_TO: Final = r"(?:\s*(?:-|\u2013|to|bis|à)\s*"
_MONEY: Final = r"(?:[$€£]|(?<!\w)(?:eur|euros?|usd|gbp|chf|pln|sek|nok|dkk|czk)(?!\w))"
_AMOUNT: Final = r"\d[\d.,' ]*(?:k(?!\w))?"
_PERIOD: Final = (
    r"(?:\s*(?:/|per|an?|pro|par|por|al|pa|p)[\s.]*"
    r"(?:hour|hr|h|day|week|wk|month|year|annum|a|stunde|std|tag|monat|jahr|heure|jour|mois|hora|mes|año)(?!\w))"
)
PAY: Final = _compiled(
    "pay",
    rf"{_MONEY}\s*{_AMOUNT}{_TO}{_MONEY}?\s*{_AMOUNT})?{_PERIOD}?",
    rf"(?<![\w.]){_AMOUNT}{_TO}{_AMOUNT})?\s*{_MONEY}{_PERIOD}?",
    rf"(?<![\w.])\d[\d.,]*k?{_PERIOD}",
)
"""Pay and what is paid beside it."""

HOURS: Final = _compiled(
    "hours",
    rf"(?<!\w)\d{{1,3}}{_TO}\d{{1,3}})?\s*%",
    r"(?<!\w)\d{1,2}(?:[.,]\d+)?\s*(?:h|hrs?|hours?|std\.?|stunden|heures|horas|ore)(?!\w)"
    r"(?:\s*(?:/|per|pro|par|a)\s*(?:week|wk|woche|semaine|semana))?",
    r"(?<!\w)\d\s*on\s*\d\s*off(?!\w)",
)
"""Hours, kinds of contract, and where one works from."""

ADVERTISING: Final = _compiled("advertising", r"!+")
"""Words of advertising."""

REFERENCE: Final = _compiled(
    "reference",
    r"(?<!\w)(?:job|ref|req|requisition|reference|referenz|kennziffer|réf|vacancy|position|posting|id|nr|no)\b"
    r"[\s.:#-]*(?:id|no|nr|number|code)?[\s.:#-]*\w*\d{2,}[\w/-]*:?",
    r"#\s*\w*\d+[\w/-]*",
    r"(?<![\w.])[A-Z]{0,4}-?\d{4,}(?:[-/]\w+)*(?![\w%])",
    r"(?<!\w)\d+\s*(?:x|posts?|positions?|openings?|vacancies|stellen|postes|plazas)(?!\w)|(?<!\w)x\s?\d+(?!\w)",
    r"(?<![\w.])(?:19|20)\d\d(?:[/-]\d{2,4})?(?!\w)",
)
"""Numbers of a vacancy, how many there are, and years."""

SENIORITY: Final = _compiled(
    "seniority",
    r"(?<!\w)(?:sr|jr|snr|jnr)(?:\.|(?!\w))",
    r"(?<!\w)(?:grade|level|band|class|tier|step|stufe|entgeltgruppe|niveau)\s*[\dIVX]+[a-z]?(?!\w)",
    r"(?<!\w)\d(?:st|nd|rd|th)\s+year(?!\w)",
    r"(?<=\w)\s+(?:I{1,3}|IV|V)(?=\s*$)",
)
"""Seniority, kept apart: it changes what one is paid more than what one can."""

PLACEMENT: Final = re.compile(r"\s+(?:at|in|near|bei|für|chez|à|en|presso)\s+(?=[A-ZÀ-Þ])|\s*@\s*")
"""Where the name of an employer or a place begins."""
