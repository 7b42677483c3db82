"""Progress bars for the stages of an evaluation."""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

__all__ = ["stages"]


def stages(bars: "Progress") -> Callable[[str, int], Callable[[int], object]]:
    """A bar for each stage; see `trainer.evaluate.pipeline.Progress`."""

    def stage(name: str, total: int) -> Callable[[int], object]:
        task = bars.add_task(name, total=total)
        return lambda done: bars.advance(task, done)

    return stage
