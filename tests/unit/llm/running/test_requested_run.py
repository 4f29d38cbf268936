"""How a run is carried out, from the settings of a job."""

from __future__ import annotations

from pathlib import Path

import pytest

from truetwin.errors import ParameterError
from truetwin.llm import Prices
from truetwin.llm.running.requested_run import prices_of, run_options_of, sampling_of
from truetwin.settings.shared_settings import CachedPrices, RunLimits
from truetwin.settings.simulate_settings import Simulate


def test_prices_come_from_the_settings_or_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "prices.yaml"
    file.write_text("m: {prompt: 1, completion: 2}\n")
    assert prices_of(CachedPrices(price_in=1, price_out=2, price_cached=0.5), "m") == Prices(1, 2, 0.5)
    from_file = CachedPrices(prices=file)
    assert prices_of(from_file, "m") == Prices(1, 2)
    assert prices_of(CachedPrices(), "m") is None
    with pytest.raises(ValueError, match="none for 'other'"):
        prices_of(from_file, "other")
    with pytest.raises(ParameterError, match="not from both"):
        CachedPrices(prices=file, price_in=1, price_out=2)


def test_only_a_moved_endpoint_may_differ() -> None:
    assert run_options_of(RunLimits(), "m").may_differ == ()
    assert run_options_of(RunLimits(moved=True), "m").may_differ == ("model.base_url",)


def test_more_fields_of_a_request_are_a_json_object() -> None:
    assert sampling_of(Simulate(model="m", extra='{"top_k": 5}')).extra == {"top_k": 5}
    with pytest.raises(ParameterError, match="JSON object"):
        Simulate(model="m", extra="[1]")
