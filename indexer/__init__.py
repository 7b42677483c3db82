"""Indexing: from a taxonomy release to a published index."""
