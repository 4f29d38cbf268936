"""How runs are shown, and how their options are read."""

from __future__ import annotations

from typing import Any

import pytest

from truetwin.cli.model_options import RunChoices, describe_progress, progress_line, sampling_of
from truetwin.cli.output import printable
from truetwin.errors import ParameterError
from truetwin.llm import Prices, Progress, State, Usage

CHOICES: dict[str, Any] = dict.fromkeys(
    ["cap_cost", "cap_tokens", "cap_requests", "price_in", "price_out", "price_cached", "price_file"]
) | {"concurrency": 8, "timeout": 5.0, "attempts": 3}


def test_a_run_under_way_says_rate_tokens_money_and_failures() -> None:
    counts = dict.fromkeys(State, 0) | {State.VALID: 90, State.REFUSED: 10}
    progress = Progress(1000, counts, 7, Usage(5000, 1000, 400, 0), 1.5, 10.0, 25.0, 20, 64, "interrupted")
    assert describe_progress(progress) == (
        "100/1,000, 25.0/s, 0:00:36 left, 6,000 tokens, cost 1.5, 10 refused, 7 failed attempts, 20 under way, "
        "stopping (interrupted); interrupt again to give them up"
    )


def test_an_interrupt_is_answered_at_once_and_an_error_only_once(capsys: pytest.CaptureFixture[str]) -> None:
    said = []
    for stopping, in_flight in (
        ("", 5),
        ("no access", 5),
        ("interrupted", 5),
        ("interrupted", 4),
        ("interrupted", 0),
    ):
        progress = Progress(10, dict.fromkeys(State, 0), 0, Usage(), None, 1.0, 1.0, in_flight, 8, stopping)
        with progress_line("asking") as show:
            show(progress)
            show(progress)
        said.append(len(capsys.readouterr().err.splitlines()))
    assert said == [0, 0, 1, 1, 0]


def test_prices_come_from_the_command_line_or_from_a_file(tmp_path: Any) -> None:
    (tmp_path / "prices.yaml").write_text("m: {prompt: 1, completion: 2}\n")
    by_hand = RunChoices(**CHOICES | {"price_in": 1.0, "price_out": 2.0, "price_cached": 0.5})
    assert by_hand.prices("m") == Prices(1.0, 2.0, 0.5)
    from_file = RunChoices(**CHOICES | {"price_file": tmp_path / "prices.yaml"})
    assert from_file.prices("m") == Prices(1, 2)
    assert RunChoices(**CHOICES).prices("m") is None
    with pytest.raises(ValueError, match="none for 'other'"):
        from_file.prices("other")
    with pytest.raises(ParameterError, match="not from both"):
        RunChoices(**CHOICES | {"price_file": tmp_path / "prices.yaml", "price_in": 1.0}).prices("m")


def test_only_a_moved_endpoint_may_differ() -> None:
    assert RunChoices(**CHOICES).run_options("m", 10).may_differ == ()
    assert RunChoices(**CHOICES, moved=True).run_options("m", 10).may_differ == ("model.base_url",)


def test_more_fields_of_a_request_are_a_json_object() -> None:
    assert sampling_of(0.5, 10, None, '{"top_k": 5}').extra == {"top_k": 5}
    with pytest.raises(ParameterError, match="JSON object"):
        sampling_of(None, None, None, "[1]")


def test_text_of_a_model_cannot_steer_the_terminal() -> None:
    assert printable("a\x1b[31m\r\x07ü\n\tb\x9b\u202e") == "a\\x1b[31m\\r\\x07ü\n\tb\\x9b\\u202e"
