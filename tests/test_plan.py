"""What a reindex would do: comparison by hand, edits of the sample, two releases of ESCO."""

import csv
import io
import os
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from edits import (
    Held,
    add_skill,
    change_occupation,
    change_skill,
    drop_occupation,
    drop_skill,
    held,
    part_of,
    relate,
    require_same,
    unrelate,
)
from hash_encoder import HashEncoder
from rich.console import Console
from stores import KINDS, empty_store

from indexer.build import carry_out, published_build, reindex
from indexer.cli.tables import plan_view
from indexer.diff import Change, Fate, Shifts, compare, count_shifts
from indexer.migration import write_migration
from indexer.plan import Plan, make_plan
from indexer.read.esco import read_esco
from indexer.target import Target
from skillsearch.errors import TaxonomyError
from skillsearch.store.base import SPACES, Build, Payload, Store
from skillsearch.taxonomy.records import Group, Occupation, Relation, Skill, Taxonomy

pytestmark = [
    pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant:UserWarning"),
    pytest.mark.filterwarnings("ignore:Local mode performs exact:UserWarning"),
]

SKILL = "https://example.org/taxonomy/skill/"
OCCUPATION = "https://example.org/taxonomy/occupation/"
GROUP = "https://example.org/taxonomy/group/"
ISCO = "https://example.org/taxonomy/isco/"
DATABASES = f"{SKILL}administer-databases"  # below S5.2; no skill is below it
ADMINISTRATOR = f"{OCCUPATION}database-administrator"  # ISCO 2521, needs it essentially
ENGINEER = f"{OCCUPATION}devops-engineer"  # ISCO 2522, needs it optionally
CHEF = f"{OCCUPATION}chef"  # ISCO 3434, does not need it


# ---- by hand ----------------------------------------------------------------------------------------------


def payload(embedded: str = "e", hashed: str = "p", **fields: object) -> Payload:
    """A skill's payload with made-up hashes."""
    fixed = {"uri": "s:1", "kind": "skill", "label": "weld", "embedding_hash": embedded}
    return fixed | {"payload_hash": hashed} | fields


def test_a_concept_that_is_new() -> None:
    new = payload(occupations_essential=["o:1"], occupations_optional=["o:2", "o:3"])
    assert compare(None, new) == Change(
        "s:1",
        "skill",
        Fate.added,
        None,
        "weld",
        became_essential=("o:1",),
        became_optional=("o:2", "o:3"),
    )


def test_a_concept_that_is_gone() -> None:
    old = payload(occupations_essential=["o:1"], occupations_optional=["o:2"])
    change = compare(old, None)
    assert change is not None
    assert (change.fate, change.label_before, change.label_after) == (Fate.removed, "weld", None)
    assert (change.fields, change.became_essential, change.switched) == ((), (), ())
    assert sorted(change.lost) == ["o:1", "o:2"]


def test_a_concept_with_another_text() -> None:
    change = compare(payload(), payload("f", "q", label="fuse"))
    assert change == Change("s:1", "skill", Fate.embedded, "weld", "fuse", fields=("label",))


def test_only_what_is_embedded_differs() -> None:
    """As with an encoder that heeds aliases more."""
    assert compare(payload(), payload("f")) == Change("s:1", "skill", Fate.embedded, "weld", "weld")


def test_relations_of_a_concept_that_stays() -> None:
    """o:1 stays as it is, o:2 becomes optional, o:3 essential; o:4 goes, o:5 and o:6 come."""
    old = payload(occupations_essential=["o:1", "o:2"], occupations_optional=["o:3", "o:4"])
    new = payload("e", "q", occupations_essential=["o:1", "o:3", "o:5"], occupations_optional=["o:2", "o:6"])
    change = compare(old, new)
    assert change is not None
    assert change.fate is Fate.payload
    assert change.fields == ("occupations_essential", "occupations_optional")
    assert sorted(change.became_essential) == ["o:3", "o:5"]
    assert sorted(change.became_optional) == ["o:2", "o:6"]
    assert sorted(change.switched) == ["o:2", "o:3"]
    assert change.lost == ("o:4",)
    assert count_shifts([change]) == Shifts(2, 1, 2)


