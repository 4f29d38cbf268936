"""Scores of estimates: answered items hidden, estimated, and compared with what people answered."""

from __future__ import annotations

import json

import numpy as np
import pytest

from truetwin.cli import _run
from truetwin.data import Item, Panel, ResponseMatrix
from truetwin.data.frames import to_frame
from truetwin.datasets import generate_population
from truetwin.errors import ParameterError
from truetwin.evaluation.estimate_scores import score_estimates, score_summary
from truetwin.io import write_table

pytestmark = pytest.mark.slow

PANEL = generate_population(160, 16, n_new_items=0, random_state=1).panel


@pytest.fixture(scope="module")
def rows() -> dict[tuple[str, str], dict[str, object]]:
    scores = score_estimates(PANEL, "leave-one-item-out", by=["age_group"], asked=[20])
    return {(row["what"], row["source"]): row for row in score_summary(scores)}


def test_estimates_stand_beside_what_one_would_have_without_them(rows) -> None:  # type: ignore[no-untyped-def]
    assert list(rows) == [
        ("nobody asked", "estimate"),
        ("nobody asked", "twins"),
        ("by age_group", "estimate"),
        ("by age_group", "everybody's"),
        ("20 asked", "estimate"),
        ("20 asked", "sample"),
    ]
    assert rows["nobody asked", "estimate"]["n_items"] == 16
    assert rows["nobody asked", "estimate"]["tv"] < rows["nobody asked", "twins"]["tv"]
    assert rows["20 asked", "estimate"]["rmse"] < rows["nobody asked", "estimate"]["rmse"]
    assert 0.7 <= rows["by age_group", "estimate"]["coverage"] <= 1


def test_answers_to_a_hidden_item_do_not_reach_its_own_estimate() -> None:
    values = np.array(PANEL.human.values)
    values[:, 0] = 8 - values[:, 0]
    turned = Panel(ResponseMatrix(values, PANEL.human.respondent_ids, PANEL.human.items), PANEL.twin)
    before, after = (
        [
            each
            for each in score_estimates(panel, "leave-block-out", items=["Q01"])
            if each.source == "estimate"
        ]
        for panel in (PANEL, turned)
    )
    assert before[0].width == pytest.approx(after[0].width, rel=1e-6)


def test_an_unknown_protocol_is_refused() -> None:
    with pytest.raises(ParameterError, match="leave-one-item-out or leave-block-out"):
        score_estimates(PANEL, "leave-one-respondent-out")


def test_the_verb_scores_estimates(capsys: pytest.CaptureFixture[str], tmp_path) -> None:  # type: ignore[no-untyped-def]
    panel = generate_population(60, 8, n_new_items=0).panel
    tables = [str(tmp_path / f"{name}.csv") for name in ("human", "twin")]
    for path, matrix in zip(tables, (panel.human, panel.twin), strict=True):
        write_table(to_frame(matrix.values, matrix.respondent_ids, matrix.item_ids), path)
    assert _run(["evaluate", *tables, "--estimates", "--json"], debug=True) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["source"] for row in found["rows"]] == ["estimate", "twins"]
    assert _run(["evaluate", *tables, "--asked", "20"], debug=False) == 2
    assert "--asked goes with --estimates" in capsys.readouterr().err


def test_nominal_items_are_scored_by_their_shares() -> None:
    from truetwin.data import Scale

    rng = np.random.default_rng(0)
    items = [Item(f"N{j}", scale=Scale.nominal([1, 2, 3])) for j in range(8)]
    answers = rng.integers(1, 4, (80, 8)).astype(float)
    ids = [f"p{k}" for k in range(80)]
    panel = Panel(ResponseMatrix(answers, ids, items), ResponseMatrix(answers[::-1], ids, items))
    scores = [each for each in score_estimates(panel, "leave-one-item-out") if each.source == "estimate"]
    assert all(np.isnan(each.error) and 0 <= each.covered <= 1 for each in scores)
