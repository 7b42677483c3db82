"""The description of the API, held against the service by schemathesis."""

import shutil
from collections.abc import Iterator
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
hypothesis = pytest.importorskip("hypothesis")

EXAMPLES = 12
HOST = {"Host": "127.0.0.1"}


@pytest.fixture(scope="module")
def app(home: Path, models_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    folder = tmp_path_factory.mktemp("schema") / "home"
    shutil.copytree(home, folder)
    client = SkillSearch.open(home=folder, models=str(models_folder), device="cpu")
    return create_app(client, ServiceSettings(max_limit=50), Keys({}))


@pytest.fixture(scope="module")
def api_schema(app: FastAPI) -> Iterator[Any]:
    with TestClient(app, base_url="http://127.0.0.1"):
        yield schemathesis.openapi.from_asgi("/openapi.json", app, headers=HOST)


schema = schemathesis.pytest.from_fixture("api_schema")


@schema.parametrize()
@hypothesis.settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(hypothesis.HealthCheck),
)
def test_every_answer_is_as_the_description_says(case: Any) -> None:  # noqa: ANN401 - of the library
    case.call_and_validate(headers=HOST)
