"""Training: what the models are trained on, that they learn, and what a run leaves behind."""

import csv
import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from skillsearch.errors import ConfigurationError, ModelError, TrainingError
from skillsearch.models.hub import fingerprint
from skillsearch.models.manifest import ModelManifest, read_manifest
from skillsearch.models.pair import ENCODER, RERANKER, locate_models
from skillsearch.taxonomy.records import Occupation, Relation, RelationKind, Skill, Taxonomy
from trainer.bases import new_encoder
from trainer.config import assigned, read_config
from trainer.pair.config import PRESETS, EncoderConfig, PairConfig, RerankerConfig, configure_pair
from trainer.pair.heldout import (
    RETRIEVAL_MEASURES,
    classification_metrics,
    confusion,
    majority_macro_f1,
    retrieval_metrics,
)
from trainer.pair.pairs import (
    Split,
    encoder_pairs,
    mine_hard_negatives,
    relation_matrix,
    reranker_triples,
    split_occupations,
)
from trainer.pair.run import train_pair
from trainer.run import Target, TrainReport


def small() -> Taxonomy:
    """Four occupations that need skills of their own number; 0 and 3 share a title in another case."""
    kinds: list[tuple[int, int, RelationKind]] = [
        (0, 0, "essential"),
        (0, 1, "essential"),
        (0, 2, "optional"),
        (0, 3, "optional"),
        (1, 1, "essential"),
        (2, 4, "essential"),
        (3, 5, "essential"),
        (3, 6, "optional"),
    ]
    titles = {0: ("baker", "bread maker"), 1: ("cook",), 2: ("BREAD MAKER", "miller"), 3: ("welder", "Cook")}
    return Taxonomy(
        name="small",
        version="1",
        language="en",
        skills={f"s{n}": Skill(f"s{n}", f"skill {n}", (f"alias {n}",)) for n in range(9)},
        occupations={f"o{n}": Occupation(f"o{n}", names[0], names[1:]) for n, names in titles.items()},
        relations=tuple(Relation(f"o{o}", f"s{s}", kind) for o, s, kind in kinds),
        groups={},
        isco_groups={},
    )


def encoder(**options: float) -> EncoderConfig:
    return EncoderConfig.model_validate({"base": "none"} | options)


def reranker(**options: float) -> RerankerConfig:
    return RerankerConfig.model_validate({"base": "none"} | options)


def test_occupations_are_split_by_seed(taxonomy: Taxonomy) -> None:
    split = split_occupations(taxonomy, 0.1, seed=1)
    assert not set(split.train) & set(split.held_out)
    assert set(split.train) | set(split.held_out) == set(taxonomy.relations_by_occupation)
    assert len(split.held_out) == 4
    assert split == split_occupations(taxonomy, 0.1, seed=1) != split_occupations(taxonomy, 0.1, seed=2)
    assert len(split_occupations(small(), 0.01, seed=1).held_out) == 1
    assert len(split_occupations(small(), 0.99, seed=1).train) == 1
    three = split_occupations(taxonomy, 0.1, 1, validation=0.1)
    assert three.held_out == split.held_out
    assert set(three.train) | set(three.validation) == set(split.train)
    assert not set(three.train) & set(three.validation)
    assert len(three.validation) == 4


def test_a_split_needs_two_occupations() -> None:
    taxonomy = small()
    alone = Taxonomy("x", "1", "en", taxonomy.skills, taxonomy.occupations, taxonomy.relations[:2], {}, {})
    with pytest.raises(TrainingError, match="1 occupations with skills, at least 2"):
        split_occupations(alone, 0.5, seed=1)


def test_pairs_have_every_canonical_one_and_no_held_out_title() -> None:
    split = Split(train=("o0", "o1", "o3"), held_out=("o2",))
    pairs = encoder_pairs(small(), split, encoder(optional_ratio=0.5), 3)
    titles = {pair.title for pair in pairs}
    texts = {(pair.title, pair.skill) for pair in pairs}
    assert titles <= {"baker", "cook", "welder", "Cook"}  # "bread maker" is a title of o2
    essential = {("baker", "skill 0"), ("baker", "skill 1"), ("cook", "skill 1"), ("welder", "skill 5")}
    assert essential <= texts
    optional = {("baker", "skill 2"), ("baker", "skill 3"), ("welder", "skill 6")}
    assert len(optional & texts) == 2  # half of the four essential ones
    assert len(pairs) == len(set(pairs))


