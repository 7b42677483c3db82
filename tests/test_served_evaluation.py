"""Evaluation of the client: titles to occupations, texts to skills, WorkBench's tasks as they are served."""

import json
from pathlib import Path

import pytest
from command import Done, run

from skillsearch import SkillSearch
from skillsearch.errors import ConfigurationError, EvaluationError
from skillsearch.settings import Settings, load_settings
from skillsearch.taxonomy.records import Taxonomy
from trainer.evaluate.served.answers import ranked_row
from trainer.evaluate.served.extract import Counts, ExtractRequest, evaluate_extract
from trainer.evaluate.served.normalize import NormalizeRequest, evaluate_normalize
from trainer.evaluate.served.text_sets import read_adverts, read_sentences
from trainer.evaluate.served.title_sets import read_titles


@pytest.fixture
def settings(home: Path, models_folder: Path) -> Settings:
    return load_settings(home=home, models=str(models_folder), device="cpu")


def call(*arguments: str, settings: Settings) -> Done:
    return run(
        "evaluate",
        *arguments,
        home=settings.home,
        SKILLSEARCH_MODELS=str(settings.models),
        SKILLSEARCH_DEVICE="cpu",
    )


def melo(folder: Path, pairs: list[tuple[str, str]], *, bad: dict[str, str] | None = None) -> Path:
    """A folder of MELO's: each title has two elements of its concept; one more has a group of ISCO."""
    folder.mkdir()
    files = {"queries.tsv": "", "annotations.tsv": "", "concept_mapping.tsv": ""}
    for number, (title, uri) in enumerate(pairs):
        files["queries.tsv"] += f"Q{number}\t{title}\n"
        for element in ("a", "b"):
            files["annotations.tsv"] += f"Q{number}\t0\tC{number}_{element}\t1\n"
            files["concept_mapping.tsv"] += f"C{number}_{element}\t{uri}\n"
    for name, text in (files | (bad or {})).items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_ranks_of_lists_that_are_cut() -> None:
    qrels = {"a": {"x": 1, "y": 1}, "b": {"x": 1}, "c": {"z": 1}}
    row = ranked_row(
        "", qrels, {"a": ["x", "n", "y"], "b": ["n", "x"], "c": []}, ("map", "mrr", "accuracy@1")
    )
    assert row.values["map"].tolist() == [(1 + 2 / 3) / 2, 0.5, 0.0]
    assert row.values["mrr"].tolist() == [1.0, 0.5, 0.0]
    assert row.values["accuracy@1"].tolist() == [1.0, 0.0, 0.0]


