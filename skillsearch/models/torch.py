"""The torch runtime: models of sentence-transformers behind the protocols; torch is imported on first use."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np

from skillsearch.arrays import Float32Array
from skillsearch.errors import ModelError
from skillsearch.forks import Lock
from skillsearch.models.classes import CLASSES
from skillsearch.models.device import select_device
from skillsearch.models.hub import ModelFolder, resolve_model
from skillsearch.progress import Advance, advance_only
from skillsearch.settings import Precision

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder, SentenceTransformer

__all__ = [
    "TorchEncoder",
    "TorchPairScorer",
    "load_cross_encoder",
    "load_encoder",
    "load_pair_scorer",
    "load_sentence_transformer",
    "quiet",
]

TEXT_LENGTH: Final = 64
"""Tokens of a text where the model's manifest does not tell."""

PAIR_LENGTH: Final = 128
"""Tokens of a pair where the model's manifest does not tell."""

_CHUNK = 1024  # texts between two reports of progress
_TINY = 1e-9

_Output = TypeVar("_Output")


class TorchEncoder:
    """An encoder of sentence-transformers; threads take turns."""

    def __init__(self, model: "SentenceTransformer", folder: ModelFolder, *, batch_size: int = 64) -> None:
        self.folder = folder
        self._model = model
        self._batch_size = batch_size
        self._lock = Lock()  # for the tokenizer, which threads cannot share

    def encode(self, texts: Sequence[str], *, advance: Advance | None = None) -> Float32Array:
        """See `Encoder.encode`; batches are of texts of similar length."""
        size = int(self._model.get_embedding_dimension() or 0)
        rows: list[Float32Array] = self._by_length(texts, self._vectors, advance)
        return np.stack(rows) if rows else np.empty((0, size), dtype=np.float32)

    def encode_tokens(self, texts: Sequence[str], *, advance: Advance | None = None) -> list[Float32Array]:
        """See `Encoder.encode_tokens`."""
        return [tokens for _, tokens in self._by_length(texts, self._outputs, advance)]

    def encode_with_tokens(self, text: str) -> tuple[Float32Array, Float32Array]:
        """See `Encoder.encode_with_tokens`."""
        ((vector, tokens),) = self._outputs([text])
        return vector, tokens

    def _by_length(
        self,
        texts: Sequence[str],
        forward: Callable[[list[str]], Sequence[_Output]],
        advance: Advance | None,
    ) -> list[_Output]:
        """Run forward passes over texts of similar length; outputs are in the order of the texts."""
        report = advance or advance_only(None)
        outputs: dict[int, _Output] = {}
        by_length = sorted(range(len(texts)), key=lambda index: -len(texts[index]))
        for start in range(0, len(texts), _CHUNK):
            rows = by_length[start : start + _CHUNK]
            outputs.update(zip(rows, forward([texts[row] for row in rows]), strict=True))
            report(len(rows))
        return [outputs[row] for row in range(len(texts))]

    def _vectors(self, texts: list[str]) -> list[Float32Array]:
        """The vector of each text, shape (d,)."""
        with self._lock:
            vectors = self._model.encode(
                texts,
                batch_size=self._batch_size,
                normalize_embeddings=True,
                convert_to_numpy=True,
                show_progress_bar=False,
            ).astype(np.float32)
        self._require_finite(vectors)
        return list(vectors)

    def _outputs(self, texts: list[str]) -> list[tuple[Float32Array, Float32Array]]:
        """The vector of each text, shape (d,), and its tokens, shape (t, h)."""
        with self._lock:
            outputs: Any = self._model.encode(
                texts, batch_size=self._batch_size, output_value=None, show_progress_bar=False
            )
        found = []
        for output in outputs:
            vector = output["sentence_embedding"].float().cpu().numpy()
            tokens = output["token_embeddings"][output["attention_mask"].bool()].float().cpu().numpy()
            self._require_finite(vector, tokens)
            found.append((vector / max(np.linalg.norm(vector), _TINY), tokens))
        return found

    def _require_finite(self, *arrays: Float32Array) -> None:
        if not all(np.isfinite(array).all() for array in arrays):
            raise ModelError(
                f"encoder {self.folder} gave numbers that are not finite, its weights are broken"
            )