def test_nothing_becomes_of_a_concept_that_is_the_same_or_nowhere() -> None:
    assert compare(payload(), payload()) is None
    assert compare(None, None) is None


def test_a_field_that_only_one_side_has_differs() -> None:
    change = compare(payload(colour="red"), payload("e", "q"))
    assert change is not None
    assert change.fields == ("colour",)


def test_a_change_as_json() -> None:
    change = compare(payload(), payload("f", "q", label="fuse", occupations_optional=["o:1"]))
    assert change is not None
    assert change.to_dict() == {
        "uri": "s:1",
        "kind": "skill",
        "fate": "embedded again",
        "label_before": "weld",
        "label_after": "fuse",
        "fields": ("label", "occupations_optional"),
        "became_essential": (),
        "became_optional": ("o:1",),
        "switched": (),
        "lost": (),
    }


def test_shifts_add_up_over_concepts() -> None:
    def change(kind: str = "skill", fields: tuple[str, ...] = (), **relations: tuple[str, ...]) -> Change:
        return Change("x", kind, Fate.payload, "a", "a", fields, **relations)

    changes = [
        change(became_essential=("o:1", "o:2"), switched=("o:2",), lost=("o:3",)),
        change(became_optional=("o:1",), lost=("o:4", "o:5")),
        change(fields=("broader", "label")),
        change(fields=("ancestors", "broader")),
        change(fields=("ancestors",)),
        change("occupation", ("isco_groups", "skills_optional")),
        change("occupation", ("broader",)),
    ]
    assert count_shifts(changes) == Shifts(
        relations_added=2,
        relations_removed=3,
        relations_switched=1,
        skills_moved=2,
        skills_under_other_groups=2,
        occupations_moved=1,
    )
    assert count_shifts([]) == Shifts()


# ---- edits of the sample ----------------------------------------------------------------------------------


def planned(old: Taxonomy, new: Taxonomy, *, alias_weight: float = 0.0) -> Plan:
    encoder = HashEncoder(alias_weight)
    return make_plan(Target(new, alias_weight=alias_weight), encoder.identity, held(encoder, old))


def counts(plan: Plan) -> dict[str, dict[str, int]]:
    """What is not left as it is, by space and fate."""
    found = {space: plan.spaces[space].counts() for space in SPACES}
    return {
        space: {fate.name: count for fate, count in row.items() if count and fate is not Fate.unchanged}
        for space, row in found.items()
    }


def only(plan: Plan) -> Change:
    (change,) = plan.changes
    return change


def test_the_same_release_again_is_published_already(taxonomy: Taxonomy) -> None:
    plan = planned(taxonomy, replace(taxonomy))
    assert plan.is_published
    assert (plan.complete, plan.changes, plan.shifts) == ("", (), Shifts())
    assert counts(plan) == {"skills": {}, "occupations": {}}
    assert plan.to_embed("skills") == plan.to_embed("occupations") == ()
    assert set(plan.to_copy("skills")) == set(taxonomy.skills)
    assert set(plan.spaces["occupations"].unchanged) == set(taxonomy.occupations)
    assert plan.base is not None
    assert plan.info.base == plan.base.name


def test_the_order_of_a_release_does_not_matter(taxonomy: Taxonomy) -> None:
    backwards = replace(
        taxonomy,
        skills={uri: taxonomy.skills[uri] for uri in reversed(list(taxonomy.skills))},
        occupations={uri: taxonomy.occupations[uri] for uri in reversed(list(taxonomy.occupations))},
        relations=taxonomy.relations[::-1],
    )
    assert planned(taxonomy, backwards).is_published


def test_another_version_with_the_same_content_is_another_build(taxonomy: Taxonomy) -> None:
    """It embeds nothing, but says which version it is."""
    plan = planned(taxonomy, replace(taxonomy, version="1.0.1"))
    assert not plan.is_published
    assert counts(plan) == {"skills": {}, "occupations": {}}
    assert plan.info.taxonomies == "sample 1.0.1 (en)"


