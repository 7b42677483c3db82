"""Late interaction as a reranker: candidates scored by how their tokens meet those of the title.

A title is the query, a skill's label the target: the score is not symmetric, and this direction is
fixed. The tokens of the labels are embedded once and kept, see `LateInteraction.prepare`.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from skillsearch.errors import ModelError
from skillsearch.models.encoder import Encoder
from skillsearch.models.interaction import read_interaction
from skillsearch.rank.fuse import late_interaction
from skillsearch.rank.token_table import TokenTable, embed_tokens, read_tokens, write_tokens
from skillsearch.store.base import Build

__all__ = ["TOKENS", "LateInteraction", "Progress"]

TOKENS: Final = "tokens"
"""The folder of the token embeddings, under the home."""

Progress = Callable[[int], Callable[[int], object]]
"""Told how many labels will be embedded; gives what to call with each number of them done."""

_log = logging.getLogger(__name__)


class LateInteraction:
    """Scores skills for titles from cached tokens; safe to share between threads.

    The cache is one file an encoder, named by its fingerprint. It may be deleted at any time.
    """

    def __init__(self, encoder: Encoder, folder: Path | None) -> None:
        """Make one; nothing is read or embedded yet.

        Args:
            encoder: gives the tokens; how they are read stands in its folder.
            folder: of the cache; None keeps tokens in memory alone.

        Raises:
            ModelError: the encoder's folder does not say how tokens are read in a way that is known.
        """
        self.folder = encoder.folder
        self.settings = read_interaction(encoder.folder.path)
        self._encoder = encoder
        self._path = folder and folder / f"{encoder.folder.fingerprint}.safetensors"
        self._lock = threading.Lock()
        self._ready: tuple[str, TokenTable] | None = None

    def prepare(self, build: Build, *, progress: Progress | None = None) -> TokenTable:
        """The tokens of all skills of an index; what is not in the cache yet is embedded and kept.

        Cheap where the same index was prepared before. Of several processes one embeds, and the
        others wait for it. A cache that is damaged is made again, and one that cannot be written
        is done without; either is logged as a warning.

        Args:
            build: the index.
            progress: hears of labels that have to be embedded.

        Raises:
            ModelError: the encoder's weights are broken.
        """
        ready = self._ready
        if ready is None or ready[0] != build.info.name:
            with self._lock:
                ready = self._ready
                if ready is None or ready[0] != build.info.name:
                    ready = self._ready = (build.info.name, self._up_to_date(build, progress))
        return ready[1]

    def take(self, labels: Sequence[str], *, progress: Callable[[int], object] | None = None) -> TokenTable:
        """The tokens of labels that are in no index; they are not kept."""
        return embed_tokens(self._encoder, labels, progress=progress)

    def scores(
        self, title: NDArray[np.float32], labels: Sequence[str], table: TokenTable
    ) -> NDArray[np.float64]:
        """Score skills for a title.

        Args:
            title: shape (s, d), the title's tokens.
            labels: n labels; those that are not in the table are embedded now.
            table: tokens of labels.

        Returns:
            Shape (n,); the more the better, to be compared for one title alone.

        Raises:
            ModelError: a score is not finite.
        """
        scores = np.empty(len(labels), dtype=np.float64)
        missing = [row for row, label in enumerate(labels) if label not in table]
        if missing:
            extra = embed_tokens(self._encoder, [labels[row] for row in missing])
            scores[missing] = self._scores(title, [labels[row] for row in missing], extra)
        there = [row for row, label in enumerate(labels) if label in table]
        scores[there] = self._scores(title, [labels[row] for row in there], table)
        if not np.isfinite(scores).all():
            raise ModelError(
                f"late interaction with encoder {self._encoder.folder} gave scores that are not finite: "
                f"its weights or {self._path or 'its tokens'} are broken; remove that file, and try again"
            )
        return scores

    def _scores(
        self, title: NDArray[np.float32], labels: Sequence[str], table: TokenTable
    ) -> NDArray[np.float64]:
        """Shape (n,), of labels that are all in the table."""
        import torch

        if not labels:
            return np.empty(0, dtype=np.float64)
        query = torch.from_numpy(np.ascontiguousarray(title))[None]  # (1, s, d)
        targets, mask = table.padded(np.array([table.places[label] for label in labels], dtype=np.int64))
        with torch.inference_mode():
            found = late_interaction(
                query,
                targets,
                torch.ones(query.shape[:2], dtype=torch.bool),
                mask,
                interaction=self.settings.interaction,
                temperature=self.settings.temperature,
                length_normalised=self.settings.length_normalised,
            )
        scores: NDArray[np.float64] = found[0].double().numpy()  # (1, n) -> (n,)
        return scores

    def _up_to_date(self, build: Build, progress: Progress | None) -> TokenTable:
        """The tokens of all labels of an index, from the cache as far as they are there."""
        name = build.info.name
        kept = self._read()
        if kept is not None and kept[1] == name:
            return kept[0]
        with self._alone():
            kept = self._read(warn=True)
            if kept is not None and kept[1] == name:  # another process was quicker
                return kept[0]
            labels = sorted(build.values("skills", "label"))
            known = kept[0] if kept else None
            missing = len(labels) if known is None else sum(label not in known for label in labels)
            advance = progress(missing) if progress and missing else None
            table = embed_tokens(self._encoder, labels, known=known, progress=advance)
            return self._kept(table, name)

    def _read(self, *, warn: bool = False) -> tuple[TokenTable, str] | None:
        if self._path is None:
            return None
        try:
            return read_tokens(self._path, encoder=self._encoder.folder.fingerprint)
        except FileNotFoundError:
            return None
        except ValueError as error:
            if warn:
                _log.warning("%s cannot be read, and is made again: %s", self._path, error)
            return None

    def _kept(self, table: TokenTable, build: str) -> TokenTable:
        """Write a table, and read it back, which leaves its memory to the system; as it is without."""
        if self._path is None:
            return table
        fingerprint = self._encoder.folder.fingerprint
        try:
            write_tokens(self._path, table, encoder=fingerprint, build=build)
            return read_tokens(self._path, encoder=fingerprint)[0]
        except (OSError, ValueError) as error:
            _log.warning(
                "%s cannot be written, so the tokens are embedded again next time: %s", self._path, error
            )
            return table

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes from embedding the same; without effect where nothing can be written."""
        if self._path is None:
            yield
            return
        lock = FileLock(self._path.with_suffix(".lock"))
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except OSError:
            yield
            return
        try:
            yield
        finally:
            lock.release()
