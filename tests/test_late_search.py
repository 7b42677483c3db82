"""Late interaction as a reranker: tokens, their cache, the ranking, what it refuses."""

import asyncio
import json
import logging
import math
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from command import run
from indexing import index_taxonomy
from rich.console import Console

from indexer.builds import rollback
from skillsearch import AsyncSkillSearch, Filters, SkillSearch
from skillsearch.cli.tables import explanation, result_table
from skillsearch.errors import ConfigurationError, ModelError, QueryError
from skillsearch.models import torch as torch_runtime
from skillsearch.models.manifest import Interaction, ModelManifest, write_manifest
from skillsearch.models.protocols import Encoder
from skillsearch.models.torch import TorchEncoder, load_encoder
from skillsearch.progress import Advance, advance_only
from skillsearch.rank.blender import Blender
from skillsearch.rank.candidates import Query
from skillsearch.rank.choose import Rankers
from skillsearch.rank.fuse import fuse
from skillsearch.rank.late_interaction import LateInteractionRanker
from skillsearch.rank.learned import LearnedRanker
from skillsearch.rank.token_cache import TOKENS, TokenCache
from skillsearch.rank.token_table import TokenTable, embed_tokens, read_tokens, write_tokens
from skillsearch.settings import load_settings
from skillsearch.store.base import Build
from skillsearch.store.embedded import EmbeddedStore
from skillsearch.taxonomy.records import Taxonomy
from trainer.bases import new_encoder
from trainer.interaction import late_interaction

TEXTS = ["data scientist", "welder", "manage a team of nurses in a hospital", "welder"]
LATE = "late-interaction"


