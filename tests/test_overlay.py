import json
import random
import re
from collections.abc import Iterable
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest
from edits import esco_zips

from indexer.overlay import Alias, Hide, Overlaid, Overlay, Pin, PrivateSkill, apply_overlay
from indexer.read.esco import read_esco, read_sample
from indexer.read.overlays import read_overlay
from skillsearch.errors import TaxonomyError
from skillsearch.taxonomy.records import Group, Occupation, Relation, Skill, Taxonomy

REPOSITORY = Path(__file__).resolve().parents[1]
DOCUMENT = REPOSITORY / "docs" / "reference" / "files.md"

TOML = """
[[pin]]
uri = "s:1"
label = "welding"

[[skill]]
uri = "x:1"
label = " laser welding "
aliases = ["weld by laser", "laser welding", "weld by laser"]
hidden_labels = "lazer welding"
description = "Joins with light."
type = "skill"
reuse_level = "sector-specific"
collections = ["own", "green"]
broader = ["s:1", "g:1", "x:2"]
essential_for = ["o:1"]
optional_for = "o:2"

[[skill]]
uri = "x:2"
label = "light"

[[alias]]
uri = "o:1"
aliases = ["fuser"]

[[hide]]
uri = "s:3"

[[alias]]
uri = "s:1"
aliases = ["fuse", "join"]
"""
TABLE = (
    "uri,action,label,aliases,hidden_labels,description,type,reuse_level,collections,broader,"
    "essential_for,optional_for\n"
    "s:1,pin,welding,,,,,,,,,\n"
    'x:1,skill, laser welding ,"weld by laser\nlaser welding\n\nweld by laser",lazer welding,'
    'Joins with light.,skill,sector-specific,"own\ngreen","s:1\ng:1\nx:2",o:1,o:2\n'
    "x:2,skill,light,,,,,,,,,\n"
    "o:1,alias,,fuser,,,,,,,,\n"
    ",,,,,,,,,,,\n"
    "s:3,hide,,,,,,,,,,\n"
    's:1,alias,,"fuse\njoin",,,,,,,,\n'
)
LASER = Skill(
    "x:1",
    "laser welding",
    ("weld by laser",),
    ("lazer welding",),
    "Joins with light.",
    "skill",
    "sector-specific",
    ("green", "own"),
    ("s:1", "g:1", "x:2"),
)


def entries(*places: str) -> Overlay:
    """What both files above say; the places are those of the entries in the order of the table."""
    pin, laser, light, fuser, hide, fuse = places
    return Overlay(
        source="team",
        skills=(PrivateSkill(laser, LASER, ("o:1",), ("o:2",)), PrivateSkill(light, Skill("x:2", "light"))),
        hidden=(Hide(hide, "s:3"),),
        pins=(Pin(pin, "s:1", "welding"),),
        aliases=(Alias(fuser, "o:1", ("fuser",)), Alias(fuse, "s:1", ("fuse", "join"))),
    )


TOML_ENTRIES = entries("[[pin]] 1", "[[skill]] 1", "[[skill]] 2", "[[alias]] 1", "[[hide]] 1", "[[alias]] 2")
TABLE_ENTRIES = entries("row 2", "row 3", "row 4", "row 5", "row 7", "row 8")


@pytest.fixture
def release() -> Taxonomy:
    """Skills s:1 to s:5 below each other and groups; occupations o:1 and o:2 that need them."""
    return Taxonomy(
        name="esco",
        version="9",
        language="en",
        skills={
            "s:1": Skill("s:1", "weld", ("join", "welding"), broader=("g:2",), collections=("green",)),
            "s:2": Skill("s:2", "grind", broader=("s:1",)),
            "s:3": Skill("s:3", "grind by hand", broader=("s:2", "g:1"), collections=("green",)),
            "s:4": Skill("s:4", "file", broader=("s:3",)),
            "s:5": Skill("s:5", "file finely", broader=("s:2", "s:4", "g:1")),
        },
        occupations={
            "o:1": Occupation("o:1", "welder", isco_group="i:1", broader=("i:1",)),
            "o:2": Occupation("o:2", "grinder", ("file hand",), isco_group="i:1", broader=("o:1",)),
        },
        relations=(
            Relation("o:1", "s:1", "essential"),
            Relation("o:1", "s:3", "optional"),
            Relation("o:2", "s:2", "essential"),
            Relation("o:2", "s:3", "essential"),
        ),
        groups={"g:1": Group("g:1", "skills", "S"), "g:2": Group("g:2", "joining", "S1", broader=("g:1",))},
        isco_groups={"i:1": Group("i:1", "metal workers", "72")},
    )


