"""Ranking: candidates of a vector search, scored again and put in their final order."""
