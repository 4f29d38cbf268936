"""Scale: the answers that an item admits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from truetwin.errors import ParameterError, ScaleError

Kind = Literal["ordinal", "nominal", "numeric"]
_KINDS = ("ordinal", "nominal", "numeric")


@dataclass(frozen=True)
class Scale:
    """Scale of an item: the answers that it admits.

    Three kinds: *ordinal* (ordered categories with numeric codes), *nominal* (unordered categories with
    numeric codes) and *numeric* (an interval, with or without a step). Off-scale codes such as "refused"
    are answers that people do give but that have no place on the scale; they are read as missing.

    Use the constructors :meth:`ordinal`, :meth:`nominal`, :meth:`numeric` and :meth:`infer`.

    Parameters
    ----------
    kind : {"ordinal", "nominal", "numeric"}
        Kind of scale.
    categories : tuple of float
        Codes of the categories, in order; empty for a numeric scale.
    low, high : float
        Smallest and largest answer; infinite where a numeric scale is open.
    step : float or None
        Distance between neighbouring answers of a numeric scale; None if every number is an answer.
    labels : mapping from code to text
        Category labels, where known.
    off_scale : mapping from code to text
        Codes that may occur in data and are read as missing.
    inferred : bool
        True if the scale was read off answers and not declared.

    Examples
    --------
    >>> likert = Scale.ordinal(1, 5, off_scale={99: "refused"})
    >>> likert.snap([0.2, 3.4, 9.0])
    array([1., 3., 5.])
    >>> likert.on_scale([1, 2.5, 99])
    array([ True, False, False])
    """

    kind: Kind
    categories: tuple[float, ...] = ()
    low: float = -np.inf
    high: float = np.inf
    step: float | None = None
    labels: Mapping[float, str] = field(default_factory=dict, hash=False)
    off_scale: Mapping[float, str] = field(default_factory=dict, hash=False)
    inferred: bool = False

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise ParameterError(f"a scale's kind must be one of {', '.join(_KINDS)}; got {self.kind!r}")
        if self.kind != "numeric":
            if not self.categories:
                raise ParameterError(f"an {self.kind} scale needs at least one category")
            if len(set(self.categories)) != len(self.categories):
                raise ParameterError("the categories of a scale must differ from each other")
        if not self.low <= self.high:
            raise ParameterError(f"a scale must have low <= high; got {self.low:g} > {self.high:g}")
        if self.step is not None and not self.step > 0:
            raise ParameterError(f"a scale's step must be > 0; got {self.step:g}")
        if set(self.off_scale) & set(self.categories):
            both = sorted(set(self.off_scale) & set(self.categories))
            raise ParameterError(f"a code cannot be both on and off the scale: {both[0]:g}")

    @classmethod
    def ordinal(
        cls,
        low: float,
        high: float,
        step: float = 1.0,
        *,
        labels: Mapping[float, str] | None = None,
        off_scale: Mapping[float, str] | None = None,
        inferred: bool = False,
    ) -> Scale:
        """Build a scale of ordered categories ``low, low + step, ..., high``."""
        if not (np.isfinite(low) and np.isfinite(high) and low <= high and step > 0):
            raise ParameterError(
                f"an ordinal scale needs finite low <= high and step > 0; got {low:g}, {high:g}, {step:g}"
            )
        count = round((high - low) / step) + 1
        if not np.isclose(low + (count - 1) * step, high):
            raise ParameterError(f"steps of {step:g} from {low:g} do not reach {high:g}")
        codes = tuple(float(c) for c in np.round(low + step * np.arange(count), 12))
        return cls(
            "ordinal", codes, codes[0], codes[-1], step, dict(labels or {}), dict(off_scale or {}), inferred
        )

    @classmethod
    def nominal(
        cls,
        categories: Iterable[float],
        *,
        labels: Mapping[float, str] | None = None,
        off_scale: Mapping[float, str] | None = None,
    ) -> Scale:
        """Build a scale of unordered categories with the given numeric codes."""
        codes = tuple(float(c) for c in categories)
        if not codes:
            raise ParameterError("a nominal scale needs at least one category")
        return cls("nominal", codes, min(codes), max(codes), None, dict(labels or {}), dict(off_scale or {}))

    @classmethod
    def numeric(
        cls,
        low: float = -np.inf,
        high: float = np.inf,
        step: float | None = None,
        *,
        off_scale: Mapping[float, str] | None = None,
        inferred: bool = False,
    ) -> Scale:
        """Build a scale of numbers from ``low`` to ``high``, on a grid of ``step`` if one is given."""
        return cls("numeric", (), float(low), float(high), step, {}, dict(off_scale or {}), inferred)

    @classmethod
    def undeclared(cls, off_scale: Mapping[float, str], labels: Mapping[float, str] | None = None) -> Scale:
        """Build a placeholder for a scale of which only off-scale codes are known; the answers will tell the rest.

        Examples
        --------
        >>> Scale.undeclared({99: "refused"}).is_declared
        False
        """
        return cls("numeric", off_scale=dict(off_scale), labels=dict(labels or {}), inferred=True)

    @property
    def is_declared(self) -> bool:
        """Whether somebody has declared the scale; otherwise it was read off answers, or still has to be."""
        return not self.inferred

    def admits_the_same(self, other: Scale) -> bool:
        """Test whether another scale is of the same kind and has the same answers, in whatever order if nominal."""
        ours, theirs = ((s.kind, sorted(s.categories), s.low, s.high, s.step) for s in (self, other))
        return ours == theirs

    @classmethod
    def infer(cls, values: NDArray[np.float64]) -> Scale:
        """Infer the narrowest scale that admits all observed ``values``.

        Whole or half steps over at most 21 categories are read as ordinal. Everything else is read as numeric,
        with step 1 where all answers are whole numbers. The result says ``inferred=True``: a category that
        nobody chose is not on it.
        """
        found = np.unique(values[np.isfinite(values)])
        if not found.size:
            return cls.numeric(inferred=True)
        low, high = float(found[0]), float(found[-1])
        for step in (1.0, 0.5):
            if np.array_equal(np.round(found / step) * step, found):
                if (high - low) / step <= 20:
                    return cls.ordinal(low, high, step, inferred=True)
                return cls.numeric(low, high, step, inferred=True)
        return cls.numeric(low, high, inferred=True)

    @property
    def n_categories(self) -> int:
        """Number of categories; 0 for a numeric scale."""
        return len(self.categories)

    def on_scale(self, values: Any) -> NDArray[np.bool_]:
        """Test which values are answers on this scale; missing values and off-scale codes are not."""
        values = np.asarray(values, dtype=float)
        if self.kind != "numeric":
            return np.isin(values, self.categories)
        inside = (values >= self.low) & (values <= self.high)
        if self.step is not None:
            origin = self.low if np.isfinite(self.low) else 0.0
            steps = (values - origin) / self.step
            inside &= np.isclose(steps, np.round(steps), atol=1e-6)
        return np.asarray(inside)

    def is_off_scale_code(self, values: Any) -> NDArray[np.bool_]:
        """Test which values are declared off-scale codes."""
        return np.isin(np.asarray(values, dtype=float), list(self.off_scale))

    def clip(self, values: Any) -> NDArray[np.float64]:
        """Limit values to the scale's range; nominal codes have no order and are left alone."""
        given: NDArray[np.float64] = np.asarray(values, dtype=float)
        return given.copy() if self.kind == "nominal" else np.clip(given, self.low, self.high)

    def snap(self, values: Any) -> NDArray[np.float64]:
        """Round each value to the nearest answer on the scale; missing stays missing."""
        values = np.asarray(values, dtype=float)
        if self.kind == "numeric":
            clipped = self.clip(values)
            if self.step is None:
                return clipped
            origin = self.low if np.isfinite(self.low) else 0.0
            return self.clip(origin + self.step * np.round((clipped - origin) / self.step))
        codes = np.sort(np.asarray(self.categories))
        right = np.clip(np.searchsorted(codes, values), 1 if codes.size > 1 else 0, codes.size - 1)
        left = np.maximum(right - 1, 0)
        nearest = np.where(values - codes[left] <= codes[right] - values, codes[left], codes[right])
        return np.where(np.isnan(values), np.nan, nearest)

    def is_between_answers(self, values: Any) -> NDArray[np.bool_]:
        """Test which values lie between the ends of the scale, as a mean of answers does; a nominal scale has no means.

        Examples
        --------
        >>> Scale.ordinal(1, 5).is_between_answers([2.5, 0.5])
        array([ True, False])
        """
        values = np.asarray(values, dtype=float)
        if self.kind == "nominal":
            return np.zeros(values.shape, dtype=bool)
        return np.asarray((values >= self.low) & (values <= self.high))

    def check(
        self,
        values: NDArray[np.float64],
        *,
        item_id: str,
        respondent_ids: Iterable[str],
        expectations: bool = False,
    ) -> None:
        """Raise :class:`ScaleError` if an observed answer is neither on the scale nor an off-scale code.

        With ``expectations``, means of answers between the ends of the scale are right, too.
        """
        wrong = np.isfinite(values) & ~self.on_scale(values) & ~self.is_off_scale_code(values)
        if expectations:
            wrong &= ~self.is_between_answers(values)
        if not wrong.any():
            return
        first = int(np.argmax(wrong))
        who = list(respondent_ids)[first]
        more = int(wrong.sum()) - 1
        raise ScaleError(
            f"answer {values[first]:g} is not on the scale of item {item_id!r} ({self.describe()}); first at "
            f"respondent {who!r}{f' ({more} more)' if more else ''}. Recode it, or declare another scale or "
            f"an off-scale code for the item."
        )

    def describe(self) -> str:
        """Describe the scale in a few words, for messages and sidecar files."""
        if self.kind == "nominal":
            return f"nominal with {self.n_categories} categories"
        step = f" by {self.step:g}" if self.step not in (None, 1.0) else ""
        if self.kind == "ordinal":
            return f"ordinal {self.low:g}..{self.high:g}{step}"
        if not (np.isfinite(self.low) or np.isfinite(self.high)):
            return "numeric"
        return f"numeric {self.low:g}..{self.high:g}{step}"
