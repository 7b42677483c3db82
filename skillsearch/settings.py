"""Settings from the environment, `.env` and `skillsearch.toml`, built at the edges and passed down.

Earlier sources win: arguments, ``SKILLSEARCH_*`` in the environment, ``.env``, ``skillsearch.toml``
in the working folder, the defaults.
"""

import os
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args
from urllib.parse import urlsplit

from platformdirs import user_data_path
from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from skillsearch.errors import ConfigurationError
from skillsearch.files import recover_folder
from skillsearch.shipped import shipped_models

__all__ = ["MAX_DEPTH", "RERANKERS", "Precision", "RerankerName", "Runtime", "Settings", "load_settings"]

Precision = Literal["float32", "bfloat16", "float16", "int8"]
"""Of a reranker's numbers; int8 of the ONNX runtime, bfloat16 and float16 of torch."""

Runtime = Literal["onnx", "torch"]
"""What runs the models."""

RerankerName = Literal["distilled", "cross-encoder", "late-interaction"]

RERANKERS: Final[tuple[RerankerName, ...]] = get_args(RerankerName)
"""Rerankers that a search can name."""

MAX_DEPTH: Final = 10_000
"""Candidates that a search reranks at most."""
_QDRANT_PORT: Final = 6333


def _server_addresses(urls: str) -> str:
    """The addresses of a server, or of its nodes with commas between, each with its port."""
    return ",".join(_server_address(url) for url in urls.split(",") if url.strip())


def _server_address(url: str) -> str:
    """The scheme, host, port and path of a server; qdrant-client and pydantic would each change the port."""
    if "@" in url:
        raise ValueError("a user name or password cannot be used: set SKILLSEARCH_QDRANT_API_KEY instead")
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("expected a URL such as http://127.0.0.1:6333 or https://example.com:443/path")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = _QDRANT_PORT if parts.port is None else parts.port
    return f"{parts.scheme}://{host}:{port}{parts.path.rstrip('/')}"


