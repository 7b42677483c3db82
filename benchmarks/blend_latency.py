"""What a learned blend adds to a search before reranking, over job titles from a file.

Two warm clients, one plain and one with the blend, encode and retrieve each title in turn, several
times over; both get as many candidates as are reranked. Prints p50 and p95 in milliseconds as JSON:
of each client, and of the difference title by title; of all times, and of the fastest for each title.

    python benchmarks/blend_latency.py titles.csv --column vacancy_job_title --blender blender.safetensors
"""

import argparse
import csv
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skillsearch import SkillSearch


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("titles", type=Path, help="a CSV file")
    parser.add_argument("--column", required=True, help="its column of titles")
    parser.add_argument("--blender", type=Path, required=True)
    parser.add_argument("--count", type=int, default=200, help="distinct titles, the first of the file")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--warm-up", type=int, default=10)
    options = parser.parse_args()
    with options.titles.open(encoding="utf-8-sig", newline="") as file:
        rows = [row[options.column].strip() for row in csv.DictReader(file)]
    titles = list(dict.fromkeys(title for title in rows if title))[: options.count]
    with SkillSearch.open() as plain, SkillSearch.open(blender=options.blender) as blend:
        clients = (plain, blend)
        for title in titles[: options.warm_up]:
            for client in clients:
                _milliseconds(client, title)
        times = np.array(  # (passes, titles, 2)
            [
                [[_milliseconds(client, title) for client in clients] for title in titles]
                for _ in range(options.repeat)
            ]
        )
    report = {
        "titles": len(titles),
        "first pass": _summary(times[:1]),
        "all": _summary(times),
        "fastest": _summary(times.min(axis=0, keepdims=True)),
    }
    print(json.dumps(report, indent=2))  # noqa: T201 - a script's output


def _milliseconds(client: SkillSearch, title: str) -> float:
    """Of what comes between encoding and reranking, for 200 candidates."""
    return client.search(title, limit=200, rerank=False).timings.retrieve


def _summary(times: NDArray[np.float64]) -> dict[str, dict[str, float]]:
    """Of times of shape (passes, titles, 2), plain and blend."""
    parts = {"plain": times[..., 0], "blend": times[..., 1], "difference": times[..., 1] - times[..., 0]}
    return {
        name: {f"p{share}_ms": round(float(np.percentile(part, share)), 2) for share in (50, 95)}
        for name, part in parts.items()
    }


if __name__ == "__main__":
    main()
