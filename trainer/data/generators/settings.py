"""Settings of the language model behind an endpoint, from the environment alone."""

from typing import Annotated, Any

from pydantic import AnyHttpUrl, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from skillsearch.errors import ConfigurationError
from trainer.data.options import checked

__all__ = ["GeneratorSettings", "generator_settings"]


class GeneratorSettings(BaseSettings):
    """An OpenAI-compatible endpoint; each name is a variable ``SKILLSEARCH_GENERATOR_<NAME>``."""

    model_config = SettingsConfigDict(
        env_prefix="SKILLSEARCH_GENERATOR_", env_ignore_empty=True, extra="forbid", frozen=True
    )

    url: AnyHttpUrl = Field(
        default=AnyHttpUrl("https://api.openai.com/v1"), description="What stands before /chat/completions."
    )
    model: str = Field(default="", description="The model's name at the endpoint; needed.")
    key: SecretStr | None = Field(default=None, description="The API key, where the endpoint wants one.")
    timeout: Annotated[float, Field(gt=0, allow_inf_nan=False)] = Field(
        default=120.0, description="Seconds for one request."
    )
    attempts: Annotated[int, Field(gt=0)] = Field(
        default=6, description="How often a request is tried in all while the endpoint is away or busy."
    )
    workers: Annotated[int, Field(gt=0, le=64)] = Field(default=4, description="Requests at a time.")
    temperature: Annotated[float, Field(ge=0, le=2)] = Field(
        default=0.8, description="Higher is more varied."
    )
    longest_wait: Annotated[float, Field(gt=0, allow_inf_nan=False)] = Field(
        default=60.0, description="Seconds between two tries, at most."
    )


def generator_settings(**overrides: Any) -> GeneratorSettings:  # noqa: ANN401 - any setting's type
    """Read the settings; an override of None counts as not given.

    Raises:
        ConfigurationError: names each setting that is wrong, and what was expected; or no model is named.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    settings = checked(GeneratorSettings, given, "settings of the generator")
    if not settings.model:
        raise ConfigurationError("no model is named for the endpoint: set SKILLSEARCH_GENERATOR_MODEL")
    return settings