class Settings(BaseSettings):
    """All settings; each name is a variable ``SKILLSEARCH_<NAME>``."""

    model_config = SettingsConfigDict(
        env_prefix="SKILLSEARCH_",
        env_file=".env",
        dotenv_filtering="match_prefix",
        toml_file="skillsearch.toml",
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    home: Path = Field(
        default_factory=lambda: user_data_path("skillsearch"),
        description="Folder of the embedded index and of the models; by default the platform's data folder.",
    )
    models: str | None = Field(
        default=None,
        description="Folder of both models, or a name: compact, from the package skillsearch-compact, or "
        "skillscout. By default HOME/models, or else the models of a package.",
    )
    qdrant_url: (
        Annotated[str, AfterValidator(_server_addresses), Field(json_schema_extra={"format": "uri"})] | None
    ) = Field(
        default=None,
        description="A Qdrant server instead of the embedded engine; without a port in it, 6333. Several "
        "nodes have commas between, and are tried in turn.",
    )
    qdrant_api_key: SecretStr | None = Field(default=None, description="API key of the Qdrant server.")
    qdrant_prefix: str = Field(
        default="skillsearch", description="What all names of the index begin with on a server."
    )
    qdrant_grpc_port: Annotated[int, Field(ge=0, lt=65536)] | None = Field(
        default=None,
        description="Port of the server's gRPC interface, for a faster reindex, or 0 to use REST alone; by "
        "default 6334 beside 6333.",
    )
    qdrant_timeout: Annotated[int, Field(gt=0)] = Field(default=30, description="Seconds for one request.")
    qdrant_patience: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = Field(
        default=None,
        description="Seconds for which a server that is away or busy is waited for; by default 5 for a "
        "search and 120 for a reindex.",
    )
    qdrant_attempts: Annotated[int, Field(gt=0)] | None = Field(
        default=None,
        description="How often a request is tried at most meanwhile; by default as often as can be.",
    )
    qdrant_shards: Annotated[int, Field(gt=0)] | None = Field(
        default=None, description="Shards of a new collection; by default the server's number."
    )
    qdrant_replicas: Annotated[int, Field(gt=0)] | None = Field(
        default=None, description="Copies of each shard on a cluster."
    )
    qdrant_write_consistency: Annotated[int, Field(gt=0)] | None = Field(
        default=None, description="Copies that confirm a write."
    )
    qdrant_quantization: Literal["none", "int8", "binary"] = Field(
        default="int8", description="Compressed vectors, above 1,000,000 points."
    )
    qdrant_hnsw_m: Annotated[int, Field(gt=0)] | None = Field(
        default=None, description="Links of each point in the graph, above 1,000,000 points."
    )
    qdrant_hnsw_ef_construct: Annotated[int, Field(gt=0)] | None = Field(
        default=None, description="Neighbours considered while the graph is built."
    )
    qdrant_on_disk: bool = Field(
        default=False, description="Keep vectors, payloads and their indexes on disk."
    )
    alpha: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.7, description="Weight of retrieval in the blend."
    )
    depth: Annotated[int, Field(gt=0, le=MAX_DEPTH)] = Field(default=200, description="Candidates to rerank.")
    rerank: RerankerName | None = Field(
        default=None,
        description="Reranker of a search: distilled, cross-encoder or late-interaction; by default "
        "distilled with onnx where the models have it, else cross-encoder.",
    )
    blender: Path | None = Field(
        default=None, description="A blend that `skillsearch fit` learned, instead of the one with alpha."
    )
    demand_weight: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        default=1.0,
        description="Weight in the blend of how often a skill is asked for; 0 leaves it out.",
    )
    min_probability: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None,
        description="Keep only hits that are at least so probable; with the cross-encoder, distilled or "
        "whole.",
    )
    device: str | None = Field(default=None, description="cpu, cuda or mps; by default the best there is.")
    runtime: Runtime | None = Field(
        default=None,
        description="onnx or torch; by default onnx on a CPU where the models are exported, else torch.",
    )
    precision: Precision | None = Field(
        default=None,
        description="Precision of the reranker: int8 or float32 with onnx, float32, bfloat16 or float16 with "
        "torch; by default int8 where it is as good and the CPU is made for it, else float32.",
    )
    threads: Annotated[int, Field(gt=0)] | None = Field(
        default=None,
        description="Threads of a model on CPUs; by default OMP_NUM_THREADS, or the CPUs it may use.",
    )
    batch_size: Annotated[int, Field(gt=0)] = Field(
        default=64, description="Texts in one pass through a model."
    )
    max_title_length: Annotated[int, Field(gt=0)] = Field(
        default=300, description="Characters that a title may have."
    )

    max_text_length: Annotated[int, Field(gt=0)] = Field(
        default=50_000, description="Characters that an advert may have."
    )
    clean_titles: bool = Field(
        default=True,
        description="Take gender markers, pay, places, hours and the like out of titles before the search.",
    )
    acronyms: Path | None = Field(
        default=None, description="Acronyms in titles beside those known: lines of `ACRONYM = words`."
    )

    @property
    def model_location(self) -> str:
        """The models' folder or name: those asked for, else those trained, else those of a package."""
        trained = self.home.expanduser() / "models"
        recover_folder(trained)
        if self.models or trained.exists():
            return self.models or str(trained)
        return next(iter(shipped_models()), str(trained))

    @property
    def running(self) -> dict[str, Any]:
        """How models run, as the arguments of what loads them."""
        return self.model_dump(include={"device", "batch_size", "runtime", "threads"})

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the base class passes it
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Add the TOML file as the last source."""
        for name in (settings_cls.model_config.get("env_file"), settings_cls.model_config.get("toml_file")):
            _require_own(Path(str(name)))
        return init_settings, env_settings, dotenv_settings, TomlConfigSettingsSource(settings_cls)


def load_settings(**overrides: Any) -> Settings:  # noqa: ANN401 - any setting's type
    """Read the settings; an override of None counts as not given.

    Raises:
        ConfigurationError: names each setting that is wrong, and what was expected.
    """
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})
    except ValidationError as error:
        problems = "; ".join(_problem(dict(item)) for item in error.errors())
        raise ConfigurationError(f"wrong settings: {problems}") from error
    except (SettingsError, OSError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"the settings cannot be read: {error}") from error


def _problem(item: dict[str, Any]) -> str:
    name, message = ".".join(map(str, item["loc"])), item["msg"].removeprefix("Value error, ")
    is_secret = item["type"] == "extra_forbidden" or name == "qdrant_api_key" or "@" in str(item["input"])
    found = "" if is_secret else f", found {item['input']!r}"
    return f"{name}: {message[:1].lower()}{message[1:]}{found}"


def _require_own(path: Path) -> None:
    """Check that a file of the working folder is not a stranger's, who would learn the API key.

    Raises:
        ConfigurationError: it belongs to somebody else, and not to root.
    """
    if hasattr(os, "getuid") and path.exists() and path.stat().st_uid not in (os.getuid(), 0):
        raise ConfigurationError(
            f"{path.absolute()} belongs to user {path.stat().st_uid}, who could send your searches and your "
            "API key to another server: start skillsearch elsewhere, or make the file yours with chown"
        )
