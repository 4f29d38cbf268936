"""Choose the rank at which missing answers are filled, by hiding answers that twins have given."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.design import Preprocessing
from truetwin.calibration.imputation import complete_donors
from truetwin.calibration.nominal.indicators import Encoding
from truetwin.calibration.orientation import Array
from truetwin.calibration.paper.tuning import relative_error
from truetwin.data import Panel
from truetwin.errors import ParameterError

HIDDEN_SHARE = 0.2


def prepared_at(ranks: Sequence[int], panel: Panel) -> Preprocessing:
    """Return the usual preparation at a rank, or at the best of several (:func:`choose_imputation_rank`).

    Examples
    --------
    >>> from truetwin.datasets import generate_population
    >>> prepared_at((3,), generate_population(60, 8, n_new_items=1).panel).imputation_rank
    3
    """
    rank = ranks[0] if len(set(ranks)) == 1 else choose_imputation_rank(panel, ranks)
    return Preprocessing(imputation_rank=rank)


def choose_imputation_rank(panel: Panel, ranks: Sequence[int]) -> int:
    """Choose the rank that fills hidden answers of the twins best; no human answer is ever looked at.

    A fifth of the twins' answers are hidden and filled as before calibration. The score is the mean over items of the
    squared error over the variance of the hidden answers; on a tie the first rank wins. The draw depends on ids alone,
    so that the order of rows and columns does not matter.

    Parameters
    ----------
    panel : Panel
        Human and twin answers; of several sources the average counts.
    ranks : sequence of int
        Ranks to choose from, each at least 1.

    Raises
    ------
    ParameterError
        If there is no rank, or one is below 1.
    """
    if not ranks or min(ranks) < 1:
        raise ParameterError(f"imputation ranks must be given, and be at least 1; got {list(ranks)}")
    encoded = Encoding.of(panel).encoded
    values = encoded.twin_values[np.argsort(encoded.respondent_ids)][:, np.argsort(encoded.item_ids)]
    values = values[np.isfinite(values).any(axis=1)]
    hidden = _drawn(values)
    shown = np.where(hidden, np.nan, values)
    # An item without any answer left has nothing to be filled from.
    hidden &= np.isfinite(shown).any(axis=0)
    if not hidden.any():
        return ranks[0]
    truth = np.where(hidden, values, np.nan)
    losses = [relative_error(complete_donors(shown, rank), truth) for rank in ranks]
    return ranks[int(np.argmin(np.round(losses, 12)))]


def _drawn(values: Array) -> NDArray[np.bool_]:
    """Draw a fifth of the answers given, by a seed that depends on the shape alone."""
    seed = zlib.crc32(f"{values.shape}".encode())
    found: NDArray[np.bool_] = np.isfinite(values) & (
        np.random.default_rng(seed).random(values.shape) < HIDDEN_SHARE
    )
    return found
