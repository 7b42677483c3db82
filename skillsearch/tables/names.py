"""Names of columns and keys: those of a file, told as ours."""

from collections.abc import Iterable, Mapping, Sequence

__all__ = ["name_key", "our_names"]


def name_key(name: str) -> str:
    """What the spellings of a name have in common: its letters and digits, in lower case."""
    return "".join(char for char in name.casefold() if char.isalnum())


def our_names(found: Sequence[str], ours: Iterable[str], theirs: Mapping[str, str]) -> list[str]:
    """Our names for those of a file, in its order; a name that is not ours is kept, stripped.

    Args:
        found: names as the file has them.
        ours: names that we know.
        theirs: by our name, the name that it has in the file; then another of our name is not read, and
            gets the empty name.
    """
    by_key = {name_key(name): name for name in ours}
    by_key |= {name_key(other): name for name, other in theirs.items()}
    names = [by_key.get(name_key(name), name.strip()) if name_key(name) else "" for name in found]
    return [
        "" if name in theirs and name_key(raw) != name_key(theirs[name]) else name
        for raw, name in zip(found, names, strict=True)
    ]
