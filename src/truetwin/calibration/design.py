"""Prepare a panel and a fold: the arrays that every method works on.

A *fold* is a set of targets that are predicted together from the same donors. Calibrating is one fold with all new
items; leaving one item out is one fold for each item. The order of operations is that of paper A (sections 3.2 and
3.3): take the donors of each source, impute each source separately, standardise each by its own items, orient.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.imputation import RespondentsApart, complete_donors
from truetwin.calibration.orientation import Answers, Array, axis_ids, orient, other, pick
from truetwin.data import Axis
from truetwin.errors import ParameterError
from truetwin.solvers.elastic_net import ElasticNetDesign
from truetwin.solvers.simplex import WideGram, gram_of

#: Parts that respondents are divided into when each is left out in turn; one part shares its imputations.
N_GROUPS = 16
#: Means and floored sds of items, each (1, n_items).
Moments = tuple[Array, Array]


@dataclass(frozen=True)
class Fold:
    """Targets predicted together, and the donors they are predicted from: positions on the panel's grid."""

    axis: Axis
    targets: tuple[int, ...]
    donors: tuple[int, ...]


@dataclass(frozen=True)
class Preprocessing:
    """Settings of the preparation of both sources, whatever the method.

    Parameters
    ----------
    imputation_rank : int, default=5
        Rank of the iterative SVD that fills missing answers, separately in each source (paper A, section 3.3).
    sd_floor : float, default=1.0
        Standard deviations below it are replaced by 1, in scale points, so that nearly constant items are not
        blown up.
    level : {"human", "twin"}, default="human"
        Item means and spreads that a new respondent's predictions are put back on. The human ones are known and
        right; the paper used the twins'.
    constant_targets : {"refuse", "predict"}, default="refuse"
        What to do with a target to which all twins gave one answer, where a method learns from the target's twins
        only. The paper predicted it all the same.
    weights : tuple of float, optional
        Survey weight of each respondent of the panel, in its order. Means and sds of items are then weighted, in both
        sources, so that the level of a new item is that of the weighted people. Nothing else is weighted.
    """

    imputation_rank: int = 5
    sd_floor: float = 1.0
    level: Literal["human", "twin"] = "human"
    constant_targets: Literal["refuse", "predict"] = "refuse"
    weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if self.imputation_rank < 1:
            raise ParameterError(f"imputation_rank must be >= 1; got {self.imputation_rank}")
        if not self.sd_floor >= 0:
            raise ParameterError(f"sd_floor must be >= 0; got {self.sd_floor}")
        if self.level not in ("human", "twin"):
            raise ParameterError(f"level must be 'human' or 'twin'; got {self.level!r}")
        if self.constant_targets not in ("refuse", "predict"):
            raise ParameterError(
                f"constant_targets must be 'refuse' or 'predict'; got {self.constant_targets!r}"
            )


#: The paper's own preparation, for its tables.
PAPER_PREPROCESSING = Preprocessing(level="twin", constant_targets="predict")


@dataclass(frozen=True, eq=False)
class Observed:
    """Standardised answers with their gaps, oriented; matrix completion works on them.

    Attributes
    ----------
    human : ndarray of shape (n_human, p)
        Human answers to the donors.
    twin : ndarray of shape (n_twin, p)
        Twin answers to the donors.
    target : ndarray of shape (n_twin, q)
        Twin answers to the targets.
    twin_of_human, target_of_human : ndarray of shape (n_human, p), (n_human, q)
        The twins' answers laid out on the human samples.
    """

    human: Array
    twin: Array
    target: Array
    twin_of_human: Array
    target_of_human: Array


