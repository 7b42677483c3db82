"""Rollback to an earlier build, and removal of old ones."""

from skillsearch.errors import IndexNotFoundError, IndexOutdatedError, StoreError
from skillsearch.store.base import Store
from skillsearch.store.info import BuildInfo

__all__ = ["prunable", "prune", "published_info", "rollback"]


def published_info(store: Store) -> BuildInfo | None:
    """The description of the published build; None if there is none, or if an older program wrote it."""
    try:
        return store.current()
    except (IndexNotFoundError, IndexOutdatedError):
        return None


def rollback(store: Store, to: str | None = None) -> BuildInfo:
    """Publish the build that the published one replaced, or the build named `to`, and return it.

    Raises:
        IndexNotFoundError: nothing is published.
        StoreError: there is no such build, or it never passed its checks.
        StoreLockedError: another process is writing to the store.
    """
    with store.lock("rollback"):
        published = store.current()
        name = to or published.replaced
        ready = {info.name: info for info in store.builds() if info.state == "ready"}
        others = ", ".join(one for one in ready if one != published.name) or "none"
        if name is None:
            raise StoreError(
                f"{published.name} replaced no other build: name one with --to; ready are: {others}"
            )
        if name not in ready:
            raise StoreError(f"no build {name} is ready to be published; ready are: {others}")
        store.publish(name)
        return ready[name]


def prunable(store: Store, keep: int) -> list[BuildInfo]:
    """Builds to remove so that `keep` remain: the published one, the one that it replaced, and the newest.

    Failed and unfinished builds are always to be removed.

    Raises:
        StoreError: `keep` is less than 1.
    """
    if keep < 1:
        raise StoreError(f"keep is {keep}, expected at least 1, since the published build stays")
    published, builds = published_info(store), store.builds()
    kept = [published.name] if published else []
    ready = [info.name for info in reversed(builds) if info.state == "ready"]
    ready.sort(key=lambda name: published is None or name != published.replaced)  # the replaced one first
    kept += [name for name in ready if name not in kept]
    return [info for info in builds if info.name not in kept[:keep]]


def prune(store: Store, keep: int) -> list[BuildInfo]:
    """Remove the builds that `prunable` names, and return them; leftovers of dead processes go too.

    Raises:
        StoreError: `keep` is less than 1.
        StoreLockedError: a reindex is running.
    """
    with store.lock("prune"):
        removed = prunable(store, keep)
        for info in removed:
            store.remove(info.name)
        store.sweep()
    return removed