def test_an_occupation_that_lost_its_titles_is_left_out() -> None:
    split = Split(train=("o1", "o0"), held_out=("o3",))  # o3 is a "Cook" too, and "cook" is all that o1 has
    pairs = encoder_pairs(small(), split, encoder(optional_ratio=0), 3)
    assert {pair.title for pair in pairs} <= {"baker", "bread maker"}
    config = reranker(optional_ratio=0, random_negatives=1)
    triples = reranker_triples(small(), split, split.train, {}, config, 3)
    assert {title for title, _, _ in triples} <= {"baker", "bread maker"}
    with pytest.raises(TrainingError, match="no pairs"):
        encoder_pairs(small(), Split(train=("o1",), held_out=("o3",)), encoder(optional_ratio=0), 3)


def test_triples_have_their_class_and_negatives_are_never_related() -> None:
    taxonomy, split = small(), Split(train=("o0", "o3"), held_out=("o1",))
    config = reranker(optional_ratio=1.0, random_negatives=3)
    triples = reranker_triples(taxonomy, split, split.train, {"o0": ["s8"]}, config, 1)
    assert Counter(label for _, _, label in triples) == {2: 3, 1: 3, 0: 7}
    related = {"baker": {0, 1, 2, 3}, "bread maker": {0, 1, 2, 3}, "welder": {5, 6}}
    for title, skill, label in triples:
        assert (int(skill.removeprefix("skill ")) in related[title]) == (label > 0)
    assert ("baker", "skill 8", 0) in triples or ("bread maker", "skill 8", 0) in triples
    config = reranker(optional_ratio=1.0, random_negatives=100)
    held_out = reranker_triples(taxonomy, split, split.held_out, {}, config, 1)
    assert Counter(label for _, _, label in held_out) == {2: 1, 0: 8}


def test_hard_negatives_are_near_and_not_related() -> None:
    taxonomy = small()
    # the nearer the lower the number; o3 needs s5 and s6
    skills = np.array([[1 - n / 10, 0] for n in range(9)], dtype=np.float32)
    title = np.array([[1, 0]], dtype=np.float32)
    three, two = (reranker(hard_negatives=count, mining_depth=3) for count in (3, 2))
    mined = mine_hard_negatives(taxonomy, ["o3"], title, skills, three, 1)
    assert sorted(mined["o3"]) == ["s0", "s1", "s2"]
    mined = mine_hard_negatives(taxonomy, ["o0"], title, skills, two, 1)
    assert set(mined["o0"]) < {"s4", "s5", "s6"}
    assert mined == mine_hard_negatives(taxonomy, ["o0"], title, skills, two, 1)


def test_the_relation_matrix_names_each_pair() -> None:
    taxonomy = small()
    related = relation_matrix(taxonomy)
    assert related.shape == (4, 9)
    assert related.sum() == 8
    split = Split(train=("o0", "o1", "o3"), held_out=("o2",))
    for pair in encoder_pairs(taxonomy, split, encoder(optional_ratio=1, alias_pairs=3), 3):
        assert related[pair.row, pair.column]
        assert pair.skill in {f"skill {pair.column}", f"alias {pair.column}"}


def test_without_alias_pairs_only_canonical_ones_are_left() -> None:
    split = Split(train=("o0", "o3"), held_out=("o1",))
    pairs = encoder_pairs(small(), split, encoder(optional_ratio=0, alias_pairs=0), 3)
    assert sorted((pair.title, pair.skill) for pair in pairs) == [
        ("baker", "skill 0"),
        ("baker", "skill 1"),
        ("welder", "skill 5"),
    ]


def test_no_title_or_alias_is_on_both_sides(taxonomy: Taxonomy) -> None:
    """Leakage through aliases: of the sample, with an occupation added that shares one in another case."""
    first, second = list(taxonomy.relations_by_occupation)[:2]
    shared = taxonomy.occupations[second].label.upper()
    occupations = dict(taxonomy.occupations)
    occupations[first] = replace(
        occupations[first], alt_labels=(*occupations[first].alt_labels, f" {shared}  ")
    )
    taxonomy = replace(taxonomy, occupations=occupations)
    for seed in range(5):
        split = split_occupations(taxonomy, 0.3, seed, validation=0.2)
        outside = {
            " ".join(title.split()).casefold()
            for uri in split.held_out + split.validation
            for title in (taxonomy.occupations[uri].label, *taxonomy.occupations[uri].alt_labels)
        }
        pairs = encoder_pairs(taxonomy, split, encoder(optional_ratio=1, alias_pairs=5), seed)
        triples = reranker_triples(taxonomy, split, split.train, {}, reranker(optional_ratio=1), seed)
        titles = {pair.title for pair in pairs} | {title for title, _, _ in triples}
        assert titles
        assert not {title.casefold() for title in titles} & outside


