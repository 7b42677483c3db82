"""From what a language model wrote to a list of texts."""

import json
import re
from typing import Any

__all__ = ["parse_answer"]

_FENCE = re.compile(r"```(?:json)?\s*(.*?)```", re.DOTALL)
_ITEM = re.compile(r"^\s*(?:\d{1,3}[.)]|[-*•])\s+(.*\S)\s*$")
_QUOTES = "\"'“”"


def parse_answer(answer: str, *, lists: bool = False) -> list[str] | None:
    """The texts of an answer, or None where it holds none in a form that was asked for.

    Args:
        answer: a JSON object with one list of strings, or the list alone, with or without a code
            fence around it.
        lists: take a numbered or bulleted list too.
    """
    fenced = _FENCE.search(answer)
    try:
        texts = _strings(json.loads(fenced[1] if fenced else answer))
    except (ValueError, RecursionError):
        texts = None
    if texts is None and lists:
        items = [match[1] for line in answer.splitlines() if (match := _ITEM.match(line))]
        texts = items or None
    return None if texts is None else [text.strip().strip(_QUOTES).strip() for text in texts]


def _strings(value: Any) -> list[str] | None:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        found = [inner for inner in value.values() if isinstance(inner, list)]
        return _strings(found[0]) if len(found) == 1 else None
    if isinstance(value, list):
        return [text for text in value if isinstance(text, str)]
    return None
