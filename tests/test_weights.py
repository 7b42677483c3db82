"""The models that the repository ships, in `weights/`."""

import importlib.util
import tomllib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from test_architecture import ROOT

from indexer.reindex import ReindexRequest, reindex
from skillsearch import SkillSearch
from skillsearch.models.manifest import EXPORT
from skillsearch.models.onnx import OnnxEncoder
from skillsearch.models.pair import ENCODER, RERANKER, locate_models
from skillsearch.settings import load_settings
from skillsearch.store import open_store

WEIGHTS = ROOT / "weights"
MODELS = WEIGHTS / "skillsearch_compact" / "models"
LARGEST = 60_000_000  # bytes


def test_the_package_registers_the_folder_and_is_small() -> None:
    project = tomllib.loads((WEIGHTS / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["skillsearch.models"] == {"compact": "skillsearch_compact:FOLDER"}
    spec = importlib.util.spec_from_file_location("carrier", WEIGHTS / "skillsearch_compact" / "__init__.py")
    assert spec is not None
    assert spec.loader is not None
    carrier = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(carrier)
    assert Path(carrier.FOLDER) == MODELS
    assert sum(path.stat().st_size for path in WEIGHTS.rglob("*") if path.is_file()) <= LARGEST
    assert not list(WEIGHTS.rglob("*.safetensors"))


def test_the_card_and_the_notice_name_what_they_are_made_of() -> None:
    card, notice = ((WEIGHTS / name).read_text(encoding="utf-8") for name in ("README.md", "NOTICE"))
    for text in ("all-MiniLM-L6-v2", "Apache", "ESCO", "CC BY 4.0"):
        assert text in card
    assert "Creative Commons Attribution 4.0" in notice


def test_the_models_say_how_far_they_agree_with_those_they_were_made_of() -> None:
    pair = locate_models(str(MODELS))
    for name in (ENCODER, RERANKER):
        export = locate_models(str(MODELS)).find_encoder().manifest.export if name == ENCODER else None
        export = export or pair.load_reranker(device="cpu").folder.manifest.export
        assert export is not None
        for file in export.files.values():
            assert (MODELS / name / EXPORT / file.name).is_file()
            assert file.agreement.ndcg_loss <= 0.003
    assert isinstance(pair.load_encoder(device="cpu"), OnnxEncoder)


@pytest.fixture(scope="module")
def skills(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SkillSearch]:
    settings = load_settings(home=tmp_path_factory.mktemp("home"), models=str(MODELS))
    with closing(open_store(settings)) as store:
        reindex(ReindexRequest(sample=True, models=settings.model_location), store)
    with SkillSearch.open(settings) as client:
        yield client


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Data Scientist", "data"),
        ("Nurse", "patient"),
        ("Electrician", "electric"),
        ("Accountant", "account"),
    ],
)
def test_a_search_of_the_sample_finds_what_a_person_expects(
    skills: SkillSearch, title: str, expected: str
) -> None:
    labels = [hit.label for hit in skills.search(title, limit=10)]
    assert sum(expected in label.lower() for label in labels) >= 2, labels


@pytest.mark.parametrize("title", ["Nurse", "Data Scientist", "Electrician", "Sales Manager", "Cook"])
def test_a_job_s_own_skills_stand_before_general_ones(skills: SkillSearch, title: str) -> None:
    general = [hit.rank for hit in skills.search(title, limit=10).hits if hit.reuse_level == "transversal"]
    assert not set(general) & {1, 2, 3}
    assert len(general) < 4
