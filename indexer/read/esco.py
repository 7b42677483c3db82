"""Reader of ESCO releases, as ESCO's portal offers them.

v1.0 and v1.1 come as two zips, a classification in one language and language-independent relations; v1.2
as one zip whose relation files carry the language too. Columns are found by header, so all are read alike,
and so is any other taxonomy in the same form.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeVar, cast, get_args

from indexer.read.codes import IscoCodes
from indexer.read.identity import name_and_version, require_identity
from indexer.read.release import Release, SkippedRows, concepts, names_in, split_lists
from indexer.read.release_files import find_tables
from skillsearch.errors import TaxonomyError
from skillsearch.tables import Record, Table
from skillsearch.taxonomy.records import (
    REUSE_LEVELS,
    Group,
    Occupation,
    Relation,
    RelationKind,
    Skill,
    Taxonomy,
)

__all__ = ["SAMPLE", "language_of", "read_esco", "read_sample", "sample_path"]

SAMPLE: Final = "sample"
"""Name of the sample taxonomy."""

_COLLECTIONS = {
    "digitalSkillsCollection": "digital",
    "ictSkillsCollection": "digital",  # its name in v1.1.0
    "greenSkillsCollection": "green",
    "transversalSkillsCollection": "transversal",
    "languageSkillsCollection": "language",
    "researchSkillsCollection": "research",
    "digCompSkillsCollection": "digcomp",
}
_KINDS = get_args(RelationKind)
_RELATION_FILES = ("occupationSkillRelations", "broaderRelationsSkillPillar", "broaderRelationsOccPillar")
_CLASSIFICATION_FILES = ("skills", "occupations", "skillGroups", "ISCOGroups")
_READ = {*_RELATION_FILES, *_CLASSIFICATION_FILES, "skillsHierarchy", *_COLLECTIONS}
_SKILL_TYPES = {"skill/competence": "skill", "knowledge": "knowledge", "": ""}

_LISTS = ("altLabels", "hiddenLabels")
_MODIFIED = "modifiedDate"

_FILE_NAME = re.compile(
    rf"(?<![a-z])(?P<stem>{'|'.join(sorted(_READ, key=len, reverse=True))})"
    r"(?:_(?P<language>[a-z]{2}(?:-[a-z]{2,4})?))?(?![a-z])",
    re.IGNORECASE,
)
"""Within the name of a file, to which a system may have added ``Copy of`` or `` (1)``."""

_STEMS = {stem.lower(): stem for stem in _READ}

_Concept = TypeVar("_Concept", Skill, Occupation, Group)


def read_esco(
    paths: Sequence[Path],
    *,
    name: str | None = None,
    version: str | None = None,
    language: str | None = None,
) -> Release:
    """Read one release in one language.

    Labels are stripped; `skillType` ``skill/competence`` becomes ``skill``. Skipped and reported are
    relations to concepts that the release lacks, concepts that are not released or have no label, and
    rows that say again what another says.

    Args:
        paths: each zip or unpacked folder of the release.
        name: of the taxonomy; by default ``esco``, or the text before ``dataset`` in the file name.
        version: by default from the file name, such as ``v1.1.1``.
        language: to read where there are several, such as ``de``; see `indexer.read.languages`.

    Raises:
        TaxonomyError: names the file, row and column, what was found, and what was expected.
    """
    if not paths:
        raise TaxonomyError("no release was given: name its zips or folders")
    paths = [path if path.name else path.resolve() for path in paths]
    files = find_tables(paths, wanted=lambda file: language in (None, language_of(file) or language))
    by_stem, told = _by_stem(files.tables.values())
    _require_files(by_stem, paths, language or "<language>")
    if not (language := language or told):
        source = by_stem["skills"].source
        raise TaxonomyError(f"{source}: no language in the file name; expected one such as skills_en.csv")
    name, version = _identity(files.names, name, version)
    skipped = SkippedRows()
    codes = IscoCodes(skipped)
    skills = _read_skills(by_stem, skipped)
    groups = _read_groups(by_stem, skipped)
    isco_groups = _read_isco_groups(by_stem["ISCOGroups"], codes, skipped)
    occupations = _read_occupations(by_stem["occupations"], codes, skipped)
    _require_apart(skills, groups, by_stem["skillGroups"])
    _require_apart(occupations, isco_groups, by_stem["ISCOGroups"])
    relations = _read_relations(by_stem["occupationSkillRelations"], occupations, skills, skipped)
    for what, found in (("skills", skills), ("occupations", occupations), ("relations", relations)):
        if not found:
            given = ", ".join(path.name for path in paths)
            raise TaxonomyError(f"{given}: the release is empty, it has no {what}; download it again")
    _attach_broader(by_stem["broaderRelationsSkillPillar"], skills, groups, skipped)
    _attach_broader(by_stem["broaderRelationsOccPillar"], occupations, isco_groups, skipped)
    taxonomy = Taxonomy(name, version, language, skills, occupations, relations, groups, isco_groups)
    return skipped.release(taxonomy)


def language_of(file_name: str) -> str:
    """The language of a release's file by its name, such as ``de`` of ``skills_de.csv``; else empty."""
    match = _FILE_NAME.search(file_name)
    return (match["language"] or "").lower() if match else ""