def write(path: Path, content: str | bytes | bytearray) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def error_of(path: Path) -> str:
    with pytest.raises(TaxonomyError) as caught:
        read_overlay(path)
    message = str(caught.value)
    assert "\n" not in message
    return message


def hide(*uris: str) -> Overlay:
    return Overlay("team", hidden=tuple(Hide(f"row {row}", uri) for row, uri in enumerate(uris, start=2)))


def private(uri: str = "x:1", place: str = "row 2", **values: Iterable[str]) -> PrivateSkill:
    broader = tuple(values.pop("broader", ()))
    relations = {name: tuple(uris) for name, uris in values.items()}
    return PrivateSkill(place, Skill(uri, "own", broader=broader), **relations)


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [("team.toml", TOML, TOML_ENTRIES), ("team.CSV", TABLE, TABLE_ENTRIES)],
)
def test_read(tmp_path: Path, mark: str, name: str, text: str, expected: Overlay) -> None:
    for ending in ("\n", "\r\n"):
        path = write(tmp_path / name, mark + text.replace("\n", ending))
        assert read_overlay(path) == replace(expected, source=name)


def test_a_table_needs_only_the_columns_that_its_entries_fill(tmp_path: Path) -> None:
    path = write(tmp_path / "team.csv", "action,uri\nhide,s:1\n")
    assert read_overlay(path) == Overlay("team.csv", hidden=(Hide("row 2", "s:1"),))


@pytest.mark.parametrize("overlay", [TOML_ENTRIES, TABLE_ENTRIES, Overlay("team")])
def test_it_survives_json(overlay: Overlay) -> None:
    values = overlay.to_dict()
    stored = json.loads(json.dumps(values))
    assert stored == values
    assert Overlay.from_dict(stored) == overlay
    assert Overlay.from_dict(values) == overlay
    assert Overlay.from_dict(stored).to_dict() == values


def test_an_overlay_is_laid_over_a_taxonomy(release: Taxonomy) -> None:
    before = replace(release)
    overlaid = apply_overlay(TOML_ENTRIES, release)
    assert release == before
    assert overlaid.problems == ()
    assert overlaid.taxonomy == replace(
        release,
        skills={
            "s:1": Skill(
                "s:1", "welding", ("weld", "join", "fuse"), broader=("g:2",), collections=("green",)
            ),
            "s:2": Skill("s:2", "grind", broader=("s:1",)),
            "s:4": Skill("s:4", "file", broader=("s:2", "g:1")),
            "s:5": Skill("s:5", "file finely", broader=("s:2", "s:4", "g:1")),
            "x:1": LASER,
            "x:2": Skill("x:2", "light"),
        },
        occupations=dict(release.occupations)
        | {"o:1": replace(release.occupations["o:1"], alt_labels=("fuser",))},
        relations=(
            Relation("o:1", "s:1", "essential"),
            Relation("o:2", "s:2", "essential"),
            Relation("o:1", "x:1", "essential"),
            Relation("o:2", "x:1", "optional"),
        ),
    )
    assert list(overlaid.taxonomy.skills) == ["s:1", "s:2", "s:4", "s:5", "x:1", "x:2"]
    assert overlaid.taxonomy.skill_ancestors("x:1") == ("s:1", "g:1", "x:2", "g:2")


