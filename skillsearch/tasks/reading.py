"""Reading: how probably a clause asks for a skill, by the encoder and by the words that they share.

The weights are those of a logistic regression on sentences that were written for known skills, the training
part of SkillSkape; see ``benchmarks/fit_reading.py``. Cosines count by what they are worth for the encoder at
hand, so that the weights hold for others than the one that they were fitted with.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from skillsearch.arrays import Float32Array, Float64Array
from skillsearch.rank.logistic import logistic
from skillsearch.running import unhurried
from skillsearch.tasks.confidence import Confidence
from skillsearch.tasks.names import Names
from skillsearch.tasks.vectors import Vectors
from skillsearch.words.stems import roots

__all__ = ["WEIGHTS", "Lexicon", "Reader"]

WEIGHTS: Final = (-2.66, 0.119, -0.451, 1.35, -0.947, 2.53, -0.0121, 1.09, 0.227, 0.4)
"""Of what `Reader.candidates` sees."""

_NEAREST: Final = 10  # skills of a clause that the encoder finds
_WORTH: Final = 8.0  # log odds of a cosine, at most


@dataclass(frozen=True)
class Lexicon:
    """The words of names.

    Attributes:
        names: the roots of each name, by URI.
        rarity: of a root: ``log(concepts / concepts with it)``.
        by_rarest: names of several words, with their URIs, by their rarest root.
        demand: of a concept: how much more occupations have it than most, as a difference of logarithms.
    """

    names: Mapping[str, tuple[frozenset[str], ...]]
    rarity: Mapping[str, float]
    by_rarest: Mapping[str, tuple[tuple[str, frozenset[str]], ...]]
    demand: Mapping[str, float]

    @classmethod
    def of(cls, names: Names) -> "Lexicon":
        """Make it of all names of a space."""
        found = defaultdict[str, dict[frozenset[str], None]](dict)
        for name in names:
            found[name.uri][roots(name.text)] = None
        counts = Counter(word for some in unhurried(found.values()) for word in frozenset[str]().union(*some))
        rarity = {word: math.log(1 + len(found) / count) for word, count in counts.items()}
        by_rarest = defaultdict[str, list[tuple[str, frozenset[str]]]](list)
        for uri, some in unhurried(found.items()):
            for words in some:
                if len(words) > 1:
                    by_rarest[min(words, key=lambda word: (-rarity[word], word))].append((uri, words))
        counts_of = {uri: math.log1p(count) for uri, count in names.occupations.items()}
        mean = sum(counts_of.values()) / max(len(counts_of), 1)
        return cls(
            {uri: tuple(some) for uri, some in found.items()},
            rarity,
            {word: tuple(some) for word, some in by_rarest.items()},
            {uri: count - mean for uri, count in counts_of.items()},
        )

    def within(self, words: frozenset[str]) -> list[str]:
        """The concepts with a name whose words are all among some."""
        return list(
            dict.fromkeys(
                uri for word in sorted(words) for uri, name in self.by_rarest.get(word, ()) if name <= words
            )
        )

    def shared(self, uri: str, words: frozenset[str]) -> tuple[float, float]:
        """How much of a name is among some words, and how much of these it has, each in [0, 1], by rarity."""
        all_words = self._weight(words)
        best = (0.0, 0.0)
        for name in self.names[uri]:
            both = self._weight(name & words)
            best = max(best, (both / (self._weight(name) or 1.0), both / (all_words or 1.0)))
        return best

    def _weight(self, words: frozenset[str]) -> float:
        return sum(self.rarity.get(word, 0.0) for word in words)


@dataclass(frozen=True)
class Reader:
    """Tells what the clauses of a sentence ask for.

    Attributes:
        lexicon: of all skills.
        vectors: of all skills.
        confidence: what a cosine is worth.
    """

    lexicon: Lexicon
    vectors: Vectors
    confidence: Confidence

    def read(self, texts: Sequence[str], clauses: Float32Array) -> list[list[tuple[str, float]]]:
        """For each clause of one sentence, skills with their probabilities, the best first.

        Args:
            texts: n clauses.
            clauses: shape (n, d), their vectors.
        """
        found = []
        for uris, table in self.candidates(texts, clauses):
            shares = logistic(table @ np.array(WEIGHTS)).tolist()
            found.append(sorted(zip(uris, shares, strict=True), key=lambda pair: (-pair[1], pair[0])))
        return found

    def candidates(self, texts: Sequence[str], clauses: Float32Array) -> list[tuple[list[str], Float64Array]]:
        """For each clause of one sentence the skills it may mean, and what is seen of c of them: (c, 10).

        1, the log odds of the cosine, ``log(1 + place)``, the share of a name's words that the clause has,
        the share of its words that the name has, their product, ``log(words)``, how much nearer the whole
        sentence is, and of the nearest skill how far the next is away, both in log odds, and how many
        occupations have it beside others, in logarithms: 0 in an index without occupations.
        """
        if not len(texts):
            return []
        cosines = clauses @ self.vectors.matrix.T  # (n, skills)
        mean = clauses.mean(axis=0)
        whole = self.vectors.matrix @ (mean / max(float(np.linalg.norm(mean)), 1e-9))  # (skills,)
        return [self._candidates(text, row, whole) for text, row in zip(texts, cosines, strict=True)]

    def _candidates(
        self, text: str, cosines: Float32Array, whole: Float32Array
    ) -> tuple[list[str], Float64Array]:
        words = roots(text)
        count = min(_NEAREST, len(cosines))
        nearest = np.argpartition(-cosines, count - 1)[:count]
        nearest = nearest[np.argsort(-cosines[nearest], kind="stable")]
        places = dict.fromkeys(nearest.tolist())
        places |= dict.fromkeys(self.vectors.rows[uri] for uri in self.lexicon.within(words))
        rows = list(places)
        best = cosines[rows[0]]
        lead = float(best - cosines[rows[1]]) if count > 1 else 0.0
        _, each, below = self.confidence.weights or (0.0, 0.0, 0.0)
        worth = self.confidence.log_odds(cosines[rows])
        table = np.zeros((len(rows), len(WEIGHTS)))
        for place, row in enumerate(rows):
            name, clause = self.lexicon.shared(self.vectors.uris[row], words)
            table[place] = (
                1.0,
                np.clip(worth[place], -_WORTH, _WORTH),
                math.log1p(min(place, count)),
                name,
                clause,
                name * clause,
                math.log(len(text.split())),
                each * float(whole[row] - cosines[row]),
                -below * lead if place == 0 else 0.0,
                self.lexicon.demand[self.vectors.uris[row]],
            )
        return [self.vectors.uris[row] for row in rows], table
