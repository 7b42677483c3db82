"""The declaration of a task: what goes in, how the models see it, where it searches, what comes out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from skillsearch.characters import fault_of, quoted
from skillsearch.errors import QueryError
from skillsearch.rank.candidates import Candidate
from skillsearch.rank.ranker import Ranker
from skillsearch.results import SkillHit
from skillsearch.settings import Settings
from skillsearch.store.base import Build, Space

__all__ = ["Task"]


@dataclass(frozen=True)
class Task:
    """A search, as data; every face serves it and every evaluation measures it as it stands here.

    Attributes:
        name: such as ``title-to-skills``.
        input: what a text is, as messages call it.
        example: of such a text.
        longest: the setting with the characters that a text may have.
        view: the text that the models see of the input.
        space: what is searched.
        pair: the pair of texts that a cross-encoder sees, of the view and a concept's label.
        hits: from ranked candidates to what a caller gets.
    """

    name: str
    input: str
    example: str
    longest: str
    view: Callable[[str], str]
    space: Space
    pair: Callable[[str, str], tuple[str, str]]
    hits: Callable[[Build, Sequence[Candidate], Ranker], tuple[SkillHit, ...]]

    def read(self, text: object, settings: Settings) -> str:
        """The input as the models see it.

        Raises:
            QueryError: it is empty, too long, not text, or has characters that text may not have.
        """
        if not isinstance(text, str):
            raise QueryError(
                f"a {self.input} is text, found {quoted(text)} ({type(text).__name__}): "
                f"give one such as {self.example!r}"
            )
        view = self.view(text)
        if fault := fault_of(view):
            raise QueryError(f"the {self.input} {quoted(text)} has {fault}: remove it")
        if not any(char.isalnum() for char in view):
            raise QueryError(f"the {self.input} {quoted(text)} is empty: give one such as {self.example!r}")
        longest = int(getattr(settings, self.longest))
        if len(view) > longest:
            raise QueryError(
                f"the {self.input} has {len(view):,} characters, at most {longest:,} are allowed "
                f"(SKILLSEARCH_{self.longest.upper()})"
            )
        return view