def test_figures_of_a_classifier() -> None:
    labels = np.array([2, 2, 1, 0])
    # always 2: precision 1/2, recall 1, F1 2/3; the others 0
    assert majority_macro_f1(labels) == pytest.approx(2 / 9)
    scores = classification_metrics(np.eye(3)[[2, 2, 2, 2]], labels)
    assert scores == {"macro_f1": pytest.approx(2 / 9), "accuracy": 0.5}
    # 2: precision 1, recall 1/2, F1 2/3; 1: precision 1/2, recall 1, F1 2/3; 0: F1 1
    scores = classification_metrics(np.eye(3)[[2, 1, 1, 0]], labels)
    assert scores == {"macro_f1": pytest.approx(7 / 9), "accuracy": 0.75}
    assert confusion(np.eye(3)[[2, 1, 1, 0]], labels) == [[1, 0, 0], [0, 1, 0], [0, 1, 1]]


def test_the_card_presets() -> None:
    for name in ("large", "compact-card"):
        encoder, reranker = PRESETS[name].encoder, PRESETS[name].reranker
        assert (encoder.batch_size, encoder.epochs, encoder.learning_rate) == (64, 3, 5e-5)
        assert (encoder.max_length, encoder.scale, encoder.loss) == (64, 20.0, "ranking")
        assert (encoder.warmup_ratio, encoder.optional_ratio, encoder.eval_steps) == (0.1, 0.5, 500)
        assert (encoder.max_steps, encoder.both_directions, encoder.base_weight) == (None, False, 0.0)
        assert (reranker.batch_size, reranker.epochs, reranker.learning_rate) == (32, 3, 2e-5)
        assert (reranker.max_length, reranker.warmup_ratio, reranker.optional_ratio) == (128, 0.1, 0.5)
        assert (reranker.hard_negatives, reranker.random_negatives) == (5, 10)
        assert PRESETS[name].seed == 42
    large = PRESETS["large"]
    assert large.encoder.base == "jjzha/esco-xlm-roberta-large"
    assert large.reranker.base == "cross-encoder/ms-marco-MiniLM-L-12-v2"
    assert configure_pair("large") == large


def test_every_number_can_be_changed(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text('preset = "large"\nseed = 7\n[encoder]\nlearning_rate = 1e-4\nepochs = 2\n')
    values = read_config(path)
    config = configure_pair(
        values=values, assignments=["encoder.epochs=5", "reranker.base=x/y", "encoder.eval_steps=none"]
    )
    assert (config.preset, config.seed, config.encoder.learning_rate) == ("large", 7, 1e-4)
    assert (config.encoder.epochs, config.encoder.eval_steps, config.reranker.base) == (5, None, "x/y")
    assert configure_pair("compact", values=values).preset == "compact"
    both = configure_pair(values=values, assignments=["max_steps=8", "reranker.max_steps=9"])
    assert (both.encoder.max_steps, both.reranker.max_steps) == (8, 9)
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"config": config.model_dump(mode="json")}))
    assert configure_pair(values=read_config(manifest)) == config


