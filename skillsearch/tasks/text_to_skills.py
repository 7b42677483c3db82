"""Text to skills: what an advert asks for, with the place that each skill was read from."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from skillsearch.characters import quoted
from skillsearch.errors import QueryError
from skillsearch.results import How
from skillsearch.running import unhurried
from skillsearch.tasks.concepts import is_text
from skillsearch.tasks.engine import Engine, Run
from skillsearch.tasks.extraction import Extraction, FoundSkill, ReadSentence, Span
from skillsearch.tasks.names import Name
from skillsearch.tasks.reading import Lexicon, Reader
from skillsearch.tasks.task import Input, Task
from skillsearch.words.clauses import clauses
from skillsearch.words.gazetteer import Gazetteer, words_of
from skillsearch.words.markup import PlainText, plain_text, repaired
from skillsearch.words.sentences import Requirement, Sentence, requirement_at, sentences

__all__ = ["TEXT_TO_SKILLS", "THRESHOLD"]

TEXT: Final = Input("text", "You write SQL and Python.", "max_text_length", repaired)

_NAMED: Final[Mapping[tuple[How, bool, bool], float]] = {
    ("label", True, True): 0.9,
    ("label", True, False): 0.97,
    ("label", False, True): 0.11,
    ("label", False, False): 0.46,
    ("alias", True, True): 0.13,
    ("alias", True, False): 0.67,
    ("alias", False, False): 0.1,
}
"""How often a name in a sentence of SkillSkape's training part is a skill that the sentence was written for.

