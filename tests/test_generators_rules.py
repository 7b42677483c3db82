"""The rule-based generator: inflection, phrases, and the texts it writes."""

import re
from dataclasses import replace

import pytest

from skillsearch.taxonomy.records import Skill, Taxonomy
from trainer.data.generators import WANTED, Kind, open_generator
from trainer.data.generators.inflection import (
    gerund,
    is_plural,
    past,
    plural,
    singular,
    third_person,
    title_case,
    with_article,
)
from trainer.data.generators.lexicon import load_lexicon
from trainer.data.generators.phrases import all_gerunds, compound, examples, parse, tail_forward
from trainer.data.generators.rules import RuleGenerator
from trainer.data.generators.titles import domains_of

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
ITALIAN = Skill(
    "urn:it", "write Italian", description="Compose written texts in Italian.", skill_type="skill"
)


@pytest.fixture(scope="module")
def rules() -> RuleGenerator:
    return RuleGenerator()


@pytest.mark.parametrize(
    ("verb", "forms"),
    [
        ("manage staff", ("managing staff", "managed staff", "manages staff")),
        ("plan", ("planning", "planned", "plans")),
        ("carry out tests", ("carrying out tests", "carried out tests", "carries out tests")),
        ("tie", ("tying", "tied", "ties")),
        ("dye", ("dyeing", "dyed", "dyes")),
        ("control", ("controlling", "controlled", "controls")),
        ("develop", ("developing", "developed", "develops")),
        ("oversee", ("overseeing", "oversaw", "oversees")),
        ("fix", ("fixing", "fixed", "fixes")),
        ("teach", ("teaching", "taught", "teaches")),
        ("post-process", ("post-processing", "post-processed", "post-processes")),
    ],
)
def test_verbs_are_inflected(verb: str, forms: tuple[str, str, str]) -> None:
    assert (gerund(verb), past(verb), third_person(verb)) == forms


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("policy", "policies"),
        ("business process", "business processes"),
        ("analysis", "analyses"),
        ("child", "children"),
        ("case", "cases"),
        ("lens", "lenses"),
        ("machine", "machines"),
        ("PC", "PCs"),
        ("workman", "workmen"),
        ("equipment", "equipment"),
        ("electronics", "electronics"),
    ],
)
def test_nouns_are_inflected(one: str, many: str) -> None:
    assert (plural(one), singular(many)) == (many, one)
    assert (plural(many), singular(one)) == (many, one)


def test_articles_and_capitals() -> None:
    assert [
        with_article(noun) for noun in ("engineer", "HR officer", "unit", "user", "equipment", "tools")
    ] == [
        "an engineer",
        "an HR officer",
        "a unit",
        "a user",
        "equipment",
        "tools",
    ]
    assert is_plural("work tools")
    assert not is_plural("staff")
    assert title_case("health and safety in IT") == "Health and Safety in IT"


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("manage staff", ("manage", "", "staff", "")),
        ("advise on art handling", ("advise on", "", "art handling", "")),
        ("load and unload cargo", ("load", "unload", "cargo", "")),
        ("operate separators for flour", ("operate", "", "separators", "for flour")),
        ("follow-up requests", ("follow", "", "requests", "")),
        ("continuously monitor weather conditions", ("monitor", "", "weather conditions", "")),
    ],
)
def test_labels_are_taken_apart(label: str, expected: tuple[str, str, str, str]) -> None:
    phrase = parse(Skill("urn:x", label, skill_type="skill"), load_lexicon())
    assert phrase.verb is not None
    base = phrase.verb.base.removesuffix(" up")
    assert (base, phrase.second, phrase.noun, phrase.tail) == expected


def test_a_topic_keeps_its_note_apart() -> None:
    phrase = parse(PYTHON, load_lexicon())
    assert (phrase.verb, phrase.noun, phrase.note) == (None, "Python", "computer programming")


def test_parts_of_phrases_are_built_anew() -> None:
    assert compound("latex samples") == "latex sample"
    assert compound("quality of service") == ""
    assert tail_forward("separators", "for flour") == "flour separators"
    assert tail_forward("animals", "for surgery") == ""
    assert all_gerunds("plan, coordinate and supervise the work", load_lexicon()) == (
        "planning, coordinating and supervising the work"
    )
    assert examples("Tools, such as hammers, steel saws and others.") == ["hammers", "steel saws"]