def test_a_first_release(taxonomy: Taxonomy) -> None:
    plan = make_plan(Target(taxonomy, alias_weight=0), HashEncoder().identity, None)
    assert counts(plan) == {"skills": {"added": 412}, "occupations": {"added": 44}}
    assert plan.complete
    assert (plan.base, plan.info.base, plan.is_published) == (None, None, False)
    assert plan.shifts.relations_added == 1187
    assert plan.to_embed("skills") == tuple(taxonomy.skills)
    assert plan.to_copy("skills") == ()
    (part,) = plan.info.parts
    assert (part.skills, part.occupations) == (412, 44)


def test_a_skill_with_a_new_label(taxonomy: Taxonomy) -> None:
    plan = planned(taxonomy, change_skill(taxonomy, DATABASES, label="run databases"))
    assert counts(plan) == {"skills": {"embedded": 1}, "occupations": {}}
    assert plan.to_embed("skills") == (DATABASES,)
    assert len(plan.to_copy("skills")) == 411
    change = only(plan)
    assert (change.label_before, change.label_after) == ("administer databases", "run databases")
    assert change.fields == ("label",)
    assert not plan.is_published


def test_what_stands_below_a_skill_names_its_label(taxonomy: Taxonomy) -> None:
    parent = f"{SKILL}machine-learning"
    below = {uri for uri, skill in taxonomy.skills.items() if parent in skill.broader}
    plan = planned(taxonomy, change_skill(taxonomy, parent, label="learning by machines"))
    assert plan.to_embed("skills") == (parent,)
    assert set(plan.spaces["skills"].payload) == below
    assert len(below) >= 2
    assert {change.fields for change in plan.changes if change.uri in below} == {("broader",)}
    assert plan.shifts == Shifts(skills_moved=len(below))


def test_an_occupation_with_a_new_label(taxonomy: Taxonomy) -> None:
    plan = planned(taxonomy, change_occupation(taxonomy, CHEF, label="head cook"))
    assert counts(plan) == {"skills": {}, "occupations": {"embedded": 1}}
    assert (plan.to_embed("occupations"), only(plan).kind) == ((CHEF,), "occupation")


@pytest.mark.parametrize("alias_weight", [0.0, 0.5])
def test_aliases_in_another_order_are_only_stored(taxonomy: Taxonomy, alias_weight: float) -> None:
    aliases = taxonomy.skills[DATABASES].alt_labels
    assert len(aliases) == 3
    shuffled = change_skill(taxonomy, DATABASES, alt_labels=aliases[::-1])
    plan = planned(taxonomy, shuffled, alias_weight=alias_weight)
    assert counts(plan) == {"skills": {"payload": 1}, "occupations": {}}
    assert plan.to_embed("skills") == ()
    assert only(plan).fields == ("alt_labels",)


@pytest.mark.parametrize(("alias_weight", "fate"), [(0.0, "payload"), (0.5, "embedded")])
def test_a_new_alias_is_embedded_where_aliases_are(
    taxonomy: Taxonomy, alias_weight: float, fate: str
) -> None:
    aliases = (*taxonomy.skills[DATABASES].alt_labels, "look after databases")
    plan = planned(taxonomy, change_skill(taxonomy, DATABASES, alt_labels=aliases), alias_weight=alias_weight)
    assert counts(plan) == {"skills": {fate: 1}, "occupations": {}}
    assert only(plan).fields == ("alt_labels",)


def test_a_new_alias_of_an_occupation_is_only_stored(taxonomy: Taxonomy) -> None:
    plan = planned(taxonomy, change_occupation(taxonomy, CHEF, alt_labels=("cook",)), alias_weight=0.5)
    assert counts(plan) == {"skills": {}, "occupations": {"payload": 1}}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("description", "Other words."),
        ("hidden_labels", ("adminster databases",)),
        ("skill_type", "knowledge"),
        ("reuse_level", "transversal"),
        ("collections", ("digital", "green")),
    ],
)
def test_another_field_is_only_stored(taxonomy: Taxonomy, field: str, value: object) -> None:
    plan = planned(taxonomy, change_skill(taxonomy, DATABASES, **{field: value}), alias_weight=0.5)
    assert counts(plan) == {"skills": {"payload": 1}, "occupations": {}}
    assert only(plan).fields == (field,)
    assert plan.shifts == Shifts()


