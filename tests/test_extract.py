"""Skills of adverts: names with their places, markup, requirement and negation, what is no skill."""

import asyncio
import inspect
import json
from pathlib import Path

import numpy as np
import pytest
from command import run

from skillsearch import AsyncSkillSearch, SkillSearch
from skillsearch.cli.extract import extract
from skillsearch.errors import QueryError
from skillsearch.http.bodies import ExtractBody
from skillsearch.tasks.names import Names
from skillsearch.tasks.reading import Lexicon
from skillsearch.tasks.text_to_skills import THRESHOLD
from skillsearch.words.clauses import clauses
from skillsearch.words.gazetteer import Gazetteer
from skillsearch.words.markup import plain_text
from skillsearch.words.praise import praise, word_parts
from skillsearch.words.sentences import requirement_at, sentences
from skillsearch.words.stems import root, roots

CASES = Path(__file__).resolve().parents[2] / "shared" / "cases" / "adverts"

NAMES = (
    *(
        "C++",
        "C#",
        "C",
        "R",
        ".NET",
        "Node.js",
        "TypeScript",
        "Swift",
        "Go",
        "work in teams",
        "manage budgets",
    ),
    *("machine learning", "statistics", "swift water rescue", "go to market strategy", "databases", "SQL"),
)


def names_in(text: str) -> list[str]:
    return [text[one.start : one.end] for one in Gazetteer.of(NAMES).find(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("C++ and C#, not C", ["C++", "C#", "C"]),
        ("Node.js, .NET, and R.", ["Node.js", ".NET", "R"]),
        ("type-script and machine-learning", ["type-script", "machine-learning"]),
        ("You work in a team and manage the budget", ["work in a team", "manage the budget"]),
        ("our R&D floor, vitamin c", []),
        ("swift decisions. Go home. Swift answers", []),
        ("We code in Swift and Go", ["Swift", "Go"]),
        ("Swift, Go, SQL", ["Swift", "Go", "SQL"]),
        ("a go to market strategy", ["go to market strategy"]),
        ("statistical databases", ["databases"]),
        ("You keep managing our budgets", ["managing our budgets"]),
        ("the budgets that managers have", []),
        ("Working in a team", ["Working in a team"]),
        ("work, in teams", []),
    ],
)
def test_names_are_found_as_words_with_their_signs(text: str, found: list[str]) -> None:
    assert names_in(text) == found


def test_markup_goes_and_places_stay() -> None:
    for given in (
        "<p>Own the <b>R&amp;D</b> tools</p><script>var php = 1;</script><p>write SQL</p><!-- perl -->",
        "&lt;p&gt;Own the &lt;b&gt;R&amp;amp;D&lt;/b&gt; tools&lt;/p&gt;&lt;p&gt;write SQL&lt;/p&gt;",
    ):
        plain = plain_text(given)
        assert plain.text.split() == ["Own", "the", "R&D", "tools", "write", "SQL"]
        start = plain.text.index("SQL")
        first, last = plain.place(start, start + 3)
        assert given[first:last] == "SQL"
        start = plain.text.index("R&D")
        first, last = plain.place(start, start + 3)
        assert given[first:last].startswith("R&amp;")
    assert plain_text("a < b & c > d").text == "a < b & c > d"


def test_lines_of_html_end_with_its_elements() -> None:
    given = "<p>You write\n  SQL</p>\n<ul>\n<li>Python</li>\n<li>R</li></ul>"
    assert plain_text(given).text.split("\n") == ["", "You write SQL", " ", " ", "Python ", "R", ""]
    assert plain_text("You write\nSQL").text == "You write\nSQL"
    assert plain_text("You write<br>\nSQL").text == "You write\n\nSQL"
    forced = plain_text("You write\nSQL", html=True)
    assert (forced.text, forced.place(10, 13)) == ("You write SQL", (10, 13))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("You plan routes, and talk to drivers", ["You plan routes", "talk to drivers"]),
        ("knowledge of fire law or - sums", ["knowledge of fire law"]),
        ("alone", []),
        (
            "Grow sales of all nine shops by talking to every customer",
            [
                "Grow sales of all nine shops",
                "talking to every customer",
                "Grow sales of all nine shops by talking to every customer",
            ],
        ),
    ],
)
def test_clauses_are_parts_that_may_be_a_skill(text: str, found: list[str]) -> None:
    assert [text[start:end] for start, end in clauses(text)] == found
    assert clauses(" ".join(["word"] * 19)) == []


