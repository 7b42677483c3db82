"""New models to train: a base with pooling and head, or with three classes."""

from typing import TYPE_CHECKING, Final

from skillsearch.errors import ModelError
from skillsearch.models.device import select_device
from skillsearch.models.hub import ModelFolder, resolve_model
from skillsearch.models.torch import load_cross_encoder, quiet

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder, SentenceTransformer

__all__ = ["DIMENSION", "new_encoder", "new_reranker"]

DIMENSION: Final = 1024
"""Numbers in a vector of the encoders that are trained here."""


def new_encoder(base: str, *, device: str | None = None, max_length: int = 64) -> "SentenceTransformer":
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


def new_reranker(base: str, *, device: str | None = None, max_length: int = 128) -> "CrossEncoder":
    """A cross-encoder to train: the base with a new head of three classes.

    Raises:
        ModelError: the base cannot be found or loaded.
    """
    return load_cross_encoder(resolve_model(base), device=device, max_length=max_length, new_head=True)


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
