"""Estimates by group with partial pooling, and gaps between groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, softmax

from truetwin.estimation.group_errors import TAUS, deviation_variances, pair_variances
from truetwin.estimation.group_shares import GroupLaw, with_margin
from truetwin.estimation.grouping import Grouping
from truetwin.estimation.survey_variance import SurveyDesign, intraclass_correlation
from truetwin.estimation.topline import (
    CATEGORY,
    CUMULATED,
    AskedPeople,
    Topline,
    bounded_ends,
    function_values,
    predicted_values,
)
from truetwin.reweighting.share_law import FLOOR, people_worth

Floats = NDArray[np.float64]
N_HALVINGS = 50
UNSEEN = 1e8  # variance, in units of that over people, of the mean of a group of which nobody has answered
SMALLEST = 1e-12


@dataclass(frozen=True, eq=False)
class GroupEstimates:
    """Means of S functions of the category of one item in G groups.

    Attributes
    ----------
    grouping : Grouping
    estimate, lower, upper, worth : ndarray of shape (G, S)
    shares : ndarray of shape (G, K)
        Shares of the categories.
    n_answered : ndarray of shape (G,)
        Number of people who have answered.
    pair_variances : ndarray of shape (G, G, S, T)
        Errors of differences between two groups, a mixture of T parts with these variances.
    pair_weights : ndarray of shape (S, T)
        Weights of the parts.
    low, high : ndarray of shape (S,)
        Ends of each function.
    """

    grouping: Grouping
    estimate: Floats
    lower: Floats
    upper: Floats
    worth: Floats
    shares: Floats
    n_answered: NDArray[np.int64]
    pair_variances: Floats
    pair_weights: Floats
    low: Floats
    high: Floats

    def gap(self, first: int, second: int, s: int, level: float) -> tuple[float, float, float]:
        """Return the difference of the first and the second group in a function, and the ends of its interval."""
        difference = float(self.estimate[first, s] - self.estimate[second, s])
        half = normal_half(self.pair_variances[first, second, s], self.pair_weights[s], level)
        most = float(self.high[s] - self.low[s])
        return difference, max(difference - half, -most), min(difference + half, most)

    def p_values(self, s: int) -> Floats:
        """Return the two-sided p-value of each difference of two groups, (G, G); 1 on the diagonal."""
        difference = np.abs(self.estimate[:, None, s] - self.estimate[None, :, s])
        sd = np.sqrt(np.maximum(self.pair_variances[:, :, s], 1e-300))
        found = (self.pair_weights[s] * 2 * ndtr(-difference[..., None] / sd)).sum(axis=-1)
        found[np.arange(len(found)), np.arange(len(found))] = 1.0
        return np.asarray(found)


def group_estimates(
    whole: Topline,
    law: GroupLaw,
    *,
    twin: Floats,
    points: Floats | None,
    predicted: Floats | None,
    asked: AskedPeople | None,
    level: float,
    factor: float | None = None,
) -> GroupEstimates:
    """Estimate every function of an item's category in every group.

    Parameters
    ----------
    whole : Topline
        Estimates over everybody.
    law : GroupLaw
    twin : ndarray of shape (n_people,), or (n_sources, n_people) for nominal items
        Twins' answers.
    points : ndarray of shape (n_people,)
        Predicted answers.
    predicted : ndarray of shape (n_people, K) or None
        Predicted probabilities of the categories.
    asked : AskedPeople, optional
        People who have answered the item.
    level : float
    factor : float, optional
        Design effect of the people, if the groups of the wider population are meant.
    """
    grouping = law.grouping
    shares = law.shares(whole.shares, whole.law, twin, points, predicted)
    table = whole.table
    centre = shares @ table.T
    width = whole.high - whole.low
    spread = shares @ (table**2).T - centre**2 + FLOOR * width**2
    spread = np.maximum(np.minimum(spread, (centre - whole.low) * (whole.high - centre)), 0.0)
    estimate = whole.estimate + centre - centre_of_everybody(whole, shares, grouping)
    estimate = np.clip(estimate, whole.low, whole.high)
    is_share = np.array([each.is_share for each in whole.functions])
    weights = np.where(is_share[:, None], law.share_errors.tau_weights, law.gaps.errors.tau_weights)
    own_design = np.minimum(
        grouping.effective_counts, grouping.counts / (factor or 1.0)
    )  # both count the weights
    bases = np.maximum(own_design, 1.0)
    own, pairs = deviation_variances(grouping.shares, bases, law.gaps.errors.form)
    if asked is None:
        variance = spread[:, :, None] * own[:, None, :]
        usual = 0.5 * (spread[:, None] + spread[None])
        pair = usual[..., None] * pairs[:, :, None, :]
        n_answered = np.zeros(grouping.n_groups, dtype=np.int64)
        top = np.ones(grouping.n_groups)
    else:
        estimate, variance, pair, weights, n_answered, top = _updated(
            whole, grouping, asked, estimate, spread, weights, bases, law.gaps.errors.form
        )
        estimate = _reconciled(whole, grouping, estimate, (variance * weights).sum(axis=2))
    parts, mixed = _with_topline(variance, weights, whole, spread, top)
    people = np.where(factor is None, grouping.counts, np.inf)
    lower, upper, worth = _ends(whole, estimate, spread, parts, mixed, people, level)
    return GroupEstimates(
        grouping,
        estimate,
        lower,
        upper,
        worth,
        shares,
        n_answered,
        pair,
        weights,
        whole.low,
        whole.high,
    )


def _ends(
    whole: Topline,
    estimate: Floats,
    spread: Floats,
    parts: Floats,
    mixed: Floats,
    people: Floats,
    level: float,
) -> tuple[Floats, Floats, Floats]:
    """Return the ends of intervals and the worth, (G, S) each; NaN for functions that are not printed."""
    printed = np.flatnonzero([each.statistic not in (CATEGORY, CUMULATED) for each in whole.functions])
    shape = (len(estimate), printed.size)
    centre, low, high, people = (
        np.broadcast_to(x, estimate.shape)[:, printed].reshape(-1)
        for x in (estimate, whole.low, whole.high, people[:, None])
    )
    rows = parts[:, printed].reshape(shape[0] * shape[1], -1)
    weights = np.broadcast_to(mixed[printed], (shape[0], *mixed[printed].shape)).reshape(rows.shape)
    found = np.full((3, *estimate.shape), np.nan)
    worth = people_worth(spread[:, printed].reshape(-1), rows, weights, people)
    for k, values in enumerate((*bounded_ends(centre, rows, weights, low, high, level, people), worth)):
        found[k][:, printed] = values.reshape(shape)
    return found[0], found[1], found[2]


def centre_of_everybody(whole: Topline, shares: Floats, grouping: Grouping) -> Floats:
    """Return what estimates of groups are deviations from: everybody's shares by the same categories, (S,)."""
    known = float(grouping.shares.sum())
    together = grouping.shares @ shares if known > 1 - 1e-9 else whole.shares
    return np.asarray(together @ whole.table.T)