def test_staff_is_managed_in_many_words(rules: RuleGenerator) -> None:
    variants = rules.generate(STAFF, "variants", 60)
    assert {"staff management", "managing staff", "management of staff"} <= set(variants)
    assert any("personnel" in variant for variant in variants)
    titles = rules.generate(STAFF, "titles", 20)
    assert titles[0] == "Staff Manager"


def test_a_programming_language_has_developers(rules: RuleGenerator) -> None:
    titles = rules.generate(PYTHON, "titles", 20)
    assert any("Python" in title and re.search(r"Developer|Programmer|Engineer", title) for title in titles)
    variants = rules.generate(PYTHON, "variants", 20)
    assert {"Python", "Python programming"} <= set(variants)
    assert not any("(computer" in text for text in variants)


def test_a_language_has_teachers_and_translators(rules: RuleGenerator) -> None:
    assert {"Italian Teacher", "Italian Translator"} <= set(rules.generate(ITALIAN, "titles", 30))
    assert "Italian writing" in rules.generate(ITALIAN, "variants", 20)
    assert all("Italian" in text for text in rules.generate(ITALIAN, "sentences", 10))


def test_a_science_has_its_scientist(rules: RuleGenerator) -> None:
    skill = Skill("urn:h", "marine hydrography", skill_type="knowledge")
    assert rules.generate(skill, "titles", 20)[0] == "Marine Hydrographer"


def test_the_field_of_work_comes_from_label_and_description() -> None:
    weld = Skill("urn:w", "weld metal", description="Join metal parts.", skill_type="skill")
    assert "Welder" in domains_of(weld, load_lexicon())[0].titles
    assert domains_of(Skill("urn:n", "xyz"), load_lexicon()) == []


@pytest.mark.parametrize("kind", ["titles", "sentences", "variants"])
def test_the_sample_gets_as_many_texts_as_are_wanted(
    rules: RuleGenerator, taxonomy: Taxonomy, kind: Kind
) -> None:
    for skill in taxonomy.skills.values():
        texts = rules.generate(skill, kind, WANTED[kind])
        assert len(texts) == WANTED[kind], skill.label
        assert len({text.casefold() for text in texts}) == len(texts)
        assert not any(re.search(r"[{}]|\s\s|\ba [aeio]|\ban [bcdfgjkqtvwz]", text) for text in texts), texts


@pytest.mark.parametrize("kind", ["titles", "sentences", "variants"])
def test_other_labels_and_relations_are_never_read(rules: RuleGenerator, kind: Kind) -> None:
    bare = replace(STAFF, alt_labels=(), hidden_labels=(), broader=("urn:b",), collections=("digital",))
    texts = rules.generate(STAFF, kind, 40)
    assert texts == rules.generate(bare, kind, 40)
    assert not any("alias" in text for text in texts)


def test_the_same_skill_gets_the_same_texts_and_another_seed_others(rules: RuleGenerator) -> None:
    again = open_generator("rules", seed=0)
    other = open_generator("rules", seed=1)
    assert again.name == rules.name != other.name
    assert again.generate(STAFF, "titles", 20) == rules.generate(STAFF, "titles", 20)
    assert other.generate(STAFF, "titles", 20) != rules.generate(STAFF, "titles", 20)


def test_texts_that_are_there_do_not_come_again(rules: RuleGenerator) -> None:
    first = rules.generate(STAFF, "variants", 5)
    more = rules.generate(STAFF, "variants", 5, have=[text.upper() for text in first])
    assert len(more) == 5
    assert not set(first) & set(more)


@pytest.mark.parametrize(
    "label", ["x", "(note)", "Ω", "plan", "manage", "of", "a " * 200, "C++", "{title}", "'s"]
)
@pytest.mark.parametrize("kind", ["titles", "sentences", "variants"])
def test_odd_labels_give_texts_or_fewer_and_no_error(rules: RuleGenerator, label: str, kind: Kind) -> None:
    for skill_type in ("skill", "knowledge", ""):
        skill = Skill("urn:odd", label, description="{x} \n(", skill_type=skill_type)
        assert len(rules.generate(skill, kind, 5)) <= 5


def test_every_entry_of_the_lexicon_is_used_as_it_is_meant() -> None:
    lexicon = load_lexicon()
    assert len(lexicon.verbs) > 300
    assert len(lexicon.nouns) + len(lexicon.adjectives) > 400
    assert all(verb.synonyms and verb.nouns and verb.heads for verb in lexicon.verbs.values())
    assert all(domain.keywords and domain.modifiers and domain.titles for domain in lexicon.domains)
    for word, others in (*lexicon.nouns.items(), *lexicon.adjectives.items()):
        assert others, word
        assert word not in others, word
