"""Measure what a calibration gains over the twins as they are, on answers that are hidden for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isnan
from typing import Any

from truetwin.calibration import Calibration
from truetwin.calibration.calibrators import methods
from truetwin.data import Axis
from truetwin.data.person_design import PersonWeights
from truetwin.errors import NotPredictableError
from truetwin.evaluation.comparison import evaluate
from truetwin.instrument.batteries import situation_of

#: Targets that are hidden unless told otherwise, and the size of a table in cells above which none are.
USUAL_CHECK = 25
CELLS_TO_CHECK = 5_000_000
LARGE = "a large table: what calibration gains was not measured; --check N measures it on N targets"


@dataclass(frozen=True)
class Gain:
    """Rows of the evaluations that tell the gain, and why some could not be done."""

    rows: tuple[dict[str, Any], ...]
    notes: tuple[str, ...] = ()


def measure_gain(
    result: Calibration,
    most: int | None = None,
    *,
    weights: PersonWeights | None = None,
    n_jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Gain:
    """Hide answered items (respondents) as the new ones are hidden, predict them, and compare with the twins.

    Parameters
    ----------
    result : Calibration
        What was predicted, and with which settings.
    weights : str or array of shape (n_respondents,), optional
        Survey weights of people, for the scores.
    most : int, optional
        How many targets to hide; 0 for none. By default 25, or none in a table of over 5 million cells.
    n_jobs : int
        Number of parallel workers.
    progress : callable, optional
        Called with the number of finished and of all folds.

    Returns
    -------
    Gain
        One row a method and protocol, with the paired difference to the twins: of correlations, or of the share of
        right answers if all items are nominal.
    """
    if most is None:
        most = USUAL_CHECK if result.panel.human_values.size <= CELLS_TO_CHECK else 0
        if not most:
            return Gain((), (LARGE,))
    rows: list[dict[str, Any]] = []
    notes: list[str] = []
    metric = _metric(result)
    for axis, protocol in faced_protocols(result) if most else ():
        model = result.calibrators[axis]
        trivial = "human-respondent-mean" if axis == "item" else "human-item-mean"
        wanted = dict.fromkeys(["twin", trivial, result.method])
        models = {name: model if name == result.method else methods[name].make() for name in wanted}
        blocks = model.get_params().get("blocks") if protocol == "leave-block-out" else None
        try:
            scores = evaluate(
                result.panel,
                models,
                protocol,
                blocks=blocks,
                max_folds=most,
                metric=metric,
                weights=weights,
                preprocessing=result.preprocessing,
                n_jobs=n_jobs,
                progress=progress,
            )
        except NotPredictableError as error:
            notes.append(f"what calibration gains cannot be measured: {error}")
            continue
        rows.extend({"protocol": protocol, **row} for row in scores.summary("twin"))
    return Gain(tuple(rows), tuple(notes))


def _metric(result: Calibration) -> str:
    """Correlations tell the gain, but for a panel of nominal items only, where the share of right answers does."""
    nominal = set(result.encoding.codes)
    return "accuracy" if nominal and nominal == set(result.panel.item_ids) else "pearson"


def faced_protocols(result: Calibration) -> list[tuple[Axis, str]]:
    """Choose how to hide answered targets so that they face what the new ones face: the axis, and the protocol."""
    found: list[tuple[Axis, str]] = []
    for part in result.parts:
        if part.axis == "respondent":
            found.append(("respondent", "leave-one-respondent-out"))
            continue
        blocks = result.calibrators["item"].get_params().get("blocks")
        faced = [situation_of(blocks, result.panel, t, part.target_ids) for t in part.target_ids]
        new = [text.startswith("new battery") for text in faced]
        if not all(new):
            found.append(("item", "leave-one-item-out"))
        if any(new):
            found.append(("item", "leave-block-out"))
    return found


def is_gain(row: Mapping[str, Any]) -> bool:
    """Tell whether a method's row of a summary shows a gain that is more than chance: its 95% interval is above 0."""
    return bool(row["difference_low"] > 0)


def gain_in_words(row: Mapping[str, Any]) -> str:
    """The answer of an evaluation in one sentence, from the method's row of its summary.

    Examples
    --------
    >>> row = {"difference": 0.1, "difference_standard_error": 0.02, "n_paired": 9, "paired_mean": 0.5}
    >>> gain_in_words({**row, "difference_low": 0.05, "difference_high": 0.15})[:73]
    'Calibration raises the mean correlation with hidden human answers from 0.'
    """
    gain, error = row["difference"], row["difference_standard_error"]
    if not row["n_paired"] or isnan(gain):
        how = f" ({row['protocol']})" if "protocol" in row else ""
        return (
            f"Whether calibration gains anything cannot be told: the answers allow no target to be judged{how}. "
            "More items or people with both human and twin answers would."
        )
    figures = f"paired gain {gain:+.3f}, standard error {error:.3f}, {row['n_paired']} targets"
    if "protocol" in row:
        figures = f"{row['protocol']}: {figures}"
    if row.get("protocol") == "leave-block-out":
        figures = f"for new batteries, whole batteries hidden: {figures}"
    if not (row["difference_low"] > 0 or row["difference_high"] < 0):
        return f"Calibration shows no clear gain over the twins as they are ({figures})."
    after = row["paired_mean"]  # over the targets that the gain is over, so that the figures add up
    before = after - gain
    what = score_in_words(row)
    if gain > 0:
        return f"Calibration raises the mean {what} from {before:.3f} to {after:.3f} ({figures})."
    what = what.partition(" with ")[0]
    return f"Calibration does harm here: the mean {what} falls from {before:.3f} to {after:.3f} ({figures})."


def score_in_words(row: Mapping[str, Any]) -> str:
    """Say what the score of a row is, of which a gain is told."""
    if row.get("metric") == "accuracy":
        return "share of hidden human answers that are predicted"
    return "correlation with hidden human answers"
