"""Base class of all calibrators: from a panel and targets to predictions on the items' scales."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError

from truetwin._moved import adopt_old_hooks
from truetwin.calibration.design import Design, Fold, Preprocessing, make_designs
from truetwin.calibration.laws.prediction_errors import Errors, JointLaw
from truetwin.calibration.new_cells import NewCells
from truetwin.calibration.orientation import Answers, Array, axis_ids
from truetwin.data import Axis, Panel, Target
from truetwin.errors import NotPredictableError, ParameterError

MIN_TWIN_ANSWERS = 3


@dataclass(frozen=True, eq=False)
class Prediction:
    """Predicted answers to the targets of one fold.

    Attributes
    ----------
    axis : {"item", "respondent"}
        Axis of the targets: items or respondents.
    target_ids, sample_ids : tuple of str
        Ids of the columns and rows of ``values``.
    values : ndarray of shape (n_samples, n_targets)
        Predictions on the items' scales; NaN where none can be made.
    unpredicted : dict of target id to str
        Targets that cannot be predicted at all, with the reason; their columns are NaN.
    unconverged : frozenset of str
        Targets whose solver stopped at its limit of iterations before it met its tolerance.
    """

    axis: Axis
    target_ids: tuple[str, ...]
    sample_ids: tuple[str, ...]
    values: Array
    unpredicted: dict[str, str] = field(default_factory=dict)
    unconverged: frozenset[str] = frozenset()


class Calibrator(BaseEstimator, ABC):
    """Predict human answers to targets that humans have not answered.

    Subclasses store their parameters in ``__init__`` and implement ``fit_design(design)``, which learns attributes that
    end in an underscore, and ``predict_design(design)``, which returns standardised predictions of shape
    (n_human, n_targets). This class prepares the data, puts the result back on the items' scales and says what
    cannot be predicted. What else a method can do it declares by the class attributes below: nobody asks for its name
    or its class.
    """

    #: axes on which the method makes sense
    axes: ClassVar[tuple[Axis, ...]] = ("item", "respondent")
    #: whether the method can learn nothing about a target whose twins all gave one answer
    needs_varying_twins: ClassVar[bool] = True
    #: whether predictions come out on the items' scales already
    predicts_on_scale: ClassVar[bool] = False
    #: whether the target's twin answers are used at all
    uses_target_twins: ClassVar[bool] = True
    #: whether the method needs the donors imputed (shared preparation) or works on answers with gaps
    uses_imputation: ClassVar[bool] = False
    #: whether the twins' answers to one target also tell which other targets and donors are alike
    targets_inform_each_other: ClassVar[bool] = False
    #: whether many folds of one table cost hardly more than one; see :meth:`predict_folds`
    shares_folds: ClassVar[bool] = False
    #: whether each target costs a solve of its own, so that targets are worth sharing out over workers
    works_per_target: ClassVar[bool] = False
    #: axes on which the method knows its own errors, see :meth:`errors`; elsewhere they are those on known items, or
    #: people, that are predicted as if they were new
    error_axes: ClassVar[tuple[Axis, ...]] = ()
    #: whether its points are answers that somebody gave, to be left as they are, and no expectations
    points_are_answers: ClassVar[bool] = False
    #: hooks that had other names in version 0.1
    renamed_hooks: ClassVar[Mapping[str, str]] = {
        "_fit": "fit_design",
        "_predict": "predict_design",
        "_fit_predict": "fit_predict_designs",
        "_why_not": "why_not",
        "_finish": "finish",
        "_note_convergence": "note_convergence",
    }

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        adopt_old_hooks(cls, cls.renamed_hooks)

    def fit(
        self,
        panel: Panel,
        targets: Target | Iterable[Target] | None = None,
        *,
        preprocessing: Preprocessing | None = None,
    ) -> Self:
        """Learn to predict ``targets`` from everything else in ``panel``.

        Parameters
        ----------
        panel : Panel
            Human and twin answers. Human answers to the targets, if there are any, are not looked at.
        targets : Target or iterable of Target, optional
            All items or all respondents; by default every new item, or every new respondent if there is no new item.
        preprocessing : Preprocessing, optional
            How both sources are prepared.

        Returns
        -------
        self

        Raises
        ------
        NotPredictableError
            If there is nothing to predict or nothing to predict it from.
        ParameterError
            If an item is nominal: :func:`truetwin.calibration.calibrate` predicts panels with such items.
        """
        _refuse_nominal(panel)
        fold = make_fold(panel, targets)
        (self.design_,) = make_designs(panel, [fold], preprocessing or Preprocessing())
        self.fit_design(self.design_)
        return self

    def predict(self) -> Prediction:
        """Predict the targets given to :meth:`fit`."""
        if not hasattr(self, "design_"):
            raise NotFittedError(f"{type(self).__name__} must be fitted before it can predict")
        return self.finish(self.design_, self.predict_design(self.design_))

    def predict_designs(self, designs: Sequence[Design]) -> list[Prediction]:
        """Fit and predict several folds; methods that share work override :meth:`fit_predict_designs`."""
        raw = self.fit_predict_designs(designs)
        return [self.finish(d, r) for d, r in zip(designs, raw, strict=True)]

    def predict_folds(
        self, answers: Answers, folds: Sequence[Fold], preprocessing: Preprocessing
    ) -> list[Prediction]:
        """Predict folds of one table, each as if the human answers to its targets did not exist.

        Methods with ``shares_folds`` override it to do all folds in one pass. They are then given the hidden answers,
        and a contract test checks that their predictions are the same as without.
        """
        return [self.predict_designs(make_designs(answers, [fold], preprocessing))[0] for fold in folds]

    @abstractmethod
    def fit_design(self, design: Design) -> None:
        """Learn what ``predict_design`` needs, as attributes that end in an underscore."""

    @abstractmethod
    def predict_design(self, design: Design) -> Array:
        """Return standardised predictions (n_human, n_targets).

        With ``predicts_on_scale`` they are on the items' scales and for all samples, (n_samples, n_targets).
        """

    def errors(self, design: Design) -> Sequence[Errors]:
        """Return the errors to expect for each target of a design; nothing needs to be fitted before.

        Methods with ``error_axes`` override it. It is called for designs of these axes only.
        """
        raise ParameterError(f"{type(self).__name__} does not know its own errors: it declares no error_axes")

    def fold_errors(
        self, answers: Answers, folds: Sequence[Fold], preprocessing: Preprocessing | None = None
    ) -> Sequence[Sequence[Errors]]:
        """Return the errors of many folds of one table; methods override it to share work."""
        prepared = preprocessing or Preprocessing()
        return [self.errors(make_designs(answers, [fold], prepared)[0]) for fold in folds]

    def joint_law(self, design: Design) -> JointLaw | None:
        """Return how answers to the new items of a design move together; None if it follows from the errors."""
        return None

    def new_cells(self, design: Design, people: NDArray[np.intp]) -> NewCells | None:
        """Predict what new respondents, given by their positions, answer to the new items of a design; None if not."""
        return None

    def situation(self, panel: Panel, target: str, targets: Sequence[str]) -> str | None:
        """Say in words what a new item faces in a panel; None if it makes no difference to the method.

        Parameters
        ----------
        panel : Panel
        target : str
            The new item.
        targets : sequence of str
            All items that are predicted together with it.
        """
        return None

    def fit_predict_designs(self, designs: Sequence[Design]) -> list[Array]:
        """Return what ``predict_design`` returns for each of several designs; override it to share work."""
        results = []
        for design in designs:
            self.fit_design(design)
            results.append(self.predict_design(design))
        return results

    def finish(self, design: Design, prediction: Array) -> Prediction:
        """Put what ``predict_design`` returned back on the items' scales, and leave out what cannot be predicted."""
        values = prediction if self.predicts_on_scale else design.back_to_scale(prediction)
        unpredicted = {}
        for k, target in enumerate(design.target_ids):
            reason = self.why_not(design, k)
            if reason:
                unpredicted[target] = reason
                values[:, k] = np.nan
        stopped = frozenset(t for t in design.target_ids if t in getattr(self, "unconverged_", ()))
        return Prediction(design.axis, design.target_ids, design.sample_ids, values, unpredicted, stopped)

    def note_convergence(self, targets: Sequence[str], converged: bool) -> None:
        """Remember targets whose solver stopped before it met its tolerance."""
        if not converged:
            self.unconverged_ = {*getattr(self, "unconverged_", ()), *targets}

    def why_not(self, design: Design, k: int) -> str | None:
        """Return why target ``k`` cannot be predicted, or None if it can."""
        if design.axis not in self.axes:
            return f"this method does not predict a new {design.axis}"
        if not self.uses_target_twins:
            return None
        answers = design.raw_target[:, k]
        seen = answers[np.isfinite(answers)]
        if not seen.size:
            return "no twin has answered it" if design.axis == "item" else "its twin has answered nothing"
        if seen.size < MIN_TWIN_ANSWERS and self.needs_varying_twins:
            return f"only {seen.size} twin answer{'s' if seen.size > 1 else ''}; at least {MIN_TWIN_ANSWERS} needed"
        refuse = self.needs_varying_twins and design.preprocessing.constant_targets == "refuse"
        if refuse and design.axis == "item" and (seen == seen[0]).all():
            return f"all {seen.size} twins gave the same answer ({seen[0]:g}): nothing to learn from"
        return None


