"""Answers arrive, intervals narrow, and fieldwork stops."""

from __future__ import annotations

import json

import numpy as np
import pytest

from truetwin.data import Scale
from truetwin.errors import DataError, ParameterError
from truetwin.estimation.fieldwork import Fieldwork, fieldwork_from_record, fieldwork_record
from truetwin.estimation.item_forecast import ItemForecast
from truetwin.reweighting.share_law import ShareLaw

N = 300
IDS = tuple(f"p{k:03d}" for k in range(N))
CODES = np.array([1.0, 2.0, 3.0])


@pytest.fixture
def forecast() -> ItemForecast:
    shares = np.array([0.2, 0.5, 0.3])
    chances = np.tile(shares, (N, 1))
    return ItemForecast(
        "Q9", Scale.ordinal(1, 3), IDS, ShareLaw("Q9", CODES, shares), chances @ CODES, chances
    )


@pytest.fixture
def truth() -> dict[str, float]:
    rng = np.random.default_rng(0)
    return {who: float(rng.choice(CODES, p=[0.3, 0.4, 0.3])) for who in IDS}


def first(truth: dict[str, float], n: int) -> dict[str, float]:
    return dict(list(truth.items())[:n])


def test_intervals_narrow_until_there_are_enough(forecast: ItemForecast, truth: dict[str, float]) -> None:
    work = Fieldwork(forecast, precision=0.1)
    widths, verdicts = [], []
    for n in (30, 90, 200):
        work.add(first(truth, n))
        report = work.report()
        widths.append(report.widest)
        verdicts.append(report.enough)
    assert widths == sorted(widths, reverse=True)
    assert verdicts == [False, False, True]
    assert [row["answers"] for row in report.rows] == [30] * 3 + [90] * 3 + [200] * 3
    assert report.still_needed == 0
    shares = [np.mean(np.array(list(truth.values())) == code) for code in CODES]
    for row, share in zip(report.rows[-3:], shares, strict=True):
        assert row["low"] <= share <= row["high"]
        assert row["low"] <= row["estimate"] <= row["high"]
        assert row["once_high"] - row["once_low"] < row["high"] - row["low"]


def test_a_running_survey_exports_earlier_answers_again(
    forecast: ItemForecast, truth: dict[str, float]
) -> None:
    work = Fieldwork(forecast)
    assert work.add(first(truth, 20)) == 0
    assert work.add(first(truth, 50)) == 20
    assert work.add(first(truth, 50)) == 50
    assert work.looks == [20, 50]  # nothing new is no look


def test_fieldwork_is_the_same_after_it_was_stored(forecast: ItemForecast, truth: dict[str, float]) -> None:
    work = Fieldwork(forecast, statistic="mean", precision=0.2)
    work.add(first(truth, 40))
    stored = fieldwork_from_record(json.loads(json.dumps(fieldwork_record(work))))
    for each in (work, stored):
        each.add(first(truth, 80))
    assert stored.report() == work.report()


def test_everybody_has_answered(forecast: ItemForecast, truth: dict[str, float]) -> None:
    work = Fieldwork(forecast, statistic="mean", precision=0.01)
    work.add(truth)
    report = work.report()
    assert report.enough
    assert report.rows[0]["estimate"] == pytest.approx(np.mean(list(truth.values())), abs=1e-3)


def test_before_the_first_answer_there_is_nothing_to_show(forecast: ItemForecast) -> None:
    report = Fieldwork(forecast).report()
    assert (report.rows, report.enough, report.still_needed) == ([], False, None)


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({"p000": 2.0, "nobody": 1.0}, "'nobody' is none"),
        ({"p000": 2.0, "p001": 7.0}, "answer 7 is not on the scale of item 'Q9'"),
        ({"p007": 3.0}, "respondent 'p007' answered 1 before and 3 now"),
    ],
)
def test_wrong_answers_are_refused_and_nothing_is_added(
    forecast: ItemForecast, answers: dict[str, float], message: str
) -> None:
    work = Fieldwork(forecast)
    work.add({"p007": 1.0})
    with pytest.raises(DataError, match=message):
        work.add(answers)
    assert (work.answers, work.looks) == ({"p007": 1.0}, [1])


def test_statistics_that_cannot_be_followed_are_refused(forecast: ItemForecast) -> None:
    with pytest.raises(ParameterError, match="no mean of a function"):
        Fieldwork(forecast, statistic="median")
    with pytest.raises(ParameterError, match="precision must be a number above 0"):
        Fieldwork(forecast, precision=-1.0)
    open_scale = ItemForecast("Q9", Scale.numeric(0), IDS, forecast.law, forecast.predictions, None)
    with pytest.raises(ParameterError, match="needs a scale with a smallest and a largest answer"):
        Fieldwork(open_scale, statistic="mean")
