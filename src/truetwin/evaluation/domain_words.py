"""Say whether donors of other domains help: the conclusion of the protocol that leaves domains out."""

from __future__ import annotations

from math import isnan, nan
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from truetwin.evaluation.evaluation_result import Evaluation


def about_other_domains(result: Evaluation, method: str = "auto", metric: str = "pearson") -> str | None:
    """Say in a sentence whether a method that has donors of other domains only beats the twin as it is.

    The paired difference decides, with its clustered standard error and Student's t. Returns None if one of the two was
    not evaluated, or the baseline is not the twin.

    Examples
    --------
    >>> from truetwin.datasets import generate_population
    >>> from truetwin.evaluation import evaluate
    >>> about_other_domains(evaluate(generate_population(60, 12, n_new_items=0).panel, ["twin"])) is None
    True
    """
    if result.settings.get("baseline") != "twin":
        return None
    rows = [row for row in result.summary() if (row["method"], row["metric"]) == (method, metric)]
    if not rows or isnan(rows[0].get("difference", nan)):
        return None
    return _sentence(rows[0], method)


def _sentence(row: dict[str, Any], method: str) -> str:
    gain, low, high = row["difference"], row["difference_low"], row["difference_high"]
    if low != low:
        return f"donors of other domains change the twin's correlation by {gain:+.3f}; its error is unknown"
    shown = f"{gain:+.3f} (95%: {low:+.3f} to {high:+.3f}) against the twin"
    if low > 0:
        return f"donors of other domains help: {method} {shown}"
    if high < 0:
        return f"donors of other domains harm: {method} {shown}; use the twin as it is, or ask items of the same domain"
    return f"donors of other domains add nothing here: {method} {shown}"