By what the name is: a label or an alias, one with capitals, of one word. Aliases of one word in lower case
are such a skill in one place of fifty, so they are not read at all.
"""

_ORDER: Final[Mapping[Requirement, int]] = {"required": 0, "optional": 1, "excluded": 2}
_PROPER = re.compile(
    r"(?<![\w.])(?:\.?[A-Z]\w*(?:[.+#]\w*)*|[A-Za-z]+\.(?:js|io|py|net))(?:\s+[A-Z][\w.+#]*)*"
)
_LEADING = re.compile(
    r"(?:with|in|of|some|like|and|or|plus|in|mit|oder|und|avec|et|ou|con|y|[,/:(])\s*$", re.IGNORECASE
)
_FOLLOWING = re.compile(r"\s+(?:would be|is an? |experience|knowledge|skills|and [A-Za-z][\w.+#-]*\b)")
_WORD = re.compile(r"[^\W\d_]+")
_READABLE: Final = 0.1  # share of the words of a text that stand in sentences which the index can read
THRESHOLD: Final = 0.2
"""Of what the encoder reads; near the highest F1 on training sentences of SkillSkape not fitted on."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """A skill at one place of the plain text."""

    start: int
    end: int
    sentence: Sentence
    uris: tuple[str, ...]
    how: How
    probability: float | None
    requirement: Requirement


def extract(
    engine: Engine, text: str, *, model: bool = True, threshold: float = THRESHOLD, html: bool = False
) -> Extraction:
    """Read the skills of an advert, with all places of each.

    Names of skills are found by their labels and aliases; in clauses without any, the encoder reads
    what they ask for in other words. What is about the company, benefits, equal opportunity or pay
    gives no skills.

    Args:
        engine: what runs it.
        text: plain text or HTML, also escaped once more.
        model: let the encoder read what no name tells.
        threshold: how probable a skill must be that the encoder read, in [0, 1].
        html: take the text for HTML, which is otherwise told by its elements.

    Raises:
        QueryError: the text is empty, too long or not text, or has characters that text may not have.
        StoreError: the store failed, or the client is closed.
    """
    return _prepare(engine, model=model, threshold=threshold, html=html)(text)


def _prepare(
    engine: Engine, *, model: bool = True, threshold: float = THRESHOLD, html: bool = False
) -> Callable[[object], Extraction]:
    if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not 0 <= threshold <= 1:
        raise QueryError(f"threshold is between 0 and 1, found {quoted(threshold)}")

    def answer(text: object) -> Extraction:
        plain = plain_text(TEXT.read(text, engine.settings), html=html)
        with engine.run() as run:
            labels = run.kept.names("skills").labels
            parts = [_in_language(run, part) for part in sentences(plain.text)]
            asking = [part for part in parts if part.kind == "asks"]
            others = [part for part in parts if part.kind == "other language"]
            readings = list(_named(run, [*asking, *others]))
            unmatched = list(_unmatched(run, asking, readings))
            if model:
                rest = [part for part in asking if not part.is_heading]
                readings += _by_model(run, rest, threshold, readings, unmatched)
            return Extraction(
                skills=_skills(plain, readings, labels, str(text)),
                unmatched=tuple(_span(plain, start, end, str(text)) for start, end in unmatched),
                recognised=_is_readable(run, parts) and is_text(plain.text, run.kept.names("skills").scripts),
                unread=tuple(_span(plain, part.start, part.end, str(text)) for part in others),
                sentences=tuple(_sentences(plain, parts, readings)),
                timings=run.timings(),
                versions=run.versions(),
            )

    return answer


def _gazetteer(run: Run) -> tuple[Gazetteer, list[Name]]:
    """The gazetteer of all names of skills, and the name of each of its rows."""

    def make() -> tuple[Gazetteer, list[Name]]:
        known = run.kept.names("skills")
        names = [name for name in known if _class(name) in _NAMED]
        return Gazetteer.of((name.text for name in unhurried(names)), known.words), names

    return run.kept.once("gazetteer", "skills", make)


def _class(name: Name) -> tuple[How, bool, bool]:
    """Whether it is a label or an alias, whether it has capitals, and whether it is one word."""
    return name.how, not name.text.islower(), len(words_of(name.text)) == 1


def _in_language(run: Run, part: Sentence) -> Sentence:
    """The sentence, marked as one in another language where the index has few of its words."""
    known, count = _known_words(run, part)
    return replace(part, kind="other language") if count > 1 and 2 * known < count else part


def _is_readable(run: Run, parts: Sequence[Sentence]) -> bool:
    """Whether the index has words of enough sentences; those of few words in lower case tell nothing."""
    told = [(part, count) for part in parts if (count := _known_words(run, part)[1]) > 1]
    read = sum(count for part, count in told if part.kind != "other language")
    return bool(parts) and (not told or read >= _READABLE * sum(count for _, count in told))


def _known_words(run: Run, part: Sentence) -> tuple[int, int]:
    """How many of its words in lower case the index has, and how many there are; not of the shortest."""
    ordinary = _gazetteer(run)[0].ordinary
    lower = [word for word in _WORD.findall(part.text) if word.islower() and len(word) > 2]
    return sum(word in ordinary for word in lower), len(lower)


def _named(run: Run, parts: Sequence[Sentence]) -> Iterator[_Reading]:
    """The skills that sentences name by a label or an alias; a label wins over aliases."""
    gazetteer, names = _gazetteer(run)
    for part in parts:
        for mention in gazetteer.find(part.text):
            found = [names[row] for row in mention.names]
            best = [name for name in found if name.how == "label"] or found
            if part.kind != "asks" and not _class(best[0])[1]:
                continue  # in another language, only names with capitals are the same
            uris = tuple(dict.fromkeys(name.uri for name in best))
            start, end = part.start + mention.start, part.start + mention.end
            share = _NAMED[_class(best[0])] / len(uris)
            says = requirement_at(part, start, end)
            yield _Reading(start, end, part, uris, best[0].how, share, says)


def _unmatched(
    run: Run, parts: Sequence[Sentence], readings: Sequence[_Reading]
) -> Iterator[tuple[int, int]]:
    """Names in sentences that ask for skills which the index has no words of."""
    gazetteer, _ = _gazetteer(run)
    taken = [(one.start, one.end) for one in readings]
    for part in parts:
        for match in _PROPER.finditer(part.text):
            start, end = part.start + match.start(), part.start + match.end()
            inside = any(low < end and start < high for low, high in taken)
            known = match[0].casefold() in gazetteer.ordinary
            before, after = part.text[: match.start()], part.text[match.end() :]
            leads = _LEADING.search(before) or (not before.strip(" -\u2022*") and _FOLLOWING.match(after))
            if inside or known or not leads or len(match[0]) < 2:
                continue
            yield start, end


def _by_model(
    run: Run,
    parts: Sequence[Sentence],
    threshold: float,
    named: Sequence[_Reading],
    unmatched: Sequence[tuple[int, int]],
) -> Iterator[_Reading]:
    """The skills that clauses ask for in other words: of each the most probable, where it is probable enough.

    Clauses that are a name, or have one that is unmatched, are not read, nor what their sentence names.
    """
    reader = _reader(run)
    asked = [(part, _clauses(part, named, unmatched)) for part in parts]
    every = [text for _, some in asked for _, _, text in some]
    if not every or reader.confidence.weights is None:
        return
    vectors, place = run.encode(every), 0
    for part, some in asked:
        known = {one.uris[0] for one in named if one.sentence is part}
        read = reader.read([text for _, _, text in some], vectors[place : place + len(some)])
        place += len(some)
        best = {(start, end): skills[0] for (start, end, _), skills in zip(some, read, strict=True)}
        for (start, end), (uri, share) in sorted(best.items(), key=lambda pair: -pair[1][1]):
            if share >= threshold and uri not in known:
                known.add(uri)
                says = requirement_at(part, start, end)
                yield _Reading(start, end, part, (uri,), "model", share, says)


def _reader(run: Run) -> Reader:
    """What reads clauses, made once for each build."""
    kept = run.kept
    lexicon = kept.once("lexicon", "skills", lambda: Lexicon.of(kept.names("skills")))
    return Reader(lexicon, kept.vectors("skills"), run.confidence("skills"))


def _clauses(
    part: Sentence, named: Sequence[_Reading], unmatched: Sequence[tuple[int, int]]
) -> list[tuple[int, int, str]]:
    """The clauses of a sentence that are no name, and have none that is unmatched."""
    places = ((part.start + low, part.start + high) for low, high in clauses(part.text))
    return [
        (start, end, part.text[start - part.start : end - part.start])
        for start, end in places
        if not any(one.start <= start and end <= one.end for one in named)
        and not any(low < end and start < high for low, high in unmatched)
    ]


def _skills(
    plain: PlainText, readings: Iterable[_Reading], labels: Mapping[str, str], given: str
) -> tuple[FoundSkill, ...]:
    """One skill for each concept, with all its places."""
    by_uri: dict[str, list[_Reading]] = {}
    for reading in sorted(readings, key=lambda one: one.start):
        for uri in reading.uris[:1]:
            by_uri.setdefault(uri, []).append(reading)
    found = []
    for uri, places in by_uri.items():
        best = max(places, key=lambda one: one.probability or 0.0)
        found.append(
            FoundSkill(
                uri=uri,
                label=labels[uri],
                probability=best.probability,
                requirement=min((one.requirement for one in places), key=lambda one: _ORDER[one]),
                how=best.how,
                spans=tuple(_span(plain, one.start, one.end, given) for one in places),
                sentences=tuple(" ".join(one.sentence.text.split()) for one in places),
            )
        )
    return tuple(sorted(found, key=lambda one: _ORDER[one.requirement]))


def _sentences(
    plain: PlainText, parts: Iterable[Sentence], readings: Sequence[_Reading]
) -> Iterator[ReadSentence]:
    for part in parts:
        uris = dict.fromkeys(one.uris[0] for one in readings if one.sentence is part)
        yield ReadSentence(*plain.place(part.start, part.end), part.kind, tuple(uris))


def _span(plain: PlainText, start: int, end: int, given: str) -> Span:
    first, last = plain.place(start, end)
    return Span(first, last, given[first:last])


TEXT_TO_SKILLS: Final = Task("text-to-skills", TEXT, "skills", extract, _prepare)
"""Reads the skills of an advert."""
