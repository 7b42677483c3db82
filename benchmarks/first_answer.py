"""Time and memory of a first answer: a process that starts, opens everything, answers and ends.

    python benchmarks/first_answer.py "Data Scientist" --runs 5

Times the whole command, `--help`, and `import skillsearch`, alternated in rounds; prints the medians as JSON.
`CPU s` is the work of the process, on however many cores.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time


def main() -> None:
    """Measure each command so many times."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("title")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    commands = {
        "import skillsearch": ["-c", "import skillsearch"],
        "--help": ["-m", "skillsearch", "--help"],
        "search": ["-m", "skillsearch", "search", options.title, "--json"],
        "search without reranking": [
            *("-m", "skillsearch", "search", options.title, "--json", "--reranker", "none")
        ],
    }
    found: dict[str, list[dict[str, float]]] = {name: [] for name in commands}
    for _ in range(options.runs):
        for name, arguments in commands.items():
            found[name].append(_run(arguments))
    report = {
        name: {key: round(statistics.median(one[key] for one in runs), 2) for key in runs[0]}
        for name, runs in found.items()
    }
    print(json.dumps({"runs": options.runs, "cores": os.cpu_count()} | report, indent=2))  # noqa: T201


def _run(arguments: list[str]) -> dict[str, float]:
    """Seconds, seconds of CPU, and megabytes at the peak, mapped files among them."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL)  # noqa: S603
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed")
    return {"s": seconds, "CPU s": used.ru_utime + used.ru_stime, "peak MB": used.ru_maxrss * 1024 / 1e6}


if __name__ == "__main__":
    main()
