"""Correlations of pairs of new items: how far off they may be."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.calibration.auto import total_correlations as module
from truetwin.calibration.auto.total_correlations import _LeftOut, _pair_errors


@pytest.mark.parametrize("chunk", [3, 20_000])
def test_the_error_of_a_pair_is_learned_without_its_items(
    chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK", chunk)
    rng = np.random.default_rng(0)
    k, m = np.triu_indices(7, 1)
    Z, weight = rng.standard_normal((k.size, 2)), rng.uniform(0.5, 1.0, k.size)
    weight /= weight.sum()
    r = Z @ [0.2, -0.1] + rng.normal(0, 0.1, k.size)
    found = _LeftOut.of(Z, r, weight, k, m).errors(0.3)
    pair = 4
    rest = ~(np.isin(k, (k[pair], m[pair])) | np.isin(m, (k[pair], m[pair])))
    X, w = np.column_stack([np.ones(k.size), Z])[rest], weight[rest] / weight[rest].sum()
    b = np.linalg.solve((X.T * w) @ X + 0.3 * np.diag([0, 1, 1]), (X.T * w) @ r[rest])
    assert found[pair] == pytest.approx(r[pair] - np.array([1, *Z[pair]]) @ b, abs=1e-6)


def test_of_a_pair_whose_items_are_in_all_others_nothing_is_known() -> None:
    rng = np.random.default_rng(0)
    first, second = np.r_[0, np.repeat([0, 1], 6)], np.r_[1, np.arange(2, 14)]
    for _ in range(20):
        r, weight = rng.uniform(-0.5, 0.5, 13), rng.uniform(0.5, 1.0, 13)
        found = _LeftOut.of(rng.standard_normal((13, 3)), r, weight / weight.sum(), first, second).errors(
            0.01
        )
        assert found[0] == pytest.approx(r[0])


def test_items_with_peculiarities_make_new_pairs_less_sure() -> None:
    rng = np.random.default_rng(1)
    k, m = np.triu_indices(12, 1)
    own = rng.normal(0, 0.3, 12)
    Z = np.column_stack([own[k] + rng.normal(0, 0.3, k.size), rng.standard_normal((k.size, 5))])
    r = 0.5 * (own[k] + own[m])
    weight = np.full(k.size, 1 / k.size)
    X = np.column_stack([np.ones(k.size), Z])
    hat = X @ np.linalg.pinv(X)
    alone = (r - hat @ r) / (1 - np.diag(hat))
    assert (_LeftOut.of(Z, r, weight, k, m).errors(1e-6) ** 2).mean() > (alone**2).mean()


def test_the_size_of_errors_is_less_sure_where_few_items_decide_it() -> None:
    k, m = np.triu_indices(30, 1)
    rng = np.random.default_rng(2)
    weight, counts = np.full(k.size, 1 / k.size), np.full(k.size, 200.0)
    alike = rng.normal(0, 0.2, k.size)
    peculiar = np.where((k == 3) | (m == 3), 4 * alike, 0.3 * alike)
    even, uneven = (_pair_errors(e, e, counts, weight, k, m) for e in (alike, peculiar))
    assert uneven.df < 5 < 50 < even.df