class TorchPairScorer:
    """A three-class cross-encoder of sentence-transformers; threads take turns."""

    def __init__(self, model: "CrossEncoder", folder: ModelFolder, *, batch_size: int = 64) -> None:
        self.folder = folder
        self._model = model
        self._batch_size = batch_size
        self._lock = Lock()

    def logits(self, pairs: Sequence[tuple[str, str]]) -> Float32Array:
        """See `PairScorer.logits`."""
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


def load_encoder(
    name: str, *, label: str | None = None, device: str | None = None, batch_size: int = 64
) -> TorchEncoder:
    """Load an encoder from a folder or a hub id; see `resolve_model`.

    Raises:
        ModelError: it cannot be found or loaded.
        ConfigurationError: the device cannot be used.
    """
    folder = resolve_model(name, label=label)
    model = load_sentence_transformer(
        folder, device=device, max_length=folder.manifest.max_length or TEXT_LENGTH
    )
    return TorchEncoder(model, folder, batch_size=batch_size)


def load_pair_scorer(
    name: str,
    *,
    label: str | None = None,
    device: str | None = None,
    precision: Precision = "float32",
    batch_size: int = 64,
) -> TorchPairScorer:
    """Load a cross-encoder from a folder or a hub id; see `resolve_model`.

    Raises:
        ModelError: it cannot be found or loaded, or does not have three classes.
        ConfigurationError: the device cannot be used.
    """
    import torch

    folder = resolve_model(name, label=label)
    model = load_cross_encoder(
        folder, device=device, max_length=folder.manifest.max_length or PAIR_LENGTH
    ).to(getattr(torch, precision))
    if model.num_labels != len(CLASSES):
        raise ModelError(
            f"reranker {name!r} has {model.num_labels} classes, expected 3 ({', '.join(CLASSES)}): "
            "train it with `skillsearch train`"
        )
    return TorchPairScorer(model, folder, batch_size=batch_size)


def load_sentence_transformer(
    folder: ModelFolder, *, device: str | None = None, max_length: int | None = None
) -> "SentenceTransformer":
    """Load any model of sentence-transformers, or a transformer, which is then mean-pooled.

    Args:
        folder: of the model.
        device: cpu, cuda or mps; by default the best there is.
        max_length: tokens beyond it are cut; by default the model's own limit.

    Raises:
        ModelError: it cannot be loaded.
        ConfigurationError: the device cannot be used.
    """
    from sentence_transformers import SentenceTransformer

    device = select_device(device)
    try:
        with quiet():
            model = SentenceTransformer(
                str(folder.path),
                device=device,
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"use_safetensors": True},
            )
    except Exception as error:  # transformers raises whatever its loaders meet
        raise ModelError(f"{folder.path} cannot be loaded as an encoder: {error}") from error
    if max_length is not None:
        model.max_seq_length = min(model.max_seq_length or max_length, max_length)
    return model.eval()


def load_cross_encoder(
    folder: ModelFolder,
    *,
    device: str | None = None,
    max_length: int = PAIR_LENGTH,
    new_head: bool = False,
) -> "CrossEncoder":
    """Load a cross-encoder of sentence-transformers.

    Args:
        folder: of the model.
        device: cpu, cuda or mps; by default the best there is.
        max_length: tokens of a pair; longer pairs are cut.
        new_head: give it a new head of three classes, to train.

    Raises:
        ModelError: it cannot be loaded.
        ConfigurationError: the device cannot be used.
    """
    from sentence_transformers import CrossEncoder

    device = select_device(device)
    names = dict(enumerate(CLASSES))
    config = {"id2label": names, "label2id": {name: index for index, name in names.items()}}
    try:
        with quiet():
            model: CrossEncoder = CrossEncoder(
                str(folder.path),
                num_labels=len(CLASSES) if new_head else None,
                max_length=max_length,
                device=device,
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"use_safetensors": True, "ignore_mismatched_sizes": new_head},
                config_kwargs=config if new_head else {},
            )
    except Exception as error:  # transformers raises whatever its loaders meet
        raise ModelError(f"{folder.path} cannot be loaded as a reranker: {error}") from error
    model.eval()
    return model


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the libraries' progress bars and load reports away from the caller's terminal."""
    from transformers.utils import logging as hf_logging

    loggers = [logging.getLogger(name) for name in ("transformers", "sentence_transformers")]
    levels, bars = [logger.level for logger in loggers], hf_logging.is_progress_bar_enabled()
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    hf_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        if bars:
            hf_logging.enable_progress_bar()  # type: ignore[no-untyped-call]
