"""What is refused without a change: an older release, another language, less than there was."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from edits import held, small_taxonomy
from hash_encoder import HashEncoder
from indexing import index_taxonomy

from indexer.builds import prune
from indexer.guards import refusal
from indexer.plan import Plan, make_plan
from indexer.reindex import ReindexReport, ReindexRequest, reindex
from skillsearch.errors import IndexOutdatedError, SkillSearchError, StoreError
from skillsearch.models.protocols import Encoder
from skillsearch.store.embedded import EmbeddedStore
from skillsearch.store.embedded.files import copy_folder
from skillsearch.store.info import SCHEMA_VERSION
from skillsearch.taxonomy.records import Taxonomy


def acme(
    version: str = "2", *, skills: int = 36, jobs: int = 4, language: str = "en", name: str = "acme"
) -> Taxonomy:
    """Some skills, and four occupations."""
    return small_taxonomy(
        version,
        {f"{name}:s{n}": f"skill {n}" for n in range(skills)},
        {f"{name}:o{n}": f"job {n}" for n in range(jobs)},
        name=name,
        language=language,
    )


def planned(new: Taxonomy, *published: Taxonomy) -> Plan:
    encoder = HashEncoder()
    return make_plan(new, encoder.folder, held(encoder, *published) if published else None)


# ---- versions and languages ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("published", "release"),
    [("2", "1"), ("1.10.0", "1.9.2"), ("1.1.1", "1.1"), ("2", "2rc1"), ("1.2.0", "1.1.99")],
)
def test_an_older_release_is_refused(published: str, release: str) -> None:
    plan = planned(acme(release), acme(published))
    assert str(refusal(plan)) == (
        f"acme {release} (en) is older than the published acme {published} (en): go back to an earlier build "
        "with `skillsearch rollback`, or give --set allow_downgrade=true to index the older release"
    )
    assert refusal(plan, allow_downgrade=True) is None


@pytest.mark.parametrize(
    ("published", "release"),
    [("1.9", "1.10"), ("1", "1.0.0"), ("2", "2"), ("spring", "autumn"), ("2", "final"), ("2024-05-01", "1")],
)
def test_a_release_that_is_newer_or_cannot_be_compared_is_not(published: str, release: str) -> None:
    assert refusal(planned(acme(release), acme(published))) is None


def test_another_language_is_refused_whatever_is_allowed() -> None:
    plan = planned(acme("3", language="de"), acme())
    for refused in (refusal(plan), refusal(plan, allow_downgrade=True, accept_removals=1000)):
        assert str(refused) == (
            "acme 3 (de) is in another language than the published acme 2 (en): give the release in 'en', or "
            "index it in another home (--set home=…)"
        )


# ---- removals -----------------------------------------------------------------------------------------


def test_a_twentieth_may_vanish_or_as_many_as_were_accepted() -> None:
    """Of 40 concepts 2, and not 3."""
    assert refusal(planned(acme("3", skills=34), acme())) is None
    assert str(refusal(planned(acme("3", skills=33), acme()))) == (
        "acme 3 (en) lacks 3 of the 40 concepts of acme 2 (en): if that is intended, give "
        "--accept-removals 3; --dry-run --report FILE lists them"
    )
    plan = planned(acme("3", skills=10), acme())
    assert refusal(plan, accept_removals=26) is None
    assert "lacks 26 of the 40" in str(refusal(plan, accept_removals=25))
    assert "lacks 1 of the 40" in str(refusal(planned(acme("3", skills=35), acme()), accept_removals=0))


def test_occupations_and_whole_releases_count_too() -> None:
    assert "lacks 4 of the 40" in str(refusal(planned(acme("3", jobs=0), acme())))
    empty = acme("3", skills=0, jobs=0)
    assert "lacks 40 of the 40 concepts" in str(refusal(planned(empty, acme())))
    assert "acme 3 (en) has no skills to index" in str(refusal(planned(empty)))


def test_other_taxonomies_do_not_count() -> None:
    """Neither do their concepts vanish, nor does their version or language matter."""
    other = acme("7", name="other")
    assert refusal(planned(acme("3"), other, acme())) is None
    assert "lacks 36 of the 40" in str(refusal(planned(acme("3", skills=0), other, acme())))
    assert refusal(planned(acme("1", language="de", name="other"), acme())) is None
    assert refusal(planned(acme("0.1", skills=1, language="de"))) is None


# ---- as a use case, on files ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory, encoder: Encoder) -> Path:
    folder = tmp_path_factory.mktemp("guards") / "index"
    store = EmbeddedStore(folder)
    index_taxonomy(acme(), encoder, store)
    store.close()
    return folder


@pytest.fixture
def index(indexed: Path, tmp_path: Path) -> Path:
    """A copy of it, in the home that the settings name."""
    (tmp_path / "home").mkdir()
    copy_folder(indexed, tmp_path / "home" / "index")
    return tmp_path / "home" / "index"


def table(path: Path, skills: int) -> Path:
    lines = [f"acme:s{n},skill {n}," for n in range(skills)] + [
        f"acme:o{n},job {n},occupation" for n in range(4)
    ]
    path.write_text("\n".join(["uri,label,kind", *lines]) + "\n", encoding="utf-8")
    return path


def command(index: Path, taxonomy: Path, models: Path, **options: Any) -> ReindexReport:  # noqa: ANN401
    store = EmbeddedStore(index)
    try:
        return reindex(ReindexRequest(taxonomy=taxonomy, models=str(models), device="cpu", **options), store)
    finally:
        store.close()


def files(index: Path) -> dict[str, str]:
    """All of them but those that say who writes."""
    return {
        str(path.relative_to(index)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(index.rglob("*"))
        if path.is_file() and path.name not in ("LOCK", "HOLDER")
    }


@pytest.mark.parametrize(
    ("name", "skills", "options", "message"),
    [
        ("acme-v1.csv", 36, {}, "acme 1 (en) is older than the published acme 2 (en)"),
        ("acme-v3.csv", 36, {"language": "de"}, "acme 3 (de) is in another language"),
        ("acme-v3.csv", 33, {}, "acme 3 (en) lacks 3 of the 40 concepts of acme 2 (en)"),
        ("acme-v3.csv", 33, {"accept_removals": 2}, "give --accept-removals 3;"),
        ("acme-v3.csv", 33, {"full": True}, "give --accept-removals 3;"),
        ("acme-v3.csv", 0, {}, "acme-v3.csv: "),
    ],
)
def test_a_refused_release_changes_nothing(
    index: Path,
    models_folder: Path,
    tmp_path: Path,
    name: str,
    skills: int,
    options: dict[str, Any],
    message: str,
) -> None:
    before = files(index)
    assert len(before) > 5
    path = table(tmp_path / name, skills)
    with pytest.raises(SkillSearchError) as caught:
        command(index, path, models_folder, **options)
    assert message in str(caught.value)
    if skills:
        told = command(index, path, models_folder, dry_run=True, **options)
        assert str(told.refusal) == str(caught.value)
    assert files(index) == before


@pytest.mark.parametrize(
    ("name", "skills", "options"),
    [("acme-v1.csv", 36, {"allow_downgrade": True}), ("acme-v3.csv", 33, {"accept_removals": 3})],
)
def test_what_was_asked_for_is_done(
    index: Path, models_folder: Path, tmp_path: Path, name: str, skills: int, options: dict[str, Any]
) -> None:
    done = command(index, table(tmp_path / name, skills), models_folder, **options).published
    assert done is not None
    (part,) = done.build.parts
    assert (f"acme-v{part.version}.csv", part.skills) == (name, skills)


# ---- what another program wrote -----------------------------------------------------------------------


def describe(index: Path, **changes: object) -> str:
    """Change the description of the published build; its name."""
    name = (index / "CURRENT").read_text().strip()
    path = index / "builds" / name / "build.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return name


def test_an_index_of_a_newer_program_is_not_overwritten(
    index: Path, models_folder: Path, tmp_path: Path
) -> None:
    describe(index, schema_version=SCHEMA_VERSION + 1, program="9.9")
    before = files(index)
    for full in (False, True):
        with pytest.raises(StoreError) as caught:
            command(index, table(tmp_path / "acme-v3.csv", 36), models_folder, full=full)
        assert (
            f"was written by a newer skillsearch (9.9, schema {SCHEMA_VERSION + 1}); this one reads schema"
            in str(caught.value)
        )
        assert not isinstance(caught.value, IndexOutdatedError)
        assert files(index) == before


def test_an_older_index_is_built_again_in_full(index: Path, encoder: Encoder) -> None:
    """The old build stays, for the older program to go back to; it is neither listed nor removed."""
    old = describe(index, schema_version=SCHEMA_VERSION - 1, program="0.0.1", dimension=384)
    store = EmbeddedStore(index)
    with pytest.raises(IndexOutdatedError, match=r"older skillsearch \(0\.0\.1, schema 1\).*reindex`"):
        store.published()
    report = index_taxonomy(acme("3"), encoder, store)
    assert (report.embedded, report.build.base, report.build.replaced) == (40, None, None)
    assert store.published().info == report.build
    assert store.builds() == [report.build]
    assert prune(store, 1) == []
    assert (index / "builds" / old).is_dir()
    store.close()
