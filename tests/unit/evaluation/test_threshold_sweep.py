from __future__ import annotations

import numpy as np
import pytest

from truetwin.datasets import generate_population
from truetwin.errors import ParameterError
from truetwin.evaluation.threshold_sweep import ThresholdSweep, sweep_thresholds

PANEL = generate_population(80, 10, n_new_items=0, random_state=1).panel
SWEEP = ThresholdSweep(
    "ridge",
    ("a", "b", "c", "d"),
    ("x", "x", "y", "y"),
    errors=np.array([0.1, 0.2, 0.3, 0.4]),
    calibrated=np.array([0.9, 0.1, 0.2, 0.0]),
    twin=np.array([0.5, 0.5, 0.1, 0.3]),
)


def test_a_threshold_calibrates_the_items_with_smaller_errors() -> None:
    assert SWEEP.at(0.0).mean == pytest.approx(0.35)
    assert SWEEP.at(0.15).mean == pytest.approx((0.9 + 0.5 + 0.1 + 0.3) / 4)
    assert SWEEP.at(1.0).share_calibrated == 1.0
    assert SWEEP.at(0.15).standard_error == pytest.approx(np.std([0.9, 0.5, 0.1, 0.3], ddof=1) / 2)


def test_items_fitted_exactly_have_a_threshold_that_can_be_read() -> None:
    some = ThresholdSweep(
        "ridge", tuple("abcd"), tuple("abcd"), np.array([0.0, 1e-17, 0.2, 0.4]), *np.eye(4)[:2]
    )
    np.testing.assert_allclose(some.thresholds, [0.0, 0.1, 0.2, 0.4])
    assert [some.at(t).share_calibrated for t in some.thresholds] == [0.0, 0.5, 0.75, 1.0]
    all_exact = ThresholdSweep("ridge", ("a",), ("a",), np.zeros(1), np.ones(1), np.zeros(1))
    assert all_exact.thresholds.tolist() == [0.0, 1.0]


def test_the_best_threshold_is_the_best_in_hindsight() -> None:
    threshold, chosen = SWEEP.best()
    assert 0.1 < threshold < 0.2
    assert chosen.mean == max(row["mean"] for row in SWEEP.rows())


def test_an_honest_threshold_does_not_look_at_the_block_it_is_for() -> None:
    thresholds, chosen = SWEEP.honest("block")
    assert thresholds[2] == pytest.approx(0.1)  # the best on a and b
    assert 0.3 < thresholds[0] < 0.4  # the best on c and d
    assert chosen.mean == pytest.approx((0.9 + 0.1 + 0.1 + 0.3) / 4)
    changed = ThresholdSweep(
        "ridge", SWEEP.item_ids, SWEEP.blocks, SWEEP.errors, SWEEP.calibrated[::-1], SWEEP.twin
    )
    assert (changed.honest("block")[0] != thresholds).any()


def test_a_single_block_is_never_calibrated() -> None:
    one = ThresholdSweep("ridge", ("a", "b"), ("x", "x"), np.ones(2), np.ones(2), np.zeros(2))
    assert one.honest("block")[1].share_calibrated == 0.0


def test_the_sweep_agrees_with_evaluation() -> None:
    import truetwin as tt
    from truetwin.calibration.design import PAPER_PREPROCESSING

    sweep = sweep_thresholds(PANEL)
    table = tt.evaluate(
        PANEL,
        ["twin", "ridge"],
        metric="pearson-paper",
        preset="twin-2k-500",
        preprocessing=PAPER_PREPROCESSING,
    )
    order = [sweep.item_ids.index(i) for i in table.target_ids]
    np.testing.assert_allclose(sweep.calibrated[order], table.scores["ridge", "pearson-paper"], atol=1e-9)
    np.testing.assert_allclose(sweep.twin[order], table.scores["twin", "pearson-paper"], atol=1e-9)


def test_a_metric_that_is_undefined_for_some_items_is_refused() -> None:
    import numpy as np

    from truetwin.data import Panel, ResponseMatrix

    twin = PANEL.twin_values.copy()
    twin[:, 0] = 3.0
    panel = Panel(PANEL.human, ResponseMatrix(twin, PANEL.respondent_ids, PANEL.item_ids))
    assert np.isfinite(sweep_thresholds(panel).twin).all()
    with pytest.raises(ParameterError, match="undefined for 1 items"):
        sweep_thresholds(panel, metric="pearson")
