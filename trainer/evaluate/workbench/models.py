"""Sentence-transformers models as scorers: by cosine of their vectors, or by late interaction."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from skillsearch.errors import ConfigurationError, ModelError
from skillsearch.models.device import select_device
from skillsearch.models.hub import ModelFolder, quiet
from skillsearch.rank.fuse import Interaction
from trainer.evaluate.workbench.scorers import CosineScorer, InteractionScorer, Scorer

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = ["load_sentence_transformer", "make_scorer"]

Floats = NDArray[np.float32]


def load_sentence_transformer(
    folder: ModelFolder, *, device: str | None = None, max_length: int | None = None
) -> "SentenceTransformer":
    """Load any sentence-transformers model, or a transformer, which is then mean-pooled.

    Args:
        folder: of the model; see `skillsearch.models.hub.resolve_model`.
        device: cpu, cuda or mps; by default the best there is.
        max_length: tokens beyond it are cut; by default the model's own.

    Raises:
        ModelError: it cannot be loaded.
    """
    from sentence_transformers import SentenceTransformer

    try:
        with quiet():
            model = SentenceTransformer(
                str(folder.path),
                device=select_device(device),
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"use_safetensors": True},
            )
    except Exception as error:  # transformers raises whatever its loaders meet
        raise ModelError(f"{folder.path} cannot be loaded as an encoder: {error}") from error
    if max_length is not None:
        model.max_seq_length = min(model.max_seq_length or max_length, max_length)
    return model.eval()


def make_scorer(
    model: "SentenceTransformer",
    name: str,
    *,
    interaction: Interaction = "cosine",
    temperature: float = 1.0,
    batch_size: int = 64,
) -> Scorer:
    """Read a model in one way.

    Args:
        model: also one that is being trained, in evaluation mode. A scorer remembers the targets it
            embedded: make a new one where the weights have changed.
        name: what tables call it; a late interaction is added to it.
        interaction: ``cosine`` is that of the model's own vectors, with its pooling and head; the
            others are those of `skillsearch.rank.fuse.late_interaction` on its token embeddings.
        temperature: of the soft interactions.
        batch_size: texts embedded at once.

    Raises:
        ConfigurationError: the temperature is not above 0.
    """
    if not temperature > 0:
        raise ConfigurationError(f"the temperature is {temperature:g}, expected a number above 0")

    def encode(texts: Sequence[str]) -> Floats:
        return model.encode(
            list(texts),
            batch_size=batch_size,
            normalize_embeddings=True,
            convert_to_numpy=True,
            show_progress_bar=False,
        ).astype(np.float32)

    def encode_tokens(texts: Sequence[str]) -> list[Floats]:
        found = model.encode(
            list(texts),
            batch_size=batch_size,
            output_value="token_embeddings",
            convert_to_numpy=False,
            show_progress_bar=False,
        )
        return [tokens.float().cpu().numpy() for tokens in found]

    if interaction == "cosine":
        return CosineScorer(name, encode)
    label = f"{name}, {interaction}" + ("" if interaction == "maxsim" else f" τ={temperature:g}")
    return InteractionScorer(
        label, encode_tokens, interaction=interaction, temperature=temperature, device=str(model.device)
    )
