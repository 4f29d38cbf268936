"""Figure 5 of paper A: adaptive transfer on Twin-2K-500 over all thresholds, and at an honestly chosen one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from truetwin.data import Panel
from truetwin.datasets import twin_2k_500
from truetwin.evaluation.threshold_sweep import ThresholdSweep, sweep_thresholds

#: What the paper prints (section 5.3): the twin, each method always calibrated, the best threshold and its score.
PAPER = {
    "ridge": {"threshold": 0.15, "best in hindsight": 0.252},
    "elastic-net": {"threshold": 0.15, "best in hindsight": 0.252},
}


def reproduce_figure_5(
    *,
    panel: Panel | None = None,
    chosen: Sequence[str] = ("ridge", "elastic-net"),
    n_jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> list[ThresholdSweep]:
    """Sweep the threshold for each method, with the paper's settings and metric.

    :func:`truetwin.report.figures.threshold_figure.threshold_figure` draws the result, :func:`figure_5_rows` lists
    it.

    Parameters
    ----------
    panel : Panel, optional
        Human and twin answers; by default Twin-2K-500 in its default construction.
    chosen : sequence of str
        Names of transfer methods.
    n_jobs : int
        Number of parallel workers.
    progress : callable, optional
        Called with the number of finished and of all items, over all methods.
    """
    data = twin_2k_500.load() if panel is None else panel
    found: list[ThresholdSweep] = []
    for name in chosen:
        done = len(found)

        def report(k: int, n: int, done: int = done) -> None:
            if progress:
                progress(done * n + k, len(chosen) * n)

        found.append(sweep_thresholds(data, name, n_jobs=n_jobs, progress=report))
    return found


def figure_5_rows(sweeps: Sequence[ThresholdSweep]) -> list[dict[str, Any]]:
    """Return one row each for never, always, best in hindsight and honestly chosen, beside the paper's figures."""
    rows = []
    for sweep in sweeps:
        for row in sweep.summary():
            paper = PAPER.get(sweep.method, {}).get(row["choice"])
            rows.append(row | {"paper": paper, "difference": None if paper is None else row["mean"] - paper})
    return rows
