"""Many at once: a task for each row of a file, on all cores, on Ray, or in a Spark job."""

from skillsearch.batch.annotate import annotate
from skillsearch.batch.annotator import Annotator
from skillsearch.batch.request import ENGINES, AnnotateReport, AnnotateRequest, EngineName

__all__ = ["ENGINES", "AnnotateReport", "AnnotateRequest", "Annotator", "EngineName", "annotate"]
