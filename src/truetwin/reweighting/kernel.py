"""Kernel regression: predict human marginals from how twins answer an item, and from its wording."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from truetwin.errors import DataError
from truetwin.reweighting.item_similarity import joint_rows
from truetwin.reweighting.marginal_baselines import Mix
from truetwin.reweighting.marginal_method import FittedMarginals, Kind, MarginalMethod, Setting, item_kinds
from truetwin.reweighting.transition import FALLBACK_SHARE
from truetwin.reweighting.twin_table import TwinTable
from truetwin.solvers.softmax import SoftmaxFit, fit_softmax

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

FEWEST_ITEMS = 8  # of one kind; below that the one-parameter mix predicts items of that kind


@dataclass(frozen=True)
class _Components:
    """Leading centred kernel components of the training items, which can also be computed for unseen items."""

    train: Floats
    unseen: Floats


@dataclass(frozen=True, eq=False, kw_only=True)
class FittedKernel(FittedMarginals):
    """Softmax models on kernel components, one for every kind of item."""

    method: KernelSoftmax
    setting: Setting
    table: TwinTable
    rows: Mapping[Kind, Rows]
    fits: Mapping[Kind, SoftmaxFit]
    fallback: FittedMarginals
    notes: tuple[str, ...] = field(default=())

    def predict(self, table: TwinTable) -> Floats:
        """Implement :meth:`FittedMarginals.predict`."""
        out = np.zeros((table.n_items, table.width))
        for kind, unseen in item_kinds(table).items():
            if kind not in self.fits:
                out[unseen] = self.fallback.predict(table.take(unseen))
                continue
            train = self.table.take(self.rows[kind])
            likeness = _Likeness.of(train, table.take(unseen), self.method.needs_text)
            parts = likeness.components(self.setting, self.method.n_components)
            out[unseen, : kind.size] = self.fits[kind].predict(parts.unseen)
        return out

    def describe(self) -> dict[str, Any]:
        """Implement :meth:`FittedMarginals.describe`."""
        return dict(self.setting)


@dataclass(frozen=True, eq=False)
class KernelSoftmax(MarginalMethod):
    r"""Softmax regression on kernel components of the items (``ksoft``).

    .. math:: Q_j = \mathrm{softmax}(b + W^\top \phi_j), \qquad
              \min_{b, W} \frac1m \sum_j \mathrm{KL}(P_j \| Q_j) + \lambda \|W\|^2

    with :math:`\phi` the leading centred kernel components, learned from the training items only. The kernel is a
    sum: a Gaussian kernel on the twins' shares, agreement and correlation of the twins' answers to both items, and,
    with ``with_text``, similarity of the items' wording. The Gaussian's width, the weight of the text and ``lambda``
    are chosen by cross-validation inside the training items. Items with different numbers of categories get a model
    each.

    Parameters
    ----------
    with_text : bool, default=False
        Whether the items' wording is used.
    widths : tuple of float
        Candidates for the width of the Gaussian kernel, in units of the median squared distance between training
        items.
    text_weights : tuple of float
        Candidates for the weight of the text kernel.
    penalties : tuple of float
        Candidates for ``lambda``, from strong to weak.
    n_components : int, default=120
        Largest number of kernel components.
    """

    with_text: bool = False
    widths: tuple[float, ...] = (1.0, 4.0)
    text_weights: tuple[float, ...] = (1.0, 3.0, 8.0)
    penalties: tuple[float, ...] = (3e-4, 1e-4, 3e-5, 1e-5)
    n_components: int = 120

    @property
    def name(self) -> str:  # type: ignore[override]
        """Name of the method: ``ksoft`` or ``ksoft+text``."""
        return "ksoft+text" if self.with_text else "ksoft"

    @property
    def needs_text(self) -> bool:  # type: ignore[override]
        """Whether items must come with their wording."""
        return self.with_text

    def settings(self) -> Sequence[Setting]:
        """Implement :meth:`MarginalMethod.settings`."""
        return tuple(
            {**kernel, "penalty": penalty} for kernel in self._kernel_settings() for penalty in self.penalties
        )

    def _kernel_settings(self) -> list[dict[str, float]]:
        texts = self.text_weights if self.with_text else (0.0,)
        return [{"width": w, "text_weight": t} for w, t in itertools.product(self.widths, texts)]

    def fit(self, table: TwinTable, human: Floats, setting: Setting) -> FittedKernel:
        """Implement :meth:`MarginalMethod.fit`."""
        require_text(self, table)
        rows, fits = {}, {}
        for kind, members in item_kinds(table).items():
            if members.size < FEWEST_ITEMS:
                continue
            train = table.take(members)
            parts = _Likeness.of(train, train, self.needs_text).components(setting, self.n_components)
            fit = None
            for penalty in (p for p in self.penalties if p >= setting["penalty"]):
                fit = fit_softmax(parts.train, human[members, : kind.size], penalty, start=fit)
            rows[kind] = members
            fits[kind] = fit or fit_softmax(
                parts.train, human[members, : kind.size], float(setting["penalty"])
            )
        fallback = Mix().fit(table, human, {"share_of_mean": FALLBACK_SHARE})
        return FittedKernel(
            method=self,
            setting=setting,
            table=table,
            rows=rows,
            fits=fits,
            fallback=fallback,
            notes=_notes(table, fits),
        )

    def path(self, table: TwinTable, human: Floats, unseen: TwinTable) -> list[Floats]:
        """Implement :meth:`MarginalMethod.path`: one eigendecomposition per kernel, warm starts along the penalties."""
        require_text(self, table)
        kernels = self._kernel_settings()
        out = np.zeros((len(kernels), len(self.penalties), unseen.n_items, unseen.width))
        trained = item_kinds(table)
        fallback = Mix().fit(table, human, {"share_of_mean": FALLBACK_SHARE})
        for kind, rows in item_kinds(unseen).items():
            members = trained.get(kind)
            if members is None or members.size < FEWEST_ITEMS:
                out[:, :, rows] = fallback.predict(unseen.take(rows))
                continue
            shares = human[members, : kind.size]
            likeness = _Likeness.of(table.take(members), unseen.take(rows), self.needs_text)
            for k, kernel in enumerate(kernels):
                parts = likeness.components(kernel, self.n_components)
                fit = None
                for p, penalty in enumerate(self.penalties):
                    fit = fit_softmax(parts.train, shares, penalty, start=fit)
                    out[k, p, rows, : kind.size] = fit.predict(parts.unseen)
        return list(out.reshape(-1, *out.shape[2:]))


def require_text(method: MarginalMethod, table: TwinTable) -> None:
    """Raise an error if a method needs the wording of items and the table has none."""
    if method.needs_text and table.texts is None:
        raise DataError(
            f"the method {method.name!r} needs the wording of every item; none was given. Give a file of item texts "
            f"(--item-file), or use the method without text."
        )


def _notes(table: TwinTable, fits: Mapping[Kind, SoftmaxFit]) -> tuple[str, ...]:
    left = [(kind, rows.size) for kind, rows in item_kinds(table).items() if kind not in fits]
    return tuple(
        f"{size} training items with {kind.size} categories are too few for the kernel method (at least "
        f"{FEWEST_ITEMS}); new items of that kind get a mix of the mean marginal and the twins' shares"
        for kind, size in left
    )


@dataclass(frozen=True, eq=False)
class _Likeness:
    """Likeness of items, before width and text weight are chosen: among training items, and of unseen ones to them.

    Attributes
    ----------
    distances : pair of ndarray
        Squared distances of profiles, in units of their median among the training items.
    answers : pair of ndarray
        Agreement and association of the twins' answers.
    texts : pair of ndarray, optional
        Similarity of the wording.
    """

    distances: tuple[Floats, Floats]
    answers: tuple[Floats, Floats]
    texts: tuple[Floats, Floats] | None

    @classmethod
    def of(cls, train: TwinTable, unseen: TwinTable, with_text: bool) -> _Likeness:
        known, rows, new = joint_rows(train, unseen)
        among, across = np.ix_(rows, rows), np.ix_(new, rows)
        both = known.agreement, known.association
        return cls(
            _distances(known.profile, rows, new),
            (both[0][among] + both[1][among], both[0][across] + both[1][across]),
            (known.text[among], known.text[across]) if with_text and known.text is not None else None,
        )

    def components(self, setting: Setting, n_components: int) -> _Components:
        among, across = (self._kernel(part, setting) for part in (0, 1))
        mean = among.mean(axis=0)
        centred = among - mean - mean[:, None] + mean.mean()
        across = across - mean - across.mean(axis=1, keepdims=True) + mean.mean()
        values, vectors = np.linalg.eigh(centred)
        keep = np.argsort(values)[::-1][:n_components]
        keep = keep[values[keep] > 1e-10 * max(float(values.max()), 1e-300)]
        root = np.sqrt(values[keep])
        return _Components(vectors[:, keep] * root, across @ vectors[:, keep] / root)

    def _kernel(self, part: int, setting: Setting) -> Floats:
        kernel = np.exp(-self.distances[part] / float(setting["width"])) + self.answers[part]
        if self.texts is not None:
            kernel += float(setting["text_weight"]) * self.texts[part]
        return kernel


def _distances(profile: Floats, train: Rows, unseen: Rows) -> tuple[Floats, Floats]:
    """Compute squared distances of the profiles, scaled by the training items only."""
    scale = profile[train].std(axis=0)
    scaled = profile / np.where(scale > 1e-9, scale, np.inf)
    among = _squared_distances(scaled[train], scaled[train])
    median = max(float(np.median(among[np.triu_indices(train.size, 1)])), 1e-12)
    return among / median, _squared_distances(scaled[unseen], scaled[train]) / median


def _squared_distances(left: Floats, right: Floats) -> Floats:
    cross = left @ right.T
    squared = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1) - 2.0 * cross
    return np.asarray(np.maximum(squared, 0.0))
