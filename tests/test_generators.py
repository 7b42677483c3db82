"""The common parts of the generators: cleaning, cache, shortfalls, cost, names; and the local model."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from skillsearch.errors import ConfigurationError, ModelError, TrainingError
from skillsearch.taxonomy.records import Skill, Taxonomy
from trainer.data.generators import (
    Kind,
    Shortfall,
    Synthetic,
    cleaned,
    estimate_cost,
    missing,
    open_generator,
    synthesize,
)
from trainer.data.generators.answers import parse_answer
from trainer.data.generators.base import MAX_CHARACTERS
from trainer.data.generators.prompts import SYSTEM, prompt

A = Skill("urn:a", "manage staff", ("lead people",), description="Lead a team.", skill_type="skill")
B = Skill("urn:b", "welding", skill_type="knowledge")


class Counted:
    """Gives numbered texts, at most `least` a call, and remembers what it was asked for."""

    def __init__(self, most: int = 100, name: str = "counted", workers: int = 1, fail_at: int = 0) -> None:
        self.name, self.most, self.workers, self.fail_at = name, most, workers, fail_at
        self.calls: list[tuple[str, Kind, int, tuple[str, ...]]] = []

    def generate(self, skill: Skill, kind: Kind, count: int, *, have: Sequence[str] = ()) -> list[str]:
        self.calls.append((skill.uri, kind, count, tuple(have)))
        if self.fail_at and len(self.calls) >= self.fail_at:
            raise TrainingError("the endpoint is gone")
        return [f"{skill.label} {kind} {len(have) + index}" for index in range(min(count, self.most))]


def test_texts_are_cleaned_in_their_order() -> None:
    long = "x" * (MAX_CHARACTERS["titles"] + 1)
    texts = [" Team\n Lead ", "", "team lead", "MANAGE  STAFF", long, "Foreman", "known", "Head"]
    assert cleaned(texts, A, "titles", have=["Known"]) == ["Team Lead", "Foreman", "Head"]
    assert cleaned(texts, A, "titles", most=1) == ["Team Lead"]
    assert cleaned(texts, A, "titles", most=0) == []


def test_each_skill_gets_what_is_wanted() -> None:
    steps: list[int] = []
    done = synthesize(
        [A, B], Counted(), wanted={"titles": 2, "variants": 1}, cache=None, progress=steps.append
    )
    assert list(done.texts) == ["urn:a", "urn:b"]
    assert done.texts["urn:a"] == Synthetic(
        titles=("manage staff titles 0", "manage staff titles 1"), variants=("manage staff variants 0",)
    )
    assert (done.shortfalls, done.cached, done.generated) == ((), 0, 4)
    assert steps == [1, 1, 1, 1]


def test_only_what_is_missing_is_asked_for_again_and_a_shortfall_is_counted() -> None:
    generator = Counted(most=2)
    done = synthesize([A], generator, wanted={"titles": 7}, cache=None, rounds=3)
    assert [(count, len(have)) for _, _, count, have in generator.calls] == [(7, 0), (5, 2), (3, 4)]
    assert done.shortfalls == (Shortfall("urn:a", "titles", 7, 6),)
    assert dict(done.missing) == {"titles": 1, "sentences": 0, "variants": 0}


def test_a_second_run_costs_nothing(tmp_path: Path) -> None:
    cache = tmp_path / "deep" / "texts.sqlite"
    first = synthesize([A, B], Counted(most=1), wanted={"titles": 2}, cache=cache, rounds=1)
    again = Counted(most=1)
    second = synthesize([A, B], again, wanted={"titles": 2}, cache=cache, rounds=1)
    assert again.calls == []
    assert (second.cached, second.generated) == (2, 0)
    assert second.texts == first.texts
    assert second.shortfalls == first.shortfalls  # still counted, though not asked for again
    fewer = synthesize([A], again, wanted={"titles": 1}, cache=cache)
    assert (fewer.texts["urn:a"].titles, again.calls) == (("manage staff titles 0",), [])


def test_more_texts_than_before_are_asked_for_beside_those_there_are(tmp_path: Path) -> None:
    cache = tmp_path / "texts.sqlite"
    synthesize([A], Counted(), wanted={"titles": 2}, cache=cache)
    generator = Counted()
    done = synthesize([A], generator, wanted={"titles": 3}, cache=cache)
    assert generator.calls == [("urn:a", "titles", 1, ("manage staff titles 0", "manage staff titles 1"))]
    assert done.texts["urn:a"].titles[-1] == "manage staff titles 2"


@pytest.mark.parametrize(
    ("skill", "name"),
    [(replace(A, label="lead staff"), "counted"), (replace(A, description="New."), "counted"), (A, "other")],
)
def test_another_text_or_generator_is_generated_anew(tmp_path: Path, skill: Skill, name: str) -> None:
    cache = tmp_path / "texts.sqlite"
    synthesize([A], Counted(), wanted={"titles": 1}, cache=cache)
    assert synthesize([skill], Counted(name=name), wanted={"titles": 1}, cache=cache).generated == 1
    assert synthesize([replace(A, alt_labels=())], Counted(), wanted={"titles": 1}, cache=cache).cached == 1


@pytest.mark.parametrize("workers", [1, 3])
def test_what_was_made_before_a_failure_is_kept(tmp_path: Path, workers: int) -> None:
    skills = [replace(A, uri=f"urn:{index}") for index in range(20)]
    cache = tmp_path / "texts.sqlite"
    with pytest.raises(TrainingError, match="gone"):
        synthesize(skills, Counted(fail_at=11, workers=workers), wanted={"titles": 1}, cache=cache)
    left = len(missing(skills, Counted(), wanted={"titles": 1}, cache=cache))
    assert 10 <= left <= 10 + 3 * workers
    assert synthesize(skills, Counted(), wanted={"titles": 1}, cache=cache).cached == 20 - left


def test_several_workers_give_the_same_texts_in_the_same_order() -> None:
    skills = [replace(A, uri=f"urn:{index}", label=f"skill {index}") for index in range(30)]
    alone = synthesize(skills, Counted(), wanted={"titles": 2}, cache=None)
    together = synthesize(skills, Counted(workers=4), wanted={"titles": 2}, cache=None)
    assert list(together.texts.items()) == list(alone.texts.items())


def test_a_corrupt_cache_is_named_with_the_remedy(tmp_path: Path) -> None:
    cache = tmp_path / "texts.sqlite"
    cache.write_bytes(b"not a database, but long enough to be read as one" * 100)
    with pytest.raises(TrainingError, match=r"texts\.sqlite cannot be used as a cache.*delete it"):
        synthesize([A], Counted(), wanted={"titles": 1}, cache=cache)


def test_a_database_of_another_kind_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    cache = tmp_path / "texts.sqlite"
    with sqlite3.connect(cache) as connection:
        connection.execute("CREATE TABLE mine (x)")
    connection.close()
    before = cache.read_bytes()
    with pytest.raises(TrainingError, match="another kind"):
        synthesize([A], Counted(), wanted={"titles": 1}, cache=cache)
    assert cache.read_bytes() == before


@pytest.mark.parametrize("broken", ["[1, 2]", '{"a": 1}', "[", None])
def test_a_broken_row_of_the_cache_is_an_error(tmp_path: Path, broken: str | None) -> None:
    cache = tmp_path / "texts.sqlite"
    synthesize([A], Counted(), wanted={"titles": 1}, cache=cache)
    with sqlite3.connect(cache) as connection:
        connection.execute("UPDATE texts SET texts = ?", (broken,))
    connection.close()
    with pytest.raises(TrainingError, match="cannot be used as a cache"):
        synthesize([A], Counted(), wanted={"titles": 1}, cache=cache)


def test_a_cache_that_is_a_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="cannot be used as a cache"):
        synthesize([A], Counted(), wanted={"titles": 1}, cache=tmp_path)


def test_wrong_counts_kinds_and_repeated_skills_are_errors() -> None:
    with pytest.raises(ConfigurationError, match="at least 1"):
        synthesize([A], Counted(), wanted={"titles": 0}, cache=None)
    with pytest.raises(ConfigurationError, match="unknown kind of text 'poems'"):
        synthesize([A], Counted(), wanted={"poems": 1}, cache=None)  # type: ignore[dict-item]
    with pytest.raises(ConfigurationError, match="twice"):
        synthesize([A, A], Counted(), wanted={"titles": 1}, cache=None)
    with pytest.raises(ConfigurationError, match="rounds"):
        synthesize([A], Counted(), wanted={"titles": 1}, cache=None, rounds=0)


def test_the_estimate_is_the_sum_over_what_is_not_cached(tmp_path: Path) -> None:
    cache = tmp_path / "texts.sqlite"
    synthesize([A], Counted(), wanted={"titles": 3}, cache=cache)
    costs = estimate_cost(
        [A, B],
        Counted(),
        wanted={"titles": 4, "sentences": 2},
        cache=cache,
        price_input=2.0,
        price_output=8.0,
    )
    asked: list[tuple[Skill, Kind, int]] = [
        (A, "titles", 1),
        (A, "sentences", 2),
        (B, "titles", 4),
        (B, "sentences", 2),
    ]
    tokens_in = sum(round((len(SYSTEM) + len(prompt(*job))) / 4) + 8 for job in asked)
    tokens_out = 10 + 1 * 10 + 10 + 2 * 36 + 10 + 4 * 10 + 10 + 2 * 36
    assert (costs.requests, costs.texts) == (4, 9)
    assert (costs.input_tokens, costs.output_tokens) == (tokens_in, tokens_out)
    assert costs.cost == pytest.approx((tokens_in * 2 + tokens_out * 8) / 1e6)
    assert "4 requests for 9 texts" in str(costs)


def test_an_estimate_makes_no_cache_and_says_where_it_knows_no_price(tmp_path: Path) -> None:
    cache = tmp_path / "none.sqlite"
    costs = estimate_cost([A], Counted(), wanted={"titles": 1}, cache=cache)
    assert (costs.cost, cache.exists()) == (None, False)
    assert "no prices" in str(costs)
    with pytest.raises(ConfigurationError, match="only one price"):
        estimate_cost([A], Counted(), wanted={"titles": 1}, cache=None, price_input=1.0)
    with pytest.raises(ConfigurationError, match="negative"):
        estimate_cost([A], Counted(), wanted={"titles": 1}, cache=None, price_input=-1.0, price_output=1.0)


def test_prompts_hold_what_is_there_and_never_the_other_labels() -> None:
    text = prompt(A, "titles", 5, ["Team Lead"])
    assert "manage staff" in text
    assert "Lead a team." in text
    assert "- Team Lead" in text
    assert "Write 5 " in text
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


def test_lists_are_read_where_they_are_allowed() -> None:
    assert parse_answer('intro\n1. "a b"\n2) c\n- d\n', lists=True) == ["a b", "c", "d"]
    assert parse_answer("no list", lists=True) is None


def test_unknown_generators_and_options_are_errors(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigurationError, match="unknown generator 'oracle': expected one of rules, chat, local"
    ):
        open_generator("oracle")
    with pytest.raises(ConfigurationError, match=r"generator rules: .*sed"):
        open_generator("rules", sed=1)
    with pytest.raises(ConfigurationError, match=r"generator local: .*model"):
        open_generator("local")
    with pytest.raises(ConfigurationError, match="SKILLSEARCH_GENERATOR_MODEL"):
        open_generator("chat")
    with pytest.raises(ModelError, match="no model at"):
        open_generator("local", model=str(tmp_path / "none"))
    assert open_generator("rules", seed=None).name.endswith(":s0")


@pytest.fixture(scope="module")
def causal_folder(tmp_path_factory: pytest.TempPathFactory, taxonomy: Taxonomy) -> Path:
    """A GPT-2 of random weights over the sample's words."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("causal")
    words = sorted({word for skill in taxonomy.skills.values() for word in skill.label.split()})
    vocabulary = {word: index for index, word in enumerate(["<end>", "<unk>", *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<end>", unk_token="<unk>").save_pretrained(
        folder
    )
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=len(vocabulary),
        n_embd=16,
        n_layer=1,
        n_head=2,
        n_positions=96,
        bos_token_id=0,
        eos_token_id=0,
    )
    GPT2LMHeadModel(config).save_pretrained(folder)
    return folder


def test_a_local_model_writes_the_same_every_time(causal_folder: Path) -> None:
    generator = open_generator("local", model=str(causal_folder), device="cpu", max_new_tokens=12)
    first = generator.generate(A, "titles", 3)
    assert first == generator.generate(A, "titles", 3)
    assert len(first) == 1  # a junk continuation of the numbered list that the prompt begins
    assert generator.name.startswith("local:")
    assert causal_folder.name.lower() in generator.name


def test_junk_of_a_local_model_is_a_counted_shortfall(causal_folder: Path, tmp_path: Path) -> None:
    generator = open_generator("local", model=str(causal_folder), device="cpu", max_new_tokens=8)
    done = synthesize([A, B], generator, wanted={"titles": 9}, cache=tmp_path / "c.sqlite", rounds=2)
    assert {(s.uri, s.kind, s.wanted) for s in done.shortfalls} == {
        ("urn:a", "titles", 9),
        ("urn:b", "titles", 9),
    }
    assert all(shortfall.found <= 2 for shortfall in done.shortfalls)


def test_a_local_model_with_a_chat_template_is_asked_for_json(causal_folder: Path, tmp_path: Path) -> None:
    import shutil

    folder = shutil.copytree(causal_folder, tmp_path / "chatty")
    settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    settings["chat_template"] = "{% for m in messages %}{{ m.content }}\n{% endfor %}"
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    generator = open_generator("local", model=str(folder), device="cpu", max_new_tokens=8)
    assert generator.generate(A, "titles", 3) == []  # no JSON
    assert generator.unusable == 1  # type: ignore[attr-defined]


def test_a_folder_that_is_no_language_model_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"junk")
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    generator = open_generator("local", model=str(tmp_path), device="cpu")
    with pytest.raises(ModelError, match="not a causal language model"):
        generator.generate(A, "titles", 3)
