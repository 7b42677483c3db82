"""The documentation: generated pages are up to date; links, commands and names in it are right."""

import importlib.util
import os
import pkgutil
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer

from skillsearch.cli.app import build_app
from skillsearch.settings import Settings

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    [
        ROOT / "README.md",
        ROOT / "CHANGELOG.md",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "results").rglob("*.md"),
    ]
)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
COMMAND = re.compile(r"(?:^|[$=] |\S=\S+ |-m )skillsearch +(.+)")
FILE = re.compile(r"`((?:skillsearch|indexer|trainer|tests|benchmarks|docs|results)/[\w./-]+)`")
NAME = re.compile(r"`((?:skillsearch|indexer|trainer)(?:\.\w+)+)`")
OWN_SETTINGS = {
    *("name", "version", "language", "margin", "allow_downgrade", "uris"),  # of reindex
    *("restart", "max_steps", "version", "workbench"),  # of train
    *("temperature", "generator_model", "endpoint", "cache"),  # of evaluate workbench and data build
}
NOT_MODULES = {"skillsearch.toml", "skillsearch.json", "skillsearch.commands"}

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_pages_are_what_the_code_gives() -> None:
    for path, text in _generator().pages().items():
        assert path.read_text(encoding="utf-8") == text, f"{path} is out of date: run `make docs`"


def test_the_readme_fits_a_screen() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 90


@pages
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"\w+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        assert path.exists(), f"{page}: there is no {target}"
        if anchor:
            assert anchor in _anchors(path), f"{page}: {path} has no heading for #{anchor}"


@pages
def test_commands_take_the_options_that_are_shown(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for line in _shell_lines(text):
        if (match := COMMAND.search(line)) and "[OPTIONS]" not in line:
            _check_command(page, shlex.split(match[1], comments=True))
    for code in re.findall(r"`skillsearch ([^`]+)`", FENCE.sub("", text)):
        _check_command(page, code.split())


@pages
def test_python_compiles_and_imports_what_there_is(page: Path) -> None:
    for language, code in FENCE.findall(page.read_text(encoding="utf-8")):
        if language == "python":
            compile(code, str(page), "exec")
            for module, names in re.findall(r"from ((?:skillsearch|indexer|trainer)\S*) import (.+)", code):
                for name in names.split(", "):
                    assert pkgutil.resolve_name(f"{module}:{name}") is not None


@pages
def test_files_and_names_are_there(page: Path) -> None:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    for file in FILE.findall(text):
        assert (ROOT / file).exists(), f"{page} names {file}"
    for name in NAME.findall(text):
        assert name in NOT_MODULES or _resolves(name), f"{page} names {name}"


def test_the_site_builds_without_warnings_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs")
    subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        check=True,
        capture_output=True,
    )
    loaded = r"""<(?:link|script|img|iframe)\b[^>]*?\b(?:href|src)=["']?(?:https?:)?//[^"'\s>]+"""
    for page in tmp_path.rglob("*.html"):
        assert re.findall(loaded, page.read_text(encoding="utf-8")) == []


def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as the site makes them."""
    headings = HEADING.findall(FENCE.sub("", page.read_text(encoding="utf-8")))
    words = (re.sub(r"[^\w\s-]", "", heading).strip().lower() for heading in headings)
    return {re.sub(r"[-\s]+", "-", text) for text in words}


def _shell_lines(text: str) -> Iterator[str]:
    for language, code in FENCE.findall(text):
        if language in ("", "sh", "console"):
            yield from code.replace("\\\n", " ").splitlines()


@cache
def _command_line() -> Any:  # noqa: ANN401 - of the library that typer has inside
    return typer.main.get_command(build_app())


def _check_command(page: Path, words: list[str]) -> None:
    """Check that there is such a command, that it has the options, and that it knows the settings."""
    command, path = _command_line(), ["skillsearch"]
    while hasattr(command, "commands") and words and words[0] in command.commands:
        path.append(words[0])
        command = command.commands[words.pop(0)]
    where = f"{page}: {' '.join(path)}"
    named = not words or not hasattr(command, "commands") or words[0].startswith("-") or words[0] == "COMMAND"
    assert named, f"{where} has no command {words[0]}"
    known = {"-h", "--help"}.union(*(param.opts + param.secondary_opts for param in command.params))
    for word, following in pairwise([*words, ""]):
        if re.match(r"--?[a-z]", word):
            assert word in known, f"{where} has no option {word}"
        if word == "--set":
            assert following.partition("=")[0] in _settings(), f"{where} takes no {following}"


@cache
def _settings() -> set[str]:
    """Everything that `--set` takes with some command."""
    recipes = (ROOT / "docs" / "reference" / "recipes.md").read_text(encoding="utf-8")
    return OWN_SETTINGS.union(Settings.model_fields, re.findall(r"^\| `([\w.]+)`", recipes, re.MULTILINE))


def _resolves(name: str) -> bool:
    try:
        return pkgutil.resolve_name(name) is not None
    except (ImportError, AttributeError):
        return False
