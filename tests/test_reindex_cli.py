"""Reindexing as a person does it, command by command."""

import csv
import hashlib
import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from command import run
from rich.console import Console

from indexer.cli.tables import builds_table
from indexer.reindex import ReindexRequest, reindex
from skillsearch.errors import ConfigurationError, ModelError
from skillsearch.store.embedded import EmbeddedStore
from skillsearch.store.embedded.files import copy_folder
from skillsearch.store.info import BuildInfo, Part
from skillsearch.taxonomy.records import Taxonomy

VERSION_1 = """\
uri,label,kind,description,broader,essential_for,optional_for
acme:s1,operate the press,,,,acme:o1,
acme:s2,change the press tool,,,acme:s1,,
acme:s3,clean the machine,,,,,acme:o1
acme:s5,pack goods,,,,acme:o2,
acme:o1,press operator,occupation,,,,
acme:o2,packer,occupation,,,,
"""
VERSION_2 = """\
uri,label,kind,description,broader,essential_for,optional_for
acme:s1,operate the press,,With both hands.,,acme:o1,
acme:s2,change the tool,,,acme:s1,,
acme:s3,clean the machine,,,,acme:o1,
acme:s4,load goods,,,,,acme:o2
acme:o1,press operator,occupation,,,,
acme:o2,packer,occupation,,,,
"""
OVERLAY = """
[[skill]]
uri = "team:s1"
label = "work by hand"
essential_for = "acme:o1"

[[pin]]
uri = "acme:s3"
label = "clean machines"

[[hide]]
uri = "acme:s9"
"""
PROBLEM = "overlay: team.toml, [[hide]] 1: "


@dataclass(frozen=True)
class Made:
    """A home, and what was printed when its index was made."""

    home: Path
    sample: dict[str, Any]
    acme: dict[str, Any]
    told: str


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def asked(*arguments: str, home: Path) -> Any:  # noqa: ANN401 - any JSON
    done = run(*arguments, "--json", home=home)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, models_folder: Path) -> Made:
    """The sample, then a taxonomy of one's own with an overlay."""
    home = tmp_path_factory.mktemp("reindexed")
    models = ("--set", f"models={models_folder}", "--set", "device=cpu", "--json")
    first = run("reindex", "--sample", *models, home=home)
    assert first.returncode == 0, first.stderr
    plain = write(home / "acme-v1.csv", VERSION_1)
    overlay = write(home / "team.toml", OVERLAY)
    second = run("reindex", "--taxonomy", plain, "--overlay", overlay, *models, home=home)
    assert second.returncode == 0, second.stderr
    return Made(home, json.loads(first.stdout), json.loads(second.stdout), second.stderr)


@pytest.fixture
def home(made: Made, tmp_path: Path) -> Path:
    """A copy, to be changed."""
    copy_folder(made.home, tmp_path / "copy")
    return tmp_path / "copy"


def files(home: Path) -> dict[str, str]:
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((home / "index").rglob("*"))
        if path.is_file()
    }


def test_two_taxonomies_in_one_index(made: Made) -> None:
    assert made.sample["plan"]["counts"]["skills"]["added"] == 412
    assert (made.sample["embedded"], made.sample["is_new"]) == (412 + 44, True)
    assert made.sample["build"]["state"] == "ready"
    assert made.sample["build"]["quality"]["titles"] == 44
    assert made.sample["bytes_on_disk"] > 1e6
    assert set(made.sample["seconds"]) == {"embed and write", "check", "publish"}

    acme, sample = made.acme["build"]["parts"]
    assert [acme["taxonomy"], acme["version"], sample["version"]] == ["acme", "1", "1.0.0"]
    assert (acme["skills"], acme["occupations"], sample["skills"]) == (5, 2, 412)  # one is private
    assert made.acme["embedded"] == 7
    assert made.acme["build"]["base"] == made.acme["build"]["replaced"] == made.sample["build"]["name"]
    assert acme["overlay"]["source"] == "team.toml"
    assert sample["overlay"] is None
    assert "read acme 1 (en): 4 skills, 2 occupations" in made.told
    assert PROBLEM in made.told
    assert "acme:s9" in made.told


def found(home: Path, models_folder: Path, *filters: str) -> list[tuple[str, str]]:
    done = asked(
        *("search", "operate the press", "-n", "500", "--reranker", "none", "--set", "depth=500"),
        *("--set", f"models={models_folder}", "--set", "device=cpu", *filters),
        home=home,
    )
    return [(hit["uri"], hit["label"]) for hit in done["hits"]]


