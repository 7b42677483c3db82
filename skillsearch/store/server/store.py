"""All builds of an index on a server.

The aliases that name the published collections move together in one atomic request. A search asks once
where they point and stays with that build to its end.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import version
from typing import Final

from packaging.version import Version
from qdrant_client import QdrantClient, models

from skillsearch.errors import IndexNotFoundError, StoreError
from skillsearch.store.base import SPACES, Build, Space
from skillsearch.store.info import BuildInfo
from skillsearch.store.server.address import Address
from skillsearch.store.server.build import ServerBuild
from skillsearch.store.server.calls import Connection, translated
from skillsearch.store.server.copies import count_copies
from skillsearch.store.server.draft import ServerDraft
from skillsearch.store.server.layout import CollectionOptions, require_size
from skillsearch.store.server.lease import Lease, lease
from skillsearch.store.server.limits import Limits
from skillsearch.store.server.names import EARLIER, Names

__all__ = ["PREFIX", "ServerStore"]

PREFIX: Final = "skillsearch"
"""The prefix of names on a server, unless another is set."""


class ServerStore:
    """The builds under one prefix on one server; safe to share between threads."""

    def __init__(
        self, connection: Connection, options: CollectionOptions | None = None, prefix: str = PREFIX
    ) -> None:
        """Nothing is sent yet.

        Raises:
            ConfigurationError: the prefix cannot be part of a name.
        """
        self.connection = connection
        self._names = Names(prefix)
        self._all_names = (self._names, EARLIER) if prefix == PREFIX else (self._names,)
        self._options = options or CollectionOptions()
        self._cached: ServerBuild | None = None
        self._lease: Lease | None = None

    @classmethod
    def connect(
        cls,
        urls: str | Sequence[str],
        api_key: str | None = None,
        timeout: int = 30,
        *,
        grpc_port: int | None = None,
        attempts: int | None = None,
        patience: float | None = None,
        options: CollectionOptions | None = None,
        prefix: str = PREFIX,
    ) -> "ServerStore":
        """A store on a server; nothing is sent yet.

        Args:
            urls: of its REST interface, with the port; of several nodes, which are tried in turn.
            api_key: if it wants one.
            timeout: seconds for one request.
            grpc_port: of its gRPC interface, for many vectors; None to do without.
            attempts: how often a call is tried at most, while the server is away or busy.
            patience: seconds for which it is tried; see `Connection`.
            options: how new collections are laid out.
            prefix: of all names.
        """
        urls = [urls] if isinstance(urls, str) else urls
        addresses = [Address(url, api_key, timeout, grpc_port) for url in urls]
        return cls(Connection(addresses, attempts=attempts, patience=patience), options, prefix)

    @classmethod
    def in_memory(cls) -> "ServerStore":
        """A store in the memory of this process, without a server; for trying things."""
        return cls(Connection(client=QdrantClient(":memory:")))

    def draft(self, info: BuildInfo, base: Build | None = None) -> ServerDraft:
        """Create both collections and their payload indexes, or find those that are there."""
        known = self._known(info.name)
        if known is not None and known.info.state != "unfinished":
            raise StoreError(f"there is a build {info.name} on {self.connection} already")
        if base is not None and not isinstance(base, ServerBuild):
            raise StoreError(f"build {base.info.name} is not on {self.connection}, and cannot be copied from")
        return ServerDraft(
            self.connection,
            known.info if known else info,
            self._names,
            base=base,
            options=self._options,
            guard=self._guard,
        )

    def open(self, name: str) -> ServerBuild:
        """A sealed build."""
        build = self._known(name)
        if build is None or build.info.state == "unfinished":
            raise StoreError(f"{name} is not a complete build on {self.connection}")
        return build

    def record(self, info: BuildInfo) -> None:
        """Replace the metadata of the skills' collection."""
        self._describe(self.open(info.name).collections["skills"], info)

    def publish(self, name: str) -> None:
        """Move both aliases in one request, which the server applies atomically."""
        build = self.open(name)
        if self._lease:
            self._lease.confirm()
        self._publish(build.collections)

    def published(self) -> ServerBuild:
        """The build that the aliases name; one small request, the description is cached.

        A key that may read the aliases alone does not see where they point: then the build is read and
        searched under their names.
        """
        collection = self._target()
        if collection is None:
            build = self._aliased()
            if build is None:
                raise IndexNotFoundError(
                    f"no index is published on {self.connection} under {self._names.alias('skills')!r}: "
                    "build one with `skillsearch reindex`, or name another by SKILLSEARCH_QDRANT_PREFIX"
                )
            return build
        names = self._names if self._names.build(collection) else EARLIER
        name = names.build(collection)
        cached = self._cached
        if cached is None or cached.collections["skills"] != collection:
            if name is None:
                raise _taken(self._names.alias("skills"), f"an alias of {collection}", self.connection)
            cached = self._cached = self._described(names, name)
        return cached

    def current(self) -> BuildInfo:
        """The description of the published build."""
        return self.published().info

    @translated
    def builds(self) -> list[BuildInfo]:
        """All builds, oldest first; collections that cannot be read are left out."""
        infos = []
        for found in self.connection.client.get_collections().collections:
            for names in self._all_names:
                if (name := names.build(found.name)) is not None:
                    try:
                        infos.append(self._read(names, name).info)
                    except StoreError:
                        continue
        return sorted(infos, key=lambda info: info.created)

    def size(self, name: str) -> None:
        """The server does not tell the bytes of a collection."""

    def facts(self) -> dict[str, str]:
        """Of the server: its version and that of the client, and the copies of the published build."""
        self._ask_version()
        facts = {"prefix": self._names.prefix}
        if found := self.connection.server_version:
            client = Version(version("qdrant-client"))
            apart = abs(client.minor - found.minor) if client.major == found.major else 99
            note = f"; qdrant-client is {client}, more than one minor version apart" if apart > 1 else ""
            facts["server"] = f"Qdrant {found}{note}"
        copies = count_copies(self.connection, self.published().collections.values())
        return facts | ({"copies": str(copies)} if copies.wanted > len(SPACES) else {})

    def remove(self, name: str) -> None:
        """Mark a build as unfinished, then delete its collections; that of the skills last."""
        build = self._known(name)
        if build is None:
            raise StoreError(f"there is no build {name} on {self.connection}")
        if self._target() == build.collections["skills"]:
            raise StoreError(f"build {name} is published and stays; publish another one first")
        self._remove(build.collections)

    def sweep(self) -> None:
        """Do nothing: every collection belongs to a build."""

    @contextmanager
    def lock(self, purpose: str) -> Iterator[None]:
        """Hold a lock on the server itself, and wait for the server as long as a job does.

        Raises:
            StoreLockedError: another process holds it.
            StoreError: the names of this index belong to something else.
        """
        with self.connection.job():
            self._require_names()
            copies = 3 if (self._options.replicas or 1) > 1 else None
            with lease(self.connection, self._names.lock, purpose, copies) as held:
                self._lease = held
                try:
                    yield
                finally:
                    self._lease = None

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def _guard(self) -> None:
        """Raise where this process held the lock and lost it."""
        if self._lease:
            self._lease.require()

    @translated
    def _ask_version(self) -> None:
        """Do nothing: the version is asked for with the first call."""

    @translated
    def _describe(self, collection: str, info: BuildInfo) -> None:
        self._guard()
        self.connection.client.update_collection(collection, metadata=info.to_dict())

    @translated
    def _publish(self, collections: Mapping[Space, str]) -> None:
        actions = [
            models.CreateAliasOperation(
                create_alias=models.CreateAlias(
                    collection_name=collections[space], alias_name=self._names.alias(space)
                )
            )
            for space in SPACES
        ]
        self.connection.client.update_collection_aliases(actions)

    @translated
    def _remove(self, collections: Mapping[Space, str]) -> None:
        self._guard()
        client = self.connection.client
        if client.collection_exists(collections["skills"]):
            client.update_collection(collections["skills"], metadata={"state": "unfinished"})
        for space in reversed(SPACES):
            client.delete_collection(collections[space])

    @translated
    def _known(self, name: str) -> ServerBuild | None:
        """A build of any state, also one of a version before the prefix."""
        for names in self._all_names:
            if self.connection.client.collection_exists(names.collection("skills", name)):
                return self._read(names, name)
        return None

    @translated
    def _target(self) -> str | None:
        """The collection that the alias of the skills names; that of earlier versions counts after ours."""
        found = self._aliases()
        if target := found.get(self._names.alias("skills")):
            return target
        earlier = found.get(EARLIER.alias("skills"), "")
        return earlier if EARLIER in self._all_names and self._ours(earlier) else None

    @translated
    def _aliased(self) -> ServerBuild | None:
        """The build that the aliases name, read under their names; None where there are none."""
        aliases = {space: self._names.alias(space) for space in SPACES}
        if not self.connection.client.collection_exists(aliases["skills"]):
            return None
        found = self.connection.client.get_collection(aliases["skills"])
        info = BuildInfo.from_dict(found.config.metadata or {}, f"collection {aliases['skills']}")
        if self._cached is None or self._cached.info != info:
            self._cached = ServerBuild(self.connection, info, aliases, Limits.of(found))
        return self._cached

    @translated
    def _require_names(self) -> None:
        """Check that no name of this index belongs to something else, before anything is made."""
        aliases, collections = self._aliases(), self._collections()
        for space in SPACES:
            alias = self._names.alias(space)
            if alias in collections:
                raise _taken(alias, "a collection", self.connection)
        for alias in {names.alias("skills") for names in self._all_names} & aliases.keys():
            if build := self._ours(aliases[alias]):
                build.require_searchable()
            elif alias == self._names.alias("skills"):
                raise _taken(alias, f"an alias of {aliases[alias]}", self.connection)

    def _aliases(self) -> dict[str, str]:
        return {one.alias_name: one.collection_name for one in self.connection.client.get_aliases().aliases}

    def _collections(self) -> set[str]:
        return {one.name for one in self.connection.client.get_collections().collections}

    def _ours(self, collection: str) -> ServerBuild | None:
        """The build whose skills a collection holds, if it is one of this index."""
        for names in self._all_names:
            if (name := names.build(collection)) is not None:
                with suppress(StoreError):
                    return self._read(names, name)
        return None

    @translated
    def _described(self, names: Names, name: str) -> ServerBuild:
        return self._read(names, name)

    def _read(self, names: Names, name: str) -> ServerBuild:
        collections: dict[Space, str] = {space: names.collection(space, name) for space in SPACES}
        found = self.connection.client.get_collection(collections["skills"])
        source = f"collection {collections['skills']}"
        info = BuildInfo.from_dict(found.config.metadata or {}, source)
        if info.name != name:
            raise StoreError(f"{source} holds build {info.name}, expected {name}: it was not made here")
        require_size(found, collections["skills"], info.dimension)
        return ServerBuild(self.connection, info, collections, Limits.of(found))


def _taken(name: str, what: str, connection: Connection) -> StoreError:
    return StoreError(
        f"{name!r} on {connection} is {what}, which is not of this program: set SKILLSEARCH_QDRANT_PREFIX to "
        "names of your own"
    )