def sample_path() -> Path:
    """The folder of the sample taxonomy in this package."""
    return Path(__file__).parent.parent / "sample"


def read_sample() -> Release:
    """Read the sample taxonomy, a small one in ESCO's form."""
    return read_esco([sample_path()], name=SAMPLE, version="1.0.0")


def _by_stem(tables: Iterable[Table]) -> tuple[dict[str, Table], str]:
    """The tables to read, by file name without the language, and their language."""
    by_stem: dict[str, Table] = {}
    languages: dict[str, Table] = {}
    twice: list[tuple[Table, Table]] = []
    for table in tables:
        match = _FILE_NAME.search(table.name)
        if not match:
            continue
        stem = _STEMS[match["stem"].lower()]
        if found := language_of(table.name):
            languages.setdefault(found, table)
        if stem in by_stem:
            twice.append((by_stem[stem], table))
        by_stem[stem] = table
    if len(languages) > 1:
        names = " and ".join(f"{language} ({table.source})" for language, table in languages.items())
        raise TaxonomyError(f"two languages mixed: {names}; give the files of one language")
    for one, other in twice:
        raise TaxonomyError(f"{one.source} and {other.source} hold the same table; give one of them")
    return by_stem, next(iter(languages), "")


def _require_files(by_stem: dict[str, Table], paths: Sequence[Path], language: str) -> None:
    given = ", ".join(path.name for path in paths)
    for stem in _CLASSIFICATION_FILES:
        if stem not in by_stem:
            raise TaxonomyError(
                f"{stem}_{language}.csv is not in {given}: add the classification in a language, "
                "such as 'ESCO dataset - v1.1.1 - classification - en - csv.zip'"
            )
    for stem in _RELATION_FILES:
        if stem not in by_stem:
            raise TaxonomyError(
                f"{stem}.csv is not in {given}: for v1.1 add the language-independent zip, "
                "'ESCO dataset - v1.1.1 - classification -  - csv.zip'; v1.2 has it in its one zip"
            )


def _identity(file_names: Sequence[str], name: str | None, version: str | None) -> tuple[str, str]:
    """The name and version that were given, or else those in the names of files, zips and folders."""
    found_name, found_version = name_and_version(file_names) if version is None else ("", version)
    if not found_version:
        raise TaxonomyError(
            f"{file_names[0]}: no version such as v1.1.1 in the name; give it with --set version=1.1.1"
        )
    is_own = any("dataset" in file_name.lower() for file_name in file_names) and "esco" not in found_name
    name = name or (found_name if is_own and found_name else "esco")
    require_identity(file_names[0], name, found_version)
    return name, found_version


def _concepts(table: Table, skipped: SkippedRows, *columns: str) -> Iterator[tuple[str, str, Record]]:
    """URI, label and row of each released concept."""
    rows = table.rows("conceptUri", "preferredLabel", *columns)
    released = (row for row in rows if _is_released(row, skipped))
    split = split_lists(released, _LISTS, skipped)
    for row in concepts(split, "conceptUri", "preferredLabel", skipped, modified=_MODIFIED):
        yield row.filled("conceptUri"), row.filled("preferredLabel"), row


def _require_apart(concepts: Iterable[str], groups: dict[str, Group], table: Table) -> None:
    for uri in concepts:
        if uri in groups:
            raise TaxonomyError(
                f"{table.source}, column conceptUri: {uri!r} is also in another file; download it again"
            )


def _is_released(row: Record, skipped: SkippedRows) -> bool:
    status = row.text("status")
    if status in ("", "released"):
        return True
    skipped.add(row, f"the status is {status!r}, not released", row["conceptUri"])
    return False


def _read_skills(by_stem: dict[str, Table], skipped: SkippedRows) -> dict[str, Skill]:
    columns = ("skillType", "reuseLevel", "altLabels", "description")
    skills = {
        uri: Skill(
            uri=uri,
            label=label,
            alt_labels=names_in(row, "altLabels", label, skipped),
            hidden_labels=names_in(row, "hiddenLabels", "", skipped),
            description=row["description"],
            skill_type=_skill_type(row),
            reuse_level=_one_of(row, "reuseLevel", (*REUSE_LEVELS, "")),
        )
        for uri, label, row in _concepts(by_stem["skills"], skipped, *columns)
    }
    for uri, collections in _read_collections(by_stem, skills, skipped).items():
        skills[uri] = replace(skills[uri], collections=tuple(sorted(collections)))
    return skills