def of_skill(plan: Plan, uri: str = DATABASES) -> Change:
    return next(change for change in plan.changes if change.uri == uri)


def test_a_new_relation(taxonomy: Taxonomy) -> None:
    """Of the chef, whose ISCO groups did not need the skill."""
    plan = planned(taxonomy, relate(taxonomy, CHEF, DATABASES, "essential"))
    assert counts(plan) == {"skills": {"payload": 1}, "occupations": {"payload": 1}}
    change = of_skill(plan)
    assert change.fields == ("isco_groups_essential", "occupations_essential")
    assert (change.became_essential, change.became_optional, change.switched) == ((CHEF,), (), ())
    assert of_skill(plan, CHEF).fields == ("skills_essential",)
    assert plan.shifts == Shifts(relations_added=1)


def test_a_relation_that_is_gone(taxonomy: Taxonomy) -> None:
    """It was the only optional one."""
    plan = planned(taxonomy, unrelate(taxonomy, ENGINEER, DATABASES))
    assert counts(plan) == {"skills": {"payload": 1}, "occupations": {"payload": 1}}
    assert of_skill(plan).fields == ("isco_groups_optional", "occupations_optional")
    assert of_skill(plan).lost == (ENGINEER,)
    assert plan.shifts == Shifts(relations_removed=1)


def test_a_relation_that_became_essential(taxonomy: Taxonomy) -> None:
    plan = planned(taxonomy, relate(taxonomy, ENGINEER, DATABASES, "essential"))
    assert counts(plan) == {"skills": {"payload": 1}, "occupations": {"payload": 1}}
    change = of_skill(plan)
    assert (change.became_essential, change.switched, change.lost) == ((ENGINEER,), (ENGINEER,), ())
    assert of_skill(plan, ENGINEER).fields == ("skills_essential", "skills_optional")
    assert plan.shifts == Shifts(relations_switched=1)


def test_a_skill_moved_in_the_hierarchy(taxonomy: Taxonomy) -> None:
    plan = planned(taxonomy, change_skill(taxonomy, DATABASES, broader=(f"{GROUP}S5.1",)))
    assert counts(plan) == {"skills": {"payload": 1}, "occupations": {}}
    assert only(plan).fields == ("ancestors", "broader")
    assert plan.shifts == Shifts(skills_moved=1, skills_under_other_groups=1)


def test_a_group_moved_in_the_hierarchy(taxonomy: Taxonomy) -> None:
    """The skills below S5.2, at any level, then stand below S3 too; their direct parents stay."""
    moved = f"{GROUP}S5.2"
    below = [uri for uri in taxonomy.skills if moved in taxonomy.skill_ancestors(uri)]
    assert not any(f"{GROUP}S3" in taxonomy.skill_ancestors(uri) for uri in below)
    parents = (*taxonomy.groups[moved].broader, f"{GROUP}S3")
    groups = {**taxonomy.groups, moved: replace(taxonomy.groups[moved], broader=parents)}
    plan = planned(taxonomy, replace(taxonomy, groups=groups))
    assert counts(plan) == {"skills": {"payload": len(below)}, "occupations": {}}
    assert {change.fields for change in plan.changes} == {("ancestors",)}
    assert plan.shifts == Shifts(skills_under_other_groups=len(below))
    assert len(below) >= 23  # those directly below


def test_an_occupation_in_another_isco_group(taxonomy: Taxonomy) -> None:
    plan = planned(taxonomy, change_occupation(taxonomy, ADMINISTRATOR, isco_group=f"{ISCO}C3434"))
    assert counts(plan)["occupations"] == {"payload": 1}
    assert of_skill(plan, ADMINISTRATOR).fields == ("isco_groups",)
    assert of_skill(plan).fields == ("isco_groups_essential",)
    assert plan.shifts == Shifts(occupations_moved=1)