@pytest.mark.parametrize("overlay", [TOML_ENTRIES, TABLE_ENTRIES, Overlay("team")])
def test_an_overlay_may_be_applied_again(release: Taxonomy, overlay: Overlay) -> None:
    once, again = apply_overlay(overlay, release), apply_overlay(overlay, release)
    assert once == again
    assert list(once.taxonomy.skills) == list(again.taxonomy.skills)
    over_itself = apply_overlay(overlay, once.taxonomy).taxonomy
    assert over_itself == once.taxonomy
    assert list(over_itself.skills) == list(once.taxonomy.skills)


def test_an_empty_overlay_changes_nothing(tmp_path: Path, release: Taxonomy) -> None:
    """Such as a file with comments only."""
    empty = read_overlay(write(tmp_path / "team.toml", "# nothing any more\n"))
    assert empty == Overlay("team.toml")
    for taxonomy in (release, read_sample().taxonomy):
        overlaid = apply_overlay(empty, taxonomy)
        assert overlaid == Overlaid(taxonomy, ())
        assert list(overlaid.taxonomy.skills) == list(taxonomy.skills)


def test_the_order_of_different_entries_does_not_matter(tmp_path: Path, release: Taxonomy) -> None:
    header, *rows = (
        "action,uri,label,aliases",
        "skill,x:1,own,",
        "pin,x:1,our own,",
        "alias,x:1,,mine",
        "hide,s:3,,",
        "pin,s:1,welding,",
        "alias,s:1,,fuse",
    )
    found = []
    for order in permutations(rows):
        path = write(tmp_path / "team.csv", "\n".join([header, *order]))
        found.append(apply_overlay(read_overlay(path), release))
    assert found[0].problems == ()
    assert found[0].taxonomy.skills["x:1"] == Skill("x:1", "our own", ("own", "mine"))
    assert found[0].taxonomy.skills["s:1"].alt_labels == ("weld", "join", "fuse")
    assert all(other == found[0] for other in found)


def test_a_hidden_skill_takes_its_relations_and_collections_with_it(release: Taxonomy) -> None:
    def collections(taxonomy: Taxonomy) -> set[str]:
        return {name for skill in taxonomy.skills.values() for name in skill.collections}

    taxonomy = apply_overlay(hide("s:1"), release).taxonomy
    assert "s:1" not in taxonomy.skills
    assert [relation.skill for relation in taxonomy.relations] == ["s:3", "s:2", "s:3"]
    assert taxonomy.skills["s:2"].broader == ("g:2",)
    assert collections(taxonomy) == {"green"}
    assert collections(apply_overlay(hide("s:1", "s:3"), release).taxonomy) == set()


def test_skills_below_hidden_ones_move_to_their_parents(release: Taxonomy) -> None:
    """Also where hidden skills stand below each other in a ring."""
    taxonomy = apply_overlay(hide("s:4", "s:2", "s:3"), release).taxonomy
    assert taxonomy.skills["s:5"].broader == ("s:1", "g:1")
    assert taxonomy.skill_ancestors("s:5") == ("s:1", "g:1", "g:2")
    ring = dict(release.skills) | {"s:1": replace(release.skills["s:1"], broader=("s:3", "g:2"))}
    taxonomy = apply_overlay(hide("s:1", "s:2", "s:3"), replace(release, skills=ring)).taxonomy
    assert taxonomy.skills["s:4"].broader == ("g:2", "g:1")


def test_a_hidden_occupation_takes_its_relations_with_it(release: Taxonomy) -> None:
    taxonomy = apply_overlay(hide("o:1"), release).taxonomy
    assert list(taxonomy.occupations) == ["o:2"]
    assert taxonomy.occupations["o:2"].broader == ("i:1",)
    assert {relation.occupation for relation in taxonomy.relations} == {"o:2"}
    assert taxonomy.skills == release.skills


def test_references_to_what_the_overlay_hides_are_hidden_too(release: Taxonomy) -> None:
    overlay = replace(hide("s:1", "o:1"), skills=(private(broader=["s:1"], essential_for=["o:1"]),))
    overlaid = apply_overlay(overlay, release)
    assert overlaid.problems == ()
    assert overlaid.taxonomy.skills["x:1"].broader == ("g:2",)
    assert "x:1" not in overlaid.taxonomy.relations_by_skill