def _read_collections(
    by_stem: dict[str, Table], skills: dict[str, Skill], skipped: SkippedRows
) -> dict[str, set[str]]:
    """Names of collections, by the skills that are in any."""
    collections: dict[str, set[str]] = {}
    for stem, collection in _COLLECTIONS.items():
        for row in by_stem[stem].rows("conceptUri") if stem in by_stem else ():
            uri = row.text("conceptUri")
            if not _is_released(row, skipped):
                continue
            if uri in skills:
                collections.setdefault(uri, set()).add(collection)
            else:
                skipped.add(row, "the skill does not exist", uri)
    return collections


def _read_groups(by_stem: dict[str, Table], skipped: SkippedRows) -> dict[str, Group]:
    """Skill groups; a code that their file lacks is taken from the hierarchy or from an ISCED-F URI."""
    codes = _hierarchy_codes(by_stem.get("skillsHierarchy"))
    groups: dict[str, Group] = {}
    for uri, label, row in _concepts(by_stem["skillGroups"], skipped):
        isced = uri.rpartition("/isced-f/")[2] if "/isced-f/" in uri else ""
        groups[uri] = Group(uri, label, row.text("code") or codes.get(uri) or isced, row.text("description"))
    return groups


def _hierarchy_codes(table: Table | None) -> dict[str, str]:
    codes: dict[str, str] = {}
    for row in table.rows("Level 0 URI", "Level 0 code") if table else ():
        for level in range(4):
            if uri := row.text(f"Level {level} URI"):
                codes.setdefault(uri, row.text(f"Level {level} code"))
    return codes


def _read_isco_groups(table: Table, codes: IscoCodes, skipped: SkippedRows) -> dict[str, Group]:
    return {
        uri: Group(uri, label, codes.add_group(row, uri), row.text("description"))
        for uri, label, row in _concepts(table, skipped, "code")
    }


def _read_occupations(table: Table, codes: IscoCodes, skipped: SkippedRows) -> dict[str, Occupation]:
    occupations: dict[str, Occupation] = {}
    for uri, label, row in _concepts(table, skipped, "iscoGroup", "altLabels", "description"):
        group = codes.group_of(row)
        occupations[uri] = Occupation(
            uri=uri,
            label=label,
            alt_labels=names_in(row, "altLabels", label, skipped),
            hidden_labels=names_in(row, "hiddenLabels", "", skipped),
            description=row["description"],
            code=codes.occupation_code(row, group),
            isco_group=group,
        )
    return occupations


def _read_relations(
    table: Table, occupations: dict[str, Occupation], skills: dict[str, Skill], skipped: SkippedRows
) -> tuple[Relation, ...]:
    """Relations between known concepts, one for each pair; essential wins over optional."""
    kinds: dict[tuple[str, str], RelationKind] = {}
    known = 0
    for row in table.rows("occupationUri", "relationType", "skillUri"):
        kind = cast(RelationKind, _one_of(row, "relationType", _KINDS))
        pair = occupation, skill = row["occupationUri"], row["skillUri"]
        if occupation not in occupations:
            skipped.add(row, "the occupation does not exist", occupation)
        elif skill not in skills:
            skipped.add(row, "the skill does not exist", skill)
        elif kinds.setdefault(pair, kind) != kind:
            reason = "the pair is essential and optional; essential was kept"
            skipped.add(row, reason, f"{occupation} {skill}")
            kinds[pair] = "essential"
        elif len(kinds) == known:
            skipped.add(row, "the pair is a duplicate", f"{occupation} {skill}")
        known = len(kinds)
    return tuple(Relation(occupation, skill, kind) for (occupation, skill), kind in kinds.items())


def _attach_broader(
    table: Table, narrower: dict[str, _Concept], groups: dict[str, Group], skipped: SkippedRows
) -> None:
    """Attach their direct parents to concepts and groups, each once, in the file's order."""
    found: dict[str, dict[str, None]] = {}
    for row in table.rows("conceptUri", "broaderUri"):
        child, parent = row["conceptUri"], row["broaderUri"]
        missing = [uri for uri in (child, parent) if uri not in narrower and uri not in groups]
        if missing:
            skipped.add(row, "a concept of the pair does not exist", missing[0])
        elif child in groups and parent not in groups:
            skipped.add(row, "the parent of a group is not a group", f"{child} {parent}")
        else:
            found.setdefault(child, {})[parent] = None
    for uri, broader in found.items():
        if uri in groups:
            groups[uri] = replace(groups[uri], broader=tuple(broader))
        else:
            narrower[uri] = replace(narrower[uri], broader=tuple(broader))


def _skill_type(row: Record) -> str:
    """The type of a skill; of the two that v1.0 has in some cells, the first that is known counts."""
    values = row["skillType"].split() or [""]
    known = (replace(row, values={"skillType": value}) for value in values)
    types = [_SKILL_TYPES[_one_of(one, "skillType", tuple(_SKILL_TYPES))] for one in known]
    return next((name for name in ("skill", "knowledge") if name in types), "")


def _one_of(row: Record, column: str, known: Sequence[str]) -> str:
    """The value, one of those known, of a column that every row must reach."""
    _ = row[column]
    return row.one_of(column, known)
