"""Make the rows of one item: over everybody, by group, gaps between groups, and the verdict on publishing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from truetwin.data.marginals import EVERYBODY
from truetwin.estimation.crosstab import CrosstabRow
from truetwin.estimation.group_estimates import GroupEstimates
from truetwin.estimation.off_scale_answers import ExpectedOffScale
from truetwin.estimation.statistics import CHANGE, NO_ANSWER, Statistic, why_not
from truetwin.estimation.topline import CATEGORY, Topline
from truetwin.estimation.waves import Change
from truetwin.reweighting.share_law import people_worth

Floats = NDArray[np.float64]
#: Least number of people behind a figure that is published without a warning, and with one (a "small base"). These are
#: the customary limits of market research.
FULL_BASE, SMALL_BASE = 100.0, 30.0
COCHRAN = 25.0


@dataclass(frozen=True, eq=False)
class ItemRows:
    """Makes the rows of one item.

    Attributes
    ----------
    item : str
    statistics : tuple of Statistic
        What was asked for.
    level : float
    n : int
        Number of people whom the estimates are about.
    effective_n : float
        Their effective number (Kish).
    """

    item: str
    statistics: tuple[Statistic, ...]
    level: float
    n: int
    effective_n: float

    def shown(self, whole: Topline) -> list[int]:
        """List the functions of the category that were asked for, by position."""
        names = {each.name for each in self.statistics if why_not(each, whole.scale) is None}
        return [s for s, each in enumerate(whole.functions) if each.statistic in names]

    def everybody(self, whole: Topline) -> Iterator[dict[str, Any]]:
        """Make the rows over everybody."""
        method = "pool and sample" if whole.n_answered else "pool"
        note = "; ".join(whole.notes) or None
        for s in self.shown(whole):
            each = whole.functions[s]
            yield self._row(
                each.statistic,
                each.category,
                (whole.estimate[s], whole.lower[s], whole.upper[s]),
                method,
                whole.worth[s],
                n_answered=whole.n_answered,
                note=note,
            )
        if any(each.kind == "median" and why_not(each, whole.scale) is None for each in self.statistics):
            yield self._row(
                "median", None, whole.median(), method, None, n_answered=whole.n_answered, note=note
            )

    def no_answer(self, expected: ExpectedOffScale) -> dict[str, Any]:
        """Make the row of the share that will not answer, of all who are asked; other rows are of valid answers."""
        ends = (expected.share, expected.lower, expected.upper)
        note = "share of all who are asked; the shares of categories are of valid answers"
        return self._row(NO_ANSWER, "off-scale codes", ends, "other items", None, note=note)

    def changes(self, old: str, changes: Sequence[Change]) -> Iterator[dict[str, Any]]:
        """Make the rows of changes since an older wave."""
        names = {each.name for each in self.statistics}
        for each in changes:
            if each.function.statistic in names:
                yield self._row(
                    f"{CHANGE}{each.function.statistic}",
                    each.function.category,
                    (each.estimate, each.lower, each.upper),
                    "pool and old wave",
                    None,
                    note=f"since {old}",
                )

    def groups(self, whole: Topline, found: GroupEstimates) -> Iterator[dict[str, Any]]:
        """Make the rows of each group, and of the gaps between groups if they were asked for."""
        method = "pool, groups and sample" if whole.n_answered else "pool and groups"
        grouping = found.grouping
        for g, name in enumerate(grouping.names):
            for s in self.shown(whole):
                each = whole.functions[s]
                row = self._row(
                    each.statistic,
                    each.category,
                    (found.estimate[g, s], found.lower[g, s], found.upper[g, s]),
                    method,
                    found.worth[g, s],
                    n_answered=int(found.n_answered[g]),
                )
                yield row | {
                    "by": grouping.by,
                    "group": name,
                    "n": int(grouping.counts[g]),
                    "effective_n": float(grouping.effective_counts[g]),
                }
        if any(each.kind == "gap" for each in self.statistics):
            yield from self._gaps(whole, found, method)

    def _gaps(self, whole: Topline, found: GroupEstimates, method: str) -> Iterator[dict[str, Any]]:
        """Make the rows of gaps: of means, or of shares if the categories have no order."""
        wanted = "mean" if whole.law.ordered else CATEGORY
        names = found.grouping.names
        for s, each in enumerate(whole.functions):
            if each.statistic != wanted:
                continue
            for a in range(len(names)):
                for b in range(a + 1, len(names)):
                    ends = found.gap(a, b, s, self.level)
                    row = self._row("gap", each.category, ends, method, None)
                    counts = found.grouping.counts
                    yield row | {
                        "by": found.grouping.by,
                        "group": f"{names[a]} minus {names[b]}",
                        "n": int(counts[a] + counts[b]),
                        "effective_n": None,
                    }

    def crosstab_rows(self, whole: Topline, found: GroupEstimates) -> list[CrosstabRow]:
        """Make the item's rows of a crosstab."""
        return [
            CrosstabRow(
                self.item,
                whole.functions[s].statistic,
                whole.functions[s].category,
                found.estimate[:, s],
                found.lower[:, s],
                found.upper[:, s],
                found.p_values(s),
            )
            for s in self.shown(whole)
        ]

    def _row(
        self,
        statistic: str,
        category: str | None,
        ends: tuple[Any, Any, Any],
        method: str,
        worth: float | None,
        *,
        n_answered: int = 0,
        note: str | None = None,
    ) -> dict[str, Any]:
        estimate, lower, upper = (None if end is None else float(end) for end in ends)
        return {
            "item": self.item,
            "by": None,
            "group": EVERYBODY,
            "statistic": statistic,
            "category": category,
            "estimate": estimate,
            "lower": lower,
            "upper": upper,
            "level": self.level,
            "method": method,
            "worth": None if worth is None or not np.isfinite(worth) else float(worth),
            "n": self.n,
            "effective_n": self.effective_n,
            "n_answered": n_answered,
            "note": note,
        }


