"""Tables: one reader of CSV, TSV and JSON Lines for taxonomies, judgements, benchmarks and titles.

And one writer of CSV.
"""

from skillsearch.tables.csv_output import write_rows
from skillsearch.tables.record import WHOLE_NUMBER, Record
from skillsearch.tables.table import Skip, Table, json_lines
from skillsearch.tables.text_file import DAMAGE, FILE_LIMIT, TextFile

__all__ = [
    "DAMAGE",
    "FILE_LIMIT",
    "WHOLE_NUMBER",
    "Record",
    "Skip",
    "Table",
    "TextFile",
    "json_lines",
    "write_rows",
]
