"""What a reindex would do: comparison by hand, edits of the sample, two releases of ESCO."""

import csv
import io
import zipfile
from collections.abc import Callable, Iterator
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
    esco_zips,
    held,
    part_of,
    relate,
    require_same,
    small_taxonomy,
    unrelate,
)
from hash_encoder import HashEncoder
from indexing import index_taxonomy
from rich.console import Console
from stores import KINDS, empty_store

from indexer.cli.tables import plan_view
from indexer.diff import SHIFTS, Change, compare, count_shifts
from indexer.migration import write_migration
from indexer.plan import Plan, make_plan
from indexer.read.esco import read_esco
from skillsearch.errors import ModelError, TaxonomyError
from skillsearch.models.manifest import ModelManifest
from skillsearch.store.base import SPACES, Build, Payload, Store
from skillsearch.taxonomy.records import Group, Skill, Taxonomy

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


def shifts(**counts: int) -> dict[str, int]:
    return dict.fromkeys(SHIFTS, 0) | counts


# ---- by hand ----------------------------------------------------------------------------------------------


def payload(embedded: str = "e", hashed: str = "p", **fields: object) -> Payload:
    """A skill's payload with made-up hashes."""
    fixed = {"uri": "s:1", "kind": "skill", "label": "weld", "embedding_hash": embedded}
    return fixed | {"payload_hash": hashed} | fields


RELATED = payload(occupations_essential=["o:1"], occupations_optional=["o:2", "o:3"])


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (None, None, None),
        (payload(), payload(), None),
        (
            None,
            RELATED,
            Change("s:1", "skill", "added", None, "weld", (), ("o:1",), ("o:2", "o:3")),
        ),
        (RELATED, None, Change("s:1", "skill", "removed", "weld", None, lost=("o:2", "o:3", "o:1"))),
        (
            payload(),
            payload("f", "q", label="fuse"),
            Change("s:1", "skill", "embedded again", "weld", "fuse", ("label",)),
        ),
        (payload(), payload("f"), Change("s:1", "skill", "embedded again", "weld", "weld")),
        (
            payload(colour="red"),
            payload("e", "q"),
            Change("s:1", "skill", "payload only", "weld", "weld", ("colour",)),
        ),
    ],
    ids=["nowhere", "same", "added", "removed", "text", "more aliases are embedded", "field of one side"],
)
def test_comparison(old: Payload | None, new: Payload | None, expected: Change | None) -> None:
    assert compare(old, new) == expected


def test_relations_of_a_concept_that_stays() -> None:
    """o:1 stays as it is, o:2 becomes optional, o:3 essential; o:4 goes, o:5 and o:6 come."""
    old = payload(occupations_essential=["o:1", "o:2"], occupations_optional=["o:3", "o:4"])
    new = payload("e", "q", occupations_essential=["o:1", "o:3", "o:5"], occupations_optional=["o:2", "o:6"])
    change = compare(old, new)
    assert change is not None
    assert change.action == "payload only"
    assert change.fields == ("occupations_essential", "occupations_optional")
    assert sorted(change.became_essential) == ["o:3", "o:5"]
    assert sorted(change.became_optional) == ["o:2", "o:6"]
    assert sorted(change.switched) == ["o:2", "o:3"]
    assert change.lost == ("o:4",)
    counted = shifts(relations_added=2, relations_removed=1, relations_switched=2)
    assert count_shifts([change]) == counted


def test_a_change_as_json() -> None:
    change = compare(payload(), payload("f", "q", label="fuse", occupations_optional=["o:1"]))
    assert change is not None
    assert list(change.to_dict().items()) == [
        ("uri", "s:1"),
        ("kind", "skill"),
        ("fate", "embedded again"),
        ("label_before", "weld"),
        ("label_after", "fuse"),
        ("fields", ("label", "occupations_optional")),
        ("became_essential", ()),
        ("became_optional", ("o:1",)),
        ("switched", ()),
        ("lost", ()),
    ]


