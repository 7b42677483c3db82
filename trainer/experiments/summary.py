"""Figures of several seeds as means with intervals, and the differences to the reference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from trainer.evaluate.significance import CONFIDENCE
from trainer.experiments.designs import Design
from trainer.experiments.runs import Cell, Figures, Results

__all__ = ["Row", "Spread", "spread", "summarise"]


@dataclass(frozen=True, slots=True)
class Spread:
    """A mean over seeds, and half the width of its 95% interval; None for a single seed."""

    mean: float
    half_width: float | None


@dataclass(frozen=True)
class Row:
    """A variant read in one way.

    Attributes:
        table: that it stands in.
        variant: how it was trained.
        reading: how it was read.
        seeds: how many; 0 for the untrained base.
        average: mean MAP over the types of task.
        difference: to the reference's average, of the same seeds; None for the reference itself.
        maps: MAP by type of task, mean over seeds.
        seconds: of the trainings, mean over seeds.
    """

    table: str
    variant: str
    reading: str
    seeds: int
    average: Spread
    difference: Spread | None
    maps: dict[str, float]
    seconds: float


def spread(values: Sequence[float]) -> Spread:
    """Mean and interval of some seeds' figures, at least one, by Student's t distribution."""
    from scipy.stats import t

    if len(values) == 1:
        return Spread(float(values[0]), None)
    error = float(np.std(values, ddof=1)) / np.sqrt(len(values))
    quantile = float(t.ppf((1 + CONFIDENCE) / 2, len(values) - 1))
    return Spread(float(np.mean(values)), quantile * error)


def summarise(design: Design, results: Results) -> list[Row]:
    """A row for each variant and reading, in the order of the design.

    A difference to the reference is that of the same seeds and, where the reference was read in
    the same way too, of the same reading; else of the reference's first reading.
    """
    rows = []
    for cell, found in results.items():
        name = design.reference[cell.table]
        first = next(one for one in results if (one.table, one.variant) == (cell.table, name))
        reference = results.get(Cell(cell.table, name, cell.reading), results[first])
        values = list(found.values())
        rows.append(
            Row(
                *cell,
                seeds=len(found.keys() - {None}),
                average=spread([one.average for one in values]),
                difference=None if found is reference else spread(_differences(found, reference)),
                maps={kind: float(np.mean([one.maps[kind] for one in values])) for kind in values[0].maps},
                seconds=float(np.mean([one.seconds for one in values])),
            )
        )
    return rows


def _differences(found: Mapping[int | None, Figures], reference: Mapping[int | None, Figures]) -> list[float]:
    """Figures by seed; the untrained base has the same for all seeds."""
    seeds = (found.keys() | reference.keys()) - {None} or {None}
    pairs = [(found.get(seed, found.get(None)), reference.get(seed, reference.get(None))) for seed in seeds]
    return [one.average - other.average for one, other in pairs if one and other]
