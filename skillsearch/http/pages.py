"""Pages of long lists: a cursor says where the next begins, of which question, in which build."""

import base64
import binascii
import hashlib
import json
from typing import Final

from skillsearch.http.problems import Problem

__all__ = ["cursor_of", "fingerprint", "offset_of"]

_LONGEST: Final = 200


def fingerprint(*parts: object) -> str:
    """A short digest of JSON-ready values."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def cursor_of(offset: int, question: str) -> str:
    """The cursor of the page that begins there; `question` is a fingerprint of what was asked."""
    return base64.urlsafe_b64encode(f"{offset}:{question}".encode()).decode().rstrip("=")


def offset_of(cursor: str | None, question: str) -> int:
    """Where the page of a cursor begins; 0 without one.

    Raises:
        Problem: it is no cursor, or one of another question, or of an index that has been replaced.
    """
    if cursor is None:
        return 0
    try:
        text = base64.b64decode(cursor[:_LONGEST] + "=" * (-len(cursor) % 4), b"-_", validate=True).decode()
        offset, _, asked = text.partition(":")
        found = int(offset) if offset.isdecimal() and len(offset) < 10 else None
    except (binascii.Error, ValueError):
        found, asked = None, ""
    if found is None:
        raise Problem(422, "cursor: not one that this service gave", kind="cursor")
    if asked != question:
        raise Problem(
            422,
            "cursor: it belongs to another request, or the index or the models have been replaced since: ask "
            "for the first page again",
            kind="cursor",
        )
    return found
