"""The client on the sample index: ranking, filters, errors, threads, JSON."""

import asyncio
import json
import math
import re
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from indexing import index_taxonomy

from skillsearch import AsyncSkillSearch, FailedSearch, Filters, SearchResult, SkillSearch
from skillsearch.errors import (
    FilterError,
    IndexNotFoundError,
    ModelError,
    ModelMismatchError,
    QueryError,
    StoreUnavailableError,
)
from skillsearch.models.pair import RECORD, locate_models
from skillsearch.models.protocols import Encoder
from skillsearch.models.torch import load_encoder
from skillsearch.rank.fuse import fuse
from skillsearch.store.embedded import EmbeddedStore
from skillsearch.store.server import ServerStore
from skillsearch.taxonomy.records import Skill, Taxonomy


def test_a_result_has_ranks_scores_and_classes(client: SkillSearch, taxonomy: Taxonomy) -> None:
    result = client.search("Data Scientist", limit=7)
    assert [hit.rank for hit in result] == [1, 2, 3, 4, 5, 6, 7]
    assert [hit.score for hit in result] == sorted((hit.score for hit in result), reverse=True)
    for hit in result:
        skill = taxonomy.skills[hit.uri]
        assert (hit.label, hit.aliases, hit.description) == (skill.label, skill.alt_labels, skill.description)
        assert hit.probabilities is not None
        shares = {
            "irrelevant": hit.probabilities.irrelevant,
            "contextual": hit.probabilities.contextual,
            "core": hit.probabilities.core,
        }
        assert sum(shares.values()) == pytest.approx(1)
        assert hit.relevance == max(shares, key=lambda name: shares[name])
        essential = {r.occupation for r in taxonomy.relations_by_skill[hit.uri] if r.kind == "essential"}
        assert set(hit.links.essential_for) == essential
    assert result.timings.total >= result.timings.encode + result.timings.retrieve + result.timings.rerank
    assert [str(one) for one in result.versions.taxonomies] == ["sample 1.0.0 (en)"]


def test_the_score_is_the_blend_of_both_stages(client: SkillSearch) -> None:
    result = client.search("Nurse", limit=50, depth=50, alpha=0.7)
    demand = [hit.contributions["demand"] for hit in result if hit.contributions]
    assert min(demand) < 0 < max(demand)
    retrieval = np.array([hit.retrieval_score for hit in result])
    rerank = np.array([hit.rerank_score for hit in result], dtype=float)
    np.testing.assert_allclose([hit.score for hit in result], fuse(retrieval, rerank, 0.7, demand), atol=1e-6)
    plain = client.search("Nurse", limit=50, depth=50, alpha=0.7, demand_weight=0)
    assert all(hit.contributions is None for hit in plain)
    retrieval = np.array([hit.retrieval_score for hit in plain])
    rerank = np.array([hit.rerank_score for hit in plain], dtype=float)
    np.testing.assert_allclose([hit.score for hit in plain], fuse(retrieval, rerank, 0.7), atol=1e-6)


def test_more_weight_lifts_what_is_asked_for(client: SkillSearch) -> None:
    means = []
    for weight in (0, 1, 4):
        options = {"demand_weight": weight}
        result = client.search("Nurse", limit=20, depth=100, **options)
        assert result.demand_weight == weight
        heeded = client.search("Nurse", limit=400, depth=100, demand_weight=1)
        added = {hit.uri: hit.features["demand"] for hit in heeded if hit.features}
        means.append(np.mean([added[hit.uri] for hit in result]))
    assert means == sorted(means)
    assert means[0] < means[2]


def test_without_reranking_the_order_is_that_of_the_cosine(client: SkillSearch, taxonomy: Taxonomy) -> None:
    result = client.search("nurse", limit=len(taxonomy.skills), rerank=False)
    assert len(result) == len(taxonomy.skills)
    keys = [(-hit.retrieval_score, hit.uri) for hit in result]
    assert keys == sorted(keys)
    assert {(hit.relevance, hit.rerank_score, hit.probabilities) for hit in result} == {(None, None, None)}
    assert all(hit.score == hit.retrieval_score for hit in result)


