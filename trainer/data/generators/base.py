"""What every generator of synthetic texts is: three kinds of text for a skill, and one call that makes them.

A generator is asked for one kind of text of one skill at a time. It may give fewer than it was
asked for; `synthesize` asks again for what is missing and counts what stays missing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol, runtime_checkable

from skillsearch.taxonomy.records import Skill

__all__ = ["KINDS", "MAX_CHARACTERS", "WANTED", "Generator", "Kind", "Synthetic", "cleaned"]

Kind = Literal["titles", "sentences", "variants"]
"""Job titles that need the skill, vacancy sentences that ask for it, other names of it."""

KINDS: Final[tuple[Kind, ...]] = ("titles", "sentences", "variants")

WANTED: Final[Mapping[Kind, int]] = {"titles": 20, "sentences": 10, "variants": 20}
"""How many texts of each kind a skill gets where nothing else is asked for."""

MAX_CHARACTERS: Final[Mapping[Kind, int]] = {"titles": 120, "sentences": 600, "variants": 200}
"""A longer text is not what was asked for, and is dropped."""


@dataclass(frozen=True, slots=True)
class Synthetic:
    """The texts of one skill.

    Attributes:
        titles: job titles that need the skill.
        sentences: vacancy sentences that ask for it.
        variants: other names of it.
    """

    titles: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()


@runtime_checkable
class Generator(Protocol):
    """Makes texts for a skill.

    Attributes:
        name: the generator with its version, model and settings. It is a part of the cache key:
            two generators that may answer differently have different names.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    def generate(self, skill: Skill, kind: Kind, count: int, *, have: Sequence[str] = ()) -> list[str]:
        """Up to `count` texts of one kind that are not in `have`, best first.

        Args:
            skill: only its label and description are read, never its other labels or its
                relations: these are what a benchmark tests.
            kind: what is asked for.
            count: how many are missing.
            have: what there is already.

        Raises:
            SkillSearchError: the generator cannot work at all, for instance because its key is
                refused. An answer that is short or not usable is no error.
        """
        ...


def cleaned(
    texts: Iterable[str], skill: Skill, kind: Kind, *, have: Iterable[str] = (), most: int | None = None
) -> list[str]:
    """Texts in their order, with single spaces, without empty, repeated and over-long ones.

    A text that equals the skill's label, or one of `have`, is dropped too. Case does not count.
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
