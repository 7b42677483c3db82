"""Vector stores: one protocol, an embedded engine and a server behind it."""

from skillsearch.settings import Settings
from skillsearch.store.base import Store

__all__ = ["open_store"]


def open_store(settings: Settings) -> Store:
    """The store that the settings name: a server where a URL is set, else the embedded engine."""
    if settings.qdrant_url is not None:
        from skillsearch.store.server import CollectionOptions, ServerStore

        return ServerStore.connect(
            settings.qdrant_url.split(","),
            settings.qdrant_api_key.get_secret_value() if settings.qdrant_api_key else None,
            settings.qdrant_timeout,
            grpc_port=settings.qdrant_grpc_port,
            attempts=settings.qdrant_attempts,
            patience=settings.qdrant_patience,
            prefix=settings.qdrant_prefix,
            options=CollectionOptions(
                shards=settings.qdrant_shards,
                replicas=settings.qdrant_replicas,
                write_consistency=settings.qdrant_write_consistency,
                quantization=settings.qdrant_quantization,
                hnsw_m=settings.qdrant_hnsw_m,
                hnsw_ef_construct=settings.qdrant_hnsw_ef_construct,
                on_disk=settings.qdrant_on_disk,
            ),
        )
    from skillsearch.store.embedded import EmbeddedStore

    return EmbeddedStore(settings.home.expanduser() / "index")