def _with_topline(
    variance: Floats, weights: Floats, whole: Topline, spread: Floats, top: Floats
) -> tuple[Floats, Floats]:
    """Add the error of the level, which all groups of the item share, to those of the groups' deviations.

    It is as large in a group as its answers vary more or less than everybody's: a share near 0 cannot be far off.
    """
    relative = np.divide(spread, whole.spread, out=np.ones_like(spread), where=whole.spread > 0)
    level = whole.variances[None] * (relative * (top**2)[:, None])[:, :, None]
    both = variance[:, :, :, None] + level[:, :, None, :]
    mixed = weights[:, :, None] * np.broadcast_to(whole.weights, whole.variances.shape)[:, None, :]
    g, s = variance.shape[:2]
    return both.reshape(g, s, -1), mixed.reshape(s, -1)


def _updated(
    whole: Topline,
    grouping: Grouping,
    asked: AskedPeople,
    prior: Floats,
    spread: Floats,
    weights: Floats,
    bases: Floats,
    form: Floats,
) -> tuple[Floats, Floats, Floats, Floats, NDArray[np.int64], Floats]:
    """Combine what is expected of each group with the answers of some of its people.

    Given tau, the means of the groups lie around what is expected with variance tau^2 times the form of errors, and the
    means of those who answered around them with the variance over people by their number: each is trusted by its
    precision, and tells of groups that miss together with its own. How likely each tau is follows from how far the
    differences of groups of this item are from what was expected.

    Returns
    -------
    estimate (G, S), variance (G, S, T), that of pairs (G, G, S, T), weights (S, T), n_answered (G,), and how far the
    level's error remains (G,)
    """
    here = np.isfinite(asked.answers) & (grouping.weights > 0)
    seen, n_seen, n_effective = _answered_means(whole, grouping, asked, here)
    there = n_seen > 0
    away = np.where(there[:, None], np.nan_to_num(seen) - prior, 0.0)
    noise = np.where(there[:, None], spread / np.maximum(n_effective, 1e-9), UNSEEN * spread) + SMALLEST
    found = _posteriors(away, spread, noise, there, form)
    new = softmax(np.log(np.maximum(weights, 1e-12)) + found.logs, axis=1)
    asked_share = grouping.members.T @ here / grouping.members.sum(axis=0)
    rest = np.ones(grouping.n_groups) if asked.to_population else np.maximum(1.0 - asked_share, 0.0)
    means = (1 - rest)[:, None, None] * np.nan_to_num(seen)[:, :, None] + rest[:, None, None] * (
        prior[:, :, None] + found.moves
    )
    left = np.maximum(bases * np.maximum(rest, 1e-9), 1.0)
    covariance = (rest[:, None] * rest)[:, :, None, None] * found.covariance
    k = np.arange(grouping.n_groups)
    covariance[k, k] += (rest**2 / left)[:, None, None] * spread[:, :, None]
    estimate = (new * means).sum(axis=2)
    off = means - estimate[:, :, None]
    variance = covariance[k, k] + off**2
    pairs = pair_variances(covariance) + (off[:, None] - off[None]) ** 2
    trust = (new * found.trust).sum(axis=2).mean(axis=1)
    return (
        np.clip(estimate, whole.low, whole.high),
        variance,
        pairs,
        new,
        n_seen.astype(np.int64),
        rest * (1 - trust),
    )


