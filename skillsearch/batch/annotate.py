"""A task for each row of a file, beside the columns that the file has."""

import hashlib
import json
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout

from skillsearch.batch.annotator import Annotator, Answer
from skillsearch.batch.journal import Journal
from skillsearch.batch.local import run_local
from skillsearch.batch.on_ray import run_on_ray
from skillsearch.batch.output import OUTPUTS, failed_path, write_output
from skillsearch.batch.request import AnnotateReport, AnnotateRequest, EngineName
from skillsearch.batch.source import Row, Source, open_source, text_of
from skillsearch.errors import AnnotationError, ConfigurationError
from skillsearch.files import make_folder
from skillsearch.models.device import usable_cpus
from skillsearch.progress import Advance, Progress, silent

__all__ = ["annotate"]

_BATCH: Final = 16  # rows
_MATTER: Final = {
    *("acronyms", "alpha", "blender", "clean_titles", "demand_weight", "depth", "max_text_length"),
    *("max_title_length", "min_probability", "precision", "rerank", "runtime"),
}
"""Settings that change what a task gives."""

_ENGINES: Final[dict[EngineName, Callable[..., Iterator[list[Answer]]]]] = {
    "local": run_local,
    "ray": run_on_ray,
}


def annotate(request: AnnotateRequest, progress: Progress = silent) -> AnnotateReport:
    """Do a task for each row of a file.

    The answers are kept in ``<output>.partial`` as they are found, and become the output once all are
    there. A run that is killed goes on where it stopped when the same is asked again: no row is done
    twice or lost. Rows that fail are written to ``<name of the output>.failed.jsonl``, with the reason.

    With several workers this starts processes that import the main module: a script calls it below
    ``if __name__ == "__main__":``.

    Args:
        request: what to do.
        progress: hears how far it is.

    Raises:
        ConfigurationError: a file has an ending that says nothing, or an extra is missing.
        AnnotationError: the source cannot be read, is empty or has no such column; the output is there,
            is being written, or cannot be written.
        QueryError: an option of the task is wrong.
        SkillSearchError: the client cannot be opened, or what else stops all rows.
    """
    output = request.output
    if output.suffix.lower() not in OUTPUTS:
        raise ConfigurationError(f"output {output}: expected a name that ends in {', '.join(OUTPUTS)}")
    partial = output.with_name(f"{output.name}.partial")
    if output.is_dir():
        raise AnnotationError(f"{output} is a folder: give the name of a file")
    if output.exists() and not partial.exists() and not request.overwrite:
        raise AnnotationError(f"{output} is there already: --overwrite replaces it")
    source = open_source(request.source, request.column)
    progress("read rows")
    total = source.count()
    if not total:
        raise AnnotationError(f"{request.source}: no rows; give a file that has some")
    workers = min(request.workers or usable_cpus(), -(-total // _BATCH))
    progress("load index and models")
    with _locked(output), _annotator(request, workers) as annotator:
        about = _about(request, annotator)
        annotator.build = about["build"]
        journal = Journal(partial, about, anew=request.overwrite)
        try:
            resumed, start = journal.rows, time.perf_counter()
            _go_on(_Work(request, source, journal, annotator, workers), progress("annotate", total))
            seconds = time.perf_counter() - start
            progress("write output")
            write_output(output, source, journal, request.task, about)
        finally:
            journal.close()
        partial.unlink()
    failed = failed_path(output) if journal.failures else None
    return AnnotateReport(output, failed, total, journal.failures, resumed, seconds, workers, about["build"])


@dataclass(frozen=True)
class _Work:
    """What is to be done, and what has been done of it."""

    request: AnnotateRequest
    source: Source
    journal: Journal
    annotator: Annotator
    workers: int


def _go_on(work: _Work, advance: Advance) -> None:
    """Append the answers that the journal lacks."""
    request, journal, annotator = work.request, work.journal, work.annotator
    begun, start = journal.rows, time.perf_counter()
    advance(begun)
    taken: deque[list[Row]] = deque()

    def texts() -> Iterator[list[object]]:
        rows = islice(work.source.rows(), begun, None)
        while some := list(islice(rows, _BATCH)):
            taken.append(some)
            yield [text_of(row, request.column) for row in some]

    if work.workers > 1 or request.engine != "local":
        annotator.close()  # the workers open their own
    for answers in _ENGINES[request.engine](annotator, texts(), work.workers):
        rows = taken.popleft()
        journal.append(
            {"error": row.problem, "kind": AnnotationError.__name__} if row.problem else answer
            for row, answer in zip(rows, answers, strict=True)
        )
        rate = (journal.rows - begun) / max(time.perf_counter() - start, 1e-9)
        failed = f", {journal.failures:,} failed" if journal.failures else ""
        advance(len(rows), f"{rate:.1f} rows a second{failed}")


def _annotator(request: AnnotateRequest, workers: int) -> Annotator:
    """What does the work; several workers share the CPUs of this machine."""
    settings = request.settings
    if settings.threads is None and workers > 1:
        threads = max(usable_cpus() // workers, 1) if request.engine == "local" else 1
        settings = settings.model_copy(update={"threads": threads})
    return Annotator(request.task, settings, options=request.options)


def _about(request: AnnotateRequest, annotator: Annotator) -> dict[str, Any]:
    """What tells whether two runs give the same: the rows, the task, and what answers.

    Raises:
        QueryError: an option of the task is wrong.
        SkillSearchError: the client cannot be opened.
    """
    task = request.task
    example: Any = next(annotator.open().each(task, [task.input.example], strict=True, **request.options))
    about = {
        "version": version("skillsearch"),
        "input": request.source.name,
        "content": _digest(request.source),
        "column": request.column,
        "task": task.name,
        "options": {name: str(value) for name, value in sorted(request.options.items())},
        "settings": request.settings.model_dump(mode="json", include=_MATTER),
        "build": example.versions.build,
        "encoder": example.versions.encoder,
        "reranker": example.versions.reranker,
    }
    found: dict[str, Any] = json.loads(json.dumps(about))
    return found


def _digest(path: Path) -> str:
    """The SHA-256 of a file, or of all those of a folder.

    Raises:
        AnnotationError: one cannot be read.
    """
    whole = hashlib.sha256()
    try:
        for file in sorted(path.rglob("*.parquet")) if path.is_dir() else [path]:
            with file.open("rb") as opened:
                whole.update(hashlib.file_digest(opened, "sha256").digest())
    except OSError as error:
        raise AnnotationError(f"{path} cannot be read: {error.strerror or error}") from error
    return whole.hexdigest()


@contextmanager
def _locked(output: Path) -> Iterator[None]:
    """Keep other processes from the output.

    Raises:
        AnnotationError: another process writes it, or it cannot be written.
    """
    path = output.with_name(f".{output.name}.lock")
    lock = FileLock(path, timeout=0)
    try:
        make_folder(output.parent)
        lock.acquire()
    except Timeout as error:
        raise AnnotationError(f"{output} is being written by another process: wait for it") from error
    except OSError as error:
        raise AnnotationError(f"{output} cannot be written: {error.strerror or error}") from error
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        lock.release()