@dataclass(frozen=True)
class Publishing:
    """Advice on publishing the shares of an item, in a word, with the reason and how many people they are worth."""

    word: str
    reason: str
    worth: float


def publishing(whole: Topline, twin: Floats) -> Publishing:
    """Say whether to publish the shares of an item.

    Parameters
    ----------
    whole : Topline
    twin : ndarray of shape (n_people,)
        Twins' answers.
    """
    rows = [s for s, each in enumerate(whole.functions) if each.statistic == CATEGORY]
    worth = float(np.median(whole.worth[rows]))
    seen = twin[np.isfinite(twin)]
    everybody = worth > whole.people - 0.5 if np.isfinite(worth) else True
    told = "as good as asking everybody" if everybody else f"shares worth about {worth:,.0f} people"
    if worth >= FULL_BASE or everybody:
        return Publishing("publish", told, worth)
    if worth >= SMALL_BASE:
        return Publishing("publish with care", f"{told}: a small base, so print the interval", worth)
    reason = f"{told}: too few to print as a result; ask some people"
    if seen.size and np.ptp(seen) == 0 and not whole.n_answered:
        reason = f"{reason}; all {seen.size} twins gave the same answer"
    return Publishing("indicative only", reason, worth)


def heavy_tail(whole: Topline, twin: Floats) -> str | None:
    """Warn of the mean of a numeric item whose answers have a heavy tail, going by its twins (rule of Cochran)."""
    seen = twin[np.isfinite(twin)]
    means = [s for s, each in enumerate(whole.functions) if each.statistic == "mean"]
    if whole.law.edges is None or seen.size < 3 or not means or np.ptp(seen) == 0:
        return None
    skewness = float(np.mean(((seen - seen.mean()) / seen.std()) ** 3))
    mean = means[:1]
    alone = people_worth(
        whole.spread[mean], whole.variances[mean], whole.weights[mean]
    )  # of a wider population
    if alone[0] >= COCHRAN * skewness**2:
        return None
    return (
        f"heavy tail (skewness {skewness:.1f} among twins): the interval of the mean may be too narrow; publish the "
        "median, or shares of ranges"
    )