def test_an_occupation_that_is_gone_takes_its_relations_with_it(taxonomy: Taxonomy) -> None:
    assert len(taxonomy.relations_by_occupation[CHEF]) == 26
    plan = planned(taxonomy, drop_occupation(taxonomy, CHEF))
    assert counts(plan) == {"skills": {"payload": 26}, "occupations": {"removed": 1}}
    assert plan.shifts == Shifts(relations_removed=26)
    assert plan.spaces["occupations"].removed == (CHEF,)
    assert (of_skill(plan, CHEF).label_before, of_skill(plan, CHEF).label_after) == ("chef", None)
    assert CHEF not in plan.spaces["occupations"].hashes
    assert plan.info.occupations == 43


def test_a_skill_that_is_gone(taxonomy: Taxonomy) -> None:
    plan = planned(taxonomy, drop_skill(taxonomy, DATABASES))
    assert counts(plan) == {"skills": {"removed": 1}, "occupations": {"payload": 2}}
    assert sorted(of_skill(plan).lost) == [ADMINISTRATOR, ENGINEER]
    assert plan.shifts == Shifts(relations_removed=2)
    assert plan.info.skills == 411


def test_a_skill_that_is_new(taxonomy: Taxonomy) -> None:
    skill = Skill(f"{SKILL}new", "tame databases", broader=(f"{GROUP}S5.2",))
    plan = planned(taxonomy, relate(add_skill(taxonomy, skill), CHEF, skill.uri, "optional"))
    assert counts(plan) == {"skills": {"added": 1}, "occupations": {"payload": 1}}
    assert plan.to_embed("skills") == (skill.uri,)
    assert of_skill(plan, skill.uri).label_after == "tame databases"
    assert plan.shifts == Shifts(relations_added=1)


def test_a_plan_as_json_has_some_examples_of_each_fate(taxonomy: Taxonomy) -> None:
    uris = list(taxonomy.skills)[:5]
    edited = taxonomy
    for uri in uris:
        edited = change_skill(edited, uri, label=f"{taxonomy.skills[uri].label} well")
    found = planned(taxonomy, drop_occupation(edited, CHEF)).to_dict()
    assert len(found["examples"]["embedded again"]) == 3
    assert [change["uri"] for change in found["examples"]["removed"]] == [CHEF]
    assert found["examples"]["added"] == []
    assert found["counts"]["skills"]["embedded again"] == 5
    assert found["counts"]["occupations"] == {
        "added": 0,
        "removed": 1,
        "embedded again": 0,
        "payload only": 0,
        "unchanged": 43,
    }
    assert found["complete"] == ""
    assert found["shifts"]["relations_removed"] == 26


# ---- complete builds --------------------------------------------------------------------------------------


def test_another_encoder_embeds_everything(taxonomy: Taxonomy) -> None:
    old, new = HashEncoder(), HashEncoder(seed="other")
    edited = change_skill(drop_occupation(taxonomy, CHEF), DATABASES, label="run databases")
    plan = make_plan(Target(edited, alias_weight=0), new.identity, held(old, taxonomy))
    assert plan.complete == (
        f"the encoder changed: hash ({old.folder.fingerprint}) to hash-{new.folder.fingerprint[:8]}"
    )
    assert counts(plan) == {"skills": {"embedded": 412}, "occupations": {"embedded": 43, "removed": 1}}
    assert set(plan.to_embed("skills")) == set(taxonomy.skills)
    assert plan.to_copy("skills") == plan.to_copy("occupations") == ()
    assert plan.info.base is None
    assert plan.info.encoder_fingerprint == new.folder.fingerprint
    assert of_skill(plan).fields == ("label",)


def test_another_version_of_the_texts_embeds_everything(taxonomy: Taxonomy) -> None:
    encoder = HashEncoder()
    build = cast(Any, held(encoder, taxonomy))
    older = Held(replace(build.info, view_version=0), build.payloads)
    plan = make_plan(Target(taxonomy, alias_weight=0), encoder.identity, cast(Build, older))
    assert plan.complete == "the text views changed: 0 to 1"
    assert counts(plan) == {"skills": {"embedded": 412}, "occupations": {"embedded": 44}}


