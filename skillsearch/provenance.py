"""What answers a search: an index and models, and whether they belong together."""

from skillsearch.errors import ModelMismatchError
from skillsearch.models.encoder import Encoder
from skillsearch.models.hub import ModelFolder
from skillsearch.rank.blender import Blender
from skillsearch.results import TaxonomyVersion, Versions
from skillsearch.store.base import Build
from skillsearch.store.info import BuildInfo
from skillsearch.taxonomy.texts import VIEW_VERSION

__all__ = ["make_versions", "require_match"]


def make_versions(
    info: BuildInfo, encoder: ModelFolder, reranker: ModelFolder | None, blender: Blender | None
) -> Versions:
    """What answered; `reranker` is None where nothing was reranked."""
    return Versions(
        info.name,
        tuple(TaxonomyVersion(part.taxonomy, part.version, part.language) for part in info.parts),
        str(encoder),
        None if reranker is None else str(reranker),
        None if blender is None else blender.name,
    )


def require_match(build: Build, encoder: Encoder) -> None:
    """Check that an index was built with this encoder, from these texts.

    Raises:
        ModelMismatchError: it was built with others.
    """
    info = build.info
    if info.encoder_fingerprint != encoder.folder.fingerprint:
        raise ModelMismatchError(
            f"the index {info.name} was built with encoder {info.encoder} ({info.encoder_fingerprint}), "
            f"loaded is {encoder.folder.name} ({encoder.folder.fingerprint}): set SKILLSEARCH_MODELS to its "
            "models, or build the index again with `skillsearch reindex`"
        )
    if info.view_version != VIEW_VERSION:
        raise ModelMismatchError(
            f"the index {info.name} was built with text views {info.view_version}, this program makes "
            f"{VIEW_VERSION}: build it again with `skillsearch reindex`"
        )