def test_shifts_add_up_over_concepts() -> None:
    def change(kind: str = "skill", fields: tuple[str, ...] = (), **relations: tuple[str, ...]) -> Change:
        return Change("x", kind, "payload only", "a", "a", fields, **relations)

    changes = [
        change(became_essential=("o:1", "o:2"), switched=("o:2",), lost=("o:3",)),
        change(became_optional=("o:1",), lost=("o:4", "o:5")),
        change(fields=("broader", "label")),
        change(fields=("ancestors", "broader")),
        change(fields=("ancestors",)),
        change("occupation", ("isco_groups", "skills_optional")),
        change("occupation", ("broader",)),
    ]
    assert count_shifts(changes) == {
        "relations_added": 2,
        "relations_removed": 3,
        "relations_switched": 1,
        "skills_moved": 2,
        "skills_under_other_groups": 2,
        "occupations_moved": 1,
    }
    assert count_shifts([]) == shifts()


# ---- edits of the sample ----------------------------------------------------------------------------------


def planned(old: Taxonomy, new: Taxonomy, *, alias_weight: float = 0.0) -> Plan:
    encoder = HashEncoder(alias_weight)
    return make_plan(new, encoder.folder, held(encoder, old))


def counts(plan: Plan) -> dict[str, dict[str, int]]:
    """Numbers of concepts that are not left as they are, by space and action."""
    found = {space: plan.spaces[space].counts() for space in SPACES}
    return {
        space: {action: count for action, count in row.items() if count and action != "unchanged"}
        for space, row in found.items()
    }


def of(plan: Plan, uri: str = DATABASES) -> Change:
    return next(change for change in plan.changes if change.uri == uri)


def test_the_same_release_again_is_published_already(taxonomy: Taxonomy) -> None:
    """Whatever the order of its concepts."""
    backwards = replace(
        taxonomy,
        skills={uri: taxonomy.skills[uri] for uri in reversed(list(taxonomy.skills))},
        occupations={uri: taxonomy.occupations[uri] for uri in reversed(list(taxonomy.occupations))},
        relations=taxonomy.relations[::-1],
    )
    for same in (replace(taxonomy), backwards):
        plan = planned(taxonomy, same)
        assert plan.is_published
        assert (plan.full_reason, plan.changes, plan.shifts) == ("", (), shifts())
        assert counts(plan) == {"skills": {}, "occupations": {}}
        assert plan.to_embed("skills") == plan.to_embed("occupations") == ()
        assert set(plan.to_copy("skills")) == set(taxonomy.skills)
        assert set(plan.spaces["occupations"].uris["unchanged"]) == set(taxonomy.occupations)
        assert plan.base is not None
        assert plan.info.base == plan.base.name
    newer = planned(taxonomy, replace(taxonomy, version="1.0.1"))
    assert (newer.is_published, newer.changes) == (False, ())
    assert newer.info.taxonomies == "sample 1.0.1 (en)"


def test_a_first_release(taxonomy: Taxonomy) -> None:
    plan = make_plan(taxonomy, HashEncoder().folder, None)
    assert counts(plan) == {"skills": {"added": 412}, "occupations": {"added": 44}}
    assert plan.full_reason
    assert (plan.base, plan.info.base, plan.is_published) == (None, None, False)
    assert plan.shifts["relations_added"] == 1187
    assert plan.to_embed("skills") == tuple(taxonomy.skills)
    assert plan.to_copy("skills") == ()
    (part,) = plan.info.parts
    assert (part.skills, part.occupations) == (412, 44)
    assert plan.info.dimension == 1024


def test_an_encoder_of_unknown_dimension_is_refused(taxonomy: Taxonomy) -> None:
    encoder = HashEncoder()
    vars(encoder.folder)["manifest"] = ModelManifest()
    with pytest.raises(ModelError, match=r"no file in hash tells the dimension of its vectors"):
        make_plan(taxonomy, encoder.folder, None)


