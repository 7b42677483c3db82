"""The distilled cross-encoder: scores pairs by the tokens of both sides, which the encoder gave before."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from pydantic import BaseModel, ConfigDict

from skillsearch.arrays import BoolArray, Float16Array, Float32Array
from skillsearch.errors import ModelError, ModelMismatchError
from skillsearch.models.device import cpu_threads
from skillsearch.models.exported import REMEDY, exported_graph
from skillsearch.models.hub import ModelFolder, resolve_model
from skillsearch.models.lanes import lanes
from skillsearch.models.onnx import Session
from skillsearch.values import read_values

if TYPE_CHECKING:
    from skillsearch.models.protocols import Encoder

__all__ = ["CONFIG", "INPUTS", "StudentConfig", "TokenScorer", "Tokens", "load_token_scorer"]

_LEAST: Final = 32
"""Pairs below which the work is not shared."""

Tokens = tuple[Float16Array | Float32Array, BoolArray]
"""Tokens of n texts in one block, shape (n, t, h), and their mask, shape (n, t)."""

CONFIG: Final = "config.json"
INPUTS: Final = ("titles", "titles_mask", "skills", "skills_mask")
"""Inputs of the graph: tokens of titles, shape (n, s, h), and their mask, (n, s); then of skills."""


class StudentConfig(BaseModel):
    """What a distilled cross-encoder is made of, in its `CONFIG`.

    Attributes:
        encoder: fingerprint of the encoder whose tokens it reads.
        hidden: numbers of such a token.
        width: numbers of a token within.
        layers: in which the tokens of both sides see each other.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    encoder: str
    hidden: int
    width: int
    layers: int


@dataclass(frozen=True, eq=False)
class TokenScorer:
    """A distilled cross-encoder, which threads share.

    Attributes:
        folder: of the model.
        session: of its graph.
        threads: that score pairs side by side.
    """

    folder: ModelFolder
    session: Session
    threads: int

    @property
    def temperature(self) -> float:
        """What divides its logits before they become probabilities."""
        return self.folder.manifest.temperature

    def logits(self, titles: Tokens, skills: Tokens) -> Float32Array:
        """Classify the pairs of n titles and n skills; one title may stand for all, and so may one skill.

        Args:
            titles: their tokens, shape (n, s, h) or (1, s, h), and the mask of these, (n, s) or (1, s), true
                for tokens and false for padding.
            skills: the same of the skills.

        Returns:
            Shape (n, 3): the logits of irrelevant, contextual and core.

        Raises:
            ModelError: a logit is not finite.
        """
        count, crew = max(len(titles[0]), len(skills[0])), lanes(self.threads)
        size = max(-(-count // crew.count), _LEAST)

        def score(start: int) -> Float32Array:
            some = slice(start, start + size)
            parts = (part if len(part) == 1 else part[some] for part in (*titles, *skills))
            feeds = {
                name: part if part.dtype == np.bool_ else part.astype(np.float32)
                for name, part in zip(INPUTS, parts, strict=True)
            }
            found: Float32Array = self.session.opened.run(None, feeds)[0]
            return found

        logits = np.concatenate(list(crew.map(score, range(0, count, size))))
        if not np.isfinite(logits).all():
            raise ModelError(f"{self.folder.path} gave numbers that are not finite: its weights are broken")
        return logits


def load_token_scorer(
    name: str, encoder: "Encoder", *, label: str | None = None, threads: int | None = None
) -> TokenScorer:
    """Load the distilled cross-encoder of an encoder.

    Args:
        name: its folder.
        encoder: whose tokens it will read.
        label: what to call it.
        threads: see `skillsearch.models.device.cpu_threads`.

    Raises:
        ModelError: it cannot be found, or a file of it is damaged.
        ModelMismatchError: it was made for the tokens of another encoder.
    """
    folder = resolve_model(name, label=label)
    try:
        config = read_values(folder.path / CONFIG, StudentConfig, ModelError, remedy=REMEDY)
    except FileNotFoundError as error:
        raise ModelError(f"{folder.path} has no {CONFIG}: it is no distilled reranker; {REMEDY}") from error
    if config.encoder != encoder.folder.fingerprint:
        raise ModelMismatchError(
            f"{folder.path} reads the tokens of encoder {config.encoder}, found {encoder.folder}: train the "
            "models together, or rerank with the cross-encoder"
        )
    return TokenScorer(folder, Session(exported_graph(folder, "float32")), cpu_threads(threads))
