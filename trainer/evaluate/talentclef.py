"""TalentCLEF's task B, job title to skills: a folder or zip to a `Benchmark`.

Three files make a set: ``queries`` (``q_id``, ``jobtitle``), ``corpus_elements`` (``c_id``,
``esco_uri``, ``skill_aliases``) and ``qrels.tsv``, which has no header. Judgements are binary in
2025 and graded in 2026: 2 core, 1 contextual.
"""

import ast
import csv
import io
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path, PurePosixPath

from skillsearch.errors import EvaluationError
from skillsearch.taxonomy.records import Taxonomy
from trainer.evaluate.benchmark import Benchmark, Document
from trainer.evaluate.trec import decode, parse_qrels

__all__ = ["check_ids", "read_talentclef"]

_QUERIES, _CORPUS, _QRELS = "queries", "corpus_elements", "qrels.tsv"
_FILES = (_QUERIES, _CORPUS, _QRELS)
_FILE_LIMIT = 512 * 2**20  # bytes that one file may have once unpacked
_NAMED = 3  # examples in a message


def read_talentclef(path: Path, *, taxonomy: Taxonomy | None = None) -> Benchmark:
    """Read the set in a folder or zip, which may lie some folders deep.

    Args:
        path: the folder or zip, as downloaded.
        taxonomy: where it knows a document's URI, its preferred label becomes the document's first
            name; otherwise that is the first alias.

    Raises:
        EvaluationError: names the file and line of what is wrong, and what was expected.
    """
    files = _find_set(path)
    (queries_name, queries), (corpus_name, corpus), (qrels_name, qrels) = (
        (source, decode(data, source)) for source, data in files
    )
    titles = _read_queries(queries, queries_name)
    documents = _read_documents(corpus, corpus_name, taxonomy)
    judgements = parse_qrels(qrels, qrels_name)
    check_ids(judgements, titles, documents, qrels_name)
    return Benchmark(path.resolve().name, titles, documents, judgements)


def check_ids(
    named: Mapping[str, Mapping[str, object]],
    queries: Collection[str],
    documents: Collection[str],
    source: str,
) -> None:
    """Check that judgements or a run name only queries and documents that there are.

    Raises:
        EvaluationError: names the first unknown ids, and how many there are.
    """
    unknown = {
        "queries": [query for query in named if query not in queries],
        "documents": [
            document
            for document in dict.fromkeys(document for row in named.values() for document in row)
            if document not in documents
        ],
    }
    for kind, ids in unknown.items():
        if ids:
            examples = ", ".join(ids[:_NAMED]) + (", …" if len(ids) > _NAMED else "")
            raise EvaluationError(
                f"{source}: names {len(ids):,} {kind} that the data does not have ({examples}); "
                "give the files of one set"
            )


def _read_queries(text: str, source: str) -> dict[str, str]:
    titles: dict[str, str] = {}
    for line, (query, title) in _table(text, source, ("q_id", "jobtitle")):
        if query in titles:
            raise EvaluationError(f"{source}:{line}: q_id {query} stands twice; keep one of the lines")
        if not title.strip():
            raise EvaluationError(f"{source}:{line}: q_id {query} has an empty jobtitle")
        titles[query] = title
    return titles


def _read_documents(text: str, source: str, taxonomy: Taxonomy | None) -> dict[str, Document]:
    documents: dict[str, Document] = {}
    for line, (name, uri, cell) in _table(text, source, ("c_id", "esco_uri", "skill_aliases")):
        if name in documents:
            raise EvaluationError(f"{source}:{line}: c_id {name} stands twice; keep one of the lines")
        aliases = _aliases(cell, f"{source}:{line}")
        known = taxonomy.skills.get(uri) if taxonomy else None
        names = (known.label, *aliases) if known else aliases
        documents[name] = Document(name, uri, tuple(dict.fromkeys(names)))
    return documents


