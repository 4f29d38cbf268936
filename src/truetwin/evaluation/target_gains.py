"""Put each target's score with and without calibration side by side, with intervals."""

from __future__ import annotations

from typing import Any

import numpy as np

from truetwin.evaluation.evaluation_result import Evaluation

Z_95 = 1.96


def target_rows(evaluation: Evaluation, method: str, *, metric: str = "pearson") -> list[dict[str, Any]]:
    """Each target's score with the baseline and with ``method``, and for correlations their 95% intervals.

    The interval of a correlation is Fisher's, from the number of answers it was computed over.
    """
    baseline = str(evaluation.settings.get("baseline", "twin"))
    rows = []
    for k, target in enumerate(evaluation.target_ids):
        row: dict[str, Any] = {"target": target}
        for name, source in (("twin", baseline), ("calibrated", method)):
            score = float(evaluation.scores[source, metric][k])
            row[name] = score
            if metric == "pearson":
                row[f"{name}_low"], row[f"{name}_high"] = fisher_interval(
                    score, int(evaluation.n_answers[source][k])
                )
        row["gain"] = row["calibrated"] - row["twin"]
        row["n_answers"] = int(evaluation.n_answers[method][k])
        row["reason"] = evaluation.reasons[method].get(target)
        rows.append(row)
    return rows


def fisher_interval(correlation: float, n: int) -> tuple[float, float]:
    """95% interval of a correlation over ``n`` pairs, by Fisher's transformation; NaN for fewer than four.

    Examples
    --------
    >>> [round(end, 3) for end in fisher_interval(0.5, 103)]
    [0.339, 0.632]
    """
    if n < 4 or not np.isfinite(correlation):
        return float("nan"), float("nan")
    centre = np.arctanh(np.clip(correlation, -0.999999, 0.999999))
    half = Z_95 / np.sqrt(n - 3)
    return float(np.tanh(centre - half)), float(np.tanh(centre + half))