@dataclass(frozen=True, eq=False)
class Complete:
    """Standardised answers without gaps, oriented; fit-and-transfer methods work on them.

    Attributes
    ----------
    X_twin : ndarray of shape (n_twin, p)
        Twins' answers to the donors.
    y_twin : ndarray of shape (n_twin, q)
        Twins' answers to the targets, missing ones at their mean.
    X_human : ndarray of shape (n_human, p)
        Humans' answers to the donors.
    """

    X_twin: Array
    y_twin: Array
    X_human: Array

    @cached_property
    def elastic_net_design(self) -> ElasticNetDesign:
        """Gram matrix that lasso and elastic net share."""
        return ElasticNetDesign(self.X_twin)

    @cached_property
    def gram(self) -> Array | WideGram:
        """Gram matrix X'X of the twins' donors, not centred."""
        return gram_of(self.X_twin)

    @cached_property
    def right_singular_vectors(self) -> Array:
        """Right singular vectors of the twins' donors with a singular value above rounding, (p, <= min(n_twin, p)).

        The leading ones come first. The data are not centred. They are computed from the Gram matrix of the smaller
        side.
        """
        X, gram = self.X_twin, self.gram
        tall = not isinstance(gram, WideGram)
        squares, vectors = np.linalg.eigh(X @ X.T if isinstance(gram, WideGram) else gram)
        kept = np.flatnonzero(squares > 1e-12 * max(squares[-1], 1e-300))[::-1]
        return vectors[:, kept] if tall else X.T @ (vectors[:, kept] / np.sqrt(squares[kept]))


