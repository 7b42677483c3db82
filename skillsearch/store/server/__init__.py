"""The server store: Qdrant over its client, a pair of collections a build, two aliases."""

from skillsearch.store.server.layout import CollectionOptions
from skillsearch.store.server.store import PREFIX, ServerStore

__all__ = ["PREFIX", "CollectionOptions", "ServerStore"]
