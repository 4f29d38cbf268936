"""Completing donors: exact where it can be, and without a way from one left-out person to another."""

from __future__ import annotations

import numpy as np

from truetwin.calibration.imputation import RespondentsApart, complete_donors

N, P = 40, 6
GROUP = np.array([4, 17, 30])


def answers(seed: int = 0) -> np.ndarray:
    """Nearly of rank 2, a fifth missing."""
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((N, 2)) @ rng.standard_normal((2, P)) + 0.1 * rng.standard_normal((N, P))
    values[rng.random(values.shape) < 0.2] = np.nan
    return values


def apart(human: np.ndarray, twin: np.ndarray, members: np.ndarray | None = None) -> RespondentsApart:
    return RespondentsApart(human, twin, GROUP, np.arange(N) if members is None else members, rank=2)


def test_observed_answers_are_kept_and_gaps_are_filled() -> None:
    values = answers()
    seen = np.isfinite(values)
    completed = complete_donors(values, 2)
    np.testing.assert_array_equal(completed[seen], values[seen])
    assert np.isfinite(completed).all()


def test_a_gap_in_a_product_of_two_vectors_is_found() -> None:
    whole = np.outer(np.arange(1.0, 31.0), [1.0, 2.0, 3.0, 4.0]) / 30
    gap = whole.copy()
    gap[3, 2] = np.nan
    assert abs(complete_donors(gap, 1)[3, 2] - whole[3, 2]) < 0.02


def test_scrambling_one_of_the_group_changes_nobody_else() -> None:
    human, twin = answers(0), answers(1)
    changed = human.copy()
    changed[17] = 100.0
    rows, items = np.arange(N), np.arange(P)
    before, after = (apart(h, twin).donors(0, rows, items) for h in (human, changed))
    others = rows != 17
    np.testing.assert_array_equal(before[others], after[others])
    assert (after[17] == 100.0).all()


def test_dropping_one_of_the_group_is_the_same_as_leaving_its_row_out() -> None:
    human, twin = answers(0), answers(1)
    rows = np.setdiff1d(np.arange(N), [17])
    whole = apart(human, twin).donors(0, rows, np.arange(P))
    without = apart(human, twin, members=rows).donors(0, rows, np.arange(P))
    np.testing.assert_array_equal(whole, without)


def test_sources_are_completed_separately_and_in_the_order_asked_for() -> None:
    human, twin = answers(0), answers(1)
    shared = apart(human, twin)
    rows, items = np.array([30, 2, 17]), np.array([5, 0])
    for source, values in enumerate((human, twin)):
        found = shared.donors(source, rows, items)
        part = values[np.ix_(rows, items)]
        np.testing.assert_array_equal(found[np.isfinite(part)], part[np.isfinite(part)])
    assert not np.array_equal(shared.donors(0, rows, items), shared.donors(1, rows, items))


def test_an_item_that_only_the_group_has_answered_is_not_shared() -> None:
    human, twin = answers(0), answers(1)
    human[:, 3] = np.nan
    human[GROUP, 3] = 1.0
    shared = apart(human, twin)
    assert shared.donors(0, np.arange(N), np.arange(P)) is None
    assert shared.donors(0, np.arange(N), np.array([0, 1, 2, 4, 5])) is not None
    assert shared.donors(1, np.arange(N), np.arange(P)) is not None
