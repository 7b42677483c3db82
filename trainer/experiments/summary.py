"""Figures of several seeds as means with intervals, and what differs from the reference."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from trainer.evaluate.significance import CONFIDENCE
from trainer.experiments.designs import Design
from trainer.experiments.runs import Record

__all__ = ["Row", "Spread", "spread", "summarise"]


@dataclass(frozen=True, slots=True)
class Spread:
    """A mean over seeds, and half the width of its 95% interval; None for a single seed."""

    mean: float
    half_width: float | None


@dataclass(frozen=True)
class Row:
    """One variant read in one way.

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


_TWO: Final = 2


def spread(values: Sequence[float]) -> Spread:
    """Mean and interval of some seeds' figures, by Student's t distribution.

    Args:
        values: at least one.
    """
    from scipy.stats import t

    if len(values) < _TWO:
        return Spread(float(values[0]), None)
    error = float(np.std(values, ddof=1)) / np.sqrt(len(values))
    quantile = float(t.ppf((1 + CONFIDENCE) / 2, len(values) - 1))
    return Spread(float(np.mean(values)), quantile * error)


def summarise(design: Design, records: Sequence[Record]) -> list[Row]:
    """A row for each variant and reading, in the order of the design.

    A difference to the reference is that of the same seeds and, where the reference was read in
    the same way too, of the same reading; else of the reference's first reading.
    """
    grouped: dict[tuple[str, str, str], list[Record]] = {}
    for record in records:
        grouped.setdefault((record.table, record.variant, record.reading), []).append(record)
    rows = []
    for (table, variant, reading), found in grouped.items():
        reference = _reference(design, grouped, table, reading)
        rows.append(
            Row(
                table,
                variant,
                reading,
                sum(record.seed is not None for record in found),
                spread([record.average for record in found]),
                None if reference is found else spread(_differences(found, reference)),
                {kind: float(np.mean([record.maps[kind] for record in found])) for kind in found[0].maps},
                float(np.mean([record.seconds for record in found])),
            )
        )
    return rows


def _reference(
    design: Design, grouped: dict[tuple[str, str, str], list[Record]], table: str, reading: str
) -> list[Record]:
    name = design.reference[table]
    first = next(found for (place, variant, _), found in grouped.items() if (place, variant) == (table, name))
    return grouped.get((table, name, reading), first)


def _differences(found: Sequence[Record], reference: Sequence[Record]) -> list[float]:
    """By seed; what is untrained has one figure for all seeds."""
    seeds = {record.seed for record in (*found, *reference)} - {None} or {None}
    ours, theirs = _by_seed(found), _by_seed(reference)
    return [ours.get(seed, ours.get(None, 0.0)) - theirs.get(seed, theirs.get(None, 0.0)) for seed in seeds]


def _by_seed(records: Sequence[Record]) -> dict[int | None, float]:
    return {record.seed: record.average for record in records}
