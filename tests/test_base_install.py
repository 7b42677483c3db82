"""The base install searches and indexes without torch, transformers and sentence-transformers."""

import json
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from test_architecture import FILES, ROOT, _imports

from skillsearch.models.pair import locate_models
from skillsearch.taxonomy.records import Taxonomy

HEAVY = (
    "torch",
    "transformers",
    "sentence_transformers",
    "sklearn",
    "scipy",
    "onnx",
    "fastapi",
    "uvicorn",
    "mcp",
)
LAZY = {"skillsearch/models/torch.py", "skillsearch/models/device.py"}
"""Modules that import torch where it is installed and asked for."""

FACES = {"skillsearch/batch/": "ray", "skillsearch/http/": "serve", "skillsearch/mcp/": "mcp"}
"""Folders of faces, and the extra that each needs beside the base install."""

WITHOUT = f"""
import sys
sys.modules.update(dict.fromkeys({HEAVY!r}))
from skillsearch.cli.app import main
main()
"""
"""The command line where the heavy packages cannot be imported."""


def run_without(*arguments: str, home: Path, models: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"SKILLSEARCH_HOME": str(home), "SKILLSEARCH_MODELS": str(models)}
    command = [sys.executable, "-W", "error", "-c", WITHOUT, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


@pytest.fixture(scope="module")
def models_alone(exported_models: Path, taxonomy: Taxonomy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The exported models without their safetensors."""
    from trainer.export.agreement import draw_sample
    from trainer.export.run import export_models

    output = tmp_path_factory.mktemp("alone") / "models"
    export_models(locate_models(str(exported_models)), draw_sample(taxonomy), output=output)
    return output


def test_it_reindexes_and_searches(models_alone: Path, tmp_path: Path) -> None:
    done = run_without("reindex", "--sample", "--json", home=tmp_path, models=models_alone)
    assert done.returncode == 0, done.stderr
    for reranker in ("cross-encoder", "late-interaction", "none"):
        done = run_without(
            "search", "Data Scientist", "--reranker", reranker, "--json", home=tmp_path, models=models_alone
        )
        assert done.returncode == 0, done.stderr
        assert len(json.loads(done.stdout)["hits"]) == 20


def test_a_command_that_needs_more_says_what_to_install(
    models_alone: Path, models_folder: Path, tmp_path: Path
) -> None:
    done = run_without("train", "--sample", home=tmp_path, models=models_alone)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.search(r"needs \w+, which is not installed: pip install 'skillsearch\[train\]'", done.stderr)
    done = run_without("reindex", "--sample", home=tmp_path, models=models_folder)
    assert (done.returncode, done.stdout) == (1, "")
    assert "has no ONNX files and needs torch, which is not installed" in done.stderr
    assert "pip install 'skillsearch[torch]'" in done.stderr


@pytest.mark.parametrize(("command", "extra"), [("serve", "serve"), ("mcp", "mcp")])
def test_a_face_says_which_extra_to_install(
    command: str, extra: str, models_alone: Path, tmp_path: Path
) -> None:
    done = run_without(command, home=tmp_path, models=models_alone)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"which is not installed: pip install 'skillsearch[{extra}]'" in done.stderr


@pytest.mark.parametrize("package", ["skillsearch", "indexer"])
def test_what_searches_and_indexes_imports_the_base_dependencies_alone(package: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = _names(project["dependencies"])
    extras = {name: _names(lines) for name, lines in project["optional-dependencies"].items()}
    assert not needed & {"torch", "transformers", "sentence-transformers"}
    owners = packages_distributions()
    for path in FILES:
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith(f"{package}/") or name in LAZY:
            continue
        extra = next((extra for folder, extra in FACES.items() if name.startswith(folder)), None)
        allowed = needed | extras[extra] if extra else needed
        for module in {imported.partition(".")[0] for imported in _imports(path)}:
            if module in sys.stdlib_module_names or module in ("skillsearch", "indexer"):
                continue
            assert allowed & set(map(canonicalize_name, owners.get(module, [module]))), (
                f"{name} imports {module}"
            )


def _names(requirements: list[str]) -> set[str]:
    return {canonicalize_name(requirement.name) for requirement in map(Requirement, requirements)}