STORED, EMBEDDED = "payload only", "embedded again"
ALIASES = ("database administration", "look after databases")
Edit = Callable[[Taxonomy], Taxonomy]

OF_SKILL: dict[str, tuple[float, dict[str, Any], str]] = {
    "label": (0.0, {"label": "run databases"}, EMBEDDED),
    "unused aliases": (0.0, {"alt_labels": ALIASES}, STORED),
    "aliases": (0.5, {"alt_labels": ALIASES}, EMBEDDED),
    "description": (0.5, {"description": "Other words."}, STORED),
    "hidden labels": (0.5, {"hidden_labels": ("adminster databases",)}, STORED),
    "type": (0.5, {"skill_type": "knowledge"}, STORED),
    "reuse level": (0.5, {"reuse_level": "transversal"}, STORED),
    "collections": (0.5, {"collections": ("digital", "green")}, STORED),
}


@pytest.mark.parametrize("case", list(OF_SKILL))
def test_a_skill_with_another_field(taxonomy: Taxonomy, case: str) -> None:
    alias_weight, changes, action = OF_SKILL[case]
    plan = planned(taxonomy, change_skill(taxonomy, DATABASES, **changes), alias_weight=alias_weight)
    assert not plan.is_published
    assert counts(plan) == {"skills": {action: 1}, "occupations": {}}
    assert of(plan).fields == tuple(changes)
    assert plan.to_embed("skills") == ((DATABASES,) if action == EMBEDDED else ())
    assert len(plan.to_copy("skills")) == 412 - len(plan.to_embed("skills"))
    assert plan.shifts == shifts()


EDITS: dict[str, tuple[Edit, dict[str, tuple[str, ...]], dict[str, int]]] = {
    "order of aliases": (
        lambda t: change_skill(t, DATABASES, alt_labels=t.skills[DATABASES].alt_labels[::-1]),
        {DATABASES: (STORED, "alt_labels")},
        {},
    ),
    "occupation": (lambda t: change_occupation(t, CHEF, label="cook"), {CHEF: (EMBEDDED, "label")}, {}),
    "aliases of an occupation": (
        lambda t: change_occupation(t, CHEF, alt_labels=("cook",)),
        {CHEF: (STORED, "alt_labels")},
        {},
    ),
    "new relation": (  # of the chef, whose ISCO groups did not need the skill
        lambda t: relate(t, CHEF, DATABASES, "essential"),
        {
            DATABASES: (STORED, "isco_groups_essential", "occupations_essential"),
            CHEF: (STORED, "skills_essential"),
        },
        {"relations_added": 1},
    ),
    "lost relation": (  # the only optional one
        lambda t: unrelate(t, ENGINEER, DATABASES),
        {
            DATABASES: (STORED, "isco_groups_optional", "occupations_optional"),
            ENGINEER: (STORED, "skills_optional"),
        },
        {"relations_removed": 1},
    ),
    "relation that became essential": (
        lambda t: relate(t, ENGINEER, DATABASES, "essential"),
        {
            DATABASES: (
                *(STORED, "isco_groups_essential", "isco_groups_optional"),
                *("occupations_essential", "occupations_optional"),
            ),
            ENGINEER: (STORED, "skills_essential", "skills_optional"),
        },
        {"relations_switched": 1},
    ),
    "skill in another group": (
        lambda t: change_skill(t, DATABASES, broader=(f"{GROUP}S5.1",)),
        {DATABASES: (STORED, "ancestors", "broader")},
        {"skills_moved": 1, "skills_under_other_groups": 1},
    ),
}


@pytest.mark.parametrize("case", list(EDITS))
def test_an_edit(taxonomy: Taxonomy, case: str) -> None:
    edit, changes, shifted = EDITS[case]
    plan = planned(taxonomy, edit(taxonomy), alias_weight=0.5)
    assert {change.uri: (change.action, *change.fields) for change in plan.changes} == changes
    assert plan.shifts == shifts(**shifted)


