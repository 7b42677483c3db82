"""How alike the lists of noisy and clean titles are, and titles to occupations, with and without cleaning.

    python benchmarks/noisy_titles.py --home HOME --titles titles.tsv --jobbert titles.csv

``titles.tsv`` has the columns title, clean_title and expect; *same*, *two_titles* and *acronym* count.
``titles.csv`` has the columns vacancyTitle and conceptUri. What is measured is the served code: the first ten
skills of `search` without reranking, and the occupations that `normalize_title` gives.
"""

import argparse
import csv
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from skillsearch import FailedSearch, SkillSearch
from skillsearch.tasks import NORMALIZE_TITLE

DEPTH = 100


def overlaps(skills: SkillSearch, path: Path) -> dict[str, list[int]]:
    """Skills among the first ten that the clean title, or any of two, has there too; by what is expected."""
    found = defaultdict[str, list[int]](list)
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if row["expect"] in ("same", "two_titles", "acronym"):
                wanted = {uri for title in row["clean_title"].split(";") for uri in top(skills, title)}
                found[row["expect"]].append(len(wanted.intersection(top(skills, row["title"]))))
    return found


def top(skills: SkillSearch, title: str) -> list[str]:
    """URIs of the first ten skills."""
    return [hit.uri for hit in skills.search(title, limit=10, rerank=False)]


def precisions(skills: SkillSearch, path: Path, every: int) -> tuple[list[float], list[bool], list[bool]]:
    """For each title the average precision, whether the first is right, whether it was recognised."""
    truth = defaultdict[str, set[str]](set)
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            truth[row["vacancyTitle"].strip()].add(row["conceptUri"])
    titles = sorted(truth)[::every]
    averages, first, recognised = [], [], []
    for title, result in zip(titles, skills.each(NORMALIZE_TITLE, titles, limit=DEPTH), strict=True):
        uris = [] if isinstance(result, FailedSearch) else [hit.uri for hit in result]
        averages.append(average_precision(uris, truth[title]))
        first.append(bool(uris) and uris[0] in truth[title])
        recognised.append(not isinstance(result, FailedSearch) and result.recognised)
    return averages, first, recognised


def average_precision(uris: Iterable[str], relevant: set[str]) -> float:
    """Mean over the relevant concepts of the precision at the rank of each; 0 for those not found."""
    hits, total = 0, 0.0
    for rank, uri in enumerate(uris, start=1):
        if uri in relevant:
            hits += 1
            total += hits / rank
    return total / len(relevant)


def main() -> None:
    """Measure a client that cleans titles, and one that does not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--home", required=True)
    parser.add_argument("--titles", type=Path)
    parser.add_argument("--jobbert", type=Path)
    parser.add_argument("--every", type=int, default=1, help="take every n-th title of --jobbert")
    given = parser.parse_args()
    for clean in (False, True):
        name = "cleaned" if clean else "as they are"
        with SkillSearch.open(home=given.home, device="cpu", clean_titles=clean) as skills:
            if given.titles:
                for expect, counts in overlaps(skills, given.titles).items():
                    mean = sum(counts) / len(counts)
                    print(f"{name}: {expect}: {mean:.2f} of 10, {len(counts)} titles")  # noqa: T201
            if given.jobbert:
                averages, first, recognised = precisions(skills, given.jobbert, given.every)
                count = len(averages)
                print(  # noqa: T201 - a script's output
                    f"{name}: MAP {sum(averages) / count:.4f}, first right {sum(first) / count:.4f}, "
                    f"recognised {sum(recognised) / count:.4f}, {count} titles"
                )


if __name__ == "__main__":
    main()