def test_everything_is_embedded_where_that_is_asked_for(taxonomy: Taxonomy) -> None:
    encoder = HashEncoder()
    base = held(encoder, taxonomy)
    plan = make_plan(Target(taxonomy, alias_weight=0), encoder.identity, base, force=True)
    assert (plan.complete, plan.is_forced, plan.is_published) == ("it was asked for", True, True)
    assert counts(plan) == {"skills": {"embedded": 412}, "occupations": {"embedded": 44}}
    assert (plan.changes, plan.info.base) == ((), None)


def shown(plan: Plan) -> list[str]:
    console = Console(width=100)
    with console.capture() as capture:
        console.print(plan_view(plan))
    return [line.strip() for line in capture.get().splitlines() if line.strip()]


def test_a_plan_is_shown_with_examples_of_what_it_counts(taxonomy: Taxonomy) -> None:
    """Where everything is embedded again, nothing is only stored."""
    edited = change_skill(taxonomy, DATABASES, label="run [big] databases")
    edited = relate(edited, CHEF, f"{SKILL}act-ethically", "optional")
    base = held(HashEncoder(), taxonomy)
    plan = make_plan(Target(edited, alias_weight=0), HashEncoder().identity, base)
    lines = shown(plan)
    assert lines[:2] == ["published: sample 1.0.0 (en)", "planned:   sample 1.0.0 (en)"]
    assert lines[lines.index("embedded again, for example") + 1].split() == [
        *("administer", "databases", "→", "run", "[big]", "databases", "label")
    ]
    assert "payload only, for example" in lines
    assert lines[-2:] == [
        "relations and hierarchy",
        "relations added  1",
    ]
    other = HashEncoder(seed="other")
    complete = shown(make_plan(Target(edited, alias_weight=0), other.identity, base))
    assert (
        f"everything is embedded again: the encoder changed: hash ({HashEncoder().folder.fingerprint})"
        in (complete[2])
    )
    assert "payload only, for example" not in complete
    assert "embedded again, for example" in complete
    same = shown(make_plan(Target(taxonomy, alias_weight=0), HashEncoder().identity, base))
    assert same[2] == "this is what is published: there is nothing to do"
    assert [line.split()[-2:] for line in same if line.startswith("unchanged")] == [["412", "44"]]
    assert not any("example" in line for line in same)


# ---- several taxonomies -----------------------------------------------------------------------------------

ACME = Taxonomy(
    "acme",
    "3",
    "en",
    {
        "acme:s1": Skill("acme:s1", "operate the press", ("run the press",), broader=("acme:g1",)),
        "acme:s2": Skill("acme:s2", "change the press tool", broader=("acme:s1",)),
    },
    {"acme:o1": Occupation("acme:o1", "press operator")},
    (Relation("acme:o1", "acme:s1", "essential"),),
    {"acme:g1": Group("acme:g1", "pressing")},
    {},
)


@pytest.fixture(params=KINDS)
def stores(request: pytest.FixtureRequest) -> Iterator[tuple[Store, Store]]:
    """Two of a kind."""
    with empty_store(request.param) as store, empty_store(request.param) as other:
        yield store, other


def test_another_taxonomy_is_left_alone(taxonomy: Taxonomy) -> None:
    encoder = HashEncoder()
    base = held(encoder, ACME, taxonomy)
    edited = change_skill(taxonomy, DATABASES, label="run databases")
    plan = make_plan(Target(edited, alias_weight=0), encoder.identity, base)
    assert counts(plan) == {"skills": {"embedded": 1}, "occupations": {}}
    assert sorted(plan.spaces["skills"].others) == ["acme:s1", "acme:s2"]
    assert plan.spaces["occupations"].others == ("acme:o1",)
    assert {"acme:s1", "acme:s2"} < set(plan.to_copy("skills"))
    assert plan.info.taxonomies == "acme 3 (en) + sample 1.0.0 (en)"
    assert (plan.info.skills, plan.info.occupations) == (414, 45)
    assert {change.uri for change in plan.changes} == {DATABASES}


