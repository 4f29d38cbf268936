"""Similarity of texts."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np
import pytest

from truetwin.errors import AccessError, DataError, MissingExtraError, ParameterError
from truetwin.voice_sets.common import text_similarity
from truetwin.voice_sets.common.text_similarity import (
    EndpointEmbedder,
    TfidfEmbedder,
    cosine_rows,
    open_embedder,
)

TEXTS = ["The rain fell on the roof.", "Rain, rain, rain!", "A horse in the yard", "", "…"]


@pytest.mark.parametrize("analyzer", ["word", "char_wb"])
def test_rows_have_length_one_or_zero(analyzer: str) -> None:
    rows = TfidfEmbedder(analyzer).fit(TEXTS).embed(TEXTS)
    lengths = np.sqrt(rows.multiply(rows).sum(axis=1)).A1.round(9)
    assert set(lengths.tolist()) <= {0.0, 1.0}
    assert lengths[3] == 0.0


def test_rare_words_count_for_more() -> None:
    embedder = TfidfEmbedder().fit([*TEXTS, "the cat", "the dog", "the cow"])
    one = embedder.embed(["the rain"])
    by_rain, by_the = cosine_rows(one, embedder.embed(["rain", "the"]))[0]
    assert by_rain > by_the


def test_batches_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = TfidfEmbedder().fit(TEXTS).embed(TEXTS).toarray()
    monkeypatch.setattr(text_similarity, "BATCH", 2)
    np.testing.assert_array_equal(TfidfEmbedder().fit(iter(TEXTS)).embed(TEXTS).toarray(), whole)


def test_an_embedder_that_has_seen_no_text_says_so() -> None:
    with pytest.raises(DataError, match="call fit first"):
        TfidfEmbedder().embed(TEXTS)


def test_an_endpoint_gives_rows_of_unit_length() -> None:
    class Fake:
        def describe(self) -> dict[str, str]:
            return {"model": "m"}

        def vectors(self, texts: Sequence[str]) -> list[list[float]]:
            return [[3.0, 4.0] if text else [0.0, 0.0] for text in texts]

    embedder = EndpointEmbedder(Fake())
    assert embedder.fit([]).embed(["a", ""]).round(9).tolist() == [[0.6, 0.8], [0.0, 0.0]]
    assert embedder.describe() == {"kind": "endpoint", "model": "m"}


@pytest.mark.extra("llm")
def test_names_open_embedders_and_wrong_ones_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {"kind": "tfidf", "analyzer": "char_wb"}.items() <= open_embedder(
        "tfidf-characters"
    ).describe().items()
    with pytest.raises(ParameterError, match="'word2vec'"):
        open_embedder("word2vec")
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MissingExtraError, match=r"truetwin\[embeddings\]"):
        open_embedder("sentence:any")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(AccessError, match="OPENAI_API_KEY must hold the key; it is not set"):
        open_embedder("endpoint:any")
