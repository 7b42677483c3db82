"""Guards: releases that are refused unless the caller insists."""

from typing import Final

from packaging.version import InvalidVersion, Version

from indexer.plan import Plan
from skillsearch.errors import TaxonomyError

__all__ = ["REMOVED_SHARE", "refusal"]

REMOVED_SHARE: Final = 0.05
"""Share of the published concepts that may vanish by default."""


def refusal(
    plan: Plan, *, allow_downgrade: bool = False, accept_removals: int | None = None
) -> TaxonomyError | None:
    """The reason to refuse a release, given the published version of the same taxonomy; None if it is fine.

    A release is refused if it is in another language, is older or lacks too many concepts; a first
    release, if it has no skills.

    Args:
        plan: the plan that compares the two.
        allow_downgrade: accept an older release.
        accept_removals: number of concepts that may vanish; by default a share of `REMOVED_SHARE`.
    """
    taxonomy = plan.release.taxonomy
    published = plan.base.part(taxonomy.name) if plan.base else None
    if published is None:
        if taxonomy.skills:
            return None
        return TaxonomyError(f"{taxonomy} has no skills to index; does an overlay hide them all?")
    if published.language != taxonomy.language:
        return TaxonomyError(
            f"{taxonomy} is in another language than the published {published}: give the release in "
            f"{published.language!r}, or index it in another home (--set home=…)"
        )
    if not allow_downgrade and _is_older(taxonomy.version, published.version):
        return TaxonomyError(
            f"{taxonomy} is older than the published {published}: go back to an earlier build with "
            "`skillsearch rollback`, or give --set allow_downgrade=true to index the older release"
        )
    removed = sum(len(found.uris["removed"]) for found in plan.spaces.values())
    before = published.skills + published.occupations
    if removed > (REMOVED_SHARE * before if accept_removals is None else accept_removals):
        return TaxonomyError(
            f"{taxonomy} lacks {removed:,} of the {before:,} concepts of {published}: if that is intended, "
            f"give --accept-removals {removed}; --dry-run --report FILE lists them"
        )
    return None


def _is_older(version: str, published: str) -> bool:
    """Whether a version is older; False where the two cannot be compared."""
    try:
        return Version(version) < Version(published)
    except InvalidVersion:
        return False
