from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from truetwin.datasets import datasets, movielens_marginals, opinionqa
from truetwin.errors import AlignmentError
from truetwin.report.figures.marginal_figures import example_item_figure, variance_ratio_figure
from truetwin.reproduction.marginal_examples import figure_data, variance_ratio
from truetwin.reproduction.marginal_tables import reproduce_marginals
from truetwin.reweighting import reweight

EXCERPT = Path(os.environ.get("TRUETWIN_DATA_MIRROR", "")).parent / "excerpts" / "opinionqa"


def made_up(folder: Path, m: int = 12, n: int = 30) -> opinionqa.MarginalData:
    """A made-up file pair in the published layout."""
    rng = np.random.default_rng(0)
    labels = ["Very", "Somewhat", "Not too", "Not at all", "Refused"]
    asked = {
        f"Q{j}_W{26 + j % 3}": {
            "question": f"How {j}?",
            "choices": labels,
            "choice_to_numeric": {label: k + 1 for k, label in enumerate(labels)},
            "choice_counts": {str(k + 1): int(c) for k, c in enumerate(rng.integers(1, 99, size=5))},
        }
        for j in range(m)
    }
    (folder / opinionqa.QUESTIONS).write_text(json.dumps(asked))
    lines = ["," + ",".join(f"pid_{i}" for i in range(n))]
    lines += [f"{name}," + ",".join(str(v) for v in rng.integers(1, 6, size=n)) for name in asked]
    (folder / opinionqa.ANSWERS).write_text("\n".join(lines) + "\n")
    return opinionqa.read(folder / opinionqa.QUESTIONS, folder / opinionqa.ANSWERS)


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


def test_the_tables_rows_are_made_for_any_data_of_this_layout(tmp_path: Path) -> None:
    rows = list(reproduce_marginals("appendix-marginals", "opinionqa", data=made_up(tmp_path), coarser=5000))
    assert len({(r["trained_on"], r["variant"]) for r in rows}) == 1 + 7 * 6
    assert all(r["paper"] is None for r in rows)  # made-up data have no published figures


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


def test_figures_are_made_from_data_and_returned(needs_data: None) -> None:
    found = figure_data("movielens")
    assert sum(row["human"] for row in found.example.rows()) == pytest.approx(1)
    assert np.median(found.ratios.predicted) == pytest.approx(1.0, abs=0.15)
    assert np.median(found.ratios.uncalibrated) < 0.5
    for figure in (example_item_figure(found.example), variance_ratio_figure(found.ratios)):
        assert figure.axes[0].get_legend() is not None


def test_a_variance_ratio_without_human_variance_is_undefined() -> None:
    ratio = variance_ratio(np.array([[1.0, 0.0]]), np.array([[0.5, 0.5]]), np.array([0.0, 1.0]))
    assert np.isnan(ratio[0])
