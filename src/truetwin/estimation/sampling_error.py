"""Sampling error of the people themselves: how many people, drawn simply at random, the panel's people are worth."""

from __future__ import annotations

from typing import get_args

import numpy as np
from numpy.typing import NDArray

from truetwin.data import Panel
from truetwin.data.person_design import PersonDesign
from truetwin.errors import ParameterError
from truetwin.estimation.survey_variance import (
    ReplicateKind,
    SurveyDesign,
    linearised_variance,
    replicate_covariance,
    replicate_means,
    replicate_scale,
)

Floats = NDArray[np.float64]
MOST_ITEMS = 200


def survey_design(design: PersonDesign, here: NDArray[np.bool_], weights: Floats) -> SurveyDesign:
    """Describe the people who are ``here`` as a sample, with their strata and clusters."""
    clusters = None if design.clusters is None else design.clusters[here]
    strata = None if design.strata is None else _joined_strata(design.strata[here], clusters)
    return SurveyDesign.of(int(here.sum()), weights[here], clusters, strata)


def _joined_strata(strata: NDArray[np.intp], clusters: NDArray[np.intp] | None) -> NDArray[np.intp]:
    """Join strata of which one cluster is left among those who answered an item, so that their variance is defined."""
    units = np.arange(strata.size) if clusters is None else clusters
    pairs = np.unique(np.column_stack([strata, units]), axis=0)
    names, counts = np.unique(pairs[:, 0], return_counts=True)
    lonely = names[counts < 2]
    if not lonely.size:
        return strata
    largest = names[counts.argmax()]
    return np.where(np.isin(strata, lonely), largest, strata)


def design_factor(
    panel: Panel, design: PersonDesign, weights: Floats, replicate_kind: ReplicateKind | None = None
) -> float:
    """Return the usual design effect: the variance of a mean over that of a simple sample, in the middle of all items.

    It stands in for the design effect of an item that nobody has answered. Weights alone give Kish's. It is at least 1,
    unless strata are known.

    Raises
    ------
    ParameterError
        If there are replicate weights and ``replicate_kind`` does not say of which kind.
    """
    scale = None
    if design.replicates is not None:
        if replicate_kind is None:
            raise ParameterError(
                "replicate weights need their kind, which decides the variance: --replicate-kind (replicate_kind) must "
                f"be one of {', '.join(get_args(ReplicateKind))}"
            )
        scale = replicate_scale(replicate_kind, design.replicates.shape[1])
    factors = []
    for j in _most_answered(panel):
        values = panel.human_values[:, j]
        here = np.isfinite(values) & (weights > 0)
        y = values[here]
        if here.sum() < 10 or np.ptp(y) == 0:
            continue
        plain = (
            np.average((y - np.average(y, weights=weights[here])) ** 2, weights=weights[here]) / here.sum()
        )
        if scale is not None and design.replicates is not None:
            means = replicate_means(y, design.replicates[here])
            centre = means.mean(
                axis=0
            )  # not the weighted mean: raking moves that, and leaves replicates as they are
            variance = replicate_covariance(means, centre, scale)[0, 0]
        else:
            variance = linearised_variance(y, survey_design(design, here, weights))[0]
        factors.append(float(variance / plain))
    usual = float(np.median(factors)) if factors else 1.0
    return max(usual, 0.2) if design.strata is not None or scale is not None else max(usual, 1.0)


def _most_answered(panel: Panel) -> list[int]:
    counts = np.isfinite(panel.human_values).sum(axis=0)
    order = np.argsort(-counts, kind="stable")
    return [int(j) for j in order[:MOST_ITEMS] if counts[j]]
