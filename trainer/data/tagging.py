"""Which skills a sentence of a vacancy asks for, by an encoder."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from skillsearch.errors import ConfigurationError
from skillsearch.taxonomy.records import Skill

if TYPE_CHECKING:
    from skillsearch.models.encoder import Encoder

__all__ = ["CONFIDENCE", "SkillTagger", "load_text_encoder"]

CONFIDENCE: Final = 0.65
"""Cosine from which a sentence counts as asking for a skill."""

_CHUNK_ELEMENTS = 1 << 24  # cosines at a time: 64 MiB


class SkillTagger:
    """Finds skills in sentences: the cosine of the sentence and the skill's label.

    Only preferred labels are embedded, whatever else the encoder could use.
    """

    def __init__(
        self,
        encoder: "Encoder",
        skills: Mapping[str, Skill],
        *,
        confidence: float = CONFIDENCE,
        progress: Callable[[int], object] | None = None,
    ) -> None:
        """Embed the labels of the skills; `progress` is called with the number just embedded.

        Raises:
            ConfigurationError: the confidence is not above 0 and at most 1.
            ModelError: the model gave something that is not finite.
        """
        if not 0 < confidence <= 1:
            raise ConfigurationError(f"confidence {confidence:g}, expected above 0 and at most 1")
        self._encoder = encoder
        self._confidence = confidence
        self._uris = tuple(skills)
        self._vectors = encoder.encode([skill.label for skill in skills.values()], progress=progress)

    def tag(self, sentences: Sequence[str]) -> list[tuple[str, ...]]:
        """The URIs of the skills of each sentence, nearest first; many have none."""
        vectors = self._encoder.encode(sentences)  # (n, d)
        rows = max(1, _CHUNK_ELEMENTS // max(len(self._uris), 1))
        found: list[tuple[str, ...]] = []
        for start in range(0, len(sentences), rows):
            cosines = vectors[start : start + rows] @ self._vectors.T  # (rows, skills)
            found += [self._near(row) for row in cosines]
        return found

    def _near(self, cosines: NDArray[np.float32]) -> tuple[str, ...]:
        near = np.flatnonzero(cosines >= self._confidence)
        order = near[np.argsort(-cosines[near], kind="stable")]
        return tuple(self._uris[place] for place in order)


def load_text_encoder(models: str | None, *, device: str | None, batch_size: int = 64) -> "Encoder":
    """The encoder of a folder that `skillsearch train` wrote, or the untrained compact base.

    Raises:
        ModelError: it cannot be found or loaded.
    """
    from skillsearch.models.encoder import Encoder, new_encoder
    from skillsearch.models.folder import locate_models
    from skillsearch.models.hub import COMPACT_BASE, resolve_model

    if models is not None:
        return locate_models(models).load_encoder(device=device, batch_size=batch_size)
    model = new_encoder(COMPACT_BASE, device=device)
    return Encoder(model.eval(), resolve_model(COMPACT_BASE), batch_size=batch_size)
