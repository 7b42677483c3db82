"""Tables: one reader of CSV, TSV, JSON Lines and JSON lists for all that people give, one writer of CSV."""

from skillsearch.tables.csv_output import write_rows
from skillsearch.tables.json_lines import json_lines
from skillsearch.tables.record import WHOLE_NUMBER, Record, with_lists
from skillsearch.tables.skipped import Skipped, with_skipped
from skillsearch.tables.table import Skip, Table
from skillsearch.tables.text_file import DAMAGE, FILE_LIMIT, TextFile

__all__ = [
    "DAMAGE",
    "FILE_LIMIT",
    "WHOLE_NUMBER",
    "Record",
    "Skip",
    "Skipped",
    "Table",
    "TextFile",
    "json_lines",
    "with_lists",
    "with_skipped",
    "write_rows",
]
