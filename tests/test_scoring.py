"""Scores and texts, compared with values worked out by hand and with naive loops."""

import numpy as np
import pytest

from skillsearch.models.classes import CLASSES
from skillsearch.rank.fuse import fuse, min_max, softmax
from skillsearch.taxonomy import texts
from skillsearch.taxonomy.records import Skill
from skillsearch.taxonomy.texts import (
    embedding_hash,
    pair_text,
    payload_hash,
    query_text,
    skill_embedding_hash,
)


def test_min_max() -> None:
    assert min_max([2, 4, 3]).tolist() == [0, 1, 0.5]
    assert min_max([0, 5], among=[2, 4]).tolist() == [-1, 1.5]
    assert min_max([7, 7]).tolist() == [1, 1]
    assert min_max([6], among=[7]).tolist() == [0]
    assert min_max([]).tolist() == []


def test_fuse() -> None:
    # 0.7 * [1, 0.5, 0] + 0.3 * [0, 0.25, 1]
    np.testing.assert_allclose(fuse([0.9, 0.5, 0.1], [-2, -1, 2], 0.7), [0.7, 0.425, 0.3])
    assert fuse([3, 1], [1, 2], 1.0).tolist() == [1, 0]
    assert fuse([3, 1], [1, 2], 0.0).tolist() == [0, 1]
    # two of four were reranked: below them 0.5 * (0.4 - 0.5) / 0.4, and a tie with the last stays at 0
    np.testing.assert_allclose(fuse([0.9, 0.5, 0.5, 0.4], [0, 1], 0.5), [0.5, 0.5, 0, -0.125])
    assert fuse([0.9, 0.5], [], 0.7).tolist() == [0, 0]
    assert fuse([], [], 0.7).tolist() == []


def test_softmax() -> None:
    np.testing.assert_allclose(softmax([0, np.log(2), np.log(5)]), [1 / 8, 2 / 8, 5 / 8])
    np.testing.assert_allclose(softmax([[1000, 1000], [-1000, 0]]), [[0.5, 0.5], [0, 1]])


def test_the_classes_are_in_the_order_of_the_logits() -> None:
    assert CLASSES == ("irrelevant", "contextual", "core")


def test_texts_fold_white_space_and_keep_case() -> None:
    assert query_text("  Data\n Scientist\t") == "Data Scientist"
    assert pair_text(" Data  Scientist", "Python") == ("Data Scientist", "Python")


def test_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    payload = {"uri": "a", "label": "b"}
    assert payload_hash(payload) == payload_hash({"label": "b", "uri": "a", "payload_hash": "x"})
    assert payload_hash(payload) != payload_hash(payload | {"label": "c"})
    before = embedding_hash("text")
    assert before == embedding_hash("text") != embedding_hash("text ")
    monkeypatch.setattr(texts, "VIEW_VERSION", texts.VIEW_VERSION + 1)
    assert embedding_hash("text") != before


def test_a_skill_is_embedded_again_when_what_is_embedded_changes() -> None:
    skill = Skill("a", "label", ("alias",))
    renamed = Skill("a", "label", ("other",))
    assert skill_embedding_hash(skill, alias_weight=0) == embedding_hash("label")
    assert skill_embedding_hash(skill, alias_weight=0) == skill_embedding_hash(renamed, alias_weight=0)
    weighted = {
        skill_embedding_hash(skill, alias_weight=0.5),
        skill_embedding_hash(renamed, alias_weight=0.5),
        skill_embedding_hash(skill, alias_weight=1.0),
        embedding_hash("label"),
    }
    assert len(weighted) == 4
