"""The embedded store: Qdrant Edge, the Qdrant engine in this process, one folder a build."""

from skillsearch.store.embedded.store import EmbeddedStore

__all__ = ["EmbeddedStore"]
