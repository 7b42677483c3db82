"""Exporting models for ONNX Runtime: the files, their agreement, their place in a fingerprint, the errors."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from command import run

from skillsearch.errors import ConfigurationError, EvaluationError, ModelError
from skillsearch.models import onnx as onnx_runtime
from skillsearch.models import runtime
from skillsearch.models.device import cpu_threads
from skillsearch.models.exported import digest, exported_graph
from skillsearch.models.hub import fingerprint, resolve_model
from skillsearch.models.manifest import (
    EXPORT,
    MANIFEST_FILE,
    ModelExport,
    ModelManifest,
    read_manifest,
    write_manifest,
)
from skillsearch.models.onnx import TOKENIZER, OnnxEncoder, OnnxPairScorer
from skillsearch.models.pair import ENCODER, RECORD, RERANKER, locate_models
from skillsearch.models.runtime import load_encoder, load_pair_scorer, select_runtime
from skillsearch.models.torch import TorchEncoder, load_sentence_transformer
from skillsearch.taxonomy.records import Taxonomy
from trainer.bases import new_encoder
from trainer.export.agreement import compare_encoders, compare_rerankers, draw_sample, sample_texts
from trainer.export.graph import FLOAT32, INT8, PACKED, write_graph
from trainer.export.run import EXACT, export_models, export_trained


@pytest.fixture
def models(exported_models: Path, tmp_path: Path) -> Path:
    """A copy of the exported models, to change."""
    return shutil.copytree(exported_models, tmp_path / "models")


def export_of(folder: Path) -> ModelExport:
    found = read_manifest(folder).export
    assert found is not None
    return found


def change_export(folder: Path, change: Callable[[ModelExport], ModelExport]) -> None:
    write_manifest(folder, read_manifest(folder).model_copy(update={"export": change(export_of(folder))}))


def test_an_export_says_what_it_is_of_and_how_far_it_agrees(exported_models: Path) -> None:
    for name in (ENCODER, RERANKER):
        folder = exported_models / name
        found = export_of(folder)
        assert found.of == fingerprint(folder)
        assert found.measured_on.startswith(
            "sample 1.0.0 (en), 0 held-out occupations and 44 that may have been trained on: "
        )
        assert {precision: file.name for precision, file in found.files.items()} == {
            "float32": FLOAT32,
            "int8": INT8,
        }
        for file in found.files.values():
            assert file.sha256 == digest(folder / EXPORT / file.name)
        exact, quantised = (found.files[name].agreement for name in ("float32", "int8"))
        assert exact.difference <= EXACT
        assert exact.top_10 == pytest.approx(1, abs=0.01)
        assert exact.ndcg_loss == pytest.approx(0, abs=1e-3)
        assert exact.difference < quantised.difference < 0.1
        assert (quantised.cosine is None) == (name == RERANKER)
        assert sorted(path.name for path in (folder / EXPORT).iterdir()) == sorted((FLOAT32, INT8, TOKENIZER))


def test_operators_are_fused(exported_models: Path) -> None:
    for name in (ENCODER, RERANKER):
        kinds = [node.op_type for node in onnx.load(exported_models / name / EXPORT / FLOAT32).graph.node]
        assert kinds.count("Attention") == 2  # layers
        assert kinds.count("BiasGelu") == 2
        assert kinds.count("SkipLayerNormalization") == 4
        assert "Softmax" not in kinds


def test_an_export_leaves_the_fingerprint_as_it_is(models: Path) -> None:
    folder = models / ENCODER
    before = fingerprint(folder)
    shutil.rmtree(folder / EXPORT)
    assert fingerprint(folder) == before
    manifest = read_manifest(folder)
    write_manifest(folder, manifest.model_copy(update={"export": None}))
    assert fingerprint(folder) == before
    values = json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))
    del values["export"]  # as an earlier version wrote it
    (folder / MANIFEST_FILE).write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    assert fingerprint(folder) == before
    write_manifest(folder, manifest.model_copy(update={"alias_weight": 0.5}))
    assert fingerprint(folder) != before


def test_an_export_alone_is_the_model_that_it_was_made_of(
    exported_models: Path, taxonomy: Taxonomy, tmp_path: Path
) -> None:
    pair = locate_models(str(exported_models))
    output = tmp_path / "alone"
    export_models(pair, draw_sample(taxonomy), output=output)
    assert not list(output.rglob("*.safetensors"))
    alone = locate_models(str(output))
    assert alone.record.preset == pair.record.preset
    assert alone.find_encoder().fingerprint == pair.find_encoder().fingerprint
    texts = ["data scientist", "welder"]
    np.testing.assert_allclose(
        alone.load_encoder(device="cpu").encode(texts),
        pair.load_encoder(device="cpu").encode(texts),
        atol=1e-6,
    )
    assert isinstance(alone.load_reranker(device="cpu"), OnnxPairScorer)
    with pytest.raises(ModelError, match="exists already: name a folder that is to be made"):
        export_models(pair, draw_sample(taxonomy), output=output)


def test_the_unified_encoder_has_no_reranker(models: Path, taxonomy: Taxonomy) -> None:
    shutil.rmtree(models / RERANKER)
    assert set(export_models(locate_models(str(models)), draw_sample(taxonomy)).models) == {ENCODER}


def test_any_pooling_and_head_is_exported(xlm_roberta_base: Path, tmp_path: Path) -> None:
    """Without a head, with another tokenizer, without token types, with weights beside the graph."""
    model = new_encoder(str(xlm_roberta_base), device="cpu")
    model.save_pretrained(str(tmp_path / "model"), create_model_card=False)
    folder = resolve_model(str(tmp_path / "model"))
    texts = ["data scientist", "manage a team of nurses in a hospital", "welder"]
    expected = TorchEncoder(load_sentence_transformer(folder, device="cpu", max_length=64), folder)
    (tmp_path / "graphs").mkdir()
    write_graph(model, tmp_path / "graphs", one_file=1000)
    assert (tmp_path / "graphs" / f"{FLOAT32}.data").exists()
    found = onnx_runtime.open_encoder(tmp_path / "graphs" / FLOAT32, folder)
    np.testing.assert_allclose(found.encode(texts), expected.encode(texts), atol=EXACT)
    for tokens, others in zip(found.encode_tokens(texts), expected.encode_tokens(texts), strict=True):
        np.testing.assert_allclose(tokens, others, atol=EXACT)
    before = digest(tmp_path / "graphs" / FLOAT32)
    (tmp_path / "graphs" / f"{FLOAT32}.data").write_bytes(b"other weights")
    assert digest(tmp_path / "graphs" / FLOAT32) != before


def test_agreement_by_hand() -> None:
    sample = sample_texts(["a", "b"], ["x", "y", "z"], [[0], [2]], "made up")
    assert sample.skills == ("x", "z", "y")  # those that are wanted first
    assert sample.relevant.tolist() == [[True, False, False], [False, True, False]]
    assert sample.described == "made up: 2 titles, 3 skills"
    skills = np.eye(3, dtype=np.float32)
    titles = np.array([[0.8, 0.6, 0], [0, 0.8, 0.6]], dtype=np.float32)
    same = compare_encoders(sample, (titles, skills), (titles, skills))
    assert (same.difference, same.rank_correlation, same.top_10, same.ndcg_loss) == (
        0,
        pytest.approx(1),
        1,
        0,
    )
    swapped = np.array([[0.6, 0.8, 0], [0, 0.8, 0.6]], dtype=np.float32)
    worse = compare_encoders(sample, (titles, skills), (swapped, skills))
    assert worse.difference == pytest.approx(0.2)
    assert worse.cosine == pytest.approx(0.96)
    # the first title's skill falls from rank 1 to 2: (1 - 1 / log2(3)) / 2 titles
    assert worse.ndcg_loss == pytest.approx((1 - 1 / np.log2(3)) / 2)
    # ranks (1, 2, 3) and (2, 1, 3): 1 - 6 * 2 / (3 * 8) = 0.5; the other title's are alike
    assert worse.rank_correlation == pytest.approx(0.75)

    chosen = np.array([[0, 1, 2], [1, 2, 0]])
    logits = np.zeros((6, 3), dtype=np.float32)
    logits[:, 2] = [3, 2, 1, 3, 2, 1]
    other = logits.copy()
    other[:2, 2] = [2, 2.5]
    found = compare_rerankers(sample, (titles, skills), chosen, logits, other)
    assert found.difference == 1
    assert found.rank_correlation == pytest.approx(0.75)
    assert found.ndcg_loss == 0  # at 0.7 the cosine keeps the first skill first


def test_a_sample_takes_occupations_that_were_held_out_first(taxonomy: Taxonomy) -> None:
    needs = list(taxonomy.relations_by_occupation)
    held_out = needs[3:6]
    sample = draw_sample(taxonomy, [*held_out, "urn:unknown"])
    first, rest = sample.titles[:3], sample.titles[3:]
    assert first == tuple(taxonomy.occupations[uri].label for uri in held_out)
    assert rest == tuple(taxonomy.occupations[uri].label for uri in needs if uri not in held_out)
    assert f"3 held-out occupations and {len(rest)} that may have been trained on" in sample.described
    with pytest.raises(EvaluationError, match=r"no occupation of sample .* needs a skill"):
        draw_sample(replace(taxonomy, relations=()))


@pytest.mark.parametrize(
    ("asked", "device", "precision", "expected"),
    [
        (None, "cpu", None, "onnx"),
        (None, None, None, "onnx"),
        (None, "cpu", "int8", "onnx"),
        (None, "cpu", "bfloat16", "torch"),
        (None, "cuda", None, "torch"),
        ("torch", "cpu", None, "torch"),
        ("onnx", None, "float32", "onnx"),
    ],
)
def test_the_runtime_is_chosen(
    asked: str,
    device: str,
    precision: str,
    expected: str,
    exported_models: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runtime, "has_accelerator", lambda: False)
    folder = resolve_model(str(exported_models / RERANKER))
    assert select_runtime(folder, asked, device, precision) == expected  # type: ignore[arg-type]


def test_a_gpu_takes_torch(exported_models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "has_accelerator", lambda: True)
    folder = resolve_model(str(exported_models / ENCODER))
    assert select_runtime(folder, None, None) == "torch"
    assert select_runtime(folder, None, "cpu") == "onnx"


def test_a_model_without_onnx_files_takes_torch(models_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(models_folder / ENCODER)
    assert isinstance(load_encoder(path, device="cpu"), TorchEncoder)
    with pytest.raises(ModelError, match=r"has no ONNX files: write them with `skillsearch export`"):
        load_encoder(path, device="cpu", runtime="onnx")
    monkeypatch.setattr(runtime.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(ModelError, match=r"no ONNX files and needs torch, .* 'skillsearch\[torch\]'"):
        load_encoder(path, device="cpu")


def test_what_a_runtime_cannot_do_is_told(models_folder: Path, exported_models: Path) -> None:
    path = str(exported_models / RERANKER)
    with pytest.raises(ConfigurationError, match="the runtime onnx is for the device cpu"):
        load_pair_scorer(path, device="cuda", runtime="onnx")
    with pytest.raises(ConfigurationError, match="found device cpu, precision bfloat16"):
        load_pair_scorer(path, precision="bfloat16", runtime="onnx")
    with pytest.raises(ConfigurationError, match="precision int8 needs the ONNX runtime"):
        load_pair_scorer(str(models_folder / RERANKER), device="cpu", precision="int8")


def test_int8_is_used_where_it_is_good_and_the_cpu_is_made_for_it(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def loses(loss: float) -> Callable[[ModelExport], ModelExport]:
        def change(export: ModelExport) -> ModelExport:
            file = export.files["int8"]
            worse = file.model_copy(
                update={"agreement": file.agreement.model_copy(update={"ndcg_loss": loss})}
            )
            return export.model_copy(update={"files": export.files | {"int8": worse}})

        return change

    def chosen(name: str) -> str:
        loaded = (load_encoder if name == ENCODER else load_pair_scorer)(str(models / name), device="cpu")
        assert isinstance(loaded, OnnxEncoder | OnnxPairScorer)
        return loaded._graph.path.name

    for name in (ENCODER, RERANKER):
        change_export(models / name, loses(0.003))
    monkeypatch.setattr(onnx_runtime, "multiplies_int8", lambda: True)
    assert (chosen(ENCODER), chosen(RERANKER)) == (FLOAT32, INT8)
    monkeypatch.setattr(onnx_runtime, "multiplies_int8", lambda: False)
    assert (chosen(ENCODER), chosen(RERANKER)) == (FLOAT32, FLOAT32)
    for name in (ENCODER, RERANKER):
        (models / name / EXPORT / FLOAT32).unlink()
    assert (chosen(ENCODER), chosen(RERANKER)) == (INT8, INT8)
    with pytest.raises(ConfigurationError, match="has no ONNX file of precision float32, found int8"):
        load_pair_scorer(str(models / RERANKER), device="cpu", precision="float32")
    change_export(models / RERANKER, loses(0.0031))
    with pytest.raises(
        ModelError, match=r"no usable file, found int8 .* write float32 with `skillsearch export`"
    ):
        chosen(RERANKER)
    assert exported_graph(resolve_model(str(models / RERANKER)), "int8").name == INT8  # asked for by name


def test_the_smallest_export_is_a_fraction_of_the_model_and_counts_in_float32(
    exported_models: Path, taxonomy: Taxonomy, tmp_path: Path
) -> None:
    pair, output = locate_models(str(exported_models)), tmp_path / "smallest"
    report = export_models(pair, draw_sample(taxonomy), output=output, smallest=True)
    assert {name: list(export.files) for name, export in report.models.items()} == {
        ENCODER: ["packed"],
        RERANKER: ["int8"],
    }
    for name, file in ((ENCODER, PACKED), (RERANKER, INT8)):
        assert sorted(path.name for path in (output / name / EXPORT).iterdir()) == sorted((file, TOKENIZER))
        whole = (exported_models / name / EXPORT / FLOAT32).stat().st_size
        assert (output / name / EXPORT / file).stat().st_size < 0.5 * whole
    small, texts = locate_models(str(output)), ["data scientist", "manage a team of nurses", "welder"]
    agreement = report.models[ENCODER].files["packed"].agreement
    assert 0 < agreement.difference < 0.05
    assert agreement.top_10 > 0.9
    alone = small.load_encoder(device="cpu").encode(texts)
    together = pair.load_encoder(device="cpu").encode(texts)
    assert (alone * together).sum(axis=1).min() > 0.999
    # what float32 makes of a text does not depend on those beside it
    np.testing.assert_allclose(small.load_encoder(device="cpu").encode(texts[:1])[0], alone[0], atol=1e-6)
    chosen = exported_graph(resolve_model(str(output / ENCODER)), "float32")
    assert chosen.name == PACKED


def test_a_small_file_that_loses_too_much_gives_way(
    exported_models: Path, taxonomy: Taxonomy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skillsearch.models.exported.LARGEST_LOSS", -1.0)  # no file wins as much
    report = export_models(
        locate_models(str(exported_models)), draw_sample(taxonomy), output=tmp_path / "out", smallest=True
    )
    assert {tuple(export.files) for export in report.models.values()} == {("float32",)}


def test_a_broken_foreign_or_newer_file_is_told(models: Path, exported_models: Path) -> None:
    folder = models / ENCODER
    path = folder / EXPORT / FLOAT32

    def load() -> object:
        return load_encoder(str(folder), device="cpu", runtime="onnx").encode(["welder"])

    def accept() -> None:
        """Have the manifest name the file as it is."""

        def change(export: ModelExport) -> ModelExport:
            file = export.files["float32"].model_copy(update={"sha256": digest(path)})
            return export.model_copy(update={"files": export.files | {"float32": file}})

        change_export(folder, change)

    load()
    path.write_bytes(b"junk")
    with pytest.raises(
        ModelError, match=r"is broken or foreign: its digest .* again with `skillsearch export`"
    ):
        load()
    accept()
    with pytest.raises(ModelError, match=r"cannot be loaded: .* again with `skillsearch export`"):
        load()
    shutil.copy(exported_models / RERANKER / EXPORT / FLOAT32, path)
    accept()
    with pytest.raises(
        ModelError, match="gives logits, expected vector, tokens: it is of another kind of model"
    ):
        load()
    graph = onnx.load(exported_models / ENCODER / EXPORT / FLOAT32)
    graph.opset_import[0].version = 99
    onnx.save(graph, path)
    accept()
    with pytest.raises(
        ModelError, match=r"operators newer than onnxruntime .* pip install --upgrade onnxruntime"
    ):
        load()
    shutil.copy(exported_models / ENCODER / EXPORT / FLOAT32, path)
    accept()
    (path.with_name(TOKENIZER)).write_text("{", encoding="utf-8")
    with pytest.raises(ModelError, match=r"tokenizer.json cannot be read"):
        load()
    text = (exported_models / ENCODER / EXPORT / TOKENIZER).read_text(encoding="utf-8")
    (path.with_name(TOKENIZER)).write_text(text.replace('"welder": ', '"welder": 99'), encoding="utf-8")
    with pytest.raises(ModelError, match=r"cannot take what tokenizer.json beside it makes"):
        load()


def test_an_export_of_other_weights_is_told(models: Path) -> None:
    folder = models / ENCODER
    write_manifest(folder, read_manifest(folder).model_copy(update={"alias_weight": 0.5}))
    with pytest.raises(ModelError, match=r"were made of another model .* again with `skillsearch export`"):
        load_encoder(str(folder), device="cpu")


def test_a_model_that_cannot_be_exported_is_left_as_it_is(
    models: Path, taxonomy: Taxonomy, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pair, sample = locate_models(str(models)), draw_sample(taxonomy)
    before = (models / ENCODER / MANIFEST_FILE).read_bytes()
    monkeypatch.setattr("trainer.export.run.EXACT", -1)
    with pytest.raises(ModelError, match=r"in ONNX differs from torch by .*, expected at most -1"):
        export_models(pair, sample)
    assert (models / ENCODER / MANIFEST_FILE).read_bytes() == before
    assert not [path for path in (models / ENCODER).iterdir() if path.name.startswith(".")]
    load_encoder(str(models / ENCODER), device="cpu", runtime="onnx")
    (models / ENCODER / MANIFEST_FILE).unlink()
    export_trained(models, sample)
    assert "the models were trained, and not exported: " in caplog.text
    with pytest.raises(ModelError, match=rf"has no {MANIFEST_FILE}.*--output"):
        export_models(pair, sample)


def test_a_folder_without_weights_is_no_model(tmp_path: Path) -> None:
    write_manifest(tmp_path, ModelManifest(dimension=8))
    with pytest.raises(ModelError, match=r"no safetensors file in .*, and no export in skillsearch.json"):
        resolve_model(str(tmp_path))


def test_the_command_exports(models: Path, tmp_path: Path) -> None:
    before = fingerprint(models / ENCODER)
    settings = ("--set", f"models={models}")
    done = run("export", "--sample", *settings, home=tmp_path)
    assert done.returncode == 0, done.stderr
    for text in (ENCODER, RERANKER, "float32", "int8", "nDCG@10 lost", "sample 1.0.0 (en)"):
        assert text in done.stdout
    assert f"wrote {models}" in done.stderr
    assert fingerprint(models / ENCODER) == before
    done = run("export", "--sample", "--json", "--output", str(tmp_path / "alone"), *settings, home=tmp_path)
    assert set(json.loads(done.stdout)["models"]) == {ENCODER, RERANKER}
    assert (tmp_path / "alone" / RECORD).is_file()
    done = run("export", *settings, home=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "give either --esco" in done.stderr


def test_threads_are_those_of_the_setting_or_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cpu_threads(3) == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert cpu_threads() == 2
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert cpu_threads() >= 1
