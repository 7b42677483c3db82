"""Time that an index takes to move from one ESCO version to the next, and what searches notice of it.

    python benchmarks/reindex_speed.py --old OLD.zip --old OLD-relations.zip \
        --new NEW.zip --new NEW-relations.zip --models MODELS --work FOLDER

Every row is measured in a process of its own, in the embedded store. Times are from reading the zips to
the published build, without loading the model; `memory` is the peak above what the loaded model takes.
What was measured is kept in FOLDER/report.json, so that a run that was stopped goes on. The models need both
their safetensors and their ONNX files; `--only` measures one step alone, as often as it is given.
"""

import argparse
import json
import multiprocessing
import os
import resource
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
from rich.console import Console
from rich.table import Table

from indexer.build import execute, published_build
from indexer.builds import rollback
from indexer.plan import make_plan
from indexer.read.esco import read_esco
from skillsearch import SkillSearch
from skillsearch.models.pair import locate_models
from skillsearch.settings import Runtime
from skillsearch.store.base import SPACES
from skillsearch.store.embedded import EmbeddedStore
from skillsearch.store.embedded.files import copy_folder
from skillsearch.taxonomy.records import Taxonomy

GROWTH = (0, 10, 100, 1000)
TITLES = ("Data Scientist", "Nurse", "Electrician", "Accountant", "Welder", "Teacher", "Chef", "Lawyer")
THREADS = 4
PAUSE = 1.0
"""Seconds between two searches of a thread."""


def main() -> None:
    """Measure what was not measured yet, and print it all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    for name in ("old", "new"):
        parser.add_argument(f"--{name}", type=Path, action="append", required=True)
    for name in ("models", "work"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--only", action="append", metavar="STEP")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    steps: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
        "complete build of the old version": complete_old,
        "old to new": old_to_new,
        "the plan alone": plan_alone,
        "rollback": roll_back,
        "new to old": new_to_old,
        "complete build of the new version": complete_new,
        "old to new, and the complete build": compare_builds,
        **{f"{count:,} labels changed": _Relabelled(count) for count in GROWTH},
        **{f"complete build with {runtime}": _Runtime(runtime) for runtime in get_args(Runtime)},
        "the runtimes": compare_runtimes,
        "searches": searches,
    }
    path = options.work / "report.json"
    report = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for name, step in steps.items():
        if name not in report and (options.only is None or name in options.only):
            spawn = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(1, mp_context=spawn) as process:
                report[name] = process.submit(step, options).result()
            path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    table = Table("", "result")
    for name, row in report.items():
        table.add_row(name, ", ".join(f"{key} {value}" for key, value in row.items()))
    Console(width=160).print(table)


def complete_old(options: argparse.Namespace) -> dict[str, Any]:
    """Into an empty folder."""
    return _move(options, options.work / "moving", options.old)


def complete_new(options: argparse.Namespace) -> dict[str, Any]:
    """Into an empty folder; the others begin with a copy of it."""
    return _move(options, options.work / "new", options.new)


def old_to_new(options: argparse.Namespace) -> dict[str, Any]:
    """What a new release takes."""
    return _move(options, options.work / "moving", options.new)


def new_to_old(options: argparse.Namespace) -> dict[str, Any]:
    """Without the build of the old version, which would only be published again."""
    store = _store(options.work / "moving")
    rollback(store, max(store.builds(), key=lambda info: info.created).name)
    for info in store.builds():
        if info.name != store.published().info.name:
            store.remove(info.name)
    store.close()
    return _move(options, options.work / "moving", options.old)


def compare_builds(options: argparse.Namespace) -> dict[str, Any]:
    """Point by point: the build that came from the old version, and the complete one."""
    complete = _store(options.work / "new").published()
    moving = _store(options.work / "moving")
    moved = moving.open(next(info.name for info in moving.builds() if info.digest == complete.info.digest))
    found: dict[str, Any] = {}
    for space in SPACES:
        points = {point.uri: point for point in moved.scan(space, vectors=True)}
        others = {point.uri: point for point in complete.scan(space, vectors=True)}
        shared = points.keys() & others.keys()
        found[f"{space} alike"] = sum(points[uri].payload == others[uri].payload for uri in shared)
        found[f"{space} in one only"] = len(points.keys() ^ others.keys())
        found[f"{space}, largest difference of a vector"] = max(
            float(np.abs(np.subtract(points[uri].vector, others[uri].vector)).max()) for uri in shared
        )
    return found


def compare_runtimes(options: argparse.Namespace) -> dict[str, Any]:
    """What the complete builds with ONNX took, as a share of those with torch."""
    report = json.loads((options.work / "report.json").read_text(encoding="utf-8"))
    onnx, torch = (report[f"complete build with {runtime}"] for runtime in ("onnx", "torch"))
    return {name: round(onnx[name] / torch[name], 3) for name in ("seconds", "embed and write")}


def plan_alone(options: argparse.Namespace) -> dict[str, Any]:
    """The whole command, as a user waits for it: imports, reading, comparing, printing."""
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        _command(
            options,
            options.work / "moving",
            "--dry-run",
            "--set",
            "allow_downgrade=true",
            releases=options.old,
        )
        seconds.append(time.perf_counter() - start)
    return {"seconds": round(statistics.median(seconds), 2)}


def roll_back(options: argparse.Namespace) -> dict[str, Any]:
    """Back and forth; publishing is the same step."""
    store = _store(options.work / "moving")
    names = [info.name for info in store.builds()]
    seconds = []
    for number in range(11):
        start = time.perf_counter()
        rollback(store, names[number % 2])
        seconds.append(time.perf_counter() - start)
    rollback(store, names[-1])
    return {"ms": round(statistics.median(seconds) * 1000, 1)}


def searches(options: argparse.Namespace) -> dict[str, Any]:
    """Four threads search while nothing happens, then during a reindex and a rollback."""
    home = options.work / "searched"
    shutil.rmtree(home, ignore_errors=True)
    copy_folder(options.work / "moving", home)
    idle, moving = _Searches(options, home), _Searches(options, home)
    idle.run(lambda: time.sleep(60))
    moving.run(lambda: _while_searching(options, home))
    idle_p95, moving_p95 = idle.p95(), moving.p95()
    return {
        "searches": len(moving.milliseconds),
        "failed": idle.failed + moving.failed,
        "builds": len(moving.builds),
        "idle p95 ms": round(idle_p95),
        "moving p95 ms": round(moving_p95),
        "ratio": round(moving_p95 / idle_p95, 2),
    }


def _while_searching(options: argparse.Namespace, home: Path) -> None:
    for name in [info.name for info in _store(home).builds()]:
        if name != _store(home).published().info.name:
            _store(home).remove(name)
    _command(options, home, releases=options.new)
    rollback(_store(home))


class _Relabelled:
    """Change the label of some skills, and have only those embedded."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __call__(self, options: argparse.Namespace) -> dict[str, Any]:
        home = options.work / "relabelled"
        shutil.rmtree(home, ignore_errors=True)
        copy_folder(options.work / "new", home)

        def relabel(taxonomy: Taxonomy) -> Taxonomy:
            skills = dict(taxonomy.skills)
            for uri in list(skills)[: self._count]:
                skills[uri] = replace(skills[uri], label=f"{skills[uri].label} again")
            return replace(taxonomy, version=f"{taxonomy.version}.1", skills=skills)

        return _move(options, home, options.new, relabel)