def test_beyond_the_depth_the_list_goes_on_in_retrieval_order(client: SkillSearch) -> None:
    plain = client.search("Electrician", limit=30, rerank=False)
    result = client.search("Electrician", limit=30, depth=10, demand_weight=0)
    assert {hit.uri for hit in result[:10]} == {hit.uri for hit in plain[:10]}
    assert [hit.uri for hit in result[10:]] == [hit.uri for hit in plain[10:]]
    assert all(hit.relevance is None for hit in result[10:])
    assert all(hit.score <= 0 for hit in result[10:])
    assert [hit.score for hit in result] == sorted((hit.score for hit in result), reverse=True)
    heeded = client.search("Electrician", limit=30, depth=10)
    assert {hit.uri for hit in heeded[:10]} == {hit.uri for hit in plain[:10]}
    assert {hit.uri for hit in heeded[10:]} == {hit.uri for hit in plain[10:]}
    assert [hit.score for hit in heeded] == sorted((hit.score for hit in heeded), reverse=True)


def test_the_same_input_gives_the_same_result(client: SkillSearch) -> None:
    titles = ["Chef", "Data Scientist", "a much longer title of a very senior accountant", "Chef"]
    together = client.search_many(titles, limit=15)
    assert [result.hits for result in together] == [client.search(title, limit=15).hits for title in titles]
    assert together[0].hits == together[3].hits


def test_threads_share_a_client(client: SkillSearch) -> None:
    titles = ["Chef", "Nurse", "Welder", "Data Scientist"] * 5
    expected = {title: client.search(title).hits for title in set(titles)}
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(client.search, titles))
    assert [result.hits for result in results] == [expected[title] for title in titles]


def test_the_async_client_gives_the_same(client: SkillSearch) -> None:
    async def run() -> list[object]:
        return [
            result.hits
            for result in await asyncio.gather(*map(AsyncSkillSearch(client).search, ["Chef", "Nurse"]))
        ]

    assert asyncio.run(run()) == [client.search("Chef").hits, client.search("Nurse").hits]


def test_json_has_the_documented_names(client: SkillSearch) -> None:
    result = client.search("Chef", limit=2)
    values = json.loads(result.to_json())
    assert values == json.loads(json.dumps(result.to_dict()))
    assert values["title"] == "Chef"
    assert list(values["hits"][0])[:6] == ["rank", "uri", "label", "relevance", "probability", "score"]


@pytest.mark.parametrize(
    ("filters", "keeps"),
    [
        (Filters(types="knowledge"), lambda s, t: s.skill_type == "knowledge"),
        (
            Filters(reuse_levels=["transversal", "cross-sector"]),
            lambda s, t: s.reuse_level in {"transversal", "cross-sector"},
        ),
        (Filters(collections=["digital"]), lambda s, t: "digital" in s.collections),
        (
            Filters(collections=["digital"], types=["knowledge"]),
            lambda s, t: "digital" in s.collections and s.skill_type == "knowledge",
        ),
        (
            Filters(ancestors=["T"]),
            lambda s, t: "T" in {t.groups[u].code for u in t.skill_ancestors(s.uri) if u in t.groups},
        ),
        (
            Filters(occupations="Midwife"),
            lambda s, t: "midwife" in _needed_by(s, t, {"essential", "optional"}),
        ),
        (
            Filters(occupations="midwife", relation="essential"),
            lambda s, t: "midwife" in _needed_by(s, t, {"essential"}),
        ),
        (Filters(isco_groups="25", relation="optional"), lambda s, t: _in_isco(s, t, "25", "optional")),
        (Filters(taxonomies="sample", languages="en"), lambda s, t: True),
    ],
)
def test_filters_act_within_the_search(
    client: SkillSearch, taxonomy: Taxonomy, filters: Filters, keeps: Callable[[Skill, Taxonomy], bool]
) -> None:
    expected = {skill.uri for skill in taxonomy.skills.values() if keeps(skill, taxonomy)}
    assert expected
    found = [hit.uri for hit in client.search("Chef", limit=len(taxonomy.skills), filters=filters, depth=20)]
    assert len(found) == len(expected)
    assert set(found) == expected


