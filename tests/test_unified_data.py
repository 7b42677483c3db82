"""Building the structured data set: what goes in, what is kept out, and broken input."""

import csv
import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hash_encoder import HashEncoder

import skillsearch
from indexer.read.esco import read_esco
from skillsearch.arrays import Float32Array
from skillsearch.cli.app import build_app
from skillsearch.errors import ConfigurationError, TrainingError
from skillsearch.progress import Advance, advance_only
from skillsearch.taxonomy.records import Occupation, Relation, Skill, Taxonomy
from trainer.data.build import DataRequest, build_data
from trainer.data.enrichment import join_titles, spread
from trainer.data.generators.base import Kind
from trainer.data.generators.rules import RuleGenerator
from trainer.data.options import DataOptions
from trainer.data.sentences import read_labelled_sentences, split_sentences
from trainer.data.tagging import skill_tagger, tag_vacancies
from trainer.data.taxonomy_texts import Guard, description_sentences
from trainer.data.vacancies import Vacancy, read_vacancies
from trainer.unified.graph import SIDES, GraphManifest, WorkGraph, read_graph
from trainer.unified.manifest import PROFILES, Profile
from trainer.unified.nodes import MAX_TITLE_WORDS, MAX_WORDS, GraphBuilder

BAKE = Skill(
    "s:bake",
    "bake bread",
    alt_labels=("Make  Bread", "produce loaves"),
    hidden_labels=("bread baking",),
    description="Bake bread in an  oven. Watch it rise.",
)
WELD = Skill("s:weld", "weld metal", alt_labels=("join metal",), description="Join metal by heat")
IDLE = Skill("s:idle", "stay calm")
BAKER = Occupation("o:baker", "baker", alt_labels=("bread Baker",), hidden_labels=("bakker",))
TAXONOMY = Taxonomy(
    "esco",
    "1.1.1",
    "en",
    {skill.uri: skill for skill in (BAKE, WELD, IDLE)},
    {"o:baker": BAKER},
    (Relation("o:baker", "s:bake", "essential"),),
    {},
    {},
)

MANIFEST = GraphManifest(taxonomy="esco", version="1", language="en")


@dataclass
class Scripted:
    """A generator that says what it is told to."""

    answers: dict[tuple[str, Kind], list[str]] = field(default_factory=dict)
    name: str = "scripted:1"

    def generate(self, skill: Skill, kind: Kind, count: int, *, have: Sequence[str] = ()) -> list[str]:
        left = [text for text in self.answers.get((skill.uri, kind), []) if text not in have]
        return left[:count]


class Plane(HashEncoder):
    """An encoder whose vectors lie in a plane, at the angle that a text ends with."""

    def encode(self, texts: Sequence[str], *, advance: Advance | None = None) -> Float32Array:
        advance_only(advance)(len(texts))
        angles = np.radians([float(text.rpartition("@")[2]) for text in texts])
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


class Steps:
    """Adds up what it hears of progress."""

    done = 0

    def __call__(self, done: int, _note: str = "", /) -> None:
        self.done += done


def edges(graph: WorkGraph, side: str) -> set[tuple[str, str]]:
    """URI and text of each edge."""
    pairs = graph.edges[side].tolist()
    return {(graph.uris[skill], graph.texts[side][node]) for skill, node in pairs}


def built(
    answers: dict[tuple[str, Kind], list[str]] | None = None,
    *,
    wanted: dict[Kind, int] | None = None,
    profile: Profile = "workbench",
    **request: Any,  # noqa: ANN401 - any field of the request
) -> WorkGraph:
    """A graph of `TAXONOMY` by default; kinds that `wanted` leaves out are not made."""
    counts: dict[Kind, int] = {"titles": 0, "sentences": 0, "variants": 0}
    counts |= {"titles": 3, "sentences": 3, "variants": 3} if wanted is None else wanted
    values = {
        "taxonomy": TAXONOMY,
        "generator": None if answers is None else Scripted(answers),
        "load_encoder": HashEncoder,
    }
    return build_data(DataRequest(profile=profile, options=DataOptions(**counts), **values | request)).graph


