"""The rule-based generator: word forms, phrases, and the texts it writes."""

import re
from dataclasses import replace

import pytest

from skillsearch.taxonomy.records import Skill, Taxonomy
from trainer.data.generators.base import WANTED, Kind
from trainer.data.generators.inflect import gerund, plural, singular
from trainer.data.generators.lexicon import FIELDS, NOUNS, VERBS
from trainer.data.generators.phrases import compound, described, forward, parse, reworded
from trainer.data.generators.rules import RuleGenerator

STAFF = Skill(
    "urn:staff",
    "manage staff",
    ("secret alias",),
    ("hidden alias",),
    "Manage employees and subordinates, working in a team or individually, to maximise their performance.",
    "skill",
)
PYTHON = Skill(
    "urn:python",
    "Python (computer programming)",
    description="The techniques and principles of software development, such as algorithms and coding.",
    skill_type="knowledge",
)
KINDS: tuple[Kind, ...] = ("titles", "sentences", "variants")


@pytest.fixture(scope="module")
def rules() -> RuleGenerator:
    return RuleGenerator()


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("manage staff", "managing staff"),
        ("plan, coordinate and supervise the work", "planning, coordinating and supervising the work"),
        ("carry out tests", "carrying out tests"),
        ("set up and run a server", "setting up and running a server"),
        ("control", "controlling"),
        ("program robots", "programming robots"),
        ("post-process", "post-processing"),
    ],
)
def test_verbs_at_the_start_get_their_ing_form(phrase: str, expected: str) -> None:
    assert gerund(phrase) == expected


def test_nouns_change_their_number_and_names_do_not() -> None:
    pairs = {"business process": "business processes", "analysis": "analyses", "child": "children"}
    assert {one: plural(one) for one in pairs} == pairs
    assert [singular(word) for word in (*pairs.values(), *pairs, "PCs")] == [*pairs, *pairs, "PC"]
    assert all(singular(word) == word for word in ("goods", "data", "electronics", "Windows", "glass"))


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("manage staff", ("manage", "", "staff", "")),
        ("advise on art handling", ("advise on", "", "art handling", "")),
        ("load and unload cargo", ("load and unload", "", "cargo", "")),
        ("operate separators for flour", ("operate", "", "separators", "for flour")),
        ("calculate the amount of cargo", ("calculate", "the", "amount of cargo", "")),
        ("follow-up requests", ("follow up", "", "requests", "")),
        ("food plant design", ("", "", "food plant design", "")),
    ],
)
def test_labels_are_taken_apart(label: str, expected: tuple[str, str, str, str]) -> None:
    phrase = parse(Skill("urn:x", label, skill_type="skill"))
    assert (phrase.verb, phrase.article, phrase.noun, phrase.tail) == expected


def test_knowledge_is_a_topic_with_its_note_apart() -> None:
    phrase = parse(PYTHON)
    assert (phrase.verb, phrase.noun, phrase.note) == ("", "Python", "computer programming")
    assert parse(Skill("urn:f", "fish anatomy", skill_type="knowledge")).verb == ""


def test_parts_of_phrases_are_built_anew() -> None:
    assert compound("latex samples") == "latex sample"
    assert compound("quality of service") == ""
    assert forward("separators", "for flour") == "flour separators"
    assert forward("types of watches", "") == "watch types"
    assert forward("animals", "with surgery") == ""
    assert "safety protocols" in set(reworded("safety procedures"))


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        (STAFF.description, ["manage employees and subordinates"]),
        ("Clean and store metal, glass and wood. It is hard.", ["clean and store metal, glass and wood"]),
        ("Find areas for improvement and make suggestions.", ["find areas for improvement"]),
        ("Ensure that all is well. Deal with it.", ["deal with it"]),
    ],
)
def test_descriptions_give_the_phrases_that_they_begin_with(description: str, expected: list[str]) -> None:
    assert described(replace(STAFF, description=description)) == expected
    assert described(PYTHON) == ["techniques and principles of software development"]