def test_a_filter_that_leaves_thirty_skills_returns_thirty(client: SkillSearch, taxonomy: Taxonomy) -> None:
    wanted = sorted(taxonomy.skills)[:30]
    result = client.search("Chef", limit=30, filters=Filters(include=wanted))
    assert {hit.uri for hit in result} == set(wanted)
    result = client.search("Chef", limit=30, filters=Filters(include=wanted, exclude=wanted[:10]))
    assert {hit.uri for hit in result} == set(wanted[10:])


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        (Filters(collections="Digitl "), "did you mean 'digital'"),
        (Filters(types="skil"), "did you mean 'skill'"),
        (Filters(occupations="midwif"), "did you mean 'midwife'"),
        (Filters(ancestors="nothing like it"), "unknown ancestors 'nothing like it': the index has"),
        (Filters(taxonomies="esco"), "unknown taxonomy 'esco'"),
        (Filters(taxonomies="SAMPEL"), "did you mean 'sample'"),
        (Filters(include="https://example.org/none"), "unknown uri"),
    ],
)
def test_an_unknown_filter_value_names_the_near_ones(
    client: SkillSearch, filters: Filters, message: str
) -> None:
    with pytest.raises(FilterError, match=message):
        client.search("Chef", filters=filters)


@pytest.mark.parametrize(
    ("title", "message"),
    [
        ("", "is empty"),
        (" \n\t", "is empty"),
        ("?!", "is empty"),
        ("x" * 301, "301 characters"),
        (None, "found None"),
        (7, "found 7"),
        (math.nan, "found nan"),
        ("Nurse \ud83d", r"half of a surrogate pair, or a byte that is not UTF-8 \(U\+D83D\)"),
        ("abc\udcff", "a byte that is not UTF-8"),
        ("Nurse\x00", r"a control character \(U\+0000\)"),
        ("Nurse \x1b[31m", r"a control character \(U\+001B\)"),
    ],
)
def test_a_title_that_is_none_is_refused(client: SkillSearch, title: str, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        client.search(title)
    with pytest.raises(QueryError, match=f"^title 2: .*{message}"):
        client.search_many(["Chef", title], strict=True)
    found, failed = client.search_many(["Chef", title])
    assert isinstance(found, SearchResult)
    assert isinstance(failed, FailedSearch)
    assert (failed.position, failed.kind) == (2, "QueryError")
    assert failed.title is title
    assert re.search(message, failed.error)
    values = json.loads(failed.to_json().encode())  # it can be written as UTF-8
    assert values["title"] == ("nan" if isinstance(title, float) else title)


def test_white_space_of_any_kind_stands_between_the_words_of_a_title(client: SkillSearch) -> None:
    assert client.search("data\tscientist\r\n").title == "data scientist"


def test_titles_are_searched_as_they_come(client: SkillSearch) -> None:
    taken = []

    def titles() -> Iterator[str]:
        for title in ("Chef", "", "Nurse"):
            taken.append(title)
            yield title

    results = client.search_each(titles(), limit=1)
    assert taken == []
    first = next(results)
    assert isinstance(first, SearchResult)
    assert taken == ["Chef"]
    assert [type(result).__name__ for result in results] == ["FailedSearch", "SearchResult"]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"filters": Filters(collections="digitl")}, FilterError),
        ({"limit": 0}, QueryError),
        ({"alpha": 7}, QueryError),
        ({"rerank": "magic"}, QueryError),
    ],
)
def test_what_is_wrong_for_all_titles_is_told_before_the_first(
    client: SkillSearch, options: dict[str, object], error: type[QueryError]
) -> None:
    with pytest.raises(error, match=r"^(?!title)"):
        client.search_each(["", None], **options)


