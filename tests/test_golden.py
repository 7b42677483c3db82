"""The golden set and the gate that it makes: reading it, recall by hand, and what passes."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from edits import change_skill, drop_occupation, held, part_of, small_taxonomy
from hash_encoder import HashEncoder, hash_vector
from indexing import index_taxonomy
from stores import KINDS, empty_store

from indexer.checks import check_quality
from indexer.golden import CUTOFF, Golden, read_golden, recall, taxonomy_golden
from skillsearch.errors import BuildCheckError, TaxonomyError
from skillsearch.store.base import Build, ScoredPoint, Store
from skillsearch.store.info import BuildInfo
from skillsearch.taxonomy.records import Taxonomy

pytestmark = [
    pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant:UserWarning"),
    pytest.mark.filterwarnings("ignore:Local mode performs exact:UserWarning"),
]

# ---- reading ------------------------------------------------------------------------------------------


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_a_file_with_titles_and_skills(tmp_path: Path) -> None:
    text = (
        '\ufeffskill,note,title\ns:1,,Chef\ns:2,"a, b", Chef \n\ns:1,,"Head\u2028cook, senior"\ns:1,,Chef\n'
    )
    golden = read_golden(write(tmp_path / "golden.csv", text))
    assert golden.expected == {"Chef": {"s:1", "s:2"}, "Head\u2028cook, senior": {"s:1"}}
    again = read_golden(write(tmp_path / "other.csv", text))
    assert golden.name == again.name
    changed = read_golden(write(tmp_path / "golden.csv", text + "s:3,,Chef\n"))
    assert changed.name != golden.name
    assert golden.name.startswith("file ")
    two_lines = read_golden(write(tmp_path / "golden.csv", 'title,skill\r\n"Head\ncook",s:1\r\n'))
    assert two_lines.expected == {"Head\ncook": {"s:1"}}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", ", row 1, column title: missing; found no header at all; expected columns title, skill"),
        ("title,uri\nChef,s:1\n", ", row 1, column skill: missing; found 'title, uri'"),
        ("title,skill\n\n\n", ": no titles, expected rows with a title and the URI of a skill"),
        ("title,skill\nChef,s:1\nChef\n", ", row 3, column skill: the row ends before this column"),
        ("title,skill\n,s:1\n", ", row 2, column title: empty, expected a value"),
        ("title,skill\nChef, \n", ", row 2, column skill: empty, expected a value"),
        ("title,skill\nChef, senior,s:1\n", ", row 2, column 3: more cells than the header's 2"),
        ('title,skill\n"Chef,s:1\n', ", row 2, column unknown: not valid CSV: "),
        (b"title,skill\nCh\xe9f,s:1\n", ", row 2, column title: byte 0xe9 at offset 14 is not UTF-8"),
    ],
)
def test_broken_files(tmp_path: Path, content: str | bytes, problem: str) -> None:
    path = write(tmp_path / "golden.csv", content)
    with pytest.raises(TaxonomyError) as caught:
        read_golden(path)
    assert str(caught.value).startswith(f"golden.csv{problem}")


def test_a_missing_file_or_a_folder(tmp_path: Path) -> None:
    with pytest.raises(TaxonomyError, match=r"none\.csv: no such file; check the path"):
        read_golden(tmp_path / "none.csv")
    with pytest.raises(TaxonomyError, match="a folder, expected a file"):
        read_golden(tmp_path)


# ---- recall -------------------------------------------------------------------------------------------


@dataclass
class Answers:
    """A build that finds the same for every title, in this order."""

    uris: Sequence[str]
    info: BuildInfo

    def query(
        self, space: str, vector: Sequence[float], limit: int, where: object = None
    ) -> list[ScoredPoint]:
        assert (space, len(vector)) == ("skills", 1024)
        return [ScoredPoint(uri, 0.0, {}) for uri in self.uris[:limit]]

    def fetch(self, space: str, uris: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        return {uri: {} for uri in uris if uri in self.uris}


def answers(count: int, **info: object) -> Build:
    described = BuildInfo("b", (), "hash", HashEncoder().folder.fingerprint, 1, "", "0", 1024)
    return cast(Build, Answers([f"s:{n}" for n in range(count)], replace(described, **cast(Any, info))))


def uris(*numbers: int) -> set[str]:
    return {f"s:{number}" for number in numbers}


def test_recall_by_hand() -> None:
    """The first finds 2 of 3, since the hundred end with s:99; the second 1 of 2; the third all."""
    assert CUTOFF == 100
    golden = Golden("g", {"a": uris(0, 99, 100), "b": uris(7, 500), "c": uris(1)})
    vectors = np.zeros((3, 1024), dtype=np.float32)
    assert recall(answers(200), golden, vectors) == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)


def test_a_title_with_more_skills_than_are_looked_at_can_reach_one() -> None:
    golden = Golden("g", {"a": uris(*range(150))})
    assert recall(answers(200), golden, np.zeros((1, 1024), dtype=np.float32)) == 1.0


def test_what_a_build_knows_of_a_golden_set() -> None:
    golden = Golden("g", {"a": uris(0, 5), "b": uris(5, 6)})
    assert golden.known_to(answers(5)) == Golden("g", {"a": uris(0)})
    assert golden.known_to(answers(6)) == Golden("g", {"a": uris(0, 5), "b": uris(5)})
    assert golden.known_to(answers(0)).expected == {}


def test_the_golden_set_of_a_taxonomy(taxonomy: Taxonomy) -> None:
    """All 44 occupations, whatever their order, each with its essential skills."""
    golden = taxonomy_golden(held(HashEncoder(), taxonomy))
    backwards = replace(
        taxonomy, occupations={uri: taxonomy.occupations[uri] for uri in reversed(list(taxonomy.occupations))}
    )
    assert list(taxonomy_golden(held(HashEncoder(), backwards)).expected.items()) == list(
        golden.expected.items()
    )
    chef = next(uri for uri, one in taxonomy.occupations.items() if one.label == "chef")
    assert golden.expected["chef"] == {
        one.skill for one in taxonomy.relations if one.occupation == chef and one.kind == "essential"
    }
    assert (golden.name, len(golden.expected)) == ("taxonomy", 44)


def test_the_draw_of_a_hundred_does_not_depend_on_what_else_there_is() -> None:
    """Without one of them, the other 99 are drawn again, and one more."""

    def drawn(taxonomy: Taxonomy) -> set[str]:
        return set(taxonomy_golden(held(HashEncoder(), taxonomy)).expected)

    taxonomy = small_taxonomy(
        "1",
        {"s:1": "work"},
        {f"o:{n}": f"job {n}" for n in range(150)},
        [(f"o:{n}", "s:1", "essential" if n % 10 else "optional") for n in range(150)],
    )
    some = drawn(taxonomy)
    assert len(some) == 100
    by_hash = sorted(range(150), key=lambda n: hashlib.sha256(f"o:{n}".encode()).digest())
    assert some == {f"job {n}" for n in [n for n in by_hash if n % 10][:100]}
    assert not any(title.endswith("0") for title in some)  # they need nothing essentially
    gone = min(some)
    other = drawn(drop_occupation(taxonomy, gone.replace("job ", "o:")))
    assert len(other) == 100
    assert len(some & other) == 99


def test_occupations_that_share_a_label_are_one_title() -> None:
    two = small_taxonomy(
        "1",
        {uri: uri for uri in ("s:1", "s:2", "s:3")},
        {"o:1": "smith", "o:2": "smith"},
        [("o:1", "s:1", "essential"), ("o:1", "s:3", "optional"), ("o:2", "s:2", "essential")],
    )
    assert taxonomy_golden(held(HashEncoder(), two)).expected == {"smith": {"s:1", "s:2"}}


# ---- the gate -----------------------------------------------------------------------------------------

FOUR = Golden("file 4", {f"title {n}": uris(n) for n in (10, 20, 30, 40)})


def test_losing_as_much_as_the_margin_passes_and_more_fails() -> None:
    """The published build finds all four, the new one three: 0.25 is lost."""
    encoder = HashEncoder()
    quality = check_quality(answers(40), answers(50), encoder, FOUR, margin=0.25)
    assert quality == {"golden": "file 4", "titles": 4, "recall": 0.75, "published_recall": 1.0}
    with pytest.raises(BuildCheckError) as caught:
        check_quality(answers(40), answers(50), encoder, FOUR, margin=0.24)
    assert str(caught.value).startswith(
        "build b failed its checks and was not published: recall on the golden set (file 4, 4 titles) is "
        "0.750, and 1.000 in the published build; at most 0.24 may be lost (--set margin=…)"
    )
    assert check_quality(answers(50), answers(40), encoder, FOUR, margin=0)["published_recall"] == 0.75


def test_the_first_build_passes_and_one_without_expected_skills_does_not() -> None:
    quality = check_quality(answers(20), None, HashEncoder(), FOUR, margin=0)
    assert quality == {"golden": "file 4", "titles": 4, "recall": 0.25, "published_recall": None}
    with pytest.raises(BuildCheckError, match=r"is 0\.000, and 0\.500 in the published build"):
        check_quality(answers(5), answers(30), HashEncoder(), FOUR)


@pytest.mark.parametrize(
    ("stored", "before"),
    [
        ({"golden": "file 4", "titles": 4, "recall": 0.8}, 0.8),
        ({"golden": "file 5", "titles": 4, "recall": 0.8}, None),
        ({"golden": "file 4", "titles": 0, "recall": None}, None),
        ({}, None),
    ],
)
def test_a_build_of_another_encoder_is_compared_by_the_figure_it_was_given(
    stored: dict[str, object], before: float | None
) -> None:
    """Its vectors cannot be searched with the new encoder, so it is not."""
    published = replace(answers(0).info, encoder_fingerprint="other", quality=stored)
    other = cast(Build, Answers([], published))
    quality = check_quality(answers(40), other, HashEncoder(), FOUR, margin=0.05)
    assert (quality["recall"], quality["published_recall"]) == (0.75, before)
    if before is not None:
        with pytest.raises(BuildCheckError, match=r"is 0\.750, and 0\.800 in the published build"):
            check_quality(answers(40), other, HashEncoder(), FOUR, margin=0.04)


def test_a_golden_set_of_something_else_is_refused() -> None:
    golden = Golden("file 4", {"Chef": {"urn:1"}})
    for published in (answers(5), None):
        with pytest.raises(TaxonomyError, match="names no skill of the index"):
            golden.require_any({"urn:2"}, published)
    golden.require_any({"urn:1"}, None)
    FOUR.require_any({"urn:2"}, answers(30))


def test_a_taxonomy_without_occupations_has_nothing_to_measure(taxonomy: Taxonomy) -> None:
    alone = replace(part_of(taxonomy, 0, 5), relations=())
    build = held(HashEncoder(), alone)
    assert check_quality(build, None, HashEncoder())["recall"] is None


# ---- the gate within a reindex ------------------------------------------------------------------------

EXPECTED = 10


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with empty_store(request.param) as store:
        yield store


def test_a_build_that_fails_is_kept_and_can_be_let_pass(taxonomy: Taxonomy, store: Store) -> None:
    """Each title is the label of the skill that it expects, until half of the skills get another one.

    What such a title then finds depends on the vectors, and is worked out from them.
    """
    first = dict(list(taxonomy.skills.items())[:EXPECTED])
    golden = Golden("file x", {skill.label: {uri} for uri, skill in first.items()})
    renamed = taxonomy
    for uri in list(first)[::2]:
        renamed = change_skill(renamed, uri, label=f"something else: {uri}")
    expected = recall_by_numpy(renamed, golden)
    assert 0.5 <= expected < 0.9
    encoder = HashEncoder()
    published = index_taxonomy(taxonomy, encoder, store, golden=golden).build
    assert _gate(published) == {
        "golden": "file x",
        "titles": EXPECTED,
        "recall": 1.0,
        "published_recall": None,
    }
    with pytest.raises(BuildCheckError, match=f"recall on the golden set .* is {expected:.3f}"):
        index_taxonomy(renamed, encoder, store, golden=golden)
    old, failed = store.builds()
    assert (old, store.published().info) == (published, published)
    assert failed.state == "failed"
    assert failed.problem.startswith(f"build {failed.name} failed its checks and was not published: recall")
    assert store.open(failed.name).count("skills") == 412

    encoder.concepts.clear()
    with pytest.raises(BuildCheckError):  # no new build is made of it
        index_taxonomy(renamed, encoder, store, golden=golden)
    assert [info.name for info in store.builds()] == [old.name, failed.name]
    report = index_taxonomy(renamed, encoder, store, golden=golden, margin=0.6)
    assert (report.embedded, encoder.concepts, report.is_new) == (0, [], True)
    assert store.published().info == report.build
    assert (report.build.name, report.build.state, report.build.problem) == (failed.name, "ready", "")
    assert report.build.replaced == published.name
    assert report.build.quality["published_recall"] == 1.0
    assert report.build.quality["recall"] == round(expected, 4)


def test_a_failed_build_is_not_gone_on_with_where_a_complete_one_is_asked_for(
    taxonomy: Taxonomy, store: Store
) -> None:
    small = part_of(taxonomy, 4, 12)
    uri = next(iter(small.skills))
    golden = Golden("file x", {"title": {uri}})  # which is found, since there are less than a hundred
    encoder = HashEncoder()
    index_taxonomy(small, encoder, store, golden=golden)
    renamed = change_skill(small, uri, label="other")
    with pytest.raises(BuildCheckError):
        index_taxonomy(renamed, encoder, store, golden=golden, margin=-1)
    encoder.concepts.clear()
    report = index_taxonomy(renamed, encoder, store, golden=golden, full=True)
    assert report.embedded == len(encoder.concepts) == len(small.skills) + len(small.occupations)
    assert [info.state for info in store.builds()] == ["ready", "failed", "ready"]


def recall_by_numpy(taxonomy: Taxonomy, golden: Golden) -> float:
    """Over all skills of a taxonomy, with vectors in double precision."""
    known = list(taxonomy.skills)
    vectors = np.stack([hash_vector(taxonomy.skills[uri].label) for uri in known]).astype(np.float64)
    found = []
    for title, expected in golden.expected.items():
        nearest = np.argsort(-(vectors @ hash_vector(title)))[:CUTOFF]
        found.append(len({known[place] for place in nearest} & expected) / len(expected))
    return float(np.mean(found))


def test_skills_that_a_release_drops_are_not_expected_of_it(store: Store) -> None:
    """The published version expects s:1 and s:2 of the smith, and only s:3 of the baker, who goes unasked."""

    def version(number: str, *uris: str) -> Taxonomy:
        needed = (("o:1", "s:1"), ("o:1", "s:2"), ("o:2", "s:3"))
        kept = [(job, skill, "essential") for job, skill in needed if skill in uris]
        return small_taxonomy(number, {uri: uri for uri in uris}, {"o:1": "smith", "o:2": "baker"}, kept)

    first = index_taxonomy(version("1", "s:1", "s:2", "s:3"), HashEncoder(), store)
    assert (first.build.quality["titles"], first.build.quality["recall"]) == (2, 1.0)
    second = index_taxonomy(version("2", "s:1", "s:4"), HashEncoder(), store)
    assert _gate(second.build) == {
        "golden": "taxonomy",
        "titles": 1,
        "recall": 1.0,
        "published_recall": 1.0,
    }


def test_a_wrong_golden_set_is_told_before_anything_is_built(taxonomy: Taxonomy, store: Store) -> None:
    encoder = HashEncoder()
    golden = Golden("file x", {"title": {"urn:1"}})
    with pytest.raises(TaxonomyError, match="names no skill of the index"):
        index_taxonomy(part_of(taxonomy, 4, 12), encoder, store, golden=golden)
    assert (store.builds(), encoder.concepts) == ([], [])


def test_any_number_of_concepts_may_share_a_vector(store: Store) -> None:
    """Labels are not unique, and what is beyond 64 tokens is not embedded."""
    taxonomy = small_taxonomy("1", {f"s:{n}": "work" for n in range(60)})
    report = index_taxonomy(taxonomy, HashEncoder(), store, golden=Golden("file x", {"work": {"s:1"}}))
    assert report.build.skills == store.published().count("skills") == 60


def _gate(info: BuildInfo) -> dict[str, object]:
    """What the quality gate measured, without what is known of the candidates."""
    names = ("golden", "titles", "recall", "published_recall")
    return {name: value for name, value in info.quality.items() if name in names}