def test_staff_is_managed_in_many_words(rules: RuleGenerator) -> None:
    variants = rules.generate(STAFF, "variants", 60)
    assert {"staff management", "managing staff", "management of staff", "lead staff"} <= set(variants)
    assert any("personnel" in variant for variant in variants)
    assert rules.generate(STAFF, "titles", 20)[0] == "Staff Manager"


@pytest.mark.parametrize(
    ("skill", "title"),
    [
        (PYTHON, "Python Developer"),
        (Skill("urn:it", "write Italian", skill_type="skill"), "Italian Translator"),
        (Skill("urn:h", "marine hydrography", skill_type="knowledge"), "Marine Hydrographer"),
        (Skill("urn:l", "labour law", skill_type="knowledge"), "Labour Lawyer"),
        (Skill("urn:w", "weld metal", skill_type="skill"), "Metal Welder"),
        (Skill("urn:j", "join parts", description="Weld metal.", skill_type="skill"), "Welder"),
    ],
)
def test_who_works_with_a_skill_is_named(rules: RuleGenerator, skill: Skill, title: str) -> None:
    assert title in rules.generate(skill, "titles", 20)


@pytest.mark.parametrize("kind", KINDS)
def test_the_sample_gets_texts_of_good_form(rules: RuleGenerator, taxonomy: Taxonomy, kind: Kind) -> None:
    for skill in taxonomy.skills.values():
        texts = rules.generate(skill, kind, WANTED[kind])
        assert len(texts) >= (10 if kind == "variants" else WANTED[kind]), skill.label
        assert len({text.casefold() for text in texts}) == len(texts)
        assert not any(re.search(r"[{}]|\s\s|\ba [aeio]|\ban [bcdfgjkqtvwz]", text) for text in texts), texts


@pytest.mark.parametrize("kind", KINDS)
def test_other_labels_and_relations_are_never_read(rules: RuleGenerator, kind: Kind) -> None:
    bare = replace(STAFF, alt_labels=(), hidden_labels=(), broader=("urn:b",), collections=("digital",))
    texts = rules.generate(STAFF, kind, 40)
    assert texts == rules.generate(bare, kind, 40)


def test_the_same_skill_gets_the_same_texts_and_another_seed_others(rules: RuleGenerator) -> None:
    again, other = RuleGenerator(seed=0), RuleGenerator(seed=1)
    assert again.name == rules.name != other.name
    assert again.generate(STAFF, "titles", 20) == rules.generate(STAFF, "titles", 20)
    assert other.generate(STAFF, "titles", 20) != rules.generate(STAFF, "titles", 20)


def test_texts_that_are_there_do_not_come_again(rules: RuleGenerator) -> None:
    first = rules.generate(STAFF, "variants", 5)
    more = rules.generate(STAFF, "variants", 5, have=[text.upper() for text in first])
    assert len(set(more) - set(first)) == 5


@pytest.mark.parametrize(
    "label", ["x", "(note)", "Ω", "plan", "manage", "of", "a " * 200, "C++", "{title}", "'s", "plan of"]
)
@pytest.mark.parametrize("kind", KINDS)
def test_odd_labels_give_texts_or_fewer_and_no_error(rules: RuleGenerator, label: str, kind: Kind) -> None:
    for skill_type in ("skill", "knowledge", ""):
        skill = Skill("urn:odd", label, description="{x} \n(", skill_type=skill_type)
        assert len(rules.generate(skill, kind, 5)) <= 5


def test_entries_of_the_lexicon_are_whole() -> None:
    assert all(len(columns) == 3 and all(map(all, columns)) for columns in VERBS.values())
    assert all(len(columns) == 1 and len(columns[0]) > 1 for columns in NOUNS.values())
    assert all(len(columns) == 2 and all(columns[1]) for columns in FIELDS.values())