class _Runtime:
    """A complete build into an empty folder, with one of the runtimes."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def __call__(self, options: argparse.Namespace) -> dict[str, Any]:
        home = options.work / self._runtime
        shutil.rmtree(home, ignore_errors=True)
        return _move(options, home, options.new, runtime=self._runtime)


class _Searches:
    def __init__(self, options: argparse.Namespace, home: Path) -> None:
        self._client = SkillSearch.open(home=home, models=str(options.models), device="cpu")
        self._done = threading.Event()
        self.milliseconds: list[float] = []
        self.builds: set[str] = set()
        self.failed = 0

    def run(self, work: Callable[[], object]) -> None:
        threads = [threading.Thread(target=self._search, args=(number,)) for number in range(THREADS)]
        for thread in threads:
            thread.start()
        work()
        time.sleep(2 * PAUSE)
        self._done.set()
        for thread in threads:
            thread.join()

    def p95(self) -> float:
        return statistics.quantiles(self.milliseconds, n=20)[-1]

    def _search(self, number: int) -> None:
        time.sleep(number * PAUSE / THREADS)
        while not self._done.is_set():
            number += 1
            start = time.perf_counter()
            try:
                result = self._client.search(TITLES[number % len(TITLES)])
            except Exception:
                self.failed += 1
                raise
            self.milliseconds.append((time.perf_counter() - start) * 1000)
            self.builds.add(result.versions.build)
            self._done.wait(PAUSE)


def _move(
    options: argparse.Namespace,
    home: Path,
    releases: list[Path],
    edit: Callable[[Taxonomy], Taxonomy] = lambda taxonomy: taxonomy,
    runtime: Runtime | None = None,
) -> dict[str, Any]:
    encoder = locate_models(str(options.models)).load_encoder(device="cpu", runtime=runtime)
    encoder.encode(["warm up"])
    before = _resident()
    store = _store(home)
    start = time.perf_counter()
    with store.lock("benchmark"):
        plan = make_plan(edit(read_esco(releases).taxonomy), encoder.folder, published_build(store))
        planned = time.perf_counter()
        report = execute(plan, encoder, store)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "seconds": round(seconds, 2),
        "read and plan": round(planned - start, 2),
        **report.seconds,
        "embedded": report.embedded,
        "payload only": sum(plan.spaces[space].counts()["payload only"] for space in SPACES),
        "memory MB": round((peak - before) / 1e6),
        "disk MB": round((report.bytes_on_disk or 0) / 1e6),
    }


def _store(home: Path) -> EmbeddedStore:
    return EmbeddedStore(home / "index")


def _command(options: argparse.Namespace, home: Path, *arguments: str, releases: list[Path]) -> None:
    named = [part for path in releases for part in ("--esco", str(path))]
    environment = os.environ | {"SKILLSEARCH_HOME": str(home), "SKILLSEARCH_MODELS": str(options.models)}
    program = str(Path(sys.executable).with_name("skillsearch"))
    subprocess.run([program, "reindex", *named, *arguments], check=True, env=environment, capture_output=True)  # noqa: S603


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * resource.getpagesize()


if __name__ == "__main__":
    main()
