"""The same titles by this project's rankers and runtimes, and by the usual recipe put together by hand.

    python benchmarks/serve.py titles.csv --column vacancyTitle --models FOLDER

The usual recipe is what most write: sentence-transformers for the title, a flat FAISS index over the
vectors of the skills, and a transformers cross-encoder over the 200 nearest, all in torch; once in float32,
and once with bfloat16. It has the same weights, and the skills of the published index. Systems search each
title in turn, so that other work on the machine disturbs all of them alike. Then each searches the titles
with 1 and with 16 threads, and then each is started in a process of its own: the seconds to its first
answer, and its memory then. Prints a table, or JSON with --json.

Needs the extra `torch`, and faiss-cpu for the usual recipe.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from skillsearch.models.device import cpu_threads
from skillsearch.models.pair import DISTILLED, ENCODER, RERANKER
from skillsearch.settings import load_settings
from skillsearch.store import open_store
from skillsearch.tables.table import Table

STAGES = ("encode", "retrieve", "rerank", "total")
DEPTH = 200
OURS: dict[str, dict[str, str]] = {
    "distilled, onnx": {"rerank": "distilled"},
    "cross-encoder, onnx int8": {"rerank": "cross-encoder", "precision": "int8"},
    "cross-encoder, onnx float32": {"rerank": "cross-encoder", "precision": "float32", "runtime": "onnx"},
    "cross-encoder, torch float32": {"rerank": "cross-encoder", "runtime": "torch"},
    "late interaction, onnx": {"rerank": "late-interaction"},
}
USUAL = {"usual recipe, float32": "float32", "usual recipe, bfloat16": "bfloat16"}

Search = Callable[[str], dict[str, float]]
"""A title to milliseconds by stage."""


def main() -> None:
    """Measure every system that is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("titles", type=Path, help="a CSV file")
    parser.add_argument("--column", required=True, help="its column of titles")
    parser.add_argument(
        "--models", required=True, help="folder of the trained models, safetensors and export"
    )
    parser.add_argument("--count", type=int, default=60, help="titles that are measured")
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--systems", nargs="+", choices=[*OURS, *USUAL], default=[*OURS, *USUAL])
    parser.add_argument("--first", action="store_true", help="the first answer alone, of a system")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = [row.text(options.column) for row in Table.at(options.titles).rows(options.column)]
    titles = list(dict.fromkeys(title for title in rows if title))[: options.count + 5]
    with ExitStack() as stack:
        if options.first:
            _open(options.systems[0], options.models, stack)(titles[0])
            print(json.dumps(_memory()))  # noqa: T201
            return
        systems = {name: _open(name, options.models, stack) for name in options.systems}
        report = _latency(systems, titles)
        for name, search in systems.items():
            report[name] |= _throughput(search, titles[5:], options.threads)
    for name in systems:
        report[name] |= _first_answer(name) | {"disk_mb": _disk(name, Path(options.models))}
    if options.json:
        print(json.dumps({"cores": os.cpu_count(), "systems": report}, indent=2))  # noqa: T201
    else:
        _print(report)


def _open(name: str, models: str, stack: ExitStack) -> Search:
    """A system that is ready to search."""
    if name in USUAL:
        return _usual_recipe(models, USUAL[name])
    from skillsearch import SkillSearch

    client = stack.enter_context(SkillSearch.open(load_settings(models=models, **OURS[name])))
    return lambda title: asdict(client.search(title, limit=20).timings)