# texts


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Bake bread. Watch it rise!\nServe it", ["Bake bread.", "Watch it rise!", "Serve it"]),
        ("Use tools, e.g. Git or i.e. SVN. Learn.", ["Use tools, e.g. Git or i.e. SVN.", "Learn."]),
        ("- Drive a van\n* Lift  boxes\n2) Load.", ["Drive a van", "Lift boxes", "Load."]),
        ("Version 1.5 of it. and so on", ["Version 1.5 of it. and so on"]),
        ("We ask: \u2022 calm \u2022 care", ["We ask:", "calm", "care"]),
        ('He said "Stop!" (Twice.) Then left.', ['He said "Stop!" (Twice.) Then left.']),
        (" \n ", []),
    ],
)
def test_sentences_are_split(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


def test_a_description_is_a_sentence_whole_and_by_its_first() -> None:
    assert description_sentences(BAKE) == ["Bake bread in an oven. Watch it rise.", "Bake bread in an oven."]
    assert description_sentences(WELD) == ["Join metal by heat"]
    assert description_sentences(IDLE) == []


def test_equal_texts_are_one_node_and_titles_ignore_case() -> None:
    builder = GraphBuilder(TAXONOMY.skills)
    assert builder.add("titles", "Head  Baker ", ["s:bake"], "one")
    assert builder.add("titles", "head baker", ["s:weld", "s:bake"], "two")
    assert builder.add("variants", "make bread", ["s:bake"], "one")
    assert builder.add("variants", "Make bread", ["s:bake"], "one")
    graph = builder.build(MANIFEST)
    assert graph.texts["titles"] == ("Head Baker",)
    assert graph.edges["titles"].tolist() == [[0, 0], [1, 0]]
    assert graph.texts["variants"] == ("make bread", "Make bread")
    counts = graph.manifest.counts
    assert (counts["skill-title edges: one"], counts["skill-title edges: two"]) == (1, 1)
    assert counts["skills without edges"] == 1


@pytest.mark.parametrize(
    ("side", "text", "reason"),
    [
        ("titles", " \n ", "title is empty"),
        ("titles", "x " * (MAX_TITLE_WORDS + 1), "title has more than 100 words"),
        ("titles", "x " * 1000, "title has more than 100 words"),
        ("sentences", "x " * (MAX_WORDS + 1), "sentence has more than 1,000 words"),
        ("variants", "half \ud800", "variant is not valid Unicode"),
    ],
)
def test_texts_that_are_not_usable_are_dropped_and_counted(side: str, text: str, reason: str) -> None:
    builder = GraphBuilder(TAXONOMY.skills)
    assert not builder.add(side, text, ["s:bake"], "one")
    assert builder.add("sentences", "x " * MAX_WORDS, ["s:bake"], "one")
    graph = builder.build(MANIFEST)
    assert graph.manifest.drops == {reason: 1}
    assert len(graph.texts[side]) == (side == "sentences")


# the taxonomy and the profiles

GENERATED: dict[tuple[str, Kind], list[str]] = {
    ("s:bake", "titles"): ["Bread  Baker", "oven hand", "BAKKER"],
    ("s:weld", "titles"): ["baker", "Oven Hand", "x " * 1000],
    ("s:bake", "sentences"): ["You bake.", "Bake bread in an oven."],
    ("s:bake", "variants"): ["make bread", "PRODUCE loaves", "bread  baking"],
    ("s:weld", "variants"): ["weld steel", "make bread", "Bake Bread", "weld iron"],
}


def test_the_workbench_profile_holds_nothing_that_a_task_tests() -> None:
    graph = built(GENERATED)
    assert edges(graph, "titles") == {("s:bake", "oven hand"), ("s:weld", "oven hand")}
    # a text that is refused is asked for again
    assert edges(graph, "variants") == {("s:weld", "weld steel"), ("s:weld", "weld iron")}
    assert edges(graph, "sentences") == {
        ("s:bake", "Bake bread in an oven. Watch it rise."),
        ("s:bake", "Bake bread in an oven."),
        ("s:bake", "You bake."),
        ("s:weld", "Join metal by heat"),
    }
    assert graph.manifest.drops == {
        "generated title is the name of an occupation": 3,
        "generated variant is an alternative label of a skill": 4,
        "generated variant is the label of a skill": 1,
        "generated title has more than 100 words": 1,
    }
    counts = graph.manifest.counts
    assert counts["skills with fewer than 3 synthetic titles"] == 3
    assert counts["synthetic variants that the generator fell short of"] == 3 + 1 + 3
    assert graph.manifest.profile == "workbench"
    assert graph.manifest.generator == "scripted:1"
    assert graph.manifest.encoder is None  # nothing needed one


def test_without_a_generator_the_workbench_profile_has_only_descriptions() -> None:
    graph = built()
    assert {text for _, text in edges(graph, "sentences")} == {
        *description_sentences(BAKE),
        *description_sentences(WELD),
    }
    assert not edges(graph, "titles")
    assert not edges(graph, "variants")
    assert graph.counts["skills without edges"] == 1


def test_the_product_profile_takes_other_labels_and_relations() -> None:
    graph = built(GENERATED, profile="product")
    assert {("s:bake", "baker"), ("s:bake", "bread Baker"), ("s:bake", "oven hand")} <= edges(graph, "titles")
    assert ("s:weld", "baker") in edges(graph, "titles")  # the generator says so, and nothing is tested
    assert {("s:bake", "Make Bread"), ("s:bake", "make bread"), ("s:weld", "join metal")} <= edges(
        graph, "variants"
    )
    assert ("s:weld", "Bake Bread") not in edges(graph, "variants")  # what another skill is called
    assert "skill-title edges: taxonomy" in graph.manifest.counts


def test_hidden_labels_and_all_names_of_occupations_are_guarded() -> None:
    guard, product = Guard(TAXONOMY, "workbench"), Guard(TAXONOMY, "product")
    assert guard.refusal("variants", "Bread  Baking") == "variant is an alternative label of a skill"
    assert guard.refusal("variants", "WELD metal") == "variant is the label of a skill"
    assert guard.refusal("variants", "weld steel") is None
    assert guard.refusal("titles", "Bakker") == "title is the name of an occupation"
    assert guard.refusal("titles", "welder") is None
    assert product.refusal("variants", "bread baking") is None
    assert product.refusal("titles", "baker") is None


def test_a_variant_that_many_skills_share_is_no_name_of_them() -> None:
    skills = {f"s:{place}": Skill(f"s:{place}", f"skill {place}") for place in range(5)}
    answers: dict[tuple[str, Kind], list[str]] = {(uri, "variants"): ["be skilled"] for uri in skills}
    for uri in ("s:0", "s:1", "s:2"):
        answers[uri, "variants"] = ["be skilled", "be able"]
    taxonomy = replace(TAXONOMY, skills=skills, relations=())
    graph = built(answers, wanted={"variants": 2}, taxonomy=taxonomy)
    assert edges(graph, "variants") == {("s:0", "be able"), ("s:1", "be able"), ("s:2", "be able")}
    assert graph.manifest.drops == {"generated variant is made for more than 3 skills": 5}


def test_what_was_screened_by_one_profile_is_not_taken_from_the_cache_by_another(tmp_path: Path) -> None:
    cache = tmp_path / "texts.jsonl"
    found = [
        edges(built(GENERATED, wanted={"variants": 3}, profile=profile, cache=cache), "variants")
        for profile in PROFILES * 2
    ]
    assert found[:2] == found[2:]
    assert ("s:bake", "make bread") not in found[0]
    assert ("s:bake", "make bread") in found[1]


def test_a_graph_without_any_text_is_refused() -> None:
    bare = replace(TAXONOMY, skills={"s:idle": IDLE}, relations=())
    with pytest.raises(TrainingError, match="the graph is empty: 1 skills and no edge"):
        built(taxonomy=bare)


def test_the_rules_on_real_data_keep_out_what_is_tested() -> None:
    """A slice of ESCO 1.1.1 with the generator of the project, against all of its aliases and relations."""
    folder = data_folder()
    taxonomy = read_esco(sorted((folder / "esco" / "v1.1.1").glob("*.zip"))).taxonomy
    uris = list(taxonomy.skills)[::90]
    some = replace(
        taxonomy,
        skills={uri: taxonomy.skills[uri] for uri in uris},
        relations=tuple(relation for relation in taxonomy.relations if relation.skill in set(uris)),
    )
    graph = build_data(DataRequest(some, generator=RuleGenerator(42))).graph
    assert graph.counts["titles"] > 1000
    folded = {side: {(uri, text.casefold()) for uri, text in edges(graph, side)} for side in SIDES}
    aliases, names, benchmark = set(), set(), set()
    for uri, skill in some.skills.items():
        for label in (*skill.alt_labels, *skill.hidden_labels):
            aliases.add((uri, " ".join(label.split()).casefold()))
    for occupation in some.occupations.values():
        for name in (occupation.label, *occupation.alt_labels, *occupation.hidden_labels):
            names.add(" ".join(name.split()).casefold())
    for path in sorted((folder / "skill-extraction").rglob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            benchmark |= {" ".join(row["sentence"].split()).casefold() for row in csv.DictReader(file)}
    assert len(aliases) > 500
    assert len(names) > 30_000
    assert len(benchmark) > 100
    assert not folded["variants"] & aliases
    assert not {title for _, title in folded["titles"]} & names
    assert not {sentence for _, sentence in folded["sentences"]} & benchmark


def data_folder() -> Path:
    given = os.environ.get("SKILLSEARCH_TEST_DATA")
    folder = Path(given or Path(skillsearch.__file__).parents[2] / "shared" / "data")
    if not (folder / "esco" / "v1.1.1").is_dir():
        pytest.skip(f"no ESCO v1.1.1 in {folder}; SKILLSEARCH_TEST_DATA names the folder of the data")
    return folder


# vacancies

ROWS = "title,description\nBaker,You bake bread.\nWelder,You weld.\n"


Rows = tuple[list[tuple[str, str]], dict[str, int]]


def vacancies(tmp_path: Path, content: str | bytes, name: str = "jobs.csv", **columns: str) -> Rows:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    skipped: Counter[str] = Counter()
    found = [(one.title, one.description) for one in read_vacancies(path, skipped, **columns)]
    return found, dict(skipped)


def test_vacancies_are_read_from_csv_and_json_lines(tmp_path: Path) -> None:
    expected = [("Baker", "You bake bread."), ("Welder", "You weld.")]
    assert vacancies(tmp_path, ROWS) == (expected, {})
    assert vacancies(tmp_path, b"\xef\xbb\xbf" + ROWS.encode()) == (expected, {})
    named = 'id,job,text\n1, Head   Baker ,"You bake.\nA lot."\n'
    assert vacancies(tmp_path, named, title="job", description="text") == (
        [("Head Baker", "You bake.\nA lot.")],
        {},
    )
    lines = '{"title": "Baker", "description": "You bake bread.", "id": 1}\n\n'
    assert vacancies(tmp_path, lines, "jobs.jsonl") == (expected[:1], {})
    assert vacancies(tmp_path, lines, "jobs.ndjson") == (expected[:1], {})


def test_rows_that_are_not_usable_are_counted(tmp_path: Path) -> None:
    rows = f"{ROWS} ,Text\nCook, \none\na,b,c\n{'long ' * 1000},Text\n\n"
    found, skipped = vacancies(tmp_path, rows)
    assert len(found) == 2
    assert skipped == {
        "vacancy: title or description is missing, empty or not text": 2,
        "vacancy: row has another number of columns than the header": 2,
        "vacancy: title has more than 100 words": 1,
    }
    good = '{"title": "Baker", "description": "Bake."}'
    lines = f'{good}\n{{"title": "Bak\n[1]\n{{"title": "Cook"}}\n{{"title": 5, "description": "x"}}\n'
    found, skipped = vacancies(tmp_path, lines, "jobs.jsonl")
    assert found == [("Baker", "Bake.")]
    assert skipped == {
        "vacancy: line is not a JSON object": 2,
        "vacancy: title or description is missing, empty or not text": 2,
    }


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("jobs.csv", b"", r"jobs\.csv, row 1, column title: missing; found no header at all"),
        ("jobs.csv", b"title,description\n", r"holds no usable vacancy \(the file is empty\)"),
        ("jobs.csv", b"title,description\n,x\n", r"no usable vacancy \(vacancy: title or .* empty.*: 1\)"),
        ("jobs.csv", b"title,text\nBaker,x\n", "column description: missing; .*--set title_column"),
        ("jobs.csv", b"title,description\nB\xe4cker,x\n", r"row 2, column title: byte 0xe4 .*is not UTF-8"),
        ("jobs.csv", b'title,description\nBaker,"never closed\n', "row 2.*is a quote not closed"),
        ("jobs.jsonl", b"", "the file is empty"),
        ("jobs.jsonl", b"{\xff\xfe", "is not UTF-8"),
        ("jobs.jsonl", b'{"title": "x"}\n{"title": "y"}\n', "is missing, .*: 2.*--set title_column=NAME"),
        ("jobs.jsonl", b"{\n", r"no usable vacancy \(vacancy: line is not a JSON object: 1\)"),
        ("jobs.xlsx", b"PK", r"expected a CSV file \(\.csv\) or JSON Lines"),
    ],
)
def test_a_broken_file_of_vacancies_is_told(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=message):
        vacancies(tmp_path, content, name)


