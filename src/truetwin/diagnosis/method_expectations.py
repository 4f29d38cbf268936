"""Tell what a method itself expects of its predictions of new items."""

from __future__ import annotations

from collections.abc import Mapping

from truetwin.calibration.calibration import calibrate
from truetwin.calibration.calibrators import methods
from truetwin.data import Panel
from truetwin.data.person_design import PersonWeights
from truetwin.errors import DataError, NotPredictableError


def method_expectations(
    panel: Panel,
    method: str,
    *,
    blocks: Mapping[str, str] | None = None,
    weights: PersonWeights | None = None,
) -> dict[str, float]:
    """Calibrate, and read the expected correlation of each new item off its law, as :func:`truetwin.calibrate` says it.

    An item that the method cannot predict, or of which it expects nothing, is left out. Nothing is read of the method
    "twin": verdicts compare a method with the twin, and both figures must then come from the same source.

    Examples
    --------
    >>> import truetwin as tt
    >>> from truetwin.datasets import generate_population
    >>> panel = generate_population(120, 16, n_new_items=2).panel
    >>> method_expectations(panel, "auto") == tt.calibrate(panel).expected_correlations()
    True
    """
    if not panel.new_items or methods.resolve(method) == "twin":
        return {}
    try:
        found = calibrate(panel, method, items=panel.new_items, blocks=blocks, weights=weights)
    except (NotPredictableError, DataError):  # nothing can be predicted, or there is too little to learn from
        return {}
    return found.expected_correlations()
