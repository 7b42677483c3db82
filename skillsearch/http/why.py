"""Why a skill was found, in words."""

import re

from skillsearch.characters import fold
from skillsearch.results import OccupationMatch, SkillHit

__all__ = ["reasons"]

_WORD = re.compile(r"[^\W\d_]{3,}")
_FEATURES = 3  # that are told


def reasons(hit: SkillHit, title: str, job: OccupationMatch | None) -> list[str]:
    """What speaks for a hit: its names, the taxonomy's links, what demand or a learned blend adds.

    Args:
        hit: of a search.
        title: that was searched for.
        job: the occupation that the title was recognised as, if any.
    """
    found = []
    words = set(_WORD.findall(fold(title)))
    for kind, names in (("label", (hit.label,)), ("another name", hit.aliases)):
        name = next((name for name in names if words & set(_WORD.findall(fold(name)))), None)
        if name:
            found.append(f"{kind} “{name}” shares words with the title")
            break
    if job is not None:
        for kind, linked in (("essential", hit.links.essential_for), ("optional", hit.links.optional_for)):
            if job.uri in linked:
                found.append(f"{job.taxonomy}: {kind} for {job.label}")
    found = found or [f"near the title (cosine {hit.retrieval_score:.2f})"]
    if hit.contributions:
        best = sorted(hit.contributions.items(), key=lambda one: -abs(one[1]))[:_FEATURES]
        found += [f"{name.replace('_', ' ')} {share:+.2f}" for name, share in best if share]
    return found