def _aliases(cell: str, place: str) -> tuple[str, ...]:
    expected = "expected a Python list of names such as ['use SQL', 'SQL']"
    try:
        aliases = ast.literal_eval(cell)
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        raise EvaluationError(f"{place}: skill_aliases {cell[:60]!r} is no list; {expected}") from error
    if not isinstance(aliases, list) or not all(isinstance(alias, str) for alias in aliases):
        raise EvaluationError(f"{place}: skill_aliases {cell[:60]!r} is no list of text; {expected}")
    names = tuple(alias.strip() for alias in aliases if alias.strip())
    if not names:
        raise EvaluationError(f"{place}: skill_aliases has no name in it; {expected}")
    return names


def _table(text: str, source: str, header: tuple[str, ...]) -> Iterator[tuple[int, list[str]]]:
    """The line number and cells of each row below the header."""
    csv.field_size_limit(_FILE_LIMIT)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter="\t", strict=True)
    try:
        found = next(reader, [])
        if tuple(cell.strip() for cell in found) != header:
            raise EvaluationError(
                f"{source}:1: header {' '.join(found)[:80]!r}, expected {' '.join(header)!r}, tab separated"
            )
        line = reader.line_num + 1
        for row in reader:
            if row and len(row) != len(header):
                raise EvaluationError(
                    f"{source}:{line}: {len(row)} columns, expected {len(header)} "
                    f"({', '.join(header)}), tab separated"
                )
            if row:
                yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        raise EvaluationError(f"{source}:{reader.line_num}: {error}; is a quote not closed?") from error


def _find_set(path: Path) -> list[tuple[str, bytes]]:
    """The names and contents of the three files, in the order of `_FILES`."""
    try:
        if path.is_dir():
            folders = _group(file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())
            folder = _only_set(path, folders)
            return [(str(path / folder / name), (path / folder / name).read_bytes()) for name in _FILES]
        if not path.exists():
            raise EvaluationError(f"{path}: no such file or folder; check the path")
        with zipfile.ZipFile(path) as archive:
            folder = _only_set(path, _group(name for name in archive.namelist() if name[-1:] != "/"))
            return [_member(archive, path, (folder / name).as_posix()) for name in _FILES]
    except OSError as error:
        raise EvaluationError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        raise EvaluationError(
            f"{path}: not a zip that can be unpacked ({error}); give the folder, or the zip as downloaded"
        ) from error


def _member(archive: zipfile.ZipFile, path: Path, name: str) -> tuple[str, bytes]:
    source = f"{path}/{name}"
    with archive.open(name) as file:
        data = file.read(_FILE_LIMIT + 1)  # a size in a zip's header is not trusted
    if len(data) > _FILE_LIMIT:
        raise EvaluationError(f"{source}: unpacks to more than {_FILE_LIMIT:,} bytes; download it again")
    return source, data


def _group(files: Iterator[str]) -> dict[PurePosixPath, set[str]]:
    """Which of the three files each folder has; hidden folders, as macOS adds to zips, are left out."""
    folders: dict[PurePosixPath, set[str]] = {}
    for file in map(PurePosixPath, files):
        hidden = any(part.startswith((".", "__MACOSX")) for part in file.parts)
        if file.name in _FILES and not hidden:
            folders.setdefault(file.parent, set()).add(file.name)
    return folders


def _only_set(path: Path, folders: Mapping[PurePosixPath, set[str]]) -> PurePosixPath:
    """The folder of the set; files at the top come before any that lie deeper."""
    top = PurePosixPath()
    if top in folders:
        folders = {top: folders[top]}
    complete = [folder for folder, names in folders.items() if len(names) == len(_FILES)]
    if len(complete) == 1:
        return complete[0]
    if complete:
        found = ", ".join(sorted(map(str, complete)))
        raise EvaluationError(f"{path}: holds {len(complete)} sets ({found}); give the folder of one")
    if not folders:
        raise EvaluationError(f"{path}: has none of {', '.join(_FILES)}; give TalentCLEF's task B data")
    folder, names = max(folders.items(), key=lambda item: (len(item[1]), str(item[0])))
    missing = [name for name in _FILES if name not in names]
    place = path if folder == top else f"{path}/{folder}"
    raise EvaluationError(
        f"{place}: {' and '.join(missing)} missing; expected {', '.join(_FILES)} in one folder"
    )
