"""Compute the cost of calls from prices that the user gives. Without prices the cost is unknown, never 0."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from truetwin.errors import FileFormatError, ParameterError
from truetwin.io.setting_files import read_yaml
from truetwin.llm.messages import Usage

_MILLION = 1e6


@dataclass(frozen=True)
class Prices:
    """Prices of a million tokens, in any one currency.

    Parameters
    ----------
    prompt : float
        Price of the tokens sent.
    completion : float
        Price of the tokens received, including reasoning tokens.
    cached : float, optional
        Price of the tokens sent that the provider had cached. None: the same price as other tokens sent.

    Raises
    ------
    ParameterError
        If a price is negative or not a number.

    Examples
    --------
    >>> Prices(prompt=1.0, completion=4.0).cost(Usage(prompt_tokens=1000, completion_tokens=500))
    0.003
    """

    prompt: float
    completion: float
    cached: float | None = None

    def __post_init__(self) -> None:
        for name in ("prompt", "completion", "cached"):
            price = getattr(self, name)
            if price is not None and not (
                isinstance(price, int | float) and 0 <= price <= sys.float_info.max
            ):
                raise ParameterError(
                    f"a price must be a number >= 0, per million tokens; {name} is {price!r}"
                )

    def cost(self, usage: Usage) -> float:
        """Return the cost of ``usage``, in the currency of the prices."""
        cached_price = self.prompt if self.cached is None else self.cached
        fresh = usage.prompt_tokens - usage.cached_tokens
        total = (
            fresh * self.prompt
            + usage.cached_tokens * cached_price
            + usage.completion_tokens * self.completion
        )
        return total / _MILLION


def read_prices(path: Path, model: str) -> Prices | None:
    """Read the prices of ``model`` from a YAML or JSON file of ``{model: {prompt, completion, cached}}``.

    Returns None if the file has no prices of this model.

    Raises
    ------
    FileFormatError
        If the file is not such a table.
    """
    table = read_yaml(path)
    if not isinstance(table, dict):
        raise FileFormatError(
            f"prices must be a table of models; {path} holds {type(table).__name__}. "
            "Write one entry per model: 'name: {prompt: 0.15, completion: 0.6}'."
        )
    if model not in table:
        return None
    entry = table[model]
    names = {"prompt", "completion", "cached"}
    if not isinstance(entry, dict) or not {"prompt", "completion"} <= set(entry) <= names:
        raise FileFormatError(
            f"the prices of a model must be 'prompt', 'completion' and optionally 'cached'; {path} has {entry!r} "
            f"for {model!r}"
        )
    return Prices(**entry)


@dataclass(frozen=True)
class Estimate:
    """Total of a whole run, estimated from a pilot.

    ``low`` and ``high`` bound the total with the stated confidence. ``n_pilot`` of the ``n_total`` calls were made to
    estimate it.
    """

    mean: float
    low: float
    high: float
    confidence: float
    n_pilot: int
    n_total: int


def estimate_total(pilot: Sequence[float], n_total: int, *, confidence: float = 0.9) -> Estimate:
    r"""Estimate the total of ``n_total`` calls of which the ``pilot`` is a sample, with a prediction interval.

    .. math:: S + (N - n)\left(\bar x \pm t_{n-1}\, s \sqrt{1/n + 1/(N - n)}\right)

    Here :math:`S = \sum x_i` is the known total of the pilot's :math:`n` calls, and :math:`N` the number of all calls.
    Costs are skewed by a few long replies, so that the upper end is somewhat too low for a pilot of fewer than about
    30 calls.

    Parameters
    ----------
    pilot : sequence of float
        Cost, or tokens, of each call of the pilot. At least two calls.
    n_total : int
        Number of calls of the whole run, including the pilot.
    confidence : float, default=0.9
        Coverage of the prediction interval, between 0 and 1.

    Raises
    ------
    ParameterError
        If the pilot has fewer than two calls or more than the run.

    Examples
    --------
    >>> found = estimate_total([1.0, 2.0, 3.0], 3)
    >>> (found.low, found.mean, found.high)
    (6.0, 6.0, 6.0)
    """
    n, known = len(pilot), float(sum(pilot))
    if n < 2 or n > n_total:
        raise ParameterError(
            f"a pilot must have at least 2 calls and no more than the run; it has {n} of {n_total}"
        )
    rest, mean = n_total - n, known / n
    half = 0.0
    if rest:
        from scipy.stats import t

        spread = math.sqrt(sum((x - mean) ** 2 for x in pilot) / (n - 1))
        half = float(t.ppf(0.5 + confidence / 2, n - 1)) * spread * math.sqrt(1 / n + 1 / rest) * rest
    total = known + rest * mean
    return Estimate(total, max(known, total - half), total + half, confidence, n, n_total)
