"""The rule-based generator: a small lexicon, inflection and templates."""

import hashlib
import random
from collections.abc import Sequence

from skillsearch.taxonomy.records import Skill
from trainer.data.generators.base import Kind, cleaned
from trainer.data.generators.sentences import sentences
from trainer.data.generators.titles import titles
from trainer.data.generators.variants import variants

__all__ = ["RULES_VERSION", "RuleGenerator"]

RULES_VERSION = 2
"""Raised with every change of the rules; a part of the cache key."""

_MAKERS = {"titles": titles, "sentences": sentences, "variants": variants}


class RuleGenerator:
    """Writes texts for English labels from the label and the description alone.

    The same skill gets the same texts every time: what is drawn is drawn from its URI and the seed.

    Args:
        seed: another seed gives other texts.
    """

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed

    @property
    def name(self) -> str:
        """Version of the rules, and seed."""
        return f"rules:{RULES_VERSION}:s{self._seed}"

    def generate(self, skill: Skill, kind: Kind, count: int, *, have: Sequence[str] = ()) -> list[str]:
        """Up to `count` texts that are not in `have`; fewer where the rules have no more."""
        digest = hashlib.sha256(f"{self._seed}\0{skill.uri}\0{kind}".encode()).digest()
        rng = random.Random(digest)  # noqa: S311 - texts, no secrets
        return cleaned(_MAKERS[kind](skill, rng), skill, kind, have=have, most=count)
