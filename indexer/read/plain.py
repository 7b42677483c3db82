"""Reader of plain taxonomies: CSV or JSON Lines files in the form of docs/reference/files.md."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from indexer.read.release import Release, SkippedRows
from indexer.read.skills import SKILL_FIELDS, filled_rows, other_names, read_skill
from skillsearch.errors import TaxonomyError
from skillsearch.tables import Record, Table, TextFile, json_lines
from skillsearch.taxonomy.records import Occupation, Relation, RelationKind, Skill, Taxonomy

__all__ = ["read_plain"]

_REQUIRED = ("uri", "label")
_FIELDS = (*SKILL_FIELDS, "kind")
_OCCUPATION_FIELDS = ("uri", "label", "aliases", "hidden_labels", "description", "kind")

_FILE_NAME = re.compile(
    r"(?P<name>.*?)(?:^|[-_. ]+)v(?P<version>\d+(?:\.\d+)*)(?!\.?[a-z0-9])", re.IGNORECASE
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def read_plain(
    path: Path, *, name: str | None = None, version: str | None = None, language: str = "en"
) -> Release:
    """Read a plain taxonomy: skills, and optionally occupations that need them.

    References to URIs that are not in the file are skipped and reported.

    Args:
        path: a file whose name ends in ``.csv`` or ``.jsonl``.
        name: of the taxonomy; by default the text before the version in the file name.
        version: by default from the file name, such as ``acme-v3.csv``.
        language: of its labels.

    Raises:
        TaxonomyError: names the row or line, what was found, and what was expected.
    """
    records = _records(path)
    name, version = _identity(path, name, version)
    skills: dict[str, tuple[Skill, Record]] = {}
    occupations: dict[str, Occupation] = {}
    seen: dict[str, str] = {}
    for record in records:
        uri = record.line("uri")
        if uri in seen:
            raise record.error("uri", f"duplicate URI {uri!r}, already in {seen[uri]}; give each its own")
        seen[uri] = record.place
        if record.one_of("kind", ("skill", "occupation", "")) == "occupation":
            occupations[uri] = _occupation(record)
        else:
            skills[uri] = read_skill(record), record
    if not skills:
        raise TaxonomyError(f"{path.name}: no skills, expected one or more; add one as a row or line")
    skipped = SkippedRows()
    relations = tuple(
        relation for _, record in skills.values() for relation in _relations(record, occupations, skipped)
    )
    attached = {uri: _with_broader(*found, skills, skipped) for uri, found in skills.items()}
    taxonomy = Taxonomy(name, version, language, attached, occupations, relations, {}, {})
    return Release(taxonomy, skipped.report())


def _records(path: Path) -> Iterator[Record]:
    match path.suffix.lower():
        case ".csv":
            return filled_rows(Table.at(path), _REQUIRED, _FIELDS)
        case ".jsonl":
            return json_lines(TextFile.at(path), _FIELDS)
    TextFile.at(path)  # a missing file or a folder has a message of its own
    raise TaxonomyError(f"{path.name}: the name ends in {path.suffix!r}, expected .csv or .jsonl; rename it")


def _identity(path: Path, name: str | None, version: str | None) -> tuple[str, str]:
    """The name and version that were given, or else those in the file name."""
    match = _FILE_NAME.match(path.stem)
    if version is None and match is None:
        raise TaxonomyError(
            f"{path.name}: no version such as v1.2 in the name; give it with --set version=1.2"
        )
    name = name if name is not None else (match["name"] if match else path.stem).lower()
    version = version if version is not None else match["version"] if match else ""
    for what, value in (("name", name), ("version", version)):
        if not _NAME.fullmatch(value):
            raise TaxonomyError(
                f"{path.name}: {value!r} cannot be the {what} of a taxonomy: expected a letter or digit and "
                "then at most 63 letters of a to z, digits, dots, underscores or hyphens; rename the file, "
                f"such as acme-v1.2.csv, or give another with --set {what}=…"
            )
    return name, version


def _occupation(record: Record) -> Occupation:
    record.require_only(_OCCUPATION_FIELDS, "an occupation")
    label = record.line("label")
    return Occupation(
        uri=record.line("uri"),
        label=label,
        alt_labels=other_names(record, "aliases", label),
        hidden_labels=record.lines("hidden_labels"),
        description=record.text("description"),
    )


def _relations(
    record: Record, occupations: Mapping[str, Occupation], skipped: SkippedRows
) -> Iterator[Relation]:
    """The relations of a skill to known occupations, one for each; essential wins over optional."""
    skill = record.line("uri")
    kinds: dict[str, RelationKind] = dict.fromkeys(record.lines("essential_for"), "essential")
    for uri in record.lines("optional_for"):
        if kinds.setdefault(uri, "optional") == "essential":
            skipped.add(record, "the pair is essential and optional; essential was kept", f"{uri} {skill}")
    for uri, kind in kinds.items():
        if uri in occupations:
            yield Relation(uri, skill, kind)
        else:
            skipped.add(record, "the occupation does not exist", f"{uri} {skill}")


def _with_broader(
    skill: Skill, record: Record, skills: Mapping[str, tuple[Skill, Record]], skipped: SkippedRows
) -> Skill:
    for uri in skill.broader:
        if uri not in skills:
            skipped.add(record, "the broader skill does not exist", f"{uri} {skill.uri}")
    return replace(skill, broader=tuple(uri for uri in skill.broader if uri in skills))
