"""Similar skills, titles for a skill, names of skills and titles, suggestions, comparisons."""

import asyncio
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from command import run
from hash_encoder import HashEncoder
from indexing import index_taxonomy

from skillsearch import AsyncSkillSearch, FailedSearch, Filters, Found, SkillSearch
from skillsearch.errors import FilterError, QueryError, StoreError
from skillsearch.settings import Settings
from skillsearch.store.embedded import EmbeddedStore
from skillsearch.tasks import NORMALIZE_SKILL, SIMILAR_SKILLS, TASKS
from skillsearch.tasks.confidence import Confidence
from skillsearch.tasks.names import Names
from skillsearch.taxonomy.records import Group, Occupation, Skill, Taxonomy

Done = subprocess.CompletedProcess[str]
Command = Callable[..., Done]


def skill_of(taxonomy: Taxonomy, label: str) -> Skill:
    return next(skill for skill in taxonomy.skills.values() if skill.label == label)


@pytest.fixture
def plain(taxonomy: Taxonomy, tmp_path: Path) -> Iterator[SkillSearch]:
    """A client without a cross-encoder, whose vectors depend on the text alone."""
    store = EmbeddedStore(tmp_path / "index")
    encoder = HashEncoder()
    index_taxonomy(taxonomy, encoder, store)
    with SkillSearch(store, encoder, None, Settings(home=tmp_path)) as client:
        yield client


def test_similar_skills_are_the_nearest_without_the_skill_itself(
    client: SkillSearch, taxonomy: Taxonomy
) -> None:
    skill = skill_of(taxonomy, "administer databases")
    found = client.similar(skill.label, limit=5)
    assert found.recognised
    assert [hit.rank for hit in found] == [1, 2, 3, 4, 5]
    assert skill.uri not in [hit.uri for hit in found]
    assert [hit.score for hit in found] == sorted((hit.score for hit in found), reverse=True)
    for other in (skill.uri, skill.alt_labels[0], skill.label.upper()):
        assert client.similar(other, limit=5).hits == found.hits


