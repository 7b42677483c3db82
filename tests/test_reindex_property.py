"""Whatever a new release changes, reindexing gives the index that a complete build gives.

The taxonomy is a small part of the sample, so that an example takes a fraction of a second.
"""

from collections.abc import Callable, Mapping
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
from indexing import index_taxonomy
from stores import KINDS, Kind, empty_store

from indexer.read.esco import read_sample
from skillsearch.store.base import SPACES
from skillsearch.taxonomy.records import Occupation, RelationKind, Skill, Taxonomy
from skillsearch.taxonomy.texts import occupation_text

pytestmark = [
    pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant:UserWarning"),
    pytest.mark.filterwarnings("ignore:Local mode performs exact:UserWarning"),
]

PHASES = (Phase.explicit, Phase.generate)  # an example that fails is told as it is: shrinking takes minutes
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)

Edit = Callable[[Taxonomy, int, int, str], Taxonomy]
"""From a taxonomy, two numbers that choose concepts, and a text."""


def new_skill(taxonomy: Taxonomy, one: int, other: int, text: str) -> Taxonomy:
    uri = f"new:{one}"
    if uri in taxonomy.skills:
        return taxonomy
    return add_skill(taxonomy, Skill(uri, text, broader=(skill_of(taxonomy, other),)))


def new_occupation(taxonomy: Taxonomy, one: int, other: int, text: str) -> Taxonomy:
    uri = f"new:{one}"
    added = Occupation(uri, text, isco_group=of(taxonomy.isco_groups, other))
    changed = replace(taxonomy, occupations={**taxonomy.occupations, uri: added})
    return relate(changed, uri, skill_of(taxonomy, other), "essential")


def swap_labels(taxonomy: Taxonomy, one: int, other: int, text: str) -> Taxonomy:
    first, second = skill_of(taxonomy, one), skill_of(taxonomy, other)
    labels = taxonomy.skills[first].label, taxonomy.skills[second].label
    return change_skill(change_skill(taxonomy, first, label=labels[1]), second, label=labels[0])


def add_alias(taxonomy: Taxonomy, one: int, other: int, text: str) -> Taxonomy:
    uri = skill_of(taxonomy, one)
    return change_skill(taxonomy, uri, alt_labels=(text, *taxonomy.skills[uri].alt_labels))


def reverse_aliases(taxonomy: Taxonomy, one: int, other: int, text: str) -> Taxonomy:
    uri = skill_of(taxonomy, one)
    return change_skill(taxonomy, uri, alt_labels=taxonomy.skills[uri].alt_labels[::-1])


def need(taxonomy: Taxonomy, one: int, other: int, text: str) -> Taxonomy:
    kind: RelationKind = "essential" if len(text) % 2 else "optional"
    return on_occupation(taxonomy, other, lambda uri: relate(taxonomy, uri, skill_of(taxonomy, one), kind))


def switch(taxonomy: Taxonomy, one: int, other: int, text: str) -> Taxonomy:
    for found in taxonomy.relations[one % max(len(taxonomy.relations), 1) :][:1]:
        kind: RelationKind = "optional" if found.kind == "essential" else "essential"
        return relate(taxonomy, found.occupation, found.skill, kind)
    return taxonomy


def forget(taxonomy: Taxonomy, one: int, other: int, text: str) -> Taxonomy:
    for found in taxonomy.relations[one % max(len(taxonomy.relations), 1) :][:1]:
        return unrelate(taxonomy, found.occupation, found.skill)
    return taxonomy


def move_below_skill(taxonomy: Taxonomy, one: int, other: int, text: str) -> Taxonomy:
    uri, parent = skill_of(taxonomy, one), skill_of(taxonomy, other)
    if uri == parent or uri in taxonomy.skill_ancestors(parent):
        return taxonomy
    return change_skill(taxonomy, uri, broader=(parent, *taxonomy.skills[uri].broader))


