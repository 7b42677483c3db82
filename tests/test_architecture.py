"""What holds for the whole code base: imports in one direction, public names, quick start."""

import ast
import importlib
import pkgutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.core import TyperGroup, TyperOption
from typer.main import get_command

import skillsearch

ROOT = Path(skillsearch.__file__).parent.parent
PACKAGES = ("skillsearch", "indexer", "trainer")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))

FLOORS = (
    ("skillsearch.characters",),
    ("skillsearch.errors", "skillsearch.arrays", "skillsearch.forks"),
    ("skillsearch.values", "skillsearch.progress", "skillsearch.files", "skillsearch.tables"),
    ("skillsearch.shipped",),
    ("skillsearch.settings",),
    ("skillsearch.taxonomy", "skillsearch.words"),
    ("skillsearch.models",),
    ("skillsearch.store",),
    ("skillsearch.rank",),
    ("skillsearch.results",),
    ("skillsearch.provenance", "skillsearch.running", "skillsearch.judgements"),
    ("skillsearch.tasks",),
    ("skillsearch.methods",),
    ("skillsearch.client",),
    ("skillsearch.aio", "skillsearch.batch", "skillsearch.teaching"),
    ("skillsearch.cli",),
    ("skillsearch.http", "skillsearch.mcp"),
    ("skillsearch.__main__",),
    ("indexer.overlay", "indexer.diff"),
    ("indexer.read", "indexer.plan", "indexer.golden", "indexer.builds"),
    ("indexer.guards", "indexer.migration", "indexer.checks", "indexer.candidates"),
    ("indexer.build",),
    ("indexer.reindex",),
    ("indexer.samples",),
    ("indexer.cli",),
    ("trainer.config", "trainer.bases", "trainer.run", "trainer.interaction"),
    ("trainer.evaluate", "trainer.fit", "trainer.documents"),
    ("trainer.export", "trainer.calibrate"),
    ("trainer.pair", "trainer.unified", "trainer.blend"),
    ("trainer.data", "trainer.experiments"),
    ("trainer.cli",),
)
"""From the ground up: a module imports from the floors below it, and from its own room."""

SHARED_BY_COMMANDS = {"skillsearch.cli.console", "skillsearch.cli.options", "skillsearch.cli.progress"}
"""The parts of the command line that the commands of other packages use."""


def _room(module: str) -> tuple[int, str]:
    """The floor of a module, and its room on it."""
    for floor, rooms in enumerate(FLOORS):
        for room in rooms:
            if module == room or module.startswith(f"{room}."):
                return floor, room
    raise AssertionError(f"{module} is on no floor")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_down(path: Path) -> None:
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    if module in PACKAGES:  # skillsearch imports its public names on first use
        return
    floor, room = _room(module)
    for imported in _imports(path):
        if imported.partition(".")[0] not in PACKAGES:
            continue
        below, other = _room(imported)
        assert below < floor or other == room, f"{module} imports {imported}, which is not below it"
        if other == "skillsearch.cli" and room not in (other, "skillsearch.__main__"):
            assert imported in SHARED_BY_COMMANDS, f"{module} imports a command"
            assert ".cli" in module, f"{module} is not a command, and imports {imported}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_short_and_its_functions_take_few_parameters(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 350
    if "cli" in path.parts:  # a command has a parameter for each of its options
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            count = len([name for name in names if name.arg not in ("self", "cls")])
            assert count <= 10, f"{node.name} takes {count} parameters"


def test_every_command_shows_at_most_a_dozen_options() -> None:
    from skillsearch.cli.app import build_app

    left, seen = [get_command(build_app())], set()
    while left:
        command = left.pop()
        seen.add(command.name)
        if isinstance(command, TyperGroup):
            left += command.commands.values()
        options = [one for one in command.params if isinstance(one, TyperOption) and not one.hidden]
        assert len(options) <= 12, f"{command.name} shows {len(options)} options"
    assert {"search", "reindex", "train", "talentclef"} <= seen


def test_no_module_knows_two_tasks() -> None:
    """The registry does, which the clients read; a task is one file, that imports no other task."""
    from skillsearch.tasks import TASKS

    modules = {task.run.__module__ for task in TASKS.values()}
    assert len(modules) == len(TASKS)
    for path in FILES:
        known = modules.intersection(_imports(path))
        allowed = len(modules) if path.match("skillsearch/tasks/__init__.py") else 1
        assert len(known) <= allowed, f"{path} imports {known}"
        if "tasks" in path.parts and path.name != "__init__.py":
            assert not known, f"{path} imports the task {known}"


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
        "FailedSearch",
        "Filters",
        "Found",
        "OccupationMatch",
        "SearchResult",
        "Settings",
        "SkillHit",
        "SkillMatch",
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