def test_one_title_is_not_a_list_of_titles(client: SkillSearch) -> None:
    with pytest.raises(QueryError, match="titles is a list of titles, found the text 'Nurse'"):
        client.search_many("Nurse")


def test_filter_values_are_found_however_they_are_spelt(client: SkillSearch) -> None:
    plain = Filters(
        types="skill", reuse_levels="cross-sector", collections="digital", taxonomies="sample", languages="en"
    )
    spelt = Filters(
        types=" Skill ",
        reuse_levels="CROSS-SECTOR",
        collections="Digital\n",
        taxonomies="Sample",
        languages="EN",
    )
    expected = client.search("Chef", filters=plain)
    assert len(expected)
    assert client.search("Chef", filters=spelt).hits == expected.hits
    groups = Filters(ancestors=" s5 ", isco_groups="25\u00a0", occupations="DATA  Scientist")
    assert client.search("Chef", filters=groups).hits


def test_a_uri_to_exclude_that_is_gone_changes_nothing(client: SkillSearch, taxonomy: Taxonomy) -> None:
    plain = client.search("Chef", limit=5)
    known, gone = plain[0].uri, ["https://example.org/gone", "https://example.org/gone too"]
    assert plain.notes == ()
    result = client.search("Chef", limit=5, filters=Filters(exclude=gone))
    assert result.hits == plain.hits
    assert result.notes == (
        "exclude: 2 of 2 URIs not in the index, to exclude them changes nothing: "
        "'https://example.org/gone', 'https://example.org/gone too'",
    )
    assert json.loads(result.to_json())["notes"] == list(result.notes)
    result = client.search("Chef", limit=5, filters=Filters(exclude=[f" {known}\r\n", *gone]))
    assert known not in [hit.uri for hit in result]
    assert "2 of 3" in result.notes[0]


def test_a_uri_to_include_that_is_gone_is_noted(client: SkillSearch, taxonomy: Taxonomy) -> None:
    known, gone = next(iter(taxonomy.skills)), "https://example.org/gone"
    result = client.search("Chef", filters=Filters(include=[gone, known]))
    assert [hit.uri for hit in result] == [known]
    assert result.notes == (f"include: 1 of 2 URIs not in the index, they cannot be found: '{gone}'",)


@pytest.mark.parametrize(
    "values",
    [
        {"types": "skill\ud83d"},
        {"include": ["https://example.org/\udcff"]},
        {"occupations": "mid\x00wife"},
        {"collections": 5},
        {"collections": None},
        {"ancestors": [math.nan]},
        {"relation": ["either"]},
    ],
)
def test_a_filter_that_is_no_text_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(FilterError):
        Filters(**values)  # type: ignore[arg-type]


def test_filters_are_made_by_their_class(client: SkillSearch) -> None:
    with pytest.raises(FilterError, match=r"made by Filters\(…\), found {'types': 'skill'}"):
        client.search("Chef", filters={"types": "skill"})  # type: ignore[arg-type]


def test_a_long_title_is_not_repeated(client: SkillSearch) -> None:
    with pytest.raises(QueryError) as caught:
        client.search("!" * 120_000)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "options",
    [
        {"limit": 0},
        {"limit": 100_001},
        {"limit": "7"},
        {"limit": True},
        {"depth": 10_001},
        {"depth": "7"},
        {"depth": 7.5},
        {"alpha": "\ud83d"},
        {"depth": 0},
        {"alpha": 1.1},
        {"alpha": -0.1},
        {"alpha": math.nan},
        {"min_probability": -0.1},
        {"min_probability": 1.1},
        {"min_probability": math.nan},
    ],
)
def test_numbers_out_of_range_are_refused(client: SkillSearch, options: dict[str, float]) -> None:
    with pytest.raises(QueryError):
        client.search("Chef", **options)  # type: ignore[arg-type]