@dataclass(frozen=True, eq=False)
class Design:
    """Everything that a method may see of one fold; human answers to the targets are not in it.

    Arrays are laid out as in the panel, (respondents, items), until the properties :attr:`complete` and
    :attr:`observed` orient them.

    Attributes
    ----------
    fold : Fold
        Targets and donors.
    target_ids, donor_ids, sample_ids : tuple of str
        Ids of the targets, of the donors in the order of the arrays, and of everything on the other axis of the
        panel.
    human_samples, twin_samples : ndarray of int
        Samples, in the order of their ids, that have an answer to a donor in that source; the others have no row
        in the oriented arrays.
    human, twin : ndarray
        Answers to the donors, on their scales, restricted to those samples.
    target : ndarray
        Twin answers to the targets on all samples.
    source_values : ndarray of shape (n_sources, n_respondents, n_items)
        Answers of each source of twins on the whole grid; ``twin`` and ``target`` are their average.
    in_context : ndarray or None
        In-context twins' answers to the targets on all samples.
    donor_rows : ndarray of int
        Donors in the order of their ids.
    apart : RespondentsApart or None
        Imputations shared with other folds.
    """

    fold: Fold
    target_ids: tuple[str, ...]
    donor_ids: tuple[str, ...]
    sample_ids: tuple[str, ...]
    preprocessing: Preprocessing
    human_samples: NDArray[np.intp]
    twin_samples: NDArray[np.intp]
    human: Array
    twin: Array
    target: Array
    source_values: Array
    in_context: Array | None
    donor_rows: NDArray[np.intp]
    apart: RespondentsApart | None

    @property
    def axis(self) -> Axis:
        """Axis of the targets: "item" or "respondent"."""
        return self.fold.axis

    @property
    def n_samples(self) -> int:
        """Number of samples on the panel's other axis."""
        return len(self.sample_ids)

    @property
    def n_targets(self) -> int:
        """Number of targets, q."""
        return len(self.fold.targets)

    @property
    def n_donors(self) -> int:
        """Number of donors, p."""
        return len(self.fold.donors)

    @cached_property
    def complete(self) -> Complete:
        """Imputed and standardised arrays."""
        human, twin = (self._imputed(source) for source in (0, 1))
        twin_moments = self._moments(twin, self.twin_samples)
        target = self._standardised_target(twin_moments)
        return Complete(
            orient(_standardise(twin, twin_moments), self.axis),
            np.nan_to_num(orient(target, self.axis)[self.twin_samples], nan=0.0),
            orient(_standardise(human, self._moments(human, self.human_samples)), self.axis),
        )

    @cached_property
    def observed(self) -> Observed:
        """Standardised arrays with their gaps."""
        human, twin = (
            orient(_standardise(source, moments), self.axis)
            for source, moments in ((self.human, self._human_moments), (self.twin, self._twin_moments))
        )
        target = orient(self._standardised_target(self._twin_moments), self.axis)
        if np.array_equal(self.twin_samples, self.human_samples):
            twin_of_human = twin
        else:
            twin_everywhere = np.full((self.n_samples, self.n_donors), np.nan)
            twin_everywhere[self.twin_samples] = twin
            twin_of_human = twin_everywhere[self.human_samples]
        return Observed(
            human,
            twin,
            target[self.twin_samples],
            twin_of_human,
            target[self.human_samples],
        )

    @cached_property
    def shared(self) -> dict[tuple[object, ...], object]:
        """Store of results that several methods can use, under keys that describe them."""
        return {}

    @cached_property
    def weights(self) -> Array | None:
        """Survey weight of each respondent of the panel, (n_respondents,); None if all count alike."""
        return None if self.preprocessing.weights is None else np.array(self.preprocessing.weights)

    @property
    def raw_human(self) -> Array:
        """Human answers to the donors on their scales, oriented, (n_human, p)."""
        return orient(self.human, self.axis)

    @property
    def raw_twin(self) -> Array:
        """Twin answers to the donors on their scales, oriented, (n_twin, p)."""
        return orient(self.twin, self.axis)

    @property
    def raw_target(self) -> Array:
        """Twin answers to the targets on their scales, oriented, (n_samples, q)."""
        return orient(self.target, self.axis)

    @property
    def n_sources(self) -> int:
        """Number of sources of twin answers."""
        return len(self.source_values)

    @property
    def raw_twin_sources(self) -> Array:
        """Each source's answers to the donors on their scales, oriented as :attr:`raw_twin`, (n_sources, n_twin, p)."""
        return np.stack(
            [orient(v, self.axis)[self.twin_samples][:, self.donor_rows] for v in self.source_values]
        )

    @property
    def raw_target_sources(self) -> Array:
        """Each source's answers to the targets, oriented as :attr:`raw_target`, (n_sources, n_samples, q)."""
        return np.stack([orient(v, self.axis)[:, self.fold.targets] for v in self.source_values])

    def back_to_scale(self, prediction: Array) -> Array:
        """Put standardised predictions (n_human, q) on the scale of the answers, laid out on all samples."""
        if self.axis == "item":
            mean, sd = self._target_moments
        elif self.preprocessing.level == "human":
            mean, sd = self._human_moments
        else:
            mean, sd = (m[:, self.human_samples] for m in self._on_all_samples(self._twin_moments))
        result = np.full((self.n_samples, self.n_targets), np.nan)
        result[self.human_samples] = orient(orient(prediction, self.axis) * sd + mean, self.axis)
        return result

    def _imputed(self, source: int) -> Array:
        values, samples = ((self.human, self.human_samples), (self.twin, self.twin_samples))[source]
        shared = self.apart.donors(source, self.donor_rows, samples) if self.apart else None
        return complete_donors(values, self.preprocessing.imputation_rank) if shared is None else shared

    def _standardised_target(self, twin_moments: Moments) -> Array:
        if self.axis == "item":
            return _standardise(self.target, self._target_moments)
        return _standardise(self.target, self._on_all_samples(twin_moments))

    @cached_property
    def _human_moments(self) -> Moments:
        return self._moments(self.human, self.human_samples)

    @cached_property
    def _twin_moments(self) -> Moments:
        return self._moments(self.twin, self.twin_samples)

    @cached_property
    def _target_moments(self) -> Moments:
        return self._moments(self.target, np.arange(self.n_samples))

    def _moments(self, values: Array, samples: NDArray[np.intp]) -> Moments:
        """Compute item means and floored sds (ddof 0) over observed answers, each (1, n_items)."""
        if self.weights is not None:
            rows = samples if self.axis == "item" else self.donor_rows
            mean, sd = weighted_moments(values, self.weights[rows])
            return mean[None], np.where(sd < self.preprocessing.sd_floor, 1.0, sd)[None]
        seen = np.isfinite(values)
        gaps, count = np.flatnonzero(~seen), seen.sum(axis=0)
        known = np.array(values, order="C")
        known.reshape(-1)[gaps] = 0.0  # several times faster than sums with a mask
        mean = np.divide(known.sum(axis=0), count, out=np.full(count.shape, np.nan), where=count > 0)
        known -= mean
        known.reshape(-1)[gaps] = 0.0
        sd = np.sqrt(np.einsum("ij,ij->j", known, known) / np.maximum(count, 1))
        return mean[None], np.where(sd < self.preprocessing.sd_floor, 1.0, sd)[None]

    def _on_all_samples(self, moments: Moments) -> Moments:
        """Lay the item moments of the twins' donors (axis "respondent") out on all items."""
        mean, sd = (np.full((1, self.n_samples), np.nan) for _ in moments)
        mean[:, self.twin_samples], sd[:, self.twin_samples] = moments
        return mean, sd


