"""The use case: fit calibrators on held-out occupations; each half is reported on by the other's."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from skillsearch.arrays import BoolArray, Float64Array
from skillsearch.models.calibration import Calibration, Calibrator
from skillsearch.models.protocols import Encoder, PairScorer
from skillsearch.models.token_scorer import TokenScorer
from skillsearch.progress import Progress, silent
from skillsearch.rank.cross_encoder import CrossEncoderRanker
from skillsearch.rank.distilled import DistilledRanker
from skillsearch.rank.late_interaction import LateInteractionRanker
from skillsearch.rank.logistic import fit_logistic
from skillsearch.rank.probability import NO_RERANKER, features, with_probabilities
from skillsearch.rank.ranker import Ranker
from skillsearch.rank.token_table import embed_tokens
from skillsearch.taxonomy.records import Taxonomy
from skillsearch.taxonomy.texts import occupation_text
from trainer.calibrate.judged import Judged, Source
from trainer.calibrate.reliability import binned, expected_calibration_error
from trainer.run import Bin

__all__ = ["CalibrationReport", "Reported", "calibrate"]

Make = Callable[[Sequence[str], int, str], Iterable[Judged]]

_SHOWN: Final = 20  # hits that a search shows unless told otherwise
_FEWEST: Final = 20  # candidates that are right, and that are wrong, to fit on
_TAIL: Final = 0.25  # how much a candidate counts that is not shown, beside one that is
_PLAIN: Final = 4


@dataclass(frozen=True)
class Reported:
    """How far the probabilities are off on occupations that they were not fitted on.

    Attributes:
        task: its name.
        reranker: that orders its candidates; ``none`` for the vector search.
        texts: that were asked.
        candidates: whose truth is known.
        error: expected calibration error of all of them.
        shown: the same of the first 20 of each text.
        before: the same of the first 20, by the reranker's classes as they are; None where it has none.
        bins: of the first 20.
    """

    task: str
    reranker: str
    texts: int
    candidates: int
    error: float
    shown: float
    before: float | None
    bins: list[Bin]


@dataclass(frozen=True)
class CalibrationReport:
    """A calibration, None where there is too little to fit one on, and how far it is off."""

    calibration: Calibration | None
    reported: list[Reported] = field(default_factory=list)


def calibrate(
    taxonomy: Taxonomy,
    encoder: Encoder,
    scorer: PairScorer | None,
    occupations: Sequence[str],
    *,
    distilled: TokenScorer | None = None,
    temperature: float = 1.0,
    progress: Progress = silent,
) -> CalibrationReport:
    """Fit a calibrator for each task and reranker.

    All occupations are fitted on. What is reported is cross-fitted: of each half, every other occupation,
    by a calibrator that was fitted on the other half. Tasks that start from skills halve these too.

    Args:
        taxonomy: tells what is right.
        encoder: of the pair.
        scorer: the cross-encoder of the pair, where there is one.
        occupations: URIs that the models have not seen.
        distilled: the distilled cross-encoder, where there is one.
        temperature: divides the logits before they become probabilities of classes.
        progress: hears of the stages.

    Raises:
        ModelError: a model gave something that is not finite.
    """
    labels = [skill.label for skill in taxonomy.skills.values()]
    labels += [occupation_text(occupation) for occupation in taxonomy.occupations.values()]
    table = embed_tokens(encoder, labels, advance=progress("embed tokens", len(labels)))
    rankers: list[Ranker] = [LateInteractionRanker(encoder, table=table)]
    if scorer is not None:
        rankers.append(CrossEncoderRanker(scorer, temperature=temperature))
    if distilled is not None:
        rankers.append(DistilledRanker(encoder=encoder, table=table, scorer=distilled))
    advance = progress("embed the taxonomy", len(taxonomy.skills) + len(taxonomy.occupations))
    source = Source.of(taxonomy, encoder, rankers, occupations, advance)
    halves = occupations[::2], occupations[1::2]
    tasks: dict[str, dict[str, Calibrator]] = {}
    reported = []
    for task, reranker, make in _asked(source):
        progress(f"{task}, {reranker}")
        parts = [list(make(half, number, reranker)) for number, half in enumerate(halves)]
        ranker, plain = source.rankers[reranker], reranker == NO_RERANKER
        by_half = [_fitted(part, plain=plain) for part in parts]
        calibrator = _fitted([*parts[0], *parts[1]], plain=plain)
        if calibrator is None or by_half[0] is None or by_half[1] is None:
            continue
        tasks.setdefault(task, {})[reranker] = calibrator
        crossed = [(parts[0], by_half[1]), (parts[1], by_half[0])]
        reported.append(_reported(task, reranker, ranker, crossed))
    if not tasks:
        return CalibrationReport(None)
    described = f"{taxonomy}: {len(occupations):,} occupations"
    models = {"cross-encoder": scorer, "distilled": distilled}
    calibration = Calibration(
        encoder=encoder.folder.fingerprint,
        rerankers={name: model.folder.fingerprint for name, model in models.items() if model},
        fitted_on=described,
        tasks=tasks,
    )
    return CalibrationReport(calibration, reported)


def _asked(source: Source) -> Iterator[tuple[str, str, Make]]:
    """Each task and reranker, and what makes its judged candidates of a half."""
    for name in source.rankers:
        yield "title-to-skills", name, source.needed
    for name in source.rankers:
        if name != "late-interaction":  # which does not order occupations
            yield "skill-to-titles", name, source.needing
    yield "title-to-occupation", NO_RERANKER, source.meant
    yield "similar-skills", NO_RERANKER, source.alike


def _fitted(judged: Sequence[Judged], *, plain: bool) -> Calibrator | None:
    """A calibrator; None where too few candidates are right, or wrong."""
    tables, right, counts = [], [], []
    for one in judged:
        table = features(one.candidates)
        tables.append(table[one.counts, :_PLAIN] if plain else table[one.counts])
        right.append(one.right[one.counts])
        shown = np.arange(len(one.candidates)) < _SHOWN
        counts.append(np.where(shown, 1.0, _TAIL)[one.counts])
    truth = np.concatenate(right).astype(np.float64) if right else np.zeros(0)
    if not _FEWEST <= truth.sum() <= len(truth) - _FEWEST:
        return None
    return Calibrator(
        weights=tuple(fit_logistic(np.concatenate(tables), truth, counts=np.concatenate(counts)).tolist())
    )


def _reported(
    task: str, reranker: str, ranker: Ranker, crossed: Sequence[tuple[Sequence[Judged], Calibrator]]
) -> Reported:
    """How far the calibrators are off, each on candidates that it was not fitted on."""
    judged = [one for part, _ in crossed for one in part]
    parts = [_shares(part, ranker, {reranker: calibrator}) for part, calibrator in crossed]
    shares, right, shown = (np.concatenate(some) for some in zip(*parts, strict=True))
    first = binned(shares[shown], right[shown])
    before = None
    if reranker in ("cross-encoder", "distilled"):
        raw, _, _ = _shares(judged, ranker, {})
        before = expected_calibration_error(binned(raw[shown], right[shown]))
    return Reported(
        task,
        reranker,
        len(judged),
        len(right),
        expected_calibration_error(binned(shares, right)),
        expected_calibration_error(first),
        before,
        first,
    )


def _shares(
    judged: Sequence[Judged], ranker: Ranker, calibrators: Mapping[str, Calibrator]
) -> tuple[Float64Array, BoolArray, BoolArray]:
    """Of n candidates whose truth is known, their probabilities, what is right, and which are shown."""
    shares, right, shown = [], [], []
    for one in judged:
        found = with_probabilities(one.candidates, ranker, calibrators)
        shares.append(np.array([candidate.probability for candidate in found], dtype=np.float64)[one.counts])
        right.append(one.right[one.counts])
        shown.append((np.arange(len(found)) < _SHOWN)[one.counts])
    return np.concatenate(shares), np.concatenate(right), np.concatenate(shown)
