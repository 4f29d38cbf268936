"""BLEU-1 and METEOR of the published narrative replies beside paper B, table 5 (Qwen2.5-14B: 11.67 and 11.92)."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from truetwin.errors import MissingExtraError
from truetwin.voice.scoring.text_metrics import ReplyPair, bleu_1, meteor
from truetwin.voice.scoring.wordnet import load_wordnet

pytestmark = pytest.mark.skipif("TRUETWIN_DATA_MIRROR" not in os.environ, reason="needs the public data")
REPLIES = "TwinBench/result/generative/dimension_3/step1_generations_lmut-Qwen2.5-14B-Instruct_choices.jsonl"


@pytest.fixture(scope="module")
def pairs() -> list[ReplyPair]:
    lines = (Path(os.environ["TRUETWIN_DATA_MIRROR"]) / REPLIES).read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [
        ReplyPair(r["lmut_reply"], r["utterance"], "en", (r["source_novel"], r["speaker_match_key"]))
        for r in rows
    ]


@pytest.mark.extra("voice")
def test_bleu_1_is_the_paper_s(pairs: list[ReplyPair]) -> None:
    score = bleu_1(pairs, resamples=500)
    assert (score.interval.n, score.n_unscored) == (1187, 0)
    assert score.interval.value == pytest.approx(11.67, abs=0.2)
    assert score.interval.value == pytest.approx(11.78, abs=0.01)  # ours, exactly
    assert score.interval.low < 11.67 < score.interval.high


def test_meteor_is_lower_than_the_paper_s(pairs: list[ReplyPair]) -> None:
    try:
        load_wordnet()
    except MissingExtraError as error:
        pytest.skip(str(error))
    score = meteor(pairs, resamples=500)
    assert score.interval.value == pytest.approx(10.97, abs=0.05)
    assert 11.92 - score.interval.value == pytest.approx(0.95, abs=0.06)
