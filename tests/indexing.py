"""Indexing of taxonomies that tests make in memory."""

from indexer.build import BuildReport, execute, published_build
from indexer.checks import MARGIN
from indexer.golden import Golden
from indexer.plan import make_plan
from skillsearch.models.protocols import Encoder
from skillsearch.progress import Progress, silent
from skillsearch.store.base import Store
from skillsearch.taxonomy.records import Taxonomy


def index_taxonomy(
    taxonomy: Taxonomy,
    encoder: Encoder,
    store: Store,
    *,
    golden: Golden | None = None,
    margin: float = MARGIN,
    full: bool = False,
    progress: Progress = silent,
) -> BuildReport:
    """Plan and execute, without an overlay and whatever the taxonomy removes."""
    with store.lock(f"reindex of {taxonomy}"):
        plan = make_plan(taxonomy, encoder.folder, published_build(store), full=full, progress=progress)
        return execute(plan, encoder, store, golden=golden, margin=margin, progress=progress)
