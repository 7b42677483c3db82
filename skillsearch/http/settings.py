"""Settings of the service, from the environment and from arguments."""

import ipaddress
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from skillsearch.errors import ConfigurationError

__all__ = ["ServiceSettings", "load_service_settings"]

Count = Annotated[int, Field(gt=0)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class ServiceSettings(BaseSettings):
    """How the service listens, and its limits; each name is a variable ``SKILLSEARCH_SERVE_<NAME>``."""

    model_config = SettingsConfigDict(
        env_prefix="SKILLSEARCH_SERVE_",
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    host: str = Field(default="127.0.0.1", description="Address to listen at; beyond this machine with keys.")
    port: Annotated[int, Field(ge=0, lt=65536)] = Field(default=8000, description="Port to listen at.")
    workers: Count = Field(default=1, description="Processes; each loads the models.")
    keys_file: Path | None = Field(
        default=None, description="File of hashed API keys, one `name:role:hash` a line."
    )
    keys: SecretStr | None = Field(
        default=None, description="The same lines, with blanks between, instead of a file or beside it."
    )
    cors: str = Field(
        default="", description="Origins whose pages may call the API, with commas between; by default none."
    )
    names: str = Field(
        default="",
        description="Host names that requests may name, with commas between; by default any with keys, else "
        "those of this machine.",
    )
    judging: bool = Field(default=True, description="Take judgements; they are kept in the home.")
    concurrency: Count | None = Field(
        default=None,
        description="Searches at once in a process; others wait. By default one a core, and at least 2.",
    )
    max_waiting: Count = Field(
        default=64, description="Requests that may run or wait in a process; more are told to come later."
    )
    max_body: Count = Field(default=1_000_000, description="Bytes of a request's body.")
    max_items: Count = Field(default=100, description="Inputs of a batch.")
    max_limit: Count = Field(default=500, description="Hits that a request, with all its pages, may ask for.")
    timeout: Seconds = Field(default=30.0, description="Seconds for one request.")
    batch_timeout: Seconds = Field(default=300.0, description="Seconds for one batch.")
    body_timeout: Seconds = Field(default=10.0, description="Seconds in which a body has to arrive.")

    @property
    def is_local(self) -> bool:
        """Whether it listens on this machine alone."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def load_service_settings(**overrides: Any) -> ServiceSettings:  # noqa: ANN401 - any setting's type
    """Read the settings; an override of None counts as not given.

    Raises:
        ConfigurationError: names each setting that is wrong, and what was expected.
    """
    try:
        return ServiceSettings(**{name: value for name, value in overrides.items() if value is not None})
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, item['loc']))}: {item['msg'][:1].lower()}{item['msg'][1:]}"
            for item in error.errors()
        )
        raise ConfigurationError(f"wrong settings of the service: {problems}") from error
