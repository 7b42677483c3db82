"""A taxonomy's own relations as a benchmark: which skills do held-out occupations need?

An occupation's preferred label is a query and every skill is a document; an essential skill has
grade 2, an optional one grade 1. Figures are only worth something for occupations that the models
have never seen, so others are refused unless the caller insists.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skillsearch.errors import EvaluationError
from skillsearch.models.folder import MANIFEST, SKILLSCOUT
from skillsearch.rank.fuse import CONTEXTUAL, CORE
from skillsearch.taxonomy.records import Taxonomy
from skillsearch.taxonomy.texts import occupation_text
from trainer.evaluate.benchmark import Benchmark, Document
from trainer.evaluate.trec import read_text

__all__ = ["Selection", "esco_benchmark", "select_occupations"]

_HELD_OUT, _VALIDATION = "held_out_occupations", "validation_occupations"
_NAMED = 3  # examples in a message


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
        {uri: Document(uri, uri, (skill.label, *skill.alt_labels)) for uri, skill in taxonomy.skills.items()},
        qrels,
    )


def select_occupations(
    models: str, taxonomy: Taxonomy, *, file: Path | None = None, allow_trained: bool = False
) -> Selection:
    """The occupations that training held out, or those that a file names.

    Args:
        models: folder of the models, whose manifest names the held-out occupations.
        taxonomy: to measure on. Held-out occupations that it does not have are left out.
        file: one URI a line.
        allow_trained: take occupations that are not known to be held out, too.

    Raises:
        EvaluationError: none are named, one is not in the taxonomy, or one is not held out.
    """
    manifest = _read_manifest(models)
    validation = set(_uris(manifest, _VALIDATION, models))
    held_out = [uri for uri in _uris(manifest, _HELD_OUT, models) if uri not in validation]
    if file is None:
        return _held_out(models, taxonomy, held_out)
    occupations = _read_occupations(file, taxonomy)
    trained = tuple(uri for uri in occupations if uri not in set(held_out))
    if trained and not allow_trained:
        chosen = validation.intersection(trained)
        reason = "its manifest names no held-out occupations" if not held_out else "they may be trained on"
        if chosen:
            reason += f"; {len(chosen):,} were used to choose between checkpoints ({_VALIDATION})"
        raise EvaluationError(
            f"{file}: {len(trained):,} of {len(occupations):,} occupations were not held out of the training "
            f"of {models} ({_examples(trained)}): {reason}. Give held-out ones, or take figures on known "
            "occupations, labelled so, with --allow-trained"
        )
    return Selection(occupations, trained)


def _held_out(models: str, taxonomy: Taxonomy, held_out: Sequence[str]) -> Selection:
    if not held_out:
        raise EvaluationError(
            f"{models} does not say which occupations it held out ({_HELD_OUT} in {MANIFEST}): "
            "name occupations with --occupations and accept them with --allow-trained"
        )
    known = tuple(uri for uri in held_out if uri in taxonomy.relations_by_occupation)
    missing = [uri for uri in held_out if uri not in taxonomy.relations_by_occupation]
    if not known:
        raise EvaluationError(
            f"none of the {len(held_out):,} held-out occupations of {models} is in {taxonomy}; "
            "give the taxonomy that the models were trained on"
        )
    if missing:
        warning = f"{len(missing):,} held-out occupations are not in {taxonomy}: {_examples(missing)}"
        return Selection(known, warnings=(warning,))
    return Selection(known)


def _read_occupations(file: Path, taxonomy: Taxonomy) -> tuple[str, ...]:
    lines: dict[str, int] = {}
    for number, line in enumerate(read_text(file).splitlines(), start=1):
        uri = line.strip()
        if not uri:
            continue
        if uri in lines:
            raise EvaluationError(f"{file}:{number}: {uri} stands on line {lines[uri]} already")
        if uri not in taxonomy.relations_by_occupation:
            found = "needs no skill" if uri in taxonomy.occupations else "is no occupation"
            raise EvaluationError(
                f"{file}:{number}: {uri!r} {found} in {taxonomy}; expected the URI of an occupation"
            )
        lines[uri] = number
    if not lines:
        raise EvaluationError(f"{file}: empty, expected the URI of an occupation on each line")
    return tuple(lines)


def _read_manifest(models: str) -> Mapping[str, Any]:
    """The manifest of a models folder; empty for the published weights, which come without one."""
    if models == SKILLSCOUT:
        return {}
    path = Path(models).expanduser() / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EvaluationError(f"{path} cannot be read: {error}") from error
    if not isinstance(manifest, dict):
        raise EvaluationError(f"{path} does not hold a JSON object")
    return manifest


def _uris(manifest: Mapping[str, Any], key: str, models: str) -> tuple[str, ...]:
    uris = manifest.get(key, [])
    if not isinstance(uris, list) or not all(isinstance(uri, str) for uri in uris):
        raise EvaluationError(f"{models}/{MANIFEST}: {key} is no list of URIs")
    return tuple(dict.fromkeys(uris))


def _examples(uris: Sequence[str]) -> str:
    return ", ".join(uris[:_NAMED]) + (", …" if len(uris) > _NAMED else "")
