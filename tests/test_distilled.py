"""The distilled cross-encoder: how it is trained, its files, and a search with it."""

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from command import run
from indexing import index_taxonomy

from indexer.reindex import ReindexRequest, reindex
from skillsearch import SkillSearch
from skillsearch.errors import ConfigurationError, ModelError, ModelMismatchError, QueryError
from skillsearch.models.concepts import encode_concepts
from skillsearch.models.manifest import EXPORT, read_manifest
from skillsearch.models.pair import DISTILLED, ENCODER, RERANKER, locate_models
from skillsearch.models.token_scorer import CONFIG
from skillsearch.progress import Advance
from skillsearch.rank.token_table import embed_tokens
from skillsearch.store.embedded import EmbeddedStore
from skillsearch.tasks.demand import DEMAND
from skillsearch.taxonomy.records import Taxonomy
from skillsearch.taxonomy.texts import pair_text, skill_names
from trainer.export.agreement import draw_sample
from trainer.export.run import export_models
from trainer.pair.config import DistilledConfig, configure_pair
from trainer.pair.distil import make_lessons, pad, train_student
from trainer.pair.distilled import distil
from trainer.pair.pairs import Split, split_occupations
from trainer.pair.run import train_pair
from trainer.pair.student import Student
from trainer.run import Target, TrainReport

TINY = DistilledConfig(width=32, layers=1, candidates=4, depth=20, titles=4, epochs=1)


@pytest.fixture(scope="module")
def split(taxonomy: Taxonomy) -> Split:
    return split_occupations(taxonomy, 0.2, 1)


@pytest.fixture(scope="module")
def made(
    exported_models: Path, taxonomy: Taxonomy, split: Split, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, TrainReport]:
    """Exported models with a distilled cross-encoder, and the report of its training; tests only read it."""
    folder = shutil.copytree(exported_models, tmp_path_factory.mktemp("distilled") / "models")
    encoder = locate_models(str(folder)).load_encoder(device="cpu")
    skills = encode_concepts(encoder, [skill_names(skill) for skill in taxonomy.skills.values()])
    report = distil(folder, taxonomy, split, skills, TINY, seed=3, device="cpu")
    return folder, report


