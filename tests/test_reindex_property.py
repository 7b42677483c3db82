"""Whatever a new release changes, reindexing gives the index that a complete build gives.

The taxonomy is a small part of the sample, so that an example takes a fraction of a second.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from edits import (
    add_skill,
    change_occupation,
    change_skill,
    content,
    drop_occupation,
    drop_skill,
    part_of,
    relate,
    require_same,
    unrelate,
)
from hash_encoder import HashEncoder
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from stores import KINDS, Kind, empty_store

from indexer.build import reindex
from indexer.read.esco import read_sample
from skillsearch.store.base import SPACES
from skillsearch.taxonomy.records import Occupation, Skill, Taxonomy

pytestmark = [
    pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant:UserWarning"),
    pytest.mark.filterwarnings("ignore:Local mode performs exact:UserWarning"),
]

PHASES = (Phase.explicit, Phase.generate)  # an example that fails is told as it is: shrinking takes minutes
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)

Edit = Callable[[Taxonomy, int, int, str], Taxonomy]


def rename_skill(taxonomy: Taxonomy, one: int, other: int, text: str) -> Taxonomy:
    return change_skill(taxonomy, skill_of(taxonomy, one), label=text)


def rename_occupation(taxonomy: Taxonomy, one: int, other: int, text: str) -> Taxonomy:
    return on_occupation(taxonomy, one, lambda uri: change_occupation(taxonomy, uri, label=text))


def swap_labels(taxonomy: Taxonomy, one: int, other: int, text: str) -> Taxonomy:
    first, second = skill_of(taxonomy, one), skill_of(taxonomy, other)
    labels = taxonomy.skills[first].label, taxonomy.skills[second].label
    return change_skill(change_skill(taxonomy, first, label=labels[1]), second, label=labels[0])


def add_alias(taxonomy: Taxonomy, one: int, other: int, text: str) -> Taxonomy:
    uri = skill_of(taxonomy, one)
    return change_skill(taxonomy, uri, alt_labels=(text, *taxonomy.skills[uri].alt_labels))


def drop_aliases(taxonomy: Taxonomy, one: int, other: int, text: str) -> Taxonomy:
    return change_skill(taxonomy, skill_of(taxonomy, one), alt_labels=())


def reverse_aliases(taxonomy: Taxonomy, one: int, other: int, text: str) -> Taxonomy:
    uri = skill_of(taxonomy, one)
    return change_skill(taxonomy, uri, alt_labels=taxonomy.skills[uri].alt_labels[::-1])


def describe_skill(taxonomy: Taxonomy, one: int, other: int, text: str) -> Taxonomy:
    return change_skill(taxonomy, skill_of(taxonomy, one), description=text)


def describe_occupation(taxonomy: Taxonomy, one: int, other: int, text: str) -> Taxonomy:
    return on_occupation(taxonomy, one, lambda uri: change_occupation(taxonomy, uri, description=text))


def remove_skill(taxonomy: Taxonomy, one: int, other: int, text: str) -> Taxonomy:
    return drop_skill(taxonomy, skill_of(taxonomy, one)) if len(taxonomy.skills) > 1 else taxonomy


def new_skill(taxonomy: Taxonomy, one: int, other: int, text: str) -> Taxonomy:
    uri = f"new:{one}"
    if uri in taxonomy.skills:
        return taxonomy
    return add_skill(taxonomy, Skill(uri, text, broader=(skill_of(taxonomy, other),)))


def remove_occupation(taxonomy: Taxonomy, one: int, other: int, text: str) -> Taxonomy:
    return on_occupation(taxonomy, one, lambda uri: drop_occupation(taxonomy, uri))


def new_occupation(taxonomy: Taxonomy, one: int, other: int, text: str) -> Taxonomy:
    uri = f"new:{one}"
    group = list(taxonomy.isco_groups)[other % len(taxonomy.isco_groups)]
    added = replace(
        taxonomy, occupations={**taxonomy.occupations, uri: Occupation(uri, text, isco_group=group)}
    )
    return relate(added, uri, skill_of(taxonomy, other), "essential")


def need(taxonomy: Taxonomy, one: int, other: int, text: str) -> Taxonomy:
    kind = "essential" if len(text) % 2 else "optional"
    skill = skill_of(taxonomy, one)
    return on_occupation(taxonomy, other, lambda uri: relate(taxonomy, uri, skill, kind))  # type: ignore[arg-type]


def switch(taxonomy: Taxonomy, one: int, other: int, text: str) -> Taxonomy:
    if not taxonomy.relations:
        return taxonomy
    found = taxonomy.relations[one % len(taxonomy.relations)]
    kind = "optional" if found.kind == "essential" else "essential"
    return relate(taxonomy, found.occupation, found.skill, kind)  # type: ignore[arg-type]


def forget(taxonomy: Taxonomy, one: int, other: int, text: str) -> Taxonomy:
    if not taxonomy.relations:
        return taxonomy
    found = taxonomy.relations[one % len(taxonomy.relations)]
    return unrelate(taxonomy, found.occupation, found.skill)


def move_to_group(taxonomy: Taxonomy, one: int, other: int, text: str) -> Taxonomy:
    group = list(taxonomy.groups)[other % len(taxonomy.groups)]
    return change_skill(taxonomy, skill_of(taxonomy, one), broader=(group,))


def move_below_skill(taxonomy: Taxonomy, one: int, other: int, text: str) -> Taxonomy:
    uri, parent = skill_of(taxonomy, one), skill_of(taxonomy, other)
    if uri == parent or uri in taxonomy.skill_ancestors(parent):
        return taxonomy
    return change_skill(taxonomy, uri, broader=(parent, *taxonomy.skills[uri].broader))


def rename_group(taxonomy: Taxonomy, one: int, other: int, text: str) -> Taxonomy:
    uri = list(taxonomy.groups)[one % len(taxonomy.groups)]
    return replace(taxonomy, groups={**taxonomy.groups, uri: replace(taxonomy.groups[uri], label=text)})


EDITS: tuple[Edit, ...] = (
    rename_skill,
    rename_occupation,
    swap_labels,
    add_alias,
    drop_aliases,
    reverse_aliases,
    describe_skill,
    describe_occupation,
    remove_skill,
    new_skill,
    remove_occupation,
    new_occupation,
    need,
    switch,
    forget,
    move_to_group,
    move_below_skill,
    rename_group,
)


@cache
def small_part() -> Taxonomy:
    return part_of(read_sample().taxonomy, 5, 14)


def skill_of(taxonomy: Taxonomy, number: int) -> str:
    return list(taxonomy.skills)[number % len(taxonomy.skills)]


def on_occupation(taxonomy: Taxonomy, number: int, edit: Callable[[str], Taxonomy]) -> Taxonomy:
    """Unless there is none."""
    if not taxonomy.occupations:
        return taxonomy
    return edit(list(taxonomy.occupations)[number % len(taxonomy.occupations)])


def to_embed(old: Taxonomy, new: Taxonomy, alias_weight: float) -> list[str]:
    """Labels of what is new or has another text, worked out without the indexer."""

    def text(skill: Skill | None) -> object:
        return skill and (skill.label, sorted(skill.alt_labels) if alias_weight else ())

    skills = [one.label for uri, one in new.skills.items() if text(one) != text(old.skills.get(uri))]
    before = {uri: one.label.split() for uri, one in old.occupations.items()}
    return sorted(skills) + sorted(
        " ".join(one.label.split())
        for uri, one in new.occupations.items()
        if one.label.split() != before.get(uri)
    )


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=10, deadline=None, database=None, phases=PHASES)
@given(
    edits=st.lists(
        st.tuples(st.sampled_from(EDITS), st.integers(0, 99), st.integers(0, 99), TEXTS),
        min_size=10,
        max_size=10,
    ),
    alias_weight=st.sampled_from([0.0, 0.5]),
)
def test_reindexing_gives_what_a_complete_build_gives(
    kind: Kind, edits: list[tuple[Edit, int, int, str]], alias_weight: float
) -> None:
    """And back again, from the new version. A server scales a vector that it is given to unit length."""
    old = new = small_part()
    for edit, one, other, text in edits:
        new = edit(new, one, other, text)
    encoder = HashEncoder(alias_weight)
    with empty_store(kind) as store, empty_store("memory") as complete:
        first = reindex(old, encoder, store).build
        before = content(store.published())
        embedded = new_embedded(encoder)
        report = reindex(new, encoder, store)
        assert sorted(embedded()) == sorted(to_embed(old, new, alias_weight))
        assert report.embedded == len(embedded())
        reindex(new, HashEncoder(alias_weight), complete)
        require_same(store.published(), complete.published())
        assert report.build.digest == complete.published().info.digest
        after = content(store.published())
        for space in SPACES:
            for uri in before[space].keys() & after[space].keys():
                if same_text(before[space][uri].payload, after[space][uri].payload):
                    np.testing.assert_allclose(
                        before[space][uri].vector,
                        after[space][uri].vector,
                        rtol=0,
                        atol=0 if kind == "embedded" else 1e-6,
                    )
        if not report.is_new:
            return
        store.remove(first.name)  # which would be published again as it is
        again = reindex(old, encoder, store)
        assert again.is_new
        assert again.build.base == report.build.name
        assert again.build.digest == first.digest
        back = content(store.published())
        for space in SPACES:
            assert {uri: point.payload for uri, point in back[space].items()} == {
                uri: point.payload for uri, point in before[space].items()
            }
            for uri, point in back[space].items():
                np.testing.assert_allclose(point.vector, before[space][uri].vector, atol=1e-3)


def new_embedded(encoder: HashEncoder) -> Callable[[], list[str]]:
    """What the encoder embeds from now on."""
    known = len(encoder.concepts)
    return lambda: encoder.concepts[known:]


def same_text(one: dict[str, object], other: dict[str, object]) -> bool:
    return one["embedding_hash"] == other["embedding_hash"]
