"""The cross-encoder: a job title and a skill to three logits, irrelevant, contextual and core."""

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from skillsearch.errors import ModelError
from skillsearch.models.device import Precision, select_device
from skillsearch.models.hub import ModelFolder, quiet, resolve_model
from skillsearch.rank.fuse import CLASSES

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

__all__ = ["MAX_LENGTH", "Reranker", "new_reranker"]

MAX_LENGTH: Final = 128
"""Tokens of a pair; longer pairs are cut."""


class Reranker:
    """Scores pairs of title and skill; safe to share between threads, which take turns."""

    def __init__(
        self,
        model: "CrossEncoder",
        folder: ModelFolder,
        *,
        batch_size: int = 64,
    ) -> None:
        self.folder = folder
        self._model = model
        self._batch_size = batch_size
        self._lock = threading.Lock()

    @classmethod
    def load(
        cls,
        name: str,
        *,
        label: str | None = None,
        device: str | None = None,
        precision: Precision = "float32",
        batch_size: int = 64,
    ) -> "Reranker":
        """Load a reranker from a folder or a hub id; see `resolve_model`.

        Raises:
            ModelError: it cannot be found or loaded, or does not have three classes.
        """
        import torch

        folder = resolve_model(name, label=label)
        model = _load(folder.path, device, num_labels=None).to(getattr(torch, precision))
        if model.num_labels != len(CLASSES):
            raise ModelError(
                f"reranker {name!r} has {model.num_labels} classes, expected 3 ({', '.join(CLASSES)}): "
                "train it with `skillsearch train`"
            )
        return cls(model, folder, batch_size=batch_size)

    def logits(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
        """Score pairs in batches of similar length.

        Args:
            pairs: n pairs of texts, as `texts.pair_text` gives them.

        Returns:
            Shape (n, 3), float32: the logits of irrelevant, contextual and core.

        Raises:
            ModelError: the model gave something that is not finite.
        """
        import torch

        if not pairs:
            return np.empty((0, len(CLASSES)), dtype=np.float32)
        with self._lock:
            scores = self._model.predict(
                list(pairs),
                batch_size=self._batch_size,
                activation_fn=torch.nn.Identity(),
                convert_to_numpy=True,
                show_progress_bar=False,
            )
        if not np.isfinite(scores).all():
            raise ModelError(
                f"reranker {self.folder} gave numbers that are not finite: its weights are broken"
            )
        return np.asarray(scores, dtype=np.float32)


def new_reranker(base: str, *, device: str | None = None, max_length: int = MAX_LENGTH) -> "CrossEncoder":
    """A reranker to train: the base with a new head of three classes.

    Raises:
        ModelError: the base cannot be found or loaded.
    """
    return _load(resolve_model(base).path, device, num_labels=len(CLASSES), max_length=max_length)


def _load(
    path: object, device: str | None, *, num_labels: int | None, max_length: int = MAX_LENGTH
) -> "CrossEncoder":
    from sentence_transformers import CrossEncoder

    device = select_device(device)
    names = dict(enumerate(CLASSES))
    config = (
        {"id2label": names, "label2id": {name: index for index, name in names.items()}} if num_labels else {}
    )
    try:
        with quiet():
            model: CrossEncoder = CrossEncoder(
                str(path),
                num_labels=num_labels,
                max_length=max_length,
                device=device,
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"use_safetensors": True, "ignore_mismatched_sizes": num_labels is not None},
                config_kwargs=config,
            )
    except Exception as error:  # transformers raises whatever its loaders meet
        raise ModelError(f"{path} cannot be loaded as a reranker: {error}") from error
    model.eval()
    return model