def test_roots_are_what_forms_share() -> None:
    forms = ("manage", "manages", "managed", "managing", "management")
    assert {root(word) for word in forms} == {"manag"}
    assert {root(word) for word in ("plan", "planning", "planned", "plans")} == {"plan"}
    assert (root("SQL"), root("C++"), root("class")) == ("sql", "c++", "class")
    assert roots("manage the budgets of a team") == {"manag", "budget", "team"}


def test_a_lexicon_weighs_words_by_rarity() -> None:
    names = Names.from_payloads(
        [
            {"uri": uri, "label": label, "alt_labels": [], "hidden_labels": []}
            for uri, label in (("s:1", "manage budgets"), ("s:2", "manage staff"))
        ]
    )
    lexicon = Lexicon.of(names)
    assert set(lexicon.demand.values()) == {0.0}  # no occupation has any of them
    assert lexicon.rarity["manag"] == pytest.approx(np.log(1 + 2 / 2))
    assert lexicon.rarity["budget"] == pytest.approx(np.log(1 + 2 / 1))
    assert lexicon.within(roots("budgets that you manage")) == ["s:1"]
    # of the name manage staff the text has manage, log 2 of log 2 + log 3; all of its known words are manage
    share = np.log(2) / (np.log(2) + np.log(3))
    assert lexicon.shared("s:2", roots("manage routes")) == (pytest.approx(share), pytest.approx(1.0))


@pytest.mark.parametrize(
    ("text", "name", "requirement"),
    [
        ("You write SQL every day.", "SQL", "required"),
        ("SQL is a plus.", "SQL", "optional"),
        ("Ideally some SQL; we can show you the rest", "SQL", "optional"),
        ("Good Python in practice, SQL is an asset", "Python", "required"),
        ("Good Python in practice, SQL is an asset", "SQL", "optional"),
        ("Nice to have: Python, SQL", "SQL", "optional"),
        ("Python would be a bonus, so would SQL", "SQL", "optional"),
        ("If you have worked with SQL, all the better", "SQL", "optional"),
        ("No experience with SQL needed", "SQL", "excluded"),
        ("Python (not SQL), five years", "SQL", "excluded"),
        ("Python (not SQL), five years", "Python", "required"),
        ("Kenntnisse in SQL setzen wir nicht voraus", "SQL", "excluded"),
        ("SQL von Vorteil", "SQL", "optional"),
        ("Le SQL est un plus", "SQL", "optional"),
        ("Se valorará SQL", "SQL", "optional"),
        ("Must have\n- Python\nNice to have\n- SQL", "SQL", "optional"),
        ("Must have\n- Python\nNice to have\n- SQL", "Python", "required"),
    ],
)
def test_what_is_said_of_a_skill(text: str, name: str, requirement: str) -> None:
    start = text.index(name)
    part = next(one for one in sentences(text) if one.start <= start < one.end)
    assert requirement_at(part, start, start + len(name)) == requirement


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("You plan routes and talk to drivers.", "asks"),
        ("Free lunch, a gym and a dental plan.", "offer"),
        ("All are considered regardless of age or disability.", "equality"),
        ("We are proud of our choir.", "company"),
        ("Send your papers to the address below.", "furniture"),
        ("Obst und ein Zuschuss zur Rente", "offer"),
        ("Benefits\nSpanish lessons on Tuesdays", "offer"),
        ("Benefits\nSpanish lessons\n\nThe role\nPlan routes", "asks"),
        ("Join a global company, with a team of over 10,000 professionals in 30 cities.", "praise"),
        ("Lead a team of 4 that plans routes.", "asks"),
        ("We are seeking somebody who plans routes.", "asks"),
        ("Safeguarding\nWe check references.", "furniture"),
        ("Plan routes, safeguarding the privacy of drivers.", "asks"),
        ("Assist in dental surgery.", "asks"),
    ],
)
def test_what_a_sentence_is_about(text: str, kind: str) -> None:
    assert sentences(text)[-1].kind == kind


