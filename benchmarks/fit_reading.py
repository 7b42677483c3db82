"""Fit the weights by which `extract` reads clauses, on sentences with the labels of their skills.

    python benchmarks/fit_reading.py --home HOME --skillskape train.csv --sentences 4000

The columns are sentence and skills, a list of labels. A skill near to a clause is right where the sentence
was written for it. Every other sentence is fitted on; the rest tells what thresholds give, with the
weights of skillsearch/tasks/reading.py and with those printed, which belong there.

--late-interaction adds two columns to what is seen: how near each token of the clause is to its nearest of
the label, on average, and the other way round. It is measured only; nothing reads by it.
"""

import argparse
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from skillsearch import SkillSearch
from skillsearch.arrays import Float32Array, Float64Array
from skillsearch.rank.logistic import fit_logistic, logistic
from skillsearch.rank.token_cache import TOKENS, TokenCache
from skillsearch.rank.token_table import TokenTable
from skillsearch.tasks import text_to_skills
from skillsearch.tasks.engine import Run
from skillsearch.tasks.reading import WEIGHTS
from skillsearch.words.sentences import sentences
from trainer.evaluate.served.extract import Counts
from trainer.evaluate.served.text_sets import Sentence, read_sentences

Near = list[tuple[list[str], Float64Array]]
"""The skills that each clause may mean, and what is seen of them."""

THRESHOLDS = (0.08, 0.1, 0.12, 0.15, 0.2, 0.25)


@dataclass
class Read:
    """A sentence: its skills, those it names, and the labels near each clause with what is seen of them."""

    wanted: frozenset[str]
    named: frozenset[str]
    clauses: list[tuple[list[str], Float64Array]]


def main() -> None:
    """Fit, and print the weights and what they give."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--home", required=True)
    parser.add_argument("--skillskape", type=Path, required=True)
    parser.add_argument("--sentences", type=int, default=4000)
    parser.add_argument("--late-interaction", action="store_true")
    given = parser.parse_args()
    with SkillSearch.open(home=given.home, device="cpu") as skills, skills._engine.run() as run:
        labels = {uri: label.strip() for uri, label in skills.labels("skills").items()}
        truth = list(read_sentences(given.skillskape, set(labels.values())).sentences)
        random.Random(0).shuffle(truth)  # noqa: S311 - a reproducible draw, not a secret
        cache = TokenCache(run.engine.encoder, Path(given.home) / TOKENS)
        tokens = cache.of(run.build) if given.late_interaction else None
        found = [seen(run, one, labels, tokens) for one in truth[: given.sentences]]
    fitted, held = found[::2], found[1::2]
    clauses = [(table, labels, one.wanted) for one in fitted for labels, table in one.clauses]
    right = [float(label in wanted) for _, labels, wanted in clauses for label in labels]
    weights = fit_logistic(np.concatenate([table for table, _, _ in clauses]), np.array(right))
    print(f"{len(fitted):,} sentences fitted on, {len(held):,} held out")  # noqa: T201
    both = {"of reading.py": np.array(WEIGHTS), "fitted": weights}
    for name, some in list(both.items())[given.late_interaction :]:
        print(f"weights {name}: {', '.join(f'{weight:.3g}' for weight in some)}")  # noqa: T201
        for threshold in THRESHOLDS:
            counts, silent = decided(held, some, threshold)
            print(  # noqa: T201
                f"  {threshold:.2f}: precision {counts.precision:.3f}, recall {counts.recall:.3f}, "
                f"F1 {counts.f1:.3f}, silent {silent:.3f}"
            )


def seen(run: Run, sentence: Sentence, labels: dict[str, str], tokens: TokenTable | None) -> Read:
    """What `extract` sees of a sentence."""
    parts = [part for part in sentences(sentence.text) if part.kind == "asks"]
    named = list(text_to_skills._named(run, parts))
    unmatched = list(text_to_skills._unmatched(run, parts, named))
    clauses = list[tuple[list[str], Float64Array]]()
    for part in parts:
        texts = [text for _, _, text in text_to_skills._clauses(part, named, unmatched)]
        if texts and not part.is_heading:
            near = text_to_skills._reader(run).candidates(texts, run.encode(texts))
            if tokens is not None:
                near = met(run, texts, near, tokens)
            clauses += [([labels[uri].strip() for uri in uris], table) for uris, table in near]
    asked = frozenset(labels[one.uris[0]] for one in named if one.requirement != "excluded")
    return Read(sentence.labels, asked, clauses)


def met(run: Run, texts: list[str], near: Near, tokens: TokenTable) -> Near:
    """The same with two columns more, of late interaction."""
    labels, found = run.kept.names("skills").labels, []
    for clause, (uris, table) in zip(run.engine.encoder.encode_tokens(texts), near, strict=True):
        block, mask = tokens.padded(np.array([tokens.index[labels[uri]] for uri in uris], dtype=np.int64))
        both = []
        for label, used in zip(block.astype(np.float32), mask, strict=True):
            cosines = unit(clause[1:-1]) @ unit(label[used][1:-1]).T  # without the tokens that begin and end
            means = (cosines.max(axis=axis).mean() for axis in (1, 0))
            both.append(tuple(means) if cosines.size else (0.0, 0.0))
        found.append((uris, np.concatenate([table, np.array(both)], axis=1)))
    return found


def unit(rows: Float32Array) -> Float32Array:
    """Rows of unit length: shape (n, d)."""
    scaled: Float32Array = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return scaled


def decided(held: Sequence[Read], weights: Float64Array, threshold: float) -> tuple[Counts, float]:
    """What a threshold gives, and the share of the sentences without a skill that stay silent."""
    counts, silent = Counts(), list[bool]()
    for one in held:
        skills = set(one.named)
        for labels, table in one.clauses:
            shares = logistic(table @ weights)
            best = int(shares.argmax())
            skills |= {labels[best]} if shares[best] >= threshold else set()
        right = len(skills & one.wanted)
        counts += Counts(right, len(skills), right, len(one.wanted))
        if not one.wanted:
            silent.append(not skills)
    return counts, sum(silent) / max(len(silent), 1)


if __name__ == "__main__":
    main()
