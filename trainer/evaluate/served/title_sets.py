"""Sets of titles and their occupations: MELO's folders, and tables such as JobBERT's.

MELO, Retyk et al. (2024), arXiv:2410.08319: titles of national classifications, to the names of ESCO's
occupations. Here the occupations themselves are what is to be found, by URI.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from skillsearch.errors import EvaluationError
from skillsearch.tables import Table, TextFile
from trainer.evaluate.benchmark import Qrels
from trainer.evaluate.trec import read_qrels

__all__ = ["TitleSet", "read_titles"]

_LANGUAGES = re.compile(r"_q_([a-z]{2})_c_([a-z]{2})$")
"""In the name of a folder of MELO's: the languages of the titles and of the names."""

_PARTS: Final = ("queries.tsv", "annotations.tsv", "concept_mapping.tsv")
_TABLE: Final = ("vacancyTitle", "conceptUri")


@dataclass(frozen=True)
class TitleSet:
    """Titles with their right occupations.

    Attributes:
        name: of the set.
        queries: titles by id.
        qrels: by id of the title, the URIs of its occupations; those of the index alone.
        language: of the titles, where the set says.
        left_out: titles without an occupation that the index has.
        dropped: pairs of a title and a concept that the index does not have as an occupation.
    """

    name: str
    queries: dict[str, str]
    qrels: Qrels
    language: str
    left_out: int
    dropped: int


def read_titles(path: Path, occupations: Collection[str], every: int = 1) -> TitleSet:
    """Read a set.

    Args:
        path: a folder of MELO's, or a table with the columns vacancyTitle and conceptUri.
        occupations: URIs that the index has.
        every: take each n-th title that has an occupation.

    Raises:
        EvaluationError: it cannot be read, or no title has an occupation of the index.
    """
    name, language = path.name, ""
    if path.is_dir():
        texts, right = _melo(path)
        if match := _LANGUAGES.search(name):
            language = match[1]
    else:
        texts, right = _table(path)
    kept = {query: {uri: 1 for uri in uris if uri in occupations} for query, uris in right.items()}
    kept = {query: grades for query, grades in kept.items() if grades}
    pairs = sum(map(len, right.values()))
    dropped = pairs - sum(map(len, kept.values()))
    if not kept:
        raise EvaluationError(
            f"{path}: none of {pairs:,} pairs has an occupation of the index; give the index of the taxonomy "
            "that the set was made with"
        )
    chosen = list(kept)[::every]
    return TitleSet(
        name,
        {query: texts[query] for query in chosen},
        {query: kept[query] for query in chosen},
        language,
        len(texts) - len(kept),
        dropped,
    )


def _melo(folder: Path) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Titles, and URIs of their concepts."""
    missing = [name for name in _PARTS if not (folder / name).is_file()]
    if missing:
        raise EvaluationError(
            f"{folder} has no {missing[0]}; give a folder of MELO's with {', '.join(_PARTS)}"
        )
    texts = dict(_pairs(folder / _PARTS[0], "id title"))
    uris = dict(_pairs(folder / _PARTS[2], "id URI"))
    right: dict[str, list[str]] = {}
    for query, grades in read_qrels(folder / _PARTS[1]).items():
        if query not in texts:
            raise EvaluationError(
                f"{folder / _PARTS[1]}: {query} is not in {_PARTS[0]}; give files of one set"
            )
        found = [uris[element] for element, grade in grades.items() if grade and element in uris]
        right[query] = list(dict.fromkeys(found))
    return texts, right


def _pairs(path: Path, expected: str) -> Iterator[tuple[str, str]]:
    file = TextFile.at(path, error_type=EvaluationError)
    for number, line in enumerate(file.text().split("\n"), start=1):
        if not line.strip():
            continue
        key, tab, value = line.rstrip("\r").partition("\t")
        if not tab or not key.strip() or not value.strip():
            raise file.error(f", line {number}: expected {expected} with a tab between, found {line[:80]!r}")
        yield key.strip(), value.strip()


def _table(path: Path) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Titles, which are their own ids, and URIs; equal titles are one."""
    table = Table.at(path, error_type=EvaluationError, advice="give a folder of MELO's or JobBERT's titles")
    right: dict[str, list[str]] = {}
    for row in table.rows(*_TABLE):
        title, uri = (row[name] for name in _TABLE)
        if title:
            right.setdefault(title, []).append(uri)
    right = {title: list(dict.fromkeys(uris)) for title, uris in right.items()}
    return {title: title for title in right}, right
