"""The bi-encoder: texts to unit vectors of 1024 numbers."""

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from skillsearch.errors import ModelError
from skillsearch.models.device import select_device
from skillsearch.models.hub import ModelFolder, quiet, resolve_model

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = [
    "DIMENSION",
    "MAX_LENGTH",
    "Encoder",
    "EncoderIdentity",
    "new_encoder",
    "write_alias_weight",
]

DIMENSION: Final = 1024
MAX_LENGTH: Final = 64
"""Tokens; longer texts are cut."""

_CHUNK = 1024  # texts between two reports of progress, and skills whose aliases are embedded at once
_TINY = 1e-9
_NO_TOKENS: NDArray[np.float32] = np.empty((0, 0), dtype=np.float32)
_VIEWS = "skill_views.json"  # in the encoder's folder, and so part of its fingerprint


@dataclass(frozen=True, slots=True)
class EncoderIdentity:
    """What has to be known of an encoder to tell what it would embed; its weights are not loaded."""

    folder: ModelFolder
    alias_weight: float

    @classmethod
    def find(cls, name: str, *, label: str | None = None) -> "EncoderIdentity":
        """Find an encoder by folder or hub id; see `resolve_model`.

        Raises:
            ModelError: it cannot be found.
        """
        folder = resolve_model(name, label=label)
        return cls(folder, _read_alias_weight(folder.path))


