"""Settings from the environment, `.env` and `skillsearch.toml`, built at the edges and passed down.

Earlier sources win: arguments, ``SKILLSEARCH_*`` in the environment, ``.env``, ``skillsearch.toml``
in the working folder, the defaults.
"""

from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args

from platformdirs import user_data_path
from pydantic import AnyHttpUrl, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from skillsearch.errors import ConfigurationError

__all__ = ["MAX_DEPTH", "RERANKERS", "Precision", "RerankerName", "Settings", "load_settings"]

Precision = Literal["float32", "bfloat16", "float16"]
"""Of a reranker's numbers."""

RerankerName = Literal["cross-encoder", "late-interaction"]

RERANKERS: Final[tuple[RerankerName, ...]] = get_args(RerankerName)
"""Rerankers that a search can name."""

MAX_DEPTH: Final = 10_000
"""Candidates that a search reranks at most."""


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
    )

    home: Path = Field(
        default_factory=lambda: user_data_path("skillsearch"),
        description="Folder of the embedded index and of the models; by default the platform's data folder.",
    )
    models: str | None = Field(
        default=None, description="Folder of both models, or skillscout; by default HOME/models."
    )
    qdrant_url: AnyHttpUrl | None = Field(
        default=None, description="A Qdrant server instead of the embedded engine."
    )
    qdrant_api_key: SecretStr | None = Field(default=None, description="API key of the Qdrant server.")
    qdrant_timeout: Annotated[int, Field(gt=0)] = Field(default=30, description="Seconds for one request.")
    qdrant_attempts: Annotated[int, Field(gt=0)] = Field(
        default=5, description="How often a request is tried in all while the server is away or busy."
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
        default="int8", description="Compressed vectors, from 100,000 points on."
    )
    qdrant_hnsw_m: Annotated[int, Field(gt=0)] | None = Field(
        default=None, description="Links of each point in the graph, from 100,000 points on."
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
    rerank: RerankerName = Field(default="cross-encoder", description="Reranker of a search.")
    blender: Path | None = Field(
        default=None, description="A blend that `skillsearch fit` learned, instead of the one with alpha."
    )
    demand_weight: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        default=1.0,
        description="Weight in a learned blend of how often a skill is asked for; 0 leaves it out.",
    )
    min_probability: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None,
        description="Keep only hits that are at least so likely to be contextual or core; with the "
        "cross-encoder.",
    )
    device: str | None = Field(default=None, description="cpu, cuda or mps; by default the best there is.")
    precision: Precision = Field(
        default="float32",
        description="Precision of the reranker; bfloat16 and float16 are faster where the hardware has them.",
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
        """The models' folder or preset."""
        return self.models or str(self.home.expanduser() / "models")

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
    except (SettingsError, OSError, ValueError) as error:
        raise ConfigurationError(f"the settings cannot be read: {error}") from error


def _problem(item: dict[str, Any]) -> str:
    name = ".".join(str(part) for part in item["loc"])
    found = "" if "key" in name else f", found {item['input']!r}"
    return f"{name}: {item['msg'][:1].lower()}{item['msg'][1:]}{found}"
