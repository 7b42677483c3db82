"""Late interaction beside the cross-encoder on one index, over job titles from a file.

For each reranker the milliseconds of a warm search, by stage: `encode` embeds the title (and keeps its
tokens for late interaction), `rerank` scores and orders the candidates. `processor` is the time of all
cores in a whole search, which other work on the machine disturbs less.

Example: SKILLSEARCH_HOME=home python benchmarks/late_interaction_latency.py titles.csv --column title
"""

import argparse
import csv
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from skillsearch import SkillSearch

STAGES = ("encode", "retrieve", "rerank", "total")
RERANKERS: dict[str, dict[str, Any]] = {
    "late-interaction": {"rerank": "late-interaction"},
    "cross-encoder-float32": {"rerank": "cross-encoder", "precision": "float32"},
    "cross-encoder-bfloat16": {"rerank": "cross-encoder", "precision": "bfloat16"},
}


def main() -> None:
    """Search once for each title after a warm-up, and print p50 and p95 in milliseconds as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("titles", type=Path, help="a CSV file")
    parser.add_argument("--column", required=True, help="its column of titles")
    parser.add_argument("--count", type=int, default=100, help="distinct titles that are measured")
    parser.add_argument("--warm-up", type=int, default=30, help="distinct titles before them")
    parser.add_argument("--depth", type=int, default=200)
    parser.add_argument("--reranker", choices=tuple(RERANKERS), action="append", help="by default all")
    options = parser.parse_args()
    with options.titles.open(encoding="utf-8-sig", newline="") as file:
        rows = [row[options.column].strip() for row in csv.DictReader(file)]
    titles = list(dict.fromkeys(title for title in rows if title))[: options.warm_up + options.count]
    report: dict[str, Any] = {
        "titles": len(titles) - options.warm_up,
        "depth": options.depth,
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
    }
    for name in options.reranker or RERANKERS:
        report[name] = measured(RERANKERS[name], titles, options.warm_up, options.depth)
    print(json.dumps(report, indent=2))  # noqa: T201 - a script's output


def measured(settings: dict[str, Any], titles: list[str], warm_up: int, depth: int) -> dict[str, Any]:
    """The figures of one reranker."""
    start = time.perf_counter()
    with SkillSearch.open(**settings) as client:
        opened = time.perf_counter() - start
        timings, processor = [], []
        for title in titles:
            begin = time.process_time()
            timings.append(client.search(title, depth=depth).timings)
            processor.append(1000 * (time.process_time() - begin))
    stages = {stage: [getattr(one, stage) for one in timings] for stage in STAGES}
    stages["processor"] = processor
    return {"open_s": round(opened, 2)} | {
        stage: percentiles(values[warm_up:]) for stage, values in stages.items()
    }


def percentiles(milliseconds: list[float]) -> dict[str, float]:
    """The median, and what one search in twenty exceeds."""
    return {f"p{share}_ms": round(float(np.percentile(milliseconds, share)), 2) for share in (50, 95)}


if __name__ == "__main__":
    main()
