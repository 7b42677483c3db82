"""What a release must not do to a published index unless that is asked for."""

from typing import Final

from packaging.version import InvalidVersion, Version

from indexer.plan import Plan
from skillsearch.errors import TaxonomyError

__all__ = ["REMOVED_SHARE", "require_allowed"]

REMOVED_SHARE: Final = 0.05
"""Concepts of the published taxonomy that may vanish without being asked about."""


def require_allowed(
    plan: Plan,
    *,
    allow_downgrade: bool = False,
    accept_removals: int | None = None,
    removed_share: float = REMOVED_SHARE,
) -> None:
    """Check a release against the published version of the same taxonomy.

    Args:
        plan: compares the two.
        allow_downgrade: whether the release may be older.
        accept_removals: how many concepts may vanish, however large their share.
        removed_share: the share of concepts that may vanish without `accept_removals`.

    Raises:
        TaxonomyError: the release is in another language, is older, or lacks too many concepts, or it
            is the first and has no skills.
    """
    taxonomy = plan.target.taxonomy
    published = plan.base.part(taxonomy.name) if plan.base else None
    if published is None:
        if not taxonomy.skills:
            raise TaxonomyError(f"{taxonomy} has no skills: does an overlay hide them all?")
        return
    if published.language != taxonomy.language:
        raise TaxonomyError(
            f"{taxonomy} is in another language than what is published, {published}: give the release in "
            f"{published.language!r}, or index it in another home (SKILLSEARCH_HOME)"
        )
    if not allow_downgrade and _is_older(taxonomy.version, published.version):
        raise TaxonomyError(
            f"{taxonomy} is older than what is published, {published}: to go back to a build that is still "
            "there use `skillsearch rollback`; to index the older release give --allow-downgrade"
        )
    removed = sum(len(found.removed) for found in plan.spaces.values())
    before = published.skills + published.occupations
    if removed > (removed_share * before if accept_removals is None else accept_removals):
        raise TaxonomyError(
            f"{taxonomy} lacks {removed:,} of the {before:,} concepts of {published}: if that is right, give "
            f"--accept-removals {removed}; --dry-run --report FILE lists them"
        )


def _is_older(version: str, published: str) -> bool:
    """False where the two cannot be compared."""
    try:
        return Version(version) < Version(published)
    except InvalidVersion:
        return False
