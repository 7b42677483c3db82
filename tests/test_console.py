"""What the command line prints: text of others as it is, one line for an error, nothing when it is quiet."""

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from command import run
from edits import held, small_taxonomy
from hash_encoder import HashEncoder

from indexer.build import BuildReport
from indexer.cli.tables import builds_table, plan_view, report_table
from indexer.plan import make_plan
from skillsearch import SkillSearch, SkillSearchError
from skillsearch.characters import json_text, one_line
from skillsearch.cli.console import error, new_table, note, pairs_table, set_quiet, stdout, warn
from skillsearch.cli.progress import progress_bars
from skillsearch.cli.tables import explanation, result_table
from skillsearch.results import EscoLinks, Reference
from skillsearch.store.info import BuildInfo, Part

EVIL = "[/red]x[bold] :cat: \x1b]8;;http://evil\x07\x1b[2J\x1b]0;title\x9b31m\u202eabc\u2066 \ud83d\r\x00end"
SEEN = "[/red]x[bold] :cat: ]8;;http://evil[2J]0;title31mabc \ufffdend"
STYLE = re.compile(r"\x1b\[[\d;]*m")

INFO = BuildInfo(
    name=EVIL,
    parts=(Part(EVIL, EVIL, "en", 1, 1),),
    encoder=EVIL,
    encoder_fingerprint="0",
    view_version=1,
    created="2026-01-01",
    program="0",
    dimension=3,
    state="failed",
    problem=EVIL,
)


@pytest.fixture(autouse=True)
def _loud_again() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    set_quiet(False)
    root.handlers[:] = handlers
    root.setLevel(level)


def require_plain(text: str) -> None:
    """Check that the text of others is there, and that nothing but styles and lines steers the terminal."""
    left = STYLE.sub("", text)
    assert [char for char in left if not char.isprintable() and char not in "\n\xa0"] == []
    assert "[/red]x[bold]" in left
    assert ":cat:" in left
    text.encode()


def printed(client: SkillSearch) -> dict[str, Callable[[], object]]:
    """Everything that prints the text of others."""
    result = client.search("Chef", limit=2)
    hit = replace(
        result[0],
        uri=EVIL,
        label=EVIL,
        aliases=(EVIL, EVIL),
        description=EVIL,
        skill_type=EVIL,
        reuse_level=EVIL,
        collections=(EVIL,),
        links=EscoLinks((Reference(EVIL, EVIL, EVIL),), (), ()),
        features={EVIL: 1.0},
        contributions={EVIL: 1.0},
    )
    versions = replace(result.versions, blender=EVIL)
    result = replace(result, title=EVIL, hits=(hit,), notes=(EVIL,), versions=versions, demand_weight=1.0)
    whole = EVIL.replace("\ud83d", "")  # half of a pair cannot be indexed
    old, new = small_taxonomy("1", {"x": "before"}), small_taxonomy(f"2{whole}", {"x": whole, "y": whole})
    plan = make_plan(new, HashEncoder().folder, held(HashEncoder(), old))
    cells = new_table(EVIL, EVIL)
    cells.add_column(EVIL)
    cells.add_row(EVIL)
    return {
        "result": lambda: stdout().print(result_table(result)),
        "explanation": lambda: stdout().print(explanation(result, hit)),
        "status": lambda: stdout().print(pairs_table(EVIL, {EVIL: EVIL})),
        "builds": lambda: stdout().print(builds_table([INFO], None, {})),
        "plan": lambda: stdout().print(plan_view(plan)),
        "report": lambda: stdout().print(report_table(BuildReport(INFO, 1, True))),
        "cells": lambda: stdout().print(cells),
        "line": lambda: stdout().print(f"published: {EVIL}", soft_wrap=True),
        "note": lambda: note(EVIL),
        "warning": lambda: warn(EVIL),
        "error": lambda: error(EVIL),
        "message": lambda: error(str(SkillSearchError(EVIL))),
        "progress": _progress,
    }


def _progress() -> None:
    with progress_bars() as progress:
        progress(EVIL, 1)(1, EVIL)