@dataclass(frozen=True, eq=False)
class _Posteriors:
    """Posterior of the groups' means, given tau.

    Attributes
    ----------
    moves : ndarray of shape (G, S, T)
        How far means move from what was expected.
    covariance : ndarray of shape (G, G, S, T)
        Of the errors that are left.
    trust : ndarray of shape (G, S, T)
        Part of an error that all groups share that answers correct.
    logs : ndarray of shape (S, T)
        Log likelihood of the differences between groups.
    """

    moves: Floats
    covariance: Floats
    trust: Floats
    logs: Floats


def _posteriors(
    away: Floats, spread: Floats, noise: Floats, there: NDArray[np.bool_], form: Floats
) -> _Posteriors:
    """Update the means of groups, from how far answers are away from what was expected, (G, S)."""
    sd = np.sqrt(spread).T
    between = TAUS[:, None, None] ** 2 * (sd[:, :, None] * sd[:, None, :] * form)[:, None]  # (S, T, G, G)
    total = between + noise.T[:, None, :, None] * np.eye(len(form))
    seen = np.linalg.inv(total) * there * there[:, None]
    gain = between @ seen
    moved = np.einsum("stgh,hs->gst", gain, away)
    left = between - gain @ between
    shared = np.maximum(seen.sum(axis=(2, 3)), 1e-300)
    toward = np.einsum("stgh,hs->stg", seen, away)
    squares = np.einsum("stg,gs->st", toward, away) - toward.sum(axis=2) ** 2 / shared
    logs = -0.5 * (squares + np.linalg.slogdet(total)[1] + np.log(shared))
    return _Posteriors(moved, left.transpose(2, 3, 0, 1), gain.sum(axis=3).transpose(2, 0, 1), logs)


