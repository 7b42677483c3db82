"""WorkBench's tasks: built from a hand-made taxonomy and files, and from broken ones."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from skillsearch.errors import EvaluationError
from skillsearch.taxonomy.records import Occupation, Relation, Skill, Taxonomy
from trainer.evaluate.workbench.build import build_workbench
from trainer.evaluate.workbench.esco_tasks import Spaces, job2skill, skill2job, skillnorm
from trainer.evaluate.workbench.file_tasks import jobnorm, skillextract, skillsim
from trainer.evaluate.workbench.tasks import (
    KINDS,
    Dropped,
    Missing,
    Split,
    Task,
    WorkBench,
    in_validation,
    make_task,
)

ANNOTATIONS = (
    "sentence,span,sub_span,label\n"
    "you bake and sell bread,bake,,bake bread\n"
    '"  you bake and sell bread ",sell,,"sell bread "\n'
    "you bake and sell bread,x,,LABEL NOT PRESENT\n"
    "you fly,fly,,fly planes\n"
    "you are nice,nice,,UNDERSPECIFIED\n"
)
TITLES = (
    ",vacancyTitle,conceptUri\n"
    "0,Baker,o:baker\n"
    "1, Baker ,o:cook\n"
    "2,baker,o:baker\n"
    "3,Pilot,o:gone\n"
    "4,,o:baker\n"
)
PAIRS = "skill_a,skill_b,related\nSQL,Java,1\nSQL,SQL ,1\nSQL,C,1\nwelding,Java,0\nC,Java,1\n"


@pytest.fixture
def bakery() -> Taxonomy:
    skills = [
        Skill("s:weld", "weld metal"),
        Skill("s:bake", "bake bread", ("make bread", "bread baking", "b")),
        Skill("s:sell", "sell bread", ("make bread", "vend loaves")),
    ]
    occupations = [Occupation("o:cook", "cook"), Occupation("o:baker", "baker"), Occupation("o:idle", "heir")]
    relations = (
        Relation("o:baker", "s:sell", "optional"),
        Relation("o:baker", "s:bake", "essential"),
        Relation("o:cook", "s:bake", "optional"),
    )
    return Taxonomy(
        "bakery",
        "1",
        "en",
        {skill.uri: skill for skill in skills},
        {occupation.uri: occupation for occupation in occupations},
        relations,
        {},
        {},
    )


@pytest.fixture
def data(tmp_path: Path) -> Path:
    files = {
        "skill-extraction/house_validation_annotations.csv": ANNOTATIONS,
        "jobbert/titles.csv": TITLES,
        "skillmatch/skillmatch-1k.csv": PAIRS,
    }
    for name, text in files.items():
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "data"


def built(task: Task | Missing) -> Task:
    assert isinstance(task, Task), task
    return task


def answers(task: Task) -> dict[str, list[str]]:
    return {
        query: [task.targets[place] for place in places]
        for query, places in zip(task.queries, task.positives, strict=True)
    }


# --- tasks that a release gives


def test_job2skill(bakery: Taxonomy) -> None:
    task = built(job2skill(Spaces(bakery), "all"))
    assert task.targets == ("bake bread", "sell bread", "weld metal")
    assert answers(task) == {"baker": ["bake bread", "sell bread"], "cook": ["bake bread"]}
    assert (task.left_out, task.taxonomy, task.own, task.relevant) == (1, "bakery 1 (en)", None, 3)


def test_skill2job(bakery: Taxonomy) -> None:
    task = built(skill2job(Spaces(bakery), "all"))
    assert task.targets == ("baker", "cook", "heir")
    assert answers(task) == {"bake bread": ["baker", "cook"], "sell bread": ["baker"]}
    assert task.left_out == 1


@pytest.mark.parametrize(
    ("split", "expected"),
    [
        ("all", ["make bread", "bread baking", "vend loaves"]),
        ("validation", ["make bread"]),  # the first alternative of both skills that have it
        ("test", ["bread baking", "vend loaves"]),
    ],
)
def test_skillnorm(bakery: Taxonomy, split: Split, expected: list[str]) -> None:
    task = built(skillnorm(Spaces(bakery), split))
    every = {
        "make bread": ["bake bread", "sell bread"],
        "bread baking": ["bake bread"],
        "vend loaves": ["sell bread"],
    }
    assert answers(task) == {query: every[query] for query in expected}
    assert task.dropped == (Dropped("the alternative label has fewer than 2 characters", 1, ("b",)),)


def test_equal_labels_stay_two_targets(bakery: Taxonomy, data: Path) -> None:
    twin = Skill("s:twin", "bake bread", ("twin baking",))
    both = replace(bakery, skills={**bakery.skills, "s:twin": twin})
    assert built(job2skill(Spaces(both), "all")).targets == (
        "bake bread",
        "bake bread",
        "sell bread",
        "weld metal",
    )
    norm = built(skillnorm(Spaces(both), "all"))
    places = dict(zip(norm.queries, norm.positives, strict=True))
    assert (places["bread baking"].tolist(), places["twin baking"].tolist()) == ([0], [1])  # by URI
    # an annotation has a label only, and names both
    assert built(skillextract("house", Spaces(both), data, "all")).positives[0].tolist() == [0, 1, 2]


def test_the_parts_of_a_task_are_apart_and_whole(taxonomy: Taxonomy) -> None:
    spaces = Spaces(taxonomy)
    for build in (job2skill, skill2job, skillnorm):
        whole, validation, test = (built(build(spaces, split)) for split in ("all", "validation", "test"))
        assert {*validation.queries, *test.queries} == set(whole.queries)
        assert len(validation.queries) + len(test.queries) == len(whole.queries)
        assert validation.left_out + test.left_out <= whole.left_out
        assert whole.targets is test.targets


def test_a_query_stays_in_its_part_whatever_else_there_is() -> None:
    drawn = [name for name in "abcdefghijklmnopqrstuvwxyz" if in_validation(name, 0.2)]
    assert drawn == ["e", "g", "k", "n", "o", "s"]
    assert not any(in_validation(name, 0.0) for name in drawn)
    assert all(in_validation(name, 1.0) for name in "abc")
    share = sum(in_validation(str(number), 0.2) for number in range(10_000)) / 10_000
    assert abs(share - 0.2) < 0.012  # three standard deviations


# --- tasks that files give


def test_skillextract_puts_the_spans_of_a_sentence_together(bakery: Taxonomy, data: Path) -> None:
    task = built(skillextract("house", Spaces(bakery), data, "validation"))
    assert answers(task) == {"you bake and sell bread": ["bake bread", "sell bread"]}
    assert task.left_out == 2
    assert task.files == ("house_validation_annotations.csv",)
    assert task.dropped == (
        Dropped("the label stands for no skill", 2, ("LABEL NOT PRESENT", "UNDERSPECIFIED")),
        Dropped("the label is not in bakery 1 (en)", 1, ("fly planes",)),
    )


def test_jobnorm_merges_equal_titles(bakery: Taxonomy, data: Path) -> None:
    task = built(jobnorm(Spaces(bakery), data, "validation"))
    assert answers(task) == {"Baker": ["baker", "cook"], "baker": ["baker"]}
    assert task.left_out == 1
    assert task.dropped == (
        Dropped("the occupation is not in bakery 1 (en)", 1, ("o:gone",)),
        Dropped("the title is empty", 1, ("o:baker",)),
    )


def test_skillsim_knows_the_query_among_the_targets(data: Path) -> None:
    task = built(skillsim(data, "all"))
    assert task.targets == ("C", "Java", "SQL", "welding")
    assert answers(task) == {"SQL": ["C", "Java"], "C": ["Java"]}
    assert task.own is not None
    assert [task.targets[place] for place in task.own] == ["SQL", "C"]
    assert task.dropped == (Dropped("both skills of the pair are one", 1, ("SQL",)),)
    (data / "skillmatch" / "skillmatch-1k.csv").write_text(
        "skill_a,skill_b,related\n" + "".join(f"s{number},t,1\n" for number in range(40)), encoding="utf-8"
    )
    validation, test = built(skillsim(data, "validation")), built(skillsim(data, "test"))
    assert len(validation.queries) + len(test.queries) == 40
    assert not {*validation.queries} & {*test.queries}
    assert validation.targets == test.targets


def test_both_parts_of_a_set_where_both_are_there(bakery: Taxonomy, data: Path) -> None:
    (data / "jobbert" / "titles_test.csv").write_text(
        "vacancyTitle,conceptUri\nhead cook,o:cook\n", encoding="utf-8"
    )
    spaces = Spaces(bakery)
    assert built(jobnorm(spaces, data, "all")).files == ("titles.csv", "titles_test.csv")
    assert built(jobnorm(spaces, data, "test")).queries == ("head cook",)


def test_absent_files_are_named(bakery: Taxonomy, data: Path) -> None:
    bench = build_workbench(bakery, data)
    assert [task.name for task in bench.tasks] == [
        "job2skill", "skill2job", "skillnorm", "house", "jobnorm", "skillsim",
    ]  # fmt: skip
    assert [missing.name for missing in bench.missing] == ["tech", "techwolf"]
    assert "skill-extraction/tech_validation_annotations.csv" in bench.missing[0].reason
    assert str(data) in bench.missing[0].reason
    nothing = build_workbench(bakery)
    assert [missing.name for missing in nothing.missing] == [
        "house",
        "tech",
        "techwolf",
        "jobnorm",
        "skillsim",
    ]
    assert (
        nothing.missing[3].reason
        == "no --data given; it is read from jobbert/titles.csv or jobbert/titles_test.csv"
    )


def test_files_directly_in_the_folder(bakery: Taxonomy, data: Path, tmp_path: Path) -> None:
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in data.rglob("*.csv"):
        path.rename(flat / path.name)
    names = [task.name for task in build_workbench(bakery, flat).tasks]
    assert names[3:] == ["house", "jobnorm", "skillsim"]


def test_a_part_that_is_not_there_leaves_the_others(bakery: Taxonomy, data: Path) -> None:
    bench = build_workbench(bakery, data, split="test", kinds=("skillnorm", "jobnorm"))
    assert [task.name for task in bench.tasks] == ["skillnorm"]
    assert bench.missing == (Missing("jobnorm", f"no jobbert/titles_test.csv in {data}"),)


# --- bad input


def test_a_folder_without_any_task_file(bakery: Taxonomy, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="has no file of any task, such as skill-extraction/house_val"):
        build_workbench(bakery, tmp_path)
    with pytest.raises(EvaluationError, match="no such folder"):
        build_workbench(bakery, tmp_path / "nowhere")


def test_nothing_can_be_built(bakery: Taxonomy) -> None:
    with pytest.raises(EvaluationError, match="no task can be built: jobnorm: no --data given"):
        build_workbench(bakery, kinds=("jobnorm",))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"house.*: an empty file, expected a header with sentence, label"),
        (b"sentence,span\nx,y\n", r"columns 'sentence, span', expected .*; label missing"),
        (b"sentence,label\n", r"has a header and no row"),
        (b"sentence,label\ncaf\xe9,x\n", r"\.csv:2: byte 0xe9 is not UTF-8"),
        (b'sentence,label\n"open,x\n', r"\.csv:2: .*is a quote not closed"),
        (b"sentence,label\na,b\na,b,c\n", r"\.csv:3: 3 cells, expected 2"),
    ],
)
def test_broken_files(bakery: Taxonomy, data: Path, content: bytes, message: str) -> None:
    (data / "skill-extraction" / "house_validation_annotations.csv").write_bytes(content)
    with pytest.raises(EvaluationError, match=message):
        build_workbench(bakery, data)


def test_other_marks_than_related_or_not(data: Path) -> None:
    (data / "skillmatch" / "skillmatch-1k.csv").write_text(
        "skill_a,skill_b,related\na,b,yes\n", encoding="utf-8"
    )
    with pytest.raises(EvaluationError, match="related is 'yes', expected 0 or 1"):
        skillsim(data, "all")


def test_a_file_in_which_no_label_is_known(bakery: Taxonomy, data: Path) -> None:
    path = data / "skill-extraction" / "house_validation_annotations.csv"
    path.write_text("sentence,label\nyou fly,fly planes\n", encoding="utf-8")
    (missing,) = (one for one in build_workbench(bakery, data).missing if one.name == "house")
    assert missing.reason == (
        "house_validation_annotations.csv: no query with a right target in the all part; "
        "1 rows dropped: the label is not in bakery 1 (en)"
    )


def test_tasks_that_do_not_fit_together() -> None:
    task = built(make_task("own", "skillsim", "all", [("a", [1, 0, 1]), ("b", [])], ("x", "y")))
    assert (task.positives[0].tolist(), task.left_out) == ([0, 1], 1)
    for change, message in (
        ({"queries": ("a", "b")}, r"\[1, 2\] queries"),
        ({"own": np.array([0, 0])}, r"\[1, 2\] queries"),
        ({"positives": (np.array([], dtype=np.int32),)}, "'a' has no right target"),
        ({"positives": (np.array([2]),)}, "expected rising places below 2"),
        ({"positives": (np.array([-1]),)}, "expected rising places below 2"),
        ({"positives": (np.array([1, 1]),)}, "expected rising places below 2"),
    ):
        with pytest.raises(EvaluationError, match=message):
            replace(task, **change)  # type: ignore[arg-type]


# --- samples


def test_a_sample_is_small_and_fixed(taxonomy: Taxonomy) -> None:
    bench = build_workbench(taxonomy, kinds=KINDS[:3])
    small = bench.sample(queries=5, targets=60, seed=3)
    assert [len(task.queries) for task in small.tasks] == [5, 5, 5]
    again = bench.sample(queries=5, targets=60, seed=3)
    assert [answers(task) for task in small.tasks] == [answers(task) for task in again.tasks]
    assert [task.targets for task in small.tasks] == [task.targets for task in again.tasks]
    other = bench.sample(queries=5, targets=60, seed=4)
    assert [task.queries for task in small.tasks] != [task.queries for task in other.tasks]
    for task, whole in zip(small.tasks, bench.tasks, strict=True):
        assert answers(task).items() <= answers(whole).items()
        assert set(task.targets) <= set(whole.targets)
        order = [whole.targets.index(text) for text in task.targets]
        assert order == sorted(order)
    first, _, last = small.tasks
    assert first.targets is last.targets  # both rank skills
    needed = {text for task in (first, last) for right in answers(task).values() for text in right}
    assert len(first.targets) == max(60, len(needed))


def test_a_sample_may_be_all(bakery: Taxonomy, data: Path) -> None:
    bench = build_workbench(bakery, data)
    assert [answers(task) for task in bench.sample(queries=99).tasks] == [
        answers(task) for task in bench.tasks
    ]
    similar = WorkBench((built(skillsim(data, "all")),)).sample(queries=1, targets=1).tasks[0]
    assert similar.own is not None
    (query,), (own,) = similar.queries, similar.own
    assert own == -1 or similar.targets[own] == query
    for arguments in ({"queries": 0}, {"queries": 1, "targets": 0}):
        with pytest.raises(EvaluationError, match="expected 1 or more"):
            bench.sample(**arguments)
