"""Matrix completion: humans stacked on twins, the target's human half missing."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.calibration.base import Calibrator
from truetwin.calibration.paper import completion
from truetwin.calibration.paper.completion import ALS, HardSVD, SoftSVD
from truetwin.calibration.paper.synthetic_prior import SyntheticPrior
from truetwin.data import Panel, ResponseMatrix
from truetwin.datasets import generate_population
from truetwin.errors import ParameterError


def one_factor(n: int = 40, p: int = 6) -> tuple[Panel, np.ndarray]:
    """People and twins who differ in one trait only; the humans' answers to the last item are hidden."""
    rng = np.random.default_rng(0)
    load = np.linspace(1.5, 2.5, p)
    human, twin = (np.outer(trait, load) + 4 for trait in rng.standard_normal((2, n)))
    truth = human[:, -1].copy()
    human[:, -1] = np.nan
    rows, columns = [f"r{i:02d}" for i in range(n)], [f"Q{j}" for j in range(p)]
    return Panel(ResponseMatrix(human, rows, columns), ResponseMatrix(twin, rows, columns)), truth


@pytest.mark.parametrize("model", [HardSVD(rank=1), SoftSVD(rank=3, shrinkage=0.5), ALS(rank=3, penalty=0.5)])
def test_one_trait_is_recovered_from_the_other_answers(model: Calibrator) -> None:
    panel, truth = one_factor()
    found = model.fit(panel).predict().values[:, 0]
    assert np.corrcoef(found, truth)[0, 1] > 0.999


def test_a_larger_penalty_pulls_predictions_towards_the_mean() -> None:
    panel, _ = one_factor()
    spread = [
        SoftSVD(rank=3, shrinkage=s).fit(panel).predict().values.std() for s in (0.5, 5.0, 10.0, 1000.0)
    ]
    assert spread == sorted(spread, reverse=True)
    assert spread[-1] == pytest.approx(0.0, abs=1e-6)


def test_unlinked_stacks_give_a_new_respondent_the_item_means() -> None:
    panel = generate_population(50, 9, n_new_items=0, n_new_respondents=2, random_state=1).panel
    found = HardSVD(rank=2, stack="unlinked").fit(panel).predict().values
    means = np.nanmean(panel.human_values, axis=0)
    np.testing.assert_allclose(found, np.column_stack([means, means]))
    linked = HardSVD(rank=2).fit(panel).predict().values
    assert not np.allclose(linked[:, 0], linked[:, 1])


def test_soft_svd_and_als_with_equal_settings_share_one_solution(monkeypatch: pytest.MonkeyPatch) -> None:
    panel = generate_population(40, 8, n_new_items=1, random_state=1).panel
    calls = []

    def counted(*arguments: object, **settings: object) -> object:
        calls.append(settings)
        return soft_impute(*arguments, **settings)

    soft_impute = completion.soft_impute
    monkeypatch.setattr(completion, "soft_impute", counted)
    design = SoftSVD(rank=5, shrinkage=3.0).fit(panel).design_
    alone = ALS(rank=5, penalty=3.0).fit(panel).predict().values
    assert len(calls) == 2  # two fits have two designs
    (shared,) = ALS(rank=5, penalty=3.0).predict_designs([design])
    assert len(calls) == 2
    np.testing.assert_array_equal(shared.values, alone)
    ALS(rank=5, penalty=4.0).predict_designs([design])
    assert len(calls) == 3


def test_impossible_settings_are_refused() -> None:
    panel, _ = one_factor()
    with pytest.raises(ParameterError, match="'stack' must be 'linked' or 'unlinked'"):
        HardSVD(stack="sideways").fit(panel)
    with pytest.raises(ParameterError, match="'penalty' of ALS must be > 0"):
        ALS(penalty=0.0).fit(panel)


def test_a_prior_that_nothing_corrects_is_the_twin_itself() -> None:
    """With as many ranks as items every matrix is its own approximation: the start is kept."""
    panel, _ = one_factor()
    found = SyntheticPrior(rank=6).fit(panel).predict().values[:, 0]
    np.testing.assert_allclose(found, panel.twin_values[:, -1], atol=1e-5)


def test_the_prior_keeps_of_the_twin_what_the_persons_own_answers_bear_out() -> None:
    """One trait: of the twins' noisy answers only the part along the people's own trait is left."""
    panel, truth = one_factor()
    twin = panel.twin_values.copy()
    twin[:, -1] = truth + 3 * np.random.default_rng(1).standard_normal(len(truth))
    noisy = Panel(panel.human, ResponseMatrix(twin, panel.respondent_ids, panel.item_ids))
    found = SyntheticPrior(rank=1).fit(noisy).predict().values[:, 0]
    assert np.corrcoef(twin[:, -1], truth)[0, 1] < 0.7
    assert np.corrcoef(found, truth)[0, 1] > 0.99