# labelled sentences


def labelled(tmp_path: Path, content: str, taxonomy: Taxonomy = TAXONOMY) -> tuple[dict[str, list[str]], Any]:
    path = tmp_path / "labelled.csv"
    path.write_text(content, encoding="utf-8")
    skipped: Counter[str] = Counter()
    found = read_labelled_sentences(path, taxonomy, skipped)
    return {sentence: list(uris) for sentence, uris in found.items()}, skipped


def test_labelled_sentences_name_skills_by_their_preferred_labels(tmp_path: Path) -> None:
    content = (
        ",sentence,skills\n"
        "0,\"You bake, and weld.\",\"['bake bread', 'Weld  Metal', 'fly']\"\n"
        "1,We are great.,['UNK']\n"
        "2,Nothing.,\n"
        "3,You make bread.,['make bread']\n"
        '4,You stay calm.,"[""stay calm""]"\n'
        "5,Keep calm.,stay calm\n"
        "6,You stay calm.,['bake bread']\n"
    )
    found, skipped = labelled(tmp_path, content)
    assert found == {
        "You bake, and weld.": ["s:bake", "s:weld"],
        "You stay calm.": ["s:idle", "s:bake"],
        "Keep calm.": ["s:idle"],
    }
    assert skipped == {
        "labelled sentence: unknown label": 2,  # an alternative label is none
        "labelled sentence: no skill of the taxonomy": 3,
    }
    twin = replace(TAXONOMY, skills={**TAXONOMY.skills, "s:twin": Skill("s:twin", "Stay calm")})
    assert labelled(tmp_path, content, twin)[0]["Keep calm."] == ["s:idle", "s:twin"]
    graph = built(labelled_sentences=tmp_path / "labelled.csv")
    assert ("s:idle", "Keep calm.") in edges(graph, "sentences")
    assert graph.manifest.counts["skill-sentence edges: labelled sentences"] == 5
    assert graph.manifest.drops["labelled sentence: unknown label"] == 2
    assert graph.manifest.sources[0].name == "labelled.csv"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("sentence,label\nYou bake.,bake bread\n", r"labelled\.csv, row 1, column skills: missing"),
        ("sentence,skills\nYou bake.,['bake\n", r"row 2, column skills: .*expected a list of labels"),
        ('sentence,skills\nYou bake.,"[1, 2]"\n', r"row 2, column skills: .*expected a list of labels"),
        (
            "sentence,skills\nYou fly.,['fly']\n",
            r"no sentence has the preferred label of a skill of esco 1\.1\.1",
        ),
    ],
)
def test_a_broken_file_of_labelled_sentences_is_told(content: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=message):
        labelled(tmp_path, content)


