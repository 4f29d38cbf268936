"""Money is counted from the user's prices, projected with an interval, and unknown without them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from truetwin.errors import FileFormatError, ParameterError
from truetwin.llm import (
    Prices,
    RunOptions,
    State,
    Store,
    Usage,
    estimate_total,
    read_prices,
    run,
    scripted_model,
)
from truetwin.llm.running.forecast import pilot_cells, run_pilot

SOME = {"prompt_tokens": 100, "completion_tokens": 50, "reasoning_tokens": 40}


def test_cached_tokens_have_their_own_price() -> None:
    usage = Usage(prompt_tokens=1000, completion_tokens=100, cached_tokens=600)
    assert pytest.approx(400e-6 * 2 + 600e-6 * 0.5 + 100e-6 * 8) == Prices(2.0, 8.0, 0.5).cost(usage)
    assert pytest.approx(1000e-6 * 2 + 100e-6 * 8) == Prices(2.0, 8.0).cost(usage)


@pytest.mark.parametrize("price", [-1.0, float("nan"), float("inf"), "3"])
def test_a_price_that_is_none_is_refused(price: Any) -> None:
    with pytest.raises(ParameterError, match="must be a number >= 0"):
        Prices(1.0, price)


def test_prices_are_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text("gpt: {prompt: 2, completion: 8, cached: 0.5}\n")
    assert Prices(2, 8, 0.5) == read_prices(path, "gpt")
    assert read_prices(path, "other") is None


@pytest.mark.parametrize(
    "text", ["- 1", "gpt: 3", "gpt: {prompt: 1}", "gpt: {prompt: 1, completion: 2, x: 3}", "{", "\xff"]
)
def test_a_broken_price_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "prices.yaml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(FileFormatError):
        read_prices(path, "gpt")


def test_the_interval_of_a_total_covers_it_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(500):
        costs = rng.gamma(4.0, 1.0, size=200)
        found = estimate_total(costs[:30].tolist(), 200, confidence=0.9)
        covered += found.low <= costs.sum() <= found.high
    assert 0.86 <= covered / 500 <= 0.94


def test_a_total_is_at_least_what_is_already_spent() -> None:
    found = estimate_total([0.0, 100.0], 4)
    assert 100.0 == found.low < found.mean < found.high


@pytest.mark.parametrize(("pilot", "total"), [([1.0], 10), ([1.0, 2.0, 3.0], 2)])
def test_a_pilot_too_small_or_too_large_is_refused(pilot: list[float], total: int) -> None:
    with pytest.raises(ParameterError, match="a pilot must have"):
        estimate_total(pilot, total)


def test_a_pilot_prices_the_run_and_is_part_of_it(survey: Any, tmp_path: Path) -> None:
    model = scripted_model({"rules": [{"reply": "3", "usage": SOME}]})
    options = RunOptions(prices=Prices(1.0, 4.0))
    with Store(tmp_path) as store:
        asked, pilot = run_pilot(survey(10), model, store, options, size=10)
        summary = run(survey(10), model, store, options)
    assert 10 == pilot.prompt_tokens.n_pilot == asked.asked
    assert (pilot.prompt_tokens.high, pilot.completion_tokens.low) == (4000.0, 2000.0)
    assert pilot.cost is not None
    assert pytest.approx(40 * 300e-6) == pilot.cost.mean
    assert (summary.counts[State.VALID], summary.asked) == (40, 30)


def test_a_pilot_without_prices_or_counted_tokens_gives_no_money(survey: Any, tmp_path: Path) -> None:
    counted = scripted_model({"rules": [{"reply": "3", "usage": SOME}]})
    with Store(tmp_path / "a.sqlite") as store:
        assert run_pilot(survey(), counted, store, size=5)[1].cost is None
    with Store(tmp_path / "b.sqlite") as store:
        uncounted = scripted_model({"default": "3"})
        options = RunOptions(prices=Prices(1.0, 1.0))
        assert run_pilot(survey(), uncounted, store, options, size=5)[1].cost is None
        assert store.totals().unpriced > 0


def test_a_pilot_without_replies_says_nothing(survey: Any, tmp_path: Path) -> None:
    model = scripted_model({"rules": [{"error": "server"}]})
    with Store(tmp_path) as store, pytest.raises(ParameterError, match="needs at least 2 replies"):
        run_pilot(survey(), model, store, RunOptions(attempts=1), size=5)


def test_a_pilot_is_drawn_over_items_and_people_and_by_its_seed(survey: Any) -> None:
    cells = list(survey(10).cells())
    chosen = pilot_cells(cells, 20)
    assert len({c.item for c in cells}) == len({c.item for c in chosen})
    assert chosen == pilot_cells(cells, 20)
    assert chosen != pilot_cells(cells, 20, seed=1)