def rename_group(taxonomy: Taxonomy, one: int, other: int, text: str) -> Taxonomy:
    uri = of(taxonomy.groups, one)
    return replace(taxonomy, groups={**taxonomy.groups, uri: replace(taxonomy.groups[uri], label=text)})


EDITS: dict[str, Edit] = {
    "rename skill": lambda t, one, _, text: change_skill(t, skill_of(t, one), label=text),
    "rename occupation": lambda t, one, _, text: on_occupation(
        t, one, lambda uri: change_occupation(t, uri, label=text)
    ),
    "describe skill": lambda t, one, _, text: change_skill(t, skill_of(t, one), description=text),
    "describe occupation": lambda t, one, _, text: on_occupation(
        t, one, lambda uri: change_occupation(t, uri, description=text)
    ),
    "drop aliases": lambda t, one, _, text: change_skill(t, skill_of(t, one), alt_labels=()),
    "remove skill": lambda t, one, _, text: drop_skill(t, skill_of(t, one)) if len(t.skills) > 1 else t,
    "remove occupation": lambda t, one, _, text: on_occupation(t, one, lambda uri: drop_occupation(t, uri)),
    "move to group": lambda t, one, other, _: change_skill(
        t, skill_of(t, one), broader=(of(t.groups, other),)
    ),
} | {
    edit.__name__: edit
    for edit in (
        *(new_skill, new_occupation, swap_labels, add_alias, reverse_aliases, need, switch, forget),
        *(move_below_skill, rename_group),
    )
}


@cache
def small_part() -> Taxonomy:
    return part_of(read_sample().taxonomy, 5, 14)


def of(concepts: Mapping[str, object], number: int) -> str:
    return list(concepts)[number % len(concepts)]


def skill_of(taxonomy: Taxonomy, number: int) -> str:
    return of(taxonomy.skills, number)


def on_occupation(taxonomy: Taxonomy, number: int, edit: Callable[[str], Taxonomy]) -> Taxonomy:
    """Unless there is none."""
    return edit(of(taxonomy.occupations, number)) if taxonomy.occupations else taxonomy


def to_embed(old: Taxonomy, new: Taxonomy, alias_weight: float) -> list[str]:
    """Labels of what is new or has another text, worked out without the indexer."""

    def text(skill: Skill | None) -> object:
        return skill and (skill.label, sorted(skill.alt_labels) if alias_weight else ())

    skills = [one.label for uri, one in new.skills.items() if text(one) != text(old.skills.get(uri))]
    before = {uri: occupation_text(one) for uri, one in old.occupations.items()}
    after = {uri: occupation_text(one) for uri, one in new.occupations.items()}
    return sorted(skills) + sorted(title for uri, title in after.items() if title != before.get(uri))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=10, deadline=None, database=None, phases=PHASES)
@given(
    edits=st.lists(
        st.tuples(st.sampled_from(sorted(EDITS)), st.integers(0, 99), st.integers(0, 99), TEXTS),
        min_size=10,
        max_size=10,
    ),
    alias_weight=st.sampled_from([0.0, 0.5]),
)
def test_reindexing_gives_what_a_complete_build_gives(
    kind: Kind, edits: list[tuple[str, int, int, str]], alias_weight: float
) -> None:
    """And back again, from the new version. A server scales a vector that it is given to unit length."""
    old = new = small_part()
    for edit, one, other, text in edits:
        new = EDITS[edit](new, one, other, text)
    encoder = HashEncoder(alias_weight)
    with empty_store(kind) as store, empty_store("memory") as complete:
        first = index_taxonomy(old, encoder, store).build
        before = content(store.published())
        embedded = new_embedded(encoder)
        report = index_taxonomy(new, encoder, store)
        assert sorted(embedded()) == sorted(to_embed(old, new, alias_weight))
        assert report.embedded == len(embedded())
        index_taxonomy(new, HashEncoder(alias_weight), complete)
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
        again = index_taxonomy(old, encoder, store)
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
