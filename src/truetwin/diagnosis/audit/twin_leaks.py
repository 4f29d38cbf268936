r"""Were twins shown the answers that they are scored on?

*Declared*: items that personas showed. *Near copies*: a twin that has not seen an answer can know its person, but not
the chance in the person's answer; its correlation with answers of reliability :math:`\rho` is :math:`\sqrt\rho` at
most. Without a retest, :math:`\rho = .9` is taken, which hardly any survey question reaches. *New people*: what a
method learns of a person from the twin alone, beside what all other answers of the person tell of each.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from truetwin.diagnosis.audit.audit_check import Check, any_of, listed, unmeasured, with_estimate
from truetwin.diagnosis.audit.left_out_people import Array, Estimate, Replicates
from truetwin.diagnosis.audit.paired_answers import FEWEST, Codes, PairedAnswers
from truetwin.diagnosis.audit.twin_ceilings import correlation_of_sums, item_correlations

#: Reliability that is granted to answers of people who were not asked again.
RELIABILITY = 0.9
#: Level at which people's other answers must tell something before twins are held against them.
CERTAIN = 0.001
N_FOLDS = 5
#: Ridge penalties that are tried, in units of an item's variance; for either side the best counts.
PENALTIES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
OWN_PENALTIES = (0.3, 1.0, 3.0)
#: People on whom predictions from own answers are tried, drawn at random.
MOST_PEOPLE = 500

DECLARED = Check(
    "declared_leaks",
    "leaks",
    ("scores of methods",),
    "Were twins shown answers that they are scored on, by what is declared?",
)
COPIES = Check(
    "near_copies",
    "leaks",
    (
        "scores of methods",
        "single answers",
    ),  # what twins know of answers that nobody showed them is not tested
    "Do twins repeat answers more exactly than anybody could who has not seen them?",
)
NEW_PEOPLE = Check(
    "new_people",
    "leaks",
    (
        "scores of methods",
        "single answers",
    ),  # what twins know of answers that nobody showed them is not tested
    "Do twins tell more of an answer than all other answers of the same person do?",
)


def leak_checks(
    paired: PairedAnswers, shown: Collection[str] | None, own: OwnAnswers, from_twins: Array
) -> list[Check]:
    """Check for answers that twins were shown.

    Parameters
    ----------
    paired : PairedAnswers
    shown : collection of item ids or None
        Items that personas showed; None if nothing is declared.
    own : OwnAnswers
        What people's own answers tell (:func:`own_answers`).
    from_twins : ndarray of shape (n, m)
        What twins tell (:func:`predicted_from_twins`).
    """
    return [_declared(paired, shown), copy_check(paired), new_people_check(paired, own, from_twins)]


def _declared(paired: PairedAnswers, shown: Collection[str] | None) -> Check:
    if shown is None:
        return unmeasured(DECLARED, "nothing is declared of what personas showed (--persona-items)")
    scored = [item for item in paired.items if item in set(shown)]
    return replace(
        DECLARED,
        measure="share of the scored items that personas showed",
        value=len(scored) / len(paired.items),
        baseline=0.0,
        baseline_measure="share in an honest score",
        flagged=bool(scored),
        rule="flagged if a scored item is declared as shown",
        fault=f"personas showed the answers to {len(scored)} of {len(paired.items)} scored items: scores on them say "
        "nothing",
        rows=[{"item": item} for item in scored],
    )


def copy_check(paired: PairedAnswers) -> Check:
    """Check for items that twins answer more like their people than anybody could who has not seen the answers."""
    r = item_correlations(paired)
    reliability = _reliability(paired)
    n = paired.seen.sum(axis=0)
    counts = paired.counts[0].sum(axis=0)
    commonest = counts.max(axis=1) / counts.sum(axis=1)
    # rare answers decide a correlation alone: as many people count as a balanced item would need, one more disagrees
    effective = np.clip(n * np.minimum(4 * commonest * (1 - commonest), 1.0), 4, n)
    away = r.map(lambda v: np.arctanh(np.clip(v, -0.999, 0.999) * effective / (effective + 1)))
    bound = np.sqrt(np.clip(reliability.value, 0.0, 0.998))
    estimate = away.estimate()
    error = np.hypot(
        np.maximum(estimate.standard_error, 1 / np.sqrt(np.maximum(effective - 3, 1))),
        reliability.standard_error / (2 * np.maximum(bound, 0.1)) / np.maximum(1 - bound**2, 1e-3),
    )
    p = Estimate(estimate.value, error, estimate.df).p_values(np.arctanh(bound), side="above")
    adjusted = listed(p)
    same = np.array([np.mean(paired.human[s, j] == paired.twin[s, j]) for j, s in enumerate(paired.seen.T)])
    rows: list[dict[str, Any]] = [
        {
            "item": paired.items[j],
            "correlation": float(r.value[j]),
            "ceiling": float(bound[j]),
            "same_answer": float(same[j]),
            "p_adjusted": float(adjusted[j]),
        }
        for j in np.argsort(p, kind="stable")
        if adjusted[j] <= 0.05
    ]
    known = paired.retest is not None and bool(np.isfinite(paired.retest).any())
    what = "answers repeat in a retest" if known else f"answers of reliability {RELIABILITY:g} allow"
    example = f", such as {rows[0]['item']} ({rows[0]['same_answer']:.0%} equal)" if rows else ""
    return replace(
        COPIES,
        measure="highest correlation of twins with their people on an item",
        value=float(r.value.max()),
        baseline=float(np.median(bound)),
        baseline_measure="highest that " + what,
        p=any_of(p),
        rule="Fisher's z of the correlation against the ceiling, item by item, one-sided; the smallest p-value times "
        "the number of items",
        fault=f"twins repeat people's answers to {len(rows)} of {len(paired.items)} items more exactly than their "
        f"{what}{example}: they were shown them, or copied",
        rows=rows,
    )


def _reliability(paired: PairedAnswers) -> Estimate:
    """Reliability of the answers to each item: correlation with the retest, where enough people gave one."""
    m = len(paired.items)
    assumed = np.full(m, RELIABILITY)
    if paired.retest is None:
        return Estimate(assumed, np.zeros(m), paired.groups.count - 1)
    both = np.isfinite(paired.retest) & paired.seen
    again, first = (np.where(both, v, np.nan) for v in (paired.retest, paired.human))
    for j in np.flatnonzero(paired.nominal):
        codes, counts = np.unique(paired.human[paired.seen[:, j], j], return_counts=True)
        commonest = codes[np.argmax(counts)]
        for side in (again, first):
            side[both[:, j], j] = side[both[:, j], j] == commonest
    parts = np.concatenate(
        [
            paired.weighted_sums(first),
            *(paired.weighted_sums(x)[:, :1] for x in (again, first**2, again**2, first * again)),
        ],
        axis=1,
    )
    found = Replicates.of(correlation_of_sums, parts).estimate()
    enough = both.sum(axis=0) >= FEWEST
    return Estimate(
        np.where(enough, found.value, assumed), np.where(enough, found.standard_error, 0.0), found.df
    )


@dataclass(frozen=True, eq=False)
class OwnAnswers:
    """Predictions of every answer of people from all other answers of the same person.

    Attributes
    ----------
    predicted : ndarray of shape (n, m)
        In standard deviations from the mean; NaN where nothing was predicted.
    rows : ndarray of shape (n,)
        Positions of the people in the panel.
    items : tuple of str
        Ids of the items, m of them.
    """

    predicted: Array
    rows: Codes
    items: tuple[str, ...]

    def beside(self, paired: PairedAnswers) -> Array:
        """Return the predictions for the people and items of other paired answers; NaN where there are none."""
        row = {int(r): k for k, r in enumerate(self.rows)}
        column = {item: k for k, item in enumerate(self.items)}
        rows = np.array([row.get(int(r), -1) for r in paired.rows])
        columns = np.array([column.get(item, -1) for item in paired.items])
        found: Array = self.predicted[np.ix_(rows, columns)]
        found[rows < 0], found[:, columns < 0] = np.nan, np.nan
        return found


def own_answers(paired: PairedAnswers, *, random_state: int = 0) -> OwnAnswers:
    r"""Predict every answer from all other answers of the same person.

    Only people with 20 answers, or to half of the items, are taken. Correlations K of items are those of other people
    (five folds). With :math:`A = (K + \lambda I)^{-1}` over a person's answers z, the prediction of each from the
    others is :math:`z - A z / diag(A)`. The best of several :math:`\lambda` counts.
    """
    rng = np.random.default_rng(random_state)
    z = paired.numbers[0]
    enough = np.isfinite(z).sum(axis=1) >= min(FEWEST, z.shape[1] / 2)  # few answers are no ceiling
    rows = np.flatnonzero(enough)
    if rows.size > MOST_PEOPLE:
        rows = np.sort(rng.choice(rows, MOST_PEOPLE, replace=False))
    found = np.full((len(OWN_PENALTIES), *z.shape), np.nan)
    fold = paired.groups.numbers % N_FOLDS
    for k in range(N_FOLDS):
        K = _correlations(z[fold != k], z[fold != k])
        values, vectors = np.linalg.eigh(K)
        K = (vectors * np.maximum(values, 0.0)) @ vectors.T
        for i in rows[fold[rows] == k]:
            seen = np.flatnonzero(np.isfinite(z[i]))
            for which, penalty in enumerate(OWN_PENALTIES):
                A = np.linalg.inv(K[np.ix_(seen, seen)] + penalty * np.eye(seen.size))
                found[which, i, seen] = z[i, seen] - A @ z[i, seen] / np.diagonal(A)
    scores = [_pooled_correlation(x, z) for x in found]
    return OwnAnswers(found[int(np.argmax(scores))], paired.rows, paired.items)


def _correlations(x: Array, y: Array) -> Array:
    """Correlate standardised columns over the cells that both have, (p, q)."""
    seen = [np.isfinite(v).astype(np.float64) for v in (x, y)]
    return np.asarray(np.nan_to_num(x).T @ np.nan_to_num(y) / np.maximum(seen[0].T @ seen[1], 1.0))


def _pooled_correlation(predicted: Array, z: Array) -> float:
    both = np.isfinite(predicted) & np.isfinite(z)
    x, y = predicted[both], z[both]
    return float(np.corrcoef(x, y)[0, 1]) if x.size > 2 and x.std() > 0 and y.std() > 0 else 0.0


def predicted_from_twins(paired: PairedAnswers) -> Array:
    """Predict people's answers from nothing but their twins, (n, m): what can be known of a new respondent.

    The best of the twin's own answer, ridge regression on all of the twin's answers (learned on other people, five
    folds, several penalties), and the sum of both.
    """
    human, twin = paired.numbers
    mean, sd = np.nanmean(twin, axis=0), np.nanstd(twin, axis=0)
    own = np.nan_to_num((twin - mean) / np.where(sd > 1e-9, sd, 1.0))
    found = np.zeros((len(PENALTIES), *human.shape))
    fold = paired.groups.numbers % N_FOLDS
    for k in range(N_FOLDS):
        train = fold != k
        x = own[train]
        values, vectors = np.linalg.eigh(x.T @ x / max(x.shape[0], 1))
        links = vectors.T @ _correlations(x, human[train])
        turned = own[~train] @ vectors
        for which, penalty in enumerate(PENALTIES):
            found[which][~train] = (turned / (np.maximum(values, 0) + penalty)) @ links
    tried = [own, *found]
    scores = [_pooled_correlation(x, human) for x in tried]
    ridge = found[int(np.argmax(scores[1:]))]
    size = ridge.std() / max(float(own.std()), 1e-12)
    both = ridge + own * size
    tried, scores = [*tried, both], [*scores, _pooled_correlation(both, human)]
    return np.asarray(tried[int(np.argmax(scores))])


def new_people_check(paired: PairedAnswers, own: OwnAnswers, twins: Array) -> Check:
    """Check whether twins tell more of an answer than all other answers of the same person do."""
    z = paired.numbers[0]
    predicted = own.beside(paired)
    both = np.isfinite(predicted) & np.isfinite(z)
    if not both.any():
        return unmeasured(
            NEW_PEOPLE,
            "nobody has answered enough items (20, or half of them) for an answer to be predicted from the others",
        )
    sums = [_product_sums(np.where(both, x, np.nan), z, paired) for x in (predicted, twins)]
    r = Replicates.of(
        lambda a, b: np.concatenate([correlation_of_sums(a[:, None]), correlation_of_sums(b[:, None])]), *sums
    )
    if float(r.map(lambda v: v[0]).estimate().p_values(side="above")) > CERTAIN:
        return unmeasured(NEW_PEOPLE, "people's other answers do not surely tell anything of an answer")
    ahead = r.map(lambda v: v[1] - v[0]).estimate()
    people, twin = (float(v) for v in r.value)
    return with_estimate(
        replace(
            NEW_PEOPLE,
            measure="correlation of answers with predictions from the twin alone, learned on other people (item means "
            "taken off)",
            value=twin,
            baseline=people,
            baseline_measure="the same with predictions from all other answers of the person",
            rule="twins minus other answers, over the same cells: one-sided t test against 0",
            fault=f"twins tell more of an answer (correlation {twin:.2f}) than all other answers of the person "
            f"({people:.2f}), as if they had been shown it: scores for new respondents are not those of new people",
        ),
        ahead,
        float(ahead.p_values(side="above")),
    )


def _product_sums(predicted: Array, z: Array, paired: PairedAnswers) -> Array:
    """Sum over all cells, by group: x, weights, y, x^2, y^2, xy, (n_groups, 6)."""
    both = np.isfinite(predicted) & np.isfinite(z)
    x, y = np.where(both, predicted, 0.0), np.where(both, z, 0.0)
    person = np.stack(
        [
            x.sum(axis=1),
            both.sum(axis=1),
            y.sum(axis=1),
            (x**2).sum(axis=1),
            (y**2).sum(axis=1),
            (x * y).sum(axis=1),
        ],
        axis=1,
    )
    return paired.groups.sums(paired.weights[:, None] * person)
