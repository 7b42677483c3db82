"""Prompts for a language model, and reading the texts of its answer."""

import re
from collections.abc import Sequence
from typing import Any

from pydantic_core import from_json

from skillsearch.taxonomy.records import Skill
from trainer.data.generators.base import Kind

__all__ = ["PROMPT_VERSION", "SYSTEM", "parse_answer", "prompt"]

PROMPT_VERSION = 1
"""A part of the generator's name: changed prompts make new texts."""

SYSTEM = (
    "You write realistic texts of the labour market, in the language of the skill that you are given. "
    'Answer with one JSON object of the form {"texts": ["...", "..."]} and nothing else.'
)

_REQUESTS: dict[Kind, str] = {
    "titles": (
        "Write {count} different titles of job vacancies whose holders need this skill at work. Write them "
        "as employers do: of several industries and levels of seniority, some short, some with a speciality, "
        "a department or a note such as (m/f/d). At most ten words each, no company names. Do not only "
        "repeat the words of the skill: name the jobs that people really have."
    ),
    "sentences": (
        "Write {count} different sentences from job vacancies that ask for this skill or describe work that "
        "needs it. Vary them: requirements, responsibilities, bullet points of a few words, long sentences "
        "that mention other things too. Most do not use the name of the skill, but say in other words what "
        "is done. Each stands on its own, with 4 to 40 words."
    ),
    "variants": (
        "Write {count} different other names of this skill, as another taxonomy, a curriculum vitae or a "
        "vacancy would call it: synonyms, common abbreviations, noun phrases, verb phrases, other word "
        "orders. Keep the meaning: neither broader nor narrower. At most ten words each."
    ),
}

_FENCE = re.compile(r"```(?:json)?\s*(.*?)```", re.DOTALL)
_QUOTES = "\"'“”"


def prompt(skill: Skill, kind: Kind, count: int, have: Sequence[str] = ()) -> str:
    """The message that asks for texts of one kind; texts in `have` are named so that others come."""
    lines = [f"Skill: {' '.join(skill.label.split())}"]
    if skill.description:
        lines.append(f"Description: {' '.join(skill.description.split())}")
    lines += ["", _REQUESTS[kind].format(count=count)]
    if have:
        lines += ["", "There are these already; write others:", *(f"- {text}" for text in have)]
    return "\n".join(lines)


def parse_answer(answer: str) -> list[str] | None:
    """The texts of an answer: a JSON object with one list, or the list alone, perhaps in a code fence.

    Returns:
        The texts, or None where the answer does not have that form.
    """
    fenced = _FENCE.search(answer)
    try:
        texts = _strings(from_json(fenced[1] if fenced else answer))
    except ValueError:
        return None
    return None if texts is None else [text.strip().strip(_QUOTES).strip() for text in texts]


def _strings(value: Any) -> list[str] | None:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        found = [inner for inner in value.values() if isinstance(inner, list)]
        return _strings(found[0]) if len(found) == 1 else None
    if isinstance(value, list):
        return [text for text in value if isinstance(text, str)]
    return None
