"""Every runtime gives the same: one suite on torch and ONNX, with small models of random weights."""

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from skillsearch.errors import ModelError
from skillsearch.models.hub import resolve_model
from skillsearch.models.manifest import EXPORT
from skillsearch.models.onnx import open_encoder, open_pair_scorer
from skillsearch.models.pair import ENCODER, RERANKER
from skillsearch.models.protocols import Encoder, PairScorer
from skillsearch.models.runtime import load_encoder, load_pair_scorer
from skillsearch.progress import advance_only
from skillsearch.settings import Runtime
from trainer.bases import DIMENSION
from trainer.export.graph import FLOAT32

TEXTS = ["data scientist", "welder", "speak spanish", "manage a team of nurses in a hospital"]
PAIRS = [("data scientist", text) for text in TEXTS]


@pytest.fixture(scope="module", params=get_args(Runtime))
def runtime(request: pytest.FixtureRequest) -> Runtime:
    return request.param


@pytest.fixture(scope="module")
def runtime_encoder(exported_models: Path, runtime: Runtime) -> Encoder:
    return load_encoder(str(exported_models / ENCODER), device="cpu", batch_size=2, runtime=runtime)


@pytest.fixture(scope="module")
def scorer(exported_models: Path, runtime: Runtime) -> PairScorer:
    return load_pair_scorer(
        str(exported_models / RERANKER), device="cpu", precision="float32", batch_size=2, runtime=runtime
    )


def test_the_runtime_is_the_one_asked_for(
    runtime_encoder: Encoder, scorer: PairScorer, runtime: Runtime
) -> None:
    assert type(runtime_encoder).__name__.lower() == f"{runtime}encoder"
    assert type(scorer).__name__.lower() == f"{runtime}pairscorer"


def test_vectors_have_unit_length_in_any_batch(runtime_encoder: Encoder) -> None:
    counts: list[int] = []
    together = runtime_encoder.encode(TEXTS * 3, advance=advance_only(counts.append))
    assert together.shape == (12, DIMENSION)
    assert together.dtype == np.float32
    assert sum(counts) == 12
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)
    alone = np.vstack([runtime_encoder.encode([text]) for text in TEXTS * 3])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert runtime_encoder.encode([]).shape == (0, DIMENSION)


def test_texts_are_cut_at_64_tokens(runtime_encoder: Encoder) -> None:
    text = " ".join(["nurse"] * 62)  # and two special tokens
    longer = runtime_encoder.encode([text + " welder"])
    np.testing.assert_allclose(longer, runtime_encoder.encode([text]), atol=1e-6)


def test_tokens_have_no_padding(runtime_encoder: Encoder) -> None:
    counts: list[int] = []
    together = runtime_encoder.encode_tokens(TEXTS, advance=advance_only(counts.append))
    assert sum(counts) == len(TEXTS)
    assert [len(tokens) for tokens in together] == [4, 3, 4, 10]  # words, and two special tokens
    for text, tokens in zip(TEXTS, together, strict=True):
        vector, alone = runtime_encoder.encode_with_tokens(text)
        assert tokens.dtype == np.float32
        np.testing.assert_allclose(alone, tokens, atol=1e-5)
        np.testing.assert_allclose(vector, runtime_encoder.encode([text])[0], atol=1e-5)
    assert runtime_encoder.encode_tokens([]) == []


def test_a_reranker_gives_three_logits_in_any_batch(scorer: PairScorer) -> None:
    logits = scorer.logits(PAIRS)
    assert logits.shape == (4, 3)
    assert logits.dtype == np.float32
    np.testing.assert_allclose(np.vstack([scorer.logits([pair]) for pair in PAIRS]), logits, atol=1e-5)
    long = " ".join(["nurse"] * 200)
    np.testing.assert_allclose(
        scorer.logits([(long, "welder")]), scorer.logits([(long + " x", "welder")]), atol=1e-6
    )
    assert scorer.logits([]).shape == (0, 3)


def test_threads_share_models(runtime_encoder: Encoder, scorer: PairScorer) -> None:
    def work(text: str) -> tuple[bytes, bytes]:
        return runtime_encoder.encode([text]).tobytes(), scorer.logits([(text, "welding")]).tobytes()

    expected = [work(text) for text in TEXTS]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, TEXTS * 8)) == expected * 8


def test_both_runtimes_give_the_same(exported_models: Path) -> None:
    encoders = [
        load_encoder(str(exported_models / ENCODER), device="cpu", runtime=name) for name in get_args(Runtime)
    ]
    one, other = (encoder.encode(TEXTS) for encoder in encoders)
    np.testing.assert_allclose(one, other, atol=1e-4)
    for tokens, others in zip(*(encoder.encode_tokens(TEXTS) for encoder in encoders), strict=True):
        np.testing.assert_allclose(tokens, others, atol=1e-4)
    one, other = (
        load_pair_scorer(
            str(exported_models / RERANKER), device="cpu", precision="float32", runtime=name
        ).logits(PAIRS)
        for name in get_args(Runtime)
    )
    np.testing.assert_allclose(one, other, atol=1e-4)


@pytest.mark.parametrize("load", [load_encoder, load_pair_scorer])
def test_both_runtimes_name_the_same_model(
    load: Callable[..., Encoder | PairScorer], exported_models: Path
) -> None:
    path = str(exported_models / (ENCODER if load is load_encoder else RERANKER))
    found = {str(load(path, device="cpu", runtime=name).folder) for name in get_args(Runtime)}
    assert found == {str(resolve_model(path))}


def test_broken_weights_are_told(exported_models: Path, tmp_path: Path) -> None:
    import onnx
    from onnx import numpy_helper

    for name in (ENCODER, RERANKER):
        shutil.copytree(exported_models / name / EXPORT, tmp_path / name)
        graph = onnx.load(tmp_path / name / FLOAT32)
        weights = max(graph.graph.initializer, key=lambda one: len(one.raw_data))  # the embeddings
        broken = np.full_like(numpy_helper.to_array(weights), np.nan)
        weights.CopyFrom(numpy_helper.from_array(broken, weights.name))
        onnx.save(graph, tmp_path / name / FLOAT32)
    folder = resolve_model(str(exported_models / ENCODER))
    with pytest.raises(ModelError, match="not finite: its weights are broken"):
        open_encoder(tmp_path / ENCODER / FLOAT32, folder).encode(["x"])
    with pytest.raises(ModelError, match="not finite: its weights are broken"):
        open_pair_scorer(tmp_path / RERANKER / FLOAT32, folder).logits([("x", "y")])
