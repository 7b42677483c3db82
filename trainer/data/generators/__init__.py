"""Generators of synthetic titles, sentences and variants for the skills of a taxonomy."""
