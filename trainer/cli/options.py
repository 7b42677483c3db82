"""The command-line options that the evaluations share."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from skillsearch.rank.ranker import RerankerChoice

__all__ = [
    "AlphaOption",
    "CutOption",
    "DepthOption",
    "JsonOption",
    "ModelsOption",
    "Parameter",
    "PerQueryOption",
    "PlotsOption",
    "RerankOption",
    "RerankerOption",
    "RunOutputOption",
    "SweepOption",
]


class Parameter(StrEnum):
    """What a sweep varies."""

    alpha = "alpha"
    depth = "depth"


ModelsOption = Annotated[
    str | None, typer.Option(help="Folder of the models, or skillscout.", show_default="SKILLSEARCH_MODELS")
]
RerankOption = Annotated[bool, typer.Option(help="Measure a reranker and the blend, too.")]
RerankerOption = Annotated[
    RerankerChoice | None, typer.Option(help="Which one.", show_default="SKILLSEARCH_RERANK")
]
AlphaOption = Annotated[float | None, typer.Option(help="Weight of retrieval.", show_default="0.7")]
DepthOption = Annotated[int | None, typer.Option(help="Candidates to rerank.", show_default="200")]
CutOption = Annotated[int | None, typer.Option(min=1, help="Cut lists to so many.", show_default="all")]
SweepOption = Annotated[
    list[Parameter] | None, typer.Option(help="Vary alpha or depth; can be given twice.", show_default=False)
]
PlotsOption = Annotated[
    Path | None, typer.Option(help="Folder for each sweep as PNG and CSV.", show_default=False)
]
RunOutputOption = Annotated[
    Path | None, typer.Option(help="Write the last row's ranking as a TREC run.", show_default=False)
]
PerQueryOption = Annotated[
    Path | None, typer.Option(help="Write the figures of each title as CSV, worst first.", show_default=False)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")]
