"""The clients of a server: one for each of its addresses, over REST, and over gRPC for many points."""

import logging
import warnings
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from qdrant_client import QdrantClient

__all__ = ["GRPC_PORT", "REST_PORT", "Address"]

_logger = logging.getLogger(__name__)
REST_PORT: Final = 6333
GRPC_PORT: Final = 6334
"""Usual ports of a server."""

_COMPRESSIONS: Final = "grpc.compression_enabled_algorithms_bitset"
_UNCOMPRESSED: Final = 1  # a server takes ten times as long to compress vectors as to send them


@dataclass(frozen=True, slots=True)
class Address:
    """An address of a server, and how it is spoken to.

    Attributes:
        url: of its REST interface, with the port.
        api_key: if it wants one.
        timeout: seconds for one request.
        grpc_port: of its gRPC interface; None for `GRPC_PORT` where REST has its own usual one, 0 for none.
    """

    url: str
    api_key: str | None = None
    timeout: int = 30
    grpc_port: int | None = None

    def connect(self) -> QdrantClient:
        """A client over REST; nothing is sent yet."""
        return self._client()

    def connect_bulk(self) -> QdrantClient | None:
        """A client over gRPC, where that answers; vectors are read and written faster with it."""
        usual = GRPC_PORT if urlsplit(self.url).port == REST_PORT else 0
        port = usual if self.grpc_port is None else self.grpc_port
        if not port:
            return None
        client = self._client(grpc_port=port)
        try:
            client.get_collections()
        except Exception as error:  # grpc's many kinds
            _logger.info("no gRPC at port %s of %s (%s): REST is used", port, self.url, error)
            client.close()
            return None
        return client

    def warn_of_open_key(self) -> None:
        """Tell once that a key is sent to another host unencrypted."""
        if self.api_key and self.url.startswith("http:") and not _is_loopback(self.url):
            _logger.warning("the API key is sent to %s unencrypted: use https", self.url)

    def _client(self, *, grpc_port: int = 0) -> QdrantClient:
        with warnings.catch_warnings():  # of a key without https, which `warn_of_open_key` tells
            warnings.simplefilter("ignore", UserWarning)
            return QdrantClient(
                self.url,
                api_key=self.api_key,
                timeout=self.timeout,
                check_compatibility=False,
                prefer_grpc=bool(grpc_port),
                grpc_port=grpc_port or GRPC_PORT,
                grpc_options={_COMPRESSIONS: _UNCOMPRESSED},
            )


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
