"""Readers of taxonomy releases and of overlays."""
