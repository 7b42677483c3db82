"""Shared fixtures: small models made on the spot, the sample taxonomy, and an index of it.

Nothing is downloaded. The models have random weights and a word-piece vocabulary made of the
sample's own words, are saved to a folder, and are loaded from there by the code under test.
"""

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from indexing import index_taxonomy
from servers import Server, new_prefix, real_server

from indexer.read.esco import read_sample
from skillsearch.client import SkillSearch
from skillsearch.models.manifest import read_manifest, write_manifest
from skillsearch.models.pair import ENCODER, RECORD, RERANKER, locate_models
from skillsearch.models.protocols import Encoder
from skillsearch.models.torch import load_encoder
from skillsearch.store.embedded import EmbeddedStore
from skillsearch.taxonomy.records import Taxonomy

HIDDEN = 32


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require-server",
        action="store_true",
        help="fail instead of skip where the Qdrant server tests find no server and no Docker engine",
    )


@pytest.fixture(autouse=True)
def _clean_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test sees the settings of the machine it runs on, nor the models that are installed there."""
    import os

    for name in [name for name in os.environ if name.startswith("SKILLSEARCH_") and "TEST" not in name]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SKILLSEARCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("skillsearch.shipped.entry_points", lambda **_: ())


@pytest.fixture(scope="session")
def _real_server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with real_server(is_required=request.config.getoption("--require-server")) as found:
        yield found


@pytest.fixture
def server(_real_server: Server) -> Iterator[Server]:
    """A real server, with names of this test's own that are removed after it."""
    found = replace(_real_server, prefix=new_prefix())
    yield found
    found.clean()


@pytest.fixture(scope="session")
def taxonomy() -> Taxonomy:
    return read_sample().taxonomy


@pytest.fixture(scope="session")
def bert_base(tmp_path_factory: pytest.TempPathFactory, taxonomy: Taxonomy) -> Path:
    """A BERT of random weights: 2 layers, 32 wide."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("bert")
    words = _words(taxonomy)
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    BertTokenizerFast(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=HIDDEN,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=160,
    )
    BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def xlm_roberta_base(tmp_path_factory: pytest.TempPathFactory, taxonomy: Taxonomy) -> Path:
    """An XLM-RoBERTa of random weights, 1024 wide as the large one is, so that it needs no head."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaModel

    folder = tmp_path_factory.mktemp("xlm-roberta")
    vocabulary = {
        word: index for index, word in enumerate(["<s>", "<pad>", "</s>", "<unk>", *_words(taxonomy)])
    }
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        cls_token="<s>",
        sep_token="</s>",
        model_max_length=128,
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = XLMRobertaConfig(
        vocab_size=len(vocabulary),
        hidden_size=1024,
        num_hidden_layers=1,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=140,
        pad_token_id=1,
    )
    XLMRobertaModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def models_folder(tmp_path_factory: pytest.TempPathFactory, bert_base: Path) -> Path:
    """A folder as `skillsearch train` leaves it, with untrained models."""
    from transformers import set_seed

    from trainer.bases import new_encoder, new_reranker

    folder = tmp_path_factory.mktemp("models")
    set_seed(0)
    new_encoder(str(bert_base), device="cpu").save_pretrained(str(folder / ENCODER), create_model_card=False)
    new_reranker(str(bert_base), device="cpu").save_pretrained(
        str(folder / RERANKER), create_model_card=False
    )
    (folder / RECORD).write_text('{"preset": "tiny"}\n', encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def exported_models(
    tmp_path_factory: pytest.TempPathFactory, models_folder: Path, taxonomy: Taxonomy
) -> Path:
    """The same folder with the files for ONNX Runtime in it; tests only read it."""
    from trainer.export.agreement import draw_sample
    from trainer.export.run import export_models

    folder = tmp_path_factory.mktemp("exported") / "models"
    shutil.copytree(models_folder, folder)
    for name in (ENCODER, RERANKER):
        write_manifest(folder / name, read_manifest(folder / name))
    export_models(locate_models(str(folder)), draw_sample(taxonomy))
    return folder


@pytest.fixture(scope="session")
def encoder(models_folder: Path) -> Encoder:
    return load_encoder(str(models_folder / ENCODER), label="tiny-encoder", device="cpu")


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory, taxonomy: Taxonomy, encoder: Encoder) -> Path:
    """A home with a published embedded index of the sample; tests only read it."""
    folder = tmp_path_factory.mktemp("home")
    store = EmbeddedStore(folder / "index")
    index_taxonomy(taxonomy, encoder, store)
    store.close()
    return folder


@pytest.fixture
def client(home: Path, models_folder: Path) -> Iterator[SkillSearch]:
    with SkillSearch.open(home=home, models=str(models_folder), device="cpu") as client:
        yield client


def _words(taxonomy: Taxonomy) -> list[str]:
    labels = [concept.label for concept in (*taxonomy.skills.values(), *taxonomy.occupations.values())]
    return sorted({word for label in labels for word in re.findall(r"\w+", label.lower())})
