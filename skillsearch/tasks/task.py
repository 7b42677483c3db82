"""The declaration of a task: what goes in, how the models see it, where it searches, what does it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Concatenate, Generic, ParamSpec, TypeVar

from skillsearch.characters import fault_of, quoted
from skillsearch.errors import QueryError
from skillsearch.settings import Settings
from skillsearch.store.base import Space
from skillsearch.tasks.engine import Engine
from skillsearch.taxonomy.texts import pair_text

__all__ = ["Input", "Task"]

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer", covariant=True)


@dataclass(frozen=True)
class Input:
    """A kind of text that a task takes.

    Attributes:
        name: what messages call such a text.
        example: of one.
        longest: the setting with the characters that one may have.
        view: the text that the models see of it.
    """

    name: str
    example: str
    longest: str
    view: Callable[[str], str]

    def read(self, text: object, settings: Settings) -> str:
        """The text as the models see it.

        Raises:
            QueryError: it is empty, too long, not text, or has characters that text may not have.
        """
        view = self.checked(text, settings)
        if not any(char.isalnum() for char in view):
            raise QueryError(f"the {self.name} {quoted(text)} is empty: give one such as {self.example!r}")
        return view

    def checked(self, text: object, settings: Settings) -> str:
        """The text as the models see it, which may be empty.

        Raises:
            QueryError: it is too long, not text, or has characters that text may not have.
        """
        if not isinstance(text, str):
            raise QueryError(
                f"a {self.name} is text, found {quoted(text)} ({type(text).__name__}): "
                f"give one such as {self.example!r}"
            )
        view = self.view(text)
        if fault := fault_of(view):
            raise QueryError(f"the {self.name} {quoted(text)} has {fault}: remove it")
        longest = int(getattr(settings, self.longest))
        if len(view) > longest:
            raise QueryError(
                f"the {self.name} has {len(view):,} characters, at most {longest:,} are allowed "
                f"(SKILLSEARCH_{self.longest.upper()})"
            )
        return view


@dataclass(frozen=True)
class Task(Generic[Parameters, Answer]):
    """A task, as data; every face serves it and every evaluation measures it as it stands here.

    Attributes:
        name: such as ``title-to-skills``.
        input: what it takes.
        space: what it searches.
        run: does it once, with the signature and the documentation that the client's method has.
        prepare: from options, which it checks, to what answers one input after the other.
        pair: the pair of texts that a cross-encoder sees, of the view and a concept's label.
    """

    name: str
    input: Input
    space: Space
    run: Callable[Concatenate[Engine, Parameters], Answer]
    prepare: Callable[..., Callable[[object], Answer]]
    pair: Callable[[str, str], tuple[str, str]] = pair_text

    def view(self, text: str) -> str:
        """The text that the models see of an input."""
        return self.input.view(text)
