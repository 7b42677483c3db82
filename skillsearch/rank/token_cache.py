"""The cache of an index's token embeddings: one file an encoder, shared by processes.

The file may be deleted at any time; it is made again.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock

from skillsearch.files import remove_leftovers
from skillsearch.forks import Lock
from skillsearch.models.protocols import Encoder
from skillsearch.progress import Progress, silent
from skillsearch.rank.token_table import TokenTable, embed_tokens, read_tokens, write_tokens
from skillsearch.store.base import SPACES, Build

__all__ = ["TOKENS", "TokenCache"]

TOKENS: Final = "tokens"
"""The folder of token embeddings, under the home."""

_LEFT_OVER: Final = 0.1  # labels of indexes before, as a share of those of the index, at most

_log = logging.getLogger(__name__)


class TokenCache:
    """Token embeddings of every label of an index; safe to share between threads."""

    def __init__(self, encoder: Encoder, folder: Path | None) -> None:
        """Make one; nothing is read or embedded yet.

        Args:
            encoder: of the tokens.
            folder: of the file; None keeps tokens in memory alone.
        """
        self._encoder = encoder
        self.path = folder and folder / f"{encoder.folder.fingerprint}.safetensors"
        self._lock = Lock()
        self._ready: dict[str, TokenTable] = {}

    def of(self, build: Build, *, progress: Progress = silent) -> TokenTable:
        """The tokens of all labels of an index; what is not in the cache yet is embedded and kept.

        Cheap where the same index was asked for before. Of several processes one embeds, and the
        others wait for it. A cache that is damaged is made again, and one that cannot be written is
        kept in memory; either is logged as a warning.

        Raises:
            ModelError: the encoder's weights are broken.
        """
        name = build.info.name
        table = self._ready.get(name)
        if table is None:
            with self._lock:
                table = self._ready.get(name)
                if table is None:
                    table = self._up_to_date(build, progress)
                    before = list(self._ready.items())[-1:]  # searches of the index before may still run
                    self._ready = dict([*before, (name, table)])
        return table

    def _up_to_date(self, build: Build, progress: Progress) -> TokenTable:
        """The tokens of all labels of an index, from the file as far as they are in it."""
        name = build.info.name
        kept = self._read()
        if kept is not None and kept[1] == name:
            return kept[0]
        with self._alone():
            kept = self._read(warn=True)
            known = kept[0] if kept else None
            if kept is not None and kept[1] == name:  # another process was quicker
                return kept[0]
            labels = sorted({label for space in SPACES for label in build.values(space, "label")})
            missing = len(labels) if known is None else sum(label not in known for label in labels)
            if known is not None and not missing:  # after a rollback, or in a search that began before
                return known
            advance = progress("embed tokens", missing) if missing else None
            wanted = [*labels, *_left_over(known, labels)]
            return self._kept(embed_tokens(self._encoder, wanted, known=known, advance=advance), name)

    def _read(self, *, warn: bool = False) -> tuple[TokenTable, str] | None:
        if self.path is None:
            return None
        try:
            return read_tokens(self.path, encoder=self._encoder.folder.fingerprint)
        except FileNotFoundError:
            return None
        except ValueError as error:
            if warn:
                _log.warning("%s cannot be read, and is made again: %s", self.path, error)
            return None

    def _kept(self, table: TokenTable, build: str) -> TokenTable:
        """Write a table and map it into memory, which frees its own; the table itself where that fails."""
        if self.path is None:
            return table
        fingerprint = self._encoder.folder.fingerprint
        try:
            remove_leftovers(self.path)
            write_tokens(self.path, table, encoder=fingerprint, build=build)
            return read_tokens(self.path, encoder=fingerprint)[0]
        except (OSError, ValueError) as error:
            _log.warning(
                "%s cannot be written, so the tokens are embedded again next time: %s", self.path, error
            )
            return table

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes from embedding the same; without effect where nothing can be written."""
        if self.path is None:
            yield
            return
        lock = FileLock(self.path.with_suffix(".lock"))
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except OSError:
            yield
            return
        try:
            yield
        finally:
            lock.release()


def _left_over(known: TokenTable | None, labels: list[str]) -> list[str]:
    """Labels that an index before had, which a rollback needs again; none where they are too many."""
    current = set(labels)
    left = [label for label in (known.labels if known else ()) if label not in current]
    return left if len(left) <= _LEFT_OVER * len(labels) else []
