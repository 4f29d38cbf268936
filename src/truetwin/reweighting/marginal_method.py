"""Base classes of the methods of reweighting; their settings are chosen by cross-validation in the training items."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from truetwin.errors import ParameterError
from truetwin.reweighting.discrepancies import Discrepancy, discrepancy
from truetwin.reweighting.twin_table import TwinTable

Floats = NDArray[np.float64]
Fold = NDArray[np.int64]
Setting = Mapping[str, Any]


class FittedMarginals(ABC):
    """Fitted method: predicts the human shares of items from the twins' answers to them."""

    weights: Floats | None = None
    """Weights of the twins, in the order of the table; None if the method has no weights of its own."""
    notes: tuple[str, ...] = ()
    """Facts about this fit that a user should know."""

    @abstractmethod
    def predict(self, table: TwinTable) -> Floats:
        """Predict the shares of every item of ``table``, shape ``(m, width)``; zero beyond an item's categories."""

    def describe(self) -> dict[str, Any]:
        """Return settings and figures of the fit, for reports."""
        return {}


class MarginalMethod(ABC):
    """Method that predicts human marginals of new items from twins' answers and the marginals of training items.

    Attributes
    ----------
    name : str
        Name by which users choose it.
    trained_on : str
        Name of the discrepancy that the fit minimises; empty for a method without a fit.
    needs_text : bool
    needs_folds : bool
        Whether only cross-validation yields a setting to fit with, even if there is nothing to choose from.
    fits_discrepancies : bool
        Whether it can minimise any discrepancy: then :meth:`minimising` returns it as it minimises that one.
    follows_share_law : bool
        Whether errors of its shares follow :class:`~truetwin.reweighting.share_law.ShareLaw`, which then gives its
        pointwise bands. Otherwise these are conformal.
    knows_batteries : bool
        Whether it predicts items of known batteries in another way than items of new ones. It is then fitted once for
        each.
    weights_twins : bool
        Whether it weights twins, so that it must know which of their answers go together.
    """

    name: str = ""
    trained_on: str = "kl"
    needs_text: bool = False
    needs_folds: ClassVar[bool] = False
    fits_discrepancies: ClassVar[bool] = False
    follows_share_law: ClassVar[bool] = False
    knows_batteries: ClassVar[bool] = False
    weights_twins: bool = False

    def minimising(self, discrepancy: str, variant: str = "both") -> MarginalMethod:
        """Return the method as it minimises a discrepancy; a method that does not minimise any is as it was.

        Raises
        ------
        ParameterError
            If the method has no such variant.
        """
        if variant != "both":
            raise ParameterError(f"a variant is for the method 'ensemble' only; the method is {self.name!r}")
        return self

    def check_table(self, table: TwinTable) -> None:
        """Raise :class:`ParameterError` if the method weights twins, and the table has none to weight."""
        if self.weights_twins and not table.joint:
            raise ParameterError(
                f"the method {self.name!r} weights twins, and stated shares of a population have none; use auto, "
                "twins, mean, mix, transition or ksoft, or give answers of single twins"
            )

    def settings(self) -> Sequence[Setting]:
        """Return the settings that cross-validation chooses from; one for a method that has none to choose."""
        return ({},)

    @abstractmethod
    def fit(self, table: TwinTable, human: Floats, setting: Setting) -> FittedMarginals:
        """Fit with one setting to the human shares of the training items, ``human`` of shape ``(m, width)``."""

    def path(self, table: TwinTable, human: Floats, unseen: TwinTable) -> list[Floats]:
        """Predict ``unseen`` under every setting; methods override this to share work between settings."""
        return [self.fit(table, human, setting).predict(unseen) for setting in self.settings()]

    def cross_validate(
        self, table: TwinTable, human: Floats, folds: Sequence[Fold], loss: str | Discrepancy = "kl"
    ) -> CrossValidated:
        """Choose the setting with the least mean loss, predicting every training item from the others, fold by fold."""
        measure = discrepancy(loss)
        choices = list(self.settings())
        predicted = np.zeros((len(choices), *human.shape))
        for fold in folds:
            rest = np.setdiff1d(np.arange(table.n_items), fold)
            predicted[:, fold] = self.path(table.take(rest), human[rest], table.take(fold))
        losses = np.array([measure.value(human, each) for each in predicted])
        best = int(np.argmin(losses.mean(axis=1)))
        return CrossValidated(self, choices[best], predicted[best], losses[best])


@dataclass(frozen=True)
class CrossValidated:
    """Method with the setting that cross-validation chose.

    Attributes
    ----------
    method : MarginalMethod
        The method.
    setting : mapping
        The chosen setting.
    predictions : ndarray of shape (m, width)
        Predictions of every training item, made without it.
    losses : ndarray of shape (m,)
        Discrepancy of these predictions.
    """

    method: MarginalMethod
    setting: Setting
    predictions: Floats
    losses: Floats

    @property
    def loss(self) -> float:
        """Mean discrepancy over the training items."""
        return float(self.losses.mean())


class Kind(NamedTuple):
    """Kind of item: items of one kind share what is learned about their categories."""

    size: int
    """Number of categories."""
    ordered: bool
    binned: bool = False
    """Whether the categories are bins of a wide numeric scale."""


def item_kinds(table: TwinTable) -> dict[Kind, NDArray[np.int64]]:
    """Group rows by kind of item: the number of categories, whether these have an order, whether they are bins."""
    kinds: dict[Kind, list[int]] = {}
    for j in range(table.n_items):
        kind = Kind(int(table.n_categories[j]), bool(table.ordered[j]), bool(table.binned[j]))
        kinds.setdefault(kind, []).append(j)
    return {key: np.array(rows) for key, rows in kinds.items()}


def likest_kind(known: Iterable[Kind], kind: Kind) -> Kind | None:
    """Return the kind itself if it is known, or else one that differs in the order of categories only, or else None."""
    candidates = [each for each in known if (each.size, each.binned) == (kind.size, kind.binned)]
    return kind if kind in candidates else candidates[0] if candidates else None
