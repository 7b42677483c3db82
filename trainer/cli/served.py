"""The commands `skillsearch evaluate extract` and `skillsearch evaluate normalize`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skillsearch.cli.options import JsonOption, SetOption, split_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table

    from trainer.evaluate.served.extract import Counts, ExtractReport
    from trainer.evaluate.served.normalize import NormalizeReport

__all__ = ["extract", "normalize"]

DataOption = Annotated[
    list[Path], typer.Option("--data", help="A set; can be given more than once.", show_default=False)
]
EveryOption = Annotated[int, typer.Option(min=1, help="Take each n-th text.")]


def extract(
    data: DataOption,
    threshold: Annotated[
        list[float] | None,
        typer.Option(
            min=0,
            max=1,
            help="How probable a skill must be that the encoder reads; can be given more than once.",
            show_default="as extract",
        ),
    ] = None,
    every: EveryOption = 1,
    assignments: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure how well skills are read from texts, by the client of the published index.

    A set is a table with the columns sentence, span and label, a row for each span (HOUSE, TECH); one
    with sentence and skills, a list of labels (SkillSkape); or a folder of adverts with expected.jsonl.
    The decision counts concepts and places; the ranking is what extract reads at any probability, and
    what normalize_skill gives for the whole sentence.

    Example: skillsearch evaluate extract --data tech_validation_annotations.csv --json

    Example: skillsearch evaluate extract --data skillskape/dev.csv --every 5 --threshold 0.4 --threshold 0.6

    Example: skillsearch evaluate extract --data adverts --set home=/srv/skills
    """
    from skillsearch.characters import json_text
    from skillsearch.cli.console import note, print_tables
    from skillsearch.cli.progress import progress_bars
    from skillsearch.settings import load_settings
    from skillsearch.tasks.text_to_skills import THRESHOLD
    from trainer.evaluate.served.extract import ExtractRequest, evaluate_extract

    settings = load_settings(**split_settings(assignments)[0])
    request = ExtractRequest(tuple(data), settings, tuple(threshold or (THRESHOLD,)), every)
    with progress_bars() as progress:
        report = evaluate_extract(request, progress)
    if as_json:
        typer.echo(json_text(report.to_dict()))
        return
    print_tables(_extract_tables(report))
    for one in report.decisions:
        if one.dropped:
            note(f"note: {one.name}: {one.dropped:,} labels are not in the index, left out")


def normalize(
    data: DataOption,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=10, max=10_000, help="Occupations asked for.")
    ] = 100,
    every: EveryOption = 1,
    assignments: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure how well the occupations of titles are found, by the client of the published index.

    A set is a folder of MELO's (queries.tsv, annotations.tsv, concept_mapping.tsv), or a table with the
    columns vacancyTitle and conceptUri (JobBERT). Titles in languages that neither the index nor its encoder
    reads are measured as they are, and named so.

    Example: skillsearch evaluate normalize --data melo/usa_q_en_c_en --data melo/deu_q_de_c_de

    Example: skillsearch evaluate normalize --data jobbert/titles.csv --every 10 --set clean_titles=false
    """
    from skillsearch.characters import json_text
    from skillsearch.cli.console import note, print_tables
    from skillsearch.cli.progress import progress_bars
    from skillsearch.settings import load_settings
    from trainer.evaluate.served.normalize import NormalizeRequest, evaluate_normalize

    settings = load_settings(**split_settings(assignments)[0])
    with progress_bars() as progress:
        report = evaluate_normalize(NormalizeRequest(tuple(data), settings, limit, every), progress)
    if as_json:
        typer.echo(json_text(report.to_dict()))
        return
    print_tables([_normalize_table(report)])
    for one in report.results:
        if one.titles.left_out or one.titles.dropped:
            note(
                f"note: {one.titles.name}: {one.titles.left_out:,} titles without an occupation of the index "
                f"left out, {one.titles.dropped:,} pairs name what is no occupation of it"
            )


def _normalize_table(report: "NormalizeReport") -> "Table":
    from skillsearch.cli.console import new_table
    from trainer.evaluate.served.normalize import MEASURES

    where = ", ".join(report.languages)
    table = new_table(f"title to occupation, first {report.limit}", f"{report.build} · reads {where}")
    table.add_column("titles", overflow="fold")
    for name in ("language", "n", *MEASURES.values(), "recognised", "ms"):
        table.add_column(name, justify="right")
    for one in report.results:
        language = one.titles.language or "?"
        language += ", not read" * report.is_foreign(one.titles)
        count = len(one.titles.queries)
        figures = [f"{one.figures.mean(name):.4f}" for name in MEASURES]
        share = f"{one.answers.recognised / count:.3f}"
        table.add_row(
            one.titles.name, language, f"{count:,}", *figures, share, f"{one.answers.milliseconds:.0f}"
        )
    return table


def _extract_tables(report: "ExtractReport") -> "Iterator[Table]":
    from skillsearch.cli.console import new_table
    from trainer.evaluate.served.extract import RANKING

    if report.decisions:
        table = new_table("decision: concepts, and spans that meet", report.build)
        table.add_column("sentences", overflow="fold")
        for name in ("threshold", "n", "P", "R", "F1", "span P", "R", "F1", "silent", "ms"):
            table.add_column(name, justify="right")
        for one in report.decisions:
            spans = _prf(one.spans) if one.spans else ["-"] * 3
            silent = "-" if one.silent is None else f"{one.silent:.3f}"
            facts = (one.name, f"{one.threshold:g}", f"{one.sentences:,}")
            table.add_row(*facts, *_prf(one.concepts), *spans, silent, f"{one.milliseconds:.0f}")
        yield table
    if report.rankings:
        table = new_table("ranking of the sentences that have skills")
        table.add_column("sentences", overflow="fold")
        for name in ("n", *RANKING.values()):
            table.add_column(name, justify="right")
        for row in report.rankings:
            table.add_row(row.label, f"{len(row.queries):,}", *(f"{row.mean(name):.4f}" for name in RANKING))
        yield table
    if report.adverts:
        table = new_table("adverts: skills at their places", report.build)
        table.add_column("folder", overflow="fold")
        for name in ("adverts", "found", "requirement", "unmatched", "of texts without, gave one", "ms"):
            table.add_column(name, justify="right")
        for folder in report.adverts:
            table.add_row(
                folder.name,
                str(folder.adverts),
                f"{folder.found} of {folder.skills}",
                f"{folder.requirement} of {folder.found}",
                f"{folder.unmatched_found} of {folder.unmatched}",
                f"{folder.broken} of {folder.silent}",
                f"{folder.milliseconds:.0f}",
            )
        yield table


def _prf(counts: "Counts") -> list[str]:
    return [f"{counts.precision:.3f}", f"{counts.recall:.3f}", f"{counts.f1:.3f}"]