def test_similar_skills_can_be_filtered(client: SkillSearch, taxonomy: Taxonomy) -> None:
    found = client.similar("administer databases", filters=Filters(types="knowledge"))
    assert {hit.skill_type for hit in found} == {"knowledge"}
    with pytest.raises(FilterError, match="did you mean 'digital'"):
        client.similar("administer databases", filters=Filters(collections="digitl"))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("", "the skill '' is empty: give one such as 'project management'"),
        (None, "a skill is text, found None"),
        ("http://example.org/gone", "no skill has the URI 'http://example.org/gone'.*may have been removed"),
        ("x" * 301, "301 characters, at most 300"),
        ("a\x00b", "a control character"),
    ],
)
def test_what_is_no_skill_is_told(client: SkillSearch, given: object, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        client.similar(given)  # type: ignore[arg-type] # on purpose
    with pytest.raises(QueryError, match=message):
        client.titles_for(given)  # type: ignore[arg-type] # on purpose


def test_an_occupation_is_no_skill(client: SkillSearch, taxonomy: Taxonomy) -> None:
    with pytest.raises(QueryError, match="is the URI of an occupation, expected that of a skill"):
        client.similar(next(iter(taxonomy.occupations)))


def test_titles_for_a_skill_begin_with_its_links(client: SkillSearch, taxonomy: Taxonomy) -> None:
    uri, relations = max(taxonomy.relations_by_skill.items(), key=lambda item: len(item[1]))
    kinds = {relation.occupation: relation.kind for relation in relations}
    found = client.titles_for(uri, limit=len(taxonomy.occupations))
    assert {hit.uri: hit.relation for hit in found if hit.relation} == kinds
    order = {"essential": 0, "optional": 1, None: 2}
    assert [order[hit.relation] for hit in found] == sorted(order[hit.relation] for hit in found)
    assert len({hit.uri for hit in found}) == len(taxonomy.occupations)
    for hit in found:
        assert hit.isco == taxonomy.isco_groups[taxonomy.occupations[hit.uri].isco_group].code
        assert hit.probability is not None
        assert hit.probability == 1 if hit.relation else 0 < hit.probability < 1


def test_titles_for_a_skill_are_read_by_the_reranker_as_in_a_search(
    client: SkillSearch, taxonomy: Taxonomy
) -> None:
    found = client.titles_for("administer databases", limit=len(taxonomy.occupations))
    hit = next(one for one in found if one.relation is None)  # of the others the taxonomy is sure
    skills = client.search(hit.label, limit=len(taxonomy.skills), depth=len(taxonomy.skills))
    shares = next(one.probabilities for one in skills if one.label == "administer databases")
    assert shares is not None
    assert hit.probability == pytest.approx(shares.relevant, abs=1e-4)


def test_links_are_found_however_far_they_are(plain: SkillSearch, taxonomy: Taxonomy) -> None:
    uri, relations = max(taxonomy.relations_by_skill.items(), key=lambda item: len(item[1]))
    found = plain.titles_for(uri, limit=len(relations), rerank=True)
    assert {hit.uri for hit in found} == {relation.occupation for relation in relations}
    assert {hit.probability for hit in found} == {1.0}


def test_a_name_wins_over_what_is_near(client: SkillSearch, taxonomy: Taxonomy) -> None:
    skill = skill_of(taxonomy, "administer databases")
    for text, how in ((skill.label.title(), "label"), (f"  {skill.alt_labels[1]}  ", "alias")):
        found = client.normalize_skill(text)
        assert found.recognised
        assert (found[0].uri, found[0].how) == (skill.uri, how)
        assert found[0].probability == 0.95
        assert all(hit.how == "model" for hit in found[1:])
    assert found.input == f"  {skill.alt_labels[1]}  "
    assert found.searched == (skill.alt_labels[1],)


@pytest.mark.parametrize("text", ["nan", "12345", "https://example.org/a", "看護師", "-1"])
def test_a_search_says_what_is_no_title(client: SkillSearch, text: str) -> None:
    assert client.search("Chef", limit=1).recognised
    assert not client.search(text, limit=1).recognised
    assert not client.compare(text, "Chef").recognised
    assert not client.compare("Chef", text).recognised
    assert client.compare(["administer databases"], "Chef").recognised


@pytest.mark.parametrize(
    "text", ["", "   ", "nan", "N/A", "12345", "https://example.org/a", "看護師", "-", None]
)
def test_what_is_no_name_is_not_recognised(client: SkillSearch, text: str) -> None:
    for found in (client.normalize_skill(text), client.normalize_title(text)):
        assert (found.recognised, found.hits) == (False, ())


def test_what_is_near_to_nothing_is_not_recognised(plain: SkillSearch, tmp_path: Path) -> None:
    build = plain._engine.store.published().info.name
    Confidence.kept_in(
        tmp_path / "confidence" / "skills.json", build, lambda: Confidence((-9, 9, 0), 0.9, 0.9, 0.9)
    )
    found = plain.normalize_skill("entirely other words")
    assert not found.recognised
    assert all(hit.probability is not None and hit.probability < 0.5 for hit in found)


def test_many_skills_come_in_order(client: SkillSearch) -> None:
    texts = ["administer databases", "", None, "a\x00b", "integrity", float("nan")]
    found = client.normalize_skills(texts, limit=1)
    assert [isinstance(one, FailedSearch) for one in found] == [False, False, False, True, False, False]
    assert [one.recognised for one in found if isinstance(one, Found)] == [True, False, False, True, False]
    with pytest.raises(QueryError, match=r"skill 4: the skill .* has a control character"):
        list(client.each(NORMALIZE_SKILL, texts, strict=True))
    with pytest.raises(QueryError, match="skills is a list of skills, found the text 'integrity'"):
        client.normalize_skills("integrity")
    with pytest.raises(QueryError, match="limit is a whole number"):
        client.normalize_skills([], limit=0)


def test_a_title_has_its_occupation_and_isco_code(client: SkillSearch) -> None:
    found = client.normalize_title("Chartered Accountant")
    assert (found[0].label, found[0].how, found[0].name) == ("accountant", "alias", "chartered accountant")
    assert (found[0].code, found[0].isco) == ("2411.1", "2411")
    assert len(found) == 5
    (one,) = client.normalize_titles(["chartered accountant"])
    assert isinstance(one, Found)
    assert one.hits == found.hits


def test_half_of_a_pair_names_an_occupation(tmp_path: Path) -> None:
    taxonomy = small(occupations=[Occupation("o:1", "Buchbinder/Buchbinderin", ("Binder",), code="7323.1")])
    store, encoder = EmbeddedStore(tmp_path / "index"), HashEncoder()
    index_taxonomy(taxonomy, encoder, store)
    with SkillSearch(store, encoder, None, Settings(home=tmp_path)) as client:
        for text in ("Buchbinderin", "buchbinder", "Buchbinder/Buchbinderin"):
            assert client.normalize_title(text)[0].how == "label"
        assert client.normalize_title("binder")[0].how == "alias"


def test_a_name_of_two_concepts_is_shared_by_both() -> None:
    names = Names.from_payloads(
        [
            payload("s:1", "Python (computer programming)", "Py"),
            payload("s:2", "python", "py"),
            payload("s:3", "Anaconda", "python"),
        ]
    )
    assert [name.uri for name in names.find("PYTHON")] == ["s:1", "s:2"]  # labels before an alias
    assert [(name.uri, name.how) for name in names.find("py")] == [("s:1", "alias"), ("s:2", "alias")]
    assert names.find("pythons") == ()
    assert names.scripts == {"LATIN"}


def test_suggestions_begin_with_what_is_typed(client: SkillSearch) -> None:
    found = client.suggest("admin")
    assert found[0].label == "administer servers"  # the shorter one
    assert all("admin" in hit.name.lower() for hit in found)
    assert len({(hit.uri, hit.space) for hit in found}) == len(found)
    assert {hit.space for hit in client.suggest("a", space="occupations")} == {"occupations"}
    assert client.suggest("databases")[0].name.endswith("databases")  # a word in a label
    assert client.suggest("  ").hits == client.suggest("zzz").hits == ()
    with pytest.raises(QueryError, match="space is one of skills, occupations, or None"):
        client.suggest("a", space="jobs")  # type: ignore[arg-type] # on purpose
    with pytest.raises(QueryError, match="limit"):
        client.suggest("a", limit=0)


def test_a_suggestion_takes_at_most_ten_milliseconds(client: SkillSearch) -> None:
    client.suggest("a")
    start = time.perf_counter()
    for prefix in ("a", "da", "nur", "prog"):
        client.suggest(prefix)
    assert (time.perf_counter() - start) / 4 < 0.01


def test_two_titles_are_compared(client: SkillSearch) -> None:
    same = client.compare("Chef", "Chef", limit=10)
    assert (len(same.shared), same.near, same.missing) == (10, (), ())
    found = client.compare("Chef", "Data Scientist", limit=10)
    wanted = [hit.uri for hit in client.search("Data Scientist", limit=10)]
    got = [one.uri for one in (*found.shared, *found.near, *found.missing)]
    assert sorted(got) == sorted(wanted)
    assert json.loads(found.to_json())["b"] == "Data Scientist"


def test_a_profile_and_a_title_are_compared(client: SkillSearch) -> None:
    wanted = [hit.label for hit in client.search("Chef", limit=5)]
    found = client.compare([*wanted[:2], "12345"], "Chef", limit=5)
    assert [one.label for one in found.shared] == wanted[:2]
    assert found.notes == ("the skill '12345' was not recognised",)
    for profile, message in (([], "a profile is a list of skills"), (7, "a profile is"), ([""], "is empty")):
        with pytest.raises(QueryError, match=message):
            client.compare(profile, "Chef")  # type: ignore[arg-type] # on purpose


def test_near_skills_are_those_of_a_cosine_as_aliases_have(client: SkillSearch) -> None:
    with client._engine.run() as run:
        confidence = run.confidence("skills")
    found = client.compare("Chef", "Data Scientist", limit=20)
    assert all(one.likeness >= confidence.near for one in found.near)


def test_confidence_is_learned_from_aliases_and_kept(tmp_path: Path) -> None:
    made = Confidence((-5.0, 10.0, -20.0), 0.5, 0.4, 0.6)
    path = tmp_path / "confidence" / "skills.json"
    assert Confidence.kept_in(path, "b1", lambda: made) is made
    assert Confidence.kept_in(path, "b1", lambda: Confidence(None, 0, 0, 0)) == made
    other = Confidence(None, 0.0, 0.0, 0.0)
    assert Confidence.kept_in(path, "b2", lambda: other) is other
    path.write_text("{", encoding="utf-8")
    assert Confidence.kept_in(path, "b2", lambda: made) is made
    first, second = made.probabilities([0.9, 0.8])
    assert first == pytest.approx(1 / (1 + np.exp(-4)))
    assert second == pytest.approx(1 / (1 + np.exp(-1)))
    assert other.probabilities([0.9]) == [None]
    assert (made.recognises(0.5), made.recognises(0.45)) == (True, False)
    assert (made.recognises(0.45, is_known=True), made.recognises(0.39, is_known=True)) == (True, False)


def test_every_task_is_a_method_of_both_clients(client: SkillSearch) -> None:
    async def ask() -> list[object]:
        found = AsyncSkillSearch(client)
        each = [one async for one in found.each(SIMILAR_SKILLS, ["administer databases"], limit=3)]
        return [
            (await found.similar("administer databases", limit=3)).hits,
            (await found.titles_for("administer databases", limit=3)).hits,
            (await found.normalize_skill("integrity")).hits,
            (await found.normalize_title("accountant")).hits,
            (await found.suggest("adm")).hits,
            (await found.compare("Chef", "Nurse", limit=3)).missing,
            each[0].hits if isinstance(each[0], Found) else None,
        ]

    assert asyncio.run(ask()) == [
        client.similar("administer databases", limit=3).hits,
        client.titles_for("administer databases", limit=3).hits,
        client.normalize_skill("integrity").hits,
        client.normalize_title("accountant").hits,
        client.suggest("adm").hits,
        client.compare("Chef", "Nurse", limit=3).missing,
        client.similar("administer databases", limit=3).hits,
    ]
    for task in TASKS.values():
        for face in (SkillSearch, AsyncSkillSearch):
            assert getattr(face, task.run.__name__).__doc__ == task.run.__doc__


def test_a_closed_client_does_no_task(client: SkillSearch) -> None:
    client.close()
    for call in (client.similar, client.titles_for, client.normalize_skill, client.suggest):
        with pytest.raises(StoreError, match="the client is closed"):
            call("integrity")


@pytest.fixture
def command(home: Path, models_folder: Path) -> Command:
    def call(*arguments: str) -> Done:
        return run(*arguments, home=home, SKILLSEARCH_MODELS=str(models_folder), SKILLSEARCH_DEVICE="cpu")

    return call


def test_the_commands_print_tables(command: Command) -> None:
    for arguments, texts in (
        (("similar", "administer databases", "-n", "3"), ("concept", "sample 1.0.0 (en)")),
        (("titles", "administer databases", "-n", "3"), ("ISCO", "essential")),
        (("normalize", "integrity", "nan"), ("act ethically", "alias integrity", "0.95", "not recognised")),
        (("normalize", "--as", "title", "Certified Accountant"), ("ISCO 2411",)),
        (("compare", "Chef", "Nurse", "-n", "3"), ("Chef → Nurse", "probability")),
    ):
        done = command(*arguments)
        assert done.returncode == 0, done.stderr
        for text in texts:
            assert text in done.stdout, done.stdout


def test_normalize_gives_an_object_for_each_input_in_order(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "skills.txt"
    path.write_text(
        "integrity\n\n看護師\na\x01b\n",
        encoding="utf-8",
    )
    done = command("normalize", "--skills", str(path), "--json")
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["recognised"] for row in rows] == [True, False, False, False]
    assert [row["input"] for row in rows][:2] == ["integrity", ""]
    assert list(rows[0]["hits"][0])[:4] == ["rank", "uri", "label", "probability"]
    assert "control character" in rows[3]["error"]
    table = tmp_path / "jobs.csv"
    table.write_text("id,job\n1,certified accountant\n2,\n", encoding="utf-8")
    done = command("normalize", "--titles", str(table), "--column", "job", "--json")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(row["row"]["id"], row["recognised"]) for row in rows] == [("1", True), ("2", False)]
    done = command("normalize", "--titles", str(table), "--json")
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("normalize",), "give one of: texts, --skills FILE, --titles FILE"),
        (("normalize", "a", "--skills", "b.txt"), "give one of: texts"),
        (("similar",), "give either skills, or --input with a file"),
        (("compare", "Chef"), "give two titles, or one with --profile FILE"),
        (("titles", "--input", "missing.csv"), "missing.csv"),
        (("similar", "http://example.org/gone"), "may have been removed"),
    ],
)
def test_a_wrong_command_is_told(command: Command, arguments: tuple[str, ...], message: str) -> None:
    done = command(*arguments)
    assert done.returncode == 1
    assert message in done.stderr


def test_a_profile_is_read_from_a_file(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "me.txt"
    path.write_text("administer databases\n\nintegrity\n", encoding="utf-8")
    done = command("compare", "--profile", str(path), "Chef", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["a"] == ["administer databases", "integrity"]


def payload(uri: str, label: str, *aliases: str) -> dict[str, object]:
    return {"uri": uri, "label": label, "alt_labels": list(aliases), "hidden_labels": []}


def small(*, skills: list[Skill] | None = None, occupations: list[Occupation] | None = None) -> Taxonomy:
    skills = skills or [Skill("s:1", "bind books")]
    return Taxonomy(
        "small",
        "1",
        "de",
        {skill.uri: skill for skill in skills},
        {occupation.uri: occupation for occupation in occupations or [Occupation("o:0", "cook")]},
        (),
        dict[str, Group](),
        {},
    )
