"""The training files of TalentCLEF Task B as a taxonomy.

``job2skill.tsv`` relates ids of jobs and skills (job, skill, essential or optional, with or without a
header), ``jobid2terms.json`` and ``skillid2terms.json`` give each id its names, the first one being
preferred here. Described at talentclef.github.io, "Description of the Corpus".
"""

import zipfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Final, cast

from skillsearch.errors import TaxonomyError
from skillsearch.tables import DAMAGE, TextFile
from skillsearch.taxonomy.records import Occupation, Relation, RelationKind, Skill, Taxonomy
from skillsearch.values import parse_json

__all__ = ["FILES", "read_training_files"]

FILES: Final = ("job2skill.tsv", "jobid2terms.json", "skillid2terms.json")

_HEADER = ["job_id", "skill_id", "rel_type"]
_KINDS = ("essential", "optional")


def read_training_files(path: Path) -> tuple[Taxonomy, dict[str, int]]:
    """Read the three files from a folder or zip, at any depth.

    Relations that name an id without terms are skipped, and so are repeated ones.

    Returns:
        The taxonomy, and how many relations were skipped for each reason.

    Raises:
        TaxonomyError: a file is missing, there twice, or not what it should be; names file and line.
    """
    relations, jobs, skills = _find(path)
    titles, labels = _terms(jobs), _terms(skills)
    kept, skipped = _relations(relations, titles, labels)
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
    return taxonomy, skipped


def _find(path: Path) -> list[TextFile]:
    """The three files, in the order of `FILES`."""
    try:
        if path.is_dir():
            found = [TextFile(file.name, f"{path}: {file.name}", file) for file in sorted(path.rglob("*"))]
        else:
            with zipfile.ZipFile(path) as archive:
                members = [(PurePosixPath(name).name, name) for name in archive.namelist()]
            found = [TextFile(name, f"{path}: {name}", path, (member,)) for name, member in members]
    except (OSError, *DAMAGE) as error:
        raise TaxonomyError(f"{path} cannot be read as a folder or zip: {error}") from error
    by_name = {name: [file for file in found if file.name == name] for name in FILES}
    for name, files in by_name.items():
        if len(files) != 1:
            state = f"is there {len(files)} times" if files else "is missing"
            raise TaxonomyError(f"{path}: {name} {state}, expected each of {', '.join(FILES)} once")
    return [file for (file,) in by_name.values()]


def _terms(file: TextFile) -> dict[str, tuple[str, ...]]:
    """Names by id, without empty and repeated ones."""
    values = parse_json(
        file.text(),
        dict[str, list[str]],
        file.error_type,
        source=file.source,
        remedy="expected lists of names by id",
    )
    terms = {}
    for uri, names in values.items():
        terms[uri] = tuple(dict.fromkeys(" ".join(name.split()) for name in names if name.strip()))
        if not terms[uri]:
            raise file.error(f": {uri} has no name")
    return terms


def _relations(
    file: TextFile, jobs: Mapping[str, object], skills: Mapping[str, object]
) -> tuple[tuple[Relation, ...], dict[str, int]]:
    kept: dict[tuple[str, str], Relation] = {}
    skipped: Counter[str] = Counter()
    for number, line in enumerate(file.text().splitlines(), start=1):
        cells = [cell.strip() for cell in line.split("\t")]
        if not line or (number == 1 and cells == _HEADER):
            continue
        if len(cells) != len(_HEADER):
            raise file.error(f", line {number}: found {len(cells)} columns, expected {', '.join(_HEADER)}")
        job, skill, kind = cells
        if kind not in _KINDS:
            raise file.error(f", line {number}: unknown relation {kind!r}, expected essential or optional")
        if job not in jobs:
            skipped["job without terms"] += 1
        elif skill not in skills:
            skipped["skill without terms"] += 1
        elif (job, skill) in kept:
            skipped["relation given before"] += 1
        else:
            kept[job, skill] = Relation(job, skill, cast("RelationKind", kind))
    if not kept:
        raise file.error(": no relation of a job and a skill that both have terms")
    return tuple(kept.values()), dict(skipped)