def test_skills_below_one_with_a_new_label_are_only_stored(taxonomy: Taxonomy) -> None:
    """Their payloads have it."""
    parent = f"{SKILL}machine-learning"
    below = {uri for uri, skill in taxonomy.skills.items() if parent in skill.broader}
    plan = planned(taxonomy, change_skill(taxonomy, parent, label="learning by machines"))
    assert plan.to_embed("skills") == (parent,)
    assert set(plan.spaces["skills"].uris["payload only"]) == below
    assert len(below) >= 2
    assert {change.fields for change in plan.changes if change.uri in below} == {("broader",)}
    assert plan.shifts == shifts(skills_moved=len(below))


def test_a_group_moved_in_the_hierarchy(taxonomy: Taxonomy) -> None:
    """The skills below S5.2, at any level, then stand below S3 too; their direct parents stay."""
    moved = f"{GROUP}S5.2"
    below = [uri for uri in taxonomy.skills if moved in taxonomy.skill_ancestors(uri)]
    assert not any(f"{GROUP}S3" in taxonomy.skill_ancestors(uri) for uri in below)
    parents = (*taxonomy.groups[moved].broader, f"{GROUP}S3")
    groups = {**taxonomy.groups, moved: replace(taxonomy.groups[moved], broader=parents)}
    plan = planned(taxonomy, replace(taxonomy, groups=groups))
    assert counts(plan) == {"skills": {"payload only": len(below)}, "occupations": {}}
    assert {change.fields for change in plan.changes} == {("ancestors",)}
    assert plan.shifts == shifts(skills_under_other_groups=len(below))
    assert len(below) >= 23  # those directly below


def test_an_occupation_in_another_isco_group(taxonomy: Taxonomy) -> None:
    plan = planned(taxonomy, change_occupation(taxonomy, ADMINISTRATOR, isco_group=f"{ISCO}C3434"))
    assert counts(plan)["occupations"] == {"payload only": 1}
    assert of(plan, ADMINISTRATOR).fields == ("isco_groups",)
    assert of(plan).fields == ("isco_groups_essential",)
    assert plan.shifts == shifts(occupations_moved=1)


def test_concepts_that_are_gone_take_their_relations_with_them(taxonomy: Taxonomy) -> None:
    assert len(taxonomy.relations_by_occupation[CHEF]) == 26
    plan = planned(taxonomy, drop_occupation(taxonomy, CHEF))
    assert counts(plan) == {"skills": {"payload only": 26}, "occupations": {"removed": 1}}
    assert plan.shifts == shifts(relations_removed=26)
    assert plan.spaces["occupations"].uris["removed"] == (CHEF,)
    assert (of(plan, CHEF).label_before, of(plan, CHEF).label_after) == ("chef", None)
    assert CHEF not in plan.spaces["occupations"].hashes
    assert plan.info.occupations == 43

    plan = planned(taxonomy, drop_skill(taxonomy, DATABASES))
    assert counts(plan) == {"skills": {"removed": 1}, "occupations": {"payload only": 2}}
    assert sorted(of(plan).lost) == [ADMINISTRATOR, ENGINEER]
    assert plan.shifts == shifts(relations_removed=2)
    assert plan.info.skills == 411


def test_a_skill_that_is_new(taxonomy: Taxonomy) -> None:
    skill = Skill(f"{SKILL}new", "tame databases", broader=(f"{GROUP}S5.2",))
    plan = planned(taxonomy, relate(add_skill(taxonomy, skill), CHEF, skill.uri, "optional"))
    assert counts(plan) == {"skills": {"added": 1}, "occupations": {"payload only": 1}}
    assert plan.to_embed("skills") == (skill.uri,)
    assert of(plan, skill.uri).label_after == "tame databases"
    assert plan.shifts == shifts(relations_added=1)


