"""Statistics that can be published of an item: means of functions of the category, the median, and relations.

A *share* is the mean of an indicator, a *mean* that of the codes, a *top-2 share* that of an indicator of the two
highest categories. One law of an item's shares serves them all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from truetwin.data import Scale
from truetwin.errors import ParameterError, UnknownNameError
from truetwin.registry import closest

Floats = NDArray[np.float64]
Kind = Literal["share", "mean", "median", "top", "bottom", "nps", "gap", "correlation"]

#: Names of statistics; top and bottom take any number of categories.
NAMES = ("share", "mean", "median", "top2", "bottom2", "nps", "gap", "correlation")
#: Statistic of those who will not answer, and what stands before the name of a statistic that has changed.
NO_ANSWER = "no answer"
CHANGE = "change of "
_BOX = re.compile(r"(top|bottom)-?(\d+)")
PROMOTERS, DETRACTORS = (9.0, 10.0), tuple(float(code) for code in range(7))
ZERO_TO_TEN = tuple(float(code) for code in range(11))


@dataclass(frozen=True)
class Statistic:
    """Statistic that was asked for: its name, its kind, and the number of categories of a top or bottom share."""

    name: str
    kind: Kind
    k: int = 0


@dataclass(frozen=True, eq=False)
class CategoryFunction:
    """Function of the category whose mean over people is a number to publish.

    Attributes
    ----------
    statistic : str
        Name of the statistic.
    category : str or None
        Label of the category, for a share.
    values : ndarray of shape (K,)
        Value of the function in each category.
    """

    statistic: str
    category: str | None
    values: Floats

    @property
    def is_share(self) -> bool:
        """Whether the mean of the function is a share of people."""
        return bool(np.isin(self.values, (0.0, 1.0)).all())


def named_statistics(names: Iterable[str]) -> tuple[Statistic, ...]:
    """Read the names of statistics.

    Raises
    ------
    UnknownNameError
        If a name is none of a statistic.

    Examples
    --------
    >>> [statistic.k for statistic in named_statistics(["share", "top3"])]
    [0, 3]
    """
    found = []
    for name in dict.fromkeys(names):
        box = _BOX.fullmatch(name)
        if box and int(box[2]) > 0:
            kind: Kind = "top" if box[1] == "top" else "bottom"
            found.append(Statistic(f"{kind}{int(box[2])}", kind, int(box[2])))
        elif name in ("share", "mean", "median", "nps", "gap", "correlation"):
            found.append(Statistic(name, name))  # type: ignore[arg-type]
        else:
            raise UnknownNameError(
                f"no statistic named {name!r}.{closest(name, list(NAMES))} Known: {', '.join(NAMES)} (top and bottom "
                "take any number of categories)."
            )
    if not found:
        raise ParameterError("at least one statistic must be asked for, such as share or mean")
    return tuple(found)


def why_not(statistic: Statistic, scale: Scale) -> str | None:
    """Return why a scale does not admit a statistic, or None if it does.

    Examples
    --------
    >>> why_not(Statistic("mean", "mean"), Scale.nominal([1, 2, 3]))
    'its codes are names of categories, and have no order'
    """
    kind = statistic.kind
    if scale.kind == "nominal" and kind not in ("share", "gap"):
        return "its codes are names of categories, and have no order"
    if kind in ("top", "bottom") and (scale.kind == "numeric" or scale.n_categories <= statistic.k):
        return (
            f"a share of {statistic.k} categories needs an ordinal scale with more than {statistic.k} of them"
        )
    if kind == "nps" and scale.categories != ZERO_TO_TEN:
        return "a net promoter score is defined on the scale 0..10 only"
    return None


def check_admitted(statistics: Sequence[Statistic], scales: dict[str, Scale]) -> None:
    """Raise an error that names the items whose scale does not admit a statistic that was asked for."""
    for statistic in statistics:
        wrong = {item: why for item, scale in scales.items() if (why := why_not(statistic, scale))}
        if wrong:
            item, why = next(iter(wrong.items()))
            more = f" ({len(wrong) - 1} more such items)" if len(wrong) > 1 else ""
            raise ParameterError(
                f"the statistic {statistic.name!r} must be one that every item's scale admits; item {item!r} is "
                f"{scales[item].describe()}: {why}{more}. Choose other statistics, or name the items that admit it."
            )


def category_labels(codes: Floats, scale: Scale, edges: Floats | None = None) -> list[str]:
    """Name the categories of a law of shares: by label or else code, or by the ends of bins.

    Examples
    --------
    >>> category_labels(np.array([1.0, 2.0]), Scale.ordinal(1, 2, labels={1: "no"}))
    ['no', '2']
    >>> category_labels(np.array([3.0, 9.0]), Scale.numeric(0), np.array([5.0]))
    ['up to 5', 'above 5']
    """
    if edges is None:
        return [scale.labels.get(float(code), f"{code:g}") for code in codes]
    if not edges.size:
        return ["all"]
    inner = [f"above {low:g} to {high:g}" for low, high in pairwise(edges)]
    return [f"up to {edges[0]:g}", *inner, f"above {edges[-1]:g}"]


def category_functions(
    statistic: Statistic, codes: Floats, labels: Sequence[str], *, is_option: bool = False
) -> list[CategoryFunction]:
    """List the functions of the category that make up a statistic; none for a median or a relation.

    Parameters
    ----------
    statistic : Statistic
    codes : ndarray of shape (K,)
        Codes of the categories, in ascending order if they have one.
    labels : sequence of str
        Names of the categories.
    is_option : bool, default=False
        Whether the item is an option of a question with several answers: then only the share of those who chose it is
        listed.

    Examples
    --------
    >>> [top] = category_functions(Statistic("top2", "top", 2), np.arange(1.0, 6.0), list("12345"))
    >>> top.values
    array([0., 0., 0., 1., 1.])
    """
    size, order = codes.size, np.argsort(codes, kind="stable")
    if statistic.kind == "share":
        if is_option:
            return [CategoryFunction("share", "selected", (codes == codes.max()).astype(float))]
        return [CategoryFunction("share", labels[k], np.eye(size)[k]) for k in range(size)]
    if statistic.kind == "mean":
        return [CategoryFunction("mean", None, codes.astype(float))]
    if statistic.kind in ("top", "bottom"):
        chosen = order[-statistic.k :] if statistic.kind == "top" else order[: statistic.k]
        values = np.zeros(size)
        values[chosen] = 1.0
        return [CategoryFunction(statistic.name, None, values)]
    if statistic.kind == "nps":
        net = np.isin(codes, PROMOTERS).astype(float) - np.isin(codes, DETRACTORS).astype(float)
        return [CategoryFunction("nps", None, 100.0 * net)]
    return []


def median_of(cumulative: Floats, codes: Floats, edges: Floats | None = None) -> float:
    """Return the median of shares that are given cumulated, in ascending order of the codes.

    The median of categories is the first whose cumulated share reaches one half. Bins are interpolated.

    Examples
    --------
    >>> median_of(np.array([0.2, 0.6, 1.0]), np.array([1.0, 2.0, 3.0]))
    2.0
    """
    if edges is None:
        return float(codes[min(int(np.searchsorted(cumulative, 0.5 - 1e-9)), codes.size - 1)])
    ends = np.concatenate([[min(codes[0], *edges[:1])], edges, [max(codes[-1], *edges[-1:])]])
    reached = np.maximum.accumulate(np.concatenate([[0.0], cumulative[:-1], [1.0]]))
    return float(np.interp(0.5, reached, ends))
