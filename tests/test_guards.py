"""What is refused without a change: an older release, another language, less than there was."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from edits import held
from hash_encoder import HashEncoder

from indexer.build import reindex
from indexer.builds import prune
from indexer.cli.reindex import reindex as command
from indexer.guards import require_allowed
from indexer.plan import Plan, make_plan
from indexer.target import Target
from skillsearch.errors import IndexOutdatedError, SkillSearchError, StoreError, TaxonomyError
from skillsearch.models.encoder import Encoder
from skillsearch.store.embedded import EmbeddedStore
from skillsearch.store.embedded.files import copy_folder
from skillsearch.store.info import SCHEMA_VERSION
from skillsearch.taxonomy.records import Occupation, Skill, Taxonomy


def acme(version: str = "2", *, skills: int = 36, language: str = "en", name: str = "acme") -> Taxonomy:
    """Some skills, and four occupations."""
    return Taxonomy(
        name,
        version,
        language,
        {f"{name}:s{n}": Skill(f"{name}:s{n}", f"skill {n}") for n in range(skills)},
        {f"{name}:o{n}": Occupation(f"{name}:o{n}", f"job {n}") for n in range(4)},
        (),
        {},
        {},
    )


def planned(new: Taxonomy, *published: Taxonomy) -> Plan:
    encoder = HashEncoder()
    base = held(encoder, *published) if published else None
    return make_plan(Target(new, alias_weight=0), encoder.identity, base)


def refusal(plan: Plan, **options: Any) -> str:  # noqa: ANN401
    with pytest.raises(TaxonomyError) as caught:
        require_allowed(plan, **options)
    return str(caught.value)


# ---- versions and languages ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("published", "release"),
    [("2", "1"), ("1.10.0", "1.9.2"), ("1.1.1", "1.1"), ("2", "2rc1"), ("1.2.0", "1.1.99")],
)
def test_an_older_release_is_refused(published: str, release: str) -> None:
    plan = planned(acme(release), acme(published))
    assert refusal(plan) == (
        f"acme {release} (en) is older than what is published, acme {published} (en): to go back to a build "
        "that is still there use `skillsearch rollback`; to index the older release give --allow-downgrade"
    )
    require_allowed(plan, allow_downgrade=True)


@pytest.mark.parametrize(
    ("published", "release"),
    [("1.9", "1.10"), ("1", "1.0.0"), ("2", "2"), ("spring", "autumn"), ("2", "final"), ("2024-05-01", "1")],
)
def test_a_release_that_is_newer_or_cannot_be_compared_is_not(published: str, release: str) -> None:
    require_allowed(planned(acme(release), acme(published)))


def test_another_language_is_refused_whatever_is_allowed() -> None:
    plan = planned(acme("3", language="de"), acme())
    for options in ({}, {"allow_downgrade": True, "accept_removals": 1000}):
        assert refusal(plan, **options) == (
            "acme 3 (de) is in another language than what is published, acme 2 (en): give the release in "
            "'en', or index it in another home (SKILLSEARCH_HOME)"
        )


def test_another_taxonomy_may_be_older_and_in_another_language() -> None:
    require_allowed(planned(acme("1", language="de", name="other"), acme()))


# ---- removals -----------------------------------------------------------------------------------------


def test_a_twentieth_may_vanish() -> None:
    """Of 40 concepts 2, and not 3."""
    require_allowed(planned(acme("3", skills=34), acme()))
    message = refusal(planned(acme("3", skills=33), acme()))
    assert message == (
        "acme 3 (en) lacks 3 of the 40 concepts of acme 2 (en): if that is right, give --accept-removals 3; "
        "--dry-run --report FILE lists them"
    )


def test_as_many_may_vanish_as_were_accepted() -> None:
    plan = planned(acme("3", skills=10), acme())
    require_allowed(plan, accept_removals=26)
    assert "lacks 26 of the 40" in refusal(plan, accept_removals=25)
    assert "lacks 1 of the 40" in refusal(planned(acme("3", skills=35), acme()), accept_removals=0)
    assert "lacks 2 of the 40" in refusal(planned(acme("3", skills=34), acme()), removed_share=0.04)


def test_occupations_count_too() -> None:
    jobless = acme("3")
    plan = planned(Taxonomy("acme", "3", "en", jobless.skills, {}, (), {}, {}), acme())
    assert "lacks 4 of the 40" in refusal(plan)


def test_an_empty_release_is_refused() -> None:
    empty = Taxonomy("acme", "3", "en", {}, {}, (), {}, {})
    assert "lacks 40 of the 40 concepts" in refusal(planned(empty, acme()))
    assert "acme 3 (en) has no skills" in refusal(planned(empty))


def test_concepts_of_another_taxonomy_do_not_vanish() -> None:
    """36 new URIs in place of all old ones are removals, but not those of the other taxonomy."""
    other = acme("7", name="other")
    require_allowed(planned(acme("3"), other, acme()))
    assert "lacks 36 of the 40" in refusal(planned(acme("3", skills=0), other, acme()))


def test_a_first_release_may_be_anything() -> None:
    require_allowed(planned(acme("0.1", skills=1, language="de")))


# ---- as a command, on files ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory, encoder: Encoder) -> Path:
    folder = tmp_path_factory.mktemp("guards") / "index"
    store = EmbeddedStore(folder)
    reindex(acme(), encoder, store)
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
        ("acme-v1.csv", 36, {}, "acme 1 (en) is older than what is published, acme 2 (en)"),
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
    for dry_run in (False, True):
        with pytest.raises(SkillSearchError) as caught:
            command(
                taxonomy=table(tmp_path / name, skills),
                models=str(models_folder),
                give_way=False,
                dry_run=dry_run,
                **options,
            )
        assert message in str(caught.value)
        assert files(index) == before


@pytest.mark.parametrize(
    ("name", "skills", "options"),
    [("acme-v1.csv", 36, {"allow_downgrade": True}), ("acme-v3.csv", 33, {"accept_removals": 3})],
)
def test_what_was_asked_for_is_done(
    index: Path, models_folder: Path, tmp_path: Path, name: str, skills: int, options: dict[str, Any]
) -> None:
    path = table(tmp_path / name, skills)
    command(taxonomy=path, models=str(models_folder), device="cpu", give_way=False, **options)
    store = EmbeddedStore(index)
    (part,) = store.published().info.parts
    assert (f"acme-v{part.version}.csv", part.skills) == (name, skills)
    assert store.published().count("skills") == skills
    store.close()


# ---- what another program wrote -----------------------------------------------------------------------


def describe(index: Path, **changes: object) -> str:
    """Change the description of the published build; its name."""
    name = (index / "CURRENT").read_text().strip()
    path = index / "builds" / name / "build.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return name


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"schema_version": SCHEMA_VERSION + 1, "program": "9.9"},
            f"was written by a newer skillsearch (9.9, schema {SCHEMA_VERSION + 1}); this one reads schema",
        ),
        ({"dimension": 384}, "has vectors of 384 numbers, this program makes and searches 1024"),
    ],
)
def test_an_index_that_cannot_be_read_is_not_overwritten(
    index: Path, models_folder: Path, tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    describe(index, **changes)
    before = files(index)
    for full in (False, True):
        with pytest.raises(StoreError) as caught:
            command(
                taxonomy=table(tmp_path / "acme-v3.csv", 36),
                models=str(models_folder),
                give_way=False,
                full=full,
            )
        assert message in str(caught.value)
        assert not isinstance(caught.value, IndexOutdatedError)
        assert files(index) == before


def test_an_older_index_is_built_again_in_full(index: Path, encoder: Encoder) -> None:
    """The old build stays, for the older program to go back to; it is neither listed nor removed."""
    old = describe(index, schema_version=SCHEMA_VERSION - 1, program="0.0.1", dimension=384)
    store = EmbeddedStore(index)
    with pytest.raises(IndexOutdatedError, match=r"older skillsearch \(0\.0\.1, schema 1\).*reindex`"):
        store.published()
    report = reindex(acme("3"), encoder, store)
    assert (report.embedded, report.build.base, report.build.replaced) == (40, None, None)
    assert store.published().info == report.build
    assert store.builds() == [report.build]
    assert prune(store, 1) == []
    assert (index / "builds" / old).is_dir()
    store.close()
