"""What a language model is asked for, in words."""

from collections.abc import Sequence

from skillsearch.taxonomy.records import Skill
from trainer.data.generators.base import Kind

__all__ = ["PROMPT_VERSION", "SYSTEM", "prompt"]

PROMPT_VERSION = 1
"""A part of the generators' names: changed prompts make new texts."""

SYSTEM = (
    "You write realistic texts of the labour market, in the language of the skill that you are given. "
    'Answer with one JSON object of the form {"texts": ["...", "..."]} and nothing else.'
)

_TASKS: dict[Kind, str] = {
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


def prompt(skill: Skill, kind: Kind, count: int, have: Sequence[str] = ()) -> str:
    """The message that asks for texts of one kind; texts in `have` are named so that others come."""
    lines = [f"Skill: {' '.join(skill.label.split())}"]
    if skill.description:
        lines.append(f"Description: {' '.join(skill.description.split())}")
    lines += ["", _TASKS[kind].format(count=count)]
    if have:
        lines += ["", "There are these already; write others:", *(f"- {text}" for text in have)]
    return "\n".join(lines)