@pytest.mark.parametrize("terminal", ["1", ""])
def test_the_text_of_others_is_printed_as_it_is(
    client: SkillSearch,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    terminal: str,
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setenv("FORCE_COLOR", terminal)
    for name, show in printed(client).items():
        if name == "progress" and terminal:
            continue  # moves the cursor itself
        show()
        found = "".join(capsys.readouterr())
        require_plain(found)
        assert STYLE.search(found) or not terminal or name in {"line", "note"}
    error(EVIL)
    assert STYLE.sub("", capsys.readouterr().err) == f"error: {SEEN}\n"


def test_a_home_with_markup_in_its_name(tmp_path: Path) -> None:
    done = run("status", home=tmp_path / "[/red]home")
    assert done.returncode == 1
    assert "[/red]home" in done.stderr


def test_json_can_be_printed() -> None:
    text = json_text({"label": "\ud83d\x9b\u202e é\x1b"})
    assert text == '{"label": "\\ud83d\\u009b\\u202e é\\u001b"}'


def test_an_error_is_one_printable_line_of_bounded_length() -> None:
    assert str(SkillSearchError("two\r\n  lines\u2028\n\n and \ttabs\x1b[2J")) == "two lines and \ttabs[2J"
    message = str(SkillSearchError("begin " + "x" * 120_000 + " what to do"))
    assert len(message) == 2000
    assert message.startswith("begin x")
    assert message.endswith("x what to do")
    assert one_line("a" * 2000) == "a" * 2000


def test_the_version(tmp_path: Path) -> None:
    done = run("--version", home=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"skillsearch \d+\.\d+\.\d+\n", done.stdout)


def test_logs_are_shown_when_asked_for(home: Path, models_folder: Path) -> None:
    search = ("search", "Chef", "-n", "1", "--set", f"models={models_folder}")
    plain, told, all_of_it = (run(*how, *search, home=home).stderr for how in ((), ("-v",), ("-vv",)))
    assert "skillsearch.client" not in plain
    assert "INFO" in told
    assert "opened sample-1.0.0" in " ".join(told.split())
    assert "DEBUG" not in told
    assert "searched 'Chef'" in all_of_it


def test_quiet_leaves_errors_and_results(home: Path, models_folder: Path) -> None:
    search = ("search", "Chef", "", "-n", "1", "--set", f"models={models_folder}")
    loud, quiet = run(*search, home=home), run("-q", *search, home=home)
    assert "load index and models" in loud.stderr
    assert "1 of 2 titles failed" in loud.stderr
    assert quiet.stderr == "error: title 2: the title '' is empty: give one such as 'Data Scientist'\n"
    assert quiet.stdout.splitlines()[:-1] == loud.stdout.splitlines()[:-1]  # the last has timings


@pytest.mark.parametrize(
    "arguments",
    [
        ("search", "Chef"),
        ("reindex", "--sample"),
        ("status",),
        ("train", "--sample"),
        ("evaluate", "esco", "--sample"),
        ("prune",),
    ],
)
def test_ctrl_c_is_one_line(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("skillsearch.settings.load_settings", stop)
    monkeypatch.setattr("trainer.cli.train.load_release", stop)
    done = run(*arguments, home=tmp_path)
    assert done.returncode == 130
    assert done.stderr == (
        "stopped by Ctrl-C: what is published is untouched, and the same command can be given again\n"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("search", "Chef", "--set", "home=\udcff"),
        ("search", "Chef", "--set", "\udcff=1"),
        ("search", "Chef", "--filter", "include=\udcff"),
        ("search", "Chef", "--collection", "\udcff"),
        ("search", "--input", "\udcff"),
        ("search", "--input", "\udcff.csv"),
        ("reindex", "--taxonomy", "\udcff"),
        ("train", "--sample", "--set", "encoder.base=\udcff"),
    ],
)
def test_an_argument_that_cannot_be_decoded_is_an_error(arguments: tuple[str, ...], tmp_path: Path) -> None:
    done = run(*arguments, home=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    line.encode()
