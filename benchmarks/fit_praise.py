"""Fit the weights by which sentences that ask for nothing are told, and compare them with the rules.

    python benchmarks/fit_praise.py --skillskape train.csv > skillsearch/words/praise.toml

The columns are sentence and skills; sentences without any have UNK. One half of the sentences is fitted
on; on the other, what the rules of cues.toml silence, what the weights silence, and both together are
counted, to standard error.
"""

import argparse
import csv
import json
import random
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from skillsearch.arrays import BoolArray, Float64Array
from skillsearch.rank.logistic import fit_logistic, logistic
from skillsearch.words.praise import CONSTANT, word_parts
from skillsearch.words.sentences import kind_by_cues

NO_SKILL = "['UNK']"
WORDS = 40  # weights
RIDGE = 1.0
FEWEST = 10  # sentences that a word is in


def main() -> None:
    """Fit, compare, and print the weights."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--skillskape", type=Path, required=True)
    given = parser.parse_args()
    found: dict[str, bool] = {}
    with given.skillskape.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found[row["sentence"]] = found.get(row["sentence"], True) and row["skills"] == NO_SKILL
    texts = list(found.items())
    random.Random(0).shuffle(texts)  # noqa: S311 - a reproducible draw, not a secret
    fitted, held = texts[::2], texts[1::2]
    words = _telling(fitted)
    weights = fit_logistic(_table(fitted, words), _truth(fitted).astype(np.float64), ridge=RIDGE)
    by_words = logistic(_table(held, words) @ weights) > 0.5
    by_rules = np.array([kind_by_cues(text) != "asks" for text, _ in held])
    _tell("rules", by_rules, _truth(held))
    _tell("words", by_words, _truth(held))
    _tell("both", by_rules | by_words, _truth(held))
    print("# Weights of roots of words, and of neighbours, by which a sentence asks for nothing.")  # noqa: T201
    print("# Written by benchmarks/fit_praise.py.\n\n[weights]")  # noqa: T201
    for word, weight in zip([CONSTANT, *words], weights.tolist(), strict=True):
        print(f"{json.dumps(word)} = {weight:.3g}")  # noqa: T201


Texts = Sequence[tuple[str, bool]]


def _telling(texts: Texts) -> list[str]:
    """The words that tell the two kinds apart best, by the log odds ratio over its error."""
    counts = {True: Counter[str](), False: Counter[str]()}
    for text, is_empty in texts:
        counts[is_empty].update(word_parts(text))
    total = Counter(is_empty for _, is_empty in texts)

    def strength(word: str) -> float:
        yes, no = counts[True][word] + 0.5, counts[False][word] + 0.5
        odds = np.log(yes / (total[True] + 1 - yes)) - np.log(no / (total[False] + 1 - no))
        return float(abs(odds) / np.sqrt(1 / yes + 1 / no))

    known = [word for word, count in (counts[True] + counts[False]).items() if count >= FEWEST]
    return sorted(known, key=lambda word: (-strength(word), word))[:WORDS]


def _table(texts: Texts, words: Sequence[str]) -> Float64Array:
    """Shape (n, 1 + words): 1, and which words a text has."""
    parts = [word_parts(text) for text, _ in texts]
    return np.array([[1.0, *(float(word in some) for word in words)] for some in parts])


def _truth(texts: Texts) -> BoolArray:
    return np.array([is_empty for _, is_empty in texts])


def _tell(name: str, silenced: BoolArray, truth: BoolArray) -> None:
    right = int((silenced & truth).sum())
    print(  # noqa: T201
        f"{name}: {right} of {truth.sum()} without a skill silenced, {int(silenced.sum()) - right} of "
        f"{(~truth).sum()} with one",
        file=sys.stderr,
    )


if __name__ == "__main__":
    main()