class Encoder:
    """Embeds job titles and skills; safe to share between threads, which take turns.

    `alias_weight` is how much the mean of a skill's aliases counts beside its label.
    """

    def __init__(
        self,
        model: "SentenceTransformer",
        folder: ModelFolder,
        *,
        batch_size: int = 64,
        alias_weight: float = 0.0,
    ) -> None:
        self.identity = EncoderIdentity(folder, alias_weight)
        self.folder = folder
        self.alias_weight = alias_weight
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
        batch_size: int = 64,
    ) -> "Encoder":
        """Load an encoder from a folder or a hub id; see `resolve_model`.

        Raises:
            ModelError: it cannot be found or loaded, or does not give 1024 numbers.
        """
        folder = resolve_model(name, label=label)
        model = _load(folder, select_device(device))
        size = model.get_embedding_dimension()
        if size != DIMENSION:
            raise ModelError(
                f"encoder {name!r} gives {size} numbers a text, the index takes {DIMENSION}: "
                "train it with `skillsearch train`, which adds the head"
            )
        return cls(model, folder, batch_size=batch_size, alias_weight=_read_alias_weight(folder.path))

    def encode(
        self, texts: Sequence[str], *, progress: Callable[[int], object] | None = None
    ) -> NDArray[np.float32]:
        """Embed texts in batches of similar length.

        Args:
            texts: n texts; what is beyond 64 tokens is cut.
            progress: called with the number of texts just embedded.

        Returns:
            Shape (n, 1024), float32, each row of unit length.

        Raises:
            ModelError: the model gave something that is not finite.
        """
        vectors = np.empty((len(texts), DIMENSION), dtype=np.float32)
        by_length = sorted(range(len(texts)), key=lambda index: -len(texts[index]))
        for start in range(0, len(texts), _CHUNK):
            rows = by_length[start : start + _CHUNK]
            vectors[rows] = self._forward([texts[row] for row in rows])
            if progress:
                progress(len(rows))
        if not np.isfinite(vectors).all():
            raise ModelError(
                f"encoder {self.folder} gave numbers that are not finite, its weights are broken"
            )
        return vectors

    def encode_named(
        self, names: Sequence[Sequence[str]], *, progress: Callable[[int], object] | None = None
    ) -> NDArray[np.float32]:
        """Embed concepts that have a label and perhaps aliases.

        A concept's vector is ``unit(label + alias_weight * unit(mean of the aliases))``.

        Args:
            names: for each of n concepts its label, then its aliases.
            progress: called with the number of concepts just embedded.

        Returns:
            Shape (n, 1024), float32, each row of unit length.

        Raises:
            ModelError: the model gave something that is not finite.
        """
        if not self.alias_weight:
            return self.encode([first for first, *_ in names], progress=progress)
        vectors = np.empty((len(names), DIMENSION), dtype=np.float32)
        for start in range(0, len(names), _CHUNK):
            some = names[start : start + _CHUNK]
            places = {text: place for place, text in enumerate(dict.fromkeys(chain.from_iterable(some)))}
            texts = self.encode(list(places))
            for row, (label, *aliases) in enumerate(some, start=start):
                vector = texts[places[label]]
                if aliases:
                    mean = texts[[places[alias] for alias in aliases]].mean(axis=0)
                    vector = vector + self.alias_weight * mean / max(np.linalg.norm(mean), _TINY)
                vectors[row] = vector / max(np.linalg.norm(vector), _TINY)
            if progress:
                progress(len(some))
        return vectors

    def encode_tokens(
        self, texts: Sequence[str], *, progress: Callable[[int], object] | None = None
    ) -> list[NDArray[np.float32]]:
        """Embed the tokens of texts: the transformer's output before pooling and head.

        Args:
            texts: n texts; what is beyond 64 tokens is cut.
            progress: called with the number of texts just embedded.

        Returns:
            For each text its t tokens, the special ones that begin and end it among them, without
            padding: shape (t, d), float32, of any length.

        Raises:
            ModelError: the model gave something that is not finite.
        """
        tokens: list[NDArray[np.float32]] = [_NO_TOKENS] * len(texts)
        by_length = sorted(range(len(texts)), key=lambda index: -len(texts[index]))
        for start in range(0, len(texts), _CHUNK):
            rows = by_length[start : start + _CHUNK]
            for row, (_, found) in zip(rows, self._forward_whole([texts[row] for row in rows]), strict=True):
                tokens[row] = found
            if progress:
                progress(len(rows))
        return tokens

    def encode_with_tokens(self, text: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Embed a text once, for its vector and for its tokens.

        Returns:
            What `encode` gives, shape (1024,), and what `encode_tokens` gives, shape (t, d).

        Raises:
            ModelError: the model gave something that is not finite.
        """
        ((vector, tokens),) = self._forward_whole([text])
        return vector, tokens

    def _forward_whole(self, texts: list[str]) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """For each text its vector, shape (1024,), and its tokens, shape (t, d)."""
        with self._lock:
            outputs: Any = self._model.encode(
                texts, batch_size=self._batch_size, output_value=None, show_progress_bar=False
            )
        found = []
        for output in outputs:
            vector = output["sentence_embedding"].float().cpu().numpy()
            tokens = output["token_embeddings"][output["attention_mask"].bool()].float().cpu().numpy()
            if not (np.isfinite(vector).all() and np.isfinite(tokens).all()):
                raise ModelError(
                    f"encoder {self.folder} gave numbers that are not finite, its weights are broken"
                )
            found.append((vector / max(np.linalg.norm(vector), _TINY), tokens))
        return found

    def _forward(self, texts: list[str]) -> NDArray[np.float32]:
        """Shape (n, 1024). The lock guards the tokenizer, which threads cannot share."""
        with self._lock:
            return self._model.encode(
                texts,
                batch_size=self._batch_size,
                normalize_embeddings=True,
                convert_to_numpy=True,
                show_progress_bar=False,
            ).astype(np.float32)


def new_encoder(
    base: str, *, device: str | None = None, max_length: int = MAX_LENGTH
) -> "SentenceTransformer":
    """An encoder to train: the base, mean pooling, a linear head to 1024 where needed, unit length.

    The head has no activation, and starts as an isometry, so that before training the cosines are
    those of the base.

    Raises:
        ModelError: the base cannot be found, or is not an encoder.
    """
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Dense, Normalize, Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling

    folder = resolve_model(base)
    _require_encoder(folder)
    try:
        with quiet():
            transformer = Transformer(
                str(folder.path),
                max_seq_length=max_length,
                model_kwargs={"use_safetensors": True, "local_files_only": True},
            )
            size = transformer.get_embedding_dimension()
    except Exception as error:  # transformers raises whatever its loaders meet
        raise ModelError(f"{base!r} cannot be loaded as an encoder: {error}") from error
    modules: list[torch.nn.Module] = [transformer, Pooling(size, pooling_mode="mean")]
    if size != DIMENSION:
        head = torch.nn.init.orthogonal_(torch.empty(DIMENSION, size))  # (1024, size), columns orthonormal
        modules.append(
            Dense(
                size, DIMENSION, activation_function=None, init_weight=head, init_bias=torch.zeros(DIMENSION)
            )
        )
    modules.append(Normalize())
    return SentenceTransformer(modules=modules, device=select_device(device))


def _require_encoder(folder: ModelFolder) -> None:
    """Refuse decoders: a language model whose tokens do not see what follows them."""
    from transformers import AutoConfig
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    )

    try:
        kind = AutoConfig.from_pretrained(folder.path, local_files_only=True).model_type
    except Exception as error:  # transformers raises whatever its loaders meet
        raise ModelError(f"{folder.name!r} cannot be loaded as an encoder: {error}") from error
    if kind in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES and kind not in MODEL_FOR_MASKED_LM_MAPPING_NAMES:
        raise ModelError(
            f"{folder.name!r} is a decoder ({kind}), expected an encoder such as BERT or XLM-RoBERTa"
        )


def write_alias_weight(folder: Path, weight: float) -> None:
    """Say in an encoder's folder how much aliases count in the vector of a skill."""
    if weight:
        (folder / _VIEWS).write_text(json.dumps({"alias_weight": weight}) + "\n", encoding="utf-8")


def _read_alias_weight(folder: Path) -> float:
    path = folder / _VIEWS
    try:
        weight = float(json.loads(path.read_text(encoding="utf-8"))["alias_weight"])
    except FileNotFoundError:
        return 0.0
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path} cannot be read, expected an alias_weight: {error}") from error
    if not 0 <= weight < float("inf"):
        raise ModelError(f"{path}: alias_weight is {weight}, expected 0 or more")
    return weight


def _load(folder: ModelFolder, device: str) -> "SentenceTransformer":
    from sentence_transformers import SentenceTransformer

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
    model.max_seq_length = min(model.max_seq_length or MAX_LENGTH, MAX_LENGTH)
    return model.eval()
