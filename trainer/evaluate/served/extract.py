"""Text to skills, as the client serves it: as a decision, as a ranking, and on whole adverts."""

import time
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from skillsearch.client import SkillSearch
from skillsearch.errors import ConfigurationError, QueryError
from skillsearch.progress import Progress, silent
from skillsearch.settings import Settings
from skillsearch.tasks import NORMALIZE_SKILL, TEXT_TO_SKILLS
from skillsearch.tasks.text_to_skills import THRESHOLD
from trainer.evaluate.measures import Row
from trainer.evaluate.served.answers import ask, ranked_row
from trainer.evaluate.served.text_sets import (
    Advert,
    Place,
    SentenceSet,
    is_adverts,
    read_adverts,
    read_sentences,
)

__all__ = [
    "RANKING",
    "AdvertCounts",
    "Counts",
    "Decision",
    "ExtractReport",
    "ExtractRequest",
    "evaluate_extract",
]

RANKING: Final = {"mrr": "MRR", "rp@5": "RP@5", "rp@10": "RP@10"}
"""Names of the measures of a ranking, and how tables call them."""

_DEPTH: Final = 10  # skills of a ranking
_LONGEST: Final = 5000  # characters of a sentence


@dataclass(frozen=True, slots=True)
class Counts:
    """Things that were found, wanted, and right, of all texts together.

    Attributes:
        right: of those found, those that are wanted.
        found: all that were found.
        met: of those wanted, those that were found.
        wanted: all that are wanted.
    """

    right: int = 0
    found: int = 0
    met: int = 0
    wanted: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(a + b for a, b in zip(asdict(self).values(), asdict(other).values(), strict=True)))

    @property
    def precision(self) -> float:
        """How much of what was found is right; 0 where nothing was found."""
        return self.right / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        """How much of what is wanted was found; 0 where nothing is wanted."""
        return self.met / self.wanted if self.wanted else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


@dataclass(frozen=True)
class Decision:
    """Which skills sentences have, at one threshold.

    Attributes:
        name: of the set.
        threshold: how probable a skill must be that the encoder reads.
        sentences: how many.
        concepts: skills, by their labels, which excluded ones are not.
        spans: places; a span is met by any that has a character of it. None where they are not known.
        silent: the share of the sentences without skills that give none; None where all have some.
        milliseconds: of a sentence, on average.
        dropped: labels that the index does not have.
    """

    name: str
    threshold: float
    sentences: int
    concepts: Counts
    spans: Counts | None
    silent: float | None
    milliseconds: float
    dropped: int


@dataclass(frozen=True, slots=True)
class AdvertCounts:
    """What came of whole adverts.

    Attributes:
        name: of the folder.
        adverts: how many.
        skills: wanted skills that the index has.
        found: those that were found at their places.
        requirement: those of them that are required, or optional, as they should be.
        unmatched: spans without a concept.
        unmatched_found: those that came back as unmatched.
        silent: texts that give no skill.
        broken: those that gave one.
        milliseconds: of an advert, on average.
    """

    name: str
    adverts: int
    skills: int
    found: int
    requirement: int
    unmatched: int
    unmatched_found: int
    silent: int
    broken: int
    milliseconds: float


@dataclass(frozen=True)
class ExtractRequest:
    """Sets to measure on.

    Attributes:
        data: tables of sentences, and folders of adverts.
        settings: of the client.
        thresholds: how probable a skill must be that the encoder reads; a decision each.
        every: take each n-th sentence.
    """

    data: tuple[Path, ...]
    settings: Settings
    thresholds: tuple[float, ...] = (THRESHOLD,)
    every: int = 1

    def __post_init__(self) -> None:
        """Check that there is something to measure on.

        Raises:
            ConfigurationError: there is no set, or `every` is below 1.
        """
        if not self.data or self.every < 1:
            raise ConfigurationError("give sets of texts with --data, and --every from 1 up")


@dataclass(frozen=True)
class ExtractReport:
    """The figures of all sets, and what answered.

    Attributes:
        build: of the index.
        decisions: of tables of sentences, by threshold.
        rankings: of tables of sentences: by `extract`, and by `normalize_skill` of the whole sentence.
        adverts: of folders.
    """

    build: str
    decisions: tuple[Decision, ...]
    rankings: tuple[Row, ...]
    adverts: tuple[AdvertCounts, ...]

    def to_dict(self) -> dict[str, Any]:
        """Values ready for JSON, without the figures of single sentences."""
        return {
            "build": self.build,
            "decisions": [
                asdict(one) | {"concepts": _told(one.concepts), "spans": one.spans and _told(one.spans)}
                for one in self.decisions
            ],
            "rankings": [
                {"label": row.label, "sentences": len(row.queries)}
                | {name: row.mean(name) for name in RANKING}
                for row in self.rankings
            ],
            "adverts": [asdict(one) for one in self.adverts],
        }


@dataclass
class _Figures:
    """Figures so far."""

    decisions: list[Decision] = field(default_factory=list)
    rankings: list[Row] = field(default_factory=list)
    adverts: list[AdvertCounts] = field(default_factory=list)


