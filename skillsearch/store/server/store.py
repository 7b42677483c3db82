"""All builds on a server.

The collections of a build are ``skills__<build>`` and ``occupations__<build>``; the aliases
``skills`` and ``occupations`` name the published ones and move together in one atomic request.
A search asks once where the aliases point and stays with that build to its end.
"""

from contextlib import AbstractContextManager
from functools import partial

from qdrant_client import QdrantClient, models

from skillsearch.errors import IndexNotFoundError, StoreError
from skillsearch.store.base import SPACES, Build
from skillsearch.store.info import BuildInfo
from skillsearch.store.server.build import ServerBuild
from skillsearch.store.server.calls import Connection, translated
from skillsearch.store.server.draft import ServerDraft
from skillsearch.store.server.layout import CollectionOptions, collection, require_size
from skillsearch.store.server.lease import lease

__all__ = ["ServerStore"]

_SKILLS = collection("skills", "")


class ServerStore:
    """The builds on one server, or on ``QdrantClient(":memory:")``; safe to share between threads."""

    def __init__(
        self, client: QdrantClient | Connection, options: CollectionOptions | None = None, attempts: int = 1
    ) -> None:
        self.connection = client if isinstance(client, Connection) else Connection(client, attempts)
        self._options = options or CollectionOptions()
        self._cached: ServerBuild | None = None

    @classmethod
    def connect(
        cls,
        url: str,
        api_key: str | None = None,
        timeout: int = 30,
        *,
        attempts: int = 5,
        options: CollectionOptions | None = None,
    ) -> "ServerStore":
        """A store on a server; nothing is sent yet.

        Args:
            url: of its REST interface, with the port.
            api_key: if it wants one.
            timeout: seconds for one request.
            attempts: how often a call is tried in all, while the server is away or busy.
            options: how new collections are laid out.
        """
        connect = partial(QdrantClient, url, api_key=api_key, timeout=timeout, check_compatibility=False)
        return cls(Connection(connect(), attempts, address=url, connect=connect), options)

    def draft(self, info: BuildInfo, base: Build | None = None) -> ServerDraft:
        """Create both collections and their payload indexes, or find those that are there."""
        known = self._known(info.name)
        if known is not None and known.state != "unfinished":
            raise StoreError(f"there is a build {info.name} on {self.connection} already")
        if base is not None and not isinstance(base, ServerBuild):
            raise StoreError(f"build {base.info.name} is not on {self.connection}, and cannot be copied from")
        return ServerDraft(self.connection, known or info, base, self._options)

    def open(self, name: str) -> ServerBuild:
        """A sealed build."""
        info = self._known(name)
        if info is None or info.state == "unfinished":
            raise StoreError(f"{name} is not a complete build on {self.connection}")
        return ServerBuild(self.connection, info)

    @translated
    def record(self, info: BuildInfo) -> None:
        """Replace the metadata of the skills' collection."""
        self.connection.client.update_collection(collection("skills", info.name), metadata=info.to_dict())

    @translated
    def publish(self, name: str) -> None:
        """Move both aliases in one request, which the server applies atomically."""
        self.connection.client.update_collection_aliases(
            [
                models.CreateAliasOperation(
                    create_alias=models.CreateAlias(collection_name=collection(space, name), alias_name=space)
                )
                for space in SPACES
            ]
        )

    @translated
    def published(self) -> ServerBuild:
        """The build that the alias ``skills`` names; one small request, the description is cached."""
        name = self._published_name()
        if name is None:
            raise IndexNotFoundError(
                f"no index is published on {self.connection}: build one with `skillsearch reindex`"
            )
        cached = self._cached
        if cached is None or cached.info.name != name:
            cached = self._cached = ServerBuild(self.connection, self._info(collection("skills", name)))
        return cached

    def current(self) -> BuildInfo:
        """The description of the build that the alias ``skills`` names."""
        return self.published().info

    @translated
    def builds(self) -> list[BuildInfo]:
        """All builds, oldest first; collections that cannot be read are left out."""
        names = [
            found.name
            for found in self.connection.client.get_collections().collections
            if found.name.startswith(_SKILLS)
        ]
        infos = []
        for name in names:
            try:
                infos.append(self._info(name))
            except StoreError:
                continue
        return sorted(infos, key=lambda info: info.created)

    def size(self, name: str) -> None:
        """The server does not tell the bytes of a collection."""

    def remove(self, name: str) -> None:
        """Mark a build as unfinished, then delete its collections; that of the skills last."""
        info = self._known(name)
        if info is None:
            raise StoreError(f"there is no build {name} on {self.connection}")
        if self._published() == name:
            raise StoreError(f"build {name} is published and stays; publish another one first")
        self._remove(name)

    def sweep(self) -> None:
        """Do nothing: every collection belongs to a build."""

    def lock(self, purpose: str) -> AbstractContextManager[None]:
        """Hold a lock on the server itself."""
        return lease(self.connection, purpose)

    def close(self) -> None:
        """Close the connection."""
        self.connection.client.close()

    @translated
    def _remove(self, name: str) -> None:
        client = self.connection.client
        if client.collection_exists(collection("skills", name)):
            client.update_collection(collection("skills", name), metadata={"state": "unfinished"})
        for space in reversed(SPACES):
            client.delete_collection(collection(space, name))

    @translated
    def _known(self, name: str) -> BuildInfo | None:
        if not self.connection.client.collection_exists(collection("skills", name)):
            return None
        return self._info(collection("skills", name))

    @translated
    def _published(self) -> str | None:
        return self._published_name()

    def _published_name(self) -> str | None:
        for alias in self.connection.client.get_aliases().aliases:
            if alias.alias_name == "skills":
                return alias.collection_name.removeprefix(_SKILLS)
        return None

    def _info(self, name: str) -> BuildInfo:
        found = self.connection.client.get_collection(name)
        info = BuildInfo.from_dict(found.config.metadata or {}, f"collection {name}")
        require_size(found, name, info.dimension)
        return info
