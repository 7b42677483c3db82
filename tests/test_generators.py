"""The common parts of the generators: cleaning, cache, refusals, the estimate, prompts and answers."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from skillsearch.errors import TrainingError
from skillsearch.taxonomy.records import Skill
from trainer.data.generators.base import MAX_CHARACTERS, Kind, cleaned
from trainer.data.generators.prompts import SYSTEM, parse_answer, prompt
from trainer.data.generators.synthesize import Estimate, Order, estimate, synthesize

A = Skill("urn:a", "manage staff", ("lead people",), description="Lead a team.", skill_type="skill")
B = Skill("urn:b", "welding", skill_type="knowledge")


class Counted:
    """Gives numbered texts, at most `most` a call, and remembers what it was asked for."""

    def __init__(self, most: int = 100, name: str = "counted", fail_at: int = 0) -> None:
        self.name, self.most, self.fail_at = name, most, fail_at
        self.calls: list[tuple[str, Kind, int, tuple[str, ...]]] = []

    def generate(self, skill: Skill, kind: Kind, count: int, *, have: Sequence[str] = ()) -> list[str]:
        self.calls.append((skill.uri, kind, count, tuple(have)))
        if self.fail_at and len(self.calls) >= self.fail_at:
            raise TrainingError("the endpoint is gone")
        return [f"{skill.label} {kind} {len(have) + index}" for index in range(min(count, self.most))]


def make(
    skills: Sequence[Skill], generator: Counted, titles: int, cache: Path | None = None, workers: int = 1
) -> dict[str, list[str]]:
    """Titles by URI."""
    texts, _ = synthesize(Order(skills, generator, {"titles": titles}, cache, workers))
    return {uri: found for (uri, _), found in texts.items()}


def test_texts_are_cleaned_in_their_order() -> None:
    long = "x" * (MAX_CHARACTERS["titles"] + 1)
    texts = [" Team\n Lead ", "", "team lead", "MANAGE  STAFF", long, "Foreman", "known", "Head"]
    assert cleaned(texts, A, "titles", have=["Known"]) == ["Team Lead", "Foreman", "Head"]
    assert cleaned(texts, A, "titles", most=1) == ["Team Lead"]
    assert cleaned(texts, A, "titles", most=0) == []


def test_each_skill_gets_what_is_wanted() -> None:
    steps: list[int] = []
    order = Order([A, B], Counted(), {"titles": 2, "variants": 1})
    texts, refused = synthesize(order, advance=lambda done, _note="": steps.append(done))
    assert list(texts) == [
        ("urn:a", "titles"),
        ("urn:a", "variants"),
        ("urn:b", "titles"),
        ("urn:b", "variants"),
    ]
    assert texts["urn:a", "titles"] == ["manage staff titles 0", "manage staff titles 1"]
    assert not refused
    assert sum(steps) == 4


def test_only_what_is_missing_is_asked_for_again() -> None:
    generator = Counted(most=2)
    assert len(make([A], generator, 7)["urn:a"]) == 6  # nothing is filled up
    assert [(count, len(have)) for _, _, count, have in generator.calls] == [(7, 0), (5, 2), (3, 4)]


def test_others_are_asked_for_in_place_of_refused_texts() -> None:
    generator = Counted()

    def refuse(_kind: Kind, text: str) -> str | None:
        return "title is odd" if text[-1] in "13" else None

    texts, refused = synthesize(Order([A], generator, {"titles": 3}, refuse=refuse, screen="even"))
    assert texts["urn:a", "titles"] == [f"manage staff titles {number}" for number in (0, 2, 4)]
    assert refused == {"title is odd": 2}
    assert [(count, len(have)) for _, _, count, have in generator.calls] == [(3, 0), (1, 3), (1, 4)]


def test_a_second_run_costs_nothing(tmp_path: Path) -> None:
    cache = tmp_path / "deep" / "texts.jsonl"
    first = make([A, B], Counted(most=0), 2, cache)
    again = Counted()
    assert make([A, B], again, 2, cache) == first == {"urn:a": [], "urn:b": []}  # short answers are kept too
    assert again.calls == []
    assert make([A], Counted(), 3, cache)["urn:a"][2] == "manage staff titles 2"
    assert make([A], again, 2, cache) == {"urn:a": ["manage staff titles 0", "manage staff titles 1"]}
    assert again.calls == []


def test_more_texts_than_before_are_asked_for_beside_those_there_are(tmp_path: Path) -> None:
    cache = tmp_path / "texts.jsonl"
    make([A], Counted(), 2, cache)
    generator = Counted()
    assert make([A], generator, 3, cache)["urn:a"][-1] == "manage staff titles 2"
    assert generator.calls == [("urn:a", "titles", 1, ("manage staff titles 0", "manage staff titles 1"))]


@pytest.mark.parametrize(
    ("skill", "name"),
    [(replace(A, label="lead staff"), "counted"), (replace(A, description="New."), "counted"), (A, "other")],
)
def test_another_text_or_generator_is_generated_anew(tmp_path: Path, skill: Skill, name: str) -> None:
    cache = tmp_path / "texts.jsonl"
    make([A], Counted(), 1, cache)
    other, same = Counted(name=name), Counted()
    make([skill], other, 1, cache)
    make([replace(A, alt_labels=())], same, 1, cache)
    assert (len(other.calls), len(same.calls)) == (1, 0)


@pytest.mark.parametrize("workers", [1, 3])
def test_what_was_made_before_a_failure_is_kept(tmp_path: Path, workers: int) -> None:
    skills = [replace(A, uri=f"urn:{index}") for index in range(20)]
    cache = tmp_path / "texts.jsonl"
    with pytest.raises(TrainingError, match="gone"):
        make(skills, Counted(fail_at=11), 1, cache, workers)
    left = estimate(Order(skills, Counted(), {"titles": 1}, cache)).requests
    assert 10 <= left <= 10 + 3 * workers
    again = Counted()
    assert len(make(skills, again, 1, cache)) == 20
    assert len(again.calls) == left


def test_several_workers_give_the_same_texts_in_the_same_order() -> None:
    skills = [replace(A, uri=f"urn:{index}", label=f"skill {index}") for index in range(30)]
    alone, together = make(skills, Counted(), 2), make(skills, Counted(), 2, workers=4)
    assert list(together.items()) == list(alone.items())


def test_a_line_that_a_killed_run_left_unfinished_is_made_again(tmp_path: Path) -> None:
    cache = tmp_path / "texts.jsonl"
    made = make([A, B], Counted(), 1, cache)
    cache.write_bytes(cache.read_bytes()[:-9])
    again = Counted()
    assert make([A, B], again, 1, cache) == made
    assert [uri for uri, *_ in again.calls] == ["urn:b"]
    make([A, B], again, 1, cache)
    assert len(again.calls) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"SQLite format 3\0" + b"\xff" * 99, r"texts\.jsonl, line 1: .*is not UTF-8.*delete it"),
        (b'{"title": "Baker"}\n[1]\nx\n', r"line 1: not an answer of a generator.*delete it"),
    ],
)
def test_a_file_of_another_kind_is_refused_and_stays_as_it_is(
    tmp_path: Path, content: bytes, message: str
) -> None:
    cache = tmp_path / "texts.jsonl"
    cache.write_bytes(content)
    with pytest.raises(TrainingError, match=message):
        make([A], Counted(), 1, cache)
    assert cache.read_bytes() == content


def test_a_cache_that_cannot_be_read_or_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="a folder, expected a file"):
        make([A], Counted(), 1, tmp_path)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(TrainingError, match=r"the cache .*texts\.jsonl cannot be written"):
        make([A], Counted(), 1, tmp_path / "file" / "texts.jsonl")


def test_the_estimate_is_the_sum_over_what_is_not_cached(tmp_path: Path) -> None:
    cache = tmp_path / "texts.jsonl"
    assert estimate(Order([A], Counted(), {"titles": 1}, cache)).requests == 1
    assert not cache.exists()
    make([A], Counted(), 3, cache)
    asked: list[tuple[Skill, Kind, int]] = [
        (A, "titles", 1),
        (A, "sentences", 2),
        (B, "titles", 4),
        (B, "sentences", 2),
    ]
    tokens_in = sum(round((len(SYSTEM) + len(prompt(*job))) / 4) + 8 for job in asked)
    tokens_out = 10 + 1 * 10 + 10 + 2 * 36 + 10 + 4 * 10 + 10 + 2 * 36
    order = Order([A, B], Counted(), {"titles": 4, "sentences": 2}, cache)
    assert estimate(order) == Estimate(4, tokens_in, tokens_out)


def test_prompts_hold_what_is_there_and_never_the_other_labels() -> None:
    text = prompt(A, "titles", 5, ["Team Lead"])
    for part in ("manage staff", "Lead a team.", "- Team Lead", "Write 5 "):
        assert part in text
    assert "lead people" not in text


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ('{"texts": ["a", "b"]}', ["a", "b"]),
        ('["a"]', ["a"]),
        ('Sure!\n```json\n{"texts": [" a ", 3]}\n```', ["a"]),
        ('{"texts": []}', []),
        ('{"a": ["x"], "b": ["y"]}', None),
        ('{"texts": "a"}', None),
        ("1. a\n2. b", None),
        ("", None),
        ("[" * 100_000, None),
    ],
)
def test_answers_are_read_where_they_have_the_form_asked_for(answer: str, expected: list[str] | None) -> None:
    assert parse_answer(answer) == expected
