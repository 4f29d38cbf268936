"""Design effect of the people of a panel."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.data import Panel, ResponseMatrix
from truetwin.data.person_design import PersonDesign
from truetwin.estimation.sampling_error import design_factor

RNG = np.random.default_rng(0)
N = 400
SHOWN = RNG.integers(1, 6, size=(N, 20)).astype(float)
ANSWERS = ResponseMatrix(SHOWN, [str(k) for k in range(N)], [f"Q{j}" for j in range(20)])
PANEL = Panel(ANSWERS, ANSWERS)


def test_weights_alone_give_kishs_design_effect() -> None:
    weights = RNG.choice([0.5, 1.0, 3.0], N)
    kish = N * (weights**2).sum() / weights.sum() ** 2
    assert design_factor(PANEL, PersonDesign(weights), weights) == pytest.approx(kish, rel=0.1)


def test_weights_that_replicates_do_not_follow_do_not_count_as_error() -> None:
    bootstrap = RNG.multinomial(N, np.full(N, 1 / N), size=400).T.astype(float)
    raked = np.where(SHOWN.mean(axis=1) > 3, 3.0, 1.0)
    for weights in (np.ones(N), raked):
        found = design_factor(PANEL, PersonDesign(weights, replicates=bootstrap), weights, "bootstrap")
        assert found == pytest.approx(1, rel=0.2)
