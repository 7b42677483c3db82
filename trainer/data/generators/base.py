"""Protocol of generators of synthetic texts: kinds of text, one call, and tidying its answers."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, Protocol, get_args

from skillsearch.taxonomy.records import Skill

__all__ = ["KINDS", "MAX_CHARACTERS", "WANTED", "Generator", "Kind", "cleaned"]

Kind = Literal["titles", "sentences", "variants"]
"""Job titles that need the skill, vacancy sentences that ask for it, other names of it."""

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

WANTED: Final[Mapping[Kind, int]] = {"titles": 20, "sentences": 10, "variants": 20}
"""Texts of each kind that a skill gets by default."""

MAX_CHARACTERS: Final[Mapping[Kind, int]] = {"titles": 120, "sentences": 600, "variants": 200}
"""A longer text is not what was asked for, and is skipped."""


class Generator(Protocol):
    """Makes texts for a skill; it may give fewer than it was asked for.

    Attributes:
        name: the generator with its version, model and settings. It is a part of the cache's key:
            two generators that may answer differently have different names.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    def generate(self, skill: Skill, kind: Kind, count: int, *, have: Sequence[str] = ()) -> list[str]:
        """Up to `count` texts of one kind that are not in `have`, best first.

        Only the skill's label, description and type are read, never its other labels or its
        relations: benchmarks test these.

        Raises:
            SkillSearchError: the generator cannot work at all, for instance because its key is
                refused. An answer that is short or not usable is no error.
        """
        ...


def cleaned(
    texts: Iterable[str], skill: Skill, kind: Kind, *, have: Iterable[str] = (), most: int | None = None
) -> list[str]:
    """Texts in their order, with single spaces, without empty, repeated and over-long ones.

    A text that equals the skill's label, or one of `have`, is skipped too. Case does not count.
    No more of `texts` is read than is needed for `most`.
    """
    seen = {_key(skill.label), "", *(_key(text) for text in have)}
    kept: list[str] = []
    for text in texts if most != 0 else ():
        tidy = " ".join(text.split())
        key = _key(tidy)
        if key not in seen and len(tidy) <= MAX_CHARACTERS[kind]:
            seen.add(key)
            kept.append(tidy)
            if len(kept) == most:
                break
    return kept


def _key(text: str) -> str:
    return " ".join(text.split()).casefold()