def test_titles_are_measured_as_the_client_answers_them(
    tmp_path: Path, settings: Settings, taxonomy: Taxonomy
) -> None:
    jobs = list(taxonomy.occupations.values())[:6]
    pairs = [(job.label, job.uri) for job in jobs]
    english = melo(tmp_path / "usa_q_en_c_en", [*pairs, ("Soldiers", "http://data.europa.eu/esco/isco/C01")])
    german = melo(tmp_path / "deu_q_de_c_en", [("看護師", jobs[0].uri), ("x" * 400, jobs[1].uri)])
    table = tmp_path / "titles.csv"
    rows = [f"{number},{job.label},{job.uri}" for number, job in enumerate([*jobs, jobs[0]])]
    table.write_text("\n".join([",vacancyTitle,conceptUri", *rows]) + "\n", encoding="utf-8")
    request = NormalizeRequest((english, german, table), settings, limit=10)
    report = evaluate_normalize(request)
    assert report.languages == ("en",)
    first, second, third = report.results
    assert (len(first.titles.queries), first.titles.left_out, first.titles.dropped) == (6, 1, 1)
    assert first.figures.mean("map") == first.figures.mean("accuracy@1") == 1.0  # they are labels
    assert first.answers.recognised == 6
    assert not report.is_foreign(first.titles)
    assert report.is_foreign(second.titles)
    assert (second.answers.refused, second.figures.values["mrr"][1]) == (1, 0.0)
    assert len(third.titles.queries) == 6
    with SkillSearch.open(settings) as client:
        found = [hit.uri for hit in client.normalize_title("看護師", limit=10)]
    expected = 1 / (found.index(jobs[0].uri) + 1) if jobs[0].uri in found else 0.0
    assert second.figures.values["mrr"][0] == pytest.approx(expected)
    done = call(
        "normalize", "--data", str(english), "--data", str(german), "--limit", "10", settings=settings
    )
    assert done.returncode == 0, done.stderr
    assert "de, not read" in done.stdout
    assert "1 titles without an occupation of the index left out" in done.stderr
    done = call("normalize", "--data", str(table), "--every", "2", "--json", settings=settings)
    (told,) = json.loads(done.stdout)["sets"]
    assert (told["titles"], told["language"], told["measures"]["map"]) == (3, None, 1.0)


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        ({"queries.tsv": "Q0 no tab\n"}, r"line 1: expected id title with a tab"),
        ({"annotations.tsv": "Q9\t0\tC0_a\t1\n"}, "Q9 is not in queries.tsv"),
        ({"annotations.tsv": "Q0\t0\n"}, "2 columns, expected 4"),
        ({"concept_mapping.tsv": "C0_a\thttp://data.europa.eu/esco/isco/C0\n"}, "none of 1 pairs has an occ"),
    ],
)
def test_titles_that_cannot_be_read(
    bad: dict[str, str], problem: str, tmp_path: Path, taxonomy: Taxonomy
) -> None:
    job = next(iter(taxonomy.occupations.values()))
    folder = melo(tmp_path / "melo", [(job.label, job.uri)], bad=bad)
    with pytest.raises(EvaluationError, match=problem):
        read_titles(folder, taxonomy.occupations)


def test_titles_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"has no queries\.tsv; give a folder of MELO's"):
        read_titles(tmp_path, ())
    (tmp_path / "titles.csv").write_text("title\nbaker\n", encoding="utf-8")
    with pytest.raises(EvaluationError, match="column vacancyTitle: missing"):
        read_titles(tmp_path / "titles.csv", ())
    with pytest.raises(ConfigurationError, match="give sets of titles with --data"):
        NormalizeRequest((), load_settings())


def test_texts_are_measured_as_the_client_reads_them(
    tmp_path: Path, settings: Settings, taxonomy: Taxonomy
) -> None:
    one, other, *_ = [skill.label for skill in taxonomy.skills.values() if len(skill.label.split()) > 2]
    read, missed = f"You will {one} here .", "We like blue shoes and green hats ."
    spans = tmp_path / "spans.csv"
    spans.write_text(
        "sentence,span,sub_span,label\n"
        f'"{read}","{one}",,"{one}"\n"{missed}",blue shoes,,"{other}"\n"{missed}",hats,,UNDERSPECIFIED\n'
        '"Free lunch for all .",lunch,,LABEL NOT PRESENT\n"You need a car .",car,,gone\n',
        encoding="utf-8",
    )
    labels = tmp_path / "labels.csv"
    labels.write_text(
        f""",sentence,skills\n0,"{read}","['{one}']"\n1,"{missed}","['UNK']"\n""", encoding="utf-8"
    )
    report = evaluate_extract(ExtractRequest((spans, labels), settings, (1.0,)))
    first, second = report.decisions
    assert first.concepts == Counts(right=1, found=1, met=1, wanted=2)
    assert (first.concepts.precision, first.concepts.recall, first.concepts.f1) == (1.0, 0.5, 2 / 3)
    assert first.spans == Counts(right=1, found=1, met=1, wanted=5)
    assert (first.sentences, first.dropped, first.silent) == (4, 1, 1.0)
    assert (second.concepts, second.spans, second.silent) == (Counts(1, 1, 1, 1), None, 1.0)
    assert [row.label for row in report.rankings] == [
        f"{name}, {how}" for name in ("spans.csv", "labels.csv") for how in ("extract", "normalize_skill")
    ]
    assert report.rankings[0].values["mrr"][0] == 1.0
    assert len(report.rankings[0].queries) == 2
    done = call("extract", "--data", str(spans), "--threshold", "1", settings=settings)
    assert done.returncode == 0, done.stderr
    assert "1 labels are not in the index, left out" in done.stderr
    done = call("extract", "--data", str(spans), "--threshold", "1", "--json", settings=settings)
    assert json.loads(done.stdout)["decisions"][0]["concepts"]["f1"] == 2 / 3


