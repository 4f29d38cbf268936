"""Say effects in words: "message B beats message A by 4 points (90%: 1 to 9)"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def effect_in_words(row: Mapping[str, Any], treatment: str = "", control: str = "") -> str:
    """Say which side is higher, by how much, with the interval; in units of the answer if these are known.

    A side is only said to beat the other if the interval leaves out 0. Otherwise it is expected ahead, not sure.

    Parameters
    ----------
    row : mapping
        A row of :attr:`CalibratedEffects.rows`.
    treatment, control : str
        The two sides in words. Without them the contrast is named.

    Examples
    --------
    >>> row = {"contrast": "c", "level": 0.9, "raw": 4.2, "raw_low": 1.2, "raw_high": 7.1}
    >>> effect_in_words(row, "message B", "message A")
    'message B beats message A by 4.2 points (90%: 1.2 to 7.1)'
    >>> effect_in_words({"contrast": "c", "level": 0.9, "effect": -0.31, "low": -0.6, "high": 0.02}, "B", "A")
    'A is expected ahead of B by 0.31 sd, not sure (90%: -0.02 to 0.6)'
    """
    raw = row.get("raw") is not None
    unit = "points" if raw else "sd"
    names = ("raw", "raw_low", "raw_high") if raw else ("effect", "low", "high")
    value, low, high = (row.get(name) for name in names)
    if value is None:
        return f"{row['contrast']}: unknown"
    first, second = treatment, control
    if value < 0 and first:
        value, low, high = -value, *(None if v is None else -v for v in (high, low))
        first, second = second, first
    digits = significant_digits(value, low, high)
    interval = (
        ""
        if low is None or high is None
        else f" ({row['level']:.0%}: {_shown(low, digits)} to {_shown(high, digits)})"
    )
    shown = _shown(value, digits)
    if not first:
        told = f"{row['contrast']}: {shown} {unit}"
    elif shown == "0":
        told = f"{first} against {second}: 0 {unit}"
    elif low is not None and high is not None and low <= 0 <= high:
        told = f"{first} is expected ahead of {second} by {shown} {unit}, not sure"
    else:
        told = f"{first} beats {second} by {shown} {unit}"
    return (
        f"{told}{interval}" if row.get("calibrated", True) else f"{told}{interval}, in twins; not calibrated"
    )


def significant_digits(value: float, low: float | None, high: float | None) -> int:
    """Decimals with which an interval is shown: two digits of its half width, at most whole numbers."""
    from math import floor, log10

    width = abs(value) if low is None or high is None else 0.5 * (high - low)
    return max(0, min(6, 1 - floor(log10(width)))) if width > 0 else 2


def _shown(value: float, digits: int) -> str:
    text = f"{value:.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text