def _usual_recipe(models: str, precision: str) -> Search:
    """The recipe of most tutorials, with the weights of the folder and the skills of the published index."""
    import faiss
    import torch
    from sentence_transformers import CrossEncoder, SentenceTransformer

    torch.set_num_threads(cpu_threads())
    kind = {"dtype": torch.bfloat16 if precision == "bfloat16" else torch.float32}
    encoder = SentenceTransformer(f"{models}/{ENCODER}", device="cpu", model_kwargs=kind)
    reranker = CrossEncoder(f"{models}/{RERANKER}", device="cpu", model_kwargs=kind, max_length=128)
    store = open_store(load_settings(models=models))
    try:
        points = list(store.published().scan("skills", vectors=True))
    finally:
        store.close()
    labels = [point.payload["label"] for point in points]
    index = faiss.IndexFlatIP(len(points[0].vector))
    index.add(np.array([point.vector for point in points], dtype=np.float32))

    def search(title: str) -> dict[str, float]:
        times = [time.perf_counter()]
        vector = encoder.encode([title], normalize_embeddings=True, convert_to_tensor=True).float().numpy()
        times.append(time.perf_counter())
        _, nearest = index.search(vector, DEPTH)
        times.append(time.perf_counter())
        scores = reranker.predict(
            [(title, labels[row]) for row in nearest[0]], convert_to_tensor=True
        ).float()
        np.argsort(-scores.numpy()[:, -1])
        times.append(time.perf_counter())
        stages = dict(zip(STAGES, 1000 * np.diff(times), strict=False))
        return stages | {"total": 1000 * (times[-1] - times[0])}

    return search


def _latency(systems: dict[str, Search], titles: Sequence[str]) -> dict[str, dict[str, Any]]:
    """p50 and p95 of each stage of each system, after five titles to warm up."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in systems}
    for title in titles:
        for name, search in systems.items():
            found[name].append(search(title))
    return {
        name: {
            f"{stage}_p{share}_ms": round(float(np.percentile([one[stage] for one in rows[5:]], share)), 1)
            for stage in STAGES
            for share in (50, 95)
        }
        for name, rows in found.items()
    }


def _throughput(search: Search, titles: Sequence[str], threads: int) -> dict[str, float]:
    """Titles a second, one after the other and with so many threads."""
    found = {}
    for count in (1, threads):
        start = time.perf_counter()
        with ThreadPoolExecutor(count) as pool:
            list(pool.map(search, titles))
        found[f"titles_per_s_{count}"] = round(len(titles) / (time.perf_counter() - start), 2)
    return found


def _first_answer(name: str) -> dict[str, float]:
    """Seconds from the start of a process to its first answer, and its memory."""
    start = time.perf_counter()
    given = [one for one in sys.argv if one != "--json"]
    command = [sys.executable, *given, "--first", "--systems", name]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - this script
    seconds = round(time.perf_counter() - start, 1)
    return {"first_answer_s": seconds} | json.loads(done.stdout.splitlines()[-1])


def _memory() -> dict[str, int]:
    """Megabytes of this process (Linux): its own, and of files that it maps, which the system can drop."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    names = {"memory_mb": "RssAnon", "mapped_mb": "RssFile"}
    return {name: round(int(status[field].split()[0]) / 1024) for name, field in names.items()}


def _disk(name: str, models: Path) -> int:
    """Megabytes of the files of the models that a system reads."""
    if name in USUAL or "torch" in name:
        files = [path for part in (ENCODER, RERANKER) for path in (models / part).rglob("*.safetensors")]
    else:
        encoder = next((models / ENCODER).rglob("model*.onnx"))
        rerankers = {
            "distilled": models / DISTILLED / "onnx" / "model.onnx",
            "int8": models / RERANKER / "onnx" / "model_int8.onnx",
            "float32": models / RERANKER / "onnx" / "model.onnx",
        }
        files = [encoder, *(path for word, path in rerankers.items() if word in name)]
    return round(sum(path.stat().st_size for path in files) / 1e6)


def _print(report: dict[str, dict[str, Any]]) -> None:
    """The report as a table in Markdown."""
    columns = list(next(iter(report.values())))
    print("| system |", " | ".join(columns), "|")  # noqa: T201
    print("| --- |", " | ".join("---:" for _ in columns), "|")  # noqa: T201
    for name, row in report.items():
        print(f"| {name} |", " | ".join(str(row[column]) for column in columns), "|")  # noqa: T201


if __name__ == "__main__":
    main()
