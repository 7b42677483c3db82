"""Running the service: uvicorn, its logs, and several workers."""

import logging
import os
import tempfile
from collections.abc import Mapping
from typing import Any, Final

import uvicorn

from skillsearch.client import SkillSearch
from skillsearch.http.app import create_app, load_keys
from skillsearch.http.gate import ACCESS
from skillsearch.http.settings import ServiceSettings
from skillsearch.settings import Settings

__all__ = ["serve"]

_OPTIONS: Final[Mapping[str, Any]] = {
    "server_header": False,
    "access_log": False,  # the gate writes one
    "log_level": "warning",
    "timeout_keep_alive": 15,
    "timeout_graceful_shutdown": 30,
    "h11_max_incomplete_event_size": 32_768,
    "limit_concurrency": 1000,
}


def serve(settings: Settings, service: ServiceSettings, changes: Mapping[str, str]) -> None:
    """Serve until the process is told to stop; requests that run are answered first.

    Args:
        settings: of the client.
        service: of the service.
        changes: variables of the environment that make the same settings in other workers.

    Raises:
        SkillSearchError: the index or the models cannot be opened, or keys are missing.
        ConfigurationError: the address cannot be listened at.
    """
    keys = load_keys(service)
    show_access_log()
    if service.workers == 1:
        app: object = create_app(SkillSearch.open(settings), service, keys)
        uvicorn.run(app, host=service.host, port=service.port, **_OPTIONS)  # type: ignore[arg-type]
        return
    with tempfile.TemporaryDirectory(prefix="skillsearch-metrics-") as folder:
        os.environ.update({**changes, "PROMETHEUS_MULTIPROC_DIR": folder})
        uvicorn.run(
            "skillsearch.http.app:from_environment",
            factory=True,
            host=service.host,
            port=service.port,
            workers=service.workers,
            **_OPTIONS,
        )


def show_access_log() -> None:
    """Write the access log to standard error, a JSON object a line."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    ACCESS.addHandler(handler)
    ACCESS.setLevel(logging.INFO)
    ACCESS.propagate = False