def test_praise_is_told_by_roots_and_neighbours() -> None:
    parts = word_parts("Over 10,000 drivers in 30 cities, paid 60k")
    assert parts >= {"over", "#", "over #", "# driver", "cit", "paid #"}
    assert not parts & {"10,000", "30", "in cit #"}
    assert praise("") == pytest.approx(praise("zyx"))
    assert praise("You keep the accounts.") < 0.1 < 0.5 < praise("Join a company with over 10,000 employees")


def test_long_sentences_without_full_stops_are_split() -> None:
    text = "Duties " + " ".join("Prepare reports on water for each of the nine settlements" for _ in range(8))
    assert max(len(one.text.split()) for one in sentences(text)) <= 30
    assert [text[one.start : one.end] for one in sentences(text)] == [one.text for one in sentences(text)]


ADVERT = """Database person (m/f/d)

You administer databases and you act ethically. Administer databases: daily.
Knowledge of Qlikblick would be great. Bookkeeping is a plus.
No experience with pharmacology is needed.

Benefits
Bookkeeping lessons, massages."""


def test_an_advert_gives_skills_with_their_places(client: SkillSearch) -> None:
    found = client.extract(ADVERT, model=False)
    assert found.recognised
    by_label = {skill.label: skill for skill in found.skills}
    assert {label: skill.requirement for label, skill in by_label.items()} == {
        "administer databases": "required",
        "act ethically": "required",
        "bookkeeping": "optional",
        "pharmacology": "excluded",
    }
    databases = by_label["administer databases"]
    assert [span.text.lower() for span in databases.spans] == ["administer databases"] * 2
    assert databases.how == "label"
    for skill in found.skills:
        for span in skill.spans:
            assert ADVERT[span.start : span.end] == span.text
    assert [span.text for span in found.unmatched] == ["Qlikblick"]
    assert [one.kind for one in found.sentences if one.skills] == ["asks"] * 4
    values = json.loads(found.to_json())
    assert list(values["skills"][0])[:6] == ["uri", "label", "probability", "requirement", "how", "spans"]
    assert list(values)[:3] == ["skills", "unmatched", "recognised"]
    assert asyncio.run(AsyncSkillSearch(client).extract(ADVERT, model=False)).skills == found.skills


def test_escaped_markup_has_the_places_of_the_text_as_given(client: SkillSearch) -> None:
    given = "&lt;ul&gt;&lt;li&gt;You &lt;b&gt;administer&amp;nbsp;databases&lt;/b&gt;&lt;/li&gt;&lt;/ul&gt;"
    (skill,) = client.extract(given, model=False).skills
    (span,) = skill.spans
    assert given[span.start : span.end] == span.text == "administer&amp;nbsp;databases"


def test_apostrophes_of_windows_are_read(client: SkillSearch) -> None:
    (skill,) = client.extract("You\x92ll administer databases", model=False).skills
    assert skill.spans[0].start == 7


def test_the_encoder_reads_what_no_name_tells(client: SkillSearch) -> None:
    text = "You look after the tables that the house keeps its numbers in."
    assert client.extract(text, model=False).skills == ()
    every = client.extract(text, threshold=0.0)
    assert {skill.how for skill in every.skills} == {"model"}
    assert client.extract(text, threshold=1.0).skills == ()


def test_what_the_index_cannot_read_is_said(client: SkillSearch) -> None:
    found = client.extract("Nous cherchons une personne qui aime bien les moutons et le grand air.")
    assert (found.recognised, found.skills) == (False, ())
    assert [one.kind for one in found.sentences] == ["other language"]


