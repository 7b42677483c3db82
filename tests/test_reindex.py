"""The walk of a release through a reindex: read, overlay, lock, plan, guards, build, check, publish."""

from pathlib import Path
from typing import Any

import pytest

from indexer.read.esco import sample_path
from indexer.reindex import ReindexReport, ReindexRequest, reindex
from skillsearch.errors import (
    ConfigurationError,
    ModelError,
    SkillSearchError,
    StoreLockedError,
    TaxonomyError,
)
from skillsearch.progress import Advance
from skillsearch.store.embedded import EmbeddedStore

PLAIN = "uri,label,kind,essential_for\nacme:s1,weld,,acme:o1\nacme:s2,grind,,\nacme:o1,welder,occupation,\n"
OVERLAY = '[[pin]]\nuri = "acme:s1"\nlabel = "welding"\n[[hide]]\nuri = "acme:s9"\n'


class Heard:
    """The stages of a run, and how far each came; tries to take the lock as each begins."""

    def __init__(self, store: EmbeddedStore) -> None:
        self.stages: dict[str, tuple[int | None, int]] = {}
        self.locked: list[str] = []
        self._store = store

    def __call__(self, stage: str, total: int | None = None, /) -> Advance:
        self.stages[stage] = (total, 0)
        try:
            with self._store.lock("another"):
                pass
        except StoreLockedError:
            self.locked.append(stage)

        def advance(done: int, note: str = "", /) -> None:
            self.stages[stage] = (total, self.stages[stage][1] + done)

        return advance


@pytest.fixture
def store(tmp_path: Path) -> EmbeddedStore:
    return EmbeddedStore(tmp_path / "index")


@pytest.fixture
def acme(tmp_path: Path) -> Path:
    """A folder with a taxonomy in two versions, and an overlay."""
    (tmp_path / "acme-v1.csv").write_text(PLAIN, encoding="utf-8")
    (tmp_path / "acme-v2.csv").write_text(PLAIN.replace("grind", "grind by hand"), encoding="utf-8")
    (tmp_path / "team.toml").write_text(OVERLAY, encoding="utf-8")
    return tmp_path


def walk(store: EmbeddedStore, models: Path, **fields: Any) -> tuple[ReindexReport, Heard]:  # noqa: ANN401
    heard = Heard(EmbeddedStore(store._folder))
    request = ReindexRequest(models=str(models), device="cpu", **fields)
    return reindex(request, store, heard), heard


def test_a_release_is_published(store: EmbeddedStore, models_folder: Path) -> None:
    done, heard = walk(store, models_folder, esco=(sample_path(),), version="1.0.0")
    assert done.published is not None
    assert (done.published.embedded, done.published.build) == (412 + 44, store.current())
    assert (str(done.release.taxonomy), done.release.skipped) == ("esco 1.0.0 (en)", ())
    assert (done.refusal, done.kept_overlay, done.plan.overlay_problems) == (None, None, ())
    assert done.to_dict().keys() == {"plan", "build", "embedded", "is_new", "seconds", "bytes_on_disk"}
    assert heard.stages == {
        "read": (1, 1),
        "plan": (None, 456),
        "load the encoder": (1, 1),
        "embed": (456, 456),
        "write": (0, 0),
        "check": (456, 456),
        "publish": (1, 1),
    }
    assert heard.locked == ["plan", "load the encoder", "embed", "write", "check", "publish"]

    again, heard = walk(store, models_folder, esco=(sample_path(),), version="1.0.0")
    assert again.published is not None
    assert (again.published.is_new, again.published.build) == (False, done.published.build)
    assert list(heard.stages) == ["read", "plan", "load the encoder"]


def test_a_dry_run_plans_and_changes_nothing(store: EmbeddedStore, models_folder: Path, acme: Path) -> None:
    report = acme / "report.jsonl"
    planned, heard = walk(store, models_folder, taxonomy=acme / "acme-v1.csv", dry_run=True, report=report)
    assert (planned.published, planned.refusal) == (None, None)
    assert planned.to_dict() == planned.plan.to_dict()
    assert planned.plan.to_embed("skills") == ("acme:s1", "acme:s2")
    assert (list(heard.stages), heard.locked) == (["read", "plan"], [])
    assert len(report.read_text(encoding="utf-8").splitlines()) == 3
    assert store.builds() == []


def test_the_published_overlay_is_kept_until_it_is_dropped(
    store: EmbeddedStore, models_folder: Path, acme: Path
) -> None:
    problem = "team.toml, [[hide]] 1: 'acme:s9' is not in acme 1 (en)"
    first, _ = walk(store, models_folder, taxonomy=acme / "acme-v1.csv", overlay=acme / "team.toml")
    assert (first.kept_overlay, first.plan.overlay_problems) == (None, (problem,))
    second, _ = walk(store, models_folder, taxonomy=acme / "acme-v2.csv")
    assert second.kept_overlay == "team.toml"
    assert second.plan.overlay_problems == (problem.replace("acme 1", "acme 2"),)
    assert second.plan.to_embed("skills") == ("acme:s2",)
    assert store.published().fetch("skills", ["acme:s1"])["acme:s1"]["label"] == "welding"
    third, _ = walk(store, models_folder, taxonomy=acme / "acme-v2.csv", overlay="none")
    assert (third.kept_overlay, third.plan.info.parts[0].overlay) == (None, None)
    assert third.plan.to_embed("skills") == ("acme:s1",)


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"esco": ("gone.zip",)}, TaxonomyError, "gone.zip: no such file or folder"),
        ({"taxonomy": "broken-v1.csv"}, TaxonomyError, "broken-v1.csv: no skills, expected one"),
        ({"sample": True, "overlay": "broken.toml"}, TaxonomyError, "broken.toml: not valid TOML"),
        ({"sample": True, "golden": "broken.csv"}, TaxonomyError, "broken.csv, row 1, column title: missing"),
        ({"sample": True, "models": "gone"}, ModelError, "no models at gone"),
        ({"sample": True, "report": "report.txt"}, ConfigurationError, "ends in .csv or .jsonl"),
        ({"sample": True, "esco": ("a.zip",)}, ConfigurationError, "give one of --esco"),
        ({}, ConfigurationError, "give one of --esco"),
    ],
)
def test_what_cannot_be_read_leaves_the_index_as_it_is(
    store: EmbeddedStore, models_folder: Path, fields: dict[str, Any], error: type, message: str
) -> None:
    for name in ("broken-v1.csv", "broken.toml", "broken.csv"):
        Path(name).write_text("uri,label\n,weld\n", encoding="utf-8")
    with pytest.raises(SkillSearchError) as caught:
        walk(store, **{"models": models_folder} | fields)
    assert type(caught.value) is error
    assert message in str(caught.value)
    assert store.builds() == []
