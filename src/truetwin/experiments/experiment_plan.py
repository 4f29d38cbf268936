"""Plan the human sample of an experiment: people per arm with twins and without, contrast by contrast."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from truetwin.errors import DataError
from truetwin.experiments.calibrated_effects import CalibratedEffects
from truetwin.experiments.pilots import conclusive, pilot_size

#: Width of a scale with many points in sd, where all answers are as frequent: the square root of 12.
LARGEST = 3.5


def plan_experiment(
    calibrated: CalibratedEffects | Sequence[Mapping[str, Any]],
    effect: float = 0.2,
    *,
    power: float = 0.8,
    significance: float = 0.05,
) -> list[dict[str, Any]]:
    """Say for each contrast how many people per arm find an effect, with twins and without.

    Parameters
    ----------
    calibrated : CalibratedEffects, or sequence of mapping
        Calibrated effects of a new study, or the rows of their table.
    effect : float, default=0.2
        Smallest effect that should be found, in sd.
    power, significance : float
        Probability of finding it, and error rate of the two-sided test.

    Returns
    -------
    list of dict
        ``study``, ``contrast``, ``kind``, ``calibrated`` (the calibrated effect), ``worth`` (people per arm that twins
        are worth), ``people_without_twins`` and ``people`` (per arm, for the standard error that finds ``effect`` with
        this power). ``conclusive_without_twins`` and ``conclusive`` are the probabilities that the interval of a sample
        of ``people`` per arm will exclude 0, if the effect is what twins let expect; they are missing where a pilot has
        been made already.

    Raises
    ------
    DataError
        If the effects could not be calibrated.
    """
    rows = calibrated.rows if isinstance(calibrated, CalibratedEffects) else calibrated
    if not rows or any(row.get("worth") is None or row.get("effect") is None for row in rows):
        raise DataError(
            "what twins are worth in people is known of calibrated effects only; these are not calibrated, for want of "
            "past studies"
        )
    return [_planned(row, effect, power, significance) for row in rows]


def _planned(row: Mapping[str, Any], effect: float, power: float, significance: float) -> dict[str, Any]:
    variance = 2.0 / float(row["worth"])
    size = pilot_size(effect, variance, power=power, significance=significance)
    found = {
        "study": row.get("study"),
        "contrast": row.get("contrast"),
        "kind": row.get("kind"),
        "calibrated": float(row["effect"]),
        "worth": size.worth,
        "people_without_twins": size.without_twins,
        "people": size.with_twins,
    }
    if row.get("pilot") in (None, ""):  # an empty cell of a text file
        people = max(size.with_twins, 1)
        for name, twins in (("conclusive_without_twins", False), ("conclusive", True)):
            chance = conclusive(row["effect"], variance, people, twins=twins, significance=significance)
            found[name] = float(chance)
    return found


def effect_beyond_scales(
    calibrated: CalibratedEffects | Sequence[Mapping[str, Any]], effect: float
) -> str | None:
    """Say what an effect is in points, if it is larger than answers on usual scales can differ; None otherwise."""
    if effect <= LARGEST:
        return None
    rows = calibrated.rows if isinstance(calibrated, CalibratedEffects) else calibrated
    sds = [float(row["human_sd"]) for row in rows if row.get("human_sd") not in (None, "")]
    points = f" ({effect * max(sds):.3g} points here)" if sds else ""
    return (
        f"an effect of {effect:g} sd{points} is beyond the ends of most scales: {LARGEST:g} sd is the whole width of a "
        "scale on which all answers are as frequent. Is it in sd?"
    )


def check_plan_rows(records: Sequence[Mapping[str, Any]], source: str) -> None:
    """Check that a table has been written by ``truetwin experiment calibrate``.

    Raises
    ------
    DataError
        If it lacks a column that a plan needs.
    """
    needed = ("study", "contrast", "kind", "effect", "worth", "pilot")
    missing = [name for name in needed if not records or name not in records[0]]
    if missing:
        raise DataError(
            f"a plan of an experiment needs the table that `truetwin experiment calibrate --output` writes; {source} "
            f"lacks {', '.join(missing)}"
        )