def test_what_many_occupations_have_is_more_probable() -> None:
    names = Names.from_payloads(
        {"uri": uri, "label": uri, "alt_labels": [], "hidden_labels": [], "occupations_optional": jobs}
        for uri, jobs in (("s:1", ["o:1", "o:2", "o:3"]), ("s:2", []))
    )
    mean = np.log(4) / 2
    assert Lexicon.of(names).demand == {"s:1": pytest.approx(mean), "s:2": pytest.approx(-mean)}


MIXED = """You administer databases.

Nous cherchons une personne qui aime bien les moutons et le grand air."""


def test_each_part_of_a_text_is_read_by_its_own_language(client: SkillSearch) -> None:
    found = client.extract(MIXED, model=False)
    assert found.recognised
    assert [skill.label for skill in found.skills] == ["administer databases"]
    assert [one.kind for one in found.sentences] == ["asks", "other language"]
    (unread,) = json.loads(found.to_json())["unread"]
    assert MIXED[unread["start"] : unread["end"]] == unread["text"] == MIXED.splitlines()[2]


def test_faces_read_from_the_same_probability() -> None:
    assert ExtractBody(text="").threshold == THRESHOLD
    assert inspect.signature(extract).parameters["threshold"].default == THRESHOLD


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the text '' is empty"),
        (None, "a text is text, found None"),
        ("a\x00b", "a control character"),
        ("x" * 50_001, r"50,001 characters, at most 50,000 are allowed \(SKILLSEARCH_MAX_TEXT_LENGTH\)"),
    ],
)
def test_what_is_no_text_is_told(client: SkillSearch, text: object, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        client.extract(text)  # type: ignore[arg-type] # on purpose
    with pytest.raises(QueryError, match="threshold is between 0 and 1, found 2"):
        client.extract("You write.", threshold=2)


def test_the_command_reads_files(home: Path, models_folder: Path, tmp_path: Path) -> None:
    path, other = tmp_path / "advert.txt", tmp_path / "photo.jpg"
    path.write_text(ADVERT, encoding="utf-8")
    other.write_bytes(b"\xff\xd8\xff\xe0")
    settings = {"SKILLSEARCH_MODELS": str(models_folder), "SKILLSEARCH_DEVICE": "cpu"}
    done = run("extract", str(path), str(other), "--names-only", home=home, **settings)
    assert done.returncode == 0, done.stderr
    for text in ("administer databases", "optional", "excluded", "Qlikblick", "not in the index"):
        assert text in done.stdout
    assert "photo.jpg: it is not UTF-8 text" in " ".join(done.stderr.split())
    done = run("extract", str(path), "--names-only", "--json", home=home, **settings)
    (span, *_) = json.loads(done.stdout)["skills"][0]["spans"]
    assert ADVERT[span["start"] : span["end"]] == span["text"]
    path.write_text(MIXED, encoding="utf-8")
    done = run("extract", str(path), "--names-only", home=home, **settings)
    assert "1 of 2 sentences are in another language than the index" in " ".join(done.stderr.split())
    path.write_text("You administer\ndatabases", encoding="utf-8")
    done = run("extract", str(path), "--names-only", "--html", "--json", home=home, **settings)
    assert json.loads(done.stdout)["skills"][0]["spans"][0]["text"] == "administer\ndatabases"
    assert run("extract", str(tmp_path / "missing.txt"), home=home, **settings).returncode == 1


@pytest.mark.skipif(not CASES.exists(), reason="the collected cases are not beside the project")
def test_the_collected_adverts_keep_their_offsets(client: SkillSearch) -> None:
    for line in (CASES / "expected.jsonl").read_text(encoding="utf-8").splitlines():
        given = (CASES / json.loads(line)["file"]).read_bytes().decode()
        found = client.extract(given, threshold=0.0)
        for span in (*found.unmatched, *(span for skill in found.skills for span in skill.spans)):
            assert given[span.start : span.end] == span.text
