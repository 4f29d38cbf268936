"""Which source of twins to use for what: figures by item, compared on the items that all sources have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from truetwin.diagnosis.audit.audit_check import LEVEL, Purpose
from truetwin.diagnosis.audit.group_gaps import groups_of
from truetwin.diagnosis.audit.left_out_people import Array
from truetwin.diagnosis.audit.pair_moments import PairMoments, correlations
from truetwin.diagnosis.audit.paired_answers import FEWEST, PairedAnswers
from truetwin.diagnosis.audit.source_verdict import SourceAudit
from truetwin.diagnosis.audit.twin_ceilings import item_correlations, share_distance
from truetwin.solvers.adjusted_p_values import adjusted


@dataclass(frozen=True)
class Choice:
    """Comparison of sources for one purpose.

    Attributes
    ----------
    use : str
        What twins are used for.
    purpose : str
        Purpose of the checks that say whether a source has a fault there.
    measure : str
    higher_is_better : bool
    figures : mapping from source to float
        Means over the items that all sources have.
    best : str
        Source with the best figure.
    as_good : tuple of str
        Sources that are not worse beyond chance.
    with_leaks : tuple of str
        Sources whose figures leaks spoil, and which are no choice unless all are.
    n_items : int
    """

    use: str
    purpose: Purpose
    measure: str
    higher_is_better: bool
    figures: Mapping[str, float]
    best: str
    as_good: tuple[str, ...]
    with_leaks: tuple[str, ...]
    n_items: int

    @property
    def words(self) -> str:
        """The choice in words."""
        rest = f"; not surely worse: {', '.join(self.as_good)}" if self.as_good else ""
        return f"{self.best} ({self.figures[self.best]:.3f}){rest}"

    def record(self) -> dict[str, Any]:
        """Return the choice as JSON values."""
        return {**self.__dict__, "figures": dict(self.figures), "words": self.words} | {
            "as_good": list(self.as_good),
            "with_leaks": list(self.with_leaks),
        }


def _correlations_off(paired: PairedAnswers) -> Array:
    """Root mean square difference of an item's correlations with the others, twins minus people."""
    moments = PairMoments.of(paired)
    squares = np.subtract(*(correlations(side.sum(axis=0)) for side in (moments.twin, moments.human))) ** 2
    among = np.zeros(squares.shape, dtype=bool)
    among[moments.pairs] = True
    among |= among.T
    found, count = np.full(len(paired.items), np.nan), among.sum(axis=1)
    mean = np.where(among, squares, 0.0).sum(axis=1) / np.maximum(count, 1)
    found[moments.items] = np.where(count > 0, np.sqrt(mean), np.nan)
    return found


def _shares_off(paired: PairedAnswers) -> Array:
    shares = [c.sum(axis=0) / np.maximum(c.sum(axis=(0, 2))[:, None], 1e-12) for c in paired.counts]
    return share_distance(shares[0], shares[1])


def _gaps_off(paired: PairedAnswers) -> Array:
    """Mean absolute error of the gaps between each group and the others, in people's sds."""
    off = []
    for member in groups_of(paired, FEWEST).values():
        gaps = [
            _mean(z[member], paired.weights[member]) - _mean(z[~member], paired.weights[~member])
            for z in paired.numbers
        ]
        off.append(np.abs(gaps[1] - gaps[0]))
    return np.asarray(np.mean(off, axis=0)) if off else np.full(len(paired.items), np.nan)


def _mean(z: Array, weights: Array) -> Array:
    seen = np.isfinite(z)
    total = (seen * weights[:, None]).sum(axis=0)
    mean = (np.where(seen, z, 0.0) * weights[:, None]).sum(axis=0) / np.maximum(total, 1e-12)
    return np.asarray(np.where(seen.sum(axis=0) >= FEWEST / 4, mean, np.nan))


USES: tuple[tuple[str, Purpose, str, bool, Callable[[PairedAnswers, Array], Array]], ...] = (
    (
        "answers of single people",
        "single answers",
        "correlation of twins with their people, mean over items",
        True,
        lambda paired, _: item_correlations(paired).value,
    ),
    (
        "people who answered nothing",
        "single answers",
        "correlation of predictions from the twin alone with people, mean over items",
        True,
        lambda paired, predicted: item_correlations(paired, predicted).value,
    ),
    (
        "shares and means",
        "shares and means",
        "total variation distance of shares from people's, mean over items",
        False,
        lambda paired, _: _shares_off(paired),
    ),
    (
        "relations between items",
        "relations",
        "root mean square error of correlations between items",
        False,
        lambda paired, _: _correlations_off(paired),
    ),
    (
        "gaps between groups",
        "groups",
        "mean absolute error of gaps between groups, in sds",
        False,
        lambda paired, _: _gaps_off(paired),
    ),
)


def choose_sources(
    audits: Mapping[str, SourceAudit],
    pairs: Mapping[str, PairedAnswers],
    from_twins: Mapping[str, Array],
    batteries: Mapping[str, str],
) -> list[Choice]:
    """Compare the sources for each use, on common items, with errors clustered by battery (Holm over sources).

    Parameters
    ----------
    audits : mapping from source to SourceAudit
    pairs : mapping from source to PairedAnswers
    from_twins : mapping from source to ndarray of shape (n, m)
        Predictions of people from their twins alone.
    batteries : mapping from item id to battery
    """
    found = []
    leaky = tuple(
        name for name, audit in audits.items() if any(c.area == "leaks" and c.flagged for c in audit.checks)
    )
    for use, purpose, measure, higher, by_item in USES:
        values = {
            name: dict(zip(p.items, by_item(p, from_twins[name]).tolist(), strict=True))
            for name, p in pairs.items()
        }
        common = [
            item
            for item in next(iter(values.values()))
            if all(np.isfinite(each.get(item, np.nan)) for each in values.values())
        ]
        if not common:
            continue
        table = {name: np.array([each[item] for item in common]) for name, each in values.items()}
        figures = {name: float(v.mean()) for name, v in table.items()}
        spoilt = leaky if len(leaky) < len(figures) else ()
        open_to = [name for name in figures if name not in spoilt]
        best = (max if higher else min)(open_to, key=lambda name: figures[name])
        clusters = np.unique([batteries.get(i, i) for i in common], return_inverse=True)[1]
        sign = 1 if higher else -1
        others = [name for name in open_to if name != best]
        p = np.array([_p_worse(sign * (table[best] - table[name]), clusters) for name in others])
        worse = adjusted(p, "holm") <= LEVEL
        found.append(
            Choice(
                use,
                purpose,
                measure,
                higher,
                figures,
                best,
                tuple(name for name, w in zip(others, worse, strict=True) if not w),
                spoilt,
                len(common),
            )
        )
    return found


def _p_worse(differences: Array, clusters: np.ndarray) -> float:
    """Test that a mean difference is not above 0, with errors clustered by battery."""
    count = int(clusters.max()) + 1
    if count < 2:
        return 1.0
    mean = differences.mean()
    sums = np.bincount(clusters, differences - mean, minlength=count)
    error = float(np.sqrt(count / (count - 1) * np.sum(sums**2)) / differences.size)
    return float(stats.t.sf(mean / error, count - 1)) if error > 1e-12 else float(mean <= 0)