def test_a_uri_of_two_taxonomies_is_refused(taxonomy: Taxonomy) -> None:
    encoder = HashEncoder()
    base = held(encoder, taxonomy)
    other = add_skill(ACME, Skill(DATABASES, "administer databases"))
    with pytest.raises(TaxonomyError) as caught:
        make_plan(Target(other, alias_weight=0), encoder.identity, base)
    assert str(caught.value).startswith(
        f"acme 3 (en): {DATABASES} is a concept of sample in the index already; give yours a URI of its own"
    )


def test_others_are_copied_and_embedded_from_what_is_stored(
    taxonomy: Taxonomy, stores: tuple[Store, Store]
) -> None:
    """An index whose encoder changed is the same as one that had that encoder from the start."""
    store, reference = stores
    small = part_of(taxonomy, 4, 12)
    edited = change_skill(small, next(iter(small.skills)), label="behave well")
    first = HashEncoder()
    reindex(ACME, first, store)
    reindex(small, first, store)
    before = {point.uri: point for point in store.published().scan("skills", vectors=True)}
    first.concepts.clear()
    report = reindex(edited, first, store)
    assert (first.concepts, report.embedded) == (["behave well"], 1)
    after = {point.uri: point for point in store.published().scan("skills", vectors=True)}
    assert after["acme:s1"].payload == before["acme:s1"].payload
    assert list(after["acme:s1"].vector) == list(before["acme:s1"].vector)

    second = HashEncoder(0.5, seed="second")
    target = Target(edited, alias_weight=0.5)
    plan = make_plan(target, second.identity, published_build(store))
    assert set(plan.to_embed("skills")) == {*edited.skills, "acme:s1", "acme:s2"}
    done = carry_out(plan, second, store)
    assert done.embedded == len(second.concepts) == len(edited.skills) + 2 + len(edited.occupations) + 1
    reindex(ACME, HashEncoder(0.5, seed="second"), reference)
    reindex(edited, HashEncoder(0.5, seed="second"), reference)
    require_same(store.published(), reference.published())
    assert done.build.digest == reference.published().info.digest


def test_the_overlay_of_another_taxonomy_is_kept(taxonomy: Taxonomy) -> None:
    encoder = HashEncoder()
    target = Target(ACME, alias_weight=0)
    overlay = {"source": "team.toml", "hidden": []}
    first = make_plan(target, encoder.identity, held(encoder, taxonomy), overlay=overlay)
    assert first.info.parts[0].overlay == overlay
    build = cast(Any, held(encoder, taxonomy, ACME))
    base = cast(Build, Held(first.info, build.payloads))
    again = make_plan(Target(replace(taxonomy, version="2"), alias_weight=0), encoder.identity, base)
    assert [(part.taxonomy, part.version, part.overlay) for part in again.info.parts] == [
        ("acme", "3", overlay),
        ("sample", "2", None),
    ]
    without = make_plan(target, encoder.identity, base)
    assert without.info.parts[0].overlay is None
    assert not without.is_published
    assert make_plan(target, encoder.identity, base, overlay=overlay).is_published


# ---- a URI of a skill and of an occupation -----------------------------------------------------------


def small(version: str, skills: dict[str, str], occupations: dict[str, str]) -> Taxonomy:
    return Taxonomy(
        "t",
        version,
        "en",
        {uri: Skill(uri, label) for uri, label in skills.items()},
        {uri: Occupation(uri, label) for uri, label in occupations.items()},
        (),
        {},
        {},
    )


def test_a_concept_of_another_kind_is_reported_as_gone_and_new(tmp_path: Path) -> None:
    old = small("1", {"x": "was a skill", "y": "same"}, {"z": "was a job"})
    new = small("2", {"z": "is a skill", "y": "same"}, {"x": "is a job"})
    write_migration(planned(old, new), tmp_path / "report.csv")
    with (tmp_path / "report.csv").open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    assert [
        (row["uri"], row["kind"], row["fate"], row["label_before"], row["label_after"]) for row in found
    ] == [
        ("x", "skill", "removed", "was a skill", ""),
        ("y", "skill", "unchanged", "same", "same"),
        ("z", "skill", "added", "", "is a skill"),
        ("x", "occupation", "added", "", "is a job"),
        ("z", "occupation", "removed", "was a job", ""),
    ]


