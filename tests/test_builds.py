"""Builds after they were made: listed, gone back to, removed, and seen by those who search."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import pytest
from edits import add_skill, change_skill, part_of
from hash_encoder import HashEncoder
from indexing import index_taxonomy
from stores import KINDS, empty_store

from indexer.build import execute
from indexer.builds import prunable, prune, rollback
from indexer.plan import make_plan
from skillsearch.client import SkillSearch
from skillsearch.errors import BuildCheckError, IndexNotFoundError, StoreError, StoreLockedError
from skillsearch.progress import Advance, silent
from skillsearch.settings import load_settings
from skillsearch.store.base import Store
from skillsearch.store.embedded import EmbeddedStore
from skillsearch.store.info import BuildInfo
from skillsearch.store.server import ServerStore
from skillsearch.taxonomy.records import Skill, Taxonomy

pytestmark = [
    pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant:UserWarning"),
    pytest.mark.filterwarnings("ignore:Local mode performs exact:UserWarning"),
]


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with empty_store(request.param) as store:
        yield store


@pytest.fixture
def versions(taxonomy: Taxonomy) -> list[Taxonomy]:
    """A small taxonomy, and three versions of it with one more skill each."""
    found = [part_of(taxonomy, 2, 4)]
    for number in range(1, 4):
        added = add_skill(found[-1], Skill(f"new:{number}", f"skill {number}"))
        found.append(replace(added, version=f"1.{number}.0"))
    return found


def index(store: Store, *taxonomies: Taxonomy) -> list[BuildInfo]:
    return [index_taxonomy(taxonomy, HashEncoder(), store).build for taxonomy in taxonomies]


def published(store: Store) -> str:
    return store.published().info.name


def left(store: Store) -> list[str]:
    return [info.name for info in store.builds()]


def fail(store: Store, taxonomy: Taxonomy) -> BuildInfo:
    """A build that does not pass, whatever it holds."""
    with pytest.raises(BuildCheckError):
        index_taxonomy(taxonomy, HashEncoder(), store, margin=-1)
    return store.builds()[-1]


def begin(store: Store, like: BuildInfo) -> BuildInfo:
    """A build that was never finished."""
    info = replace(like, name="begun", created="9999-01-01", state="unfinished", digest="")
    store.draft(info).close()
    return info


# ---- going back ---------------------------------------------------------------------------------------


def test_going_back_once_and_twice(store: Store, versions: list[Taxonomy]) -> None:
    first, second, third = index(store, *versions[:3])
    assert [info.replaced for info in (first, second, third)] == [None, first.name, second.name]
    start = time.perf_counter()
    info = rollback(store)
    assert time.perf_counter() - start < 1
    assert (info.name, published(store)) == (second.name, second.name)
    assert store.published().fetch("skills", ["new:1", "new:2"]).keys() == {"new:1"}
    assert rollback(store).name == published(store) == first.name
    with pytest.raises(StoreError) as caught:
        rollback(store)
    assert str(caught.value) == (
        f"{first.name} replaced no other build: name one with --to; ready are: {second.name}, {third.name}"
    )
    assert rollback(store, third.name).name == published(store) == third.name
    assert left(store) == [first.name, second.name, third.name]


def test_going_back_to_a_build_that_is_not_ready(store: Store, versions: list[Taxonomy]) -> None:
    """Failed, unfinished, or not there at all."""
    with pytest.raises(IndexNotFoundError, match="skillsearch reindex"):
        rollback(store)
    first, second = index(store, *versions[:2])
    failed = fail(store, versions[2])
    begun = begin(store, second)
    for name in ("gone", failed.name, begun.name):
        with pytest.raises(StoreError) as caught:
            rollback(store, name)
        assert str(caught.value) == f"no build {name} is ready to be published; ready are: {first.name}"
    store.remove(first.name)
    with pytest.raises(StoreError, match=f"no build {first.name} is ready to be published; ready are: none"):
        rollback(store)
    assert published(store) == second.name


def test_nothing_is_published_or_removed_while_a_reindex_runs(store: Store, versions: list[Taxonomy]) -> None:
    first, second, third = index(store, *versions[:3])
    with store.lock("reindex of x"):
        with pytest.raises(StoreLockedError, match="reindex of x"):
            rollback(store)
        with pytest.raises(StoreLockedError, match="reindex of x"):
            prune(store, 1)
    assert published(store) == third.name
    assert left(store) == [first.name, second.name, third.name]


def test_an_older_version_that_is_indexed_again_is_published_as_it_is(
    store: Store, versions: list[Taxonomy]
) -> None:
    first, second = index(store, *versions[:2])
    encoder = HashEncoder()
    report = index_taxonomy(versions[0], encoder, store)
    assert (report.build.name, report.is_new, report.embedded) == (first.name, True, 0)
    assert encoder.concepts == []
    assert (published(store), report.build.replaced) == (first.name, second.name)
    assert rollback(store).name == second.name
    assert left(store) == [first.name, second.name]


def test_a_reindex_goes_on_from_what_was_gone_back_to(store: Store, versions: list[Taxonomy]) -> None:
    first, second = index(store, *versions[:2])
    rollback(store)
    encoder = HashEncoder()
    report = index_taxonomy(
        change_skill(versions[0], next(iter(versions[0].skills)), label="x"), encoder, store
    )
    assert (report.build.base, report.build.replaced) == (first.name, first.name)
    assert encoder.concepts == ["x"]
    assert left(store)[:2] == [first.name, second.name]


# ---- removing -----------------------------------------------------------------------------------------


def test_the_published_build_and_the_one_before_are_kept(store: Store, versions: list[Taxonomy]) -> None:
    first, second, third = index(store, *versions[:3])
    failed = fail(store, versions[3])
    begun = begin(store, third)
    assert [info.name for info in prunable(store, 2)] == [first.name, failed.name, begun.name]
    assert len(left(store)) == 5  # nothing is removed by asking
    assert [info.name for info in prune(store, 2)] == [first.name, failed.name, begun.name]
    assert left(store) == [second.name, third.name]
    assert prune(store, 2) == []
    assert rollback(store).name == second.name


def test_the_one_before_is_not_always_the_newest(store: Store, versions: list[Taxonomy]) -> None:
    first, second, third = index(store, *versions[:3])
    rollback(store, first.name)
    (fourth,) = index(store, versions[3])
    assert [info.name for info in prune(store, 3)] == [second.name]
    assert [info.name for info in prune(store, 2)] == [third.name]
    assert left(store) == [first.name, fourth.name]


def test_the_published_build_is_kept_however_old_it_is(store: Store, versions: list[Taxonomy]) -> None:
    first, second, third = index(store, *versions[:3])
    rollback(store, first.name)
    assert [info.name for info in prune(store, 2)] == [second.name]
    assert [info.name for info in prune(store, 1)] == [third.name]
    with pytest.raises(StoreError, match="keep is 0, expected at least 1, since the published build stays"):
        prune(store, 0)
    assert left(store) == [published(store)] == [first.name]


def test_all_that_is_ready_is_kept_where_there_is_room(store: Store, versions: list[Taxonomy]) -> None:
    first, second = index(store, *versions[:2])
    failed = fail(store, versions[2])
    assert [info.name for info in prune(store, 9)] == [failed.name]
    assert left(store) == [first.name, second.name]


def test_a_store_without_a_published_build_can_be_cleared_up(store: Store, versions: list[Taxonomy]) -> None:
    plan = make_plan(versions[0], HashEncoder().folder, None)
    begun = begin(store, plan.info)
    assert [info.name for info in prune(store, 1)] == [begun.name]
    assert prune(store, 1) == []


def test_a_build_that_failed_and_was_removed_is_built_again(store: Store, versions: list[Taxonomy]) -> None:
    index(store, versions[0])
    failed = fail(store, versions[1])
    prune(store, 2)
    (info,) = index(store, versions[1])
    assert info.name != failed.name
    assert info.digest == failed.digest
    assert published(store) == info.name


# ---- listing ------------------------------------------------------------------------------------------


def test_builds_are_listed_with_what_became_of_them(store: Store, versions: list[Taxonomy]) -> None:
    first, second = index(store, *versions[:2])
    failed = fail(store, versions[2])
    begun = begin(store, second)
    assert store.builds() == [first, second, failed, begun]
    assert [info.state for info in store.builds()] == ["ready", "ready", "failed", "unfinished"]
    assert [info.taxonomies for info in store.builds()[:2]] == ["sample 1.0.0 (en)", "sample 1.1.0 (en)"]
    assert [(info.skills, info.occupations) for info in store.builds()[:2]] == [(4, 2), (5, 2)]
    assert "recall on the golden set" in failed.problem
    assert first.name.startswith("sample-1.0.0__hash-")


# ---- those who search ---------------------------------------------------------------------------------


def neighbour(store: Store) -> Store:
    """As another process has it."""
    if isinstance(store, EmbeddedStore):
        return EmbeddedStore(store._folder)
    return ServerStore(cast(ServerStore, store).connection)


def test_a_client_sees_what_is_published_at_its_next_query(store: Store, versions: list[Taxonomy]) -> None:
    """The label that the title names is the first hit where the skill is there."""
    first, second = index(store, *versions[:2])
    encoder = HashEncoder()
    client = SkillSearch(neighbour(store), encoder, None, load_settings())

    def found(title: str) -> tuple[str, str, str]:
        result = client.search(title, limit=1, rerank=False)
        (version,) = result.versions.taxonomies
        return result.hits[0].uri, version.version, result.versions.build

    label = next(iter(versions[0].skills.values())).label
    assert found("skill 1") == ("new:1", "1.1.0", second.name)
    (third,) = index(store, versions[2])
    assert found("skill 2") == ("new:2", "1.2.0", third.name)
    rollback(store)
    assert found("skill 1") == ("new:1", "1.1.0", second.name)
    assert found("skill 2")[0] != "new:2"
    rollback(store)
    assert found(label) == (next(iter(versions[0].skills)), "1.0.0", first.name)
    prune(store, 1)
    assert found(label)[2] == first.name


def test_a_search_that_holds_a_build_ends_with_it(store: Store, versions: list[Taxonomy]) -> None:
    index(store, *versions[:2])
    build = neighbour(store).published()
    rollback(store)
    assert build.fetch("skills", ["new:1"]).keys() == {"new:1"}
    assert build.count("skills") == 5


def test_a_complete_build_of_the_same_content_takes_its_place(store: Store, versions: list[Taxonomy]) -> None:
    (first,) = index(store, versions[0])
    encoder = HashEncoder()
    report = index_taxonomy(versions[0], encoder, store, full=True)
    assert (report.is_new, report.embedded, len(encoder.concepts)) == (True, 6, 6)
    assert report.build.digest == first.digest
    assert (report.build.base, report.build.replaced) == (None, first.name)
    assert published(store) == report.build.name != first.name
    assert rollback(store).name == first.name


@pytest.mark.parametrize("when", ["before", "publish"])
def test_what_another_writer_published_meanwhile_is_not_replaced(
    store: Store, versions: list[Taxonomy], when: str
) -> None:
    """As when a process was held up so long that its lock was taken for that of a dead one."""
    first, second = (info.name for info in index(store, *versions[:2]))
    encoder = HashEncoder()
    plan = make_plan(versions[2], encoder.folder, store.published())
    assert published(store) == second

    def intrude(stage: str, total: int | None = None, /) -> Advance:
        if stage == when:
            store.publish(first)
        return silent(stage, total)

    intrude("before")
    with pytest.raises(StoreError, match="another build was published since the plan was made"):
        execute(plan, encoder, store, margin=1.0, progress=intrude)
    assert published(store) == first
    assert bool(encoder.texts) == (when == "publish")
