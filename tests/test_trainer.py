"""Training: what the models are trained on, that they learn, and what a run leaves behind."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from skillsearch.errors import ConfigurationError, ModelError, TrainingError
from skillsearch.models.folder import ENCODER, RERANKER, locate_models
from skillsearch.models.source import fingerprint
from skillsearch.taxonomy import Occupation, Relation, RelationKind, Skill, Taxonomy
from trainer.config import TrainConfig, preset
from trainer.data import Split, encoder_pairs, reranker_triples, split_occupations
from trainer.evaluation.heldout import classification_metrics, majority_macro_f1, retrieval_metrics
from trainer.negatives import mine_hard_negatives
from trainer.run import train


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


def test_occupations_are_split_by_seed(taxonomy: Taxonomy) -> None:
    split = split_occupations(taxonomy, 0.1, seed=1)
    assert not set(split.train) & set(split.held_out)
    assert set(split.train) | set(split.held_out) == set(taxonomy.relations_by_occupation)
    assert len(split.held_out) == 4
    assert split == split_occupations(taxonomy, 0.1, seed=1) != split_occupations(taxonomy, 0.1, seed=2)
    assert len(split_occupations(small(), 0.01, seed=1).held_out) == 1
    assert len(split_occupations(small(), 0.99, seed=1).train) == 1


def test_a_split_needs_two_occupations() -> None:
    taxonomy = small()
    alone = Taxonomy("x", "1", "en", taxonomy.skills, taxonomy.occupations, taxonomy.relations[:2], {}, {})
    with pytest.raises(TrainingError, match="1 occupations with skills, at least 2"):
        split_occupations(alone, 0.5, seed=1)


def test_pairs_have_every_canonical_one_and_no_held_out_title() -> None:
    split = Split(train=("o0", "o1", "o3"), held_out=("o2",))
    pairs = encoder_pairs(small(), split, optional_ratio=0.5, seed=3)
    titles = {title for title, _ in pairs}
    assert titles <= {"baker", "cook", "welder", "Cook"}  # "bread maker" is a title of o2
    essential = {("baker", "skill 0"), ("baker", "skill 1"), ("cook", "skill 1"), ("welder", "skill 5")}
    assert essential <= set(pairs)
    optional = {("baker", "skill 2"), ("baker", "skill 3"), ("welder", "skill 6")}
    assert len(optional & set(pairs)) == 2  # half of the four essential ones
    assert len(pairs) == len(set(pairs))


def test_an_occupation_that_lost_its_titles_is_left_out() -> None:
    split = Split(train=("o1", "o0"), held_out=("o3",))  # o3 is a "Cook" too, and "cook" is all that o1 has
    pairs = encoder_pairs(small(), split, optional_ratio=0, seed=3)
    assert {title for title, _ in pairs} <= {"baker", "bread maker"}
    triples = reranker_triples(small(), split, split.train, {}, optional_ratio=0, random_negatives=1, seed=3)
    assert {title for title, _, _ in triples} <= {"baker", "bread maker"}
    with pytest.raises(TrainingError, match="no pairs"):
        encoder_pairs(small(), Split(train=("o1",), held_out=("o3",)), optional_ratio=0, seed=3)


def test_triples_have_their_class_and_negatives_are_never_related() -> None:
    taxonomy, split = small(), Split(train=("o0", "o3"), held_out=("o1",))
    triples = reranker_triples(
        taxonomy, split, split.train, {"o0": ["s8"]}, optional_ratio=1.0, random_negatives=3, seed=1
    )
    assert Counter(label for _, _, label in triples) == {2: 3, 1: 3, 0: 7}
    related = {"baker": {0, 1, 2, 3}, "bread maker": {0, 1, 2, 3}, "welder": {5, 6}}
    for title, skill, label in triples:
        assert (int(skill.removeprefix("skill ")) in related[title]) == (label > 0)
    assert ("baker", "skill 8", 0) in triples or ("bread maker", "skill 8", 0) in triples
    held_out = reranker_triples(
        taxonomy, split, split.held_out, {}, optional_ratio=1.0, random_negatives=100, seed=1
    )
    assert Counter(label for _, _, label in held_out) == {2: 1, 0: 8}


def test_hard_negatives_are_near_and_not_related() -> None:
    taxonomy = small()
    # the nearer the lower the number; o3 needs s5 and s6
    skills = np.array([[1 - n / 10, 0] for n in range(9)], dtype=np.float32)
    title = np.array([[1, 0]], dtype=np.float32)
    mined = mine_hard_negatives(taxonomy, ["o3"], title, skills, per_occupation=3, depth=3, seed=1)
    assert sorted(mined["o3"]) == ["s0", "s1", "s2"]
    mined = mine_hard_negatives(taxonomy, ["o0"], title, skills, per_occupation=2, depth=3, seed=1)
    assert set(mined["o0"]) < {"s4", "s5", "s6"}
    assert mined == mine_hard_negatives(taxonomy, ["o0"], title, skills, per_occupation=2, depth=3, seed=1)


def test_macro_f1() -> None:
    triples = [("t", "s", 2), ("t", "s", 2), ("t", "s", 1), ("t", "s", 0)]
    # always 2: precision 1/2, recall 1, F1 2/3; the others 0
    assert majority_macro_f1(triples) == pytest.approx(2 / 9)

    class Always:
        def __init__(self, *labels: int) -> None:
            self.labels = labels

        def predict(self, pairs: list[tuple[str, str]]) -> np.ndarray:
            return np.eye(3)[list(self.labels)]

    scores = classification_metrics(Always(2, 2, 2, 2), triples)  # type: ignore[arg-type]
    assert scores == {"macro_f1": pytest.approx(2 / 9), "accuracy": 0.5}
    # 2: precision 1, recall 1/2, F1 2/3; 1: precision 1/2, recall 1, F1 2/3; 0: F1 1
    scores = classification_metrics(Always(2, 1, 1, 0), triples)  # type: ignore[arg-type]
    assert scores == {"macro_f1": pytest.approx(7 / 9), "accuracy": 0.75}


def test_presets() -> None:
    large = preset("large")
    assert large.encoder.model_dump() == {
        "base": "jjzha/esco-xlm-roberta-large",
        "max_length": 64,
        "batch_size": 64,
        "epochs": 3,
        "max_steps": None,
        "learning_rate": 5e-5,
        "warmup_ratio": 0.1,
        "scale": 20.0,
        "optional_ratio": 0.5,
    }
    reranker = large.reranker
    assert (reranker.base, reranker.batch_size) == ("cross-encoder/ms-marco-MiniLM-L-12-v2", 32)
    assert (reranker.epochs, reranker.learning_rate, reranker.max_length) == (3, 2e-5, 128)
    assert reranker.hard_negatives == 5
    changed = preset("compact", encoder_base="x", max_steps=7, seed=1, holdout=0.2)
    assert (changed.encoder.base, changed.reranker.max_steps, changed.seed) == ("x", 7, 1)
    for name, message in (("skillscout", "searched with"), ("none", "expected one of compact, large")):
        with pytest.raises(ConfigurationError, match=message):
            preset(name)
    for holdout in (0.0, 1.0):
        with pytest.raises(ConfigurationError, match="holdout"):
            preset("compact", holdout=holdout)


def tiny(encoder_base: Path, reranker_base: Path, *, steps: int) -> TrainConfig:
    config = preset(
        "compact", encoder_base=str(encoder_base), reranker_base=str(reranker_base), max_steps=steps
    )
    return config.model_copy(update={"precision": "float32"})


@pytest.mark.parametrize("base", ["bert_base", "xlm_roberta_base"])
def test_a_run_leaves_models_and_a_manifest(
    base: str, request: pytest.FixtureRequest, bert_base: Path, taxonomy: Taxonomy, tmp_path: Path
) -> None:
    config = tiny(request.getfixturevalue(base), bert_base, steps=2)
    output = tmp_path / "models"
    report = train(taxonomy, config, output, device="cpu")
    manifest = json.loads((output / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["taxonomy"] | {"relations": 0} == {
        "name": "sample",
        "version": "1.0.0",
        "language": "en",
        "skills": 412,
        "occupations": 44,
        "relations": 0,
    }
    assert (manifest["preset"], manifest["seed"]) == ("compact", 42)
    assert manifest["steps"] == report.steps == {"encoder": 2, "reranker": 2}
    assert TrainConfig.model_validate(manifest["config"]) == config
    assert manifest["metrics"] == report.metrics
    assert set(manifest["libraries"]) >= {"torch", "transformers", "sentence-transformers", "skillsearch"}
    assert manifest["fingerprints"] == {part: fingerprint(output / part) for part in (ENCODER, RERANKER)}
    assert tuple(manifest["held_out_occupations"]) == split_occupations(taxonomy, 0.1, 42).held_out
    assert sum(manifest["seconds"].values()) > 0
    pair = locate_models(str(output))
    assert pair.load_encoder(device="cpu").encode(["welder"]).shape == (1, 1024)
    assert pair.load_reranker(device="cpu", precision="float32").logits([("a", "b")]).shape == (1, 3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["models"]


def test_the_same_seed_gives_the_same_models(taxonomy: Taxonomy, bert_base: Path, tmp_path: Path) -> None:
    config = tiny(bert_base, bert_base, steps=2)
    for name in ("one", "two"):
        train(taxonomy, config, tmp_path / name, device="cpu")
    for part in (ENCODER, RERANKER):
        assert fingerprint(tmp_path / "one" / part) == fingerprint(tmp_path / "two" / part)


def test_a_failed_run_leaves_nothing_and_replaces_nothing(
    taxonomy: Taxonomy, bert_base: Path, tmp_path: Path
) -> None:
    output = tmp_path / "models"
    output.mkdir()
    (output / "kept").touch()
    good, bad = tiny(bert_base, bert_base, steps=1), tiny(bert_base, tmp_path / "none", steps=1)
    with pytest.raises(TrainingError, match="--force"):
        train(taxonomy, good, output, device="cpu")
    with pytest.raises(ModelError, match="none"):
        train(taxonomy, bad, output, device="cpu", overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["models"]
    assert [path.name for path in output.iterdir()] == ["kept"]
    train(taxonomy, good, output, device="cpu", overwrite=True)
    assert not (output / "kept").exists()


def test_a_place_that_cannot_be_written_is_told(taxonomy: Taxonomy, bert_base: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(TrainingError, match="cannot be written"):
        train(taxonomy, tiny(bert_base, bert_base, steps=1), tmp_path / "file" / "models", device="cpu")


def test_training_learns(taxonomy: Taxonomy, bert_base: Path, tmp_path: Path) -> None:
    """Random weights know nothing; some steps on the sample teach them, measured on what is trained."""
    from sentence_transformers import SentenceTransformer

    config = tiny(bert_base, bert_base, steps=150)
    config = config.model_copy(
        update={
            "encoder": config.encoder.model_copy(update={"learning_rate": 2e-3}),
            "reranker": config.reranker.model_copy(update={"learning_rate": 2e-3}),
        }
    )
    report = train(taxonomy, config, tmp_path / "models", device="cpu")
    split = split_occupations(taxonomy, config.holdout, config.seed)
    trained = SentenceTransformer(str(tmp_path / "models" / ENCODER), device="cpu")
    after = retrieval_metrics(trained, taxonomy, split.train)["ndcg@10"]
    assert after > 0.5
    assert report.metrics["encoder"]["ndcg@10"] > report.metrics["encoder_untrained"]["ndcg@10"]
    assert report.metrics["reranker"]["macro_f1"] > report.metrics["majority_class"]["macro_f1"]
