"""Texts for many skills from one generator: cached, asked again for what is missing, and counted."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import MappingProxyType

from skillsearch.errors import ConfigurationError
from skillsearch.taxonomy.records import Skill
from trainer.data.generators.base import KINDS, Generator, Kind, Synthetic, cleaned
from trainer.data.generators.cache import CachedTexts, TextCache

__all__ = ["Shortfall", "Synthesis", "missing", "synthesize"]

_Job = tuple[Skill, Kind, list[str]]
_AHEAD = 2  # jobs waiting for each worker


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A skill that got fewer texts of a kind than were wanted."""

    uri: str
    kind: Kind
    wanted: int
    found: int


@dataclass(frozen=True)
class Synthesis:
    """What a generator made.

    Attributes:
        generator: its name.
        texts: by the URI of the skill, in the skills' order.
        shortfalls: every skill and kind with fewer texts than wanted; nothing is filled up.
        cached: how many pairs of skill and kind were in the cache.
        generated: how many pairs the generator was asked for.
    """

    generator: str
    texts: Mapping[str, Synthetic]
    shortfalls: tuple[Shortfall, ...]
    cached: int
    generated: int

    @property
    def missing(self) -> Mapping[Kind, int]:
        """How many texts of each kind are missing in all."""
        counts: Counter[Kind] = Counter()
        for shortfall in self.shortfalls:
            counts[shortfall.kind] += shortfall.wanted - shortfall.found
        return MappingProxyType({kind: counts[kind] for kind in KINDS})


def synthesize(
    skills: Sequence[Skill],
    generator: Generator,
    *,
    wanted: Mapping[Kind, int],
    cache: Path | None,
    progress: Callable[[int], object] | None = None,
    rounds: int = 3,
) -> Synthesis:
    """Ask a generator for texts of every skill, up to `rounds` times for what is still missing.

    A generator with an attribute ``workers`` above 1 is called from so many threads. Answers are
    cached as they come: a run that was killed goes on where it was. An answer that stayed short is
    cached as well, so that a second run costs nothing; it is asked for again where more texts are
    wanted than before.

    Args:
        skills: each URI once.
        generator: makes the texts.
        wanted: texts of each kind; a kind that is left out is not made.
        cache: the cache file, made where it does not exist; None keeps nothing.
        progress: called with 1 for each finished pair of skill and kind, cached ones included:
            ``len(skills) * len(wanted)`` calls in all.
        rounds: how often a pair is asked for.

    Raises:
        ConfigurationError: a kind is unknown, or a count below 1.
        SkillSearchError: the generator cannot work, or the cache is corrupt; what was made is cached.
    """
    _check(skills, wanted, rounds)
    found: dict[tuple[str, Kind], list[str]] = {}
    cached = generated = 0
    with TextCache(cache) as kept:
        waiting: list[_Job] = []
        for skill in skills:
            for kind in wanted:
                answer = kept.get(generator.name, skill, kind)
                if _is_enough(answer, wanted[kind]):
                    cached += 1
                    found[skill.uri, kind] = _texts(answer)[: wanted[kind]]
                    if progress:
                        progress(1)
                else:
                    waiting.append((skill, kind, _texts(answer)))
        for (skill, kind, _), texts in _answers(waiting, generator, wanted, rounds):
            generated += 1
            kept.put(generator.name, skill, kind, wanted[kind], texts)
            found[skill.uri, kind] = texts
            if progress:
                progress(1)
    shortfalls = tuple(
        Shortfall(skill.uri, kind, wanted[kind], len(found[skill.uri, kind]))
        for skill in skills
        for kind in wanted
        if len(found[skill.uri, kind]) < wanted[kind]
    )
    texts_by_uri = {
        skill.uri: Synthetic(**{kind: tuple(found[skill.uri, kind]) for kind in wanted}) for skill in skills
    }
    return Synthesis(generator.name, MappingProxyType(texts_by_uri), shortfalls, cached, generated)


def missing(
    skills: Sequence[Skill], generator: Generator, *, wanted: Mapping[Kind, int], cache: Path | None
) -> list[tuple[Skill, Kind, int]]:
    """What `synthesize` would ask for: skill, kind and how many texts. The cache is only read.

    Raises:
        ConfigurationError: a kind is unknown, or a count below 1.
        TrainingError: the cache is corrupt.
    """
    _check(skills, wanted, 1)
    left = []
    with TextCache(cache if cache is not None and cache.exists() else None) as kept:
        for skill in skills:
            for kind, count in wanted.items():
                answer = kept.get(generator.name, skill, kind)
                if not _is_enough(answer, count):
                    left.append((skill, kind, count - len(_texts(answer))))
    return left


def _check(skills: Sequence[Skill], wanted: Mapping[Kind, int], rounds: int) -> None:
    for kind, count in wanted.items():
        if kind not in KINDS:
            raise ConfigurationError(f"unknown kind of text {kind!r}: expected one of {', '.join(KINDS)}")
        if count < 1:
            raise ConfigurationError(f"{count} {kind} a skill cannot be made: at least 1 is needed")
    if rounds < 1:
        raise ConfigurationError(f"rounds is {rounds}: each text is asked for at least once")
    if len({skill.uri for skill in skills}) < len(skills):
        raise ConfigurationError("a skill is given twice: each URI stands once in a taxonomy")


def _texts(answer: CachedTexts | None) -> list[str]:
    return answer[1] if answer else []


def _is_enough(answer: CachedTexts | None, count: int) -> bool:
    """Whether so many texts are there, or were asked for before."""
    return answer is not None and (answer[0] >= count or len(answer[1]) >= count)


def _answers(
    jobs: Sequence[_Job], generator: Generator, wanted: Mapping[Kind, int], rounds: int
) -> Iterator[tuple[_Job, list[str]]]:
    """Each job with its texts, as they get ready."""
    workers = int(getattr(generator, "workers", 1))
    if workers <= 1:
        for job in jobs:
            yield job, _ask(job, generator, wanted[job[1]], rounds)
        return
    left = iter(jobs)
    pool = ThreadPoolExecutor(workers, thread_name_prefix="generator")
    running: dict[Future[list[str]], _Job] = {}
    try:
        while True:
            for job in islice(left, workers * _AHEAD - len(running)):
                running[pool.submit(_ask, job, generator, wanted[job[1]], rounds)] = job
            if not running:
                return
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(done), done.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _ask(job: _Job, generator: Generator, count: int, rounds: int) -> list[str]:
    skill, kind, before = job
    texts = list(before)
    for _ in range(rounds):
        if len(texts) >= count:
            break
        new = generator.generate(skill, kind, count - len(texts), have=tuple(texts))
        texts += cleaned(new, skill, kind, have=texts)
    return texts[:count]