def test_a_pinned_label(release: Taxonomy) -> None:
    pins = Pin("row 2", "s:1", "welding"), Pin("row 3", "o:2", "grinding hand")
    taxonomy = apply_overlay(Overlay("team", pins=pins), release).taxonomy
    assert taxonomy.skills["s:1"].label == "welding"
    assert taxonomy.skills["s:1"].alt_labels == ("weld", "join")
    assert taxonomy.occupations["o:2"].label == "grinding hand"
    assert taxonomy.occupations["o:2"].alt_labels == ("grinder", "file hand")


def test_aliases_are_added_once_and_never_the_label(release: Taxonomy) -> None:
    overlay = Overlay(
        "team",
        pins=(Pin("row 2", "s:1", "welding"),),
        aliases=(
            Alias("row 3", "s:1", ("fuse", "welding", "join", "weld", "fuse")),
            Alias("row 4", "s:1", ("solder", "fuse")),
            Alias("row 5", "o:2", ("filer",)),
        ),
    )
    overlaid = apply_overlay(overlay, release)
    assert overlaid.problems == ()
    assert overlaid.taxonomy.skills["s:1"].alt_labels == ("weld", "join", "fuse", "solder")
    assert overlaid.taxonomy.occupations["o:2"].alt_labels == ("file hand", "filer")


def test_entries_without_effect_are_listed(release: Taxonomy) -> None:
    overlay = Overlay(
        "team",
        hidden=(Hide("row 2", "s:9"), Hide("row 3", "g:1"), Hide("row 4", "s:3"), Hide("row 5", "s:3")),
        pins=(Pin("row 6", "o:9", "x"), Pin("row 7", "i:1", "x"), Pin("row 8", "s:1", "weld")),
        aliases=(
            *(Alias("row 9", "s:8", ("x",)), Alias("row 10", "s:1", ("join", "weld"))),
            Alias("row 11", "s:1", ("fuse",)),
        ),
    )
    overlaid = apply_overlay(overlay, release)
    assert list(overlaid.problems) == [
        "team, row 2: 's:9' is not in esco 9 (en)",
        "team, row 3: 'g:1' is a group of esco 9 (en), expected a skill or an occupation",
        "team, row 5: 's:3' is already hidden by another entry; remove one",
        "team, row 6: 'o:9' is not in esco 9 (en)",
        "team, row 7: 'i:1' is a group of esco 9 (en), expected a skill or an occupation",
        "team, row 8: 's:1' already has the label 'weld'; remove the entry",
        "team, row 9: 's:8' is not in esco 9 (en)",
        "team, row 10: 's:1' already has these names; remove the entry",
    ]
    assert overlaid.taxonomy.skills["s:1"].alt_labels == ("join", "welding", "fuse")


def test_a_private_skill_gives_way_to_one_of_the_release(release: Taxonomy) -> None:
    overlay = Overlay(
        "team",
        skills=(
            private("s:1", "row 2", essential_for=["o:2"], broader=["s:9"]),
            private("o:1", "row 3"),
            private("g:1", "row 4"),
            private("i:1", "row 5"),
            private("x:1", "row 6", broader=["s:1"]),
        ),
        pins=(Pin("row 7", "s:1", "welding"),),
    )
    overlaid = apply_overlay(overlay, release)
    assert list(overlaid.problems) == [
        "team, row 2: 's:1' is in esco 9 (en) too, whose skill is kept; remove the entry",
        *(
            f"team, row {row}: '{uri}' is not a skill in esco 9 (en); give the private skill another URI"
            for row, uri in ((3, "o:1"), (4, "g:1"), (5, "i:1"))
        ),
    ]
    assert overlaid.taxonomy.relations == release.relations
    assert overlaid.taxonomy.skills["s:1"].broader == ("g:2",)
    assert overlaid.taxonomy.skills["s:1"].alt_labels == ("weld", "join")
    assert set(overlaid.taxonomy.skills) == {*release.skills, "x:1"}


