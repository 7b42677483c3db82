import csv
import io
import subprocess
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from edits import esco_zips

from indexer.read.esco import read_esco
from indexer.read.release import Release, Skipped
from skillsearch.errors import TaxonomyError
from skillsearch.taxonomy.records import Group, Occupation, Relation, Skill

REPOSITORY = Path(__file__).resolve().parents[1]
GB = 2**30
KB = 2**10

SKILLS_HEADER = (
    "conceptType,conceptUri,skillType,reuseLevel,preferredLabel,altLabels,hiddenLabels,status,description"
)
OCCUPATIONS_HEADER = (
    "conceptType,conceptUri,iscoGroup,preferredLabel,altLabels,hiddenLabels,status,description,code"
)
GROUPS_HEADER = "conceptType,conceptUri,preferredLabel,status,description,code"
ISCO_HEADER = "conceptType,conceptUri,code,preferredLabel,status,description"
BROADER_HEADER = "conceptType,conceptUri,broaderType,broaderUri"
RELATIONS_HEADER = "occupationUri,relationType,skillType,skillUri"
COLLECTION_HEADER = "conceptType,conceptUri,preferredLabel,status"
HIERARCHY_HEADER = (
    "Level 0 URI,Level 1 URI,Level 2 URI,Level 3 URI,Level 0 code,Level 1 code,Level 2 code,Level 3 code"
)

EN_ZIP = "ESCO dataset - v1.1.1 - classification - en - csv.zip"
RELATIONS_ZIP = "ESCO dataset - v1.1.1 - classification -  - csv.zip"
V12_ZIP = "ESCO dataset - v1.2.0 - classification - de - csv.zip"

Tables = dict[str, str]


