from __future__ import annotations

import os
from pathlib import Path

import pytest

from marginal_examples import made_up
from truetwin.datasets import datasets, movielens_marginals, opinionqa
from truetwin.errors import AlignmentError
from truetwin.reweighting import reweight

EXCERPT = Path(os.environ.get("TRUETWIN_DATA_MIRROR", "")).parent / "excerpts" / "opinionqa"


def test_refused_is_off_the_scale_by_default(tmp_path: Path) -> None:
    data = made_up(tmp_path)
    assert data.marginals.shares(data.marginals.item_ids).shape == (12, 4)
    assert data.twins.n_off_scale > 0
    kept = opinionqa.read(tmp_path / opinionqa.QUESTIONS, tmp_path / opinionqa.ANSWERS, keep_off_scale=True)
    assert kept.marginals.shares(kept.marginals.item_ids).shape == (12, 5)
    assert kept.twins.n_off_scale == 0


def test_waves_are_read_from_question_ids(tmp_path: Path) -> None:
    assert set(made_up(tmp_path).groups["wave"].values()) == {"W26", "W27", "W28"}


def test_a_row_without_a_question_is_refused(tmp_path: Path) -> None:
    made_up(tmp_path)
    path = tmp_path / opinionqa.ANSWERS
    path.write_text(path.read_text().replace("Q3_W26", "Q3_W99"))
    with pytest.raises(AlignmentError, match="'Q3_W99'"):
        opinionqa.read(tmp_path / opinionqa.QUESTIONS, path)


@pytest.mark.skipif(not EXCERPT.is_dir(), reason="the excerpt of OpinionQA is not on this machine")
def test_the_excerpt_is_read_and_predicted() -> None:
    data = opinionqa.read(EXCERPT / opinionqa.QUESTIONS, EXCERPT / opinionqa.ANSWERS)
    assert data.twins.shape == (2058, 25)
    assert 0.005 < data.marginals.off_scale_share < 0.012
    known = [m for i, m in data.marginals.by_population["all"].items() if i != "EAT5C_W34"]
    result = reweight(data.twins, type(data.marginals).of(known), method="transition")
    assert {row["item_id"] for row in result.predictions} == {"EAT5C_W34"}
    assert {row["category"] for row in result.predictions} == set(
        data.marginals.items["EAT5C_W34"].scale.labels.values()
    )


def test_movielens_marginals_are_as_published(needs_data: None) -> None:
    data = movielens_marginals.load()
    assert data.twins.shape == (2058, 500)
    assert data.marginals.shares(data.marginals.item_ids).shape == (500, 10)
    assert data.groups["year"]["Toy Story (1995)"] == "1995"
    assert "unknown" not in data.groups["year"].values()
    assert {"movielens-marginals", "opinionqa"} <= set(datasets)
