"""How runs are shown."""

from __future__ import annotations

import pytest

from truetwin.cli.output import printable
from truetwin.cli.run_display import describe_progress, progress_line
from truetwin.llm import Progress, State, Usage


def test_a_run_under_way_says_rate_tokens_money_and_failures() -> None:
    counts = dict.fromkeys(State, 0) | {State.VALID: 90, State.REFUSED: 10}
    progress = Progress(1000, counts, 7, Usage(5000, 1000, 400, 0), 1.5, 10.0, 25.0, 20, 64, "interrupted")
    assert describe_progress(progress) == (
        "100/1,000, 25.0/s, 0:00:36 left, 6,000 tokens (600/s), cost 1.5, 10 refused, 7 failed attempts, 20 under way, "
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


def test_text_of_a_model_cannot_steer_the_terminal() -> None:
    assert printable("a\x1b[31m\r\x07ü\n\tb\x9b\u202e") == "a\\x1b[31m\\r\\x07ü\n\tb\\x9b\\u202e"