# tagging


class Words:
    """Tags a sentence with each of its words of the form ``s:…``."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def tag(self, sentences: Sequence[str]) -> list[tuple[str, ...]]:
        self.seen += sentences
        return [tuple(word for word in text.split() if word.startswith("s:")) for text in sentences]


def test_titles_are_merged_by_majority() -> None:
    texts = [
        ("baker", "you need s:a here\nyou need s:b here"),
        ("Baker", "you need s:a here"),
        ("Baker", "you want s:c now"),
        ("BAKER", "you want s:d and s:b"),
        ("Baker", "you need s:a here"),  # the same vacancy again
        ("Cook", "you do nothing here\ntoo short"),
        ("Nurse", "you want s:c now"),
    ]
    skipped: Counter[str] = Counter()
    tagger, steps = Words(), Steps()
    titles, sentences = tag_vacancies((Vacancy(*text) for text in texts), tagger.tag, skipped, advance=steps)
    assert titles == {"Baker": ("s:a", "s:b"), "Nurse": ("s:c",)}  # 2 of 4 is half
    assert sentences == {
        "you need s:a here": ("s:a",),
        "you need s:b here": ("s:b",),
        "you want s:c now": ("s:c",),
        "you want s:d and s:b": ("s:d", "s:b"),
    }
    assert steps.done == 7
    assert len(tagger.seen) == len(set(tagger.seen))  # each sentence is embedded once
    assert +skipped == {
        "vacancy: stands there again": 1,
        "sentence: fewer than three words": 1,
        "sentence: asks for no skill": 1,
        "title: no skill that half of its vacancies ask for": 1,
    }


def test_a_title_keeps_at_most_200_skills_those_with_most_votes() -> None:
    many = " ".join(f"s:{number:03}" for number in range(250))
    texts = [("Baker", f"we want {many}"), ("Baker", "we want s:240 now"), ("Baker", f"they want {many}")]
    skipped: Counter[str] = Counter()
    titles, _ = tag_vacancies((Vacancy(*text) for text in texts), Words().tag, skipped)
    kept = titles["Baker"]
    assert len(kept) == 200
    assert kept[0] == "s:240"
    assert set(kept) == {"s:240", *(f"s:{number:03}" for number in range(199))}
    assert skipped["title: skill beyond the first 200"] == 50


def test_sentences_are_tagged_from_the_confidence_on() -> None:
    skills = {f"s:{angle}": Skill(f"s:{angle}", f"skill@{angle}") for angle in (0, 40, 50, 180)}
    tag = skill_tagger(Plane(), skills, 0.5)
    # cosines to 0, 40, 50, 180 degrees: of 45 degrees 0.71, 0.996, 0.996, -0.71; of -55: 0.57, -0.09, ...
    assert tag(["text@42", "text@-55", "text@-90"]) == [("s:40", "s:50", "s:0"), ("s:0",), ()]


# enrichment


def test_a_synthetic_title_joins_its_nearest_real_title() -> None:
    steps = Steps()
    synthetic = ["a@10", "b@29", "c@31", "d@85", "e@140", "Y@90"]
    joined = join_titles(["x@0", "y@90", "z@90"], synthetic, Plane(), 0.87, advance=steps)
    # cos 29 = 0.875, cos 31 = 0.857; of equally near titles the first wins, and equal texts join
    assert joined == {"Y@90": "y@90", "a@10": "x@0", "b@29": "x@0", "d@85": "y@90"}
    assert steps.done == 9


def test_joining_in_chunks_is_joining_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(0)
    real, synthetic = ([f"{name}@{angle}" for angle in draw.uniform(0, 360, 50)] for name in ("r", "s"))
    at_once = join_titles(real, synthetic, Plane(), 0.999)
    vectors = Plane().encode(synthetic) @ Plane().encode(real).T
    assert at_once == {
        title: real[int(row.argmax())]
        for title, row in zip(synthetic, vectors, strict=True)
        if row.max() >= 0.999
    }
    monkeypatch.setattr("trainer.data.enrichment._CHUNK", 7)
    assert join_titles(real, synthetic, Plane(), 0.999) == at_once


def test_the_spread_counts_skills_by_their_titles() -> None:
    figures = spread(np.array([0, 0, 1, 3, 120]))
    assert figures["mean"] == 24.8
    assert figures["quantiles"]["0.5"] == 1.0
    assert {name: count for name, count in figures["skills by titles"].items() if count} == {
        "0": 2,
        "1": 1,
        "2-4": 1,
        "100+": 1,
    }


class Chosen(HashEncoder):
    """Some pairs of texts have one vector; all others are almost orthogonal."""

    SAME = {  # noqa: RUF012
        "You bake daily bread.": "bake bread",
        "oven hand": "Night Baker",
        "loaf hand": "baker",
    }

    def _forward(self, texts: list[str]) -> Float32Array:
        return super()._forward([self.SAME.get(text, text) for text in texts])


def test_vacancies_and_synthetic_titles_meet(tmp_path: Path) -> None:
    path = tmp_path / "jobs.csv"
    path.write_text(
        "title,description\nNight Baker,You bake daily bread. We have cake.\nbaker,You bake daily bread.\n"
    )
    answers: dict[tuple[str, Kind], list[str]] = {
        ("s:weld", "titles"): ["oven hand", "welding hand", "night baker"],
        ("s:idle", "titles"): ["oven hand"],
    }
    graph = built(answers, wanted={"titles": 3}, vacancies=path, load_encoder=Chosen)
    assert edges(graph, "titles") == {
        ("s:bake", "Night Baker"),
        ("s:bake", "baker"),
        ("s:weld", "Night Baker"),  # by the vectors and by the equal text
        ("s:idle", "Night Baker"),
        ("s:weld", "welding hand"),
    }
    assert ("s:bake", "You bake daily bread.") in edges(graph, "sentences")
    assert "We have cake." not in graph.texts["sentences"]
    facts = graph.manifest.enrichment
    assert facts is not None
    assert (facts["real titles"], facts["synthetic titles"], facts["joined"], facts["alone"]) == (2, 3, 2, 1)
    assert facts["titles a skill before"]["mean"] == 0.67
    assert facts["titles a skill after"]["skills by titles"]["2-4"] == 2
    assert graph.degrees("titles").tolist() == [2, 2, 1]
    assert graph.manifest.encoder == "hash-" + HashEncoder().folder.fingerprint[:8]
    assert graph.manifest.sources[0].name == "jobs.csv"


@pytest.mark.parametrize(("profile", "joined"), [("workbench", False), ("product", True)])
def test_no_synthetic_title_joins_an_occupation_that_is_tested(
    profile: Profile, joined: bool, tmp_path: Path
) -> None:
    path = tmp_path / "jobs.csv"
    path.write_text("title,description\nbaker,You bake daily bread.\nNight Baker,You bake daily bread.\n")
    answers: dict[tuple[str, Kind], list[str]] = {("s:weld", "titles"): ["loaf hand"]}
    graph = built(answers, wanted={"titles": 1}, profile=profile, vacancies=path, load_encoder=Chosen)
    assert ("s:bake", "baker") in edges(graph, "titles")
    assert (("s:weld", "baker") in edges(graph, "titles")) == joined
    assert (("s:weld", "loaf hand") in edges(graph, "titles")) != joined


# the command


def run(*arguments: str) -> None:
    build_app()(["data", "build", *arguments], standalone_mode=False)


def settings(**values: object) -> tuple[str, ...]:
    return tuple(part for name, value in values.items() for part in ("--set", f"{name}={value}"))


@pytest.fixture
def jobs(tmp_path: Path, taxonomy: Taxonomy) -> Path:
    """Titles of the sample's occupations, and labels of skills as descriptions."""
    labels = [skill.label for skill in taxonomy.skills.values() if len(skill.label.split()) > 2]
    lines = [
        {"job": occupation.label, "text": f"{label}\nToo short"}
        for occupation, label in zip(taxonomy.occupations.values(), labels, strict=False)
    ]
    path = tmp_path / "jobs.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines[:20]), encoding="utf-8")
    return path


