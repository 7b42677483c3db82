"""Taxonomies: their records, and every text of them that a model sees."""
