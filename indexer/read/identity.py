"""The name and version of a release, as the names of its files tell them."""

import re
from collections.abc import Sequence

from skillsearch.errors import TaxonomyError

__all__ = ["name_and_version", "require_identity"]

_VERSION = re.compile(r"(?:^|[-_. (])v(\d+(?:\.\d+)*)(?!\.?[a-z0-9])", re.IGNORECASE)
_DATE = re.compile(r"^\d{4}[-_. ]?\d{2}[-_. ]?\d{2}[-_. T]*(?:\d{2}[-_.:h]?\d{2}(?:[-_.:]?\d{2})?)?")
_COPY = re.compile(r"^(?:copy|kopie|copie|copia|kopia|cópia)(?: (?:of|von|de|di|van|av))? +", re.IGNORECASE)
_DATASET = re.compile(r"\s*\bdataset\b.*$", re.IGNORECASE)
_SUFFIX = re.compile(r"\.(?:zip|csv|tsv|txt|jsonl?|ndjson)$", re.IGNORECASE)
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def name_and_version(file_names: Sequence[str]) -> tuple[str, str]:
    """The name of a taxonomy and its version, each empty where no file name tells it.

    What downloads and copies add does not count: a date in front, ``Copy of``, a number in brackets.

    Args:
        file_names: of folders, zips and files, outermost first.

    Raises:
        TaxonomyError: they tell two versions.
    """
    versions: dict[str, str] = {}
    names: list[str] = []
    for file_name in file_names:
        if found := _VERSION.search(_SUFFIX.sub("", file_name)):
            versions.setdefault(found[1], file_name)
            names.append(_bare(file_name[: found.start()]))
    if len(versions) > 1:
        found_in = " and ".join(f"v{version} ({name})" for version, name in versions.items())
        raise TaxonomyError(f"two versions mixed: {found_in}; give the files of one version")
    return next(filter(None, names), ""), next(iter(versions), "")


def require_identity(source: str, name: str, version: str) -> None:
    """Check that a name and a version can name a taxonomy.

    Raises:
        TaxonomyError: they cannot; `source` says whose they are.
    """
    for what, value in (("name", name), ("version", version)):
        if not _PART.fullmatch(value):
            raise TaxonomyError(
                f"{source}: {value!r} cannot be the {what} of a taxonomy: expected a letter or digit and "
                "then at most 63 letters of a to z, digits, dots, underscores or hyphens; rename the file, "
                f"such as acme-v1.2.csv, or give another with --set {what}=…"
            )


def _bare(text: str) -> str:
    """The name in the text before a version, in lower case."""
    before = None
    while before != text:  # several may stand in front of each other
        before, text = text, _COPY.sub("", _DATE.sub("", text.strip(" -_.")))
    return "-".join(_DATASET.sub("", text).strip(" -_.").lower().split())
