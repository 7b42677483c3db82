"""Rows a second of `skillsearch annotate`, and CPU time a row, by task and number of workers.

    python benchmarks/annotate.py --home HOME --titles titles.csv --column vacancyTitle --workers 1 2
    python benchmarks/annotate.py --home HOME --adverts FOLDER --workers 1 2
    python benchmarks/annotate.py --home HOME --adverts FOLDER --cpu

Titles are the first rows of a table. Adverts are texts of a folder, repeated. Opening the clients is left
out: each number of rows is done once more, with three times as many, and the difference is what counts.
With --cpu, the CPU time of one client alone, for a machine that does other work too; set OMP_NUM_THREADS=1.
"""

import argparse
import csv
import json
import os
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

from skillsearch.batch import AnnotateRequest, Annotator, annotate
from skillsearch.settings import load_settings
from skillsearch.tasks import NORMALIZE_TITLE, TEXT_TO_SKILLS, TITLE_TO_SKILLS, Task

_TITLE_TASKS = {
    "normalize-title": (NORMALIZE_TITLE, {}, 16),
    "search, rerank=false": (TITLE_TO_SKILLS, {"rerank": False}, 8),
    "search": (TITLE_TO_SKILLS, {}, 1),
}
"""Task, options, and rows for each of ``--rows``."""


def texts_of(given: argparse.Namespace) -> list[str]:
    """The titles of a table, or the adverts of a folder."""
    if given.adverts:
        return [path.read_bytes().decode() for path in sorted(given.adverts.glob("*.txt"))]
    with given.titles.open(encoding="utf-8", newline="") as file:
        return [row[given.column] for row in csv.DictReader(file)]


def spent(texts: list[str], task: Task, options: dict, home: str, workers: int) -> tuple[float, float]:
    """Seconds that some rows take, and CPU seconds of all processes, with opening the clients."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "rows.jsonl")
        source.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
        settings = load_settings(home=home, device="cpu")
        request = AnnotateRequest(
            source, "text", task, Path(folder, "out.parquet"), settings, options, workers=workers
        )
        start, before = time.perf_counter(), sum(os.times()[:4])
        annotate(request)
        return time.perf_counter() - start, sum(os.times()[:4]) - before


def cpu_of_one(texts: list[str], task: Task, options: dict, home: str) -> float:
    """CPU milliseconds a row of one client, once it is open and warm."""
    with Annotator(task, load_settings(home=home, device="cpu"), options=options) as annotator:
        annotator(texts[:2])
        start = time.process_time()
        annotator(texts)
        return 1000 * (time.process_time() - start) / len(texts)


def main() -> None:
    """Print a row for each task and number of workers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--home", required=True)
    parser.add_argument("--titles", type=Path)
    parser.add_argument("--column", default="title")
    parser.add_argument("--adverts", type=Path)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rows", type=int, default=64, help="the fewest rows of a task")
    parser.add_argument("--cpu", action="store_true")
    given = parser.parse_args()
    texts = texts_of(given)
    tasks = {"extract": (TEXT_TO_SKILLS, {}, 2)} if given.adverts else _TITLE_TASKS
    if given.cpu:
        for name, (task, options, factor) in tasks.items():
            cpu = cpu_of_one(list(islice(cycle(texts), given.rows * factor)), task, options, given.home)
            print(f"{name}: {cpu:.1f} ms of CPU a row", flush=True)  # noqa: T201
        return
    print("| task | workers | rows a second | CPU ms a row | 10 million rows, days |")  # noqa: T201
    print("| --- | --- | --- | --- | --- |")  # noqa: T201
    for name, (task, options, factor) in tasks.items():
        rows = given.rows * factor
        for workers in given.workers:
            few, few_cpu = spent(list(islice(cycle(texts), rows)), task, options, given.home, workers)
            many, many_cpu = spent(list(islice(cycle(texts), 3 * rows)), task, options, given.home, workers)
            rate = 2 * rows / (many - few)
            cpu, days = 1000 * (many_cpu - few_cpu) / (2 * rows), 1e7 / rate / 86400
            row = f"| {name} | {workers} | {rate:.1f} | {cpu:.1f} | {days:.1f} |"
            print(row, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