def test_build_from_the_sample_and_vacancies(
    jobs: Path, models_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {
        "models": models_folder,
        "title_column": "job",
        "description_column": "text",
        "device": "cpu",
        "confidence": 0.99,
    }
    arguments = ("--sample", "--generator", "none", "--vacancies", str(jobs), "--json", *settings(**given))
    run(*arguments, "--output", str(tmp_path / "data"))
    report = json.loads(capsys.readouterr().out)
    graph = read_graph(tmp_path / "data")
    assert report["fingerprint"] == graph.fingerprint
    assert report["counts"] == graph.manifest.counts
    assert (report["taxonomy"], report["version"], report["profile"]) == ("sample", "1.0.0", "workbench")
    assert [source["name"] for source in report["sources"]] == ["sample", "jobs.jsonl"]
    assert report["counts"]["skills"] == 412
    assert report["counts"]["titles"] == 20  # each vacancy names a skill by its label
    assert report["counts"]["skill-sentence edges: vacancies"] >= 20
    with pytest.raises(ConfigurationError, match="replace it with --force"):
        run("--sample", "--generator", "none", "--output", str(tmp_path / "data"))
    few = settings(titles=2, sentences=1, variants=2)
    run("--sample", *few, "--output", str(tmp_path / "data"), "--force")
    shown = capsys.readouterr().out
    assert "skill-sentence edges" in shown
    assert "skillsearch train --recipe unified --data" in shown
    again = read_graph(tmp_path / "data")
    assert (again.manifest.generator or "").startswith("rules:")
    short = again.manifest.counts.get("synthetic titles that the generator fell short of", 0)
    assert len(again.edges["titles"]) == 2 * 412 - short
    assert short < 41


def test_the_product_profile_joins_titles_by_the_untrained_base(
    bert_base: Path,
    taxonomy: Taxonomy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("skillsearch.models.hub._package_folder", lambda _package: bert_base)
    few = settings(titles=1, sentences=0, variants=0, device="cpu")
    run("--sample", "--profile", "product", *few, "--output", str(tmp_path / "data"))
    graph = read_graph(tmp_path / "data")
    relation = taxonomy.relations[0]
    label = taxonomy.occupations[relation.occupation].label.casefold()
    assert (relation.skill, label) in {(uri, title.casefold()) for uri, title in edges(graph, "titles")}
    facts = graph.manifest.enrichment
    assert facts is not None
    assert facts["joined"] + facts["alone"] == facts["synthetic titles"] > 100
    assert sum(facts["titles a skill after"]["skills by titles"].values()) == 412
    assert graph.manifest.encoder is not None
    assert "enrichment: joined" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--generator", "rules", "--set", "endpoint=http://x"), "go with --generator openai"),
        (("--generator", "openai"), "SKILLSEARCH_GENERATOR_MODEL"),
        (("--generator", "openai", "--set", "generator_model=m"), "confirm it with --yes"),
        (("--vacancies", "none.csv"), r"none\.csv cannot be read"),
        (("--labelled-sentences", "none.csv"), r"none\.csv cannot be read"),
        (("--set", "confidence=1.5"), r"confidence: .*less than or equal to 1, found '1\.5'"),
        (("--set", "merge=0"), "merge: .*greater than 0"),
        (("--set", "colour=red"), "--set colour: unknown"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    arguments: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    with pytest.raises((ConfigurationError, TrainingError), match=message):
        run("--sample", *arguments, "--output", str(tmp_path / "data"))
    assert not (tmp_path / "data").exists()


def test_a_run_of_a_language_model_tells_what_it_takes(capsys: pytest.CaptureFixture[str]) -> None:
    given = settings(generator_model="m", titles=1, sentences=0, variants=0)
    with pytest.raises(ConfigurationError):
        run("--sample", "--generator", "openai", *given)
    assert "412 requests, about" in capsys.readouterr().err
