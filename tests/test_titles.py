"""Job titles as they come: what is mechanical in them is taken out, by kind, in several languages."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from skillsearch import SkillSearch
from skillsearch.characters import fold
from skillsearch.errors import ConfigurationError
from skillsearch.tasks.names import Names
from skillsearch.tasks.vocabulary import kept_vocabulary, vocabulary_of
from skillsearch.words.titles import Vocabulary, clean_title, read_acronyms, words_of

CASES = Path(__file__).resolve().parents[2] / "shared" / "cases" / "titles" / "titles.tsv"

OCCUPATIONS = (
    *(
        "plumber",
        "data analyst",
        "truck driver",
        "pastry chef",
        "dental hygienist",
        "accountant",
        "carpenter",
    ),
    *(
        "tour guide",
        "bus driver",
        "intensive care nurse",
        "civil engineer",
        "bridges inspector",
        "tutor",
        "teacher",
    ),
    *(
        "veterinary nurse",
        "waiter",
        "waitress",
        "import export manager",
        "radiographer",
        "food and beverage manager",
    ),
)
NAMES = {name: frozenset({"waiter" if name == "waitress" else name}) for name in OCCUPATIONS}
VOCABULARY = Vocabulary(
    Counter(word for name in OCCUPATIONS for word in words_of(name)), NAMES, {"F&B": "food and beverage"}
)


@pytest.mark.parametrize(
    ("title", "clean"),
    [
        ("PLUMBER", "plumber"),
        ("pLUMBER", "plumber"),
        ("Plumber (m/f/d)", "Plumber"),
        ("Plumber [all genders]", "Plumber"),
        ("Elektriker/in (m/w/d) in Vollzeit", "Elektriker"),
        ("Schlosser*in (gn)", "Schlosser"),
        ("Comptable F/H (CDI)", "Comptable"),
        ("Vendeur/euse à Lyon", "Vendeur"),
        ("Enfermero/a - Madrid", "Enfermero"),
        ("Koch/Köchin gesucht", "Koch"),
        ("Truck driver 14.50 GBP per hour", "Truck driver"),
        ("Truck driver - up to 40k EUR", "Truck driver"),
        ("Truck driver £15/hr + bonus", "Truck driver"),
        ("Data analyst (hybrid, 3 days remote)", "Data analyst"),
        ("Data analyst, 80-100%", "Data analyst"),
        ("Data analyst - 35h", "Data analyst"),
        ("Carpenter - Utrecht, Netherlands", "Carpenter"),
        ("Utrecht: Carpenter", "Carpenter"),
        ("Carpenter @ Acme", "Carpenter"),
        ("Carpenter at Contoso", "Carpenter"),
        ("NOW HIRING!!! Carpenter", "Carpenter"),
        ("we are looking for a Pastry Chef", "Pastry Chef"),
        ("Ref 99231-B: Dental hygienist", "Dental hygienist"),
        ("#4431 Dental hygienist, 5 openings", "Dental hygienist"),
        ("Teacher&nbsp;&amp;#8211; Utrecht", "Teacher"),
        ("<p>Radio\u200bgrapher</p>", "Radiographer"),
        ("✨Pastry chef✨ 🍰", "Pastry chef"),
        ("- Plumber -", "Plumber"),
        ("Veterinray nurse", "veterinary nurse"),
        ("Civil engineer, bridges", "Civil engineer, bridges"),
        ("Nurse (intensive care)", "Nurse intensive care"),
        ("Import/export manager", "Import/export manager"),
        ("F & B trainer", "food and beverage trainer"),
        ("Waiter/Waitress", "Waiter"),
        ("Senior", "Senior"),
        ("100%", "100%"),
        ("nothing that it knows", "nothing that it knows"),
    ],
)
def test_what_names_the_job_stays(title: str, clean: str) -> None:
    assert clean_title(title, VOCABULARY).texts == (clean,)


@pytest.mark.parametrize(
    ("title", "seniority"),
    [
        ("Sr. Accountant II", ("Sr.", "II")),
        ("Trainee accountant, 2nd year", ("Trainee", "2nd year")),
        ("(Junior) Accountant", ("Junior",)),
        ("Accountant, Grade 5", ("Grade 5",)),
        ("Accountant", ()),
    ],
)
def test_seniority_is_kept_apart(title: str, seniority: tuple[str, ...]) -> None:
    clean = clean_title(title, VOCABULARY)
    assert ([text.lower() for text in clean.texts], clean.seniority) == (["accountant"], seniority)


def test_two_jobs_are_two_titles_where_both_are() -> None:
    assert clean_title("Bus driver / Tour guide", VOCABULARY).texts == ("Bus driver", "Tour guide")
    assert clean_title("Teacher and tutor (part time)", VOCABULARY).texts == ("Teacher", "tutor")
    assert clean_title("Bus driver / mascot", VOCABULARY).texts == ("Bus driver / mascot",)


def test_without_names_nothing_is_taken_for_a_place() -> None:
    empty = Vocabulary({}, {})
    assert clean_title("Carpenter (m/w/d) - Utrecht", empty).texts == ("Carpenter, Utrecht",)


def test_acronyms_are_told_by_names_and_by_files(tmp_path: Path) -> None:
    rows = [
        ("s:1", "HR manager", "human resources manager"),
        ("s:2", "HR officer", "human resources officer"),
    ]
    names = Names.from_payloads(
        {"uri": uri, "label": label, "alt_labels": [alias], "hidden_labels": []} for uri, label, alias in rows
    )
    path = tmp_path / "acronyms.txt"
    path.write_text("# ours\nXYZ = xylophone zither player\nrn = royal navy sailor\n", encoding="utf-8")
    acronyms = vocabulary_of(names, path).acronyms
    assert acronyms["HR"] == "human resources"
    assert acronyms["XYZ"] == "xylophone zither player"
    assert acronyms["RN"] == "royal navy sailor"
    assert clean_title("XYZ in band", vocabulary_of(names, path)).texts == (
        "xylophone zither player in band",
    )
    path.write_text("XYZ\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"line 1: expected ACRONYM = words, found 'XYZ'"):
        read_acronyms(path)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_acronyms(tmp_path / "missing.txt")


def test_clean_and_noisy_titles_give_the_same(client: SkillSearch) -> None:
    clean, noisy = client.search("accountant"), client.search("Sr. Accountant (m/w/d) - 100%")
    assert noisy.searched == ("Accountant",)
    assert noisy.seniority == ("Sr.",)
    assert noisy.title == "Sr. Accountant (m/w/d) - 100%"
    assert noisy.hits == clean.hits
    assert client.normalize_title("Accountant (m/w/d)")[0].label == "accountant"
    assert client.compare("Accountant (m/w/d)", "accountant", limit=3).missing == ()


def test_two_titles_are_one_list(client: SkillSearch) -> None:
    both = client.search("Accountant / Agronomist", limit=10)
    assert both.searched == ("Accountant", "Agronomist")
    each = [hit.uri for title in both.searched for hit in client.search(title, limit=10)]
    assert {hit.uri for hit in both} <= set(each)
    assert [hit.score for hit in both] == sorted((hit.score for hit in both), reverse=True)
    labels = {hit.label for hit in client.normalize_title("Accountant / Agronomist")[:2]}
    assert labels == {"accountant", "agronomist"}


def test_titles_are_searched_as_they_are_where_that_is_wanted(home: Path, models_folder: Path) -> None:
    with SkillSearch.open(home=home, models=str(models_folder), device="cpu", clean_titles=False) as client:
        assert client.search("Sr. Accountant (m/w/d)").searched == ("Sr. Accountant (m/w/d)",)


@pytest.mark.skipif(not CASES.exists(), reason="the collected cases are not beside the project")
def test_most_collected_titles_become_their_clean_ones() -> None:
    """With the clean titles as the names of an index."""
    with CASES.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["expect"] == "same"]
    names = {fold(row["clean_title"]): frozenset({row["clean_title"]}) for row in rows}
    vocabulary = Vocabulary(Counter(word for name in names for word in words_of(name)), names)
    same = [fold(clean_title(row["title"], vocabulary).texts[0]) == fold(row["clean_title"]) for row in rows]
    assert sum(same) >= 0.85 * len(same)


def test_the_vocabulary_of_a_build_is_kept_and_read_again(tmp_path: Path) -> None:
    rows = [
        ("s:1", "HR manager", "human resources manager"),
        ("s:2", "HR officer", "human resources officer"),
    ]
    read: list[str] = []

    def names() -> Names:
        read.append("names")
        return Names.from_payloads(
            {"uri": uri, "label": label, "alt_labels": [alias], "hidden_labels": []}
            for uri, label, alias in rows
        )

    path, acronyms = tmp_path / "vocabulary.json", tmp_path / "acronyms.txt"
    acronyms.write_text("XYZ = xylophone zither player\n", encoding="utf-8")
    made = vocabulary_of(names(), None)
    for build, count in (("b1", 2), ("b1", 2), ("b2", 3), ("b2", 3)):
        assert kept_vocabulary(path, build, names, None) == made
        assert len(read) == count
    assert kept_vocabulary(path, "b2", names, acronyms).acronyms["XYZ"] == "xylophone zither player"
    assert kept_vocabulary(path, "b2", names, None) == made  # what the file says is not kept
    for damaged in ("{", "[]", '{"build": "b2", "uris": [], "names": {"chef": [7]}}', '{"build": "b2"}'):
        count = len(read)
        path.write_text(damaged, encoding="utf-8")
        assert kept_vocabulary(path, "b2", names, None) == made
        assert len(read) == count + 1


def test_a_vocabulary_that_cannot_be_kept_is_learned_each_time(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file, not a folder", encoding="utf-8")
    names = Names.from_payloads([{"uri": "s:1", "label": "chef", "alt_labels": [], "hidden_labels": []}])
    path = tmp_path / "home" / "vocabulary.json"
    assert kept_vocabulary(path, "b1", lambda: names, None).names == {"chef": frozenset({"s:1"})}
