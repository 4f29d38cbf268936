"""Predict new people from their twins, behind the interface of a scikit-learn regressor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import narwhals as nw
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.exceptions import NotFittedError

from truetwin.data import Panel, ResponseMatrix
from truetwin.data.frames import as_kind
from truetwin.errors import AlignmentError, DataError, ParameterError
from truetwin.estimation.reconciliation import calibrate

Array = NDArray[np.float64]
OUTPUTS = ("default", "pandas", "polars")


class TwinRegressor(RegressorMixin, BaseEstimator):
    """Predict what new people would answer from what their twins answered.

    The interface is scikit-learn's: rows are people, ``X`` is what twins answered, ``y`` what people answered. It works
    with :func:`~sklearn.model_selection.cross_val_score`, grid search, pipelines and :func:`~sklearn.base.clone`. Every
    method that predicts new respondents can be chosen. For new items, where the same people are asked something new,
    use :func:`truetwin.calibrate`.

    Parameters
    ----------
    method : str, default="auto"
        Name of a method (``truetwin methods``).
    item : str, int or sequence of these, optional
        Items that ``y`` is about, by name or position among the columns of ``X``. By default they are the names of
        ``y``, or all columns if ``y`` has as many.
    preset : str, default="cv"
        Where hyperparameters come from, as in :func:`truetwin.calibrate`.
    parameters : mapping, optional
        Settings of the method by hand.

    Attributes
    ----------
    items_ : tuple of str
        Items that are predicted.
    n_features_in_ : int
        Number of columns of ``X``.
    feature_names_in_ : ndarray of str
        Names of the columns; only if ``X`` was a data frame.

    Notes
    -----
    Everything is learned when people are predicted, together with the twins of these people: a method may use how
    their twins answer as a group. Nothing of them but ``X`` is seen.

    Examples
    --------
    >>> from sklearn.model_selection import cross_val_predict
    >>> from truetwin.datasets import generate_population
    >>> panel = generate_population(90, 12).panel
    >>> X, y = panel.twin_values[:, :9], panel.human_values[:, :9]
    >>> cross_val_predict(TwinRegressor("ridge"), X, y, cv=3).shape
    (90, 9)
    """

    def __init__(
        self,
        method: str = "auto",
        *,
        item: str | int | Sequence[str | int] | None = None,
        preset: str = "cv",
        parameters: Mapping[str, Any] | None = None,
    ) -> None:
        self.method = method
        self.item = item
        self.preset = preset
        self.parameters = parameters

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: Any, y: Any) -> Self:
        """Take the answers of people and of their twins.

        Parameters
        ----------
        X : array or data frame of shape (n, m)
            Answers of twins, NaN where missing.
        y : array, series or data frame of shape (n,) or (n, k)
            Answers of the same people, in the same order, to one or several of these items; NaN where missing.

        Returns
        -------
        self

        Raises
        ------
        ParameterError
            If it is not clear which items ``y`` is about.
        AlignmentError
            If ``X`` and ``y`` differ in length.
        """
        twin, names = _table(X, "X")
        human, given = _table(y, "y")
        if len(human) != len(twin):
            raise AlignmentError(
                f"X and y must have the same people; X has {len(twin)} rows, y has {len(human)}"
            )
        self.n_features_in_ = twin.shape[1]
        if names is not None:
            self.feature_names_in_ = np.array(names, dtype=object)
        self._columns = names or tuple(f"x{k}" for k in range(twin.shape[1]))
        self._one = np.ndim(y) == 1
        self.items_ = self._items(given, human.shape[1])
        self._human, self._twin = human, twin
        return self

    def predict(self, X: Any) -> Any:
        """Predict the answers of the people whose twins answered ``X``.

        Returns
        -------
        ndarray of shape (n,) or (n, k), or data frame
            As ``y`` was; a frame if :meth:`set_output` asks for one. NaN where nothing can be predicted.

        Raises
        ------
        NotPredictableError
            If nothing can be predicted.
        """
        if not hasattr(self, "items_"):
            raise NotFittedError(f"{type(self).__name__} must be fitted before it can predict")
        new, names = _table(X, "X")
        expected = tuple(self.feature_names_in_) if hasattr(self, "feature_names_in_") else None
        if new.shape[1] != self.n_features_in_ or (names and expected and names != expected):
            raise DataError(
                f"X must have the {self.n_features_in_} columns that it had when fitted, in their order; it has "
                f"{new.shape[1]}{'' if new.shape[1] != self.n_features_in_ else ', with other names'}"
            )
        known, asked = (
            [f"{kind}{k}" for k in range(len(part))] for kind, part in (("p", self._twin), ("new", new))
        )
        panel = Panel(
            ResponseMatrix(self._human, known, self.items_, source="y"),
            ResponseMatrix(
                np.concatenate([self._twin, new]),
                [*known, *asked],
                self._columns,
                source="X",
                expectations=True,
            ),
        )
        found = calibrate(
            panel, self.method, respondents=asked, preset=self.preset, parameters=self.parameters
        )
        row = {person: k for k, person in enumerate(panel.respondent_ids)}
        column = {item: k for k, item in enumerate(panel.item_ids)}
        values = found.grid[np.ix_([row[a] for a in asked], [column[i] for i in self.items_])]
        return self._as_asked(values, X)

    def set_output(self, *, transform: Literal["default", "pandas", "polars"] | None = None) -> Self:
        """Choose what :meth:`predict` returns: an array ("default"), or a data frame whose columns are the items.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"}, optional
            The name is scikit-learn's. None changes nothing.
        """
        if transform is not None:
            if transform not in OUTPUTS:
                raise ParameterError(f"transform must be one of {', '.join(OUTPUTS)}; got {transform!r}")
            self._sklearn_output_config = {"transform": transform}  # clone() copies what has this name
        return self

    def _as_asked(self, values: Array, X: Any) -> Any:
        kind = getattr(self, "_sklearn_output_config", {}).get("transform", "default")
        if kind == "default":
            return values[:, 0] if self._one else values
        frame = as_kind(pa.table({i: values[:, k] for k, i in enumerate(self.items_)}), kind)
        return frame.set_axis(X.index) if kind == "pandas" and hasattr(X, "index") else frame

    def _items(self, given: tuple[str, ...] | None, n: int) -> tuple[str, ...]:
        """Tell which items ``y`` is about."""
        if self.item is not None:
            wanted = [self.item] if isinstance(self.item, str | int) else list(self.item)
            places = range(-len(self._columns), len(self._columns))
            found = tuple(self._columns[w] if isinstance(w, int) and w in places else str(w) for w in wanted)
        elif given is not None:
            found = given
        elif n == len(self._columns):
            found = self._columns
        else:
            raise ParameterError(
                f"y must say which items it is about; it has {n} columns without names, X has {len(self._columns)}. "
                "Give item=, by name or position, or a y with names."
            )
        lacking = [i for i in found if i not in self._columns]
        if lacking or len(found) != n:
            what = f"X has no column {lacking[0]!r}" if lacking else f"{len(found)} items, {n} columns of y"
            raise ParameterError(f"y must be about columns of X, each named once; {what}")
        return found


def _table(data: Any, what: str) -> tuple[Array, tuple[str, ...] | None]:
    """Read numbers (n, m), and the names of the columns if there are any."""
    native = nw.from_native(data, eager_only=True, allow_series=True, pass_through=True)
    names = None
    if isinstance(native, nw.DataFrame):
        names = tuple(map(str, native.columns))
    elif isinstance(native, nw.Series):
        names = (str(native.name),) if native.name else None
    try:
        values = np.asarray(data if names is None else native.to_numpy(), dtype=float)
    except (TypeError, ValueError):
        raise DataError(f"{what} must hold numbers, NaN where an answer is missing") from None
    values = values[:, None] if values.ndim == 1 and what == "y" else values
    if values.ndim != 2 or not values.size:
        raise DataError(f"{what} must have rows and columns; its shape is {values.shape}")
    return values, names
