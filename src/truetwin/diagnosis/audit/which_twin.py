"""Choose the source of twins for each use: figures by item, compared on the items that all sources have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from truetwin.diagnosis.audit.audit_check import LEVEL, Purpose
from truetwin.diagnosis.audit.group_gaps import groups_of
from truetwin.diagnosis.audit.left_out_people import Array
from truetwin.diagnosis.audit.pair_moments import PairMoments
from truetwin.diagnosis.audit.paired_answers import FEWEST, PairedAnswers
from truetwin.diagnosis.audit.source_verdict import SourceAudit
from truetwin.diagnosis.audit.twin_ceilings import item_correlations, share_distance
from truetwin.solvers.adjusted_p_values import adjusted


@dataclass(frozen=True, eq=False)
class Compared:
    """One source, as far as it is compared with others.

    Attributes
    ----------
    paired : PairedAnswers
    predicted : ndarray of shape (n, m)
        Predictions of people from their twins alone.
    related : tuple of str
        Items whose pairs were looked at.
    correlations_off : ndarray of shape (n_related, n_related)
        Correlations of these items among twins minus those among people; NaN where too few people answered both.
    """

    paired: PairedAnswers
    predicted: Array
    related: tuple[str, ...]
    correlations_off: Array

    @classmethod
    def of(cls, paired: PairedAnswers, predicted: Array, moments: PairMoments) -> Compared:
        """Keep of the moments, which are large, the correlations only."""
        related = tuple(paired.items[j] for j in moments.items.tolist())
        return cls(paired, predicted, related, moments.correlations_off())


#: Figures of each source by item.
ByItem = Mapping[str, Mapping[str, float]]


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


def _relations_off(sources: Mapping[str, Compared]) -> ByItem:
    """Root mean square difference of an item's correlations, twins minus people, over pairs that all sources have."""
    shared = [
        i for i in next(iter(sources.values())).related if all(i in s.related for s in sources.values())
    ]
    off = {}
    for name, source in sources.items():
        place = [source.related.index(i) for i in shared]
        off[name] = source.correlations_off[np.ix_(place, place)]
    known = np.all([np.isfinite(each) for each in off.values()], axis=0)
    count = known.sum(axis=1)
    found = {}
    for name, each in off.items():
        sums = np.sum(each**2, axis=1, where=known)
        rms = np.sqrt(np.divide(sums, count, out=np.full(count.shape, np.nan), where=count > 0))
        found[name] = dict(zip(shared, rms.tolist(), strict=True))
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


def _each(figure: Callable[[Compared], Array]) -> Callable[[Mapping[str, Compared]], ByItem]:
    """Compute a figure by item for every source by itself."""
    return lambda sources: {
        name: dict(zip(source.paired.items, figure(source).tolist(), strict=True))
        for name, source in sources.items()
    }


USES: tuple[tuple[str, Purpose, str, bool, Callable[[Mapping[str, Compared]], ByItem]], ...] = (
    (
        "answers of single people",
        "single answers",
        "correlation of twins with their people, mean over items",
        True,
        _each(lambda s: item_correlations(s.paired).value),
    ),
    (
        "people who answered nothing",
        "single answers",
        "correlation of predictions from the twin alone with people, mean over items",
        True,
        _each(lambda s: item_correlations(s.paired, s.predicted).value),
    ),
    (
        "shares and means",
        "shares and means",
        "total variation distance of shares from people's, mean over items",
        False,
        _each(lambda s: _shares_off(s.paired)),
    ),
    (
        "relations between items",
        "relations",
        "root mean square error of correlations between items",
        False,
        _relations_off,
    ),
    (
        "gaps between groups",
        "groups",
        "mean absolute error of gaps between groups, in sds",
        False,
        _each(lambda s: _gaps_off(s.paired)),
    ),
)


def choose_sources(
    audits: Mapping[str, SourceAudit], sources: Mapping[str, Compared], batteries: Mapping[str, str]
) -> list[Choice]:
    """Compare the sources for each use, on common items, with errors clustered by battery (Holm over sources).

    Parameters
    ----------
    audits : mapping from source to SourceAudit
    sources : mapping from source to Compared
    batteries : mapping from item id to battery
    """
    found = []
    leaky = tuple(
        name for name, audit in audits.items() if any(c.area == "leaks" and c.flagged for c in audit.checks)
    )
    for use, purpose, measure, higher, by_item in USES:
        values = by_item(sources)
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