def test_hits_that_are_not_probable_enough_are_dropped_before_the_limit(client: SkillSearch) -> None:
    everything = client.search("Chef", limit=60, depth=40)
    shares = sorted(hit.probabilities.relevant for hit in everything if hit.probabilities)
    bound = shares[25]
    expected = [hit.uri for hit in everything if hit.probabilities and hit.probabilities.relevant >= bound]
    assert len(expected) == 15
    result = client.search("Chef", limit=60, depth=40, min_probability=bound)
    assert [hit.uri for hit in result] == expected
    assert [hit.rank for hit in result] == list(range(1, 16))
    assert result.min_probability == bound
    short = client.search_many(["Chef"], limit=10, depth=40, min_probability=bound)[0]
    assert [hit.uri for hit in short] == expected[:10]
    assert len(client.search("Chef", limit=60, depth=40, min_probability=0)) == 40  # the reranked ones
    assert len(client.search("Chef", min_probability=1)) == 0


def test_a_setting_asks_for_probable_hits(client: SkillSearch, encoder: Encoder) -> None:
    settings = client._engine.settings.model_copy(update={"min_probability": 1.0})
    other = SkillSearch(
        client._engine.store, encoder, client._engine.rankers.named["cross-encoder"].scorer, settings
    )
    assert (len(other.search("Chef")), other.search("Chef").notes) == (0, ())
    assert len(other.search("Chef", min_probability=0)) == 20
    plain = other.search("Chef", rerank=False)
    assert len(plain) == 20
    assert plain.notes == (
        "min_probability has no effect: a search without reranking gives no probabilities",
    )


def test_without_reranking_there_are_no_probabilities_to_ask_for(
    client: SkillSearch, encoder: Encoder
) -> None:
    with pytest.raises(QueryError, match="it goes with the cross-encoder, distilled or whole"):
        client.search("Chef", min_probability=0.5, rerank=False)
    alone = SkillSearch(client._engine.store, encoder, None, client._engine.settings)
    with pytest.raises(QueryError, match="it goes with the cross-encoder, distilled or whole"):
        alone.search("Chef", min_probability=0.5)


def test_the_temperature_of_the_manifest_divides_the_logits(
    client: SkillSearch, home: Path, models_folder: Path, tmp_path: Path
) -> None:
    models = tmp_path / "models"
    shutil.copytree(models_folder, models)
    manifest = {"preset": "tiny", "calibration": {"temperature": 2.0, "error_after": 0.1}}
    (models / RECORD).write_text(json.dumps(manifest), encoding="utf-8")
    plain = client.search("Chef", limit=10)
    with SkillSearch.open(home=home, models=str(models), device="cpu") as warm:
        result = warm.search("Chef", limit=10)
    for before, after in zip(plain, result, strict=True):
        assert (after.uri, after.score, after.rerank_score) == (before.uri, before.score, before.rerank_score)
        assert after.relevance == before.relevance
        assert before.probabilities is not None
        assert after.probabilities is not None
        roots = [math.sqrt(share) for share in asdict(before.probabilities).values()]  # e^(x/2) = sqrt(e^x)
        expected = [root / sum(roots) for root in roots]
        assert list(asdict(after.probabilities).values()) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("temperature", [0, -1, "warm", None, True, math.nan, math.inf])
def test_a_temperature_that_is_none_is_told(models_folder: Path, tmp_path: Path, temperature: object) -> None:
    manifest = {"preset": "tiny", "calibration": {"temperature": temperature}}
    (tmp_path / RECORD).write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(
        ModelError, match=r"manifest\.json(: calibration\.temperature| cannot be read as JSON)"
    ):
        locate_models(str(tmp_path))
    assert locate_models(str(models_folder)).temperature == 1


def test_without_a_learned_blend_a_result_says_nothing_of_one(client: SkillSearch) -> None:
    result = client.search("Chef")
    assert (result.versions.blender, result.demand_weight, result.min_probability) == (None, 1.0, None)
    assert all(hit.features and hit.features.keys() == {"demand"} for hit in result)
    plain = client.search("Chef", rerank=False)
    assert plain.demand_weight is None
    assert all(hit.features is None and hit.contributions is None for hit in plain)


@pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant:UserWarning")
@pytest.mark.filterwarnings("ignore:Local mode performs exact:UserWarning")
def test_both_stores_give_the_same(
    client: SkillSearch, taxonomy: Taxonomy, encoder: Encoder, models_folder: Path
) -> None:
    store = ServerStore.in_memory()
    index_taxonomy(taxonomy, encoder, store)
    reranker = locate_models(str(models_folder)).load_reranker(device="cpu")
    other = SkillSearch(store, encoder, reranker, client._engine.settings)
    filters = Filters(collections=["digital"], occupations="data scientist")
    for options in ({"limit": 40}, {"limit": 40, "filters": filters}, {"limit": 300, "depth": 50}):
        ours, theirs = client.search("Data Scientist", **options), other.search("Data Scientist", **options)
        assert len(ours) == len(theirs) > 0
        found = {hit.uri: hit for hit in theirs}
        # vectors are stored in half precision, which the engines round each in its own way
        assert sum(hit.uri in found for hit in ours) >= 0.95 * len(ours)
        for hit in ours:
            if hit.uri in found:
                assert found[hit.uri].retrieval_score == pytest.approx(hit.retrieval_score, abs=1e-3)
                assert found[hit.uri].links == hit.links
    other.close()


def test_a_missing_index_is_told(tmp_path: Path, models_folder: Path) -> None:
    with pytest.raises(IndexNotFoundError, match="skillsearch reindex"):
        SkillSearch.open(home=tmp_path, models=str(models_folder))


def test_missing_and_unfinished_models_are_told(home: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="skillsearch train"):
        SkillSearch.open(home=home, models=str(tmp_path / "none"))
    with pytest.raises(ModelError, match="not a folder that `skillsearch train` finished"):
        SkillSearch.open(home=home, models=str(tmp_path))


def test_a_server_that_is_down_is_told(models_folder: Path) -> None:
    with pytest.raises(StoreUnavailableError, match="SKILLSEARCH_QDRANT_URL"):
        SkillSearch.open(qdrant_url="http://127.0.0.1:9", models=str(models_folder))


def test_an_index_of_another_encoder_is_refused(
    tmp_path: Path, taxonomy: Taxonomy, encoder: Encoder, models_folder: Path, bert_base: Path
) -> None:
    from trainer.bases import new_encoder

    other = tmp_path / "other"
    new_encoder(str(bert_base), device="cpu").save_pretrained(str(other), create_model_card=False)
    store = EmbeddedStore(tmp_path / "index")
    index_taxonomy(taxonomy, load_encoder(str(other), device="cpu"), store)
    with pytest.raises(ModelMismatchError, match="other"):
        SkillSearch.open(home=tmp_path, models=str(models_folder), device="cpu")
    index_taxonomy(taxonomy, encoder, store)
    with SkillSearch.open(home=tmp_path, models=str(models_folder), device="cpu") as client:
        first = client.search("Chef")
        index_taxonomy(replace(taxonomy, version="1.0.1"), encoder, store)
        second = client.search("Chef")
        assert [one.version for one in second.versions.taxonomies] == ["1.0.1"]
        assert second.versions.build != first.versions.build
        assert second.hits == first.hits
    store.close()


def _needed_by(skill: Skill, taxonomy: Taxonomy, kinds: set[str]) -> set[str]:
    relations = taxonomy.relations_by_skill.get(skill.uri, ())
    return {taxonomy.occupations[r.occupation].label for r in relations if r.kind in kinds}


def _in_isco(skill: Skill, taxonomy: Taxonomy, code: str, kind: str) -> bool:
    groups = [
        taxonomy.isco_groups[group].code
        for r in taxonomy.relations_by_skill.get(skill.uri, ())
        if r.kind == kind
        for group in taxonomy.isco_ancestors(r.occupation)
    ]
    return code in groups