def test_a_plan_as_json_has_some_examples_of_each_action(taxonomy: Taxonomy) -> None:
    uris = list(taxonomy.skills)[:5]
    edited = taxonomy
    for uri in uris:
        edited = change_skill(edited, uri, label=f"{taxonomy.skills[uri].label} well")
    found = planned(taxonomy, drop_occupation(edited, CHEF)).to_dict()
    assert len(found["examples"]["embedded again"]) == 3
    assert [change["uri"] for change in found["examples"]["removed"]] == [CHEF]
    assert found["examples"]["added"] == []
    assert found["counts"]["skills"]["embedded again"] == 5
    assert list(found["counts"]["occupations"].items()) == [
        *(("added", 0), ("removed", 1), ("embedded again", 0), ("payload only", 0), ("unchanged", 43))
    ]
    assert found["complete"] == ""
    assert found["shifts"]["relations_removed"] == 26


# ---- full builds ------------------------------------------------------------------------------------------


def test_another_encoder_embeds_everything(taxonomy: Taxonomy) -> None:
    old, new = HashEncoder(), HashEncoder(seed="other")
    edited = change_skill(drop_occupation(taxonomy, CHEF), DATABASES, label="run databases")
    plan = make_plan(edited, new.folder, held(old, taxonomy))
    assert plan.full_reason == (
        f"the encoder changed from hash ({old.folder.fingerprint}) to hash-{new.folder.fingerprint[:8]}"
    )
    assert counts(plan) == {
        "skills": {EMBEDDED: 412},
        "occupations": {EMBEDDED: 43, "removed": 1},
    }
    assert set(plan.to_embed("skills")) == set(taxonomy.skills)
    assert plan.to_copy("skills") == plan.to_copy("occupations") == ()
    assert plan.info.base is None
    assert plan.info.encoder_fingerprint == new.folder.fingerprint
    assert of(plan).fields == ("label",)


def test_other_text_views_or_a_request_embed_everything(taxonomy: Taxonomy) -> None:
    encoder = HashEncoder()
    build = cast(Any, held(encoder, taxonomy))
    older = cast(Build, Held(replace(build.info, view_version=0), build.payloads))
    plan = make_plan(taxonomy, encoder.folder, older)
    assert plan.full_reason == "the text views changed from version 0 to 1"
    asked = make_plan(taxonomy, encoder.folder, build, full=True)
    assert (asked.full_reason, asked.is_forced, asked.is_published) == (
        *("a full build was asked for", True, True),
    )
    assert (asked.changes, asked.info.base) == ((), None)
    for each in (plan, asked):
        assert counts(each) == {"skills": {EMBEDDED: 412}, "occupations": {EMBEDDED: 44}}


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
    plan = make_plan(edited, HashEncoder().folder, base)
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
    complete = shown(make_plan(edited, other.folder, base))
    assert (
        f"everything is embedded again: the encoder changed from hash ({HashEncoder().folder.fingerprint})"
        in (complete[2])
    )
    assert "payload only, for example" not in complete
    assert "embedded again, for example" in complete
    same = shown(make_plan(taxonomy, HashEncoder().folder, base))
    assert same[2] == "this is already published: there is nothing to do"
    assert [line.split()[-2:] for line in same if line.startswith("unchanged")] == [["412", "44"]]
    assert not any("example" in line for line in same)


# ---- several taxonomies -----------------------------------------------------------------------------------

ACME = replace(
    small_taxonomy(
        "3", {}, {"acme:o1": "press operator"}, [("acme:o1", "acme:s1", "essential")], name="acme"
    ),
    skills={
        "acme:s1": Skill("acme:s1", "operate the press", ("run the press",), broader=("acme:g1",)),
        "acme:s2": Skill("acme:s2", "change the press tool", broader=("acme:s1",)),
    },
    groups={"acme:g1": Group("acme:g1", "pressing")},
)


