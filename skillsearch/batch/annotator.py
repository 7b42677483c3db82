"""The work on a batch, which is the same on a machine, on Ray and in a Spark job."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self

from skillsearch.batch.columns import reduced, result_columns
from skillsearch.client import SkillSearch
from skillsearch.errors import SkillSearchError, StoreError
from skillsearch.results import FailedSearch
from skillsearch.settings import Settings
from skillsearch.tasks import TASKS
from skillsearch.tasks.task import Task

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["Annotator", "Answer"]

Answer = dict[str, Any]
"""What came of a row: ``{"result": …}``, the columns of its result, or ``{"error": …, "kind": …}``."""


class Annotator:
    """Does a task for batches of texts, with a client of its own; it can be sent to other processes.

    The client is opened with the first batch, in the process that has the batch.
    """

    def __init__(
        self,
        task: Task[..., Any],
        settings: Settings,
        *,
        options: Mapping[str, Any] | None = None,
        build: str | None = None,
    ) -> None:
        """Describe the work.

        Args:
            task: of `skillsearch.tasks`.
            settings: of the client.
            options: of the task.
            build: of the index that has to answer; None for whichever is published.
        """
        self.task = task
        self.settings = settings
        self.options = dict(options or {})
        self.build = build
        self._client: SkillSearch | None = None

    def __call__(self, texts: Iterable[object]) -> list[Answer]:
        """The answer to each text, in order.

        Raises:
            SkillSearchError: what is not about one text, such as an index that is not there.
        """
        return [self._answer(text) for text in texts]

    def frames(self, frames: Iterable["pd.DataFrame"], *, column: str) -> Iterator["pd.DataFrame"]:
        """Data frames with the columns of the results, and ``error``; for ``mapInPandas`` of Spark.

        Args:
            frames: with the texts; their other columns are kept.
            column: of the texts.
        """
        names = result_columns(self.task)
        for frame in frames:
            answers = self(frame[column])
            found = {name: [answer.get("result", {}).get(name) for answer in answers] for name in names}
            yield frame.assign(**found, error=[answer.get("error") for answer in answers])

    def schema(self, given: "pa.Schema") -> "pa.Schema":
        """The Arrow schema of what `frames` gives for frames of a schema."""
        import pyarrow as pa

        from skillsearch.batch.arrow import added_columns

        return pa.schema([*given, *added_columns(self.task, ()), pa.field("error", pa.string())])

    def open(self) -> SkillSearch:
        """The client, opened on first use.

        Raises:
            SkillSearchError: it cannot be opened.
        """
        if self._client is None:
            self._client = SkillSearch.open(self.settings)
        return self._client

    def close(self) -> None:
        """Close the client, if it is open."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"task": self.task.name, "_client": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state | {"task": TASKS[state["task"]]})

    def _answer(self, text: object) -> Answer:
        try:
            (found,) = self.open().each(self.task, [text], **self.options)
        except (SkillSearchError, MemoryError):  # which are about all texts
            raise
        except Exception as error:  # no text stops the others
            return {"error": f"{type(error).__name__}: {error}", "kind": type(error).__name__}
        if isinstance(found, FailedSearch):
            return {"error": found.error, "kind": found.kind}
        versions = getattr(found, "versions", None)  # suggestions have none
        if versions and self.build not in (None, versions.build):
            raise StoreError(
                f"the index was {self.build} when this began, and {versions.build} was published meanwhile: "
                "go back with `skillsearch rollback` and go on, or begin anew with --overwrite"
            )
        return {"result": reduced(found)}
