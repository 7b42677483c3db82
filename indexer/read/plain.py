"""Reader of plain taxonomies: tables and JSON files in the form of docs/reference/files.md."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal
from urllib.parse import quote

from indexer.read.identity import name_and_version, require_identity
from indexer.read.release import Release, SkippedRows, concepts, names_in, split_lists
from indexer.read.skills import LIST_FIELDS, SKILL_FIELDS, filled_rows, read_skill
from skillsearch.errors import TaxonomyError
from skillsearch.tables import Record, Table, TextFile, json_lines
from skillsearch.taxonomy.records import Occupation, Relation, RelationKind, Skill, Taxonomy

__all__ = ["PlainForm", "read_plain"]

_FIELDS: Final = (*SKILL_FIELDS, "kind")
_OCCUPATION_FIELDS: Final = ("uri", "label", "aliases", "hidden_labels", "description", "kind")
_ESCO_COLUMNS: Final = frozenset(("conceptUri", "preferredLabel", "broaderConceptUri"))

_TABLES: Final = (".csv", ".tsv", ".tab", ".txt")
_JSON: Final = (".jsonl", ".ndjson", ".json")


@dataclass(frozen=True)
class PlainForm:
    """What a caller says of the form of a plain taxonomy.

    Attributes:
        columns: the file's own names of columns or keys, by ours; others are then not read.
        uris: ``given`` by the file, or made of the ``labels`` for entries without one.

    Raises:
        TaxonomyError: `columns` has a name that is not one of ours.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    uris: Literal["given", "labels"] = "given"

    def __post_init__(self) -> None:
        """Check the names."""
        for name in self.columns:
            if name not in _FIELDS:
                raise TaxonomyError(f"--column {name}: unknown; expected one of {', '.join(_FIELDS)}")


def read_plain(
    path: Path,
    *,
    name: str | None = None,
    version: str | None = None,
    language: str = "en",
    form: PlainForm | None = None,
) -> Release:
    """Read a plain taxonomy: skills, and optionally occupations that need them.

    Skipped and reported are entries without a URI or a label, those that say again what another says,
    and references to URIs that are not in the file.

    Args:
        path: a table (``.csv``, ``.tsv``) or JSON Lines or a JSON list (``.jsonl``, ``.json``).
        name: of the taxonomy; by default the text before the version in the file name.
        version: by default from the file name, such as ``acme-v3.csv``.
        language: of its labels.
        form: names of its columns and where its URIs are from; by default as documented.

    Raises:
        TaxonomyError: names the row or line, what was found, and what was expected.
    """
    form = form or PlainForm()
    records = _records(path, form)
    name, version = _identity(path, name, version)
    skipped = SkippedRows()
    skills: dict[str, tuple[Skill, Record]] = {}
    occupations: dict[str, Occupation] = {}
    entries = split_lists(records, LIST_FIELDS, skipped)
    if form.uris == "labels":
        entries = [_with_uri(entry, name) for entry in entries]
    for record in concepts(entries, "uri", "label", skipped, any_case=form.uris == "labels"):
        uri = record.identifier("uri")
        if record.one_of("kind", ("skill", "occupation", "")) == "occupation":
            occupations[uri] = _occupation(record, skipped)
        else:
            skills[uri] = read_skill(record, skipped), record
    if not skills:
        told = "; ".join(map(str, skipped.report()))
        raise TaxonomyError(
            f"{path.name}: no skills, expected one or more; add one as a row or line"
            + (f"; skipped were {told}; {_hint(form)}" if told else "")
        )
    relations = tuple(
        relation for _, record in skills.values() for relation in _relations(record, occupations, skipped)
    )
    attached = {uri: _with_broader(*found, skills, skipped) for uri, found in skills.items()}
    return skipped.release(Taxonomy(name, version, language, attached, occupations, relations, {}, {}))


def _records(path: Path, form: PlainForm) -> Iterator[Record]:
    suffix = path.suffix.lower()
    file = TextFile.at(path)  # a missing file or a folder has a message of its own
    if suffix in _JSON:
        return json_lines(file, _FIELDS, columns=form.columns)
    if suffix in _TABLES:
        table = Table(path.name, path.name, path, columns=form.columns, hint=_hint(form))
        required = ("label",) if form.uris == "labels" else ("uri", "label")
        return filled_rows(table, required, _FIELDS, foreign=_ESCO_COLUMNS)
    next(file.lines(), None)  # a workbook has a message of its own
    raise TaxonomyError(
        f"{path.name}: the name ends in {path.suffix!r}; read are tables ({', '.join(_TABLES[:2])}) and JSON "
        f"({', '.join(_JSON)}); save it as one of these"
    )


def _hint(form: PlainForm) -> str:
    """How a file of another form is read all the same."""
    columns = 'where yours have other names give --column, such as --column label="Skill name"'
    if form.uris == "labels":
        return columns
    return f"{columns}; a list without URIs is read with --set uris=labels"


def _identity(path: Path, name: str | None, version: str | None) -> tuple[str, str]:
    """The name and version that were given, or else those in the file name."""
    found_name, found_version = name_and_version([path.name])
    if version is None and not found_version:
        raise TaxonomyError(
            f"{path.name}: no version such as v1.2 in the name; give it with --set version=1.2"
        )
    if name is None:
        name = found_name if found_version else path.stem.lower()
    version = found_version if version is None else version
    require_identity(path.name, name, version)
    return name, version


def _with_uri(record: Record, taxonomy: str) -> Record:
    """An entry with a URI made of its label, which is the same in every release that has the label."""
    if record.identifier("uri") or not record.text("label"):
        return record
    label = " ".join(record.text("label").casefold().split())
    kind = "occupation" if record.text("kind") == "occupation" else "skill"
    return replace(record, values={**record.values, "uri": f"{taxonomy}:{kind}/{quote(label, safe='')}"})


def _occupation(record: Record, skipped: SkippedRows) -> Occupation:
    record.require_only(_OCCUPATION_FIELDS, "an occupation")
    label = record.line("label")
    return Occupation(
        uri=record.identifier("uri"),
        label=label,
        alt_labels=names_in(record, "aliases", label, skipped),
        hidden_labels=names_in(record, "hidden_labels", "", skipped),
        description=record.text("description"),
    )


def _relations(
    record: Record, occupations: Mapping[str, Occupation], skipped: SkippedRows
) -> Iterator[Relation]:
    """The relations of a skill to known occupations, one for each; essential wins over optional."""
    skill = record.identifier("uri")
    kinds: dict[str, RelationKind] = dict.fromkeys(record.identifiers("essential_for"), "essential")
    for uri in record.identifiers("optional_for"):
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
