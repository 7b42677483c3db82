"""Generated texts of all skills, without those that a data set may not have."""

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from skillsearch.taxonomy.records import Skill, Taxonomy
from trainer.data.generators.base import Generator, Kind
from trainer.data.generators.synthesize import Synthesis
from trainer.data.taxonomy_texts import Guard
from trainer.unified.graph import SIDES
from trainer.unified.manifest import Profile
from trainer.unified.nodes import node_key, normal_text, unusable

__all__ = ["MOST_SHARED", "ScreenedGenerator", "SyntheticTexts", "collect"]

MOST_SHARED: Final = 3
"""Skills that a variant may be made for; one made for more names none of them."""


class ScreenedGenerator:
    """A generator whose texts are looked at before they count, so that others are asked for instead.

    Args:
        generator: makes the texts.
        taxonomy: of the skills.
        profile: says which texts are refused.

    Attributes:
        inner: the generator.
        guard: of the profile.
        refused: how many texts were refused, by reason. Texts that come from a cache were screened
            when they were made, and do not count.
        workers: of the generator.
    """

    def __init__(self, generator: Generator, taxonomy: Taxonomy, profile: Profile) -> None:
        self.inner = generator
        self.guard = Guard(taxonomy, profile)
        self.refused: Counter[str] = Counter()
        self.workers = int(getattr(generator, "workers", 1))
        self._before: dict[tuple[str, Kind], list[str]] = {}
        self._lock = threading.Lock()
        self._screen = f"{profile}:{taxonomy.name}-{taxonomy.version}-{taxonomy.language}"

    @property
    def name(self) -> str:
        """The generator, and what its texts were screened by."""
        return f"{self.inner.name}|{self._screen}"

    def generate(self, skill: Skill, kind: Kind, count: int, *, have: Sequence[str] = ()) -> list[str]:
        """Up to `count` texts that may stay; what was refused before is not asked for again.

        Raises:
            SkillSearchError: the generator cannot work.
        """
        before = self._before.setdefault((skill.uri, kind), [])
        kept = []
        for text in self.inner.generate(skill, kind, count, have=(*have, *before)):
            if reason := self._refusal(skill, kind, normal_text(text)):
                before.append(text)
                with self._lock:
                    self.refused[f"generated {reason}"] += 1
            else:
                kept.append(text)
        return kept

    def _refusal(self, skill: Skill, kind: Kind, text: str) -> str | None:
        if reason := unusable(kind, text):
            return reason
        if kind == "titles":
            return self.guard.against_title(skill, text)
        return self.guard.against_variant(skill, text) if kind == "variants" else None


@dataclass(frozen=True)
class SyntheticTexts:
    """The texts that stay.

    Attributes:
        texts: by side, each text with the URIs of its skills; titles are spelled as met first.
        counts: texts that the generator fell short of, and skills that have fewer than were wanted.
    """

    texts: Mapping[str, Mapping[str, tuple[str, ...]]]
    counts: Mapping[str, int]


def collect(synthesis: Synthesis, wanted: Mapping[Kind, int], drops: Counter[str]) -> SyntheticTexts:
    """Join equal texts of different skills.

    Args:
        synthesis: what a screened generator made.
        wanted: how many texts of each kind were asked for.
        drops: pairs with a variant that is too general are counted here.
    """
    texts: dict[str, dict[str, dict[str, None]]] = {side: {} for side in SIDES}
    spelled: dict[str, str] = {}
    for uri, synthetic in synthesis.texts.items():
        made = {"titles": synthetic.titles, "sentences": synthetic.sentences, "variants": synthetic.variants}
        for kind in wanted:
            for text in map(normal_text, made[kind]):
                spelling = spelled.setdefault(node_key(kind, text), text) if kind == "titles" else text
                texts[kind].setdefault(spelling, {})[uri] = None
    general = [text for text, uris in texts["variants"].items() if len(uris) > MOST_SHARED]
    for text in general:
        drops[f"generated variant is made for more than {MOST_SHARED} skills"] += len(
            texts["variants"].pop(text)
        )
    counts: Counter[str] = Counter()
    for shortfall in synthesis.shortfalls:
        counts[f"skills with fewer than {shortfall.wanted} synthetic {shortfall.kind}"] += 1
        missing = shortfall.wanted - shortfall.found
        counts[f"synthetic {shortfall.kind} that the generator fell short of"] += missing
    frozen = {side: {text: tuple(uris) for text, uris in found.items()} for side, found in texts.items()}
    return SyntheticTexts(frozen, dict(counts))