def test_taxonomies_are_searched_together_and_apart(made: Made, models_folder: Path) -> None:
    together = found(made.home, models_folder)
    assert len(together) == 412 + 5
    assert together[0] == ("acme:s1", "operate the press")
    apart = found(made.home, models_folder, "--filter", "taxonomy=acme")
    assert [hit for hit in together if hit[0].startswith(("acme:", "team:"))] == apart
    assert sorted(apart) == [
        ("acme:s1", "operate the press"),
        ("acme:s2", "change the press tool"),
        ("acme:s3", "clean machines"),
        ("acme:s5", "pack goods"),
        ("team:s1", "work by hand"),
    ]


COLUMNS = ("uri", "kind", "fate", "label_before", "label_after")
LISTS = ("fields", "became_essential", "became_optional", "lost")
NEEDED = ("skills_essential", "skills_optional")
REPORT: tuple[tuple[Any, ...], ...] = (
    ("acme:s1", "skill", "payload only", "operate the press", "operate the press", ("description",)),
    ("acme:s2", "skill", "embedded again", "change the press tool", "change the tool", ("label",)),
    (
        *("acme:s3", "skill", "payload only", "clean machines", "clean machines"),
        *(("occupations_essential", "occupations_optional"), ("acme:o1",)),
    ),
    ("acme:s4", "skill", "added", None, "load goods", (), (), ("acme:o2",)),
    ("acme:s5", "skill", "removed", "pack goods", None, (), (), (), ("acme:o2",)),
    ("team:s1", "skill", "unchanged", "work by hand", "work by hand"),
    ("acme:o1", "occupation", "payload only", "press operator", "press operator", NEEDED),
    ("acme:o2", "occupation", "payload only", "packer", "packer", NEEDED),
)


def expected_rows() -> list[dict[str, Any]]:
    lists: dict[str, Any] = {name: [] for name in LISTS}
    rows = [dict(zip((*COLUMNS, *LISTS), row, strict=False)) for row in REPORT]
    return [
        lists | {name: list(value) if name in LISTS else value for name, value in row.items()} for row in rows
    ]


def test_a_dry_run_tells_and_changes_nothing(made: Made, models_folder: Path, tmp_path: Path) -> None:
    before = files(made.home)
    plain = write(tmp_path / "acme-v2.csv", VERSION_2)
    arguments = ("reindex", "--taxonomy", plain, "--dry-run", "--set", f"models={models_folder}")
    lines, rows = tmp_path / "report.jsonl", tmp_path / "report.csv"

    refused = run(*arguments, "--report", str(rows), home=made.home, COLUMNS="100")
    assert refused.returncode == 1
    assert "lacks 1 of the 7 concepts of acme 1 (en)" in refused.stderr
    assert "--accept-removals 1" in refused.stderr
    blocked = run(*(word for word in arguments if word != "--dry-run"), home=made.home, COLUMNS="100")
    assert blocked.returncode == 1
    assert blocked.stderr.index("read acme 2") < blocked.stderr.index("--accept-removals 1")
    shown = [line.strip() for line in refused.stdout.splitlines()]
    assert shown[:2] == [
        "published: acme 1 (en) + sample 1.0.0 (en)",
        "planned:   acme 2 (en) + sample 1.0.0 (en)",
    ]
    counts = {tuple(line.rsplit(maxsplit=2)) for line in shown if line[-1:].isdigit()}
    assert counts >= {
        ("added", "1", "0"),
        ("removed", "1", "0"),
        ("embedded again", "1", "0"),
        ("payload only", "2", "2"),
        ("unchanged", "1", "0"),
        ("other taxonomies", "412", "44"),
    }
    assert any(line.startswith("change the press tool → change the tool") for line in shown)
    assert all(len(line) <= 100 for line in refused.stdout.splitlines())

    done = run(*(*arguments, "--accept-removals", "1", "--json", "--report", str(lines)), home=made.home)
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    assert plan["base"] == made.acme["build"]["name"]
    assert list(plan["counts"]["skills"].items()) == [
        *(("added", 1), ("removed", 1), ("embedded again", 1), ("payload only", 2), ("unchanged", 1))
    ]
    assert list(plan["shifts"].values()) == [1, 1, 1, 0, 0, 0]
    assert files(made.home) == before

    assert [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()] == expected_rows()
    with rows.open(encoding="utf-8", newline="") as file:
        assert list(csv.DictReader(file)) == [
            {name: value or "" if name in COLUMNS else "\n".join(value) for name, value in row.items()}
            for row in expected_rows()
        ]


