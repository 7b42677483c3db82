"""Tasks as methods of the client."""

from collections.abc import Callable
from functools import partial
from typing import Generic, ParamSpec, Protocol, Self, TypeVar, overload

from skillsearch.tasks.engine import Engine
from skillsearch.tasks.task import Task

__all__ = ["Method"]

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")


class Client(Protocol):
    """What a task is a method of."""

    _engine: Engine


class Method(Generic[Parameters, Answer]):
    """A task as a method of the client, with the options and the documentation of its function."""

    def __init__(self, task: Task[Parameters, Answer]) -> None:
        self._task = task
        self.__doc__ = task.run.__doc__

    @overload
    def __get__(self, client: None, owner: type) -> Self: ...

    @overload
    def __get__(self, client: "Client", owner: type) -> Callable[Parameters, Answer]: ...

    def __get__(self, client: "Client | None", owner: type) -> Self | Callable[Parameters, Answer]:
        return self if client is None else partial(self._task.run, client._engine)
