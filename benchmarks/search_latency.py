"""Latency of the warm client, by stage, over job titles from a file.

Example: python benchmarks/search_latency.py titles.csv --column vacancy_job_title --count 200
"""

import argparse
import csv
import json
from pathlib import Path

import numpy as np

from skillsearch import SkillSearch

STAGES = ("encode", "retrieve", "rerank", "total")


def main() -> None:
    """Search once for each title after a warm-up, and print p50 and p95 in milliseconds as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("titles", type=Path, help="a CSV file")
    parser.add_argument("--column", required=True, help="its column of titles")
    parser.add_argument("--count", type=int, default=200, help="distinct titles, the first of the file")
    parser.add_argument("--warm-up", type=int, default=10)
    options = parser.parse_args()
    with options.titles.open(encoding="utf-8-sig", newline="") as file:
        rows = [row[options.column].strip() for row in csv.DictReader(file)]
    titles = list(dict.fromkeys(title for title in rows if title))[: options.count]
    with SkillSearch.open() as client:
        client.search_many(titles[: options.warm_up])
        timings = [client.search(title).timings for title in titles]
    report = {"titles": len(titles)} | {
        stage: {
            f"p{share}_ms": round(float(np.percentile([getattr(t, stage) for t in timings], share)), 1)
            for share in (50, 95)
        }
        for stage in STAGES
    }
    print(json.dumps(report, indent=2))  # noqa: T201 - a script's output


if __name__ == "__main__":
    main()