def _standardise(values: Array, moments: Moments) -> Array:
    mean, sd = moments
    return (values - mean) / sd


def weighted_moments(values: Array, weights: Array) -> tuple[Array, Array]:
    """Compute weighted means and sds (ddof 0) of the observed answers in each column, both of shape (n_items,).

    A column that only people of weight 0 have answered is not weighted. Without an answer, mean and sd are NaN and 0.
    """
    seen = np.isfinite(values)
    w = np.where(seen, weights[:, None], 0.0)
    w = np.where(w.sum(axis=0) > 0, w, seen.astype(np.float64))
    total = w.sum(axis=0)
    sums = (w * np.where(seen, values, 0.0)).sum(axis=0)
    mean = np.divide(sums, total, out=np.full(total.shape, np.nan), where=total > 0)
    squares = (w * np.where(seen, values - mean, 0.0) ** 2).sum(axis=0)
    return mean, np.sqrt(np.divide(squares, total, out=np.zeros(total.shape), where=total > 0))


def make_designs(
    answers: Answers,
    folds: Sequence[Fold],
    preprocessing: Preprocessing,
    apart: RespondentsApart | None = None,
) -> list[Design]:
    """Build the designs of several folds of one axis; ``apart`` shares imputations between folds of respondents."""
    return list(designs_in_turn(answers, folds, preprocessing, apart))


def designs_in_turn(
    answers: Answers,
    folds: Sequence[Fold],
    preprocessing: Preprocessing,
    apart: RespondentsApart | None = None,
) -> Iterator[Design]:
    """Build the designs of :func:`make_designs` one after the other, where all together would fill the memory."""
    if not folds:
        return
    axis = folds[0].axis
    # Donors and samples are taken in the order of their ids, so that the order of the tables' rows and columns
    # changes nothing, not even where a method draws random numbers or stops early.
    donor_rank, sample_rank = (_rank(axis_ids(answers, a)) for a in (axis, other(axis)))
    order, along = np.argsort(sample_rank), 0 if axis == "item" else 1
    tables = [v.take(order, axis=along) for v in (answers.human_values, answers.twin_values)]
    seen = [np.isfinite(v) for v in tables]
    for fold in folds:
        donors = np.array(fold.donors, dtype=np.intp)
        donors = donors[np.argsort(donor_rank[donors])]
        human, twin = (
            _Part.of(v, there, donors, order, along) for v, there in zip(tables, seen, strict=True)
        )
        yield _make_design(answers, fold, preprocessing, apart, donors, human, twin)


