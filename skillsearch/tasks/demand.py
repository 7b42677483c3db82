"""Demand for the skills of an index, from a file where one keeps it: to read all payloads takes seconds."""

import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from skillsearch.rank.demand import own_demand
from skillsearch.store.base import Build
from skillsearch.tasks.kept_files import kept_in

__all__ = ["DEMAND", "kept_demand"]

DEMAND: Final = "demand.json"
"""Name of the file in `HOME`."""


def kept_demand(path: Path, build: Build) -> Mapping[str, float]:
    """What demand adds to the score of each skill of a build, by URI.

    Args:
        path: of the file; what it has of another build or other coefficients is not read.
        build: whose skills they are.
    """
    model = own_demand()

    def make() -> dict[str, float]:
        return model.by_uri([point.payload for point in build.scan("skills")])

    return kept_in(
        path,
        f"{build.info.name} {zlib.crc32(model.to_json().encode()):08x}",
        make,
        read=lambda values: {str(uri): float(value) for uri, value in values["skills"].items()},
        write=lambda found: {"skills": found},
    )
