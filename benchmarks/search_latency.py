"""Latency of warm clients, by stage, over job titles from a file.

Each --client is the settings of one client, in addition to those of the environment; clients search each
title in turn, so that other work on the machine disturbs all of them alike. Prints p50 and p95 in
milliseconds as JSON.

Example: python benchmarks/search_latency.py titles.csv --column vacancyTitle

Example: python benchmarks/search_latency.py titles.csv --column vacancyTitle \
    --client rerank=late-interaction --client rerank=cross-encoder,precision=bfloat16
"""

import argparse
import json
import os
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from skillsearch import SkillSearch
from skillsearch.results import Timings
from skillsearch.settings import Settings, load_settings
from skillsearch.tables.table import Table

STAGES = ("encode", "retrieve", "rerank", "total")


def main() -> None:
    """Search once for each title with each client, after a warm-up."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("titles", type=Path, help="a CSV file")
    parser.add_argument("--column", required=True, help="its column of titles")
    parser.add_argument("--count", type=int, default=200, help="distinct titles that are measured")
    parser.add_argument("--warm-up", type=int, default=10, help="distinct titles before them")
    parser.add_argument("--client", action="append", metavar="NAME=VALUE,…", help="settings of a client")
    options = parser.parse_args()
    rows = [row.text(options.column) for row in Table.at(options.titles).rows(options.column)]
    titles = list(dict.fromkeys(title for title in rows if title))[: options.warm_up + options.count]
    names = options.client or ["default"]
    with ExitStack() as stack:
        clients = {name: stack.enter_context(SkillSearch.open(_settings(name))) for name in names}
        timings: dict[str, list[Timings]] = {name: [] for name in clients}
        for title in titles:
            for name, client in clients.items():
                timings[name].append(client.search(title).timings)
    report = {"titles": len(titles) - options.warm_up, "cores": os.cpu_count()} | {
        name: {stage: _percentiles([getattr(one, stage) for one in found]) for stage in STAGES}
        for name, found in ((name, found[options.warm_up :]) for name, found in timings.items())
    }
    print(json.dumps(report, indent=2))  # noqa: T201 - a script's output


def _settings(name: str) -> Settings:
    return load_settings(**({} if name == "default" else dict(one.split("=", 1) for one in name.split(","))))


def _percentiles(milliseconds: list[float]) -> dict[str, float]:
    """The median, and what one search in twenty exceeds."""
    return {f"p{share}_ms": round(float(np.percentile(milliseconds, share)), 2) for share in (50, 95)}


if __name__ == "__main__":
    main()
