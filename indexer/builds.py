"""Builds after they were made: going back to one, and removing old ones."""

from skillsearch.errors import IndexNotFoundError, IndexOutdatedError, StoreError
from skillsearch.store.base import Store
from skillsearch.store.info import BuildInfo

__all__ = ["prunable", "prune", "rollback"]


def rollback(store: Store, to: str | None = None) -> BuildInfo:
    """Publish the build again that the published one replaced, or another one by name.

    Args:
        store: the lock of which is held meanwhile.
        to: name of a build.

    Returns:
        What is published now.

    Raises:
        IndexNotFoundError: nothing is published.
        StoreError: there is no such build, or it was never found to be in order.
    """
    with store.lock("rollback"):
        published = store.current()
        name = to or published.replaced
        ready = {info.name: info for info in store.builds() if info.state == "ready"}
        others = ", ".join(one for one in ready if one != published.name) or "none"
        if name is None:
            raise StoreError(
                f"{published.name} replaced nothing: name another build with --to; those in order: {others}"
            )
        if name not in ready:
            raise StoreError(f"there is no build {name} that is in order; those there are: {others}")
        store.publish(name)
        return ready[name]


def prunable(store: Store, keep: int) -> list[BuildInfo]:
    """Builds to remove so that `keep` are left: the published one, the one it replaced, the newest.

    Those that failed or were never finished go too.

    Raises:
        StoreError: `keep` is less than 1.
    """
    if keep < 1:
        raise StoreError(f"keep is at least 1, the published build, found {keep}")
    try:
        published = store.current()
    except (IndexNotFoundError, IndexOutdatedError):
        published = None
    builds = store.builds()
    kept = [published.name] if published else []
    ready = [info.name for info in builds if info.state == "ready"]
    ready.sort(key=lambda name: published is not None and name == published.replaced)  # to be kept first
    kept += [name for name in reversed(ready) if name not in kept]
    return [info for info in builds if info.name not in kept[:keep]]


def prune(store: Store, keep: int) -> list[BuildInfo]:
    """Remove what `prunable` gives, and return it.

    Raises:
        StoreLockedError: a reindex is running.
    """
    with store.lock("prune"):
        removed = prunable(store, keep)
        for info in removed:
            store.remove(info.name)
    return removed
