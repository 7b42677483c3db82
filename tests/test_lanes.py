"""Lanes: passes run side by side, never more than there are cores, in order; many inputs share them."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from pathlib import Path

import numpy as np
import pytest

from skillsearch import FailedSearch, SearchResult, SkillSearch
from skillsearch.arrays import Float32Array
from skillsearch.errors import QueryError
from skillsearch.models.hub import resolve_model
from skillsearch.models.lanes import Lanes, in_order, lanes
from skillsearch.models.onnx import load_onnx_encoder, load_onnx_pair_scorer
from skillsearch.models.pair import ENCODER, RERANKER
from skillsearch.models.protocols import Encoder

TITLES = ["Data Scientist", "Nurse", "", "Welder", "Chef", None, "Teacher", "Lawyer"]


class Meeting:
    """Work that goes on only once so many threads are in it, and counts how many there were at most."""

    def __init__(self, parties: int) -> None:
        self.most = 0
        self._inside = 0
        self._lock = threading.Lock()
        self._barrier = threading.Barrier(parties)

    def __call__(self, item: int) -> int:
        with self._lock:
            self._inside += 1
            self.most = max(self.most, self._inside)
        self._barrier.wait(20)
        with self._lock:
            self._inside -= 1
        return item * item


def test_passes_of_one_request_run_side_by_side_and_come_in_order() -> None:
    work = Meeting(3)
    assert list(Lanes(3).map(work, range(12))) == [item * item for item in range(12)]
    assert work.most == 3


def test_requests_of_many_threads_share_the_lanes() -> None:
    work, shared = Meeting(2), Lanes(2)
    with ThreadPoolExecutor(8) as requests:
        found = list(requests.map(lambda start: list(shared.map(work, [start])), range(16)))
    assert found == [[item * item] for item in range(16)]
    assert work.most == 2


def test_models_with_as_many_threads_have_the_same_lanes() -> None:
    assert lanes(2) is lanes(2)
    assert lanes(2) is not lanes(3)


def test_a_huge_request_takes_its_items_as_there_is_room() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for item in range(100):
            taken.append(item)
            yield item

    found = Lanes(2).map(lambda item: item, items())
    assert next(found) == 0
    assert len(taken) == 4  # two for each lane


def test_an_error_comes_in_its_place_and_what_has_not_begun_is_dropped() -> None:
    begun: list[int] = []
    hold = threading.Event()

    def work(item: int) -> int:
        begun.append(item)
        if item == 1:
            raise ValueError("item 1")
        return item

    with ThreadPoolExecutor(1) as threads:
        found = in_order(threads, work, range(10), ahead=2)
        assert next(found) == 0
        threads.submit(hold.wait, 20)  # what is submitted after it cannot begin
        with pytest.raises(ValueError, match="item 1"):
            list(found)
        hold.set()
    assert begun == [0, 1]


def test_work_runs_in_the_context_of_its_caller() -> None:
    name = ContextVar("name", default="nobody")
    name.set("caller")
    assert list(Lanes(1).map(lambda _: name.get(), range(2))) == ["caller", "caller"]


def test_any_number_of_lanes_gives_the_same(exported_models: Path) -> None:
    texts = [f"{word} {number}" for number in range(40) for word in ("nurse", "manage a team of welders")]
    pairs = [("data scientist", text) for text in texts]
    folder, other = (resolve_model(str(exported_models / name)) for name in (ENCODER, RERANKER))
    one, two = (load_onnx_encoder(folder, threads=count).encode(texts) for count in (1, 2))
    np.testing.assert_allclose(one, two, atol=1e-5)
    one, two = (
        load_onnx_pair_scorer(other, precision="float32", threads=count).logits(pairs) for count in (1, 2)
    )
    np.testing.assert_allclose(one, two, atol=1e-5)


class Together:
    """An encoder that answers only once two texts are asked for at the same time."""

    def __init__(self, encoder: Encoder) -> None:
        self.folder = encoder.folder
        self._encoder = encoder
        self._barrier = threading.Barrier(2)

    def encode(self, texts: Sequence[str]) -> Float32Array:
        self._barrier.wait(20)
        return self._encoder.encode(texts)


def test_many_titles_are_searched_for_at_a_time(client: SkillSearch, encoder: Encoder) -> None:
    engine = client._engine
    together = SkillSearch(engine.store, Together(encoder), None, engine.settings)  # type: ignore[arg-type]
    alone = SkillSearch(engine.store, encoder, None, engine.settings)
    many = together.search_many(TITLES, limit=5)  # six of them are encoded
    for position, (title, found) in enumerate(zip(TITLES, many, strict=True), start=1):
        if isinstance(found, FailedSearch):
            assert (found.position, found.title) == (position, title)
        else:
            assert found.hits == alone.search(str(title), limit=5).hits
    assert [isinstance(found, SearchResult) for found in many] == [bool(title) for title in TITLES]


def test_strict_raises_at_the_first_that_is_refused(client: SkillSearch) -> None:
    with pytest.raises(QueryError, match=r"^title 3: the title '' is empty"):
        client.search_many(TITLES, strict=True, rerank=False)
