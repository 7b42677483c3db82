"""Calibration of what a search shows: scores of candidates to probabilities."""