def _reconciled(whole: Topline, grouping: Grouping, estimate: Floats, variance: Floats) -> Floats:
    """Make groups average to everybody, and their shares sum to 1, after each function was estimated by itself.

    The least certain groups move most.
    """
    share = grouping.shares
    moved = estimate
    if share.sum() > 1 - 1e-9:
        reach = share @ variance
        step = np.divide(whole.estimate - share @ estimate, reach, out=np.zeros_like(reach), where=reach > 0)
        moved = np.clip(estimate + variance * step, whole.low, whole.high)
    rows = [s for s, each in enumerate(whole.functions) if each.statistic == CATEGORY]
    table = np.maximum(moved[:, rows], 1e-9)
    table = with_margin(table / table.sum(axis=1, keepdims=True), share, whole.shares)
    shares = np.array([each.is_share for each in whole.functions])
    return np.where(shares, table @ whole.table.T, moved)


def _answered_means(
    whole: Topline, grouping: Grouping, asked: AskedPeople, here: NDArray[np.bool_]
) -> tuple[Floats, Floats, Floats]:
    """Return the means of those who answered in each group, moved by predictions of the rest, and their numbers.

    The last is the effective number (Kish), lowered by how alike people of one cluster answer, (G, S).
    """
    values = np.zeros((len(asked.answers), len(whole.functions)))
    values[here] = function_values(asked.answers[here], whole.law, whole.functions)
    design = np.zeros(len(asked.answers))
    design[np.isfinite(asked.answers) & (asked.weights > 0)] = asked.design.weights
    members = np.where(grouping.members > 0, 1.0, 0.0)
    weight = members * (design * here)[:, None]
    total = weight.sum(axis=0)
    safe = np.maximum(total, 1e-12)[:, None]
    means = np.where(total[:, None] > 0, weight.T @ values / safe, np.nan)
    predicted = predicted_values(asked, whole.law, whole.functions)
    if predicted is not None and whole.slope is not None:
        filled = np.nan_to_num(predicted)
        everybody = grouping.members.T @ filled / np.maximum(grouping.members.sum(axis=0), 1e-12)[:, None]
        means = means + whole.slope * (everybody - weight.T @ filled / safe)
    squares = (weight**2).sum(axis=0)
    kish = np.divide(total**2, squares, out=np.zeros_like(total), where=squares > 0)
    effective = kish[:, None] / _cluster_effects(values[here], members[here], asked.design)
    return means, (members * here[:, None]).sum(axis=0), effective


def _cluster_effects(values: Floats, members: Floats, design: SurveyDesign) -> Floats:
    """Return the design effect of clusters in each group, 1 + (b - 1) rho, (G, S); b counts the group's people only."""
    if not design.clustered:
        return np.ones((members.shape[1], values.shape[1]))
    sizes = np.zeros((design.n_clusters, members.shape[1]))
    np.add.at(sizes, design.clusters, members)
    usual = (sizes**2).sum(axis=0) / np.maximum(sizes.sum(axis=0), 1.0)
    return np.asarray(1.0 + np.maximum(usual - 1.0, 0.0)[:, None] * intraclass_correlation(values, design))


def normal_half(variances: Floats, weights: Floats, level: float) -> float:
    """Return the half width of the interval of a mixture of normal errors around zero.

    Examples
    --------
    >>> round(normal_half(np.array([1.0]), np.array([1.0]), 0.9), 3)
    1.645
    """
    sd = np.sqrt(np.maximum(variances, 1e-300))
    low, high = 0.0, 40.0 * float(sd.max())
    for _ in range(N_HALVINGS):
        middle = 0.5 * (low + high)
        inside = float((weights * (1 - 2 * ndtr(-middle / sd))).sum())
        low, high = (middle, high) if inside < level else (low, middle)
    return 0.5 * (low + high)
