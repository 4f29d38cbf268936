"""Errors that follow the donors keep the relations between the items that have them."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.calibration.laws.joint_ranks import DonorPart


@pytest.mark.parametrize("r", [-0.8, 0.0, 0.6])
def test_errors_of_related_items_follow_the_same_donors(r: float) -> None:
    rng = np.random.default_rng(0)
    donors = DonorPart(rng.standard_normal((300, 40)), np.array([0.1, 0.1]))
    root = np.linalg.cholesky(np.array([[1.0, r], [r, 1.0]]))
    found = [np.corrcoef(donors.drawn(rng, root)[0], rowvar=False)[0, 1] for _ in range(60)]
    assert np.mean(found) == pytest.approx(r, abs=0.06)
