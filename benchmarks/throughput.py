"""Titles a second with one thread, with many, and with `search_many`, and what each title waits.

    python benchmarks/throughput.py titles.csv --column vacancyTitle --threads 16

The ways are alternated in rounds, so that other work on the machine disturbs all of them alike. Prints JSON:
for each way titles a second and p50 and p95 of one title in milliseconds, the median of the rounds, and the
ratio of each to one thread in the same run. --client takes settings, such as rerank=late-interaction.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from skillsearch import SkillSearch
from skillsearch.settings import load_settings
from skillsearch.tables.table import Table

Milliseconds = list[float]


def main() -> None:
    """Search for the same titles in each way, after a warm-up."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("titles", type=Path, help="a CSV file")
    parser.add_argument("--column", required=True, help="its column of titles")
    parser.add_argument("--count", type=int, default=200, help="distinct titles of a round")
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--client", default="", metavar="NAME=VALUE,…", help="settings of the client")
    options = parser.parse_args()
    rows = [row.text(options.column) for row in Table.at(options.titles).rows(options.column)]
    titles = list(dict.fromkeys(title for title in rows if title))[: options.count]
    settings = dict(one.split("=", 1) for one in options.client.split(",") if one)
    with SkillSearch.open(load_settings(**settings)) as client:
        ways: dict[str, Callable[[], Milliseconds]] = {
            "1 thread": lambda: _in_threads(client, titles, 1),
            f"{options.threads} threads": lambda: _in_threads(client, titles, options.threads),
            "search_many": lambda: _many(client, titles),
        }
        _in_threads(client, titles[:10], options.threads)
        found: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
        for _ in range(options.rounds):
            for name, way in ways.items():
                found[name].append(_measured(way, len(titles)))
    report = {
        name: {key: round(statistics.median(one[key] for one in rounds), 2) for key in rounds[0]}
        for name, rounds in found.items()
    }
    alone = report["1 thread"]["titles/s"]
    for row in report.values():
        row["ratio"] = round(row["titles/s"] / alone, 2)
    facts = {"titles": len(titles), "rounds": options.rounds, "cores": os.cpu_count()}
    print(json.dumps(facts | report, indent=2))  # noqa: T201 - a script's output


def _measured(way: Callable[[], Milliseconds], titles: int) -> dict[str, float]:
    start, cpu = time.perf_counter(), time.process_time()
    waits = way()
    seconds = time.perf_counter() - start
    figures = {"titles/s": titles / seconds, "CPU ms": (time.process_time() - cpu) * 1000 / titles}
    if waits:
        figures |= {f"p{share} ms": float(np.percentile(waits, share)) for share in (50, 95)}
    return figures


def _in_threads(client: SkillSearch, titles: Sequence[str], count: int) -> Milliseconds:
    """Each thread searches for the next title once it has its answer."""

    def search(title: str) -> float:
        start = time.perf_counter()
        client.search(title)
        return (time.perf_counter() - start) * 1000

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(search, titles))


def _many(client: SkillSearch, titles: Sequence[str]) -> Milliseconds:
    """All titles in one call, whose titles have no times of their own."""
    client.search_many(titles)
    return []


if __name__ == "__main__":
    main()