def test_references_of_a_private_skill_to_nothing_are_listed(release: Taxonomy) -> None:
    skill = private(broader=["i:1", "x:2", "g:9"], essential_for=["o:9", "o:1"], optional_for=["s:1", "o:1"])
    overlaid = apply_overlay(Overlay("team", skills=(skill, private("x:2", "row 3"))), release)
    assert overlaid.taxonomy.skills["x:1"].broader == ("x:2",)
    assert overlaid.taxonomy.relations[len(release.relations) :] == (Relation("o:1", "x:1", "essential"),)
    assert list(overlaid.problems) == [
        "team, row 2: 'i:1' is no skill or skill group of esco 9 (en); 'x:1' is not placed below it",
        "team, row 2: 'g:9' is no skill or skill group of esco 9 (en); 'x:1' is not placed below it",
        "team, row 2: 'o:9' is no occupation of esco 9 (en); it is not related to 'x:1'",
        "team, row 2: 's:1' is no occupation of esco 9 (en); it is not related to 'x:1'",
    ]


CONTRADICTIONS = {
    "two pins": ("pin,s:1,a,", "pin,s:1,b,", "both pin the label of 's:1'"),
    "two private skills": ("skill,s:1,a,", "skill,s:1,a,", "both add the skill 's:1'"),
    "hide and pin": ("hide,s:1,,", "pin,s:1,a,", "one hides 's:1', and the other changes it"),
    "hide and skill": ("hide,s:1,,", "skill,s:1,a,", "one hides 's:1', and the other changes it"),
    "hide and alias": ("hide,s:1,,", "alias,s:1,,a", "one hides 's:1', and the other changes it"),
}


@pytest.mark.parametrize("case", list(CONTRADICTIONS))
def test_entries_that_contradict_each_other(tmp_path: Path, case: str) -> None:
    one, other, problem = CONTRADICTIONS[case]
    rows = f"action,uri,label,aliases\nhide,s:0,,\n{one}\npin,s:2,b,\n{other}\n"
    message = error_of(write(tmp_path / "team.csv", rows))
    assert message == f"team.csv, row 3 and row 5: {problem}; keep one of them"


def test_contradictions_in_toml_and_in_what_is_stored(tmp_path: Path) -> None:
    text = '[[pin]]\nuri = "s:1"\nlabel = "a"\n[[hide]]\nuri = "s:2"\n[[hide]]\nuri = "s:1"\n'
    expected = (
        "team.toml, [[hide]] 2 and [[pin]] 1: one hides 's:1', and the other changes it; keep one of them"
    )
    assert error_of(write(tmp_path / "team.toml", text)) == expected
    values = Overlay("team.toml", pins=(Pin("[[pin]] 1", "s:1", "a"),)).to_dict()
    values["hidden"] = [{"place": "[[hide]] 2", "uri": "s:1"}]
    with pytest.raises(TaxonomyError) as caught:
        Overlay.from_dict(values)
    assert str(caught.value) == expected


