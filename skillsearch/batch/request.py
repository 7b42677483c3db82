"""What is asked of an annotation, and what is told of it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, get_args

from skillsearch.errors import ConfigurationError
from skillsearch.settings import Settings
from skillsearch.tasks.task import Task

__all__ = ["ENGINES", "AnnotateReport", "AnnotateRequest", "EngineName"]

EngineName = Literal["local", "ray"]
"""What the work runs on: processes of this machine, or Ray Data."""

ENGINES: Final[tuple[EngineName, ...]] = get_args(EngineName)


@dataclass(frozen=True)
class AnnotateRequest:
    """A task for each row of a file.

    Attributes:
        source: CSV, TSV, JSON Lines, JSON or Parquet; or a folder of Parquet files.
        column: of the texts that the task takes.
        task: of `skillsearch.tasks`.
        output: a file that ends in ``.parquet``, ``.jsonl`` or ``.ndjson``.
        settings: of the clients that do it.
        options: of the task, such as ``limit``.
        engine: what it runs on.
        workers: clients at work; by default one for each CPU that this process may use.
        overwrite: replace an output that is there.
    """

    source: Path
    column: str
    task: Task[..., Any]
    output: Path
    settings: Settings
    options: Mapping[str, Any] = field(default_factory=dict)
    engine: EngineName = "local"
    workers: int | None = None
    overwrite: bool = False

    def __post_init__(self) -> None:
        """Check what can be checked without reading anything.

        Raises:
            ConfigurationError: the number of workers or the engine is none.
        """
        if self.workers is not None and self.workers < 1:
            raise ConfigurationError(f"workers is at least 1, found {self.workers}")
        if self.engine not in ENGINES:
            raise ConfigurationError(f"engine is one of {', '.join(ENGINES)}, found {self.engine!r}")


@dataclass(frozen=True, slots=True)
class AnnotateReport:
    """What came of it.

    Attributes:
        output: that was written.
        failed: file of the rows that failed; None where none did.
        rows: of the source.
        failures: how many of them failed.
        resumed: how many an earlier run had done.
        seconds: that the others took, once the first client was open.
        workers: clients at work.
        build: of the index that answered.
    """

    output: Path
    failed: Path | None
    rows: int
    failures: int
    resumed: int
    seconds: float
    workers: int
    build: str

    @property
    def rate(self) -> float:
        """Rows a second, of those that this run did."""
        return (self.rows - self.resumed) / self.seconds if self.seconds else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Values ready for JSON."""
        paths = {"output": str(self.output), "failed": str(self.failed) if self.failed else None}
        return {**asdict(self), **paths, "rate": round(self.rate, 3)}
