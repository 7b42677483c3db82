"""ISCO-08 codes in the files of a release, where a spreadsheet may have taken zeros from them."""

import re
from collections import Counter
from typing import Final

from indexer.read.release import SkippedRows
from skillsearch.tables import Record

__all__ = ["IscoCodes"]

_IN_URI: Final = re.compile(r"/isco/C(\d{1,4})$")
_DIGITS: Final = 4  # of a unit group, which occupations belong to


class IscoCodes:
    """Codes of ISCO groups, by which occupations name theirs; what differs from a URI is corrected."""

    def __init__(self, skipped: SkippedRows) -> None:
        """Begin without a group; corrections are told through `skipped`."""
        self._skipped = skipped
        self._groups: dict[str, str] = {}
        self._occupations = Counter[str]()

    def add_group(self, row: Record, uri: str) -> str:
        """The code of a group, as its URI has it where that tells."""
        found = row["code"]
        told = _IN_URI.search(uri)
        code = told[1] if told else found
        if code != found:
            self._correct(row, "the code of an ISCO group differs from its URI", found, code)
        self._groups[code] = uri
        return code

    def group_of(self, row: Record) -> str:
        """The URI of the group that an occupation names, also where its code has lost a leading zero."""
        found = row["iscoGroup"]
        code = found if found in self._groups else found.zfill(_DIGITS)
        if not found or code not in self._groups:
            if found:
                self._skipped.add_value(
                    row, "the ISCO group does not exist, left out", f"{found} of {row['conceptUri']}"
                )
            return ""
        if code != found:
            self._correct(row, "an ISCO group has lost a leading zero", found, code)
        return self._groups[code]

    def occupation_code(self, row: Record, group: str) -> str:
        """The code of an occupation, such as ``0110.10``; it begins with that of its group."""
        found = row.text("code")
        told = _IN_URI.search(group)
        first, dot, rest = found.partition(".")
        code = f"{told[1]}{dot}{rest}" if told and found and first.zfill(_DIGITS) == told[1] else found
        if code != found:
            self._correct(row, "the code of an occupation has lost a leading zero", found, code)
        self._occupations[code] += bool(code)
        if self._occupations[code] > 1:
            reason = "two occupations have one code; has a spreadsheet taken a trailing zero?"
            self._skipped.add_value(row, reason, code)
        return code

    def _correct(self, row: Record, reason: str, found: str, code: str) -> None:
        self._skipped.add_value(row, f"{reason}; it was corrected", f"{found} became {code}")
