from __future__ import annotations

import math
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from truetwin.errors import AlignmentError, DataError, MissingExtraError, UnknownNameError
from truetwin.voice.items.voice_items import Option, VoiceItem, VoicePersona
from truetwin.voice.protocols.outcomes import Outcome, Protocol, Status
from truetwin.voice.scoring import wordnet
from truetwin.voice.scoring.bert_score import bert_score
from truetwin.voice.scoring.text_metrics import ReplyPair, bleu_1, meteor, reply_pairs
from truetwin.voice.scoring.tokens import tokenize
from truetwin.voice.stats.resampling import bootstrap, bootstrap_mean


@pytest.mark.extra("voice")
def test_bleu_1_is_clipped_precision_with_brevity_penalty() -> None:
    pairs = [
        ReplyPair("the the the cat", "the cat sat", persona="a"),
        ReplyPair("cat", "the cat", persona="b"),
    ]
    assert bleu_1(pairs).scores == pytest.approx((50.0, 100 * math.exp(-1)))


@pytest.mark.extra("voice")
def test_case_and_punctuation_do_not_glue_words() -> None:
    assert bleu_1([ReplyPair("WHY?", "why ?")]).scores == pytest.approx((100.0,))


@pytest.mark.extra("voice")
def test_an_empty_reply_scores_zero_and_an_empty_truth_is_undefined_and_counted() -> None:
    score = bleu_1([ReplyPair("", "why", persona="a"), ReplyPair("why", " ", persona="b")])
    assert score.scores[0] == 0.0
    assert math.isnan(score.scores[1])
    assert (score.interval.n, score.n_unscored) == (1, 1)


@pytest.mark.extra("voice")
def test_chinese_is_counted_by_character() -> None:
    assert bleu_1([ReplyPair("今天好", "今天坏", "zh")]).scores == pytest.approx((200 / 3,))
    assert bleu_1([ReplyPair("今天好", "今天坏", "zh")], tokenizer="words").scores == (0.0,)
    assert "letters of unspaced scripts" in bleu_1([ReplyPair("好", "好", "zh")]).settings


@pytest.mark.extra("languages")
def test_jieba_finds_words() -> None:
    assert tokenize("我喜欢北京", "zh", "jieba") == ["我", "喜欢", "北京"]


def test_an_unknown_tokenizer_names_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'words'"):
        tokenize("a", "en", "word")  # type: ignore[arg-type]


def test_metrics_of_nothing_are_refused() -> None:
    for metric in (bleu_1, meteor):
        with pytest.raises(DataError, match="at least one"):
            metric([])


@pytest.fixture
def needs_wordnet() -> None:
    try:
        wordnet.load_wordnet()
    except MissingExtraError as error:
        pytest.skip(str(error))


@pytest.mark.usefixtures("needs_wordnet")
def test_meteor_knows_synonyms_and_stems_of_english() -> None:
    same, synonym, other = meteor(
        [ReplyPair("the car stopped", t) for t in ("the cars stop", "the auto stopped", "a dog barked")]
    ).scores
    assert same > 90
    assert synonym > 90
    assert other == 0.0


@pytest.mark.usefixtures("needs_wordnet")
def test_meteor_takes_no_english_synonyms_for_other_languages() -> None:
    english, german = meteor([ReplyPair("car", "auto"), ReplyPair("car", "auto", "de")]).scores
    assert english > 0
    assert german == 0.0


def test_without_wordnet_meteor_is_not_available(monkeypatch: pytest.MonkeyPatch) -> None:
    nltk_data = pytest.importorskip("nltk.data", reason="needs the extra 'voice'")
    monkeypatch.setattr(nltk_data, "path", [])
    monkeypatch.setattr(wordnet, "SYSTEM_FOLDERS", ())
    wordnet.load_wordnet.cache_clear()
    try:
        with pytest.raises(MissingExtraError, match="METEOR needs WordNet"):
            meteor([ReplyPair("a", "a")])
    finally:
        wordnet.load_wordnet.cache_clear()


