"""Generated texts of all skills, each with the skills that it was made for."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from skillsearch.progress import Advance
from trainer.data.generators.base import Kind
from trainer.data.generators.synthesize import Order, synthesize
from trainer.unified.nodes import node_key, normal_text

__all__ = ["MOST_SHARED", "SyntheticTexts", "make_texts"]

MOST_SHARED: Final = 3
"""Skills that a variant may be made for; one made for more names none of them."""


@dataclass(frozen=True)
class SyntheticTexts:
    """Generated texts, equal ones of different skills joined.

    Attributes:
        texts: by kind, each text with the URIs of its skills; titles are spelled as met first.
        counts: texts that the generator fell short of, and skills that have fewer than were wanted.
    """

    texts: Mapping[Kind, Mapping[str, list[str]]]
    counts: Mapping[str, int]


def make_texts(order: Order, skipped: Counter[str], *, advance: Advance | None = None) -> SyntheticTexts:
    """Generate texts, and join equal ones of different skills.

    Args:
        order: what to make.
        skipped: texts that were refused, and variants that are too general, are counted here.
        advance: called with 1 for each finished pair of skill and kind.

    Raises:
        SkillSearchError: the generator cannot work, or the cache is corrupt.
    """
    made, refused = synthesize(order, advance=advance)
    skipped.update({f"generated {reason}": count for reason, count in refused.items()})
    texts: dict[Kind, dict[str, list[str]]] = {"titles": {}, "sentences": {}, "variants": {}}
    spelled: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for (uri, kind), found in made.items():
        for text in map(normal_text, found):
            spelling = spelled.setdefault(node_key(kind, text), text) if kind == "titles" else text
            texts[kind].setdefault(spelling, []).append(uri)
        if missing := order.wanted[kind] - len(found):
            counts[f"skills with fewer than {order.wanted[kind]} synthetic {kind}"] += 1
            counts[f"synthetic {kind} that the generator fell short of"] += missing
    for text in [text for text, uris in texts["variants"].items() if len(uris) > MOST_SHARED]:
        general = texts["variants"].pop(text)
        skipped[f"generated variant is made for more than {MOST_SHARED} skills"] += len(general)
    return SyntheticTexts(texts, dict(counts))
