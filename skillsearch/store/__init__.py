"""Vector stores: one protocol, an embedded engine and a server behind it."""

from skillsearch.settings import Settings
from skillsearch.store.base import Store

__all__ = ["open_store"]


def open_store(settings: Settings) -> Store:
    """The store that the settings name: a server where a URL is set, else the embedded engine."""
    if settings.qdrant_url is not None:
        from skillsearch.store.server import ServerStore

        key = settings.qdrant_api_key.get_secret_value() if settings.qdrant_api_key else None
        return ServerStore.connect(str(settings.qdrant_url), key, settings.qdrant_timeout)
    from skillsearch.store.embedded import EmbeddedStore

    return EmbeddedStore(settings.home.expanduser() / "index")