def test_an_overlay_stays_until_it_is_taken_away(
    made: Made, home: Path, models_folder: Path, tmp_path: Path
) -> None:
    """And what was made can be listed, gone back to and removed."""
    plain = write(tmp_path / "acme-v2.csv", VERSION_2)
    arguments = ("reindex", "--taxonomy", plain, "--set", f"models={models_folder}", "--set", "device=cpu")
    kept = run(*arguments, "--accept-removals", "1", "--json", home=home)
    assert kept.returncode == 0, kept.stderr
    assert "overlay: team.toml, as published" in kept.stderr
    assert PROBLEM in kept.stderr
    second = json.loads(kept.stdout)
    (problem,) = second["plan"]["overlay_problems"]
    assert problem.startswith(PROBLEM.removeprefix("overlay: "))
    assert second["embedded"] == 2
    assert second["build"]["parts"][0]["overlay"] == made.acme["build"]["parts"][0]["overlay"]
    assert second["build"]["parts"][0]["skills"] == 5

    bare = run(*arguments, "--overlay", "none", "--accept-removals", "1", home=home, COLUMNS="100")
    assert bare.returncode == 0, bare.stderr
    assert "overlay" not in bare.stderr
    assert "clean machines → clean the machine" in bare.stdout
    status = asked("status", home=home)["published"]
    assert (status["parts"][0]["overlay"], status["parts"][0]["skills"]) == (None, 4)
    assert status["replaced"] == second["build"]["name"]
    assert status["name"] in bare.stdout

    names = [made.sample["build"]["name"], made.acme["build"]["name"], second["build"]["name"]]
    listed = asked("builds", home=home)
    assert [build["name"] for build in listed] == [*names, status["name"]]
    assert [build["published"] for build in listed] == [False, False, False, True]
    assert all(build["bytes"] > 1e6 for build in listed)

    assert asked("rollback", home=home)["published"]["name"] == names[2]
    assert asked("rollback", "--to", names[0], home=home)["published"] == made.sample["build"]
    assert asked("status", home=home)["published"]["name"] == names[0]
    wrong = run("rollback", "--to", "gone", home=home)
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert "no build gone is ready to be published" in wrong.stderr

    removed = {"removed": [names[1], names[2]], "dry_run": True}
    assert asked("prune", "--keep", "2", "--dry-run", home=home) == removed
    assert len(asked("builds", home=home)) == 4
    assert asked("prune", "--keep", "2", home=home) == removed | {"dry_run": False}
    assert run("prune", home=home).stdout == "nothing to remove\n"
    table = run("builds", home=home, COLUMNS="100").stdout
    assert [name in table for name in (*names, status["name"])] == [True, False, False, True]


