"""Building the structured data set: what goes in, what is kept out, and broken input."""

import csv
import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from hash_encoder import HashEncoder
from numpy.typing import NDArray

import skillsearch
from indexer.read.esco import read_esco
from skillsearch.cli.app import build_app
from skillsearch.errors import ConfigurationError, TrainingError
from skillsearch.taxonomy.records import Occupation, Relation, Skill, Taxonomy
from trainer.data.build import DataOptions, Sources, build_graph, source_of
from trainer.data.demand import collect_demand
from trainer.data.enrichment import Spread, enrich, nearest, spread
from trainer.data.generators.base import Kind
from trainer.data.generators.factory import open_generator
from trainer.data.sentences import split_sentences
from trainer.data.tagging import SkillTagger
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


class Plane:
    """An encoder whose vectors lie in a plane, at the angle that a text ends with."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def encode(self, texts: Sequence[str], *, progress: object = None) -> NDArray[np.float32]:
        self.batches.append(len(texts))
        angles = np.radians([float(text.rpartition("@")[2]) for text in texts])
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def edges(graph: WorkGraph, side: str) -> set[tuple[str, str]]:
    """URI and text of each edge."""
    pairs = graph.edges[side].tolist()
    return {(graph.uris[skill], graph.texts[side][node]) for skill, node in pairs}


def built(
    answers: dict[tuple[str, Kind], list[str]] | None = None,
    *,
    wanted: int = 3,
    profile: Profile = "workbench",
) -> WorkGraph:
    chosen: dict[Kind, int] = {"titles": wanted, "sentences": wanted, "variants": wanted}
    generator = Scripted(answers) if answers is not None else None
    sources = Sources(generator, load_encoder=HashEncoder)
    return build_graph(TAXONOMY, DataOptions(profile, wanted=chosen), sources).graph


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
        "generated title is an occupation that needs the skill": 2,
        "generated title is an occupation of the taxonomy": 1,
        "generated variant is an alternative label of the same skill": 3,
        "generated variant is an alternative label of another skill": 1,
        "generated variant is the label of another skill": 1,
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


def test_hidden_labels_and_occupations_that_need_other_skills_are_guarded_too() -> None:
    guard = Guard(TAXONOMY, "workbench")
    assert guard.against_variant(BAKE, "Bread Baking") == "variant is an alternative label of the same skill"
    assert guard.against_variant(WELD, "bread baking") == "variant is an alternative label of another skill"
    assert guard.against_variant(WELD, "WELD  metal") == "variant is the skill's own label"
    assert guard.against_variant(WELD, "weld steel") is None
    assert guard.against_title(BAKE, "Bakker") == "title is an occupation that needs the skill"
    assert guard.against_title(WELD, "Baker") == "title is an occupation of the taxonomy"
    assert guard.against_title(WELD, "welder") is None
    product = Guard(TAXONOMY, "product")
    assert product.against_variant(BAKE, "bread baking") is None
    assert product.against_title(BAKE, "baker") is None


def test_a_variant_that_many_skills_share_is_no_name_of_them() -> None:
    skills = {f"s:{place}": Skill(f"s:{place}", f"skill {place}") for place in range(5)}
    answers: dict[tuple[str, Kind], list[str]] = {(uri, "variants"): ["be skilled"] for uri in skills}
    for uri in ("s:0", "s:1", "s:2"):
        answers[uri, "variants"] = ["be skilled", "be able"]
    taxonomy = replace(TAXONOMY, skills=skills, relations=())
    graph = build_graph(taxonomy, DataOptions(wanted={"variants": 2}), Sources(Scripted(answers))).graph
    assert edges(graph, "variants") == {("s:0", "be able"), ("s:1", "be able"), ("s:2", "be able")}
    assert graph.manifest.drops == {"generated variant is made for more than 3 skills": 5}


def test_what_was_screened_by_one_profile_is_not_taken_from_the_cache_by_another(tmp_path: Path) -> None:
    sources = Sources(Scripted(GENERATED), cache=tmp_path / "texts.sqlite", load_encoder=HashEncoder)
    wanted: dict[Kind, int] = {"variants": 3}
    found = [
        edges(build_graph(TAXONOMY, DataOptions(profile, wanted=wanted), sources).graph, "variants")
        for profile in PROFILES * 2
    ]
    assert found[:2] == found[2:]
    assert ("s:bake", "make bread") not in found[0]
    assert ("s:bake", "make bread") in found[1]


def test_a_graph_without_any_text_is_refused() -> None:
    bare = replace(TAXONOMY, skills={"s:idle": IDLE}, relations=())
    with pytest.raises(TrainingError, match="the graph is empty: 1 skills and no edge"):
        build_graph(bare, DataOptions(), Sources())


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
    graph = build_graph(some, DataOptions(), Sources(open_generator("rules", seed=42))).graph
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
    drops: Counter[str] = Counter()
    found = [(one.title, one.description) for one in read_vacancies(path, drops, **columns)]
    return found, dict(drops)


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
    found, drops = vacancies(tmp_path, rows)
    assert len(found) == 2
    assert drops == {
        "vacancy: title is empty": 1,
        "vacancy: description is empty": 1,
        "vacancy: row has another number of columns than the header": 2,
        "vacancy: title has more than 100 words": 1,
    }
    good = '{"title": "Baker", "description": "Bake."}'
    lines = f'{good}\n{{"title": "Bak\n[1]\n{{"title": "Cook"}}\n{{"title": 5, "description": "x"}}\n'
    found, drops = vacancies(tmp_path, lines, "jobs.jsonl")
    assert found == [("Baker", "Bake.")]
    assert drops == {
        "vacancy: line is not JSON": 1,
        "vacancy: line is not a JSON object": 1,
        "vacancy: no description": 1,
        "vacancy: title or description is not text": 1,
    }


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("jobs.csv", b"", r"jobs\.csv holds no usable vacancy \(the file is empty\)"),
        ("jobs.csv", b"title,description\n", "holds no usable vacancy"),
        ("jobs.csv", b"title,description\n,x\n", r"no usable vacancy \(vacancy: title is empty: 1\)"),
        ("jobs.csv", b"title,text\nBaker,x\n", "no column 'description' in the header 'title, text'.*--desc"),
        ("jobs.csv", b"a\n1\n", "no column 'title' and no column 'description'"),
        ("jobs.csv", b"title,description\nB\xe4cker,x\n", "is not UTF-8: .* at byte"),
        ("jobs.csv", b'title,description\nBaker,"never closed\n', r"jobs\.csv:\d+: .*is a quote not closed"),
        ("jobs.jsonl", b"", "the file is empty"),
        ("jobs.jsonl", b"\xff\xfe", "is not UTF-8"),
        ("jobs.jsonl", b'{"title": "x"}\n{"title": "y"}\n', "no line has the key 'description'"),
        ("jobs.jsonl", b"{\n", r"no usable vacancy \(vacancy: line is not JSON: 1\)"),
        ("jobs.xlsx", b"PK", r"expected a CSV file \(\.csv\) or JSON Lines"),
    ],
)
def test_a_broken_file_of_vacancies_is_told(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=message):
        vacancies(tmp_path, content, name)


def test_a_file_of_vacancies_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"none\.csv cannot be read"):
        list(read_vacancies(tmp_path / "none.csv", Counter()))
    with pytest.raises(TrainingError, match=r"none\.csv cannot be read"):
        source_of(tmp_path / "none.csv")


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
    drops: Counter[str] = Counter()
    tagger = Words()
    steps: list[int] = []
    demand = collect_demand((Vacancy(*text) for text in texts), tagger, drops, progress=steps.append)
    assert demand.titles == {"Baker": ("s:a", "s:b"), "Nurse": ("s:c",)}  # 2 of 4 is half
    assert demand.sentences == {
        "you need s:a here": ("s:a",),
        "you need s:b here": ("s:b",),
        "you want s:c now": ("s:c",),
        "you want s:d and s:b": ("s:d", "s:b"),
    }
    assert demand.vacancies == 6
    assert sum(steps) == 7
    assert len(tagger.seen) == len(set(tagger.seen))  # each sentence is embedded once
    assert +drops == {
        "vacancy: stands there again": 1,
        "sentence: fewer than three words": 1,
        "sentence: asks for no skill": 1,
        "title: no skill that half of its vacancies ask for": 1,
    }


def test_a_title_keeps_at_most_200_skills_those_with_most_votes() -> None:
    many = " ".join(f"s:{number:03}" for number in range(250))
    texts = [("Baker", f"we want {many}"), ("Baker", "we want s:240 now"), ("Baker", f"they want {many}")]
    drops: Counter[str] = Counter()
    demand = collect_demand((Vacancy(*text) for text in texts), Words(), drops)
    kept = demand.titles["Baker"]
    assert len(kept) == 200
    assert kept[0] == "s:240"
    assert set(kept) == {"s:240", *(f"s:{number:03}" for number in range(199))}
    assert drops["title: skill beyond the first 200"] == 50


def test_sentences_are_tagged_from_the_confidence_on() -> None:
    angles = Plane()
    skills = {f"s:{angle}": Skill(f"s:{angle}", f"skill@{angle}") for angle in (0, 40, 50, 180)}
    tagger = SkillTagger(angles, skills, confidence=0.5)  # type: ignore[arg-type]
    # cosines to 0, 40, 50, 180 degrees: of 45 degrees 0.71, 0.996, 0.996, -0.71; of -55: 0.57, -0.09, ...
    assert tagger.tag(["text@42", "text@-55", "text@-90"]) == [("s:40", "s:50", "s:0"), ("s:0",), ()]
    for wrong in (0.0, 1.1, float("nan")):
        with pytest.raises(ConfigurationError, match="expected above 0 and at most 1"):
            SkillTagger(angles, skills, confidence=wrong)  # type: ignore[arg-type]


# enrichment


def test_a_synthetic_title_joins_its_nearest_real_title() -> None:
    plane, steps = Plane(), []
    synthetic = ["a@10", "b@29", "c@31", "d@85", "e@140"]
    enriched = enrich(["x@0", "y@90"], synthetic, plane, threshold=0.87, progress=steps.append)
    assert enriched.joined == {"a@10": "x@0", "b@29": "x@0", "d@85": "y@90"}  # cos 29 = 0.875, cos 31 = 0.857
    assert enriched.alone == ("c@31", "e@140")
    assert sum(steps) == 7


def test_without_real_titles_nothing_is_embedded() -> None:
    plane = Plane()
    assert enrich([], ["a@0"], plane).alone == ("a@0",)
    assert plane.batches == []
    with pytest.raises(ConfigurationError, match=r"cosine 1\.5, expected above 0"):
        enrich([], [], plane, threshold=1.5)


def test_nearest_in_chunks_is_nearest_at_once() -> None:
    random_numbers = np.random.default_rng(0)
    queries = random_numbers.normal(size=(23, 5)).astype(np.float32)
    targets = random_numbers.normal(size=(11, 5)).astype(np.float32)
    targets[7] = targets[2]  # equally near: the first wins
    for chunk_elements in (1, 30, 10_000):
        places, products = nearest(queries, targets, chunk_elements=chunk_elements)
        for row, query in enumerate(queries):
            scores = [sum(a * b for a, b in zip(query, target, strict=True)) for target in targets]
            assert places[row] == max(range(11), key=lambda place: scores[place])
            assert products[row] == pytest.approx(max(scores), rel=1e-5)
    assert 7 not in places


def test_the_spread_counts_titles_by_skill() -> None:
    one = spread(["s:a", "s:b", "s:c"], [("s:a",), ("s:a", "s:b")])
    assert one.titles.tolist() == [2, 1, 0]
    figures = Spread(np.array([0, 0, 1, 3, 120])).to_dict()
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

    def _forward(self, texts: list[str]) -> NDArray[np.float32]:
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
    sources = Sources(Scripted(answers), vacancies=path, load_encoder=Chosen, digests=(source_of(path),))
    result = build_graph(TAXONOMY, DataOptions(wanted={"titles": 3}), sources)
    graph = result.graph
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
    assert {name: one.titles.tolist() for name, one in result.spreads.items()} == {
        "before": [2, 0, 0],
        "after": [2, 2, 1],
    }
    assert graph.manifest.encoder == "hash-" + HashEncoder().folder.fingerprint[:8]
    assert graph.manifest.sources[0].name == "jobs.csv"


@pytest.mark.parametrize(("profile", "joined"), [("workbench", False), ("product", True)])
def test_no_synthetic_title_joins_an_occupation_that_is_tested(
    profile: Profile, joined: bool, tmp_path: Path
) -> None:
    path = tmp_path / "jobs.csv"
    path.write_text("title,description\nbaker,You bake daily bread.\nNight Baker,You bake daily bread.\n")
    sources = Sources(Scripted({("s:weld", "titles"): ["loaf hand"]}), vacancies=path, load_encoder=Chosen)
    graph = build_graph(TAXONOMY, DataOptions(profile=profile, wanted={"titles": 1}), sources).graph
    assert ("s:bake", "baker") in edges(graph, "titles")
    assert (("s:weld", "baker") in edges(graph, "titles")) == joined
    assert (("s:weld", "loaf hand") in edges(graph, "titles")) != joined


# the command


def run(*arguments: str) -> None:
    build_app()(["data", "build", *arguments], standalone_mode=False)


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
    arguments = ("--sample", "--generator", "none", "--vacancies", str(jobs), "--models", str(models_folder))
    named = (
        "--title-column",
        "job",
        "--description-column",
        "text",
        "--device",
        "cpu",
        "--confidence",
        "0.99",
    )
    run(*arguments, *named, "--output", str(tmp_path / "data"), "--plots", str(tmp_path / "plots"), "--json")
    report = json.loads(capsys.readouterr().out)
    graph = read_graph(tmp_path / "data")
    assert report["fingerprint"] == graph.fingerprint
    assert report["counts"] == graph.manifest.counts
    assert (report["taxonomy"], report["version"], report["profile"]) == ("sample", "1.0.0", "workbench")
    assert [source["name"] for source in report["sources"]] == ["sample", "jobs.jsonl"]
    assert report["counts"]["skills"] == 412
    assert report["counts"]["titles"] == 20  # each vacancy names a skill by its label
    assert report["counts"]["skill-sentence edges: vacancies"] >= 20
    assert (tmp_path / "plots" / "titles_per_skill.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ConfigurationError, match="replace it with --force"):
        run("--sample", "--generator", "none", "--output", str(tmp_path / "data"))
    few = ("--titles", "2", "--sentences", "1", "--variants", "2")
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
    none = ("--sentences", "0", "--variants", "0", "--device", "cpu", "--plots", str(tmp_path / "plots"))
    run("--sample", "--profile", "product", "--titles", "1", *none, "--output", str(tmp_path / "data"))
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
    assert (tmp_path / "plots" / "titles_per_skill.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--generator", "local"), "needs --generator-model"),
        (("--generator", "none", "--generator-model", "x"), "--generator-model goes with"),
        (("--generator", "rules", "--endpoint", "http://x"), "--endpoint goes with"),
        (("--generator", "openai"), "SKILLSEARCH_GENERATOR_MODEL"),
        (("--generator", "openai", "--generator-model", "m", "--price-input", "1"), "only one price"),
        (("--generator", "openai", "--generator-model", "m"), "not started without --yes"),
        (("--vacancies", "none.csv"), r"none\.csv cannot be read"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    arguments: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises((ConfigurationError, TrainingError), match=message):
        run("--sample", *arguments, "--output", str(tmp_path / "data"))
    assert not (tmp_path / "data").exists()


def test_a_paid_run_tells_what_it_costs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = (
        "--generator",
        "openai",
        "--generator-model",
        "m",
        "--price-input",
        "1",
        "--price-output",
        "2",
    )
    with pytest.raises(ConfigurationError):
        run("--sample", *arguments, "--titles", "1", "--sentences", "0", "--variants", "0")
    assert "412 requests for 412 texts" in capsys.readouterr().err
