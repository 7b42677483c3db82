"""Texts for many skills from one generator: cached, screened, and asked for again where some are missing."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from skillsearch.progress import Advance, advance_only
from skillsearch.taxonomy.records import Skill
from trainer.data.generators.base import Generator, Kind, cleaned
from trainer.data.generators.cache import TextCache
from trainer.data.generators.prompts import SYSTEM, prompt

__all__ = ["Estimate", "Order", "SkillTexts", "estimate", "synthesize"]

SkillTexts = dict[tuple[str, Kind], list[str]]
"""Texts by the skill's URI and kind."""

_Job = tuple[Skill, Kind, list[str]]
"""A skill and kind whose texts are to be made, beside those that there are."""

_ROUNDS = 3  # a skill is asked for
_AHEAD = 2  # jobs waiting for each worker

_CHARACTERS_A_TOKEN = 4.0
_TOKENS_A_MESSAGE = 4
_TOKENS_A_TEXT: Mapping[Kind, int] = {"titles": 10, "sentences": 36, "variants": 11}
_TOKENS_AN_ANSWER = 10


@dataclass(frozen=True)
class Order:
    """Texts to make.

    Attributes:
        skills: each URI once.
        generator: makes the texts.
        wanted: texts of each kind that a skill gets, at least 1; a kind that is left out is not made.
        cache: file of texts that were made before; None keeps nothing.
        workers: threads that call the generator.
        refuse: tells why a text of a kind is refused, or None; others are asked for instead.
        screen: names what `refuse` depends on, as a part of the cache's key.
    """

    skills: Sequence[Skill]
    generator: Generator
    wanted: Mapping[Kind, int]
    cache: Path | None = None
    workers: int = 1
    refuse: Callable[[Kind, str], str | None] = lambda _kind, _text: None
    screen: str = ""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Cost of a run of a language model, without requests that have to be repeated.

    Attributes:
        requests: pairs of skill and kind that are not cached.
        input_tokens: of the prompts, at four characters a token.
        output_tokens: of the answers.
    """

    requests: int
    input_tokens: int
    output_tokens: int


def synthesize(order: Order, *, advance: Advance | None = None) -> tuple[SkillTexts, Counter[str]]:
    """Ask a generator for texts of every skill, up to three times for those that are still missing.

    Answers are cached as they come: a run that was killed continues where it was. An answer that
    stayed short is cached as well; it is asked for again where more texts are wanted than before.

    Args:
        order: what to make.
        advance: called with the number of pairs of skill and kind just finished, cached ones included.

    Returns:
        The texts, in the order of skills and kinds, and how many were refused, by reason. Cached ones
        were screened when they were made, and do not count.

    Raises:
        SkillSearchError: the generator cannot work, or the cache cannot be used; finished texts are cached.
    """
    report, refused = advance or advance_only(None), Counter[str]()
    cache = _open_cache(order)
    found, jobs = _look_up(order, cache)
    report(len(found))
    for (skill, kind, _), texts, reasons in _answers(order, jobs):
        cache.put(skill, kind, order.wanted[kind], texts)
        found[skill.uri, kind] = texts
        refused.update(reasons)
        report(1)
    pairs = ((skill.uri, kind) for skill in order.skills for kind in order.wanted)
    return {pair: found[pair] for pair in pairs}, refused


def estimate(order: Order) -> Estimate:
    """Estimate the requests and tokens of `synthesize`; the cache is only read.

    Raises:
        TrainingError: the cache cannot be used.
    """
    _, jobs = _look_up(order, _open_cache(order))
    tokens_in = tokens_out = 0
    for skill, kind, have in jobs:
        count = order.wanted[kind] - len(have)
        characters = len(SYSTEM) + len(prompt(skill, kind, count))
        tokens_in += round(characters / _CHARACTERS_A_TOKEN) + 2 * _TOKENS_A_MESSAGE
        tokens_out += count * _TOKENS_A_TEXT[kind] + _TOKENS_AN_ANSWER
    return Estimate(len(jobs), tokens_in, tokens_out)


def _open_cache(order: Order) -> TextCache:
    name = order.generator.name
    return TextCache(order.cache, f"{name}|{order.screen}" if order.screen else name)


def _look_up(order: Order, cache: TextCache) -> tuple[SkillTexts, list[_Job]]:
    """Texts that are cached, and jobs for all others."""
    found, jobs = SkillTexts(), []
    for skill in order.skills:
        for kind, count in order.wanted.items():
            asked, texts = cache.get(skill, kind) or (0, [])
            if max(asked, len(texts)) >= count:
                found[skill.uri, kind] = texts[:count]
            else:
                jobs.append((skill, kind, texts))
    return found, jobs


def _answers(order: Order, jobs: Sequence[_Job]) -> Iterator[tuple[_Job, list[str], list[str]]]:
    """Each job with its texts and the reasons of those that were refused, as they get ready."""
    left = iter(jobs)
    pool = ThreadPoolExecutor(order.workers, thread_name_prefix="generator")
    running: dict[Future[tuple[list[str], list[str]]], _Job] = {}
    try:
        while True:
            for job in islice(left, order.workers * _AHEAD - len(running)):
                running[pool.submit(_ask, order, job)] = job
            if not running:
                return
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(done), *done.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _ask(order: Order, job: _Job) -> tuple[list[str], list[str]]:
    """Texts for a job, and the reasons of those that were refused."""
    skill, kind, before = job
    count, texts, refused, reasons = order.wanted[kind], list(before), list[str](), list[str]()
    for _ in range(_ROUNDS):
        if len(texts) >= count:
            break
        have, kept = (*texts, *refused), []
        for text in order.generator.generate(skill, kind, count - len(texts), have=have):
            if reason := order.refuse(kind, text):
                refused.append(text)
                reasons.append(reason)
            else:
                kept.append(text)
        texts += cleaned(kept, skill, kind, have=texts)
    return texts[:count], reasons
