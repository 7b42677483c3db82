"""Searches that run while the index moves: none fails, and none mixes two versions."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from indexing import index_taxonomy
from qdrant_rest import QdrantRest

from indexer.builds import rollback
from skillsearch import SearchResult, SkillSearch
from skillsearch.models.protocols import Encoder
from skillsearch.settings import load_settings
from skillsearch.store import open_store
from skillsearch.taxonomy.records import Taxonomy

THREADS = 4
TITLES = ("Data Scientist", "Chef", "Nurse", "Electrician")


@pytest.fixture(params=["embedded", "stand-in"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, object]]:
    """Settings that name a store."""
    if request.param == "embedded":
        yield {"home": tmp_path}
        return
    with QdrantRest() as server:
        yield {"home": tmp_path, "qdrant_url": server.url}


@pytest.fixture
def versions(taxonomy: Taxonomy) -> tuple[Taxonomy, Taxonomy]:
    """The sample, and a version in which every label says that it is the new one."""
    skills = {uri: replace(skill, label=f"{skill.label} (new)") for uri, skill in taxonomy.skills.items()}
    return taxonomy, replace(taxonomy, version="2.0.0", skills=skills)


def test_searches_go_on_while_the_index_moves(
    place: dict[str, object],
    versions: tuple[Taxonomy, Taxonomy],
    encoder: Encoder,
    models_folder: Path,
) -> None:
    """Four threads search during a whole reindex and a rollback, with clients of their own."""
    old, new = versions
    settings = load_settings(**place, models=str(models_folder), device="cpu")
    store = open_store(settings)
    first = index_taxonomy(old, encoder, store).build.name
    with Searching(settings) as searching:
        searching.wait_for(lambda: searching.count() > 2 * THREADS)
        # without the quality gate: what random models find changes with every label
        second = index_taxonomy(new, encoder, store, margin=1.0).build.name
        searching.wait_for(lambda: searching.last_of_all() == {second})
        rollback(store)
        searching.wait_for(lambda: searching.last_of_all() == {first})
    assert searching.errors == []
    for result in searching.results:
        versions_told = {version.version for version in result.versions.taxonomies}
        assert versions_told == {"1.0.0" if result.versions.build == first else "2.0.0"}
        assert {hit.label.endswith("(new)") for hit in result} == {result.versions.build == second}
    alike = {(result.title, result.versions.build): result.hits for result in searching.results}
    assert len(alike) == 2 * len(TITLES)
    for result in searching.results:
        assert result.hits == alike[result.title, result.versions.build]
    store.close()


class Searching:
    """Threads that search until they are told to stop, and keep all that they found."""

    def __init__(self, settings: object) -> None:
        self.results: list[SearchResult] = []
        self.errors: list[BaseException] = []
        self._last: dict[int, str] = {}
        self._client = SkillSearch.open(settings)  # type: ignore[arg-type]
        self._stop, self._news = threading.Event(), threading.Condition()
        self._threads = [threading.Thread(target=self._search, args=(one,)) for one in range(THREADS)]

    def count(self) -> int:
        return len(self.results)

    def last_of_all(self) -> set[str]:
        """The builds that answered the last search of each thread."""
        return set(self._last.values())

    def wait_for(self, condition: Callable[[], bool]) -> None:
        with self._news:
            assert self._news.wait_for(lambda: self.errors or condition(), timeout=60), "nothing happened"

    def __enter__(self) -> "Searching":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._client.close()

    def _search(self, number: int) -> None:
        while not self._stop.is_set():
            try:
                result = self._client.search(TITLES[number], limit=20, depth=30)
            except BaseException as error:
                self.errors.append(error)
                return
            finally:
                with self._news:
                    self._news.notify_all()
            self.results.append(result)
            self._last[number] = result.versions.build
            self._stop.wait(0.01)
