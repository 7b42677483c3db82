"""Load on a running service: its capacity, then a share of it for a while, with commands in the middle.

First a few clients ask as fast as they are answered, which gives the capacity. Then requests are sent at
--share of it, evenly, whether answers come or not; each latency counts from when its request was due. Prints
JSON: requests, errors, p50, p95, p99 and their ratio in milliseconds, and the server's memory in megabytes at
the beginning, the end and at most. Prints what --during commands answered, too: they run one after the other,
spread over the time.

Example: python benchmarks/load.py --url http://127.0.0.1:8000 --seconds 60

Example: python benchmarks/load.py --seconds 1800 --pid 4711 --titles titles.csv --column title \
    --during 'skillsearch reindex --sample' --during 'skillsearch rollback'
"""

import argparse
import asyncio
import json
import shlex
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, cycle
from pathlib import Path

import httpx
import numpy as np

from skillsearch.tables.table import Table

TITLES = ("Nurse", "Data Scientist", "Electrician", "Social Worker", "Project Manager", "Cook", "Accountant")
TIMEOUT = 60.0


@dataclass
class Outcome:
    """Latencies in milliseconds, and what went wrong, by what it was."""

    milliseconds: list[float] = field(default_factory=list)
    errors: dict[str, int] = field(default_factory=dict)

    def failed(self, what: str) -> None:
        """Count an error."""
        self.errors[what] = self.errors.get(what, 0) + 1

    def to_dict(self) -> dict[str, object]:
        """Percentiles, rounded."""
        p50, p95, p99 = np.percentile(self.milliseconds or [0.0], (50, 95, 99)).tolist()
        return {
            "requests": len(self.milliseconds) + sum(self.errors.values()),
            "errors": self.errors,
            "p50": round(p50, 1),
            "p95": round(p95, 1),
            "p99": round(p99, 1),
            "p99 / p50": round(p99 / p50, 2) if p50 else None,
        }


async def main() -> None:
    """Measure the capacity, then hold a share of it."""
    options = _options()
    bodies = _bodies(options)
    headers = {"Authorization": f"Bearer {options.key}"} if options.key else {}
    limits = httpx.Limits(max_connections=500, max_keepalive_connections=100)
    async with httpx.AsyncClient(
        base_url=options.url, headers=headers, limits=limits, timeout=TIMEOUT
    ) as client:
        await _closed(client, bodies, options.clients, min(options.capacity_seconds, 5.0))  # warm
        begun = time.perf_counter()
        warm = await _closed(client, bodies, options.clients, options.capacity_seconds)
        capacity = len(warm.milliseconds) / (time.perf_counter() - begun)
        rate = options.rate or capacity * options.share
        memory: list[float] = []
        watch = asyncio.create_task(_watch(options.pid, memory))
        during = asyncio.create_task(_during(options.during, options.seconds))
        held = await _open(client, bodies, rate, options.seconds, at_random=options.at_random)
        said = await during
        watch.cancel()
    print(  # noqa: T201 - the result
        json.dumps(
            {
                "capacity": {"per second": round(capacity, 2), "clients": options.clients} | warm.to_dict(),
                "held": {"per second": round(rate, 2), "seconds": options.seconds} | held.to_dict(),
                "memory": {
                    "begin": memory[0],
                    "end": memory[-1],
                    "most": max(memory),
                }
                if memory
                else None,
                "during": said,
            },
            indent=2,
        )
    )


async def _closed(
    client: httpx.AsyncClient, bodies: Iterator[object], clients: int, seconds: float
) -> Outcome:
    """Several clients that each ask again once they are answered."""
    outcome, end = Outcome(), time.perf_counter() + seconds

    async def ask() -> None:
        while time.perf_counter() < end:
            await _request(client, next(bodies), time.perf_counter(), outcome)

    await asyncio.gather(*(ask() for _ in range(clients)))
    return outcome


async def _open(
    client: httpx.AsyncClient, bodies: Iterator[object], rate: float, seconds: float, *, at_random: bool
) -> Outcome:
    """Requests at this rate, evenly or at random times, whatever happens to those before."""
    outcome, begun, due = Outcome(), time.perf_counter(), 0.0
    gaps, tasks = np.random.default_rng(0), []
    for _ in count():
        due += float(gaps.exponential(1 / rate)) if at_random else 1 / rate
        if due > seconds:
            break
        await asyncio.sleep(max(begun + due - time.perf_counter(), 0))
        tasks.append(asyncio.create_task(_request(client, next(bodies), begun + due, outcome)))
    await asyncio.gather(*tasks)
    return outcome


async def _request(client: httpx.AsyncClient, body: object, due: float, outcome: Outcome) -> None:
    try:
        answer = await client.post("/v1/skills/search", json=body)
    except httpx.HTTPError as error:
        outcome.failed(type(error).__name__)
        return
    if answer.status_code == 200:
        outcome.milliseconds.append((time.perf_counter() - due) * 1000)
    else:
        outcome.failed(str(answer.status_code))


async def _watch(pid: int | None, memory: list[float]) -> None:
    """The resident memory of a process and its children, every second."""
    while pid is not None:
        memory.append(round(sum(map(_resident, _family(pid))) / 1e6, 1))
        await asyncio.sleep(1)


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [pid, *(one for child in children for one in _family(int(child)))]


def _resident(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096


async def _during(commands: Sequence[str], seconds: float) -> list[dict[str, object]]:
    said: list[dict[str, object]] = []
    for command in commands:
        await asyncio.sleep(seconds / (len(commands) + 1))
        begun = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            *shlex.split(command), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
        _, error = await process.communicate()
        taken = round(time.perf_counter() - begun, 1)
        said.append({"command": command, "exit": process.returncode, "seconds": taken})
        if process.returncode:
            said[-1]["error"] = error.decode(errors="replace")[-300:]
    return said


def _bodies(options: argparse.Namespace) -> Iterator[object]:
    titles: Sequence[str] = TITLES
    if options.titles:
        rows = Table.at(options.titles).rows(options.column)
        titles = list(dict.fromkeys(row.text(options.column) for row in rows if row.text(options.column)))
    more = {"depth": options.depth} if options.depth else {}
    return cycle({"title": title, "limit": 20} | more for title in titles)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--key", help="API key, where there are keys")
    parser.add_argument("--titles", type=Path, help="CSV file of job titles; by default seven of our own")
    parser.add_argument("--column", default="title", help="its column of titles")
    parser.add_argument("--depth", type=int, help="candidates to rerank")
    parser.add_argument("--clients", type=int, default=4, help="that measure the capacity")
    parser.add_argument("--capacity-seconds", type=float, default=20.0)
    parser.add_argument("--seconds", type=float, default=60.0, help="for which the load is held")
    parser.add_argument("--share", type=float, default=0.8, help="of the capacity that is held")
    parser.add_argument("--rate", type=float, help="requests a second instead")
    parser.add_argument("--at-random", action="store_true", help="random arrivals instead of even ones")
    parser.add_argument("--pid", type=int, help="of the server, to watch its memory")
    parser.add_argument("--during", action="append", default=[], metavar="COMMAND", help="in the middle")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main())
