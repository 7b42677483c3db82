"""The description of the API, held against the service by schemathesis."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from skillsearch.client import SkillSearch
from skillsearch.http.app import create_app
from skillsearch.http.keys import Keys
from skillsearch.http.settings import ServiceSettings

schemathesis = pytest.importorskip("schemathesis")
checks = pytest.importorskip("schemathesis.specs.openapi.checks")
hypothesis = pytest.importorskip("hypothesis")

EXAMPLES = 6
HOST = {"Host": "127.0.0.1"}


@pytest.fixture(scope="module")
def app(home: Path, models_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    folder = tmp_path_factory.mktemp("schema") / "home"
    shutil.copytree(home, folder)
    client = SkillSearch.open(home=folder, models=str(models_folder), device="cpu")
    return create_app(client, ServiceSettings(max_limit=50), Keys({}))


def test_every_answer_is_as_the_description_says(app: FastAPI) -> None:
    """Bodies, paths and parameters that fit the description, and such as do not, for every operation.

    What fits may be refused all the same, as text that no title or URI of the index is.
    """
    with TestClient(app, base_url="http://127.0.0.1"):
        schema = schemathesis.openapi.from_asgi("/openapi.json", app, headers=HOST)
        operations = [found.ok() for found in schema.get_all_operations()]
        assert len(operations) > 20
        modes = schemathesis.GenerationMode
        for operation in operations:
            for mode in (modes.POSITIVE, modes.NEGATIVE):
                _hold(operation, mode)


def _hold(operation: Any, mode: Any) -> None:  # noqa: ANN401 - of the library
    @hypothesis.settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:  # noqa: ANN401 - of the library
        case.call_and_validate(headers=HOST, excluded_checks=[checks.positive_data_acceptance])

    try:
        ask()
    except hypothesis.errors.Unsatisfiable:  # nothing of an operation without parameters can be wrong
        assert mode == schemathesis.GenerationMode.NEGATIVE
