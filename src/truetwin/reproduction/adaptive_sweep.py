"""Figure 5 of paper A: adaptive transfer on Twin-2K-500 over all thresholds, and what an honest threshold leaves."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from truetwin.data import Panel
from truetwin.datasets import twin_2k_500
from truetwin.evaluation.threshold_sweep import ThresholdSweep, sweep_thresholds


def reproduce_figure_5(
    *,
    panel: Panel | None = None,
    chosen: Sequence[str] = ("ridge", "elastic-net"),
    n_jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> list[ThresholdSweep]:
    """Sweep the threshold for each method, with the paper's settings and metric.

    :func:`truetwin.report.figures.threshold_figure.threshold_figure` draws the result. The paper prints .252 as the
    best score in hindsight of ridge and elastic net, at a threshold of .15 (section 5.3).

    Parameters
    ----------
    panel : Panel, optional
        By default the default construction of Twin-2K-500.
    chosen : sequence of str
        Transfer methods.
    n_jobs : int
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