def test_lexicographer_files_have_their_documented_numbers() -> None:
    lines = wordnet.lexnames().splitlines()
    known = {
        0: "adj.all",
        2: "adv.all",
        3: "noun.Tops",
        28: "noun.time",
        29: "verb.body",
        43: "verb.weather",
        44: "adj.ppl",
    }
    assert len(lines) == 45
    assert {k: lines[k].split("\t")[1] for k in known} == known


def test_bertscore_names_its_extra_and_refuses_mixed_languages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bert_score", None)
    with pytest.raises(MissingExtraError, match=r"truetwin\[bertscore\]"):
        bert_score([ReplyPair("a", "b")])
    with pytest.raises(DataError, match="one language"):
        bert_score([ReplyPair("a", "b", "en"), ReplyPair("a", "b", "zh")])


class _Scorer:
    """Stand-in for bert-score 0.3.13, its settings read-only; every reply but the same gets .9 of 1."""

    num_layers = property(lambda self: 17)
    baseline_vals = property(lambda self: (0.8, 0.8, 0.8))

    def __init__(self, model_type: str, num_layers: int | None, lang: str) -> None: ...

    def score(self, written: list[str], true: list[str]) -> tuple[Any, Any, Any]:
        scores = np.array([1.0 if w == t else 0.9 for w, t in zip(written, true, strict=True)])
        return scores, scores, scores


def test_bertscore_is_rescaled_by_its_baseline_and_says_what_it_used(monkeypatch: pytest.MonkeyPatch) -> None:
    module = SimpleNamespace(BERTScorer=_Scorer, utils=SimpleNamespace(lang2model={"en": "roberta-large"}))
    monkeypatch.setitem(sys.modules, "bert_score", module)
    monkeypatch.setattr("truetwin.voice.scoring.bert_score.version", lambda name: "0.3.13")
    pairs = [ReplyPair("a", "a", persona=1), ReplyPair("a", "b", persona=2), ReplyPair("a", "", persona=3)]
    found = bert_score(pairs)
    assert found.raw.scores[:2] == pytest.approx((100.0, 90.0))
    assert found.rescaled is not None
    assert found.rescaled.scores[:2] == pytest.approx((100.0, 50.0))
    assert (found.raw.n_unscored, found.rescaled.n_unscored) == (1, 1)
    assert "roberta-large, layer 17, not rescaled; bert-score 0.3.13" in found.raw.settings


def test_replies_meet_their_true_ones() -> None:
    options = tuple(Option(k, f"text {k}") for k in "abcd")
    item = VoiceItem("i", "narrative", "en", VoicePersona("p"), "s", options, "c")
    done = Outcome("i", Protocol.REPLY, Status.DONE, reply="hello")
    failed = Outcome("i", Protocol.REPLY, Status.FAILED)
    assert reply_pairs([done, failed], [item]) == [ReplyPair("hello", "text c", "en", "p")]
    with pytest.raises(AlignmentError, match="'x'"):
        reply_pairs([Outcome("x", Protocol.REPLY, Status.DONE, reply="hello")], [item])


def test_clusters_are_drawn_whole() -> None:
    values = [1.0] * 50 + [0.0] * 50
    alone = bootstrap_mean(values)
    together = bootstrap_mean(values, clusters=["a"] * 50 + ["b"] * 50)
    assert (together.low, together.high) == (0.0, 1.0)
    assert alone.high - alone.low < 0.25


def test_one_cluster_has_no_interval() -> None:
    found = bootstrap_mean([1.0, 0.0], clusters=["a", "a"])
    assert (found.value, found.n_clusters) == (0.5, 1)
    assert math.isnan(found.low)


def test_undefined_resamples_are_counted() -> None:
    found = bootstrap(lambda rows: math.nan if len(set(rows.tolist())) < 3 else 1.0, 3, resamples=500)
    assert 0 < found.n_undefined <= 500
    assert found.value == 1.0
