"""Fit the weights by which `extract` reads clauses, on sentences with the labels of their skills.

    python benchmarks/fit_reading.py --home HOME --skillskape train.csv --sentences 800

The columns are sentence and skills, a list of labels. A skill near to a clause is right where the sentence
was written for it. The weights printed belong into skillsearch/tasks/reading.py.
"""

import argparse
import random
from pathlib import Path

import numpy as np
from extraction import read

from skillsearch import SkillSearch
from skillsearch.rank.logistic import fit_logistic
from skillsearch.tasks.reading import Lexicon, Reader
from skillsearch.words.clauses import clauses
from skillsearch.words.sentences import sentences


def main() -> None:
    """Fit, and print the weights."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--home", required=True)
    parser.add_argument("--skillskape", type=Path, required=True)
    parser.add_argument("--sentences", type=int, default=800)
    given = parser.parse_args()
    truth = list(read(given.skillskape, None).items())
    random.Random(0).shuffle(truth)  # noqa: S311 - a reproducible draw, not a secret
    tables, right = [], []
    with SkillSearch.open(home=given.home, device="cpu") as skills, skills._engine.run() as run:
        names = run.kept.names("skills")
        reader = Reader(Lexicon.of(names), run.kept.vectors("skills"), run.confidence("skills"))
        for sentence, labels in truth[: given.sentences]:
            for part in sentences(sentence):
                texts = [part.text[start:end] for start, end in clauses(part.text)]
                if part.kind != "asks" or not texts:
                    continue
                for uris, table in reader.candidates(texts, run.encode(texts)):
                    tables.append(table)
                    right += [names.labels[uri] in labels for uri in uris]
    weights = fit_logistic(np.concatenate(tables), np.array(right, dtype=np.float64))
    print(", ".join(f"{weight:.3g}" for weight in weights))  # noqa: T201 - a script's output


if __name__ == "__main__":
    main()
