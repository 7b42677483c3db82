"""The training files of TalentCLEF Task B as a taxonomy.

``job2skill.tsv`` relates ids of jobs and skills (job, skill, essential or optional, with or without a
header), ``jobid2terms.json`` and ``skillid2terms.json`` give each id its names, the first one being
preferred here. Described at talentclef.github.io, "Description of the Corpus".
"""

import csv
import json
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Final, cast

from skillsearch.errors import TaxonomyError
from skillsearch.taxonomy.records import Occupation, Relation, RelationKind, Skill, Taxonomy

__all__ = ["FILES", "read_training_files"]

FILES: Final = ("job2skill.tsv", "jobid2terms.json", "skillid2terms.json")

_HEADER = ["job_id", "skill_id", "rel_type"]
_KINDS = ("essential", "optional")


def read_training_files(path: Path) -> tuple[Taxonomy, dict[str, int]]:
    """Read the three files from a folder or zip, at any depth.

    Relations that name an id without terms are left out, and so are repeated ones.

    Returns:
        The taxonomy, and how many rows were left out for each reason.

    Raises:
        TaxonomyError: a file is missing, there twice, or not what it should be; names file and line.
    """
    texts = _texts(path)
    relations, jobs, skills = (texts[name] for name in FILES)
    titles, labels = _terms(f"{path}: {FILES[1]}", jobs), _terms(f"{path}: {FILES[2]}", skills)
    kept, dropped = _relations(f"{path}: {FILES[0]}", relations, titles, labels)
    taxonomy = Taxonomy(
        name="talentclef",
        version=path.stem,
        language="en",
        skills={uri: Skill(uri, names[0], names[1:]) for uri, names in labels.items()},
        occupations={uri: Occupation(uri, names[0], names[1:]) for uri, names in titles.items()},
        relations=kept,
        groups={},
        isco_groups={},
    )
    return taxonomy, dropped


def _texts(path: Path) -> dict[str, str]:
    try:
        if path.is_dir():
            found = [(file.name, file.read_bytes()) for file in sorted(path.rglob("*")) if file.name in FILES]
        else:
            with zipfile.ZipFile(path) as archive:
                names = [name for name in archive.namelist() if PurePosixPath(name).name in FILES]
                found = [(PurePosixPath(name).name, archive.read(name)) for name in names]
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise TaxonomyError(f"{path} cannot be read as a folder or zip: {error}") from error
    counts = Counter(name for name, _ in found)
    for name in FILES:
        if counts[name] != 1:
            state = "is missing" if not counts[name] else f"is there {counts[name]} times"
            raise TaxonomyError(f"{path}: {name} {state}, expected each of {', '.join(FILES)} once")
    texts = {}
    for name, content in found:
        try:
            texts[name] = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise TaxonomyError(f"{path}: {name} is not UTF-8: {error}") from error
    return texts


def _terms(where: str, text: str) -> dict[str, tuple[str, ...]]:
    """Names by id, without empty and repeated ones."""
    try:
        values = json.loads(text)
    except ValueError as error:
        raise TaxonomyError(f"{where} is not JSON: {error}") from error
    if not isinstance(values, dict):
        raise TaxonomyError(f"{where}: expected an object of lists of names by id")
    terms = {}
    for uri, names in values.items():
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise TaxonomyError(f"{where}: {uri}: expected a list of names, found {names!r:.60}")
        kept = tuple(dict.fromkeys(" ".join(name.split()) for name in names if name.strip()))
        if not kept:
            raise TaxonomyError(f"{where}: {uri} has no name")
        terms[uri] = kept
    return terms


def _relations(
    where: str, text: str, jobs: Mapping[str, object], skills: Mapping[str, object]
) -> tuple[tuple[Relation, ...], dict[str, int]]:
    kept: dict[tuple[str, str], Relation] = {}
    dropped: Counter[str] = Counter()
    for line, row in _rows(text):
        if len(row) != len(_HEADER):
            raise TaxonomyError(
                f"{where}: line {line}: found {len(row)} columns, expected {', '.join(_HEADER)}"
            )
        job, skill, kind = (value.strip() for value in row)
        if kind not in _KINDS:
            raise TaxonomyError(
                f"{where}: line {line}: unknown relation {kind!r}, expected essential or optional"
            )
        if job not in jobs:
            dropped["job without terms"] += 1
        elif skill not in skills:
            dropped["skill without terms"] += 1
        elif (job, skill) in kept:
            dropped["relation given before"] += 1
        else:
            kept[job, skill] = Relation(job, skill, cast("RelationKind", kind))
    if not kept:
        raise TaxonomyError(f"{where}: no relation of a job and a skill that both have terms")
    return tuple(kept.values()), dict(dropped)


def _rows(text: str) -> Iterable[tuple[int, list[str]]]:
    reader = csv.reader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    for line, row in enumerate(reader, start=1):
        if row and not (line == 1 and [value.strip() for value in row] == _HEADER):
            yield line, row
