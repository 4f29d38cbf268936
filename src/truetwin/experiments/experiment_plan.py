"""Plan the human sample of an experiment: people per arm with twins and without, contrast by contrast."""

from __future__ import annotations

from typing import Any

from truetwin.errors import DataError
from truetwin.experiments.calibrated_effects import CalibratedEffects
from truetwin.experiments.pilots import conclusive, pilot_size


def plan_experiment(
    calibrated: CalibratedEffects, effect: float = 0.2, *, power: float = 0.8, significance: float = 0.05
) -> list[dict[str, Any]]:
    """Say for each contrast how many people per arm find an effect, with twins and without.

    Parameters
    ----------
    calibrated : CalibratedEffects
        Calibrated effects of a new study.
    effect : float, default=0.2
        Smallest effect that should be found, in sd.
    power, significance : float
        Probability of finding it, and error rate of the two-sided test.

    Returns
    -------
    list of dict
        ``study``, ``contrast``, ``kind``, ``calibrated`` (the calibrated effect), ``worth`` (people per arm that twins
        are worth), ``people_without_twins`` and ``people`` (per arm, for the standard error that finds ``effect`` with
        this power), and ``conclusive_without_twins`` and ``conclusive``: the probability that the interval of a sample
        of ``people`` per arm will exclude 0, if the effect is what twins let expect.

    Raises
    ------
    DataError
        If the effects could not be calibrated.
    """
    if not calibrated.calibrated:
        raise DataError(f"what twins are worth is known of calibrated effects only. {calibrated.notes[-1]}")
    rows = []
    for study in calibrated.effects.study_names:
        here, law = calibrated.effects.of_study(study), calibrated.before_pilot[study]
        for k, (mean, variance) in enumerate(zip(law.mean(), law.variance(), strict=True)):
            size = pilot_size(effect, float(variance), power=power, significance=significance)
            chances = {
                twins: float(
                    conclusive(
                        mean, variance, max(size.with_twins, 1), twins=twins, significance=significance
                    )
                )
                for twins in (False, True)
            }
            rows.append(
                {
                    "study": study,
                    "contrast": here.contrasts[k],
                    "kind": here.kinds[k],
                    "calibrated": float(mean),
                    "worth": size.worth,
                    "people_without_twins": size.without_twins,
                    "people": size.with_twins,
                    "conclusive_without_twins": chances[False],
                    "conclusive": chances[True],
                }
            )
    return rows