def test_a_build_that_fails_exits_with_3_and_can_be_let_pass(
    tmp_path: Path, models_folder: Path, taxonomy: Taxonomy
) -> None:
    """Of two titles that are labels, the skill of one is gone in the new version."""
    labels = [skill.label for skill in taxonomy.skills.values()][:120]

    def version(number: int, first: int) -> str:
        rows = [f"acme:s{place},{label}" for place, label in enumerate(labels) if place >= first]
        return write(tmp_path / f"acme-v{number}.csv", "\n".join(["uri,label", *rows]) + "\n")

    golden = write(tmp_path / "golden.csv", f"title,skill\n{labels[0]},acme:s0\n{labels[1]},acme:s1\n")
    models = (
        "--set",
        f"models={models_folder}",
        "--set",
        "device=cpu",
        "--set",
        f"golden={golden}",
        "--json",
    )
    home = tmp_path / "of-its-own"
    first = asked("reindex", "--taxonomy", version(1, 0), *models[:-1], home=home)
    assert (first["build"]["quality"]["recall"], first["embedded"]) == (1.0, 120)

    failed = run("reindex", "--taxonomy", version(2, 1), *models, home=home)
    assert (failed.returncode, failed.stdout) == (3, "")
    assert "failed its checks and was not published: recall on the golden set (file " in failed.stderr
    assert "is 0.500, and 1.000 in the published build; at most 0.02 may be lost" in failed.stderr
    assert "Traceback" not in failed.stderr
    good, bad = asked("builds", home=home)
    assert [build["published"] for build in (good, bad)] == [True, False]
    assert [build["state"] for build in (good, bad)] == ["ready", "failed"]
    assert "is 0.500" in bad["problem"]

    passed = asked("reindex", "--taxonomy", version(2, 1), *models[:-1], "--set", "margin=0.5", home=home)
    build, quality = passed["build"], passed["build"]["quality"]
    assert (passed["embedded"], build["name"], build["state"]) == (0, bad["name"], "ready")
    assert (quality["titles"], quality["recall"], quality["published_recall"]) == (2, 0.5, 1.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give one of --esco, once for each zip or folder, --taxonomy FILE, and --sample"),
        (("--sample", "--set", "language=de"), "go with --taxonomy"),
        (("--sample", "--set", "version=2"), "--set version=… goes with --esco and --taxonomy"),
        (("--sample", "--dry-run", "--report", "/dev/null/r.csv"), "/dev/null/r.csv cannot be written: "),
        (("--sample", "--overlay", "none.toml"), "none.toml: no such file"),
        (("--sample", "--set", "margin=2"), "--set margin '2': Input should be less than or equal to 1"),
        (
            ("--sample", "--set", "allow_downgrade=perhaps"),
            "--set allow_downgrade 'perhaps': Input should be a valid boo",
        ),
        (
            ("--sample", "--set", "colour=red"),
            "--set colour: unknown; expected allow_downgrade, golden, language, margin, ",
        ),
    ],
)
def test_options_that_are_wrong_or_do_not_go_together(
    arguments: tuple[str, ...], message: str, tmp_path: Path, models_folder: Path
) -> None:
    done = run("reindex", *arguments, "--set", f"models={models_folder}", home=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "index" / "CURRENT").exists()


@pytest.mark.parametrize("command", ["reindex", "status", "builds", "rollback", "prune"])
def test_help_has_at_most_twelve_options_and_an_example(command: str, tmp_path: Path) -> None:
    shown = run(command, "--help", home=tmp_path).stdout
    options = re.findall(r"^│ +(--[a-z-]+)", shown, re.MULTILINE)
    assert 1 < len(options) <= 12 + 1  # with --help itself
    assert f"skillsearch {command}" in shown


def test_builds_as_a_table() -> None:
    """Names are whole and lines fit where a terminal has a hundred columns; problems stand below."""
    ready = BuildInfo(
        "esco-1.1.0__compact-encoder-0123abcd__20260102T030405678",
        (Part("acme", "3", "en", 12, 0), Part("esco", "1.1.0", "en", 13_891, 3_008)),
        "compact-encoder",
        *("0123abcd4567ef89", 1, "", "", 1024),
        state="ready",
    )
    failed = replace(
        ready,
        name="esco-1.1.1__compact-encoder-0123abcd__20260102T030405679",
        parts=(Part("esco", "1.1.1", "en", 13_896, 3_007),),
        state="failed",
        problem="2 skills are stored, expected 13,896 [sic]",
    )
    console = Console(width=100)
    with console.capture() as capture:
        console.print(builds_table([ready, failed], ready.name, {ready.name: 123_456_789, failed.name: None}))
    lines = [line.rstrip() for line in capture.get().splitlines() if line.strip()]
    assert max(map(len, lines)) <= 100
    assert [line.split() for line in lines[2:6]] == [
        [ready.name, "13,903", "3,008", "published", "123.5", "MB"],
        ["acme", "3", "(en)", "+", "esco", "1.1.0", "(en)"],
        [failed.name, "13,896", "3,007", "failed", "unknown"],
        ["esco", "1.1.1", "(en)"],
    ]
    assert lines[6:] == ["2 skills are stored, expected 13,896 [sic]"]


@pytest.mark.parametrize(("nice", "expected"), [(None, []), (0, []), (7, [7])])
def test_how_far_it_gives_way(
    nice: int | None, expected: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lowered: list[int] = []
    monkeypatch.setattr("os.nice", lowered.append)
    monkeypatch.setattr("os.sched_setscheduler", lambda *_: pytest.fail("the idle class can starve"))
    request = ReindexRequest(models="none", sample=True, nice=nice)
    with pytest.raises(ModelError):
        reindex(request, EmbeddedStore(tmp_path))
    assert lowered == expected


def test_a_system_without_priorities_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("os.nice")
    with pytest.raises(ConfigurationError, match=r"--nice: this system has no such priorities"):
        reindex(ReindexRequest(models="none", sample=True, nice=7), EmbeddedStore(tmp_path))