SKILL = '[[skill]]\nuri = "x:1"\nlabel = "a"\n'
BROKEN_TOML: dict[str, tuple[str | bytes, str]] = {
    "empty": ("\ufeff \n", ": empty, expected [[skill]], [[alias]], [[hide]] or [[pin]]; for an overlay "),
    "not TOML": ("# x\n[[pin]\n", ": not valid TOML: Expected ']]' at the end of an array declaration (at "),
    "open text": ('[[pin]]\nuri = "s:1\n', ": not valid TOML: Illegal character '\\n' (at line 2"),
    "key twice": ('[[pin]]\nuri = "s:1"\nuri = "s:2"\n', ": not valid TOML: Cannot overwrite a value (at "),
    "deep": ("a = " + "[" * 100_000, ": not valid TOML: "),
    "surrogate": ('[[pin]]\nuri = "\\ud800"\n', ": not valid TOML: "),
    "a table of CSV": ("action,uri\nhide,s:1\n", ": not valid TOML: "),
    "unknown table": ('[[hides]]\nuri = "s:1"\n', ": unknown table or key 'hides', expected [[skill]], "),
    "one table": ('[pin]\nuri = "s:1"\n', ": 'pin' is not a list of tables; write each entry under [[pin]]"),
    "a list of texts": ('hide = ["s:1"]\n', ": 'hide' is not a list of tables"),
    "unknown key": (
        '[[hide]]\nuri = "s:1"\n[[hide]]\nuri = "s:2"\nlabel = ""\n',
        ", [[hide]] 2, key label: unknown; expected one of uri; rename or delete it",
    ),
    "occupation": ('[[skill]]\nkind = "occupation"\n', ", [[skill]] 1, key kind: unknown; expected one of"),
    "no uri": ('[[pin]]\nlabel = "a"\n', ", [[pin]] 1, key uri: missing or empty, expected a value"),
    "no label to pin": ('[[pin]]\nuri = "s:1"\n', ", [[pin]] 1, key label: missing or empty, expected a val"),
    "no label": ('[[skill]]\nuri = "x:1"\n', ", [[skill]] 1, key label: missing or empty, expected a value"),
    "no aliases": ('[[alias]]\nuri = "s:1"\n', ", [[alias]] 1, key aliases: missing or empty, expected one "),
    "empty alias": ('[[alias]]\nuri = "s:1"\naliases = [" "]\n', ", [[alias]] 1, key aliases: missing or em"),
    "a number": ("[[hide]]\nuri = 5\n", ", [[hide]] 1, key uri: found a number, expected text"),
    "a date": ("[[hide]]\nuri = 2024-01-01\n", ", [[hide]] 1, key uri: found a date or time, expected text"),
    "a list of numbers": (SKILL + "aliases = [1]\n", ", [[skill]] 1, key aliases: found a number, expected "),
    "a table": (SKILL + "[skill.aliases]\na = 1\n", ", [[skill]] 1, key aliases: found a table, expected te"),
    "line break": (SKILL.replace('"a"', '"a\\nb"'), ", [[skill]] 1, key label: a line break in 'a\\nb'"),
    "escaped NUL": (SKILL.replace('"a"', '"\\u0000"'), ", [[skill]] 1, key label: a NUL character"),
    "type": (SKILL + 'type = "x"\n', ", [[skill]] 1, key type: unknown value 'x', expected one of skill, "),
    "essential and optional": (
        SKILL + 'essential_for = "o:1"\noptional_for = ["o:2", "o:1"]\n',
        ", [[skill]] 1, key optional_for: 'o:1' is also in essential_for; keep it in one of them",
    ),
    "not UTF-8": (
        b"# a\n# caf\xe9\n",
        ", line 2: byte 0xe9 at offset 9 is not UTF-8; in a spreadsheet",
    ),
    "NUL": ("# a\n\0", ", line 2: a NUL character; check the file"),
}
BROKEN_TABLES: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "1, column action: missing; found no header at all; expected columns action, uri, label"),
    "no uri": ("action,label\npin,a\n", "1, column uri: missing"),
    "unknown column": ("action,uri,kind\n", "1, column kind: unknown; expected one of action, uri, label"),
    "empty action": ("action,uri\nhide,s:1\n,s:2\n", "3, column action: unknown value '', expected one of "),
    "empty uri": ("action,uri\nhide,\n", "2, column uri: missing or empty, expected a value"),
    "column of another action": (
        "action,uri,label,aliases\npin,s:1,a,\nhide,s:2,b,\n",
        "3, column label: an entry of the action hide has none; expected only action, uri; leave it empty",
    ),
    "no label": ("action,uri\npin,s:1\n", "2, column label: missing or empty, expected a value"),
    "no aliases": ("action,uri\nalias,s:1\n", "2, column aliases: missing or empty, expected one or more"),
    "type": ("action,uri,label,type\nskill,x:1,a,x\n", "2, column type: unknown value 'x', expected"),
    "open quote": ('action,uri\nhide,"s:1\n', "2, column unknown: not valid CSV"),
    "too few cells": ("action,uri,label\nhide,s:1\n", "2, column label: the row ends before this"),
    "not UTF-8": (b"action,uri\nhide,\xe9\n", "2, column uri: byte 0xe9 at offset 16 is not UTF-8"),
}