def cells(header: str, *rows: Iterable[str]) -> str:
    """A CSV table, its cells quoted where they must be."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows([header.split(","), *rows])
    return out.getvalue()


def skill(uri: str, label: str, alt: str = "", **over: str) -> list[str]:
    row = {"skillType": "skill/competence", "reuseLevel": "cross-sector", "hidden": "", "status": "released"}
    row |= over
    return ["K", uri, row["skillType"], row["reuseLevel"], label, alt, row["hidden"], row["status"], "About."]


def occupation(
    uri: str, label: str, isco: str = "2512", alt: str = "", status: str = "released"
) -> list[str]:
    return ["Occupation", uri, isco, label, alt, "", status, "Does it.", f"{isco}.{uri[2:]}"]


def broader(child: str, parent: str) -> list[str]:
    return ["", child, "", parent]


def language_tables() -> Tables:
    return {
        "skills": cells(SKILLS_HEADER, skill("s:1", "program"), skill("s:2", "test", skillType="knowledge")),
        "occupations": cells(OCCUPATIONS_HEADER, occupation("o:1", "developer"), occupation("o:2", "tester")),
        "skillGroups": cells(
            GROUPS_HEADER,
            ["SkillGroup", "g:S", "skills", "released", "All.", "S"],
            ["SkillGroup", "g:S1", "computing", "released", "", "S1"],
        ),
        "ISCOGroups": cells(
            ISCO_HEADER,
            ["ISCOGroup", "i:25", "25", "ICT professionals", "released", ""],
            ["ISCOGroup", "i:2512", "2512", "Software developers", "released", "Write."],
        ),
    }


def relation_tables() -> Tables:
    return {
        "occupationSkillRelations": cells(
            RELATIONS_HEADER, ["o:1", "essential", "", "s:1"], ["o:2", "optional", "", "s:2"]
        ),
        "broaderRelationsSkillPillar": cells(
            BROADER_HEADER, broader("g:S1", "g:S"), broader("s:1", "g:S1"), broader("s:2", "s:1")
        ),
        "broaderRelationsOccPillar": cells(
            BROADER_HEADER, broader("i:2512", "i:25"), broader("o:1", "i:2512"), broader("o:2", "o:1")
        ),
    }


def write_zip(path: Path, tables: Mapping[str, str], suffix: str = "", folder: str = "") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for stem, text in tables.items():
            archive.writestr(f"{folder}{stem}{suffix}.csv", text)
    return path


def two_zips(folder: Path, **over: str) -> list[Path]:
    """A release as v1.1 comes; `over` replaces tables, or adds some, by stem."""
    language, relations = language_tables(), relation_tables()
    for stem, text in over.items():
        (relations if stem in relations else language)[stem] = text
    return [
        write_zip(folder / EN_ZIP, language, "_en"),
        write_zip(folder / RELATIONS_ZIP, relations),
    ]


def one_zip(folder: Path, language: str = "de", inside: str = "") -> Path:
    """A release as v1.2 comes: more columns, in another order."""
    relations = {
        "occupationSkillRelations": cells(
            "occupationUri,occupationLabel,relationType,skillType,skillUri,skillLabel",
            ["o:1", "x", "essential", "", "s:1", "y"],
            ["o:2", "x", "optional", "", "s:2", "y"],
        ),
        "broaderRelationsSkillPillar": cells(
            "conceptType,conceptUri,conceptLabel,broaderType,broaderUri,broaderLabel",
            ["", "s:1", "x", "", "g:S1", "y"],
        ),
        "broaderRelationsOccPillar": cells(
            "conceptType,conceptUri,conceptLabel,broaderType,broaderUri,broaderLabel",
            ["", "o:1", "x", "", "i:2512", "y"],
        ),
    }
    return write_zip(folder / V12_ZIP, language_tables() | relations, f"_{language}", inside)


def unpacked(folder: Path, tables: Mapping[str, str], suffix: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for stem, text in tables.items():
        (folder / f"{stem}{suffix}.csv").write_bytes(text.encode())
    return folder


def error_of(paths: list[Path], **options: str) -> str:
    with pytest.raises(TaxonomyError) as caught:
        read_esco(paths, **options)  # type: ignore[arg-type]
    message = str(caught.value)
    assert "\n" not in message
    return message


def skipped(file: str, reason: str, *examples: str, count: int | None = None) -> Skipped:
    archive = RELATIONS_ZIP if file.split(".")[0] in relation_tables() else EN_ZIP
    return Skipped(f"{archive}/{file}", reason, len(examples) if count is None else count, examples)


def test_two_zips(tmp_path: Path) -> None:
    release = read_esco(two_zips(tmp_path))
    taxonomy = release.taxonomy
    assert release.skipped == ()
    assert (taxonomy.name, taxonomy.version, taxonomy.language) == ("esco", "1.1.1", "en")
    about: Any = {"description": "About.", "reuse_level": "cross-sector"}
    assert dict(taxonomy.skills) == {
        "s:1": Skill("s:1", "program", skill_type="skill", broader=("g:S1",), **about),
        "s:2": Skill("s:2", "test", skill_type="knowledge", broader=("s:1",), **about),
    }
    does: Any = {"description": "Does it.", "isco_group": "i:2512"}
    assert dict(taxonomy.occupations) == {
        "o:1": Occupation("o:1", "developer", broader=("i:2512",), code="2512.1", **does),
        "o:2": Occupation("o:2", "tester", broader=("o:1",), code="2512.2", **does),
    }
    assert taxonomy.relations == (Relation("o:1", "s:1", "essential"), Relation("o:2", "s:2", "optional"))
    assert dict(taxonomy.groups) == {
        "g:S": Group("g:S", "skills", "S", "All."),
        "g:S1": Group("g:S1", "computing", "S1", broader=("g:S",)),
    }
    assert dict(taxonomy.isco_groups) == {
        "i:25": Group("i:25", "ICT professionals", "25"),
        "i:2512": Group("i:2512", "Software developers", "2512", "Write.", ("i:25",)),
    }
    assert taxonomy.skill_ancestors("s:2") == ("s:1", "g:S1", "g:S")
    assert taxonomy.isco_ancestors("o:2") == ("i:2512", "i:25")


def test_folders_read_like_the_zips_that_they_come_from(tmp_path: Path) -> None:
    """In any order."""
    paths = two_zips(tmp_path)
    release = read_esco(paths)
    assert read_esco(paths[::-1]) == release
    one = unpacked(tmp_path / "ESCO dataset - v1.1.1 - classification - en - csv", language_tables(), "_en")
    two = unpacked(tmp_path / "relations", relation_tables())
    assert read_esco([one, two]) == release
    unpacked(one, relation_tables())
    assert read_esco([one]) == release


def test_the_working_directory_has_a_name_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = unpacked(tmp_path / "v1.1.1", language_tables(), "_en")
    unpacked(folder, relation_tables())
    monkeypatch.chdir(folder)
    assert read_esco([Path()]).taxonomy.version == "1.1.1"


@pytest.mark.parametrize("language", ["de", "pt-br"])
@pytest.mark.parametrize("inside", ["", "ESCO dataset - v1.2.0/"])
def test_one_zip_with_more_columns_in_another_language(tmp_path: Path, language: str, inside: str) -> None:
    taxonomy = read_esco([one_zip(tmp_path, language, inside)]).taxonomy
    assert str(taxonomy) == f"esco 1.2.0 ({language})"
    assert taxonomy.relations == (Relation("o:1", "s:1", "essential"), Relation("o:2", "s:2", "optional"))
    assert taxonomy.skills["s:1"].broader == ("g:S1",)
    assert taxonomy.occupations["o:1"].broader == ("i:2512",)


def test_name_and_version_from_the_file_name_unless_given(tmp_path: Path) -> None:
    path = one_zip(tmp_path).rename(tmp_path / "Berufe dataset - v3.4 - de.zip")
    assert str(read_esco([path]).taxonomy) == "berufe 3.4 (de)"
    assert str(read_esco([path], name="own", version="5").taxonomy) == "own 5 (de)"
    path = path.rename(tmp_path / "download.zip")
    assert error_of([path]) == (
        "download.zip: no version such as v1.1.1 in the name; give it with --set version=1.1.1"
    )
    assert str(read_esco([path], version="1.2.0").taxonomy) == "esco 1.2.0 (de)"


def test_two_versions_mixed(tmp_path: Path) -> None:
    one, two = two_zips(tmp_path)
    two = two.rename(tmp_path / RELATIONS_ZIP.replace("1.1.1", "1.1.0"))
    message = error_of([one, two])
    assert message.startswith("two versions mixed: ")
    assert EN_ZIP in message
    assert two.name in message
    assert read_esco([one, two], version="1.1.1").taxonomy.version == "1.1.1"


def test_two_languages_mixed(tmp_path: Path) -> None:
    """Apart or in one folder."""
    tables = language_tables()
    one = unpacked(tmp_path / "v1.1.1 en", {"skills": tables.pop("skills")} | relation_tables(), "_en")
    two = unpacked(tmp_path / "de", tables, "_de")
    message = error_of([one, two])
    assert message.startswith("two languages mixed: ")
    assert "en (v1.1.1 en/" in message
    assert "de (de/" in message
    unpacked(one, language_tables(), "_fr")
    assert error_of([one]).startswith("two languages mixed: ")


def test_no_language_or_a_table_twice(tmp_path: Path) -> None:
    folder = unpacked(tmp_path / "v1.1.1", language_tables() | relation_tables())
    assert error_of([folder]) == (
        "v1.1.1/skills.csv: no language in the file name; expected one such as skills_en.csv"
    )
    unpacked(folder, language_tables() | relation_tables(), "_en")
    assert "/ISCOGroups_en.csv hold the same table; give one" in error_of([folder])
    paths = two_zips(tmp_path)
    assert error_of(paths + paths).endswith(f"is in both {EN_ZIP} and {EN_ZIP}: give each part once")


def test_a_table_of_a_release_that_is_not_read_may_be_of_any_kind(tmp_path: Path) -> None:
    paths = two_zips(tmp_path, conceptSchemes="\0", skillSkillRelations="\0")
    assert read_esco(paths).skipped == ()


def test_no_path_or_a_missing_one(tmp_path: Path) -> None:
    assert error_of([]).startswith("no release was given")
    path = tmp_path / "absent.zip"
    assert error_of([path]) == f"{path}: no such file or folder; check the path"


@pytest.mark.parametrize("stem", [*language_tables(), *relation_tables()])
def test_missing_file(tmp_path: Path, stem: str) -> None:
    tables = language_tables() | relation_tables()
    del tables[stem]
    message = error_of([unpacked(tmp_path / "v1.1.1", tables, "_en")])
    if stem in language_tables():
        assert message.startswith(f"{stem}_<language>.csv is not in v1.1.1: add the classification")
        assert EN_ZIP in message
    else:
        assert message.startswith(f"{stem}.csv is not in v1.1.1: for v1.1 add the language-independent zip")
        assert RELATIONS_ZIP in message


def test_only_one_of_the_two_zips(tmp_path: Path) -> None:
    language, relations = two_zips(tmp_path)
    assert RELATIONS_ZIP in error_of([language])
    assert EN_ZIP in error_of([relations])


def test_an_empty_folder_that_is_named_like_a_zip(tmp_path: Path) -> None:
    (tmp_path / "v1.1.1.zip").mkdir()
    assert error_of([tmp_path / "v1.1.1.zip"]).startswith("skills_<language>.csv is not in v1.1.1.zip")


def test_labels_are_stripped_and_kept_once(tmp_path: Path) -> None:
    text = cells(
        SKILLS_HEADER,
        skill("s:1", " program ", "code \n\nprogram\nwrite code\ncode\n", hidden="hack\nhack\n programme"),
        skill("s:2", "test"),
    )
    found = read_esco(two_zips(tmp_path, skills=text)).taxonomy.skills["s:1"]
    assert found.label == "program"
    assert found.alt_labels == ("code", "write code")
    assert found.hidden_labels == ("hack", "programme")


def test_labels_of_occupations(tmp_path: Path) -> None:
    rows = occupation("o:1", "developer ", alt="coder\ndeveloper\ncoder"), occupation("o:2", "tester")
    found = read_esco(two_zips(tmp_path, occupations=cells(OCCUPATIONS_HEADER, *rows))).taxonomy
    assert found.occupations["o:1"].label == "developer"
    assert found.occupations["o:1"].alt_labels == ("coder",)


def test_labels_need_not_be_unique_and_types_may_be_empty(tmp_path: Path) -> None:
    rows = skill("s:1", "program", skillType="", reuseLevel=""), skill("s:2", "program")
    found = read_esco(two_zips(tmp_path, skills=cells(SKILLS_HEADER, *rows))).taxonomy.skills
    assert (found["s:1"].skill_type, found["s:1"].reuse_level) == ("", "")
    assert found["s:1"].label == found["s:2"].label


def changed(stem: str, change: Callable[[list[list[str]]], object]) -> tuple[str, str]:
    """A table of the release with other cells."""
    table = list(csv.reader(io.StringIO((language_tables() | relation_tables())[stem])))
    change(table)
    return stem, cells(",".join(table[0]), *table[1:])


def blank(stem: str, column: str, value: str = " ") -> tuple[str, str]:
    """A table with another value in its third row."""
    return changed(stem, lambda table: table[2].__setitem__(table[0].index(column), value))


def repeated(stem: str) -> tuple[str, str]:
    return changed(stem, lambda table: table[2].__setitem__(1, table[1][1]))


def without(stem: str, column: str) -> tuple[str, str]:
    return stem, (language_tables() | relation_tables())[stem].replace(column, "other", 1)


BROKEN: list[tuple[tuple[str, str], str]] = [
    *((repeated(stem), "row 3, column conceptUri: duplicate URI '") for stem in language_tables()),
    (
        blank("skills", "skillType", "odd"),
        "row 3, column skillType: unknown value 'odd', expected one of skill/competence, knowledge, empty",
    ),
    (blank("skills", "reuseLevel", "odd"), "row 3, column reuseLevel: unknown value 'odd', expected one of "),
    (blank("skillGroups", "conceptUri", "s:1"), "column conceptUri: 's:1' is also in another file"),
    (blank("ISCOGroups", "conceptUri", "o:2"), "column conceptUri: 'o:2' is also in another file"),
    (
        blank("occupationSkillRelations", "relationType", "necessary"),
        "row 3, column relationType: unknown value 'necessary', expected one of essential, optional",
    ),
    (
        changed("occupationSkillRelations", lambda table: table.append(["o:1", "essential"])),
        "row 4, column skillUri: the row ends before this column",
    ),
    *(
        (without(stem, column), f"row 1, column {column}: missing; found ")
        for stem, column in {
            "skills": "altLabels",
            "occupations": "iscoGroup",
            "skillGroups": "preferredLabel",
            "ISCOGroups": "code",
            "occupationSkillRelations": "skillUri",
            "broaderRelationsOccPillar": "broaderUri",
            "broaderRelationsSkillPillar": "conceptUri",
        }.items()
    ),
]


@pytest.mark.parametrize(("table", "problem"), BROKEN, ids=[f"{t[0]}: {p[:40]}" for t, p in BROKEN])
def test_a_broken_table(tmp_path: Path, table: tuple[str, str], problem: str) -> None:
    stem, text = table
    archive, suffix = (RELATIONS_ZIP, "") if stem in relation_tables() else (EN_ZIP, "_en")
    message = error_of(two_zips(tmp_path, **{stem: text}))
    assert message.startswith(f"{archive}/{stem}{suffix}.csv, {problem}")


@pytest.mark.parametrize(
    ("stem", "what"),
    [("skills", "skills"), ("occupations", "occupations"), ("occupationSkillRelations", "relations")],
)
def test_an_empty_release(tmp_path: Path, stem: str, what: str) -> None:
    """Also where no relation is between concepts of the release."""
    message = error_of(
        two_zips(tmp_path, **dict([changed(stem, lambda table: table.__delitem__(slice(1, None)))]))
    )
    assert f"the release is empty, it has no {what}" in message
    assert EN_ZIP in message
    unknown = relations(("o:9", "essential", "s:1"))
    assert "it has no relations" in error_of(two_zips(tmp_path, occupationSkillRelations=unknown))


def test_concepts_that_are_not_released_are_dropped(tmp_path: Path) -> None:
    rows = skill("s:1", "program", status=""), skill("s:0", "old", status="obsolete"), skill("s:2", "test")
    skills = cells(SKILLS_HEADER, *rows)
    jobs = occupation("o:1", "developer"), occupation("o:2", "tester", status="draft")
    occupations = cells(OCCUPATIONS_HEADER, *jobs)
    release = read_esco(two_zips(tmp_path, skills=skills, occupations=occupations))
    assert set(release.taxonomy.skills) == {"s:1", "s:2"}
    assert set(release.taxonomy.occupations) == {"o:1"}
    assert release.taxonomy.relations == (Relation("o:1", "s:1", "essential"),)
    assert release.skipped == (
        skipped("skills_en.csv", "the status is 'obsolete', not released", "row 3: s:0"),
        skipped("occupations_en.csv", "the status is 'draft', not released", "row 3: o:2"),
        skipped("occupationSkillRelations.csv", "the occupation does not exist", "row 3: o:2"),
        skipped("broaderRelationsOccPillar.csv", "a concept of the pair does not exist", "row 4: o:2"),
    )


def test_tables_without_a_status_column(tmp_path: Path) -> None:
    header = GROUPS_HEADER.replace("status,", "")
    text = cells(header, ["", "g:S", "skills", "", "S"], ["", "g:S1", "computing", "", "S1"])
    assert read_esco(two_zips(tmp_path, skillGroups=text)).skipped == ()


def relations(*rows: tuple[str, str, str]) -> str:
    return cells(RELATIONS_HEADER, *([occupation, kind, "", skill] for occupation, kind, skill in rows))


def test_relations_without_their_concepts_or_repeated_are_skipped(tmp_path: Path) -> None:
    text = relations(
        *[("o:9", "optional", "s:1")] * 4,
        *[("o:1", "optional", "s:1")] * 2,
        ("o:1", "essential", "s:9"),
        *[("o:2", "optional", "s:2"), ("o:2", "essential", "s:2")] * 2,
    )
    release = read_esco(two_zips(tmp_path, occupationSkillRelations=text))
    file, both = "occupationSkillRelations.csv", "the pair is essential and optional; essential was kept"
    assert release.taxonomy.relations == (
        Relation("o:1", "s:1", "optional"),
        Relation("o:2", "s:2", "essential"),
    )
    assert release.skipped == (
        skipped(file, "the occupation does not exist", "row 2: o:9", "row 3: o:9", "row 4: o:9", count=4),
        skipped(file, "the pair is a duplicate", "row 7: o:1 s:1", "row 12: o:2 s:2"),
        skipped(file, "the skill does not exist", "row 8: s:9"),
        skipped(file, both, "row 10: o:2 s:2", "row 11: o:2 s:2"),
    )


def test_group_codes_from_the_groups_the_hierarchy_or_the_uri(tmp_path: Path) -> None:
    isced = "http://data.europa.eu/esco/isced-f/0613"
    groups = cells(
        GROUPS_HEADER,
        ["", "g:S", "skills", "", "", "S"],
        ["", "g:S1", "computing", "", "", ""],
        ["", isced, "software", "", "", ""],
        ["", "g:x", "other", "", "", ""],
    )
    hierarchy = f"{HIERARCHY_HEADER}\r\ng:S,,,,ignored\r\ng:S,g:S1,,,S,S1\r\ng:gone,,,,G\r\n"
    taxonomy = read_esco(two_zips(tmp_path, skillGroups=groups, skillsHierarchy=hierarchy)).taxonomy
    codes = {uri: group.code for uri, group in taxonomy.groups.items()}
    assert codes == {"g:S": "S", "g:S1": "S1", isced: "0613", "g:x": ""}


def test_unknown_isco_group(tmp_path: Path) -> None:
    rows = occupation("o:1", "developer", isco=""), occupation("o:2", "tester", "9999")
    release = read_esco(two_zips(tmp_path, occupations=cells(OCCUPATIONS_HEADER, *rows)))
    assert [found.isco_group for found in release.taxonomy.occupations.values()] == ["", ""]
    expected = skipped("occupations_en.csv", "the ISCO group does not exist, left out", "row 3: 9999 of o:2")
    assert release.skipped == (replace(expected, unit="value"),)


def test_broader_pairs_that_cannot_be_are_skipped(tmp_path: Path) -> None:
    """Pairs with a missing end, and groups whose parent is not one."""
    pairs = broader("s:1", "g:9"), broader("s:9", "g:S"), broader("s:1", "g:S")
    jobs = broader("i:2512", "o:1"), broader("i:2512", "i:25")
    skill_pillar, job_pillar = "broaderRelationsSkillPillar", "broaderRelationsOccPillar"
    tables = {skill_pillar: cells(BROADER_HEADER, *pairs), job_pillar: cells(BROADER_HEADER, *jobs)}
    release = read_esco(two_zips(tmp_path, **tables))
    assert release.taxonomy.skills["s:1"].broader == ("g:S",)
    assert release.taxonomy.isco_ancestors("o:1") == ("i:2512", "i:25")
    missing, no_group = "a concept of the pair does not exist", "the parent of a group is not a group"
    assert release.skipped == (
        skipped(f"{skill_pillar}.csv", missing, "row 2: g:9", "row 3: s:9"),
        skipped(f"{job_pillar}.csv", no_group, "row 2: i:2512 o:1"),
    )


def test_parents_keep_the_order_of_the_file_and_stand_once(tmp_path: Path) -> None:
    pairs = broader("s:2", "s:1"), broader("s:2", "g:S1"), broader("s:2", "s:1"), broader("s:2", "g:S")
    release = read_esco(two_zips(tmp_path, broaderRelationsSkillPillar=cells(BROADER_HEADER, *pairs)))
    assert release.taxonomy.skills["s:2"].broader == ("s:1", "g:S1", "g:S")


@pytest.mark.parametrize(
    "name", ["digital", "green", "transversal", "language", "research", "digComp", "ict"]
)
def test_collections(tmp_path: Path, name: str) -> None:
    text = cells(COLLECTION_HEADER, ["K", "s:2", "test", "released"])
    taxonomy = read_esco(two_zips(tmp_path, **{f"{name}SkillsCollection": text})).taxonomy
    assert taxonomy.skills["s:1"].collections == ()
    assert taxonomy.skills["s:2"].collections == ("digital" if name == "ict" else name.lower(),)


def test_collections_are_sorted_and_leave_out_what_is_not_there(tmp_path: Path) -> None:
    green = cells(
        COLLECTION_HEADER, ["K", "s:1", "", "released"], ["K", "s:9", "", ""], ["K", "s:2", "", "obsolete"]
    )
    digital = cells(COLLECTION_HEADER, ["K", "s:1", "", "released"])
    release = read_esco(two_zips(tmp_path, greenSkillsCollection=green, digitalSkillsCollection=digital))
    assert release.taxonomy.skills["s:1"].collections == ("digital", "green")
    assert release.taxonomy.skills["s:2"].collections == ()
    assert release.skipped == (
        skipped("greenSkillsCollection_en.csv", "the skill does not exist", "row 3: s:9"),
        skipped("greenSkillsCollection_en.csv", "the status is 'obsolete', not released", "row 4: s:2"),
    )


@pytest.fixture(scope="module")
def esco_v110() -> Release:
    return read_esco(esco_zips("1.1.0"))


@pytest.fixture(scope="module")
def esco_v111() -> Release:
    return read_esco(esco_zips("1.1.1"))


def collection_sizes(release: Release) -> Counter[str]:
    return Counter(name for found in release.taxonomy.skills.values() for name in found.collections)


def test_v110(esco_v110: Release) -> None:
    taxonomy = esco_v110.taxonomy
    assert str(taxonomy) == "esco 1.1.0 (en)"
    assert (len(taxonomy.skills), len(taxonomy.occupations)) == (13_891, 3_008)
    assert len(taxonomy.relations) == 123_852
    assert esco_v110.skipped == ()
    assert collection_sizes(esco_v110)["digital"] == 21


def test_v111(esco_v111: Release) -> None:
    taxonomy = esco_v111.taxonomy
    assert str(taxonomy) == "esco 1.1.1 (en)"
    assert (len(taxonomy.skills), len(taxonomy.occupations)) == (13_896, 3_007)
    assert len(taxonomy.relations) == 123_855 - 67
    assert (len(taxonomy.groups), len(taxonomy.isco_groups)) == (640, 619)
    sizes = {"digital": 1201, "green": 570, "transversal": 96, "language": 346, "research": 40, "digcomp": 26}
    assert collection_sizes(esco_v111) == sizes
    assert all(group.code for group in taxonomy.groups.values())
    assert all(found.isco_group for found in taxonomy.occupations.values())
    assert {(Path(rows.file).name, rows.reason): rows.count for rows in esco_v111.skipped} == {
        ("occupationSkillRelations.csv", "the occupation does not exist"): 67,
        ("broaderRelationsSkillPillar.csv", "a concept of the pair does not exist"): 7,
        ("broaderRelationsOccPillar.csv", "a concept of the pair does not exist"): 1,
    }


@pytest.mark.parametrize("version", ["110", "111"])
def test_every_uri_that_is_referred_to_is_there(version: str, request: pytest.FixtureRequest) -> None:
    taxonomy = request.getfixturevalue(f"esco_v{version}").taxonomy
    skills, groups = set(taxonomy.skills), set(taxonomy.groups)
    occupations, isco_groups = set(taxonomy.occupations), set(taxonomy.isco_groups)
    assert {uri for found in taxonomy.skills.values() for uri in found.broader} <= skills | groups
    assert {
        uri for found in taxonomy.occupations.values() for uri in found.broader
    } <= occupations | isco_groups
    assert {uri for found in taxonomy.groups.values() for uri in found.broader} <= groups
    assert {uri for found in taxonomy.isco_groups.values() for uri in found.broader} <= isco_groups
    assert {found.isco_group for found in taxonomy.occupations.values()} <= isco_groups
    assert {found.skill for found in taxonomy.relations} <= skills
    assert {found.occupation for found in taxonomy.relations} <= occupations


def test_v111_takes_less_than_5_seconds() -> None:
    paths = esco_zips("1.1.1")
    start = time.process_time()
    read_esco(paths)
    assert time.process_time() - start < 5


@pytest.mark.skipif(sys.platform != "linux", reason="/proc/self/status is Linux's")
def test_v111_takes_less_than_1_gb() -> None:
    code = (
        "import sys; from pathlib import Path; from indexer.read.esco import read_esco; "
        "read_esco([Path(path) for path in sys.argv[1:]]); "
        "lines = Path('/proc/self/status').read_text().splitlines(); "  # ru_maxrss has the parent's in it
        "print(next(line.split()[1] for line in lines if line.startswith('VmHWM')))"
    )
    command = [sys.executable, "-c", code, *map(str, esco_zips("1.1.1"))]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPOSITORY)
    assert int(done.stdout) * KB < GB


def test_rows_that_differ_in_their_date_alone_are_one_concept(tmp_path: Path) -> None:
    header = SKILLS_HEADER + ",modifiedDate"
    rows = [
        [*skill("s:1", "program", "code"), "2025-07-28T16:00:00Z"],
        [*skill("s:1", "program", "code "), "2025-11-20T09:15:00Z"],
        [*skill("s:1", "program", "code"), "2024-01-01T00:00:00Z"],
        [*skill("s:2", "test"), ""],
    ]
    release = read_esco(two_zips(tmp_path, skills=cells(header, *rows)))
    assert list(release.taxonomy.skills) == ["s:1", "s:2"]
    reason = "a duplicate that differs in modifiedDate alone; the newest was kept"
    assert release.skipped == (skipped("skills_en.csv", reason, "row 2: s:1", "row 4: s:1"),)
    rows[2] = [*skill("s:1", "program", "code", hidden="x"), "2024-01-01T00:00:00Z"]
    message = error_of(two_zips(tmp_path, skills=cells(header, *rows)))
    assert (
        "row 4, column conceptUri: duplicate URI 's:1', and it contradicts row 3: hiddenLabels is" in message
    )


def test_a_duplicate_that_is_not_released_does_not_count(tmp_path: Path) -> None:
    rows = skill("s:1", "old", status="obsolete"), skill("s:1", "program"), skill("s:2", "test")
    release = read_esco(two_zips(tmp_path, skills=cells(SKILLS_HEADER, *rows)))
    assert release.taxonomy.skills["s:1"].label == "program"


def test_version_1_0(tmp_path: Path) -> None:
    """No hidden labels, no status, a type of two values, a concept without a label in the language."""
    header = "conceptType,conceptUri,skillType,reuseLevel,preferredLabel,altLabels,description"
    rows = [
        ["K", "s:1", "skill/competence knowledge", "cross-sector", "program", "", ""],
        ["K", "s:2", "knowledge\nskill/competence", "", "test", "", ""],
        ["K", "s:3", "knowledge", "", "", "alias", ""],
    ]
    jobs = "conceptType,conceptUri,iscoGroup,preferredLabel,altLabels,description"
    occupations = cells(
        jobs, ["O", "o:1", "2512", "developer", "", ""], ["O", "o:2", "2512", "tester", "", ""]
    )
    release = read_esco(two_zips(tmp_path, skills=cells(header, *rows), occupations=occupations))
    assert [found.skill_type for found in release.taxonomy.skills.values()] == ["skill", "skill"]
    assert release.skipped == (skipped("skills_en.csv", "it has no label", "row 4: s:3"),)


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("Copy of ESCO dataset - v1.2.0 - classification - de - csv.zip", "esco 1.2.0"),
        ("ESCO dataset - v1.2.0 - classification - de - csv (1).zip", "esco 1.2.0"),
        ("ESCO dataset - v1.2.0 - classification - de - csv - Kopie.zip", "esco 1.2.0"),
        ("2025-12-01 ESCO dataset - v1.2.0.zip", "esco 1.2.0"),
        ("20251201_1015_Kopie von ESCO dataset - v1.2.0.zip", "esco 1.2.0"),
        ("my ESCO dataset v1.2.0.zip", "esco 1.2.0"),
        ("download v1.2.0.zip", "esco 1.2.0"),
        ("Copy of Berufe dataset - v3.4.zip", "berufe 3.4"),
    ],
)
def test_what_downloads_and_copies_are_called(tmp_path: Path, name: str, read: str) -> None:
    assert str(read_esco([one_zip(tmp_path).rename(tmp_path / name)]).taxonomy) == f"{read} (de)"


def test_a_version_may_stand_on_a_folder_or_zip_inside(tmp_path: Path) -> None:
    inner = one_zip(tmp_path)
    outer = tmp_path / "download.zip"
    with zipfile.ZipFile(outer, "w") as archive:
        archive.write(inner, f"files/{inner.name}")
    assert str(read_esco([outer]).taxonomy) == "esco 1.2.0 (de)"
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(inner) as archive:
        archive.extractall(folder / "ESCO dataset - v1.2.0" / "csv")
    assert str(read_esco([folder]).taxonomy) == "esco 1.2.0 (de)"
    (tmp_path / "downloads").mkdir()
    inner.rename(tmp_path / "downloads" / inner.name)
    assert str(read_esco([tmp_path / "downloads"]).taxonomy) == "esco 1.2.0 (de)"


@pytest.mark.parametrize("name", ["skills_en (1).csv", "Copy of skills_en.csv", "SKILLS_EN - Kopie.csv"])
def test_a_file_that_a_system_renamed(tmp_path: Path, name: str) -> None:
    folder = unpacked(tmp_path / "v1.1.1", language_tables() | relation_tables(), "_en")
    (folder / "skills_en.csv").rename(folder / name)
    assert len(read_esco([folder]).taxonomy.skills) == 2
    (folder / "skills_en.csv").write_bytes((folder / name).read_bytes())
    assert "hold the same table; give one of them" in error_of([folder])


def test_one_file_of_a_release(tmp_path: Path) -> None:
    folder = unpacked(tmp_path / "v1.1.1", language_tables(), "_en")
    assert error_of([folder / "skills_en.csv"]).startswith("skills_en.csv: one file of a release; give the")


@pytest.mark.parametrize("version", ["../1", "1\n", "\x1b[31m1", ""])
def test_a_version_that_cannot_be_one(tmp_path: Path, version: str) -> None:
    assert error_of(two_zips(tmp_path), version=version)


def test_codes_that_a_spreadsheet_took_zeros_from(tmp_path: Path) -> None:
    isco = "http://data.europa.eu/esco/isco/C"
    groups = cells(
        ISCO_HEADER,
        *(["ISCOGroup", f"{isco}{code}", code.lstrip("0"), code, "released", ""] for code in ("01", "0110")),
    )
    rows = occupation("o:1", "developer", "110"), occupation("o:2", "tester", "110")
    jobs = broader("o:1", f"{isco}0110"), broader("o:2", "o:1")
    release = read_esco(
        two_zips(
            tmp_path,
            ISCOGroups=groups,
            occupations=cells(OCCUPATIONS_HEADER, *rows),
            broaderRelationsOccPillar=cells(BROADER_HEADER, *jobs),
        )
    )
    assert [group.code for group in release.taxonomy.isco_groups.values()] == ["01", "0110"]
    found = release.taxonomy.occupations.values()
    assert [(one.isco_group, one.code) for one in found] == [
        (f"{isco}0110", "0110.1"),
        (f"{isco}0110", "0110.2"),
    ]
    assert [(one.count, one.unit) for one in release.skipped] == [(2, "value"), (2, "value"), (2, "value")]
    assert release.skipped[0].examples == ("row 2: 1 became 01", "row 3: 110 became 0110")


def test_codes_that_became_the_same_are_told(tmp_path: Path) -> None:
    rows = occupation("o:1", "developer"), [*occupation("o:2", "tester")[:-1], "2512.1"]
    release = read_esco(two_zips(tmp_path, occupations=cells(OCCUPATIONS_HEADER, *rows)))
    (told,) = release.skipped
    assert "two occupations have one code; has a spreadsheet taken a trailing zero?" in str(told)


def test_values_that_are_none_are_left_out_and_told(tmp_path: Path) -> None:
    rows = [
        skill("s:1", "program", "code\n#REF!\n-", skillType="#N/A", reuseLevel="-"),
        skill("s:2", "te\u00a0st"),
        skill("s:3", "#NAME?"),
        skill("-", "no URI"),
        [""] * 9,
    ]
    release = read_esco(two_zips(tmp_path, skills=cells(SKILLS_HEADER, *rows)))
    assert {one.label: one.alt_labels for one in release.taxonomy.skills.values()} == {
        "program": ("code",),
        "te st": (),
    }
    assert [str(one).partition(": ")[2] for one in release.skipped] == [
        "it has no label but an error value or a dash (row 4: '#NAME?')",
        "it has no URI but an error value or a dash (row 5: '-')",
        "an error value or a dash in altLabels, left out (row 2: '#REF!')",
    ]


def test_aliases_with_another_sign_between(tmp_path: Path) -> None:
    rows = skill("s:1", "program", "code | write code"), skill("s:2", "test", "check | try | probe")
    release = read_esco(two_zips(tmp_path, skills=cells(SKILLS_HEADER, *rows)))
    assert release.taxonomy.skills["s:2"].alt_labels == ("check", "try", "probe")
    assert release.notes == (
        f"{EN_ZIP}/skills_en.csv: altLabels were separated at '|', since no cell has a line break",
    )
    rows = skill("s:1", "program", "code\nC | C++"), skill("s:2", "test", "check | try")
    release = read_esco(two_zips(tmp_path, skills=cells(SKILLS_HEADER, *rows)))
    assert release.taxonomy.skills["s:2"].alt_labels == ("check | try",)
    assert release.notes == ()


def test_files_as_a_spreadsheet_saves_them(tmp_path: Path) -> None:
    """Semicolons, quotes where they need not be, a byte order mark or UTF-16, and columns at the end."""
    tables = language_tables() | relation_tables()
    expected = read_esco([unpacked(tmp_path / "one v1.1.1", tables, "_en")]).taxonomy
    folder = tmp_path / "two v1.1.1"
    folder.mkdir()
    for stem, text in tables.items():
        rows = [[*row, ""] for row in csv.reader(io.StringIO(text))]
        out = io.StringIO()
        csv.writer(out, delimiter=";", quoting=csv.QUOTE_ALL).writerows(rows)
        encoding = "utf-16" if stem == "skills" else "utf-8-sig"
        (folder / f"{stem}_en.csv").write_bytes(out.getvalue().encode(encoding))
    assert read_esco([folder]).taxonomy == expected