def test_the_manifest_of_an_earlier_version_configures_where_removed_options_were_off(tmp_path: Path) -> None:
    values = PRESETS["compact"].model_dump(mode="json")
    values["encoder"] |= {"average_ratio": 0.0, "frequency_correction": False, "description_ratio": 0.0}
    values["reranker"] |= {"average_ratio": 0.0, "from_encoder": False}
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"config": values}))
    assert configure_pair(values=read_config(manifest)) == PRESETS["compact"]


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("encoder.epochs=0", "encoder.epochs: Input should be greater than 0, found 0"),
        ("encoder.learning_rate=nan", "encoder.learning_rate"),
        ("encoder.speed=1", "encoder.speed: there is no such option"),
        ("encoder", "expected NAME=VALUE"),
        ("holdout=1.0", "holdout"),
        ("validation=0.95", "leave nothing to train on"),
        ("reranker.hard_negatives=many", "reranker.hard_negatives"),
        ("encoder.average_ratio=0.5", "encoder.average_ratio: this option was removed, found 0.5"),
        ("reranker.from_encoder=true", "reranker.from_encoder: this option was removed, found True"),
    ],
)
def test_a_wrong_value_is_told(assignment: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        configure_pair("large", assignments=[assignment])


def test_a_wrong_preset_or_file_is_told(tmp_path: Path) -> None:
    for name, message in (("skillscout", "searched with"), ("none", "expected one of compact, compact-card")):
        with pytest.raises(ConfigurationError, match=message):
            configure_pair(name)
    broken = tmp_path / "broken.toml"
    broken.write_text("seed = = 1")
    with pytest.raises(ConfigurationError, match=re.escape(str(broken))):
        read_config(broken)
    with pytest.raises(ConfigurationError, match=r"missing\.json"):
        read_config(tmp_path / "missing.json")
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(ConfigurationError, match="valid dictionary"):
        read_config(tmp_path / "list.json")


def tiny(encoder_base: Path, reranker_base: Path, *assignments: str, steps: int) -> PairConfig:
    return configure_pair(
        "compact-card",
        values={
            "precision": "float32",
            "encoder": {"base": str(encoder_base), "eval_steps": None},
            "reranker": {"base": str(reranker_base)},
        },
        assignments=[*assignments, f"max_steps={steps}"],
    )


def train(taxonomy: Taxonomy, config: PairConfig, output: Path, *, overwrite: bool = False) -> TrainReport:
    return train_pair(taxonomy, config, Target(output, "cpu", overwrite=overwrite))


@pytest.mark.parametrize("base", ["bert_base", "xlm_roberta_base"])
def test_a_run_leaves_models_and_a_manifest(
    base: str, request: pytest.FixtureRequest, bert_base: Path, taxonomy: Taxonomy, tmp_path: Path
) -> None:
    config = tiny(request.getfixturevalue(base), bert_base, steps=2)
    output = tmp_path / "models"
    idle = Occupation("https://example.org/idle", "idle job")
    taxonomy = replace(taxonomy, occupations={**taxonomy.occupations, idle.uri: idle})
    report = train(taxonomy, config, output)
    manifest = json.loads((output / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["taxonomy"] | {"relations": 0} == {
        "name": "sample",
        "version": "1.0.0",
        "language": "en",
        "skills": 412,
        "occupations": 45,
        "relations": 0,
    }
    assert (manifest["preset"], manifest["seed"]) == ("compact-card", 42)
    assert manifest["steps"] == report.steps == {"encoder": 2, "reranker": 2}
    assert PairConfig.model_validate(manifest["config"]) == config
    assert manifest["metrics"] == report.metrics
    assert set(manifest["libraries"]) >= {"torch", "transformers", "sentence-transformers", "skillsearch"}
    assert manifest["fingerprints"] == {part: fingerprint(output / part) for part in (ENCODER, RERANKER)}
    split = split_occupations(taxonomy, 0.1, 42, validation=0.05)
    assert tuple(manifest["held_out_occupations"]) == split.held_out
    assert tuple(manifest["validation_occupations"]) == split.validation
    assert report.examples["occupations_without_skills"] == 1
    assert set(manifest["metrics"]["encoder"]) == set(RETRIEVAL_MEASURES)
    assert sum(map(sum, manifest["confusion"])) == manifest["examples"]["held_out_triples"]
    temperature = manifest["calibration"]["temperature"]
    assert temperature > 0
    assert configure_pair(values=read_config(output / "manifest.json")) == config
    with (output / "curves" / "encoder.csv").open(encoding="utf-8") as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["1", "2"]
    with (output / "curves" / "reliability.csv").open(encoding="utf-8") as file:
        bins = {row["of"] for row in csv.DictReader(file)}
    assert bins >= {"before", "after", "search_before", "search_after", "similar-skills by none"}
    card = (output / "README.md").read_text(encoding="utf-8")
    for part in ("## Data", "## Recipe", "## Figures", "## Licence", "## Limits"):
        assert part in card
    assert sum(manifest["seconds"].values()) > 0
    pair = locate_models(str(output))
    assert (pair.record.preset, pair.temperature) == ("compact-card", temperature)
    encoder, reranker = (read_manifest(output / name) for name in (ENCODER, RERANKER))
    assert encoder == ModelManifest(dimension=1024, max_length=64, languages=("en",), export=encoder.export)
    assert reranker == ModelManifest(max_length=128, temperature=temperature, export=reranker.export)
    for export in (encoder.export, reranker.export):
        assert export is not None
        assert f"{len(split.held_out)} held-out occupations and " in export.measured_on
    loaded = pair.load_encoder(device="cpu")
    assert loaded.encode(["welder"]).shape == (1, 1024)
    calibration = pair.calibration(loaded.folder, {})
    assert calibration is not None
    assert "none" in calibration.tasks["similar-skills"]
    assert pair.load_reranker(device="cpu", precision="float32").logits([("a", "b")]).shape == (1, 3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["models"]


def test_a_failed_run_replaces_nothing(taxonomy: Taxonomy, bert_base: Path, tmp_path: Path) -> None:
    output = tmp_path / "models"
    output.mkdir()
    (output / "kept").touch()
    good, bad = tiny(bert_base, bert_base, steps=1), tiny(bert_base, tmp_path / "none", steps=1)
    with pytest.raises(TrainingError, match="--force"):
        train(taxonomy, good, output)
    with pytest.raises(ModelError, match="none"):
        train(taxonomy, bad, output, overwrite=True)
    assert [path.name for path in output.iterdir()] == ["kept"]
    (tmp_path / "file").touch()
    with pytest.raises(TrainingError, match="cannot be written"):
        train(taxonomy, good, tmp_path / "file" / "models")
    (tmp_path / "file").unlink()
    train(taxonomy, good, output, overwrite=True)
    assert not (output / "kept").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["models"]


def test_training_learns(taxonomy: Taxonomy, bert_base: Path, tmp_path: Path) -> None:
    """Random weights know nothing; some steps on the sample teach them, measured on what is trained."""
    from sentence_transformers import SentenceTransformer

    rates = (
        "encoder.learning_rate=2e-3",
        "reranker.learning_rate=2e-3",
        "encoder.epochs=20",
        "reranker.epochs=20",
    )
    config = tiny(bert_base, bert_base, *rates, steps=150)
    report = train(taxonomy, config, tmp_path / "models")
    split = split_occupations(taxonomy, config.holdout, config.seed, validation=config.validation)
    trained = SentenceTransformer(str(tmp_path / "models" / ENCODER), device="cpu")
    before = retrieval_metrics(new_encoder(str(bert_base), device="cpu"), taxonomy, split.train)["ndcg@10"]
    after = retrieval_metrics(trained, taxonomy, split.train)["ndcg@10"]
    assert after > max(0.5, before + 0.2)
    assert report.metrics["reranker"]["macro_f1"] > report.metrics["majority_class"]["macro_f1"]


def test_given_vectors_give_the_same_figures(taxonomy: Taxonomy, bert_base: Path) -> None:
    model = new_encoder(str(bert_base), device="cpu")
    occupations = list(taxonomy.relations_by_occupation)[:5]
    skills = np.asarray(model.encode([skill.label for skill in taxonomy.skills.values()]))
    expected = retrieval_metrics(model, taxonomy, occupations)
    assert retrieval_metrics(model, taxonomy, occupations, skills=skills) == pytest.approx(expected)


@pytest.mark.parametrize(("kind", "name"), [("optional", "contextual"), ("essential", "core")])
def test_a_release_without_a_kind_of_relation_is_told(
    kind: str, name: str, taxonomy: Taxonomy, bert_base: Path, tmp_path: Path
) -> None:
    kept = tuple(relation for relation in taxonomy.relations if relation.kind != kind)
    with pytest.raises(TrainingError, match=f"has no {kind} relation.*{name}"):
        train(replace(taxonomy, relations=kept), tiny(bert_base, bert_base, steps=1), tmp_path / "models")
    assert not list(tmp_path.iterdir())


def test_a_loss_that_is_not_a_number_is_told(taxonomy: Taxonomy, bert_base: Path, tmp_path: Path) -> None:
    config = tiny(bert_base, bert_base, "encoder.learning_rate=1e30", "encoder.warmup_ratio=0", steps=40)
    with pytest.raises((TrainingError, ModelError), match=r"is nan|is inf|not finite"):
        train(taxonomy, config, tmp_path / "models")
    assert not (tmp_path / "models").exists()


def test_a_configuration_without_end_is_told(tmp_path: Path) -> None:
    for name, text in (("deep.toml", "x = " + "[" * 100_000), ("deep.json", "[" * 100_000)):
        (tmp_path / name).write_text(text, encoding="utf-8")
        with pytest.raises(ConfigurationError, match=re.escape(name)):
            read_config(tmp_path / name)
    assert assigned("a=" + "[" * 100_000) == {"a": "[" * 100_000}
