"""The sample taxonomy in a home that has no index yet, so that a service can be tried at once."""

from contextlib import closing

from indexer.builds import published_info
from indexer.read.esco import SAMPLE
from indexer.reindex import ReindexRequest, reindex
from skillsearch.errors import ConfigurationError
from skillsearch.progress import Progress, silent
from skillsearch.settings import Settings
from skillsearch.store import open_store

__all__ = ["ensure_sample"]


def ensure_sample(settings: Settings, progress: Progress = silent) -> None:
    """Index the sample taxonomy where nothing is published; where it is published, all is well.

    Raises:
        ConfigurationError: something else is published.
        SkillSearchError: what a reindex raises.
    """
    with closing(open_store(settings)) as store:
        info = published_info(store)
        if info is None:
            request = ReindexRequest(
                models=settings.model_location,
                device=settings.device,
                runtime=settings.runtime,
                threads=settings.threads,
                batch_size=settings.batch_size,
                sample=True,
            )
            reindex(request, store, progress)
        elif [part.taxonomy for part in info.parts] != [SAMPLE]:
            raise ConfigurationError(
                f"{info.taxonomies} is published there, not the sample: leave --sample out, or name another "
                "folder with --set home=FOLDER"
            )
