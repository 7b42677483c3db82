"""The trained models of skillsearch's preset ``compact``; see `FOLDER`."""

from pathlib import Path

__all__ = ["FOLDER"]

FOLDER = str(Path(__file__).parent / "models")
"""The folder of the models, as `skillsearch export --smallest` writes it."""