def _refuse_nominal(panel: Panel) -> None:
    nominal = [
        i for i, item in panel.items.items() if item.scale is not None and item.scale.kind == "nominal"
    ]
    if nominal:
        raise ParameterError(
            f"a calibrator by itself takes answers for numbers, and item {nominal[0]!r} is nominal: its codes have no "
            f"order. Use calibrate(panel, calibrator), which gives it one column a category."
        )


def make_fold(panel: Panel, targets: Target | Iterable[Target] | None) -> Fold:
    """Make the fold that predicts ``targets`` from everything else.

    Donors, from which targets are predicted, are all other items (respondents) with answers from both sources.
    """
    if isinstance(targets, Target):
        targets = [targets]
    if targets is None:
        axis: Axis = "item" if panel.new_items else "respondent"
        wanted = panel.new_items or panel.new_respondents
    else:
        listed = list(targets)
        axes = {t.axis for t in listed}
        if len(axes) > 1:
            raise ParameterError("the targets of one fit must all be items or all be respondents; got both")
        axis = axes.pop() if axes else "item"
        wanted = tuple(t.id for t in listed)
    if not wanted:
        raise NotPredictableError(
            "nothing to predict: humans have answered every item, and every respondent has answered something. "
            "The twin table must have items or respondents that the human table lacks"
            + (
                "; here the human table has some that the twin table lacks: were the two files swapped?"
                if set(panel.human.item_ids) - set(panel.twin.item_ids)
                or set(panel.human.respondent_ids) - set(panel.twin.respondent_ids)
                else "."
            )
        )
    ids = axis_ids(panel, axis)
    position = {name: k for k, name in enumerate(ids)}
    unknown = [t for t in wanted if t not in position]
    if unknown:
        raise ParameterError(f"there is no {axis} {unknown[0]!r} in the panel")
    hidden = {position[t] for t in wanted}
    return Fold(axis, tuple(position[t] for t in wanted), donors(panel, axis, hidden))


def donors(panel: Panel, axis: Axis, hidden: set[int]) -> tuple[int, ...]:
    """Find the positions of the items (respondents) with answers from both sources, without the hidden ones."""
    along = 0 if axis == "item" else 1
    both = np.isfinite(panel.human_values).any(axis=along) & np.isfinite(panel.twin_values).any(axis=along)
    found = tuple(int(k) for k in np.flatnonzero(both) if int(k) not in hidden)
    if not found:
        raise NotPredictableError(
            f"no donor: to predict a new {axis}, at least one other {axis} must have answers from both humans and "
            f"twins; there is none"
        )
    return found


def with_blocks(model: Calibrator, blocks: Mapping[str, str] | None) -> Calibrator:
    """Give a model blocks (batteries), if it uses blocks and was given none of its own.

    Examples
    --------
    >>> from truetwin.calibration.auto.auto_calibrator import Auto
    >>> with_blocks(Auto(), {"Q1": "mood"}).blocks
    {'Q1': 'mood'}
    """
    if blocks is None or model.get_params().get("blocks", ()) is not None:
        return model
    found: Calibrator = clone(model).set_params(blocks=dict(blocks))
    return found
