"""What holds for the whole code base: imports in one direction, public names, quick start."""

import ast
import importlib
import pkgutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import skillsearch

ROOT = Path(skillsearch.__file__).parent.parent
PACKAGES = ("skillsearch", "indexer", "trainer")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
MAY_IMPORT = {
    "skillsearch": {"skillsearch"},
    "indexer": {"skillsearch", "indexer"},
    "trainer": {"skillsearch", "trainer"},
}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_in_one_direction(path: Path) -> None:
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    package = module.partition(".")[0]
    for imported in _imports(path):
        if imported.partition(".")[0] not in PACKAGES or module in (
            "skillsearch.cli.app",
            "skillsearch.__main__",
        ):
            continue
        assert imported != "skillsearch.cli.app", f"{module} imports the command line"
        # the trainer takes the release reader from the indexer, and nothing else
        if package == "trainer" and imported in {"indexer.read.esco", "indexer.cli.options"}:
            continue
        assert imported.partition(".")[0] in MAY_IMPORT[package], f"{module} imports {imported}"


def test_the_direction_test_sees_imports_inside_functions(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text("import a.b\ndef f():\n    from c.d import e\n", encoding="utf-8")
    assert list(_imports(path)) == ["a.b", "c.d"]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_names_what_is_public(package: str) -> None:
    top = importlib.import_module(package)
    for info in pkgutil.walk_packages(top.__path__, f"{package}."):
        module = importlib.import_module(info.name)
        names = getattr(module, "__all__", None)
        if info.ispkg and names is None:
            continue
        assert names is not None, f"{info.name} has no __all__"
        assert len(set(names)) == len(names)
        for name in names:
            assert hasattr(module, name), f"{info.name} has no {name}"


def test_the_public_names_are_these() -> None:
    assert sorted(skillsearch.__all__) == [
        "AsyncSkillSearch",
        "Filters",
        "SearchResult",
        "Settings",
        "SkillHit",
        "SkillSearch",
        "SkillSearchError",
    ]
    assert all(hasattr(skillsearch, name) for name in skillsearch.__all__)


def test_every_error_is_in_one_tree() -> None:
    from skillsearch import errors

    for name in errors.__all__:
        assert issubclass(getattr(errors, name), errors.SkillSearchError)


@pytest.mark.parametrize(
    "statement", ["import skillsearch", "from skillsearch.cli.app import build_app; build_app()"]
)
def test_what_is_heavy_is_imported_on_first_use(statement: str) -> None:
    heavy = "{'torch', 'transformers', 'sentence_transformers', 'qdrant_client', 'numpy', 'pydantic'}"
    code = f"import sys; {statement}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_answers_within_seven_tenths_of_a_second() -> None:
    command = [str(Path(sys.executable).with_name("skillsearch")), "--help"]
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        seconds.append(time.perf_counter() - start)
        assert all(name in done.stdout for name in ("search", "reindex", "status", "train"))
    assert min(seconds) < 0.7


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match="module 'skillsearch' has no attribute 'Search'"):
        _ = skillsearch.Search  # type: ignore[attr-defined]


def _imports(path: Path) -> list[str]:
    """Every module that a file imports, wherever in it."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.append(node.module)
    return found
