"""Provenance of a result: the index and the models that answered, and whether they belong together."""

from skillsearch.errors import ModelMismatchError
from skillsearch.models.hub import ModelFolder
from skillsearch.rank.ranker import Ranker
from skillsearch.results import TaxonomyVersion, Versions
from skillsearch.store.info import BuildInfo
from skillsearch.taxonomy.texts import VIEW_VERSION

__all__ = ["languages_of", "require_match", "versions_of"]


def versions_of(info: BuildInfo, encoder: ModelFolder, ranker: Ranker) -> Versions:
    """Names of the index and the models that answer a search."""
    return Versions(
        info.name,
        tuple(TaxonomyVersion(part.taxonomy, part.version, part.language) for part in info.parts),
        str(encoder),
        None if ranker.model is None else str(ranker.model),
        ranker.blend,
        languages_of(info, encoder),
    )


def languages_of(info: BuildInfo, encoder: ModelFolder) -> tuple[str, ...]:
    """The languages that a title may be in: of the index, then the others that the encoder was trained on."""
    return tuple(dict.fromkeys((*(part.language for part in info.parts), *encoder.manifest.languages)))


def require_match(info: BuildInfo, encoder: ModelFolder) -> None:
    """Check that an index was built with this encoder, from the texts that this program makes.

    Raises:
        ModelMismatchError: it was built with others.
    """
    if info.encoder_fingerprint != encoder.fingerprint:
        raise ModelMismatchError(
            f"the index {info.name} was built with encoder {info.encoder} ({info.encoder_fingerprint}), "
            f"loaded is {encoder.name} ({encoder.fingerprint}): set SKILLSEARCH_MODELS to its "
            "models, or build the index again with `skillsearch reindex`"
        )
    if info.view_version != VIEW_VERSION:
        raise ModelMismatchError(
            f"the index {info.name} was built with text views {info.view_version}, this program makes "
            f"{VIEW_VERSION}: build it again with `skillsearch reindex`"
        )