@pytest.mark.parametrize("case", list(BROKEN_TOML))
def test_broken_toml(tmp_path: Path, case: str) -> None:
    content, problem = BROKEN_TOML[case]
    assert error_of(write(tmp_path / "team.toml", content)).startswith(f"team.toml{problem}")


@pytest.mark.parametrize("case", list(BROKEN_TABLES))
def test_a_broken_table(tmp_path: Path, case: str) -> None:
    content, problem = BROKEN_TABLES[case]
    assert error_of(write(tmp_path / "team.csv", content)).startswith(f"team.csv, row {problem}")


def test_a_table_of_a_header_only(tmp_path: Path) -> None:
    message = error_of(write(tmp_path / "team.csv", "action,uri\n,\n"))
    assert message.startswith("team.csv: no entries, expected one or more; for an overlay without entries,")


@pytest.mark.parametrize(("name", "text"), [("team.toml", TOML), ("team.csv", TABLE)])
def test_any_flipped_byte_reads_or_raises_the_one_error(
    tmp_path: Path, release: Taxonomy, name: str, text: str
) -> None:
    draw = random.Random(0)  # noqa: S311
    for position in range(len(text)):
        damaged = bytearray(text.encode())
        damaged[position] ^= draw.randrange(1, 256)
        try:
            overlay = read_overlay(write(tmp_path / name, damaged))
        except TaxonomyError as error:
            assert "\n" not in str(error)  # noqa: PT017
        else:
            overlaid = apply_overlay(overlay, release)
            assert apply_overlay(Overlay.from_dict(overlay.to_dict()), release) == overlaid
            require_whole(overlaid.taxonomy)


def require_whole(taxonomy: Taxonomy) -> None:
    """Every URI that is referred to is there, and no name appears twice."""
    for relation in taxonomy.relations:
        assert relation.skill in taxonomy.skills
        assert relation.occupation in taxonomy.occupations
    for uri, skill in taxonomy.skills.items():
        assert skill.uri == uri
        assert set(skill.broader) <= {*taxonomy.skills, *taxonomy.groups}
        assert len({skill.label, *skill.alt_labels}) == 1 + len(skill.alt_labels)


@pytest.mark.parametrize("name", ["team.toml", "team.csv", "team"])
def test_a_missing_file_or_a_folder(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    assert error_of(path) == f"{path}: no such file; check the path"
    path.mkdir()
    assert error_of(path) == f"{path}: a folder, expected a file; name one in it"


@pytest.mark.parametrize(("name", "ending"), [("team.json", ".json"), ("team", "")])
def test_another_kind_of_file(tmp_path: Path, name: str, ending: str) -> None:
    message = error_of(write(tmp_path / name, "{}"))
    assert message == f"{name}: the name ends in {ending!r}; save it as TOML (.toml) or CSV UTF-8 (.csv)"


@pytest.mark.parametrize(("name", "text"), [("team.toml", TOML), ("team.csv", TABLE)])
def test_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> None:
    monkeypatch.setattr("indexer.read.overlays._LIMIT", 100)
    assert error_of(write(tmp_path / name, text)).startswith(f"{name}: has more than the limit of 100 bytes")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"source": 5}, "source: Input should be a valid string"),
        ({"pins": [{"place": "row 2", "uri": "s:1"}]}, "pins.0.label: Field required"),
        ({"pins": "s:1"}, "pins: Input should be a valid tuple"),
        (
            {"aliases": [{"place": "", "uri": "s:1", "aliases": [1]}]},
            "aliases.0.aliases.0: Input should be a",
        ),
        ({"renames": []}, "renames: Unexpected keyword argument"),
        (
            {"hidden": [{"place": "", "uri": "s:1", "until": ""}]},
            "hidden.0.until: Unexpected keyword argument",
        ),
        ({"skills": [{"place": "", "skill": {"uri": "s:1"}}]}, "skills.0.skill.label: Field required"),
        (
            {"skills": [{"place": "", "skill": {"uri": "s:1", "label": "a", "colour": ""}}]},
            "skills.0.skill.colour: Unexpected keyword argument",
        ),
    ],
)
def test_stored_values_that_are_no_overlay(change: dict[str, object], problem: str) -> None:
    with pytest.raises(TaxonomyError) as caught:
        Overlay.from_dict(Overlay("team").to_dict() | change)
    assert str(caught.value).startswith(f"the stored overlay cannot be read: {problem}")
    assert str(caught.value).endswith("; give its file again")


