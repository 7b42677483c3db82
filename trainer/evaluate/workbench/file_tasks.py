"""The tasks that come from files: SkillExtract, JobNorm and SkillSim.

The files are those of the public data sets: vacancy sentences with ESCO v1.1.0 labels (HOUSE, TECH,
TECHWOLF), JobBERT's vacancy titles, and SkillMatch-1K. Labels and occupations that the given release
does not have are dropped and counted.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal, get_args

from skillsearch.errors import EvaluationError
from skillsearch.tables import Record, Table
from trainer.evaluate.benchmark import Document
from trainer.evaluate.workbench.esco_tasks import Spaces
from trainer.evaluate.workbench.tasks import MissingTaskError, Split, Task, in_validation, make_task

__all__ = ["EXTRACTION_SETS", "has_task_file", "jobnorm", "skillextract", "skillsim"]

ExtractionSet = Literal["house", "tech", "techwolf"]
EXTRACTION_SETS: Final[tuple[ExtractionSet, ...]] = get_args(ExtractionSet)

_NO_SKILL: Final = ("LABEL NOT PRESENT", "UNDERSPECIFIED")
_ANNOTATIONS: Final = {
    "validation": "skill-extraction/{}_validation_annotations.csv",
    "test": "skill-extraction/{}_test_annotations.csv",
}
_TITLES: Final = {"validation": "jobbert/titles.csv", "test": "jobbert/titles_test.csv"}
_PAIRS: Final = {"all": "skillmatch/skillmatch-1k.csv"}
_SIMILARITY_VALIDATION: Final = 0.1  # share of SkillMatch's queries, as in the public code


def has_task_file(data: Path) -> bool:
    """Whether a folder has a file of any task and part."""
    wanted = [*_TITLES.values(), *_PAIRS.values()]
    wanted += [file.format(name) for file in _ANNOTATIONS.values() for name in EXTRACTION_SETS]
    return any(_find_file(data, file) for file in wanted)


def skillextract(name: ExtractionSet, spaces: Spaces, data: Path | None, split: Split) -> Task:
    """A vacancy sentence ranks all skills; right are those that its spans are annotated with.

    The rows of a sentence, one a span, are put together; the labels for no skill are dropped.

    Raises:
        EvaluationError: a file cannot be read; or as `MissingTaskError`, there is none.
    """
    files = _find(data, {part: file.format(name) for part, file in _ANNOTATIONS.items()}, split)
    unknown = f"the label is not in {spaces.taxonomy}"
    reasons = dict.fromkeys(_NO_SKILL, "the label stands for no skill")
    right: dict[str, list[str]] = {}
    dropped: dict[str, list[str]] = {}
    for row in _rows(files, "sentence", "label"):
        sentence, label = row["sentence"], row["label"]
        targets = spaces.skills_by_label.get(label, ())
        if not sentence:
            dropped.setdefault("the sentence is empty", []).append(label)
        elif not targets:
            dropped.setdefault(reasons.get(label, unknown), []).append(label)
        if sentence:
            right.setdefault(sentence, []).extend(targets)
    taxonomy, skills = str(spaces.taxonomy), spaces.skills
    return make_task(
        name, "skillextract", split, right, skills, taxonomy=taxonomy, files=files, dropped=dropped
    )


def jobnorm(spaces: Spaces, data: Path | None, split: Split) -> Task:
    """A vacancy title ranks all occupations; equal titles, white space at the ends aside, are one query.

    Raises:
        EvaluationError: a file cannot be read; or as `MissingTaskError`, there is none.
    """
    files = _find(data, _TITLES, split)
    right: dict[str, list[str]] = {}
    dropped: dict[str, list[str]] = {}
    for row in _rows(files, "vacancyTitle", "conceptUri"):
        title, uri = row["vacancyTitle"], row["conceptUri"]
        is_known = uri in spaces.occupations
        if not title:
            dropped.setdefault("the title is empty", []).append(uri)
        elif not is_known:
            dropped.setdefault(f"the occupation is not in {spaces.taxonomy}", []).append(uri)
        if title:
            right.setdefault(title, []).extend([uri] if is_known else [])
    taxonomy, jobs = str(spaces.taxonomy), spaces.occupations
    return make_task(
        "jobnorm", "jobnorm", split, right, jobs, taxonomy=taxonomy, files=files, dropped=dropped
    )


def skillsim(data: Path | None, split: Split) -> Task:
    """A skill ranks all skills of the file; right are those it is related to. Needs no taxonomy.

    Every skill of the file, also of its unrelated pairs, is a target. A fixed draw of a tenth of
    the queries validates.

    Raises:
        EvaluationError: the file cannot be read, or `related` is not 0 or 1; or as `MissingTaskError`,
            there is none.
    """
    files = _find(data, _PAIRS, "all")
    right: dict[str, list[str]] = {}
    dropped: dict[str, list[str]] = {}
    targets: set[str] = set()
    for row in _rows(files, "skill_a", "skill_b", "related"):
        one, other = row["skill_a"], row["skill_b"]
        is_related = row.one_of("related", ("0", "1")) == "1"
        targets |= {one, other} - {""}
        if not is_related or not one or not other:
            continue
        if one == other:
            dropped.setdefault("both skills of the pair are one", []).append(one)
        elif split == "all" or in_validation(one, _SIMILARITY_VALIDATION) == (split == "validation"):
            right.setdefault(one, []).append(other)
    documents = {text: Document(text, "", (text,)) for text in sorted(targets)}
    return make_task("skillsim", "skillsim", split, right, documents, files=files, dropped=dropped)


def _find(data: Path | None, files: Mapping[str, str], split: Split) -> list[Path]:
    """The files that are there; of several parts, one is enough.

    Raises:
        MissingTaskError: there is none.
    """
    wanted = [file for part, file in files.items() if split in (part, "all")]
    looked_for = " or ".join(wanted)
    if data is None:
        raise MissingTaskError(f"no --data given; it is read from {looked_for}")
    paths = [path for file in wanted if (path := _find_file(data, file))]
    if not paths:
        raise MissingTaskError(f"no {looked_for} in {data}")
    return paths


def _find_file(data: Path, file: str) -> Path | None:
    """A file in its folder within the data, or directly in the data."""
    return next((path for path in (data / file, data / Path(file).name) if path.is_file()), None)


def _rows(files: Sequence[Path], *columns: str) -> Iterator[Record]:
    for path in files:
        yield from Table.at(path, error_type=EvaluationError, advice="download it again").rows(*columns)
