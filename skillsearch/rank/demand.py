"""Demand: how often a skill is asked for, predicted from what a taxonomy says of it.

General skills belong to most jobs, but the relations of a taxonomy rarely say so. A linear model, fitted on
judged titles with `skillsearch evaluate demand`, tells a skill's demand from its reuse level, its
collections, the jobs that need it and the generality of its wording, so it goes for skills nobody judged.
Its coefficients come along; they are of no one encoder.
"""

import json
import re
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from math import log1p, nan
from typing import Final

import numpy as np

from skillsearch.arrays import Float64Array
from skillsearch.characters import fold
from skillsearch.store.base import Payload
from skillsearch.store.schema import skill_payload
from skillsearch.taxonomy.records import Taxonomy

__all__ = ["FEATURES", "MOST", "DemandModel", "demand_features", "own_demand", "skill_payloads", "title_hash"]

FEATURES: Final = (
    "reuse_level",
    "knowledge",
    "essential_occupations",
    "optional_occupations",
    "essential_major_groups",
    "optional_major_groups",
    "transversal",
    "digital",
    "usual_words",
    "rarest_word",
)
"""Of a skill: its reuse level from 1, occupation-specific, to 4, transversal; 1 for knowledge and 0 for
skill; log1p of the occupations that need it, and ISCO-08 major groups among these; 1 in the collection of
transversal skills, of digital ones; how usual the words of its label are, on average and the rarest: the
logarithm of the share of skills whose description has the word."""

MOST: Final = 0.12
"""What demand adds to the score of a blend at most. A skill that half of all jobs ask for still stands below
those that are a job's own."""

_LEVELS: Final = ("occupation-specific", "sector-specific", "cross-sector", "transversal")
_FAR: Final = 3.0  # deviations from the mean beyond which a feature counts no more

_MAJOR = re.compile(r"\d")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class DemandModel:
    """A linear model of demand; a feature that is not known counts as its mean.

    Attributes:
        means: of the features in the order of `FEATURES`.
        deviations: of the features, above 0.
        weights: what one deviation adds to the score of a blend.
        fitted_on: in words.
        titles: hashes of the titles that it was fitted on.
    """

    means: tuple[float, ...]
    deviations: tuple[float, ...]
    weights: tuple[float, ...]
    fitted_on: str = ""
    titles: tuple[str, ...] = ()

    def of(self, features: Float64Array) -> Float64Array:
        """What demand adds to a blend: shape (n, 10) to (n,); 0 for the average skill, at most `MOST`."""
        scaled = (features - np.array(self.means)) / np.array(self.deviations)
        added: Float64Array = np.minimum(
            np.clip(np.nan_to_num(scaled), -_FAR, _FAR) @ np.array(self.weights), MOST
        )
        return added

    def by_uri(self, payloads: Sequence[Payload]) -> dict[str, float]:
        """What demand adds for each skill of a whole index or taxonomy, by URI."""
        added = self.of(demand_features(payloads)).tolist()
        return {str(one["uri"]): value for one, value in zip(payloads, added, strict=True)}

    def to_json(self) -> str:
        """The file of a model."""
        return json.dumps({**asdict(self), "features": FEATURES}, indent=1) + "\n"


@cache
def own_demand() -> DemandModel:
    """The model that comes with the package."""
    values = json.loads(files(__package__).joinpath("demand.json").read_text(encoding="utf-8"))
    names = ("means", "deviations", "weights", "titles")
    return DemandModel(fitted_on=values["fitted_on"], **{name: tuple(values[name]) for name in names})


def demand_features(payloads: Sequence[Payload]) -> Float64Array:
    """The features of all n skills of an index or taxonomy, as `FEATURES` names them.

    Returns:
        Shape (n, 10); NaN where one is not known. A feature that all have the same is not known: where no
        skill has an occupation, none is known to be needed by few.
    """
    described = Counter(word for one in payloads for word in set(_words(str(one["description"]))))
    rows = [_row(one, described, len(payloads)) for one in payloads]
    table = np.array(rows, dtype=np.float64).reshape(-1, len(FEATURES))
    if len(table):
        table[:, (table == table[0]).all(axis=0)] = nan
    return table


def skill_payloads(taxonomy: Taxonomy) -> list[Payload]:
    """The payloads of all skills of a taxonomy, as an index has them."""
    return [skill_payload(taxonomy, skill) for skill in taxonomy.skills.values()]


def title_hash(title: str) -> str:
    """Eight hexadecimal digits of a title, whatever its case and blanks."""
    return f"{zlib.crc32(fold(title).encode()):08x}"


def _row(payload: Payload, described: Mapping[str, int], skills: int) -> tuple[float, ...]:
    level, kind = payload["reuse_level"], payload["skill_type"]
    usual = [np.log((1 + described.get(word, 0)) / (1 + skills)) for word in _words(str(payload["label"]))]
    return (
        _LEVELS.index(level) + 1.0 if level in _LEVELS else nan,
        float(kind == "knowledge") if kind else nan,
        log1p(len(payload["occupations_essential"])),
        log1p(len(payload["occupations_optional"])),
        _major_groups(payload["isco_groups_essential"]),
        _major_groups(payload["isco_groups_optional"]),
        float("transversal" in payload["collections"]),
        float("digital" in payload["collections"]),
        float(np.mean(usual)) if usual else nan,
        float(np.min(usual)) if usual else nan,
    )


def _major_groups(groups: Sequence[str]) -> float:
    return float(sum(_MAJOR.fullmatch(group) is not None for group in groups))


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())
