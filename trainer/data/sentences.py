"""Sentences: splitting texts into them, and reading those that are labelled with skills."""

import ast
import re
from collections import Counter
from itertools import chain
from pathlib import Path

from skillsearch.errors import TrainingError
from skillsearch.tables import Record, Table
from skillsearch.taxonomy.records import Taxonomy
from trainer.unified.nodes import normal_text

__all__ = ["read_labelled_sentences", "split_sentences"]

_LINES = re.compile(r"[\r\n\u2028\u2029]+|\s[\u2022\u00b7*]\s")
_BULLET = re.compile(r"^\s*(?:[-\u2013\u2014\u2022\u00b7*>]+|\(?\d{1,2}[.)])\s+")
_END = re.compile(r"(?<=[.!?])\s+(?=[\"'(\[]*[A-Z0-9\u00c0-\u00de])")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\[])(?:e\.g|i\.e|incl|approx|vs|cf|no|nr|mr|mrs|ms|dr|prof|st|[a-z])\.$", re.IGNORECASE
)
_NO_SKILL = "UNK"  # SkillSkape's label of a sentence without a skill


def split_sentences(text: str) -> list[str]:
    """The sentences of a text, without bullets, white space folded.

    A line ends a sentence, and so does a full stop, question or exclamation mark before a capital
    or digit, unless it ends an abbreviation such as ``e.g.`` or an initial.
    """
    sentences = []
    for line in _LINES.split(text):
        held = ""
        for part in _END.split(_BULLET.sub("", line)):
            held = f"{held} {part}".strip()
            if not _ABBREVIATION.search(held):
                sentences.append(held)
                held = ""
        if held:
            sentences.append(held)
    return [folded for sentence in sentences if (folded := " ".join(sentence.split()))]


def read_labelled_sentences(
    path: Path, taxonomy: Taxonomy, skipped: Counter[str]
) -> dict[str, dict[str, None]]:
    """Read sentences and the URIs of their skills, from a file such as SkillSkape's.

    Args:
        path: a CSV with the columns ``sentence`` and ``skills``: preferred labels as a Python or JSON
            list, or one label. Case does not count; a label of several skills stands for all of them.
        taxonomy: of the skills.
        skipped: rows without a skill and unknown labels are counted here.

    Raises:
        TrainingError: the file cannot be read, a cell is not a list of labels, or no sentence has a skill
            of the taxonomy.
    """
    uris: dict[str, list[str]] = {}
    for uri, skill in taxonomy.skills.items():
        uris.setdefault(normal_text(skill.label).casefold(), []).append(uri)
    sentences: dict[str, dict[str, None]] = {}
    for row in Table.at(path, error_type=TrainingError).rows("sentence", "skills"):
        labels = [label for label in _labels(row) if label != _NO_SKILL]
        known = [uris.get(normal_text(label).casefold(), []) for label in labels]
        skipped["labelled sentence: unknown label"] += known.count([])
        if any(known):
            sentences.setdefault(row["sentence"], {}).update(dict.fromkeys(chain.from_iterable(known)))
        else:
            skipped["labelled sentence: no skill of the taxonomy"] += 1
    if not sentences:
        raise TrainingError(f"{path}: no sentence has the preferred label of a skill of {taxonomy}")
    return sentences


def _labels(row: Record) -> list[str]:
    cell = row["skills"]
    if not cell.startswith("["):
        return [cell] if cell else []
    try:
        labels = ast.literal_eval(cell)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        labels = None
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise row.error("skills", f"{cell[:80]!r}, expected a list of labels such as ['use SQL', 'Java']")
    return labels
