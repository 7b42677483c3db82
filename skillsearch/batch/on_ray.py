"""Ray Data, on a laptop or a cluster, one client a worker; needs the extra ``ray``."""

import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

from skillsearch.batch.annotator import Annotator, Answer
from skillsearch.errors import ConfigurationError

__all__ = ["run_on_ray"]

_SEGMENT: Final = 4096  # batches of one data set, which hold its texts in memory


class _Worker:
    """The annotator, as Ray Data calls it."""

    def __init__(self, annotator: Annotator) -> None:
        self._annotator = annotator

    def __call__(self, table: Any) -> Any:  # noqa: ANN401 - pyarrow has no types
        import pyarrow as pa

        answers = self._annotator(json.loads(text) for text in table["text"].to_pylist())
        return pa.table({"answer": [json.dumps(answer) for answer in answers]})


def run_on_ray(
    annotator: Annotator, batches: Iterable[Sequence[object]], workers: int
) -> Iterator[list[Answer]]:
    """The answers to each batch, in order; Ray is started where it does not run.

    Args:
        annotator: does the work, in each worker with a client of its own.
        batches: of texts, taken as they are needed.
        workers: of Ray.

    Raises:
        ConfigurationError: Ray is not installed.
    """
    try:
        import pyarrow as pa
        import ray
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            "the engine ray needs Ray Data, which is not installed: pip install 'skillsearch[ray]'"
        ) from error
    if not ray.is_initialized():
        ray.init(log_to_driver=False, logging_level=logging.ERROR, include_dashboard=False)
    context = ray.data.DataContext.get_current()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    rest = iter(batches)
    while segment := list(islice(rest, _SEGMENT)):
        tables = [pa.table({"text": [json.dumps(text) for text in batch]}) for batch in segment]
        found = ray.data.from_arrow(tables).map_batches(
            _Worker,
            fn_constructor_args=(annotator,),
            batch_size=None,  # a block, which is a batch of ours
            batch_format="pyarrow",
            compute=ray.data.ActorPoolStrategy(size=workers),
        )
        for table in found.iter_batches(batch_size=None, batch_format="pyarrow"):
            yield [json.loads(answer) for answer in table["answer"].to_pylist()]
