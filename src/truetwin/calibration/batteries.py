"""Batteries handed to the methods that use them."""

from __future__ import annotations

from collections.abc import Mapping

from sklearn.base import clone

from truetwin.calibration.base import Calibrator


def with_blocks(model: Calibrator, blocks: Mapping[str, str] | None) -> Calibrator:
    """The model with these blocks, if it takes blocks and was given none of its own.

    Examples
    --------
    >>> from truetwin.calibration.auto import Auto
    >>> with_blocks(Auto(), {"Q1": "mood"}).blocks
    {'Q1': 'mood'}
    """
    if blocks is None or model.get_params().get("blocks", ()) is not None:
        return model
    found: Calibrator = clone(model).set_params(blocks=dict(blocks))
    return found
