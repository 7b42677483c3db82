"""Learning a blend from a file of judgements: the use case behind `skillsearch fit`."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from skillsearch.progress import Progress, silent
from skillsearch.rank.blender import Blender
from skillsearch.settings import Settings
from trainer.blend.validation import CurvePoint
from trainer.evaluate.measures import Row
from trainer.evaluate.significance import estimates, p_values

__all__ = ["FitReport", "FitRequest", "fit_blend"]

_EXAMPLES = 3  # of unknown skills


@dataclass(frozen=True, slots=True)
class FitRequest:
    """Request of a fit: the judgements, and how to learn from them.

    Attributes:
        judgements: a home with judgements, a folder or zip of TalentCLEF, a CSV, or with `titles` a TREC
            file.
        settings: name the models and the index; `depth` and `alpha` are those of the fixed blend.
        titles: of the queries of a TREC file.
        folds: of the cross-validation, by title.
        seed: of folds, weights and batches.
        rerank: learn from the reranker, too.
        learning_curve: measure with fewer titles, too.
    """

    judgements: Path
    settings: Settings
    titles: Path | None = None
    folds: int = 5
    seed: int = 42
    rerank: bool = True
    learning_curve: bool = False


@dataclass(frozen=True, eq=False)
class FitReport:
    """A blender, and figures of what it was fitted on.

    Attributes:
        blender: fitted on all titles; its file has the facts and the cross-validated figures, too.
        facts: what was fitted on what.
        rows: cross-validated figures, each a label and its measures: mean, interval, and p against the
            first row.
        curve: by number of training titles; empty where it was not asked for.
    """

    blender: Blender
    facts: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]]
    curve: Sequence[CurvePoint] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON-ready values."""
        return {
            **self.facts,
            "cross_validation": list(self.rows),
            "learning_curve": [asdict(point) for point in self.curve],
        }


def fit_blend(request: FitRequest, progress: Progress = silent) -> FitReport:
    """Fit a blend on all judged titles, and cross-validate it.

    Skills are known by the URIs and the attributes of the published index.

    Raises:
        EvaluationError: the judgements cannot be read, or there is too little to learn from.
        ModelError: a model is missing, or is not the one that the index was built with.
        StoreError: nothing is published, or the store does not answer.
    """
    from skillsearch.models.device import use_threads
    from skillsearch.models.pair import locate_models
    from skillsearch.store import open_store
    from trainer.blend.catalogue import read_catalogue
    from trainer.blend.cross_validation import FitOptions, fit_blender
    from trainer.blend.judgements import read_judgements, with_uris
    from trainer.blend.measure import FITTED_TITLES
    from trainer.blend.pool import build_pool
    from trainer.blend.validation import learning_curve, measure_fit

    settings = request.settings
    benchmark = read_judgements(request.judgements, titles=request.titles)
    progress("load index and models")
    pair = locate_models(settings.model_location)
    use_threads(settings.threads)
    encoder = pair.load_encoder(**settings.running)
    reranker = None
    if request.rerank:
        reranker = pair.load_reranker(precision=settings.precision, **settings.running)
    store = open_store(settings)
    try:
        build = store.published()
        catalogue = read_catalogue(build)
        benchmark = with_uris(benchmark, catalogue.uris, catalogue.labels)
        pool = build_pool(benchmark, catalogue, build, encoder)
    finally:
        store.close()
    options = FitOptions(request.folds, request.seed, settings.depth, settings.alpha)
    fit = fit_blender(catalogue, pool, encoder.folder, reranker, options, progress=progress)
    unknown = pool.unknown()
    facts = {
        "judgements": benchmark.name,
        "titles": len(pool.titles),
        "titles_left_out": len(benchmark.qrels) - len(pool.titles),
        "documents": len(pool.labels),
        "relevant": int((pool.grades > 0).sum()),
        "graded": benchmark.graded,
        "unknown_skills": len(unknown),
        "unknown_examples": list(unknown[:_EXAMPLES]),
        "taxonomies": catalogue.info.taxonomies,
        "encoder": str(encoder.folder),
        "reranker": str(reranker.folder) if reranker else None,
        "folds": len(fit.first.folds),
        "seed": request.seed,
        "depth": options.depth,
    }
    rows = _figures(measure_fit(fit))
    curve = learning_curve(catalogue, fit, progress) if request.learning_curve else ()
    known = {"cross_validation": rows, FITTED_TITLES: list(pool.titles)}
    blender = replace(fit.blender, facts=facts | known)
    return FitReport(blender, facts, rows, curve)


def _figures(rows: Sequence[Row]) -> list[dict[str, Any]]:
    found = []
    for row in rows:
        tests = p_values(row.values, rows[0].values) if row is not rows[0] else {}
        measures = {
            name: asdict(estimate) | ({"p": tests[name]} if name in tests else {})
            for name, estimate in estimates(row.values).items()
        }
        found.append({"label": row.label, "measures": measures})
    return found
