"""The use case: fit calibrators on one half of held-out occupations, and report on the other."""

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
    """How far a calibrator is off on occupations that it was not fitted on.

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

    Every other occupation is fitted on, and the others are reported on; of tasks that start from skills,
    the same holds for these.

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
    source = Source.of(taxonomy, encoder, rankers, advance)
    halves = occupations[::2], occupations[1::2]
    tasks: dict[str, dict[str, Calibrator]] = {}
    reported = []
    for task, reranker, make in _asked(source):
        progress(f"{task}, {reranker}")
        fitted_on, asked = (list(make(half, number, reranker)) for number, half in enumerate(halves))
        calibrator = _fitted(fitted_on, reranked=reranker != NO_RERANKER)
        if calibrator is None or not asked:
            continue
        tasks.setdefault(task, {})[reranker] = calibrator
        reported.append(_reported(task, reranker, source.rankers[reranker], calibrator, asked))
    if not tasks:
        return CalibrationReport(None)
    described = f"{taxonomy}: {len(halves[0]):,} of {len(occupations):,} occupations"
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


def _fitted(judged: Sequence[Judged], *, reranked: bool) -> Calibrator | None:
    """A calibrator; None where too few candidates are right, or wrong."""
    tables, right, counts = [], [], []
    for one in judged:
        table = features(one.candidates)
        tables.append(table[one.counts] if reranked else table[one.counts, :_PLAIN])
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
    task: str, reranker: str, ranker: Ranker, calibrator: Calibrator, judged: Sequence[Judged]
) -> Reported:
    shares, right, shown = _shares(judged, ranker, {reranker: calibrator})
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
