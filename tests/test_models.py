"""Loading and running models: small ones of random weights, from folders and from a hub's cache."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from skillsearch.errors import ConfigurationError, ModelError
from skillsearch.models.concepts import encode_concepts
from skillsearch.models.device import select_device, use_threads
from skillsearch.models.hub import fingerprint, resolve_model
from skillsearch.models.manifest import (
    MANIFEST_FILE,
    Interaction,
    ModelManifest,
    read_manifest,
    write_manifest,
)
from skillsearch.models.pair import ENCODER, RECORD, RERANKER, locate_models
from skillsearch.models.torch import TorchEncoder, load_encoder, load_pair_scorer
from trainer.bases import DIMENSION, new_encoder, new_reranker

TEXTS = ["data scientist", "welder", "speak spanish", "manage a team of nurses in a hospital"]
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def mean_pooled(base: Path, texts: list[str]) -> np.ndarray:
    """What the base itself makes of texts, with nothing of ours: shape (n, hidden)."""
    from transformers import AutoModel, AutoTokenizer

    batch = AutoTokenizer.from_pretrained(base)(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        states = AutoModel.from_pretrained(base).eval()(**batch).last_hidden_state  # (n, tokens, hidden)
    mask = batch["attention_mask"].unsqueeze(-1)
    return ((states * mask).sum(1) / mask.sum(1)).numpy()


@pytest.mark.parametrize(("base", "head"), [("bert_base", True), ("xlm_roberta_base", False)])
def test_a_new_encoder_has_the_cosines_of_its_base(
    base: str, head: bool, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    folder = request.getfixturevalue(base)
    model = new_encoder(str(folder), device="cpu")
    kinds = [type(module).__name__ for module in model]
    assert kinds == ["Transformer", "Pooling", *(["Dense"] if head else []), "Normalize"]
    model.save_pretrained(str(tmp_path / "saved"), create_model_card=False)
    vectors = load_encoder(str(tmp_path / "saved"), device="cpu").encode(TEXTS)
    assert vectors.shape == (len(TEXTS), DIMENSION)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    pooled = mean_pooled(folder, TEXTS)
    unit = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
    np.testing.assert_allclose(vectors @ vectors.T, unit @ unit.T, atol=1e-5)


def test_a_reranker_has_three_classes(models_folder: Path) -> None:
    config = json.loads((models_folder / RERANKER / "config.json").read_text(encoding="utf-8"))
    assert list(config["id2label"].values()) == ["irrelevant", "contextual", "core"]
    pairs = [("data scientist", text) for text in TEXTS]
    whole, half = (
        load_pair_scorer(str(models_folder / RERANKER), device="cpu", precision=precision).logits(pairs)
        for precision in ("float32", "bfloat16")
    )
    np.testing.assert_allclose(half, whole, atol=0.05)


def test_models_of_another_shape_are_refused(bert_base: Path, tmp_path: Path) -> None:
    from sentence_transformers import CrossEncoder

    CrossEncoder(str(bert_base), num_labels=2, device="cpu").save_pretrained(
        str(tmp_path), create_model_card=False
    )
    with pytest.raises(ModelError, match="has 2 classes, expected 3"):
        load_pair_scorer(str(tmp_path), device="cpu")


def test_broken_weights_are_told(models_folder: Path, bert_base: Path, tmp_path: Path) -> None:
    for make, load, name in (
        (new_encoder, load_encoder, ENCODER),
        (new_reranker, load_pair_scorer, RERANKER),
    ):
        model = make(str(bert_base), device="cpu")
        with torch.no_grad():
            next(model.parameters()).fill_(float("nan"))
        model.save_pretrained(str(tmp_path / f"nan-{name}"), create_model_card=False)
        loaded = load(str(tmp_path / f"nan-{name}"), device="cpu")
        with pytest.raises(ModelError, match="not finite"):
            loaded.encode(["x"]) if isinstance(loaded, TorchEncoder) else loaded.logits([("x", "y")])
        for file, content in (("model.safetensors", b"junk"), ("config.json", b"{")):
            broken = tmp_path / f"broken-{name}-{file}"
            shutil.copytree(models_folder / name, broken)
            (broken / file).write_bytes(content)
            with pytest.raises(ModelError, match=r"cannot be (loaded|read)"):
                load(str(broken), device="cpu")


def test_a_model_is_safetensors_in_a_folder(bert_base: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="neither a folder nor a hub id"):
        resolve_model(str(tmp_path / "none"))
    with pytest.raises(ModelError, match="no safetensors"):
        resolve_model(str(tmp_path))
    pickled = tmp_path / "pickled"
    shutil.copytree(bert_base, pickled)
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    with pytest.raises(ModelError, match="no safetensors"):
        resolve_model(str(pickled))
    (pickled / "2_Dense").mkdir()
    (pickled / "2_Dense" / "pytorch_model.bin").touch()
    shutil.copy(bert_base / "model.safetensors", pickled)
    with pytest.raises(ModelError, match="as a pickle"):
        resolve_model(str(pickled))


def test_a_fingerprint_is_of_the_model_files(bert_base: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(bert_base, copy)
    before = fingerprint(bert_base)
    (copy / "README.md").write_text("a card", encoding="utf-8")
    assert fingerprint(copy) == before
    (copy / "config.json").write_text("{}", encoding="utf-8")
    assert fingerprint(copy) != before


def test_a_hub_id_is_found_in_the_cache(
    bert_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    repository = tmp_path / "models--someone--tiny"
    shutil.copytree(bert_base, repository / "snapshots" / COMMIT)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT, encoding="utf-8")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    for name in ("someone/tiny", f"someone/tiny@{COMMIT}"):
        folder = resolve_model(name)
        assert (folder.name, folder.revision, folder.fingerprint) == ("tiny", COMMIT, fingerprint(bert_base))
        assert new_encoder(name, device="cpu").get_embedding_dimension() == DIMENSION
    with pytest.raises(ModelError, match="cannot get model 'someone/else' from the hub") as caught:
        resolve_model("someone/else")
    message = str(caught.value)
    assert "\n" not in message
    assert (
        f"without internet, copy models--someone--else from a machine that has it into {tmp_path}" in message
    )
    assert "set HF_HOME" in message
    assert "SKILLSEARCH_MODELS" in message


def test_an_unknown_device_is_told() -> None:
    assert select_device("cpu") == "cpu"
    with pytest.raises(ConfigurationError, match="device 'warp'"):
        select_device("warp")


def test_models_are_located(models_folder: Path, tmp_path: Path) -> None:
    pair = locate_models(str(models_folder))
    assert pair.encoder == str(models_folder / ENCODER)
    assert pair.load_encoder(device="cpu").folder.name == "tiny-encoder"
    published = locate_models("skillscout")
    assert published.encoder.startswith("talentguide/skillscout-large@")
    assert published.reranker == "talentguide/skillscout-reranker@first"
    for content in ("{", "[]"):
        (tmp_path / RECORD).write_text(content, encoding="utf-8")
        with pytest.raises(ModelError, match=RECORD):
            locate_models(str(tmp_path))


def test_aliases_count_in_a_skill(bert_base: Path, tmp_path: Path) -> None:
    folder = tmp_path / "encoder"
    model = new_encoder(str(bert_base), device="cpu")
    model.save_pretrained(str(folder), create_model_card=False)
    plain = load_encoder(str(folder), device="cpu")
    names = [("weld metal", "join metal", "use welding gear"), ("cook food",), ("bake", "bake")]
    label, first, second = plain.encode(names[0])
    np.testing.assert_array_equal(encode_concepts(plain, names)[0], label)

    before = fingerprint(folder)
    write_manifest(folder, ModelManifest(dimension=DIMENSION, alias_weight=0.5))
    assert fingerprint(folder) != before
    weighted = load_encoder(str(folder), device="cpu")
    vectors = encode_concepts(weighted, names)
    mean = (first + second) / 2
    expected = label + 0.5 * mean / np.linalg.norm(mean)
    np.testing.assert_allclose(vectors[0], expected / np.linalg.norm(expected), atol=1e-6)
    np.testing.assert_allclose(vectors[1:], plain.encode(["cook food", "bake"]), atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize(("base", "dimension"), [("bert_base", 1024), ("xlm_roberta_base", 1024)])
def test_a_manifest_says_what_is_needed_of_a_model(
    base: str, dimension: int, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    folder = request.getfixturevalue(base)
    new_encoder(str(folder), device="cpu").save_pretrained(str(tmp_path), create_model_card=False)
    assert read_manifest(tmp_path) == ModelManifest(dimension=dimension)  # no file of ours
    manifest = ModelManifest(
        dimension=dimension, alias_weight=0.5, max_length=32, interaction=Interaction(temperature=20)
    )
    write_manifest(tmp_path, manifest)
    assert resolve_model(str(tmp_path)).manifest == manifest
    assert str(manifest.interaction) == "soft, temperature 20"


def test_the_files_of_earlier_versions_are_read(bert_base: Path) -> None:
    assert read_manifest(bert_base).dimension == 32  # of the base itself
    folder = bert_base.with_name("earlier")
    shutil.copytree(bert_base, folder)
    (folder / "skill_views.json").write_text('{"alias_weight": 0.5}', encoding="utf-8")
    earlier = {"interaction": "soft", "temperature": 20, "length_normalised": True}
    (folder / "late_interaction.json").write_text(json.dumps(earlier), encoding="utf-8")
    found = read_manifest(folder)
    assert (found.dimension, found.alias_weight) == (32, 0.5)
    assert found.interaction == Interaction(temperature=20.0, length_normalised=True)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (MANIFEST_FILE, "{"),
        (MANIFEST_FILE, "[]"),
        (MANIFEST_FILE, '{"dimension": -1}'),
        (MANIFEST_FILE, '{"dimensions": 1024}'),
        ("skill_views.json", '{"alias_weight": "much"}'),
        ("skill_views.json", '{"alias_weight": NaN}'),
        ("skill_views.json", '{"alias_weight": 1' + "0" * 400 + "}"),
        ("modules.json", '["Transformer"]'),
        ("config.json", '{"hidden_size": "wide"}'),
        ("late_interaction.json", '{"temperature": 0}'),
        ("late_interaction.json", '{"temperature": true}'),
        ("late_interaction.json", '{"temperature": Infinity}'),
        ("late_interaction.json", '{"interaction": "maxsim"}'),
        ("late_interaction.json", '{"length_normalised": 1}'),
        ("late_interaction.json", '{"temprature": 1}'),
    ],
)
def test_a_damaged_manifest_is_told(file: str, text: str, tmp_path: Path) -> None:
    (tmp_path / file).write_text(text, encoding="utf-8")
    shown = file if file != "config.json" else MANIFEST_FILE
    with pytest.raises(ModelError, match=shown.replace(".", r"\.")):
        read_manifest(tmp_path)


def test_a_base_that_is_not_an_encoder_is_told(bert_base: Path, tmp_path: Path) -> None:
    from transformers import GPT2Config, GPT2LMHeadModel

    decoder = tmp_path / "decoder"
    GPT2LMHeadModel(GPT2Config(n_embd=8, n_layer=1, n_head=1)).save_pretrained(decoder)
    weights_only = tmp_path / "weights"
    weights_only.mkdir()
    shutil.copy(bert_base / "model.safetensors", weights_only)
    with pytest.raises(ModelError, match=r"is a decoder \(gpt2\), expected an encoder"):
        new_encoder(str(decoder), device="cpu")
    with pytest.raises(ModelError, match="cannot be loaded as an encoder"):
        new_encoder(str(weights_only), device="cpu")


@pytest.mark.parametrize(
    ("wanted", "variable", "expected"), [(3, "", 3), (None, "", 2), (None, "7", 8), (20, "7", 20)]
)
def test_threads(wanted: int | None, variable: str, expected: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """By default no more than the CPUs of the process; a variable that torch follows by itself is left."""
    set_threads: list[int] = []
    monkeypatch.setattr("joblib.cpu_count", lambda: 2)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 8)
    monkeypatch.setattr(torch, "set_num_threads", set_threads.append)
    monkeypatch.setenv("OMP_NUM_THREADS", variable)
    use_threads(wanted)
    assert [8, *set_threads][-1] == expected


def test_a_model_without_a_revision_stays_the_one_that_was_downloaded_first(
    models_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str | None] = []

    def download(name: str, *, revision: str | None, allow_patterns: list[str]) -> str:
        asked.append(revision)
        folder = tmp_path / (revision or f"commit{len(asked)}")
        shutil.copytree(models_folder / RERANKER, folder, dirs_exist_ok=True)
        return str(folder)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    monkeypatch.setattr("skillsearch.models.hub.user_cache_path", lambda name: tmp_path / "cache" / name)
    found = [resolve_model("org/model@first").revision for _ in range(2)]
    assert (found, asked) == (["commit1", "commit1"], [None, "commit1"])
    assert [resolve_model("org/model").revision, asked[-1]] == ["commit3", None]


def test_models_that_were_being_replaced_are_found(models_folder: Path, tmp_path: Path) -> None:
    """As a training leaves them that was killed after it had set the old ones aside."""
    shutil.copytree(models_folder, tmp_path / ".models.replaced")
    assert locate_models(str(tmp_path / "models")).find_encoder().path.is_dir()
    assert not (tmp_path / ".models.replaced").exists()