def evaluate_extract(request: ExtractRequest, progress: Progress = silent) -> ExtractReport:
    """Measure `SkillSearch.extract`.

    Raises:
        EvaluationError: a set cannot be read.
        QueryError: a threshold is out of range.
        SkillSearchError: the client cannot be opened.
    """
    progress("load index and models")
    longest = max(request.settings.max_title_length, _LONGEST)  # a sentence is ranked as skill words, too
    settings = request.settings.model_copy(update={"max_title_length": longest})
    with SkillSearch.open(settings, progress=progress) as client:
        labels = client.labels("skills")
        build = client.extract(TEXT_TO_SKILLS.input.example, threshold=request.thresholds[0]).versions.build
        uris: dict[str, list[str]] = {}
        for uri, label in labels.items():
            uris.setdefault(label.strip(), []).append(uri)
        figures = _Figures()
        for path in request.data:
            if is_adverts(path):
                figures.adverts.append(_adverts(client, path, list(read_adverts(path)), progress))
                continue
            some = read_sentences(path, uris, request.every)
            figures.decisions += [_decision(client, some, one, progress) for one in request.thresholds]
            figures.rankings += _rankings(client, some, uris, progress)
    return ExtractReport(build, tuple(figures.decisions), tuple(figures.rankings), tuple(figures.adverts))


def _decision(client: SkillSearch, some: SentenceSet, threshold: float, progress: Progress) -> Decision:
    advance = progress(f"{some.name} at {threshold:g}", len(some.sentences))
    concepts, spans, silent = Counts(), Counts(), list[bool]()
    start = time.perf_counter()
    for sentence in some.sentences:
        skills, unmatched = _read(client, sentence.text, threshold)
        labels = {skill.label.strip() for skill in skills if skill.requirement != "excluded"}
        right = len(labels & sentence.labels)
        concepts += Counts(right, len(labels), right, len(sentence.labels))
        places = [(span.start, span.end) for skill in skills for span in skill.spans]
        places += [(span.start, span.end) for span in unmatched]
        spans += _met(places, sentence.spans)
        if not sentence.labels:
            silent.append(not labels)
        advance(1)
    seconds = time.perf_counter() - start
    return Decision(
        some.name,
        threshold,
        len(some.sentences),
        concepts,
        spans if some.has_spans else None,
        sum(silent) / len(silent) if silent else None,
        1000 * seconds / len(some.sentences),
        some.dropped,
    )


def _rankings(
    client: SkillSearch, some: SentenceSet, uris: dict[str, list[str]], progress: Progress
) -> Iterable[Row]:
    """Two rankings of the skills of each sentence that has some: what is read, and what is near."""
    asked = {str(row): one for row, one in enumerate(some.sentences) if one.labels}
    qrels = {row: {uri: 1 for label in one.labels for uri in uris[label]} for row, one in asked.items()}
    if not qrels:
        return
    advance = progress(f"{some.name} ranked", 2 * len(asked))
    read = {}
    for row, one in asked.items():
        skills, _ = _read(client, one.text, 0.0)
        read[row] = [skill.uri for skill in sorted(skills, key=lambda skill: -(skill.probability or 0.0))]
        advance(1)
    yield ranked_row(f"{some.name}, extract", qrels, read, tuple(RANKING))
    texts = {row: one.text for row, one in asked.items()}
    near = ask(client, NORMALIZE_SKILL, texts, advance, limit=_DEPTH).ranked
    yield ranked_row(f"{some.name}, normalize_skill", qrels, near, tuple(RANKING))


def _read(client: SkillSearch, text: str, threshold: float) -> tuple[Sequence[Any], Sequence[Any]]:
    """The skills of a text, and its unmatched spans; a text that is refused has none."""
    try:
        found = client.extract(text, threshold=threshold)
    except QueryError:
        return (), ()
    return found.skills, found.unmatched


def _adverts(client: SkillSearch, path: Path, adverts: list[Advert], progress: Progress) -> AdvertCounts:
    """Count what is found at its place, and what came of texts that have no skill."""
    advance, counts = progress(path.name, len(adverts)), Counter[str]()
    start = time.perf_counter()
    for advert in adverts:
        found = client.extract(advert.text)
        unmatched = [(span.start, span.end) for span in found.unmatched]
        places = [(skill, [(one.start, one.end) for one in skill.spans]) for skill in found.skills]
        for wanted in advert.skills:
            place = (wanted.start, wanted.end)
            if wanted.label is None:
                counts["unmatched"] += 1
                counts["unmatched_found"] += _overlaps(place, unmatched)
                continue
            right = [skill for skill, own in places if skill.label == wanted.label and _overlaps(place, own)]
            says = "required" if wanted.required else "optional"
            counts["skills"] += 1
            counts["found"] += bool(right)
            counts["requirement"] += any(skill.requirement == says for skill in right)
        asked = [place for skill, own in places if skill.requirement != "excluded" for place in own]
        counts["silent"] += len(advert.never)
        counts["broken"] += sum(_overlaps(place, asked) for place in advert.never)
        advance(1)
    milliseconds = 1000 * (time.perf_counter() - start) / max(len(adverts), 1)
    names = ("skills", "found", "requirement", "unmatched", "unmatched_found", "silent", "broken")
    return AdvertCounts(
        name=path.name,
        adverts=len(adverts),
        milliseconds=milliseconds,
        **{name: counts[name] for name in names},
    )


def _met(found: Collection[Place], wanted: Collection[Place]) -> Counts:
    """Spans that meet another."""
    right = sum(_overlaps(place, wanted) for place in found)
    return Counts(right, len(found), sum(_overlaps(place, found) for place in wanted), len(wanted))


def _overlaps(place: Place, others: Iterable[Place]) -> bool:
    return any(start < place[1] and place[0] < end for start, end in others)


def _told(counts: Counts) -> dict[str, Any]:
    return asdict(counts) | {"precision": counts.precision, "recall": counts.recall, "f1": counts.f1}
