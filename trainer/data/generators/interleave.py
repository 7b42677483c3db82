"""Taking from several lists in turns."""

from collections.abc import Iterable, Iterator, Sequence

__all__ = ["in_turns"]


def in_turns(lists: Iterable[Sequence[str]]) -> Iterator[str]:
    """The first of each list, then the second of each, and so on."""
    left = [iter(texts) for texts in lists]
    while left:
        still = []
        for texts in left:
            for text in texts:
                yield text
                still.append(texts)
                break
        left = still
