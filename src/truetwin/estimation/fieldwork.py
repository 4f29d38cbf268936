"""Follow the fieldwork of a new item: append answers, look at the estimate, and say when there are enough.

At each look there are two intervals. The one that decides when to stop holds at all looks together
(:mod:`truetwin.estimation.confidence_sequence`). The other one is narrower and holds for a single look that was planned
beforehand (:mod:`truetwin.estimation.sample_posterior`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from truetwin.errors import DataError, ParameterError
from truetwin.estimation.confidence_sequence import confidence_sequence
from truetwin.estimation.item_forecast import (
    ItemForecast,
    check_precision,
    forecast_from_record,
    forecast_record,
)
from truetwin.estimation.sample_posterior import heavy_tail_note, sample_posterior

Array = NDArray[np.float64]


@dataclass(frozen=True)
class FieldworkReport:
    """Estimates of an item at each look.

    Attributes
    ----------
    rows : list of dict
        One row for each look and statistic: ``look``, ``answers``, ``statistic``, ``category``, ``estimate``, ``low``,
        ``high``, ``half_width`` (of the interval that holds at all looks), ``once_low``, ``once_high`` (of the interval
        for a single planned look).
    n_people, n_answers : int
        Number of people whom the estimate is about, and of those who have answered.
    precision, widest : float
        Half width that is wanted, and the largest at the last look.
    enough : bool
        Whether all intervals are as narrow as wanted.
    still_needed : int or None
        About how many more answers are needed; None before the second answer.
    notes : tuple of str
        What the figures take for granted.
    """

    rows: list[dict[str, Any]]
    n_people: int
    n_answers: int
    precision: float
    widest: float
    enough: bool
    still_needed: int | None
    notes: tuple[str, ...]


@dataclass
class Fieldwork:
    """Answers to a new item in the order of arrival.

    Parameters
    ----------
    forecast : ItemForecast
        What is known of the item beforehand.
    statistic : str, default="share"
        What is estimated: share (of every category), mean, top2, bottom2 and the like.
    precision : float, default=0.03
        Half width at which to stop: in shares of people, or in units of the answer for a mean. Fixed before the first
        answer.
    level : float, default=0.9
        Probability that an interval holds at all looks together.

    Examples
    --------
    >>> import numpy as np
    >>> from truetwin.data import Scale
    >>> from truetwin.reweighting.share_law import ShareLaw
    >>> ids = tuple(f"p{k}" for k in range(200))
    >>> law = ShareLaw("Q9", np.array([0.0, 1.0]), np.array([0.4, 0.6]))
    >>> chance = np.tile([0.4, 0.6], (200, 1))
    >>> work = Fieldwork(ItemForecast("Q9", Scale.ordinal(0, 1), ids, law, chance[:, 1], chance), precision=0.1)
    >>> work.add({f"p{k}": float(k % 2) for k in range(150)})
    0
    >>> work.report().enough
    True
    """

    forecast: ItemForecast
    statistic: str = "share"
    precision: float = 0.03
    level: float = 0.9
    answers: dict[str, float] = field(default_factory=dict)
    looks: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._functions = self.forecast.functions(self.statistic)
        if not (np.isfinite(self.precision) and self.precision > 0):
            raise ParameterError(f"the precision must be a number above 0; got {self.precision:g}")
        if not 0 < self.level < 1:
            raise ParameterError(f"the level of an interval must lie between 0 and 1; got {self.level:g}")
        prior = self.forecast.prior(self._functions)
        check_precision(prior, self.precision, self.statistic)
        if not (np.isfinite(prior.low) & np.isfinite(prior.high)).all():
            raise ParameterError(
                f"the mean of item {self.forecast.item!r} needs a scale with a smallest and a largest answer; it is "
                f"{self.forecast.scale.describe()}. Declare both in an --item-file, or estimate shares"
            )

    def add(self, answers: Mapping[str, float], where: str = "the answers") -> int:
        """Append answers in the order of arrival, and look. Nothing is added if one of them is wrong.

        Parameters
        ----------
        answers : mapping from respondent id to answer
            An answer that is already there may be given again, as exports of a running survey do.
        where : str
            What to call them in messages.

        Returns
        -------
        int
            Number of answers that were there already.

        Raises
        ------
        DataError
            If somebody is unknown, has given another answer before, or an answer is not on the item's scale.
        """
        self.forecast.check_answers(answers, where)
        changed = [
            who for who, answer in answers.items() if who in self.answers and self.answers[who] != answer
        ]
        if changed:
            who = changed[0]
            more = f" ({len(changed) - 1} more)" if len(changed) > 1 else ""
            raise DataError(
                f"{where}: each person answers once; respondent {who!r} answered {self.answers[who]:g} before and "
                f"{answers[who]:g} now{more}. Correct the answers, and begin again if the first one was wrong"
            )
        known = sum(who in self.answers for who in answers)
        self.answers.update({who: float(answer) for who, answer in answers.items()})
        if self.answers and (not self.looks or self.looks[-1] < len(self.answers)):
            self.looks.append(len(self.answers))
        return known

    def report(self) -> FieldworkReport:
        """Estimate at each look, and say whether there are enough answers."""
        n_people = len(self.forecast.respondent_ids)
        prior, values, f, everybody = self._columns()
        intervals = confidence_sequence(
            prior,
            values,
            precision=self.precision,
            looks=self.looks,
            predicted=f,
            everybody=everybody,
            population=n_people,
            level=self.level,
        )
        rows: list[dict[str, Any]] = []
        notes: tuple[str, ...] = ()
        for k, n in enumerate(self.looks):
            once = sample_posterior(
                prior,
                values[:n],
                predicted=None if f is None else f[:n],
                everybody=everybody,
                population=n_people,
                level=self.level,
            )
            notes = once.notes
            for s, function in enumerate(self._functions):
                low, high = float(intervals.low[k, s]), float(intervals.high[k, s])
                rows.append(
                    {
                        "look": k + 1,
                        "answers": n,
                        "statistic": function.statistic,
                        "category": function.category,
                        "estimate": float(np.clip(once.estimate[s], low, high)),
                        "low": low,
                        "high": high,
                        "half_width": (high - low) / 2,
                        "once_low": float(once.low[s]),
                        "once_high": float(once.high[s]),
                    }
                )
        if self.forecast.is_numeric and self.statistic == "mean":
            heavy = heavy_tail_note(list(self.answers.values()))
            notes += (heavy,) if heavy else ()
        widest = float(intervals.half_width[-1].max()) if self.looks else float("nan")
        return FieldworkReport(
            rows,
            n_people,
            len(self.answers),
            self.precision,
            widest,
            bool(widest <= self.precision * (1 + 1e-9)),
            self._still_needed(widest),
            notes,
        )

    def _columns(self) -> tuple[Any, Array, Array | None, Array | None]:
        """Return the prior, the functions of the answers in order, and their predictions for these and everybody."""
        prior = self.forecast.prior(self._functions)
        values = self.forecast.values(self._functions, list(self.answers.values()))
        everybody = self.forecast.predicted(self._functions)
        if everybody is None:
            return prior, values, None, None
        place = {who: k for k, who in enumerate(self.forecast.respondent_ids)}
        return prior, values, everybody[[place[who] for who in self.answers]], everybody

    def _still_needed(self, widest: float) -> int | None:
        """Extrapolate by the square root of n, with the correction for people drawn without replacement."""
        n, n_people = len(self.answers), len(self.forecast.respondent_ids)
        if n < 2 or not np.isfinite(widest):
            return None
        if widest <= self.precision or n >= n_people:
            return 0
        worth = n / (1 - n / n_people) * (widest / self.precision) ** 2
        return max(int(np.ceil(worth / (1 + worth / n_people))) - n, 1)


def fieldwork_record(work: Fieldwork) -> dict[str, Any]:
    """Write fieldwork as a record for a JSON file."""
    return {
        "statistic": work.statistic,
        "precision": work.precision,
        "level": work.level,
        "looks": list(work.looks),
        "answers": [[who, answer] for who, answer in work.answers.items()],
        "forecast": forecast_record(work.forecast),
    }


def fieldwork_from_record(record: Mapping[str, Any]) -> Fieldwork:
    """Read the fieldwork that :func:`fieldwork_record` wrote.

    Raises
    ------
    DataError
        If a part is missing or damaged.
    """
    try:
        work = Fieldwork(
            forecast_from_record(record["forecast"]),
            record["statistic"],
            record["precision"],
            record["level"],
            {who: float(answer) for who, answer in record["answers"]},
            [int(n) for n in record["looks"]],
        )
    except KeyError as error:
        raise DataError(f"the record of fieldwork must have {error}; it lacks it") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise DataError(f"the record of fieldwork is damaged: {error}") from error
    work.forecast.check_answers(work.answers, "the record of fieldwork")
    ends = [0, *work.looks]
    if any(n <= before for before, n in pairwise(ends)) or ends[-1] != len(record["answers"]):
        raise DataError(
            f"the looks of the record of fieldwork must be growing numbers of answers up to all "
            f"{len(record['answers'])}; they are {str(work.looks)[:60]}"
        )
    if work.forecast.predictions.shape != (len(work.forecast.respondent_ids),):
        raise DataError(
            f"the record of fieldwork must have a prediction for each of {len(work.forecast.respondent_ids)} people; "
            f"it has {work.forecast.predictions.size}"
        )
    return work
