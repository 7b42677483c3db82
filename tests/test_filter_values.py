"""Values of filters in an index whose labels are pairs, and whose accents are composed in two ways."""

from collections.abc import Iterator, Sequence
from unicodedata import normalize

import pytest

from skillsearch.errors import FilterError
from skillsearch.store.base import Payload, Point
from skillsearch.store.filter_values import FilterValues
from skillsearch.store.filters import Filters, Match

OCCUPATIONS = {
    "urn:binder": "Buchbinder/Buchbinderin",
    "urn:weaver": "Handweber/in",
    "urn:baker": "Bäcker",
    "urn:pair": "Bäcker/Bäckerin",
    "urn:decomposed": normalize("NFD", "Käser/Käserin"),
}
SKILL = normalize("NFD", "urn:käse")
VALUES = {
    "uri": {SKILL: 1},
    "taxonomy": {"esco": 1, "ESCO": 1, "": 1},
    "isco_groups_essential": {"C25": 1},
    "isco_groups_optional": {"c25": 1, "26": 1},
}


class Index:
    """The part of a build that filters read."""

    def __init__(self) -> None:
        self.fetched = 0

    def fetch(self, space: str, uris: Sequence[str]) -> dict[str, Payload]:
        self.fetched += 1
        return {uri: {} for uri in uris if uri in (OCCUPATIONS if space == "occupations" else (SKILL,))}

    def scan(self, space: str, *, vectors: bool = False) -> Iterator[Point]:
        for uri, label in OCCUPATIONS.items():
            yield Point({"uri": uri, "label": label}, ())

    def values(self, space: str, field: str) -> dict[str, int]:
        return VALUES[field]


@pytest.fixture
def index() -> Index:
    return Index()


@pytest.fixture
def values(index: Index) -> FilterValues:
    return FilterValues(index, "skills")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("label", "uris"),
    [
        ("Buchbinder/Buchbinderin", ("urn:binder",)),
        ("buchbinderin", ("urn:binder",)),
        ("Handweberin ", ("urn:weaver",)),
        ("bäcker", ("urn:baker",)),  # a whole label goes before half of another
        (normalize("NFD", "BÄCKERIN"), ("urn:pair",)),
        ("Käserin", ("urn:decomposed",)),
        (" urn:weaver\n", ("urn:weaver",)),
        ("URN:Weaver", ("urn:weaver",)),
    ],
)
def test_an_occupation_is_found_by_either_half_of_its_label(
    values: FilterValues, label: str, uris: tuple[str, ...]
) -> None:
    where, _ = values.resolve(Filters(occupations=label))
    assert where.must == (Match(("occupations_essential", "occupations_optional"), uris),)


def test_values_that_differ_in_case_alone_are_both_meant(values: FilterValues) -> None:
    where, _ = values.resolve(Filters(taxonomies="Esco"))
    assert where.must == (Match(("taxonomy",), ("ESCO", "esco")),)


def test_the_values_of_two_fields_are_known_together(values: FilterValues) -> None:
    where, _ = values.resolve(Filters(isco_groups=["c25", " 26"]))
    assert where.must[0].values == ("C25", "c25", "26")


def test_blank_lines_in_a_list_of_uris_are_passed_over(values: FilterValues) -> None:
    where, notes = values.resolve(Filters(exclude=["", SKILL, " "], include=[SKILL, ""]))
    assert (where.must_not[0].values, where.must[0].values, notes) == ((SKILL,), (SKILL,), ())
    with pytest.raises(FilterError, match="unknown uri ''"):
        values.resolve(Filters(include=[" "]))


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        (Filters(taxonomies="ESKO"), "did you mean 'ESCO'"),
        (Filters(occupations="Buchbindrin"), "did you mean 'buchbinderin'"),
        (Filters(taxonomies="x" * 10_000), "'xxx.*'…: the index has ESCO"),
    ],
)
def test_near_values_are_offered_in_any_case(values: FilterValues, filters: Filters, message: str) -> None:
    with pytest.raises(FilterError, match=message) as caught:
        values.resolve(filters)
    assert len(str(caught.value)) < 300


def test_a_uri_is_found_however_its_accents_are_composed(values: FilterValues) -> None:
    where, notes = values.resolve(Filters(exclude=normalize("NFC", SKILL)))
    assert (where.must_not, notes) == ((Match(("uri",), (SKILL,)),), ())


def test_the_same_filters_are_looked_up_once(values: FilterValues, index: Index) -> None:
    filters = Filters(exclude=["urn:gone", SKILL])
    assert values.resolve(filters) == values.resolve(Filters(exclude=["urn:gone", SKILL]))
    assert index.fetched == 1
