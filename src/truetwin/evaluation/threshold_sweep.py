r"""Score adaptive transfer at every threshold, and at a threshold that was chosen without the scored item.

Paper A, section 5.3 and figure 5: item j is calibrated if the training error :math:`e_j` of its fit on the twins is
below :math:`\tau`, and its twin is taken as it is otherwise. The curve over :math:`\tau` is drawn on the scored
items, so that its top is an optimum in hindsight. The same scores also show what remains if each item's threshold is
the best one on *other* items, or on items of *other blocks*. Only such a threshold can be had for a new item, or a
new battery.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.calibrators import make_calibrator
from truetwin.calibration.design import PAPER_PREPROCESSING, Design, Fold, Preprocessing, batches
from truetwin.calibration.nominal.indicators import Encoding
from truetwin.calibration.paper.adaptive_transfer import AdaptiveTransfer
from truetwin.calibration.workers import in_parallel
from truetwin.data import Panel
from truetwin.errors import ParameterError
from truetwin.evaluation.hiding_protocols import protocols
from truetwin.evaluation.mean_scores import mean_and_error
from truetwin.evaluation.target_metrics import Pairs, metrics
from truetwin.instrument.battery_evidence import resolve_blocks

EXACT = 1e-12  # a training error up to this is rounding
Array = NDArray[np.float64]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Chosen:
    """Mean correlation over items, with its standard error."""

    mean: float
    standard_error: float
    n_items: int
    share_calibrated: float


@dataclass(frozen=True, eq=False)
class ThresholdSweep:
    """Scores of each answered item, hidden in turn: training error on the twins, calibrated score, twin score.

    Attributes
    ----------
    method : str
        The transfer method.
    item_ids, blocks : tuple of str
        Hidden items and their batteries.
    errors : ndarray of shape (n_items,)
        Mean squared training error on the twins' standardised answers (an sd below 1 is not divided out).
    calibrated, twin : ndarray of shape (n_items,)
        Scores of the calibrated predictions and of the twin as it is.
    """

    method: str
    item_ids: tuple[str, ...]
    blocks: tuple[str, ...]
    errors: Array
    calibrated: Array
    twin: Array

    @property
    def thresholds(self) -> Array:
        """All thresholds that differ in effect: 0 (never calibrate), and just above each training error.

        Items fitted exactly (their twins all gave one answer) share a threshold: half the smallest other error.
        """
        exact = self.errors <= EXACT
        above = np.nextafter(np.unique(self.errors[~exact]), np.inf)
        below = [0.5 * above[0] if above.size else 1.0] if exact.any() else []
        return np.concatenate([[0.0], below, above])

    def at(self, threshold: float | Array) -> Chosen:
        """Score a threshold, the same for all items or one an item."""
        use = self.errors < threshold
        scores = np.where(use, self.calibrated, self.twin)
        found = mean_and_error(scores)
        return Chosen(found["mean"], found["standard_error"], found["n_scored"], float(use.mean()))

    def best(self) -> tuple[float, Chosen]:
        """Return the best threshold in hindsight: chosen on the scored items, as in the paper."""
        found = [(float(t), self.at(float(t))) for t in self.thresholds]
        return max(found, key=lambda pair: pair[1].mean)

    def honest(self, without: Literal["item", "block"] = "block") -> tuple[Array, Chosen]:
        """Score each item under the threshold that is best on the items of other blocks (or on all other items).

        The scores of those other items were made with the item among their donors. ``adaptive:ridge`` and the other
        ``adaptive:`` methods avoid that too, at the price of a sweep in each fold.

        Returns
        -------
        thresholds : ndarray of shape (n_items,)
            Threshold of each item.
        chosen : Chosen
            Mean score under these thresholds.
        """
        groups = np.unique(self.blocks if without == "block" else self.item_ids, return_inverse=True)[1]
        thresholds = np.zeros(len(self.item_ids))
        for group in np.unique(groups):
            others = groups != group
            if others.any():
                thresholds[~others] = self._part(others).best()[0]
        return thresholds, self.at(thresholds)

    def _part(self, kept: NDArray[np.bool_]) -> ThresholdSweep:
        where = np.flatnonzero(kept)
        return ThresholdSweep(
            self.method,
            tuple(self.item_ids[k] for k in where),
            tuple(self.blocks[k] for k in where),
            self.errors[where],
            self.calibrated[where],
            self.twin[where],
        )

    def rows(self) -> list[dict[str, Any]]:
        """Return one row a threshold."""
        found = []
        for threshold in self.thresholds:
            here = self.at(float(threshold))
            found.append(
                {
                    "method": self.method,
                    "threshold": float(threshold),
                    "share_calibrated": here.share_calibrated,
                    "mean": here.mean,
                    "standard_error": here.standard_error,
                    "n_items": here.n_items,
                }
            )
        return found

    def frame(self) -> Any:
        """Return :meth:`rows` as a pyarrow table."""
        import pyarrow as pa

        return pa.Table.from_pylist(self.rows())

    def summary(self) -> list[dict[str, Any]]:
        """Return one row each for never, always, best in hindsight, and both honest choices."""
        best, hindsight = self.best()
        always = self.at(float("inf"))
        listed = [
            ("twin as it is", 0.0, self.at(0.0)),
            ("always calibrated", float("inf"), always),
            ("best in hindsight", best, hindsight),
        ]
        for what, without in (("chosen on other items", "item"), ("chosen on other blocks", "block")):
            thresholds, chosen = self.honest("item" if without == "item" else "block")
            listed.append((what, float(np.median(thresholds)), chosen))
        return [
            {
                "method": self.method,
                "choice": what,
                "threshold": threshold,
                "mean": chosen.mean,
                "standard_error": chosen.standard_error,
                "n_items": chosen.n_items,
                "share_calibrated": chosen.share_calibrated,
            }
            for what, threshold, chosen in listed
        ]


def sweep_thresholds(
    panel: Panel,
    method: str = "ridge",
    *,
    blocks: Mapping[str, str] | Literal["auto"] | None = None,
    metric: str = "pearson-paper",
    preprocessing: Preprocessing = PAPER_PREPROCESSING,
    n_jobs: int = 1,
    progress: Progress | None = None,
) -> ThresholdSweep:
    """Hide every answered item in turn, fit it on the twins, and score both the transfer and the twin.

    Parameters
    ----------
    panel : Panel
        Human and twin answers. Nominal items are donors only: they have no correlation.
    method : {"ridge", "lasso", "elastic-net", "synthetic-intervention"}
        Transfer method, with the paper's settings for Twin-2K-500.
    blocks : mapping, "auto" or None
        Batteries; see :func:`truetwin.instrument.battery_evidence.resolve_blocks`.
    metric : str, default="pearson-paper"
        Score of an item. The default counts a constant prediction as 0, as the paper does, so that every item counts
        at every threshold.
    preprocessing : Preprocessing
        How both sources are prepared; by default as in the paper.
    n_jobs : int
        Number of parallel workers.
    progress : callable, optional
        Called with the number of finished and of all items.

    Raises
    ------
    ParameterError
        If the method is not a linear transfer, or the metric is undefined for some item.

    Examples
    --------
    >>> from truetwin.datasets import generate_population
    >>> sweep = sweep_thresholds(generate_population(80, 10, n_new_items=0).panel)
    >>> sweep.at(0.0).share_calibrated, sweep.at(float("inf")).share_calibrated
    (0.0, 1.0)
    """
    encoding = Encoding.of(panel)
    answers, nominal = encoding.encoded, encoding.codes
    made = make_calibrator(f"adaptive:{method}", answers, "item", parameters={"threshold": float("inf")})
    if not isinstance(made, AdaptiveTransfer):
        raise ParameterError(f"'adaptive:{method}' must be an adaptive transfer")
    of, _ = resolve_blocks(panel, blocks)
    folds = protocols["leave-one-item-out"].folds(panel, None)
    folds = [encoding.fold(f) for f in folds if panel.item_ids[f.targets[0]] not in nominal]
    work = batches(answers, folds)
    calls = ((answers, made, fold, preprocessing, metric) for batch in work for fold in batch.folds)
    total = sum(len(batch.folds) for batch in work)
    found: list[tuple[str, float, float, float]] = []
    for row in in_parallel(_one_item, calls, n_jobs):
        found.append(row)
        if progress:
            progress(len(found), total)
    ids = tuple(row[0] for row in found)
    errors, calibrated, twin = (np.array(column) for column in list(zip(*found, strict=True))[1:])
    undefined = [i for i, x, y in zip(ids, calibrated, twin, strict=True) if not np.isfinite(x + y)]
    if undefined:
        raise ParameterError(
            f"{metric} is undefined for {len(undefined)} items, such as {undefined[0]!r}, so that means at two "
            f"thresholds would be over different items; use pearson-paper, which counts these as 0"
        )
    return ThresholdSweep(method, ids, tuple(of[i] for i in ids), errors, calibrated, twin)


def _one_item(
    panel: Panel, model: AdaptiveTransfer, fold: Fold, preprocessing: Preprocessing, metric: str
) -> tuple[str, float, float, float]:
    """Return the id, the training error and both scores of one hidden item."""
    from sklearn.base import clone

    from truetwin.calibration.design import make_designs

    (design,) = make_designs(panel, [fold], preprocessing)
    fitted = clone(model)
    calibrated = fitted.predict_designs([design])[0].values[:, 0]
    twin = panel.twin_values[:, fold.targets[0]]
    return (
        design.target_ids[0],
        float(fitted.errors_[0]),
        _score(panel, design, calibrated, metric),
        _score(panel, design, twin, metric),
    )


def _score(panel: Panel, design: Design, predicted: Array, metric: str) -> float:
    truth = panel.human_values[:, design.fold.targets[0]]
    both = np.isfinite(truth) & np.isfinite(predicted)
    nothing = np.zeros(int(both.sum()))
    return metrics[metric].score(Pairs(truth[both], predicted[both], nothing, nothing))