def test_a_uri_of_both_kinds_keeps_both_apart(stores: tuple[Store, Store]) -> None:
    store, reference = stores
    old = small("1", {"x": "skill", "y": "other"}, {"x": "job"})
    new = relate(change_skill(old, "x", description="of the skill"), "x", "y", "essential")
    new = change_occupation(new, "x", description="of the job")
    for taxonomy in (old, new):
        reindex(taxonomy, HashEncoder(), store)
    reindex(new, HashEncoder(), reference)
    require_same(store.published(), reference.published())
    assert store.published().fetch("skills", ["x"])["x"]["description"] == "of the skill"


# ---- two releases of ESCO ---------------------------------------------------------------------------------


def zips(version: str) -> list[Path]:
    given = os.environ.get("SKILLSEARCH_TEST_DATA")
    shared = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(given or shared) / "esco" / f"v{version}"
    if not (found := sorted(folder.glob("*.zip"))):
        pytest.skip(
            f"no ESCO v{version} zips in {folder}; SKILLSEARCH_TEST_DATA names the folder of the data"
        )
    return found


def rows(paths: list[Path], table: str) -> list[dict[str, str]]:
    """A table of a release, read without the indexer."""
    for path in paths:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if Path(name).name == table:
                    text = archive.read(name).decode("utf-8-sig")
                    return list(csv.DictReader(io.StringIO(text, newline="")))
    pytest.fail(f"no {table}")


def relations(paths: list[Path]) -> dict[tuple[str, str], str]:
    """How each occupation of a release needs each of its skills."""
    skills = {row["conceptUri"] for row in rows(paths, "skills_en.csv")}
    occupations = {row["conceptUri"] for row in rows(paths, "occupations_en.csv")}
    return {
        (row["occupationUri"], row["skillUri"]): row["relationType"]
        for row in rows(paths, "occupationSkillRelations.csv")
        if row["skillUri"] in skills and row["occupationUri"] in occupations
    }


def names(paths: list[Path], table: str) -> dict[str, tuple[str, set[str]]]:
    """The label and the aliases of each concept."""
    found = {}
    for row in rows(paths, table):
        label = row["preferredLabel"].strip()
        aliases = {alias.strip() for alias in row["altLabels"].split("\n")} - {"", label}
        found[row["conceptUri"]] = (label, aliases)
    return found


def test_from_one_release_of_esco_to_the_next() -> None:
    old_zips, new_zips = zips("1.1.0"), zips("1.1.1")
    encoder = HashEncoder(0.5)
    base = held(encoder, read_esco(old_zips).taxonomy)
    plan = make_plan(Target(read_esco(new_zips).taxonomy, alias_weight=0.5), encoder.identity, base)
    skills, occupations = plan.spaces["skills"], plan.spaces["occupations"]
    assert (len(skills.added), len(skills.removed)) == (5, 0)
    assert (len(occupations.added), len(occupations.removed)) == (0, 1)
    assert (len(plan.to_embed("skills")), len(plan.to_embed("occupations"))) == (9, 0)

    old_names, new_names = names(old_zips, "skills_en.csv"), names(new_zips, "skills_en.csv")
    assert set(skills.added) == new_names.keys() - old_names.keys()
    assert set(skills.embedded) == {
        uri for uri in new_names.keys() & old_names.keys() if new_names[uri] != old_names[uri]
    }
    gone = names(old_zips, "occupations_en.csv").keys() - names(new_zips, "occupations_en.csv").keys()
    assert set(occupations.removed) == gone

    before, after = relations(old_zips), relations(new_zips)
    assert plan.shifts.relations_added == len(after.keys() - before.keys())
    assert plan.shifts.relations_removed == len(before.keys() - after.keys())
    both = after.keys() & before.keys()
    assert plan.shifts.relations_switched == sum(after[pair] != before[pair] for pair in both)
    assert (plan.shifts.relations_added, plan.shifts.relations_removed) == (305, 369)