@pytest.fixture(params=KINDS)
def stores(request: pytest.FixtureRequest) -> Iterator[tuple[Store, Store]]:
    """Two of a kind."""
    with empty_store(request.param) as store, empty_store(request.param) as other:
        yield store, other


def test_another_taxonomy_is_left_alone_and_keeps_its_uris(taxonomy: Taxonomy) -> None:
    encoder = HashEncoder()
    base = held(encoder, ACME, taxonomy)
    edited = change_skill(taxonomy, DATABASES, label="run databases")
    plan = make_plan(edited, encoder.folder, base)
    assert counts(plan) == {"skills": {EMBEDDED: 1}, "occupations": {}}
    assert sorted(plan.spaces["skills"].others) == ["acme:s1", "acme:s2"]
    assert plan.spaces["occupations"].others == ("acme:o1",)
    assert {"acme:s1", "acme:s2"} < set(plan.to_copy("skills"))
    assert plan.info.taxonomies == "acme 3 (en) + sample 1.0.0 (en)"
    assert (plan.info.skills, plan.info.occupations) == (414, 45)
    assert {change.uri for change in plan.changes} == {DATABASES}
    other = add_skill(ACME, Skill(DATABASES, "administer databases"))
    with pytest.raises(TaxonomyError) as caught:
        make_plan(other, encoder.folder, held(encoder, taxonomy))
    assert str(caught.value).startswith(
        f"acme 3 (en): {DATABASES} already belongs to sample in the index: give the concept another URI"
    )


def test_others_are_copied_and_embedded_from_what_is_stored(
    taxonomy: Taxonomy, stores: tuple[Store, Store]
) -> None:
    """An index whose encoder changed is the same as one that had that encoder from the start."""
    store, reference = stores
    small = part_of(taxonomy, 4, 12)
    edited = change_skill(small, next(iter(small.skills)), label="behave well")
    first = HashEncoder()
    index_taxonomy(ACME, first, store)
    index_taxonomy(small, first, store)
    before = {point.uri: point for point in store.published().scan("skills", vectors=True)}
    first.concepts.clear()
    report = index_taxonomy(edited, first, store)
    assert (first.concepts, report.embedded) == (["behave well"], 1)
    after = {point.uri: point for point in store.published().scan("skills", vectors=True)}
    assert after["acme:s1"].payload == before["acme:s1"].payload
    assert list(after["acme:s1"].vector) == list(before["acme:s1"].vector)

    second = HashEncoder(0.5, seed="second")
    plan = make_plan(edited, second.folder, store.published())
    assert set(plan.to_embed("skills")) == {*edited.skills, "acme:s1", "acme:s2"}
    done = index_taxonomy(edited, second, store)
    assert done.embedded == len(second.concepts) == len(edited.skills) + 2 + len(edited.occupations) + 1
    index_taxonomy(ACME, HashEncoder(0.5, seed="second"), reference)
    index_taxonomy(edited, HashEncoder(0.5, seed="second"), reference)
    require_same(store.published(), reference.published())
    assert done.build.digest == reference.published().info.digest


def test_the_overlay_of_another_taxonomy_is_kept(taxonomy: Taxonomy) -> None:
    encoder = HashEncoder()
    overlay = {"source": "team.toml", "hidden": []}
    first = make_plan(ACME, encoder.folder, held(encoder, taxonomy), overlay=overlay)
    assert first.info.parts[0].overlay == overlay
    build = cast(Any, held(encoder, taxonomy, ACME))
    base = cast(Build, Held(first.info, build.payloads))
    again = make_plan(replace(taxonomy, version="2"), encoder.folder, base)
    assert [(part.taxonomy, part.version, part.overlay) for part in again.info.parts] == [
        ("acme", "3", overlay),
        ("sample", "2", None),
    ]
    without = make_plan(ACME, encoder.folder, base)
    assert without.info.parts[0].overlay is None
    assert not without.is_published
    assert make_plan(ACME, encoder.folder, base, overlay=overlay).is_published


# ---- a URI of a skill and of an occupation -----------------------------------------------------------