@pytest.fixture(scope="module")
def late_home(home: Path, encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the home with a cache, which tests leave whole."""
    folder = tmp_path_factory.mktemp("late") / "home"
    shutil.copytree(home, folder)
    store = EmbeddedStore(folder / "index")
    TokenCache(encoder, folder / TOKENS).of(store.published())
    store.close()
    return folder


@pytest.fixture
def late(late_home: Path, encoder: Encoder) -> Iterator[SkillSearch]:
    """A client for late interaction alone."""
    settings = load_settings(home=late_home, rerank=LATE)
    with SkillSearch(EmbeddedStore(late_home / "index"), encoder, None, settings) as client:
        yield client


@pytest.fixture
def build(late_home: Path) -> Iterator[Build]:
    store = EmbeddedStore(late_home / "index")
    yield store.published()
    store.close()


@pytest.mark.parametrize("base", ["bert_base", "xlm_roberta_base"])
def test_tokens_are_the_transformers_own(base: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    from transformers import AutoModel, AutoTokenizer

    folder = request.getfixturevalue(base)
    new_encoder(str(folder), device="cpu").save_pretrained(str(tmp_path), create_model_card=False)
    encoder = load_encoder(str(tmp_path), device="cpu")
    counts: list[int] = []
    found = encoder.encode_tokens(TEXTS, advance=advance_only(counts.append))
    assert sum(counts) == len(TEXTS)
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    for text, tokens in zip(TEXTS, found, strict=True):
        with torch.no_grad():
            states = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]  # (t, d)
        assert tokens.dtype == np.float32
        np.testing.assert_allclose(tokens, states.numpy(), atol=1e-5)
    assert len(found[1]) == 3  # the word, and the special tokens around it
    vector, tokens = encoder.encode_with_tokens(TEXTS[0])
    np.testing.assert_allclose(vector, encoder.encode([TEXTS[0]])[0], atol=1e-6)
    np.testing.assert_allclose(tokens, found[0], atol=1e-5)
    assert encoder.encode_tokens([]) == []
    assert len(encoder.encode_tokens([" ".join(["nurse"] * 1000)])[0]) == 64


def test_broken_weights_are_told(bert_base: Path, tmp_path: Path) -> None:
    model = new_encoder(str(bert_base), device="cpu")
    with torch.no_grad():
        next(model.parameters()).fill_(math.nan)
    model.save_pretrained(str(tmp_path), create_model_card=False)
    encoder = load_encoder(str(tmp_path), device="cpu")
    with pytest.raises(ModelError, match="not finite"):
        encoder.encode_tokens(["x"])
    with pytest.raises(ModelError, match="not finite"):
        encoder.encode_with_tokens("x")


def test_the_score_blends_the_cosine_and_the_interaction(late: SkillSearch, encoder: Encoder) -> None:
    result = late.search("Data Scientist", limit=50, depth=50, alpha=0.4, demand_weight=0)
    labels = [hit.label for hit in result]
    title = torch.from_numpy(encoder.encode_tokens(["Data Scientist"])[0])[None]
    expected = []
    for tokens in encoder.encode_tokens(labels):  # one at a time, so that there is no padding
        target = torch.from_numpy(tokens)[None]
        masks = [torch.ones(side.shape[:2], dtype=torch.bool) for side in (title, target)]
        expected.append(late_interaction(title, target, *masks).item())
    scores = np.array([hit.rerank_score for hit in result], dtype=float)
    np.testing.assert_allclose(scores, expected, atol=5e-3)  # tokens are kept in half precision
    retrieval = [hit.retrieval_score for hit in result]
    np.testing.assert_allclose([hit.score for hit in result], fuse(retrieval, scores, 0.4), atol=1e-6)
    assert [hit.score for hit in result] == sorted((hit.score for hit in result), reverse=True)
    assert len(set(scores.round(3))) > 25


def test_a_result_says_what_reranked(late: SkillSearch, client: SkillSearch) -> None:
    result = late.search("Chef", limit=5)
    assert result.rerank == LATE
    assert result.versions.reranker == result.versions.encoder
    assert {(hit.relevance, hit.probabilities) for hit in result} == {(None, None)}
    assert result.to_dict()["rerank"] == LATE
    assert late.search("Chef", rerank=False).rerank is None
    assert late.search("Chef", rerank=False).versions.reranker is None
    other = client.search("Chef")
    assert other.rerank == "cross-encoder"
    assert str(other.versions.reranker).startswith("tiny-reranker")

    console = Console(width=120)
    with console.capture() as capture:
        console.print(result_table(result), explanation(result, result[0]))
    shown = capture.get()
    assert "late interaction" in shown
    assert f"{result[0].rerank_score:.4f} (late interaction of the tokens)" in shown
    assert "0.7 · minmax(retrieval) + 0.3 · minmax(rerank)" in shown
    assert "probabilities" not in shown


def test_the_cross_encoder_is_not_loaded_for_late_interaction_alone(
    late_home: Path, models_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the cross-encoder is loaded")

    monkeypatch.setattr(torch_runtime, "load_pair_scorer", refuse)
    options = {"home": late_home, "models": str(models_folder), "device": "cpu"}
    monkeypatch.setenv("SKILLSEARCH_RERANK", LATE)
    with SkillSearch.open(**options) as client:
        assert client.search("Chef").rerank == LATE
        assert client.search("Chef", rerank=True).rerank == LATE
        assert client.search("Chef", rerank=LATE).rerank == LATE
        with pytest.raises(QueryError, match="no cross-encoder in this client"):
            client.search("Chef", rerank="cross-encoder")
    monkeypatch.setenv("SKILLSEARCH_RERANK", "cross-encoder")
    with pytest.raises(AssertionError, match="is loaded"):
        SkillSearch.open(**options)


def test_one_client_has_both(late_home: Path, models_folder: Path, late: SkillSearch) -> None:
    with SkillSearch.open(home=late_home, models=str(models_folder), device="cpu") as client:
        default, named = client.search("Nurse"), client.search("Nurse", rerank="cross-encoder")
        assert named.hits == default.hits
        assert all(hit.probabilities for hit in named)
        assert client.search("Nurse", rerank=LATE).hits == late.search("Nurse").hits


def test_without_any_reranker_the_default_is_the_vector_search(client: SkillSearch, encoder: Encoder) -> None:
    alone = SkillSearch(client._engine.store, encoder, None, client._engine.settings)
    assert alone.search("Chef").rerank is None
    assert alone.search("Chef").hits == client.search("Chef", rerank=False).hits
    with pytest.raises(QueryError, match="no cross-encoder"):
        alone.search("Chef", rerank="cross-encoder")


def test_beyond_the_depth_the_list_goes_on_in_retrieval_order(late: SkillSearch, taxonomy: Taxonomy) -> None:
    count = len(taxonomy.skills)
    plain = late.search("Electrician", limit=count, rerank=False)
    result = late.search("Electrician", limit=count, depth=10, demand_weight=0)
    assert {hit.uri for hit in result[:10]} == {hit.uri for hit in plain[:10]}
    assert [hit.uri for hit in result[10:]] == [hit.uri for hit in plain[10:]]
    assert all(hit.rerank_score is not None for hit in result[:10])
    assert all(hit.rerank_score is None and hit.score <= 0 for hit in result[10:])
    short = late.search("Electrician", limit=3, depth=10, demand_weight=0)
    assert short.hits == result[:3]


def test_filters_many_titles_threads_and_asyncio(late: SkillSearch) -> None:
    filters = Filters(collections=["digital"], types=["knowledge"])
    titles = ["Chef", "Data Scientist", "a much longer title of a very senior accountant"]
    alone = [late.search(title, filters=filters, limit=9).hits for title in titles]
    assert all({"digital"} <= set(hit.collections) for hits in alone for hit in hits)
    assert [result.hits for result in late.search_many(titles, filters=filters, limit=9)] == alone

    async def run() -> list[object]:
        twin = AsyncSkillSearch(late)
        found = await asyncio.gather(*(twin.search(title, filters=filters, limit=9) for title in titles))
        return [result.hits for result in found]

    assert asyncio.run(run()) == alone
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda title: late.search(title, filters=filters, limit=9), titles * 4))
    assert [result.hits for result in results] == alone * 4
    none = late.search("Chef", filters=Filters(collections=["digital"], exclude=_uris(late, "digital")))
    assert len(none) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"min_probability": 0.5},
            "min_probability does not go with late interaction; it goes with the cross-encoder, distilled",
        ),
        ({"rerank": "colbert"}, "one of distilled, cross-encoder, late-interaction, found 'colbert'"),
        ({"rerank": None}, "found None"),
        (
            {"demand_weight": 1.0, "rerank": False},
            "demand_weight does not go with a search without reranking; it goes with a reranker",
        ),
        ({"alpha": 2.0}, "alpha is between 0 and 1, found 2.0"),
    ],
)
def test_what_does_not_go_together_is_told(
    late: SkillSearch, options: dict[str, object], message: str
) -> None:
    with pytest.raises(QueryError, match=message):
        late.search("Chef", **options)  # type: ignore[arg-type]


def test_a_learned_blend_does_not_go_with_it(
    client: SkillSearch, late_home: Path, models_folder: Path
) -> None:
    learned = LearnedRanker(Blender(*[None] * 6, name="learned"), None)  # type: ignore[arg-type]
    client._engine.rankers = Rankers(learned, learned, {})
    with pytest.raises(QueryError, match="the learned blend learned was fitted for the cross-encoder"):
        client.search("Chef", rerank=LATE)
    with pytest.raises(QueryError, match="alpha does not go with the learned blend learned without"):
        client.search("Chef", alpha=0.5)
    with pytest.raises(ConfigurationError, match=r"b\.safetensors was fitted for the cross-encoder"):
        SkillSearch.open(home=late_home, models=str(models_folder), rerank=LATE, blender="b.safetensors")


def test_a_setting_that_is_none_is_told() -> None:
    with pytest.raises(ConfigurationError, match=r"rerank: input should be 'distilled', 'cross-encoder' or"):
        load_settings(rerank="colbert")


def test_the_manifest_says_how_tokens_are_read(models_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "encoder"
    shutil.copytree(models_folder / "encoder", folder)
    reading = Interaction(temperature=20.0, length_normalised=True)
    write_manifest(folder, ModelManifest(dimension=1024, interaction=reading))
    encoder = load_encoder(str(folder), device="cpu")
    found = _scores(encoder, "welder", ["weld metal"])
    plain = load_encoder(str(models_folder / "encoder"), device="cpu")
    sides = [torch.from_numpy(plain.encode_tokens([text])[0])[None] for text in ("welder", "weld metal")]
    masks = [torch.ones(side.shape[:2], dtype=torch.bool) for side in sides]
    expected = late_interaction(*sides, *masks, temperature=20.0, length_normalised=True)
    assert found[0] == pytest.approx(expected.item(), abs=1e-3)
    assert found[0] != pytest.approx(_scores(plain, "welder", ["weld metal"])[0], abs=1e-2)


def test_the_cache_is_made_once(
    build: Build, encoder: Encoder, taxonomy: Taxonomy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int | None] = []

    def progress(_stage: str, total: int | None = None, /) -> Advance:
        told.append(total)
        return advance_only(told.append)

    first = TokenCache(encoder, tmp_path)
    table = first.of(build, progress=progress)
    concepts = (*taxonomy.skills.values(), *taxonomy.occupations.values())
    labels = {concept.label for concept in concepts}
    assert set(table.labels) == labels
    assert told[0] == len(labels) == sum(done or 0 for done in told[1:])
    assert first.of(build) is table
    assert (tmp_path / f"{encoder.folder.fingerprint}.safetensors").is_file()

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("tokens are embedded")

    monkeypatch.setattr(TorchEncoder, "encode_tokens", refuse)
    again = TokenCache(encoder, tmp_path).of(build)
    assert again.labels == table.labels
    np.testing.assert_array_equal(again.tokens, table.tokens)


def test_tokens_come_back_as_they_went_in(encoder: Encoder, tmp_path: Path) -> None:
    texts = [*TEXTS, "two\nlines and ümläuts"]
    table = embed_tokens(encoder, texts)
    assert table.labels == ("data scientist", "welder", TEXTS[2], texts[-1])
    write_tokens(tmp_path / "some" / "t.safetensors", table, encoder="e", build="b")
    read, build = read_tokens(tmp_path / "some" / "t.safetensors", encoder="e")
    assert (read.labels, build) == (table.labels, "b")
    block, mask = read.padded(np.array([2, 1, 2]))
    for row, label in enumerate([TEXTS[2], "welder", TEXTS[2]]):
        expected = encoder.encode_tokens([label])[0]
        assert int(mask[row].sum()) == len(expected)
        np.testing.assert_allclose(block[row][mask[row]].astype(np.float32), expected, atol=5e-3)
    with pytest.raises(FileNotFoundError):
        read_tokens(tmp_path / "none.safetensors", encoder="e")
    with pytest.raises(ValueError, match="'encoder': 'e'"):
        read_tokens(tmp_path / "some" / "t.safetensors", encoder="other")


def test_only_labels_that_are_new_are_embedded(
    taxonomy: Taxonomy, encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = EmbeddedStore(tmp_path / "index")
    index_taxonomy(taxonomy, encoder, store)
    cache = TokenCache(encoder, tmp_path / TOKENS)
    cache.of(store.published())
    gone, *_, changed = sorted(taxonomy.skills)
    skills = {uri: skill for uri, skill in taxonomy.skills.items() if uri != gone}
    skills[changed] = replace(skills[changed], label="weld upside down")
    relations = tuple(one for one in taxonomy.relations if one.skill != gone)
    index_taxonomy(replace(taxonomy, version="2", skills=skills, relations=relations), encoder, store)

    seen: list[str] = []
    embed = TorchEncoder.encode_tokens

    def watched(self: TorchEncoder, texts: list[str], **options: object) -> object:
        seen.extend(texts)
        return embed(self, texts)

    monkeypatch.setattr(TorchEncoder, "encode_tokens", watched)
    for service in (cache, TokenCache(encoder, tmp_path / TOKENS)):  # one that runs, one that starts
        table = service.of(store.published())
        now = {one.label for one in (*skills.values(), *taxonomy.occupations.values())}
        before = {taxonomy.skills[gone].label, taxonomy.skills[changed].label}
        assert set(table.labels) == now | before  # which a rollback needs again
    assert seen == ["weld upside down"]
    assert cache.path
    written = cache.path.stat().st_mtime_ns
    rollback(store)
    for service in (cache, TokenCache(encoder, tmp_path / TOKENS)):
        assert before <= set(service.of(store.published()).labels)
    assert seen == ["weld upside down"]
    assert cache.path.stat().st_mtime_ns == written
    fresh = embed_tokens(encoder, ["weld upside down"])
    row = table.index["weld upside down"]
    rows = table.tokens[table.offsets[row] : table.offsets[row + 1]]
    np.testing.assert_allclose(rows, fresh.tokens, atol=5e-3, rtol=0)
    store.close()


def test_labels_that_are_not_in_the_table_are_embedded_as_they_come(encoder: Encoder) -> None:
    labels = ["cook food", "weld metal", "use spreadsheets software", "cook food"]
    whole = _scores(encoder, "chef", labels, embed_tokens(encoder, labels))
    assert len(set(whole.round(4))) == 3
    some = embed_tokens(encoder, labels[1:2])
    np.testing.assert_allclose(_scores(encoder, "chef", labels, some), whole, atol=5e-3)
    assert _scores(encoder, "chef", []).shape == (0,)


def _truncated(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _flipped(data: bytes) -> bytes:
    """One bit in the middle of the tokens."""
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def _foreign(_: bytes) -> bytes:
    from safetensors.numpy import save

    return save({"tokens": np.zeros(3, dtype=np.float16)})


@pytest.mark.parametrize("spoil", [_truncated, _flipped, _foreign, lambda _: b"", lambda _: b"junk" * 99])
def test_a_cache_that_is_damaged_is_made_again(
    spoil: Callable[[bytes], bytes],
    build: Build,
    encoder: Encoder,
    late_home: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    name = f"{encoder.folder.fingerprint}.safetensors"
    whole = late_home / TOKENS / name
    path = tmp_path / name
    path.write_bytes(spoil(whole.read_bytes()))
    with caplog.at_level(logging.WARNING):
        table = TokenCache(encoder, tmp_path).of(build)
    (record,) = caplog.records
    assert f"{path} cannot be read, and is made again" in record.getMessage()
    expected = read_tokens(whole, encoder=encoder.folder.fingerprint)[0]
    np.testing.assert_array_equal(table.tokens, expected.tokens)
    assert path.read_bytes()[-64:] == whole.read_bytes()[-64:]


def test_a_cache_that_cannot_be_written_stays_in_memory(
    build: Build, encoder: Encoder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        table = TokenCache(encoder, tmp_path / "file").of(build)
    (record,) = caplog.records
    assert "cannot be written, so the tokens are embedded again next time" in record.getMessage()
    assert len(table.labels) == 456


def test_of_several_at_once_one_makes_the_cache(build: Build, encoder: Encoder, tmp_path: Path) -> None:
    """Readers share nothing but the folder and its lock, as those of several processes do."""
    told: list[int] = []

    def prepare(_: int) -> tuple[str, ...]:
        def progress(_stage: str, total: int | None = None, /) -> Advance:
            told.append(total or 0)
            return advance_only(None)

        return TokenCache(encoder, tmp_path).of(build, progress=progress).labels

    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(prepare, range(4)))
    assert told == [456]
    assert len(found) == 1


def test_tokens_too_large_for_half_precision_are_told(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TorchEncoder, "encode_tokens", lambda *_: [np.full((2, 4), 7e4, dtype=np.float32)])
    with pytest.raises(ModelError, match="beyond 65,504 for 'welder'"):
        embed_tokens(encoder, ["welder"])


def test_scores_that_are_not_finite_are_told(encoder: Encoder) -> None:
    table = embed_tokens(encoder, ["welder"])
    table.tokens.fill(np.nan)
    with pytest.raises(ModelError, match="remove that file"):
        _scores(encoder, "chef", ["welder"], table)


def test_the_command(late_home: Path, models_folder: Path, late: SkillSearch) -> None:
    command, models = ("search", "Chef", "-n", "3", "--reranker", LATE), str(models_folder)
    done = run(*command, "--json", "--set", "device=cpu", home=late_home, SKILLSEARCH_MODELS=models)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["rerank"] == LATE
    assert [hit["uri"] for hit in found["hits"]] == [hit.uri for hit in late.search("Chef", limit=3)]


def _uris(client: SkillSearch, collection: str) -> list[str]:
    found = client.search("Chef", limit=412, filters=Filters(collections=[collection]), rerank=False)
    return [hit.uri for hit in found]


def _scores(
    encoder: Encoder, title: str, labels: list[str], table: TokenTable | None = None
) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Scores of labels for a title, as the ranker gives them."""
    vector, tokens = encoder.encode_with_tokens(title)
    return LateInteractionRanker(encoder, table=table).scores(Query(title, vector, tokens), labels)