def examples() -> list[tuple[str, str]]:
    _, _, text = DOCUMENT.read_text(encoding="utf-8").partition("## Overlay")
    return re.findall(r"```(toml|csv)\n(.*?)```", text, re.DOTALL)


def test_the_examples_of_the_documentation_can_be_read(tmp_path: Path) -> None:
    (toml, one), (table, other) = examples()
    in_toml = read_overlay(write(tmp_path / f"team.{toml}", one))
    in_table = read_overlay(write(tmp_path / f"team.{table}", other))
    assert (len(in_toml.skills), len(in_toml.hidden), len(in_toml.pins)) == (1, 1, 1)
    assert in_table.aliases == (Alias("row 4", "acme:s1", ("press operation", "pressing")),)


RADIOGRAPHER = "http://data.europa.eu/esco/occupation/a9e54177-a185-404d-b6e6-15663d31137e"  # not in v1.1.1
SAFETY = "http://data.europa.eu/esco/skill/426ceaba-6867-481c-bb6b-aee3933da7d2"  # a group, then a skill
PYTHON = "http://data.europa.eu/esco/skill/ccd0a1d9-afda-43d9-b901-96344886e14d"
HUNGARIAN = "http://data.europa.eu/esco/skill/ddd3596a-43f3-402e-960a-5f79362a8609"  # four stand below it


def test_an_overlay_survives_the_next_version_of_esco(tmp_path: Path) -> None:
    old, new = (read_esco(esco_zips(version)).taxonomy for version in ("1.1.0", "1.1.1"))
    text = f"""
        [[skill]]
        uri = "acme:press"
        label = "operate the press"
        broader = ["{PYTHON}"]
        essential_for = ["{RADIOGRAPHER}"]
        [[skill]]
        uri = "{SAFETY}"
        label = "safety of our machines"
        [[hide]]
        uri = "{HUNGARIAN}"
        [[pin]]
        uri = "{PYTHON}"
        label = "Python"
    """
    overlay = read_overlay(write(tmp_path / "team.toml", text))
    first = apply_overlay(overlay, old)
    (problem,) = first.problems
    assert problem.startswith(f"team.toml, [[skill]] 2: '{SAFETY}' is not a skill in esco 1.1.0 (en)")
    assert first.taxonomy.relations[-1] == Relation(RADIOGRAPHER, "acme:press", "essential")

    stored = json.dumps(overlay.to_dict())
    second = apply_overlay(Overlay.from_dict(json.loads(stored)), new)
    assert second.taxonomy.skills[SAFETY] == new.skills[SAFETY]
    assert second.taxonomy.skills["acme:press"].broader == (PYTHON,)
    assert second.taxonomy.relations_by_skill.get("acme:press", ()) == ()
    for problem, uri in zip(second.problems, (SAFETY, RADIOGRAPHER), strict=True):
        assert problem.startswith("team.toml, [[skill]] ")
        assert repr(uri) in problem
    for before, after in ((old, first.taxonomy), (new, second.taxonomy)):
        assert set(after.skills) == {*before.skills, "acme:press"} - {HUNGARIAN}
        python = after.skills[PYTHON]
        assert (python.label, python.alt_labels[0]) == ("Python", before.skills[PYTHON].label)
        assert "Python" not in python.alt_labels
        below = [uri for uri, skill in before.skills.items() if HUNGARIAN in skill.broader]
        assert len(below) == 4
        for uri in below:
            assert set(after.skill_ancestors(uri)) == set(before.skill_ancestors(uri)) - {HUNGARIAN}
        assert {relation.skill for relation in after.relations} <= set(after.skills)
        assert {relation.occupation for relation in after.relations} <= set(after.occupations)
