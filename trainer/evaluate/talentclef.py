"""TalentCLEF's task B, job title to skills: its files as a `Benchmark`, and measuring on them.

Three files make a set: ``queries`` (``q_id``, ``jobtitle``), ``corpus_elements`` (``c_id``,
``esco_uri``, ``skill_aliases``) and ``qrels.tsv``, which has no header. Judgements are binary in
2025 and graded in 2026: 2 core, 1 contextual.
"""

import ast
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from skillsearch.errors import ConfigurationError, EvaluationError
from skillsearch.progress import Progress, silent
from skillsearch.settings import Settings
from skillsearch.tables import DAMAGE, Record, Table
from skillsearch.taxonomy.records import Taxonomy
from trainer.evaluate.benchmark import Benchmark, Document, check_ids
from trainer.evaluate.evaluation import Evaluation, Plan, bare_benchmark, evaluate_run, evaluate_settings
from trainer.evaluate.trec import parse_qrels, read_qrels, read_run

__all__ = ["evaluate_talentclef", "read_talentclef"]

_FILES: Final = ("queries", "corpus_elements", "qrels.tsv")


def evaluate_talentclef(
    plan: Plan,
    settings: Settings,
    *,
    data: Path | None = None,
    qrels: Path | None = None,
    run: Path | None = None,
    taxonomy: Taxonomy | None = None,
    progress: Progress = silent,
) -> Evaluation:
    """Measure models on a set, or a run on a set or on judgements alone.

    Args:
        plan: how to measure.
        settings: which models, and how they rank; not looked at where there is a run.
        data: folder or zip of a set.
        qrels: judgements in place of those of `data`.
        run: a run to measure in place of models.
        taxonomy: gives the preferred labels of skills, see `read_talentclef`, and their demand.
        progress: hears how far it is.

    Raises:
        ConfigurationError: there is neither a set nor a run with judgements, or a sweep over a run.
        EvaluationError: a file cannot be read, or the files do not belong together.
        ModelError: a model cannot be loaded.
    """
    if run and plan.sweeps:
        raise ConfigurationError("--sweep varies what models do: it does not go with --run")
    if data is None and (run is None or qrels is None):
        raise ConfigurationError("give --data, the folder or zip, or both --qrels and --run")
    retrieved = read_run(run) if run else {}
    if data is None:
        benchmark = bare_benchmark(str(qrels), read_qrels(qrels) if qrels else {}, retrieved)
    else:
        benchmark = read_talentclef(data, taxonomy=taxonomy, qrels=qrels)
    if run:
        return evaluate_run(benchmark, retrieved, label=run.name, source=str(run), plan=plan)
    return evaluate_settings(benchmark, settings, plan, progress, taxonomy=taxonomy)


def read_talentclef(path: Path, *, taxonomy: Taxonomy | None = None, qrels: Path | None = None) -> Benchmark:
    """Read the set in a folder or zip, which may lie some folders deep.

    Args:
        path: the folder or zip, as downloaded.
        taxonomy: where it knows a document's URI, its preferred label becomes the document's first
            name; otherwise that is the first alias.
        qrels: judgements in place of those of the set.

    Raises:
        EvaluationError: names the file, row and column of what is wrong, and what was expected.
    """
    queries, corpus, own = _find_set(path)
    titles: dict[str, str] = {}
    for row in queries.rows("q_id", "jobtitle", known=("q_id", "jobtitle")):
        titles[_new_id(row, "q_id", titles)] = row.filled("jobtitle")
    documents: dict[str, Document] = {}
    columns = ("c_id", "esco_uri", "skill_aliases")
    for row in corpus.rows(*columns, known=columns):
        name, uri, names = _new_id(row, "c_id", documents), row["esco_uri"], _aliases(row)
        if taxonomy and uri in taxonomy.skills:
            names = (taxonomy.skills[uri].label, *names)
        documents[name] = Document(name, uri, tuple(dict.fromkeys(names)))
    judgements = read_qrels(qrels) if qrels else parse_qrels(own)
    check_ids(judgements, titles, documents, str(qrels) if qrels else own.source)
    return Benchmark(path.resolve().name, titles, documents, judgements)


def _new_id(row: Record, column: str, known: Mapping[str, object]) -> str:
    name = row.filled(column)
    if name in known:
        raise row.error(column, f"{name} appears twice; keep one of the rows")
    return name


def _aliases(row: Record) -> tuple[str, ...]:
    expected = "expected a Python list of names such as ['use SQL', 'SQL']"
    cell = row["skill_aliases"]
    try:
        aliases = ast.literal_eval(cell)
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        raise row.error("skill_aliases", f"{cell[:60]!r} is not a list; {expected}") from error
    if not isinstance(aliases, list) or not all(isinstance(alias, str) for alias in aliases):
        raise row.error("skill_aliases", f"{cell[:60]!r} is not a list of text; {expected}")
    names = tuple(alias.strip() for alias in aliases if alias.strip())
    if not names:
        raise row.error("skill_aliases", f"{cell[:60]!r} has no name in it; {expected}")
    return names


def _find_set(path: Path) -> list[Table]:
    """The three files, in the order of `_FILES`."""
    if not path.exists():
        raise EvaluationError(f"{path}: no such file or folder; check the path")
    is_folder = path.is_dir()
    try:
        if is_folder:
            names = [file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file()]
        else:
            with zipfile.ZipFile(path) as archive:
                names = archive.namelist()
    except OSError as error:
        raise EvaluationError(f"{path}: cannot be read: {error.strerror or error}") from error
    except DAMAGE as error:
        raise EvaluationError(
            f"{path}: not a zip that can be unpacked ({error}); give the folder, or the zip as downloaded"
        ) from error
    folder = _only_set(path, names)
    return [
        Table(
            name,
            f"{path}/{folder / name}",
            path / folder / name if is_folder else path,
            () if is_folder else ((folder / name).as_posix(),),
            error_type=EvaluationError,
            delimiter="\t",
        )
        for name in _FILES
    ]


def _only_set(path: Path, files: Iterable[str]) -> PurePosixPath:
    """The folder that has all three files; the top comes before what lies deeper.

    Hidden folders, such as macOS adds to zips, are left out.
    """
    folders: dict[PurePosixPath, set[str]] = {}
    for file in map(PurePosixPath, files):
        if file.name in _FILES and not any(part.startswith((".", "__MACOSX")) for part in file.parts):
            folders.setdefault(file.parent, set()).add(file.name)
    complete = [folder for folder, names in folders.items() if len(names) == len(_FILES)]
    top = PurePosixPath()
    if len(complete) == 1 or top in complete:
        return top if top in complete else complete[0]
    if complete:
        found = ", ".join(sorted(map(str, complete)))
        raise EvaluationError(f"{path}: holds {len(complete)} sets ({found}); give the folder of one")
    names = max(folders.values(), key=len, default=set[str]())
    missing = ", ".join(name for name in _FILES if name not in names)
    raise EvaluationError(
        f"{path}: no folder in it has all of {', '.join(_FILES)}; missing: {missing}; give TalentCLEF's "
        "task B data"
    )
