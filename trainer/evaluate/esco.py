"""A taxonomy's own relations as a benchmark: which skills do held-out occupations need?

An occupation's preferred label is a query and every skill is a document; an essential skill has
grade 2, an optional one grade 1. Figures only mean something for occupations that the models have never
seen, so others are refused unless the caller insists.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from skillsearch.errors import EvaluationError
from skillsearch.models.classes import CONTEXTUAL, CORE
from skillsearch.models.pair import RECORD, locate_models
from skillsearch.progress import Progress, silent
from skillsearch.settings import Settings
from skillsearch.tables import TextFile
from skillsearch.taxonomy.records import Taxonomy
from skillsearch.taxonomy.texts import occupation_text, skill_text
from trainer.evaluate.benchmark import Benchmark, Document
from trainer.evaluate.evaluation import Evaluation, Plan, evaluate_settings

__all__ = ["Selection", "esco_benchmark", "evaluate_esco", "select_occupations", "without_relations"]

_TRAINED: Final = "trained on these occupations"
_NAMED: Final = 3  # examples in a message


@dataclass(frozen=True, slots=True)
class Selection:
    """Occupations to measure on.

    Attributes:
        occupations: their URIs.
        trained: those among them that the models are not known to have been kept from.
        warnings: what a reader of the figures should know.
    """

    occupations: tuple[str, ...]
    trained: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def evaluate_esco(
    plan: Plan,
    settings: Settings,
    taxonomy: Taxonomy,
    *,
    occupations: Path | None = None,
    allow_trained: bool = False,
    progress: Progress = silent,
) -> Evaluation:
    """Measure how well the skills of occupations are found by the occupation's label.

    Args:
        plan: how to measure.
        settings: which models, and how they rank.
        taxonomy: to measure on.
        occupations: file of URIs, one a line; None for those that training held out.
        allow_trained: take occupations that are not known to be held out, and say so.
        progress: hears how far it is.

    Raises:
        EvaluationError: see `select_occupations`.
        ModelError: a model cannot be loaded.
    """
    selection = select_occupations(
        settings.model_location, taxonomy, file=occupations, allow_trained=allow_trained
    )
    benchmark = esco_benchmark(taxonomy, selection.occupations)
    plan = replace(plan, note=_TRAINED if selection.trained else "")
    others = without_relations(taxonomy, selection.occupations)
    evaluation = evaluate_settings(benchmark, settings, plan, progress, taxonomy=others)
    return replace(evaluation, warnings=evaluation.warnings + selection.warnings)


def without_relations(taxonomy: Taxonomy, occupations: Sequence[str]) -> Taxonomy:
    """A taxonomy that does not tell what these occupations need."""
    hidden = set(occupations)
    left = tuple(one for one in taxonomy.relations if one.occupation not in hidden)
    return replace(taxonomy, relations=left)


def esco_benchmark(taxonomy: Taxonomy, occupations: Sequence[str]) -> Benchmark:
    """Queries and documents keyed by URI; occupations that need no skill are refused.

    Raises:
        EvaluationError: an occupation is not in the taxonomy, or needs no skill.
    """
    unknown = [uri for uri in occupations if uri not in taxonomy.relations_by_occupation]
    if unknown:
        raise EvaluationError(
            f"{len(unknown):,} occupations are not in {taxonomy}, or need no skill in it: "
            f"{_examples(unknown)}"
        )
    qrels: dict[str, dict[str, int]] = {}
    for uri in occupations:
        grades = qrels.setdefault(uri, {})
        for relation in taxonomy.relations_by_occupation[uri]:
            grade = CORE if relation.kind == "essential" else CONTEXTUAL
            grades[relation.skill] = max(grade, grades.get(relation.skill, 0))
    return Benchmark(
        str(taxonomy),
        {uri: occupation_text(taxonomy.occupations[uri]) for uri in occupations},
        {
            uri: Document(uri, uri, (skill_text(skill), *skill.alt_labels))
            for uri, skill in taxonomy.skills.items()
        },
        qrels,
    )


def select_occupations(
    models: str, taxonomy: Taxonomy, *, file: Path | None = None, allow_trained: bool = False
) -> Selection:
    """The occupations that training held out, or those that a file names.

    Args:
        models: folder of the models, whose record names the held-out occupations.
        taxonomy: to measure on. Held-out occupations that it does not have are left out.
        file: one URI a line.
        allow_trained: take occupations that are not known to be held out, too.

    Raises:
        EvaluationError: none are named, one is not in the taxonomy, or one is not held out.
        ModelError: there are no such models, or their record is damaged.
    """
    record = locate_models(models).record
    validation = set(record.validation_occupations)
    held_out = [uri for uri in record.held_out_occupations if uri not in validation]
    if file is None:
        return _held_out(models, taxonomy, held_out)
    occupations = _read_occupations(file, taxonomy)
    trained = tuple(uri for uri in occupations if uri not in set(held_out))
    if trained and not allow_trained:
        chosen = validation.intersection(trained)
        reason = "they may be trained on" if held_out else f"its {RECORD} names no held-out occupations"
        if chosen:
            reason += f"; {len(chosen):,} were used to choose between checkpoints (validation_occupations)"
        raise EvaluationError(
            f"{file}: {len(trained):,} of {len(occupations):,} occupations were not held out of the training "
            f"of {models} ({_examples(trained)}): {reason}. Give held-out ones, or take figures on known "
            "occupations, labelled so, with --allow-trained"
        )
    return Selection(occupations, trained)


def _held_out(models: str, taxonomy: Taxonomy, held_out: Sequence[str]) -> Selection:
    if not held_out:
        raise EvaluationError(
            f"{models} does not say which occupations it held out (held_out_occupations in {RECORD}): "
            "name occupations with --occupations and accept them with --allow-trained"
        )
    known = tuple(uri for uri in held_out if uri in taxonomy.relations_by_occupation)
    if not known:
        raise EvaluationError(
            f"none of the {len(held_out):,} held-out occupations of {models} is in {taxonomy}; "
            "give the taxonomy that the models were trained on"
        )
    missing = [uri for uri in held_out if uri not in taxonomy.relations_by_occupation]
    warning = f"{len(missing):,} held-out occupations are not in {taxonomy}: {_examples(missing)}"
    return Selection(known, warnings=(warning,) if missing else ())


def _read_occupations(path: Path, taxonomy: Taxonomy) -> tuple[str, ...]:
    file, lines = TextFile.at(path, error_type=EvaluationError), dict[str, int]()
    for number, line in enumerate(file.text().splitlines(), start=1):
        uri = line.strip()
        if not uri:
            continue
        if uri in lines:
            raise file.error(
                f", line {number}: {uri} stands on line {lines[uri]} already; remove one of them"
            )
        if uri not in taxonomy.relations_by_occupation:
            found = "needs no skill" if uri in taxonomy.occupations else "is not an occupation"
            raise file.error(
                f", line {number}: {uri!r} {found} in {taxonomy}; expected the URI of an occupation"
            )
        lines[uri] = number
    if not lines:
        raise file.error(": empty, expected the URI of an occupation on each line")
    return tuple(lines)


def _examples(uris: Sequence[str]) -> str:
    return ", ".join(uris[:_NAMED]) + (", …" if len(uris) > _NAMED else "")
