"""Check of an audit: one question about the twins, its figure beside a baseline, and the test behind its flag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from truetwin.diagnosis.audit.left_out_people import Estimate
from truetwin.solvers.adjusted_p_values import adjusted

Area = Literal["leaks", "flattening", "equity", "ceilings", "memory"]
Purpose = Literal["scores of methods", "single answers", "shares and means", "relations", "groups"]
Array = NDArray[np.float64]
#: Rate of false alarms that a source without faults may have, over all its checks together.
LEVEL = 0.05


@dataclass(frozen=True)
class Check:
    """One question about one source of twins.

    Attributes
    ----------
    name, area : str
        Name of the check, and what it belongs to.
    purposes : tuple of str
        Uses of the twins that the fault would spoil.
    question : str
        What is asked.
    measure, baseline_measure : str
        What ``value`` and ``baseline`` are.
    value, baseline : float or None
        Figure of the twins, and what it is held against.
    low, high : float or None
        Interval of 95% of the difference from the baseline, where there is one.
    p : float or None
        p-value of the check's own test, already corrected for the items or groups that it looked at.
    rule : str
        Test behind the flag.
    fault : str
        What is wrong, in words, if the check is flagged.
    rows : sequence of dict
        Figures by item, pair or group.
    unmeasured : str
        Why there is no figure; empty if there is one.
    p_adjusted : float or None
        p-value corrected for all checks of the source (Holm).
    flagged : bool
        Whether the twins have this fault, by the rule.
    """

    name: str
    area: Area
    purposes: tuple[Purpose, ...]
    question: str
    measure: str = ""
    value: float | None = None
    baseline: float | None = None
    baseline_measure: str = ""
    low: float | None = None
    high: float | None = None
    p: float | None = None
    rule: str = ""
    fault: str = ""
    rows: Sequence[Mapping[str, Any]] = field(default=(), hash=False)
    unmeasured: str = ""
    p_adjusted: float | None = None
    flagged: bool = False

    @property
    def finding(self) -> str:
        """The outcome in words."""
        if self.unmeasured:
            return f"not measured: {self.unmeasured}"
        return self.fault if self.flagged else "no fault found"

    def record(self) -> dict[str, Any]:
        """Return the check as JSON values. Fields that do not apply are None."""
        found = {k: v for k, v in self.__dict__.items() if k not in ("rows", "purposes", "unmeasured")}
        return {
            **{k: float(v) if isinstance(v, np.floating) else v for k, v in found.items()},
            "purposes": list(self.purposes),
            "unmeasured": self.unmeasured or None,
            "finding": self.finding,
            "rows": [dict(row) for row in self.rows],
        }


def unmeasured(check: Check, why: str) -> Check:
    """Return the check as one that could not be made, with the reason."""
    return replace(check, unmeasured=why)


def with_estimate(check: Check, estimate: Estimate, p: float, **fields: Any) -> Check:
    """Fill in the interval of the difference that was tested, its p-value, and further fields."""
    low, high = estimate.interval()
    return replace(check, low=low, high=high, p=float(p), **fields)


def any_of(p_values: Array) -> float:
    """Return the p-value of the claim that none of several nulls is wrong, whatever their dependence (Bonferroni).

    Examples
    --------
    >>> any_of(np.array([0.01, 0.5]))
    0.02
    """
    p = np.asarray(p_values, dtype=float)
    p = p[np.isfinite(p)]
    return float(min(1.0, p.min() * p.size)) if p.size else 1.0


def listed(p_values: Array) -> Array:
    """Adjust p-values of items for a list of which one in twenty may be wrong (Benjamini-Hochberg)."""
    return adjusted(np.where(np.isfinite(p_values), p_values, 1.0), "benjamini-hochberg")


def decided(checks: Sequence[Check], level: float = LEVEL) -> list[Check]:
    """Flag checks by Holm's correction over all checks of a source, so that their joint false alarm rate is ``level``.

    Checks without a p-value keep the flag that they have.

    Examples
    --------
    >>> made = [Check(n, "leaks", (), "?", p=p) for n, p in (("a", 0.001), ("b", 0.03), ("c", 0.9))]
    >>> [(c.name, c.flagged, c.p_adjusted) for c in decided(made)]
    [('a', True, 0.003), ('b', False, 0.06), ('c', False, 0.9)]
    """
    tested = [k for k, c in enumerate(checks) if c.p is not None]
    found = list(checks)
    p_values = np.array([checks[k].p for k in tested], dtype=np.float64)
    for k, p in zip(tested, adjusted(p_values, "holm").tolist(), strict=True):
        found[k] = replace(checks[k], p_adjusted=p, flagged=p <= level)
    return found
