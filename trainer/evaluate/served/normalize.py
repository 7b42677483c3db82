"""Title to occupation, as the client serves it, on sets of titles with their occupations."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from skillsearch.client import SkillSearch
from skillsearch.errors import ConfigurationError
from skillsearch.progress import Progress, silent
from skillsearch.settings import Settings
from skillsearch.tasks import NORMALIZE_TITLE
from trainer.evaluate.measures import Row
from trainer.evaluate.served.answers import Answers, ask, ranked_row
from trainer.evaluate.served.title_sets import TitleSet, read_titles

__all__ = ["MEASURES", "NormalizeReport", "NormalizeRequest", "SetResult", "evaluate_normalize"]

MEASURES: Final = {
    "map": "MAP",
    "mrr": "MRR",
    "accuracy@1": "accuracy@1",
    "accuracy@5": "accuracy@5",
    "accuracy@10": "accuracy@10",
}
"""Names of the measures, and how tables call them."""


@dataclass(frozen=True)
class NormalizeRequest:
    """Sets to measure on.

    Attributes:
        data: a folder of MELO's, or a table of titles, each.
        settings: of the client.
        limit: occupations that are asked for; what is below is found nowhere.
        every: take each n-th title.
    """

    data: tuple[Path, ...]
    settings: Settings
    limit: int = 100
    every: int = 1

    def __post_init__(self) -> None:
        """Check that there is something to measure on.

        Raises:
            ConfigurationError: there is no set, or a number is below 1.
        """
        if not self.data or self.every < 1:
            raise ConfigurationError("give sets of titles with --data, and --every from 1 up")


@dataclass(frozen=True)
class SetResult:
    """The figures of a set.

    Attributes:
        titles: the set.
        answers: of the client.
        figures: by title.
    """

    titles: TitleSet
    answers: Answers
    figures: Row


@dataclass(frozen=True)
class NormalizeReport:
    """The figures of each set, and what answered.

    Attributes:
        results: in the order of the sets.
        languages: of the index, and of the encoder's training.
        build: of the index.
        encoder: that the index was built with.
        limit: occupations that were asked for.
    """

    results: tuple[SetResult, ...]
    languages: tuple[str, ...]
    build: str
    encoder: str
    limit: int

    def is_foreign(self, titles: TitleSet) -> bool:
        """Whether titles are in a language that neither the index nor the encoder reads."""
        return bool(titles.language) and titles.language not in self.languages

    def to_dict(self) -> dict[str, Any]:
        """Values ready for JSON, without the figures of single titles."""
        return {
            "build": self.build,
            "encoder": self.encoder,
            "languages": list(self.languages),
            "limit": self.limit,
            "sets": [
                {
                    "name": one.titles.name,
                    "language": one.titles.language or None,
                    "other_language": self.is_foreign(one.titles),
                    "titles": len(one.titles.queries),
                    "left_out": one.titles.left_out,
                    "dropped": one.titles.dropped,
                    "recognised": one.answers.recognised,
                    "refused": one.answers.refused,
                    "milliseconds": round(one.answers.milliseconds, 3),
                    "measures": {name: one.figures.mean(name) for name in MEASURES},
                }
                for one in self.results
            ],
        }


def evaluate_normalize(request: NormalizeRequest, progress: Progress = silent) -> NormalizeReport:
    """Measure `SkillSearch.normalize_title` on sets of titles.

    A title that is refused or not recognised counts as it is ranked: a refused one finds nothing.

    Raises:
        EvaluationError: a set cannot be read, or has no occupation of the index.
        SkillSearchError: the client cannot be opened.
    """
    progress("load index and models")
    with SkillSearch.open(request.settings, progress=progress) as client:
        occupations = client.labels("occupations")
        sets = [read_titles(path, occupations, request.every) for path in request.data]
        versions = client.normalize_title(NORMALIZE_TITLE.input.example).versions
        results = []
        for titles in sets:
            advance = progress(titles.name, len(titles.queries))
            answers = ask(client, NORMALIZE_TITLE, titles.queries, advance, limit=request.limit)
            figures = ranked_row(titles.name, titles.qrels, answers.ranked, tuple(MEASURES))
            results.append(SetResult(titles, answers, figures))
    return NormalizeReport(
        tuple(results), versions.languages, versions.build, versions.encoder, request.limit
    )
