"""Processes of this machine, each with a client of its own."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Final

from skillsearch.batch.annotator import Answer
from skillsearch.errors import AnnotationError

__all__ = ["run_local"]

_AHEAD: Final = 4  # batches for each worker that are handed out

Answers = Callable[[Sequence[object]], list[Answer]]

_WORKER: list[Answers] = []  # of this process


def run_local(
    annotator: Answers, batches: Iterable[Sequence[object]], workers: int
) -> Iterator[list[Answer]]:
    """The answers to each batch, in order.

    Args:
        annotator: answers a batch; with one worker, in this process.
        batches: of texts, taken as they are needed.
        workers: processes.

    Raises:
        AnnotationError: a process ended by itself.
        SkillSearchError: what the annotator raises.
    """
    if workers == 1:
        yield from map(annotator, batches)
        return
    pool = ProcessPoolExecutor(
        workers,
        mp_context=multiprocessing.get_context("spawn"),  # threads of models do not survive a fork
        initializer=_begin,
        initargs=(annotator,),
    )
    waiting: deque[Future[list[Answer]]] = deque()
    try:
        for batch in batches:
            waiting.append(pool.submit(_answer, batch))
            if len(waiting) == workers * _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise AnnotationError(
            "a worker ended by itself, which the system does to processes when memory runs out: give the "
            "same command again, it goes on where it stopped, with fewer --workers"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _begin(annotator: Answers) -> None:
    """Make this process a worker, which leaves Ctrl-C to its parent and ends with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _WORKER[:] = [annotator]


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _answer(batch: Sequence[object]) -> list[Answer]:
    return _WORKER[0](batch)
