"""Preparation of an index for searches: what they learn of it once, and files in `HOME` keep."""

from skillsearch.models.protocols import Encoder
from skillsearch.rank.choose import Rankers
from skillsearch.settings import Settings
from skillsearch.store.base import SPACES, Store
from skillsearch.tasks.engine import PLAIN, Engine

__all__ = ["prepare"]


def prepare(store: Store, encoder: Encoder, settings: Settings) -> None:
    """Learn of the published index what the first searches would learn: demand, words of titles, confidence.

    Args:
        store: of the index, which stays open.
        encoder: of the index.
        settings: with the home of the files.

    Raises:
        StoreError: the store failed.
        ModelError: the encoder gave something that is not finite.
    """
    with Engine(store, encoder, Rankers(PLAIN, PLAIN, {}), settings).run() as run:
        run.demand()
        run.cleaned("title")
        for space in SPACES:
            run.confidence(space)
