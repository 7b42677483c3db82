"""WorkBench's tasks: built from a hand-made taxonomy and files, and from broken ones."""

from dataclasses import replace
from pathlib import Path

import pytest

from skillsearch.errors import EvaluationError
from skillsearch.taxonomy.records import Occupation, Relation, Skill, Taxonomy
from trainer.evaluate.benchmark import Document
from trainer.evaluate.workbench.build import build_workbench
from trainer.evaluate.workbench.esco_tasks import Spaces, job2skill, skill2job, skillnorm
from trainer.evaluate.workbench.file_tasks import jobnorm, skillextract, skillsim
from trainer.evaluate.workbench.tasks import (
    KINDS,
    Dropped,
    MissingTaskError,
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


def answers(task: Task) -> dict[str, list[str]]:
    documents, queries = task.benchmark.documents, task.benchmark.queries
    return {
        queries[query]: sorted(documents[target].label for target in targets)
        for query, targets in task.benchmark.qrels.items()
    }


# --- tasks that a release gives


def test_job2skill(bakery: Taxonomy) -> None:
    task = job2skill(Spaces(bakery), "all")
    assert task.targets == ("bake bread", "sell bread", "weld metal")
    assert answers(task) == {"baker": ["bake bread", "sell bread"], "cook": ["bake bread"]}
    assert (task.left_out, task.taxonomy, task.ranks_itself) == (1, "bakery 1 (en)", False)


def test_skill2job(bakery: Taxonomy) -> None:
    task = skill2job(Spaces(bakery), "all")
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
    task = skillnorm(Spaces(bakery), split)
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
    assert job2skill(Spaces(both), "all").targets == (
        "bake bread",
        "bake bread",
        "sell bread",
        "weld metal",
    )
    norm = skillnorm(Spaces(both), "all")
    right = norm.benchmark.qrels
    assert ([*right["bread baking"]], [*right["twin baking"]]) == (["s:bake"], ["s:twin"])  # by URI
    # an annotation has a label only, and names both
    found = skillextract("house", Spaces(both), data, "all").benchmark.qrels["you bake and sell bread"]
    assert set(found) == {"s:bake", "s:twin", "s:sell"}


def test_the_parts_of_a_task_are_apart_and_whole(taxonomy: Taxonomy) -> None:
    spaces = Spaces(taxonomy)
    for build in (job2skill, skill2job, skillnorm):
        whole, validation, test = (build(spaces, split) for split in ("all", "validation", "test"))
        assert {*validation.queries, *test.queries} == set(whole.queries)
        assert len(validation.queries) + len(test.queries) == len(whole.queries)
        assert validation.left_out + test.left_out <= whole.left_out
        assert whole.benchmark.documents is test.benchmark.documents


def test_a_query_stays_in_its_part_whatever_else_there_is() -> None:
    drawn = [name for name in "abcdefghijklmnopqrstuvwxyz" if in_validation(name, 0.2)]
    assert drawn == ["e", "g", "k", "n", "o", "s"]
    assert not any(in_validation(name, 0.0) for name in drawn)
    assert all(in_validation(name, 1.0) for name in "abc")
    share = sum(in_validation(str(number), 0.2) for number in range(10_000)) / 10_000
    assert abs(share - 0.2) < 0.012  # three standard deviations


# --- tasks that files give


def test_skillextract_puts_the_spans_of_a_sentence_together(bakery: Taxonomy, data: Path) -> None:
    task = skillextract("house", Spaces(bakery), data, "validation")
    assert answers(task) == {"you bake and sell bread": ["bake bread", "sell bread"]}
    assert task.left_out == 2
    assert task.files == ("house_validation_annotations.csv",)
    assert task.dropped == (
        Dropped("the label stands for no skill", 2, ("LABEL NOT PRESENT", "UNDERSPECIFIED")),
        Dropped("the label is not in bakery 1 (en)", 1, ("fly planes",)),
    )


def test_jobnorm_merges_equal_titles(bakery: Taxonomy, data: Path) -> None:
    task = jobnorm(Spaces(bakery), data, "validation")
    assert answers(task) == {"Baker": ["baker", "cook"], "baker": ["baker"]}
    assert task.left_out == 1
    assert task.dropped == (
        Dropped("the occupation is not in bakery 1 (en)", 1, ("o:gone",)),
        Dropped("the title is empty", 1, ("o:baker",)),
    )


def test_skillsim_knows_the_query_among_the_targets(data: Path) -> None:
    task = skillsim(data, "all")
    assert task.targets == ("C", "Java", "SQL", "welding")
    assert answers(task) == {"SQL": ["C", "Java"], "C": ["Java"]}
    assert task.ranks_itself
    assert set(task.benchmark.queries) <= set(task.benchmark.documents)
    assert task.dropped == (Dropped("both skills of the pair are one", 1, ("SQL",)),)
    (data / "skillmatch" / "skillmatch-1k.csv").write_text(
        "skill_a,skill_b,related\n" + "".join(f"s{number},t,1\n" for number in range(40)), encoding="utf-8"
    )
    validation, test = skillsim(data, "validation"), skillsim(data, "test")
    assert len(validation.queries) + len(test.queries) == 40
    assert not {*validation.queries} & {*test.queries}
    assert validation.targets == test.targets


def test_both_parts_of_a_set_where_both_are_there(bakery: Taxonomy, data: Path) -> None:
    (data / "jobbert" / "titles_test.csv").write_text(
        "vacancyTitle,conceptUri\nhead cook,o:cook\n", encoding="utf-8"
    )
    spaces = Spaces(bakery)
    assert jobnorm(spaces, data, "all").files == ("titles.csv", "titles_test.csv")
    assert jobnorm(spaces, data, "test").queries == ("head cook",)


def test_absent_files_are_named(bakery: Taxonomy, data: Path) -> None:
    bench = build_workbench(bakery, data)
    assert [task.name for task in bench.tasks] == [
        "job2skill", "skill2job", "skillnorm", "house", "jobnorm", "skillsim",
    ]  # fmt: skip
    assert list(bench.missing) == ["tech", "techwolf"]
    assert "skill-extraction/tech_validation_annotations.csv" in bench.missing["tech"]
    assert str(data) in bench.missing["tech"]
    nothing = build_workbench(bakery).missing
    assert list(nothing) == ["house", "tech", "techwolf", "jobnorm", "skillsim"]
    expected = "no --data given; it is read from jobbert/titles.csv or jobbert/titles_test.csv"
    assert nothing["jobnorm"] == expected


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
    assert bench.missing == {"jobnorm": f"no jobbert/titles_test.csv in {data}"}


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
        (b"", r"house_.*\.csv, row 1, column sentence: missing; found no header at all"),
        (b"sentence,span\nx,y\n", r"row 1, column label: missing; found 'sentence, span'"),
        (b"sentence,label\ncaf\xe9,x\n", r"row 2, column sentence: byte 0xe9 at .* is not UTF-8"),
        (b'sentence,label\n"open,x\n', r"row 2, .*is a quote not closed"),
        (b"sentence,label\na,b\na,b,c\n", r"row 3, column 3: more cells than the header's 2"),
        (b"sentence,label\na\n", r"row 2, column label: the row ends before this column"),
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
    with pytest.raises(
        EvaluationError, match=r"row 2, column related: unknown value 'yes', expected one of 0"
    ):
        skillsim(data, "all")


def test_a_file_in_which_no_label_is_known(bakery: Taxonomy, data: Path) -> None:
    path = data / "skill-extraction" / "house_validation_annotations.csv"
    path.write_text("sentence,label\nyou fly,fly planes\n", encoding="utf-8")
    assert build_workbench(bakery, data).missing["house"] == (
        "house_validation_annotations.csv: no query with a right target in the all part; "
        "1 rows dropped: the label is not in bakery 1 (en)"
    )


def test_queries_without_a_right_target_are_left_out() -> None:
    documents = {name: Document(name, "", (name,)) for name in "xy"}
    task = make_task("own", "skillsim", "all", {"a": ["y", "x", "y"], "b": []}, documents)
    assert (answers(task), task.left_out) == ({"a": ["x", "y"]}, 1)
    with pytest.raises(MissingTaskError, match="no query with a right target in the all part"):
        make_task("own", "skillsim", "all", {"b": []}, documents)


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
    assert first.targets == last.targets  # both rank skills
    needed = {text for task in (first, last) for right in answers(task).values() for text in right}
    assert len(first.targets) == max(60, len(needed))


def test_a_sample_may_be_all(bakery: Taxonomy, data: Path) -> None:
    bench = build_workbench(bakery, data)
    assert [answers(task) for task in bench.sample(queries=99).tasks] == [
        answers(task) for task in bench.tasks
    ]
    similar = WorkBench((skillsim(data, "all"),)).sample(queries=1, targets=1).tasks[0]
    assert set(similar.benchmark.queries) <= set(similar.benchmark.documents)
    for arguments in ({"queries": 0}, {"queries": 1, "targets": 0}):
        with pytest.raises(EvaluationError, match="expected 1 or more"):
            bench.sample(**arguments)
