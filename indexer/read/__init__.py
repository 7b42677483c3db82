"""Readers: files of a taxonomy release, of taxonomies of one's own, and of overlays."""