def advert(folder: Path, text: str, expected: dict[str, object]) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "one.txt").write_text(text, encoding="utf-8")
    (folder / "expected.jsonl").write_text(
        json.dumps({"file": "one.txt", **expected}) + "\n", encoding="utf-8"
    )
    return folder


def test_adverts_are_measured_by_place(tmp_path: Path, settings: Settings, taxonomy: Taxonomy) -> None:
    label = next(skill.label for skill in taxonomy.skills.values() if len(skill.label.split()) > 2)
    text = f"You will {label}.\nExperience with Zyxxel is a plus.\n\nWhat we offer:\n{label} on Fridays\n"
    skills = [
        {"span": label, "start": text.index(label), "label": label, "required": True},
        {"span": "a plus", "start": text.index("a plus"), "label": label, "required": False},
        {"span": "Zyxxel", "start": text.index("Zyxxel"), "label": None, "required": False},
    ]
    folder = advert(tmp_path / "adverts", text, {"skills": skills, "never": ["on Fridays", "Dental cover"]})
    (counts,) = evaluate_extract(ExtractRequest((folder,), settings)).adverts
    assert (counts.skills, counts.found, counts.requirement) == (2, 1, 1)
    assert (counts.unmatched, counts.unmatched_found) == (1, 1)
    assert (counts.silent, counts.broken) == (1, 0)
    done = call("extract", "--data", str(folder), settings=settings)
    assert "1 of 2" in done.stdout


def test_texts_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "set.csv"
    for text, problem in (
        ("text\nx\n", "column sentence: missing"),
        ("sentence,skills\nx,use SQL\n", "expected a list of labels"),
        ("sentence,skills\nx,[1]\n", "expected a list of labels"),
        ("sentence,skills\n", "no sentences"),
    ):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(EvaluationError, match=problem):
            read_sentences(path, ())
    span = {"span": "SQL", "start": 3, "label": "SQL", "required": True}
    for expected, problem in (
        ({"skills": [span], "never": []}, '"SQL" does not stand at 3'),
        ({"skills": "SQL", "never": []}, "expected a list of objects"),
        ({"file": "gone.txt", "skills": [], "never": []}, "cannot be read"),
    ):
        folder = advert(tmp_path / "adverts", "You write SQL.", expected)
        with pytest.raises(EvaluationError, match=problem):
            list(read_adverts(folder))
    with pytest.raises(ConfigurationError, match="give sets of texts"):
        ExtractRequest((), load_settings())


def test_workbench_by_the_client(tmp_path: Path, settings: Settings, taxonomy: Taxonomy) -> None:
    jobs = list(taxonomy.occupations.values())[:4]
    rows = [f"{job.label},{job.uri}" for job in jobs]
    (tmp_path / "titles.csv").write_text("\n".join(["vacancyTitle,conceptUri", *rows]), encoding="utf-8")
    (tmp_path / "skillmatch-1k.csv").write_text("skill_a,skill_b,related\nsql,mysql,1\n", encoding="utf-8")
    common = ("workbench", "--sample", "--data", str(tmp_path), "--queries", "5", "--client", "--json")
    done = call(
        *common, *("--task", "jobnorm", "--task", "skill2job", "--task", "skillsim"), settings=settings
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    (row,) = report["rows"]
    assert row["label"] == "client, cut at 200"
    assert row["tasks"]["jobnorm"]["map"] == 1.0  # they are labels
    assert row["tasks"]["skill2job"]["mrr"] == 1.0  # linked ones stand first
    assert report["not_built"][-1]["name"] == "skillsim"
    assert call(*common, "--task", "skillsim", settings=settings).returncode == 1
    done = call(*common, "--model", "any", settings=settings)
    assert "give one of --model, --baseline and --client" in done.stderr
