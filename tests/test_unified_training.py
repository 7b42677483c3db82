"""Training on a data set of four spaces, with a tiny model."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer

from skillsearch.errors import ConfigurationError, ModelError, TrainingError
from skillsearch.models.manifest import Interaction, ModelManifest, read_manifest
from skillsearch.models.pair import ENCODER, RECORD
from skillsearch.models.torch import load_encoder
from skillsearch.progress import Advance
from skillsearch.taxonomy.records import Taxonomy
from trainer.run import Target
from trainer.unified.config import PRESETS, UnifiedConfig, configure_unified
from trainer.unified.graph import GraphManifest, WorkGraph, tidy_edges
from trainer.unified.losses import ABSENT
from trainer.unified.run import train_unified
from trainer.unified.sampling import COLUMNS, draw, training_dataset
from trainer.unified.train import VALIDATION_MEASURE


@pytest.fixture(scope="module")
def graph(taxonomy: Taxonomy) -> WorkGraph:
    """Twelve skills; the last has no edge, and the one before no variant."""
    skills = list(taxonomy.skills.values())[:12]
    labels = [skill.label for skill in skills]
    titles = tuple(f"{label} specialist" for label in labels[:6])
    sentences = tuple(f"you have experience with {label}" for label in labels[:11])
    variants = tuple(f"{label} work" for label in labels[:10])
    return WorkGraph(
        GraphManifest(taxonomy="sample", version="1", language="en"),
        tuple(skill.uri for skill in skills),
        {"skills": tuple(labels), "titles": titles, "sentences": sentences, "variants": variants},
        {
            "titles": tidy_edges([(i, i % 6) for i in range(11)] + [(0, 1), (0, 2)]),
            "sentences": tidy_edges([(i, i) for i in range(11)]),
            "variants": tidy_edges([(i, i) for i in range(10)]),
        },
    )


@pytest.fixture
def config(bert_base: Path) -> UnifiedConfig:
    return configure_unified(
        values={
            "base": str(bert_base),
            "batch_size": 6,
            "mini_batch_size": 4,
            "max_steps": 4,
            "checkpoint_steps": 2,
            "precision": "float32",
            "learning_rate": 1e-3,
        }
    )


def test_every_skill_with_an_edge_is_drawn_before_one_comes_again(graph: WorkGraph) -> None:
    columns = draw(graph, 27, affix_probability=0.5, seed=1)
    skills = columns["skill"].tolist()
    assert sorted(skills[:11]) == sorted(skills[11:22]) == list(range(11))
    assert skills[:11] != skills[11:22]
    assert max(Counter(skills).values()) == 3
    same, other = (draw(graph, 27, affix_probability=0.5, seed=seed) for seed in (1, 2))
    assert all(np.array_equal(columns[name], same[name]) for name in columns)
    assert not all(np.array_equal(columns[name], other[name]) for name in columns)
    for name, side in zip(COLUMNS[1:], ("titles", "sentences", "variants"), strict=True):
        edges = {tuple(pair) for pair in graph.edges[side].tolist()}
        for skill, node in zip(skills, columns[name].tolist(), strict=True):
            assert (skill, node) in edges or (node == ABSENT and not graph.degrees(side)[skill])
    assert columns["variant"][columns["skill"] == 10].tolist() == [ABSENT] * skills.count(10)


def test_neighbours_are_drawn_evenly(graph: WorkGraph) -> None:
    columns = draw(graph, 11 * 600, affix_probability=0.8, seed=2)
    counts = Counter(columns["title"][columns["skill"] == 0].tolist())
    assert set(counts) == {0, 1, 2}
    assert all(150 < count < 250 for count in counts.values())
    places = Counter(columns["place"].tolist())
    assert places[0] / len(columns["place"]) == pytest.approx(0.2, abs=0.03)
    assert places[1] == pytest.approx(places[2], rel=0.1)


def test_texts_of_a_row(graph: WorkGraph) -> None:
    columns = {
        "skill": np.array([0, 1, 10, 2]),
        "title": np.array([1, 1, 4, 2]),
        "sentence": np.array([0, 1, 10, ABSENT]),
        "variant": np.array([0, 1, ABSENT, 2]),
        "filler": np.array([5, 6, 7, 8]),
        "place": np.array([0, 1, 2, 1]),
    }
    rows = training_dataset(graph, columns)[:]
    sentences = graph.texts["sentences"]
    assert rows["skill"][2] == graph.texts["skills"][10]
    assert rows["title"][0] == graph.texts["titles"][1]
    assert rows["sentence"] == [
        sentences[0],
        f"{sentences[6]} {sentences[1]}",
        f"{sentences[10]} {sentences[7]}",
        "",
    ]
    assert rows["variant"][2] == ""
    assert rows["label"][1] == [1, 1, 1, 1]
    assert list(rows)[:4] == list(COLUMNS)


def test_training_changes_the_transformer_and_not_the_head(
    graph: WorkGraph, config: UnifiedConfig, tmp_path: Path
) -> None:
    report = train_unified(graph, config, Target(tmp_path / "unified", "cpu"))
    assert report.steps == {ENCODER: 4}
    manifest = json.loads((tmp_path / "unified" / RECORD).read_text())
    assert manifest["preset"] == "unified-compact"
    assert manifest["config"]["titles"] == {"weight": 1.0, "temperature": 0.05}
    assert manifest["data"]["fingerprint"] == graph.fingerprint
    assert "skills without edges" in (tmp_path / "unified" / "README.md").read_text()
    model = SentenceTransformer(str(tmp_path / "unified" / ENCODER), device="cpu")
    head = model.state_dict()["2.linear.weight"]  # (1024, 32), still an isometry
    torch.testing.assert_close(head.T @ head, torch.eye(head.shape[1]), atol=1e-5, rtol=0)
    encoder = load_encoder(str(tmp_path / "unified" / ENCODER), device="cpu")
    assert encoder.encode(["a text"]).shape == (1, 1024)
    interaction = Interaction(temperature=20.0, length_normalised=True)
    found = read_manifest(tmp_path / "unified" / ENCODER)
    assert found == ModelManifest(dimension=1024, max_length=64, interaction=interaction, export=found.export)
    assert found.export is not None
    assert "titles of sample 1 (en), which were trained on" in found.export.measured_on
    as_trained = config.model_copy(update={"reading_temperature": None, "max_steps": 1})
    train_unified(graph, as_trained, Target(tmp_path / "as-trained", "cpu"))
    assert read_manifest(tmp_path / "as-trained" / ENCODER).interaction.temperature == 1.0


def test_it_learns(graph: WorkGraph, config: UnifiedConfig, tmp_path: Path) -> None:
    longer = config.model_copy(update={"max_steps": 30, "affix_probability": 0.0})
    report = train_unified(graph, longer, Target(tmp_path / "unified", "cpu"))
    losses = [point["loss"] for point in report.curves[ENCODER] if "loss" in point]
    assert np.mean(losses[-5:]) < 0.75 * np.mean(losses[:5])


def stopping(_stage: str, _total: int | None = None, /) -> Advance:
    """Progress that stops a training at the third step, before a checkpoint of it is written."""
    steps = iter(range(2))

    def advance(done: int, _note: str = "", /) -> None:
        if done and next(steps, None) is None:
            raise KeyboardInterrupt

    return advance


def test_a_stopped_run_goes_on_to_the_same_weights(
    graph: WorkGraph, config: UnifiedConfig, tmp_path: Path
) -> None:
    train_unified(graph, config, Target(tmp_path / "whole", "cpu"))
    with pytest.raises(KeyboardInterrupt):
        train_unified(graph, config, Target(tmp_path / "parts", "cpu"), progress=stopping)
    assert not (tmp_path / "parts").exists()
    report = train_unified(graph, config, Target(tmp_path / "parts", "cpu"))
    assert report.resumed_from == {ENCODER: 2}
    whole, parts = _weights(tmp_path / "whole"), _weights(tmp_path / "parts")
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_dropout_is_the_bases_own_or_that_of_the_configuration(
    graph: WorkGraph, config: UnifiedConfig, tmp_path: Path
) -> None:
    for name, dropout in (("none", 0.0), ("own", None), ("same", 0.1)):  # 0.1 is the base's
        train_unified(graph, config.model_copy(update={"dropout": dropout}), Target(tmp_path / name, "cpu"))
    none, own, same = (_weights(tmp_path / name) for name in ("none", "own", "same"))
    assert all(torch.equal(own[name], same[name]) for name in own)
    assert not all(torch.equal(own[name], none[name]) for name in own)
    saved = json.loads((tmp_path / "none" / ENCODER / "config.json").read_text())
    assert saved["hidden_dropout_prob"] == 0.1


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    return SentenceTransformer(str(folder / ENCODER), device="cpu").state_dict()


def test_a_run_on_other_data_does_not_go_on(graph: WorkGraph, config: UnifiedConfig, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        train_unified(graph, config, Target(tmp_path / "run", "cpu"), progress=stopping)
    texts = dict(graph.texts) | {"titles": tuple(text.upper() for text in graph.texts["titles"])}
    other = WorkGraph(graph.manifest, graph.uris, texts, graph.edges)
    with pytest.raises(TrainingError, match="unfinished run with another graph"):
        train_unified(other, config, Target(tmp_path / "run", "cpu"))


def test_a_loss_that_is_not_a_number_is_told(graph: WorkGraph, config: UnifiedConfig, tmp_path: Path) -> None:
    wild = config.model_copy(update={"learning_rate": 1e30, "warmup_ratio": 0.0, "max_steps": 40})
    with pytest.raises(TrainingError, match=r"the loss is (nan|inf) at step \d+: lower the learning rate"):
        train_unified(graph, wild, Target(tmp_path / "unified", "cpu"))
    assert not (tmp_path / "unified").exists()


def test_validation_keeps_the_best_checkpoint(
    graph: WorkGraph, config: UnifiedConfig, tmp_path: Path
) -> None:
    from sentence_transformers.base.evaluation import BaseEvaluator

    class Falling(BaseEvaluator):
        """Says that every update makes it worse."""

        def __init__(self) -> None:
            super().__init__()  # type: ignore[no-untyped-call]
            self.primary_metric = VALIDATION_MEASURE
            self.calls = 0

        def __call__(self, *_: object, **__: object) -> dict[str, float]:
            self.calls += 1
            return {VALIDATION_MEASURE: 1.0 / self.calls}

    validated = config.model_copy(update={"eval_steps": 2})
    report = train_unified(graph, validated, Target(tmp_path / "unified", "cpu"), validation=Falling())
    assert report.kept_steps == {ENCODER: 2}
    name = f"validation_{VALIDATION_MEASURE}"
    assert [point[name] for point in report.curves[ENCODER] if name in point] == [1.0, 0.5]


def test_presets_are_the_papers_numbers() -> None:
    large, compact = PRESETS["large"], PRESETS["compact"]
    assert (large.batch_size, large.learning_rate, large.warmup_ratio) == (512, 8e-5, 0.1)
    assert (large.max_length, large.affix_probability, large.eval_steps) == (64, 0.8, 50)
    for preset in (large, compact):
        sides = (preset.titles, preset.sentences, preset.variants)
        assert [side.weight for side in sides] == [1.0, 0.5, 0.5]
        assert [side.temperature for side in sides] == [0.05, 0.02, 0.02]
    assert compact.max_steps == 600


def test_wrong_choices_are_clear(graph: WorkGraph, config: UnifiedConfig, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="unknown preset 'huge'"):
        configure_unified("huge")
    with pytest.raises(ConfigurationError, match=r"titles\.temperature"):
        configure_unified(assignments=["titles.temperature=0"])
    with pytest.raises(ConfigurationError, match="interaction: this option was removed, found 'cosine'"):
        configure_unified(values={"interaction": "cosine"})
    assert configure_unified(values={"interaction": "soft", "average_ratio": 0.0}) == PRESETS["compact"]
    (tmp_path / "there").mkdir()
    with pytest.raises(TrainingError, match="exists already"):
        train_unified(graph, config, Target(tmp_path / "there", "cpu"))
    nowhere = config.model_copy(update={"base": str(tmp_path / "nowhere")})
    with pytest.raises(ModelError, match="no model at"):
        train_unified(graph, nowhere, Target(tmp_path / "unified", "cpu"))
