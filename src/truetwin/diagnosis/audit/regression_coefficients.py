"""Would a regression on twins' answers tell the same story as one on people's?

Every item is regressed on the three items that go with it most, by the correlations of people and twins together, so
that neither side is favoured. Answers are in people's standard deviations.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from truetwin.diagnosis.audit.audit_check import Check, any_of
from truetwin.diagnosis.audit.left_out_people import Array, Replicates, across_halves
from truetwin.diagnosis.audit.pair_moments import PairMoments, correlations, covariances
from truetwin.diagnosis.audit.paired_answers import Codes, PairedAnswers

N_PREDICTORS = 3
MOST_REGRESSIONS = 100
#: Keeps regressions on items that are copies of each other defined; in squared sds.
RIDGE = 1e-3


def regression_checks(paired: PairedAnswers, moments: PairMoments) -> list[Check]:
    """Check the size of regression coefficients, single coefficients, and whether any turns round."""
    sets = _regressions(moments)
    coefficients = Replicates.of(
        lambda h, t: np.stack([_coefficients(h, sets), _coefficients(t, sets)]), moments.human, moments.twin
    )
    return [_size(coefficients, moments, sets), _sign_flips(coefficients, paired, moments, sets)]


def _regressions(moments: PairMoments) -> Codes:
    """Choose regressions, (n, 1 + p): the outcome, then its predictors."""
    strength = sum(correlations(s.sum(axis=0)) ** 2 for s in (moments.human, moments.twin))
    strength = np.asarray(strength)
    np.fill_diagonal(strength, -1.0)
    m = strength.shape[0]
    p = min(N_PREDICTORS, m - 1)
    outcomes = np.unique(np.linspace(0, m - 1, min(m, MOST_REGRESSIONS)).round().astype(np.intp))
    predictors = np.argsort(-strength[outcomes], axis=1, kind="stable")[:, :p]
    return np.column_stack([outcomes, predictors])


def _coefficients(sums: Array, sets: Codes) -> Array:
    """Regress by covariances, (n, p)."""
    block = covariances(np.moveaxis(sums[:, sets[:, :, None], sets[:, None, :]], 0, 1))  # (n, 1 + p, 1 + p)
    p = sets.shape[1] - 1
    solved = np.linalg.solve(block[:, 1:, 1:] + RIDGE * np.eye(p), block[:, 1:, :1])
    return np.asarray(solved[..., 0])


def _size(found: Replicates, moments: PairMoments, sets: Codes) -> Check:
    def compare(h1: Array, h2: Array, t1: Array, t2: Array) -> Array:
        return np.array([(np.sum(t1 * h2) + np.sum(t2 * h1)) / 2, np.sum(h1 * h2)])

    products = across_halves(
        lambda s: _coefficients(s, sets), compare, moments.human, moments.twin, moments.in_first_half
    )
    apart = products.map(lambda v: v[0] - v[1]).estimate()
    single = found.map(lambda b: b[1] - b[0]).estimate()
    p_single = single.p_values()
    covered = float(np.mean(p_single > 0.05))
    slope = float(products.value[0] / products.value[1]) if products.value[1] > 0 else None
    p = any_of(np.array([float(apart.p_values()), any_of(p_single)]))
    size = "" if slope is None else f"on average {slope:.2f} times people's; "
    return replace(
        Check(
            "regression_coefficients",
            "flattening",
            ("relations",),
            "Are coefficients of regressions on twins' answers those of people?",
        ),
        measure="coefficients of twins over those of people (1 is right), freed of sampling noise by the two halves of "
        "the people",
        value=slope,
        baseline=1.0,
        baseline_measure=f"people themselves. People's coefficient lies in the interval of 95% in {covered:.0%} of "
        f"{p_single.size} cases",
        p=p,
        rule="twice the smaller of two p-values: of the mean product of coefficients across halves, twins minus "
        "people, and of single coefficients, times their number",
        fault=f"regressions on twins mislead: coefficients are {size}people's lie in the interval of 95% in "
        f"{covered:.0%} of cases",
        rows=[{"coverage": covered, "nominal": 0.95, "n_coefficients": int(p_single.size)}],
    )


def _sign_flips(found: Replicates, paired: PairedAnswers, moments: PairMoments, sets: Codes) -> Check:
    estimate = found.estimate()
    value = estimate.value
    p = estimate.p_values()
    opposite = np.sign(value[0]) * np.sign(value[1]) < 0
    # both coefficients must differ from 0, so that the larger p-value counts (intersection-union test)
    both = np.where(opposite, p.max(axis=0), 1.0)
    flipped = np.argwhere(both * both.size <= 0.05)
    names = [paired.items[j] for j in moments.items]
    rows: list[dict[str, Any]] = [
        {
            "item": names[sets[i, 0]],
            "predictor": names[sets[i, 1 + k]],
            "twin": float(value[1, i, k]),
            "people": float(value[0, i, k]),
            "p": float(both[i, k]),
        }
        for i, k in flipped
    ]
    firm = p[0] * p[0].size <= 0.05
    example = (
        f", such as {rows[0]['item']} on {rows[0]['predictor']} ({rows[0]['twin']:+.2f}, people "
        f"{rows[0]['people']:+.2f})"
        if rows
        else ""
    )
    return Check(
        "sign_flips",
        "flattening",
        ("relations",),
        "Do regression coefficients change their sign?",
        measure=f"share of the {int(firm.sum())} coefficients that are certain among people and have the opposite "
        "sign, certainly, among twins",
        value=float((both * both.size <= 0.05)[firm].mean()) if firm.any() else 0.0,
        baseline=0.0,
        baseline_measure="share expected of people",
        p=any_of(both),
        rule="coefficients of opposite sign, both significant: the larger p-value of the two, times the number of "
        "coefficients",
        fault=f"{len(rows)} regression coefficients have the wrong sign{example}",
        rows=rows,
    )