@pytest.fixture(scope="module")
def distilled_home(
    made: tuple[Path, TrainReport], taxonomy: Taxonomy, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("home")
    store = EmbeddedStore(folder / "index")
    index_taxonomy(taxonomy, locate_models(str(made[0])).load_encoder(device="cpu"), store)
    store.close()
    return folder


@pytest.fixture
def skills(made: tuple[Path, TrainReport], distilled_home: Path) -> Iterator[SkillSearch]:
    with SkillSearch.open(home=distilled_home, models=str(made[0]), device="cpu") as client:
        yield client


def test_padding_and_company_change_nothing_and_one_side_may_stand_for_all() -> None:
    torch.manual_seed(0)
    student = Student(8, 32, 2, 3).eval()
    titles, skills = torch.randn(5, 4, 8), torch.randn(5, 6, 8)
    some = torch.arange(6) < torch.tensor([6, 2, 3, 1, 5])[:, None]
    all_titles = torch.ones(5, 4, dtype=torch.bool)
    together = student(titles, all_titles, skills, some)
    for row in range(5):
        length = int(some[row].sum())
        one = titles[row : row + 1], all_titles[:1]
        alone = student(*one, skills[row : row + 1, :length], torch.ones(1, length, dtype=torch.bool))
        torch.testing.assert_close(alone[0], together[row], atol=1e-5, rtol=0)
        with_one_title = student(*one, skills, some)
        torch.testing.assert_close(with_one_title[row], together[row], atol=1e-5, rtol=0)
        with_one_skill = student(titles, all_titles, skills[row : row + 1], some[row : row + 1])
        torch.testing.assert_close(with_one_skill[row], together[row], atol=1e-5, rtol=0)


def test_lessons_are_what_the_cross_encoder_says_of_near_skills(
    exported_models: Path, taxonomy: Taxonomy, split: Split
) -> None:
    pair = locate_models(str(exported_models))
    encoder, scorer = pair.load_encoder(device="cpu"), pair.load_reranker(device="cpu", precision="float32")
    vectors = encode_concepts(encoder, [skill_names(skill) for skill in taxonomy.skills.values()])
    lessons = make_lessons(taxonomy, split, encoder, scorer, vectors, TINY, 3)
    held_out = {taxonomy.occupations[uri].label for uri in split.held_out}
    assert not held_out & set(lessons.titles)
    assert len(set(lessons.titles)) == len(lessons.titles) > len(split.train)
    assert lessons.candidates.shape == (len(lessons.titles), TINY.candidates)
    nearest = np.argsort(-(encoder.encode(lessons.titles) @ vectors.T), axis=1)[:, : TINY.depth]
    for row, columns in enumerate(lessons.candidates):
        assert set(columns) <= set(nearest[row])
        assert len(set(columns)) == TINY.candidates
    asked = [pair_text(lessons.titles[2], lessons.labels[column]) for column in lessons.candidates[2]]
    np.testing.assert_allclose(lessons.logits[2], scorer.logits(asked), atol=1e-5)


def test_a_student_learns_what_it_is_taught(exported_models: Path, taxonomy: Taxonomy, split: Split) -> None:
    pair = locate_models(str(exported_models))
    encoder, scorer = pair.load_encoder(device="cpu"), pair.load_reranker(device="cpu", precision="float32")
    vectors = encode_concepts(encoder, [skill_names(skill) for skill in taxonomy.skills.values()])
    config = TINY.model_copy(update={"epochs": 12, "candidates": 8})
    lessons = make_lessons(taxonomy, split, encoder, scorer, vectors, config, 3)
    lengths = np.array([len(label) for label in lessons.labels])[lessons.candidates]  # easily learned
    taught = np.stack([-lengths, 0 * lengths, lengths], axis=2)
    lessons = replace(lessons, logits=(taught / taught.std()).astype(np.float32))
    steps: list[int] = []
    student, curve = train_student(lessons, config, 3, advance=steps.append)
    assert sum(steps) == config.steps(len(lessons.titles)) == curve[-1]["step"]
    again, _ = train_student(lessons, config, 3, advance=steps.append)
    for name, weight in student.state_dict().items():
        assert torch.equal(weight, again.state_dict()[name])
    errors = []
    for title, columns, logits in zip(lessons.titles, lessons.candidates, lessons.logits, strict=True):
        rows = np.array([lessons.skill_tokens.index[lessons.labels[column]] for column in columns])
        asked = pad(lessons.title_tokens, np.array([lessons.title_tokens.index[title]]))
        with torch.inference_mode():
            found = student(*asked, *pad(lessons.skill_tokens, rows)).numpy()
        errors.append(np.square(found - logits).mean())
    spread = np.square(lessons.logits - lessons.logits.mean(axis=(0, 1))).mean()
    assert np.mean(errors) < 0.8 * spread  # what the mean of all logits would miss


def test_it_is_saved_measured_and_exported(made: tuple[Path, TrainReport], taxonomy: Taxonomy) -> None:
    folder, report = made[0] / DISTILLED, made[1]
    assert set(report.metrics[DISTILLED]) == {"rank_correlation", "top_10", "ndcg_loss"}
    assert report.steps[DISTILLED] == report.curves[DISTILLED][-1]["step"]
    export = read_manifest(folder).export
    assert export is not None
    assert export.files["float32"].agreement.difference < 1e-4
    pair = locate_models(str(made[0]))
    encoder = pair.load_encoder(device="cpu")
    scorer = pair.load_distilled(encoder)
    assert scorer.temperature == read_manifest(made[0] / RERANKER).temperature
    title = encoder.encode_tokens(["Nurse"])[0][None]
    table = embed_tokens(encoder, ["care for patients", "weld"])
    found = scorer.logits((title, np.ones(title.shape[:2], dtype=bool)), table.padded(np.array([0, 1])))
    assert found.shape == (2, 3)
    assert np.isfinite(found).all()


def test_a_training_makes_it_and_tells_of_it(bert_base: Path, taxonomy: Taxonomy, tmp_path: Path) -> None:
    config = configure_pair(
        "compact",
        values={
            "encoder": {"base": str(bert_base)},
            "reranker": {"base": str(bert_base)},
            "distilled": TINY.model_dump(),
        },
        assignments=["max_steps=1", "precision=float32"],
    )
    report = train_pair(taxonomy, config, Target(tmp_path / "models", "cpu"))
    manifest = json.loads((tmp_path / "models" / "manifest.json").read_text(encoding="utf-8"))
    assert set(report.steps) == {ENCODER, RERANKER, DISTILLED} == set(manifest["fingerprints"])
    assert manifest["config"]["distilled"] == TINY.model_dump()
    assert "`distilled/` is a small cross-encoder" in (tmp_path / "models" / "README.md").read_text("utf-8")
    pair = locate_models(str(tmp_path / "models"))
    encoder = pair.load_encoder(device="cpu")
    assert pair.default_reranker(encoder) == "distilled"
    assert pair.load_distilled(encoder).folder.fingerprint == manifest["fingerprints"][DISTILLED]


def test_it_is_the_default_of_a_search_and_gives_classes(skills: SkillSearch) -> None:
    result = skills.search("Nurse", limit=10)
    assert result.rerank == "distilled"
    assert all(hit.probabilities for hit in result)
    assert [hit.score for hit in result] == sorted((hit.score for hit in result), reverse=True)
    assert skills.search("Nurse", limit=10, rerank="distilled").hits == result.hits
    likely = skills.search("Nurse", limit=10, min_probability=0.5)
    assert all(hit.probabilities is not None for hit in likely)
    with pytest.raises(QueryError, match="no cross-encoder in this client: open one with rerank="):
        skills.search("Nurse", rerank="cross-encoder")


def test_occupations_for_a_skill_are_scored_with_the_skill_as_the_skill(
    skills: SkillSearch, made: tuple[Path, TrainReport]
) -> None:
    skill = skills.search("Nurse", limit=1)[0]
    found = skills.titles_for(skill.uri, limit=20).hits
    hits = [hit for hit in found if hit.probability != 1]  # what the taxonomy links is certain
    assert hits
    engine = skills._engine
    encoder = engine.encoder
    scorer = locate_models(str(made[0])).load_distilled(encoder)
    tokens = encoder.encode_tokens([skill.label])[0][None]
    known = tokens, np.ones(tokens.shape[:2], dtype=bool)
    table = embed_tokens(encoder, [hit.label for hit in hits])
    logits = scorer.logits(table.padded(np.arange(len(hits))), known) / scorer.temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    likely = 1 - powers[:, 0] / powers.sum(axis=1)
    assert [hit.probability for hit in hits] == pytest.approx(likely.tolist(), abs=2e-3)


def test_the_whole_cross_encoder_stays_available(
    made: tuple[Path, TrainReport], distilled_home: Path, exported_models: Path
) -> None:
    with SkillSearch.open(
        home=distilled_home, models=str(made[0]), device="cpu", rerank="cross-encoder"
    ) as client:
        assert client.search("Nurse").rerank == "cross-encoder"
        with pytest.raises(QueryError, match="no distilled reranker in this client"):
            client.search("Nurse", rerank="distilled")
    pair = locate_models(str(exported_models))
    encoder = pair.load_encoder(device="cpu")
    assert pair.default_reranker(encoder) == "cross-encoder"
    with pytest.raises(ModelError, match="has no distilled reranker: train the models again"):
        pair.load_distilled(encoder)
    with pytest.raises(ConfigurationError, match="not for the reranker distilled"):
        SkillSearch.open(
            home=distilled_home, models=str(made[0]), rerank="distilled", blender="blend.safetensors"
        )


def test_a_missing_foreign_or_broken_part_is_told(made: tuple[Path, TrainReport], tmp_path: Path) -> None:
    folder = shutil.copytree(made[0], tmp_path / "models")
    encoder = locate_models(str(folder)).load_encoder(device="cpu")
    config = folder / DISTILLED / CONFIG
    values = json.loads(config.read_text(encoding="utf-8"))
    config.write_text(json.dumps(values | {"encoder": "0" * 16}), encoding="utf-8")
    with pytest.raises(ModelMismatchError, match="reads the tokens of encoder 0000"):
        locate_models(str(folder)).load_distilled(encoder)
    config.write_text("{", encoding="utf-8")
    with pytest.raises(ModelError, match=r"config\.json"):
        locate_models(str(folder)).load_distilled(encoder)
    config.unlink()
    with pytest.raises(ModelError, match="it is no distilled reranker"):
        locate_models(str(folder)).load_distilled(encoder)
    shutil.copy(made[0] / DISTILLED / CONFIG, config)
    next((folder / DISTILLED / EXPORT).iterdir()).write_bytes(b"other")
    with pytest.raises(ModelError, match="is broken or foreign"):
        locate_models(str(folder)).load_distilled(encoder)


def test_the_smallest_export_carries_it(
    made: tuple[Path, TrainReport], taxonomy: Taxonomy, distilled_home: Path, tmp_path: Path
) -> None:
    output = tmp_path / "smallest"
    report = export_models(locate_models(str(made[0])), draw_sample(taxonomy), output=output, smallest=True)
    assert set(report.models) == {ENCODER, RERANKER, DISTILLED}
    assert not list(output.rglob("*.safetensors"))
    with SkillSearch.open(home=distilled_home, models=str(output), device="cpu") as client:
        assert client.search("Nurse", limit=5).rerank == "distilled"


def test_a_reindex_prepares_tokens_and_demand_so_that_the_first_search_does_not_wait(
    made: tuple[Path, TrainReport], tmp_path: Path
) -> None:
    stages: list[str] = []

    def progress(stage: str, total: int | None = None) -> Advance:
        stages.append(stage)
        return lambda _: None

    with closing(EmbeddedStore(tmp_path / "index")) as store:
        reindex(ReindexRequest(models=str(made[0]), sample=True, home=tmp_path), store, progress)
    assert stages[-2:] == ["embed tokens", "prepare searches"]
    kept = {path.name: path.read_bytes() for path in tmp_path.rglob("*.json") if "index" not in path.parts}
    assert set(kept) == {DEMAND, "vocabulary.json", "skills.json", "occupations.json"}
    stages.clear()
    with SkillSearch.open(home=tmp_path, models=str(made[0]), progress=progress) as client:
        assert client.search("Nurse").rerank == "distilled"
        client.extract("You administer databases.")
    assert "embed tokens" not in stages
    assert all(
        path.read_bytes() == kept[path.name] for path in tmp_path.glob("**/*.json") if path.name in kept
    )


def test_the_command_searches_with_it(made: tuple[Path, TrainReport], distilled_home: Path) -> None:
    done = run("search", "Nurse", "--json", home=distilled_home, SKILLSEARCH_MODELS=str(made[0]))
    assert json.loads(done.stdout)["rerank"] == "distilled"