def test_a_concept_of_another_kind_is_reported_as_gone_and_new(tmp_path: Path) -> None:
    old = small_taxonomy("1", {"x": "=was a skill", "y": "same"}, {"z": "was a job"})
    new = small_taxonomy("2", {"z": "is a skill", "y": "same"}, {"x": "is a job"})
    write_migration(planned(old, new), tmp_path / "report.csv")
    with (tmp_path / "report.csv").open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    columns = ("uri", "kind", "fate", "label_before", "label_after")
    assert [tuple(row[column] for column in columns) for row in found] == [
        ("x", "skill", "removed", "'=was a skill", ""),
        ("y", "skill", "unchanged", "same", "same"),
        ("z", "skill", "added", "", "is a skill"),
        ("x", "occupation", "added", "", "is a job"),
        ("z", "occupation", "removed", "was a job", ""),
    ]


def test_a_uri_of_both_kinds_keeps_both_apart(stores: tuple[Store, Store]) -> None:
    store, reference = stores
    old = small_taxonomy("1", {"x": "skill", "y": "other"}, {"x": "job"})
    new = relate(change_skill(old, "x", description="of the skill"), "x", "y", "essential")
    new = change_occupation(new, "x", description="of the job")
    for taxonomy in (old, new):
        index_taxonomy(taxonomy, HashEncoder(), store)
    index_taxonomy(new, HashEncoder(), reference)
    require_same(store.published(), reference.published())
    assert store.published().fetch("skills", ["x"])["x"]["description"] == "of the skill"


# ---- two releases of ESCO ---------------------------------------------------------------------------------


def rows(paths: list[Path], table: str) -> list[dict[str, str]]:
    """A table of a release, read without the indexer."""
    for path in paths:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if Path(name).name == table:
                    text = archive.read(name).decode("utf-8-sig")
                    return list(csv.DictReader(io.StringIO(text, newline="")))
    pytest.fail(f"no {table}")


def relations(paths: list[Path], concepts: set[str]) -> dict[tuple[str, str], str]:
    """How each occupation of a release needs each of its skills."""
    return {
        (row["occupationUri"], row["skillUri"]): row["relationType"]
        for row in rows(paths, "occupationSkillRelations.csv")
        if {row["skillUri"], row["occupationUri"]} <= concepts
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
    old_zips, new_zips = esco_zips("1.1.0"), esco_zips("1.1.1")
    encoder = HashEncoder(0.5)
    base = held(encoder, read_esco(old_zips).taxonomy)
    plan = make_plan(read_esco(new_zips).taxonomy, encoder.folder, base)
    skills, occupations = plan.spaces["skills"], plan.spaces["occupations"]
    assert (len(skills.uris["added"]), len(skills.uris["removed"])) == (5, 0)
    assert (len(occupations.uris["added"]), len(occupations.uris["removed"])) == (0, 1)
    assert (len(plan.to_embed("skills")), len(plan.to_embed("occupations"))) == (9, 0)

    old, new = (names(paths, "skills_en.csv") for paths in (old_zips, new_zips))
    assert set(skills.uris["added"]) == new.keys() - old.keys()
    assert set(skills.uris[EMBEDDED]) == {uri for uri in new.keys() & old.keys() if new[uri] != old[uri]}
    old_jobs, new_jobs = (names(paths, "occupations_en.csv") for paths in (old_zips, new_zips))
    assert set(occupations.uris["removed"]) == old_jobs.keys() - new_jobs.keys()

    before, after = relations(old_zips, {*old, *old_jobs}), relations(new_zips, {*new, *new_jobs})
    assert plan.shifts["relations_added"] == len(after.keys() - before.keys()) == 305
    assert plan.shifts["relations_removed"] == len(before.keys() - after.keys()) == 369
    both = after.keys() & before.keys()
    assert plan.shifts["relations_switched"] == sum(after[pair] != before[pair] for pair in both)
