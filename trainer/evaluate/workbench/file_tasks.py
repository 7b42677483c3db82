"""The tasks that come from files: SkillExtract, JobNorm and SkillSim.

The files are those of the public data sets: vacancy sentences with ESCO v1.1.0 labels (HOUSE, TECH,
TECHWOLF), JobBERT's vacancy titles, and SkillMatch-1K. Labels and occupations that the given release
does not have are dropped and counted.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, Literal

import numpy as np

from skillsearch.errors import EvaluationError
from trainer.evaluate.workbench.esco_tasks import Spaces
from trainer.evaluate.workbench.readers import find_file, read_columns
from trainer.evaluate.workbench.tasks import Dropped, Missing, Split, Task, in_validation, make_task

__all__ = ["EXTRACTION_SETS", "has_task_file", "jobnorm", "skillextract", "skillsim"]

ExtractionSet = Literal["house", "tech", "techwolf"]
EXTRACTION_SETS: Final[tuple[ExtractionSet, ...]] = ("house", "tech", "techwolf")

_NO_SKILL = ("LABEL NOT PRESENT", "UNDERSPECIFIED")
_PARTS: Final[Mapping[Split, tuple[str, ...]]] = {
    "validation": ("validation",),
    "test": ("test",),
    "all": ("validation", "test"),
}
_TITLES = {"validation": "titles.csv", "test": "titles_test.csv"}
_PAIRS = ("skillmatch", "skillmatch-1k.csv")
_SIMILARITY_VALIDATION = 0.1  # share of SkillMatch's queries, as in the public code


def has_task_file(data: Path) -> bool:
    """Whether a folder has a file of any task and part."""
    wanted = [file for name in EXTRACTION_SETS for file in _annotation_files(name, "all")]
    wanted += [*_title_files("all"), _PAIRS]
    return any(find_file(data, folder, file) for folder, file in wanted)


def skillextract(name: ExtractionSet, spaces: Spaces, data: Path | None, split: Split) -> Task | Missing:
    """A vacancy sentence ranks all skills; right are those that its spans are annotated with.

    The rows of a sentence, one a span, are put together; the labels for no skill are dropped.

    Raises:
        EvaluationError: a file is there and cannot be read.
    """
    wanted = _annotation_files(name, split)
    paths = _find(name, data, wanted)
    if isinstance(paths, Missing):
        return paths
    places: dict[str, list[int]] = {}
    no_skill: list[str] = []
    unknown: list[str] = []
    empty: list[str] = []
    for sentence, cell in _rows(paths, ("sentence", "label")):
        label, text = cell.strip(), sentence.strip()
        if not text:
            empty.append(label)
            continue
        right = places.setdefault(text, [])
        if label in spaces.skills_by_label:
            right += spaces.skills_by_label[label]
        else:
            (no_skill if label in _NO_SKILL else unknown).append(label)
    dropped = (
        *Dropped.of("the label stands for no skill", no_skill),
        *Dropped.of(f"the label is not in {spaces.taxonomy}", unknown),
        *Dropped.of("the sentence is empty", empty),
    )
    return _make(name, "skillextract", split, places, spaces.skills, paths, dropped, spaces)


def jobnorm(spaces: Spaces, data: Path | None, split: Split) -> Task | Missing:
    """A vacancy title ranks all occupations; equal titles, white space at the ends aside, are one query.

    Raises:
        EvaluationError: a file is there and cannot be read.
    """
    wanted = _title_files(split)
    paths = _find("jobnorm", data, wanted)
    if isinstance(paths, Missing):
        return paths
    places: dict[str, list[int]] = {}
    unknown: list[str] = []
    empty: list[str] = []
    for title, cell in _rows(paths, ("vacancyTitle", "conceptUri")):
        uri, text = cell.strip(), title.strip()
        if not text:
            empty.append(uri)
            continue
        right = places.setdefault(text, [])
        if uri in spaces.occupation_places:
            right.append(spaces.occupation_places[uri])
        else:
            unknown.append(uri)
    dropped = (
        *Dropped.of(f"the occupation is not in {spaces.taxonomy}", unknown),
        *Dropped.of("the title is empty", empty),
    )
    return _make("jobnorm", "jobnorm", split, places, spaces.occupations, paths, dropped, spaces)


def skillsim(data: Path | None, split: Split) -> Task | Missing:
    """A skill ranks all skills of the file; right are those it is related to. Needs no taxonomy.

    Every skill of the file, also of its unrelated pairs, is a target. A fixed draw of a tenth of
    the queries validates.

    Raises:
        EvaluationError: the file is there and cannot be read, or `related` is not 0 or 1.
    """
    paths = _find("skillsim", data, [_PAIRS])
    if isinstance(paths, Missing):
        return paths
    related: dict[str, list[str]] = {}
    targets: set[str] = set()
    same: list[str] = []
    for first, second, mark in _rows(paths, ("skill_a", "skill_b", "related")):
        one, other = first.strip(), second.strip()
        if mark.strip() not in ("0", "1"):
            raise EvaluationError(f"{paths[0]}: related is {mark[:20]!r}, expected 0 or 1")
        targets |= {one, other} - {""}
        if mark.strip() == "0" or not one or not other:
            continue
        if one == other:
            same.append(one)
        elif split == "all" or in_validation(one, _SIMILARITY_VALIDATION) == (split == "validation"):
            related.setdefault(one, []).append(other)
    texts = tuple(sorted(targets))
    places = {text: place for place, text in enumerate(texts)}
    entries = {query: [places[other] for other in others] for query, others in related.items()}
    dropped = Dropped.of("both skills of the pair are one", same)
    task = _make("skillsim", "skillsim", split, entries, texts, paths, dropped, None)
    if isinstance(task, Missing):
        return task
    return replace(task, own=np.array([places[query] for query in task.queries], dtype=np.int32))


def _annotation_files(name: ExtractionSet, split: Split) -> list[tuple[str, str]]:
    return [("skill-extraction", f"{name}_{part}_annotations.csv") for part in _PARTS[split]]


def _title_files(split: Split) -> list[tuple[str, str]]:
    return [("jobbert", _TITLES[part]) for part in _PARTS[split]]


def _find(name: str, data: Path | None, wanted: Sequence[tuple[str, str]]) -> tuple[Path, ...] | Missing:
    """The files that are there; of several parts, one is enough."""
    looked_for = " or ".join(f"{folder}/{file}" for folder, file in wanted)
    if data is None:
        return Missing(name, f"no --data given; it is read from {looked_for}")
    paths = tuple(path for folder, file in wanted if (path := find_file(data, folder, file)))
    return paths or Missing(name, f"no {looked_for} in {data}")


def _rows(paths: Sequence[Path], columns: Sequence[str]) -> Iterable[tuple[str, ...]]:
    for path in paths:
        yield from read_columns(path, columns)


def _make(
    name: str,
    kind: Literal["skillextract", "jobnorm", "skillsim"],
    split: Split,
    entries: Mapping[str, Sequence[int]],
    targets: tuple[str, ...],
    paths: Sequence[Path],
    dropped: tuple[Dropped, ...],
    spaces: Spaces | None,
) -> Task | Missing:
    return make_task(
        name,
        kind,
        split,
        entries.items(),
        targets,
        taxonomy=str(spaces.taxonomy) if spaces else "",
        files=[path.name for path in paths],
        dropped=dropped,
    )
