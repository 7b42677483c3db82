"""Generators of synthetic titles, sentences and variants for the skills of a taxonomy."""

from trainer.data.generators.base import KINDS, WANTED, Generator, Kind, Synthetic, cleaned
from trainer.data.generators.cost import CostEstimate, estimate_cost
from trainer.data.generators.factory import GENERATORS, open_generator
from trainer.data.generators.synthesize import Shortfall, Synthesis, missing, synthesize

__all__ = [
    "GENERATORS",
    "KINDS",
    "WANTED",
    "CostEstimate",
    "Generator",
    "Kind",
    "Shortfall",
    "Synthesis",
    "Synthetic",
    "cleaned",
    "estimate_cost",
    "missing",
    "open_generator",
    "synthesize",
]
