"""Tables 7 and 8 of paper A: the hyperparameters of the ten methods, as the presets here have them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from truetwin.calibration.calibrators import PAPER_METHODS, methods
from truetwin.data import Axis
from truetwin.reproduction.published import published

HYPERPARAMETER_TABLES = ("table-7", "table-8")
_PREDICTED = {"item": "new items", "respondent": "new respondents"}


def reproduce_hyperparameters(table: str) -> Iterator[dict[str, Any]]:
    """List each setting of each method in a preset beside the printed one; nothing is computed.

    Parameters
    ----------
    table : {"table-7", "table-8"}
        MovieLens, or Twin-2K-500.

    Examples
    --------
    >>> first = next(reproduce_hyperparameters("table-7"))
    >>> first["method"], first["predicts"], first["setting"], first["ours"], first["paper"]
    ('ridge', 'new items', 'alpha', 1000, 1000)
    """
    for preset, axes in published()[table].items():
        for axis, printed in axes.items():
            for method in PAPER_METHODS:
                ours = _settings(method, preset, cast("Axis", axis))
                for name, paper in printed[method].items():
                    yield {
                        "dataset": preset,
                        "predicts": _PREDICTED[axis],
                        "method": method,
                        "setting": name,
                        "ours": _plain(ours[name]),
                        "paper": paper,
                        "agrees": _plain(ours[name]) == paper,
                    }


def _settings(method: str, preset: str, axis: Axis) -> dict[str, Any]:
    """Return all settings of a method in a preset, those it leaves at their defaults included."""
    entry = methods[method]
    return entry.make(**entry.published[preset, axis]).get_params()


def _plain(value: Any) -> Any:
    """Convert a setting as JSON would hold it: tuples are lists, whole floats are whole numbers."""
    if isinstance(value, tuple):
        return list(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value
