"""Progress of a training run, from the Hugging Face trainer to a rich progress bar."""

from typing import TYPE_CHECKING

from rich.progress import Progress, TaskID
from transformers import TrainerCallback

from trainer.report import Reporter

if TYPE_CHECKING:
    from transformers import TrainerState

__all__ = ["RichReporter"]


class RichReporter(Reporter):
    """One line a stage, and a bar for the steps of each model."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None

    def stage(self, name: str) -> None:
        """Show that a stage has begun, in place of the one before."""
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(name, total=None)

    def callback(self, name: str) -> TrainerCallback:
        """Show the steps of a model."""
        if self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None
        return _Steps(self._progress, f"train the {name}")


class _Steps(TrainerCallback):
    """One bar a run: steps done, and the last loss that was logged."""

    def __init__(self, progress: Progress, description: str) -> None:
        self._progress = progress
        self._description = description
        self._task = progress.add_task(description, total=None)

    def on_train_begin(  # type: ignore[override]
        self, _args: object, state: "TrainerState", *_: object, **__: object
    ) -> None:
        """Learn how many steps there will be."""
        self._progress.update(self._task, total=state.max_steps)

    def on_step_end(  # type: ignore[override]
        self, _args: object, state: "TrainerState", *_: object, **__: object
    ) -> None:
        """Move on by a step."""
        self._progress.update(self._task, completed=state.global_step)

    def on_log(self, *_: object, **kwargs: object) -> None:
        """Show the loss."""
        logs = kwargs.get("logs")
        if isinstance(logs, dict) and "loss" in logs:
            self._progress.update(self._task, description=f"{self._description} · loss {logs['loss']:.3f}")