@dataclass(frozen=True, eq=False)
class _Part:
    """Answers of one source to the donors of a fold, and the samples that have any."""

    values: Array
    samples: NDArray[np.intp]

    @classmethod
    def of(
        cls,
        table: Array,
        seen: NDArray[np.bool_],
        donors: NDArray[np.intp],
        order: NDArray[np.intp],
        along: int,
    ) -> _Part:
        """Take donors from a table whose samples lie along an axis in a given order."""
        some = seen.take(donors, axis=1 - along).any(axis=1 - along)
        values = table.take(donors, axis=1 - along)
        return cls(values if some.all() else values.compress(some, axis=along), order[some])


def groups_of_respondents(ids: Sequence[str]) -> NDArray[np.intp]:
    """Deal respondents out in groups of the same size, by the order of their ids.

    Examples
    --------
    >>> groups_of_respondents(["b", "a", "c"])
    array([1, 0, 2])
    """
    return _rank(ids) % N_GROUPS


def _rank(ids: Sequence[str]) -> NDArray[np.intp]:
    rank = np.empty(len(ids), dtype=np.intp)
    rank[sorted(range(len(ids)), key=ids.__getitem__)] = np.arange(len(ids))
    return rank


def _make_design(
    answers: Answers,
    fold: Fold,
    preprocessing: Preprocessing,
    apart: RespondentsApart | None,
    donors: NDArray[np.intp],
    human: _Part,
    twin: _Part,
) -> Design:
    axis = fold.axis
    ids, in_context = axis_ids(answers, axis), answers.in_context_values
    return Design(
        fold=fold,
        target_ids=tuple(ids[t] for t in fold.targets),
        donor_ids=tuple(map(ids.__getitem__, donors.tolist())),
        sample_ids=axis_ids(answers, other(axis)),
        preprocessing=preprocessing,
        human_samples=human.samples,
        twin_samples=twin.samples,
        human=human.values,
        twin=twin.values,
        target=pick(answers.twin_values, fold.targets, axis),
        source_values=answers.source_values,
        in_context=None if in_context is None else pick(in_context, fold.targets, axis),
        donor_rows=donors,
        apart=apart,
    )


@dataclass(frozen=True)
class Batch:
    """Folds for one worker, computed a few at a time, and the respondents whose folds share imputations."""

    folds: tuple[Fold, ...]
    group: tuple[int, ...] = ()
    at_once: int = 1

    def designs(self, answers: Answers, preprocessing: Preprocessing) -> Iterator[list[Design]]:
        """Yield the designs of the folds, as many at a time as fit in memory."""
        apart = None
        if self.group:
            everybody = np.array(sorted({*self.folds[0].targets, *self.folds[0].donors}))
            members = everybody[np.argsort(_rank(answers.respondent_ids)[everybody])]
            apart = RespondentsApart(
                answers.human_values,
                answers.twin_values,
                np.array(self.group),
                members,
                preprocessing.imputation_rank,
            )
        for start in range(0, len(self.folds), self.at_once):
            yield make_designs(answers, self.folds[start : start + self.at_once], preprocessing, apart)


def batches(answers: Answers, folds: Sequence[Fold], budget_bytes: int = 2**28) -> list[Batch]:
    """Divide folds into batches.

    The division depends on shapes and ids alone, so that results do not depend on the number of workers.
    """
    if not folds:
        return []
    rows, columns = answers.human_values.shape
    at_once = max(1, min(16, budget_bytes // (rows * columns * 8 * 6)))
    respondents_apart = folds[0].axis == "respondent" and all(len(f.targets) == 1 for f in folds)
    if not respondents_apart or rows < 2 * N_GROUPS:
        return [Batch(tuple(folds[k : k + at_once]), (), at_once) for k in range(0, len(folds), at_once)]
    group_of = groups_of_respondents(answers.respondent_ids)
    groups: dict[int, list[Fold]] = {}
    for fold in folds:
        groups.setdefault(int(group_of[fold.targets[0]]), []).append(fold)
    return [
        Batch(tuple(members), tuple(np.flatnonzero(group_of == g).tolist()), at_once)
        for g, members in sorted(groups.items())
    ]
