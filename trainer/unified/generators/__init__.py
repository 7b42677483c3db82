"""Generators of synthetic titles, sentences and variants for the skills of a taxonomy."""

from trainer.unified.generators.base import KINDS, WANTED, Generator, Kind, Synthetic, cleaned
from trainer.unified.generators.cost import CostEstimate, estimate_cost
from trainer.unified.generators.opening import GENERATORS, open_generator
from trainer.unified.generators.synthesize import Shortfall, Synthesis, missing, synthesize

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
