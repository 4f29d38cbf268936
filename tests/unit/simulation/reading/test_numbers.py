from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truetwin.simulation.reading.numbers import read_number, readings


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("4", 4),
        (" 4.0 ", 4),
        ("3,5", 3.5),
        ("-2", -2),
        ("−2", -2),
        ("+3", 3),
        ("04", 4),
        ("٣", 3),
        ("४", 4),
        ("３．５", 3.5),
        ("٣٫٥", 3.5),
        ("1 250", 1250),
        ("1\u00a0250", 1250),
        ("1'250,5", 1250.5),
        ("1,250,000", 1250000),
        ("1.250,75", 1250.75),
        ("1,250.75", 1250.75),
        ("0.125", 0.125),
        ("0,125", 0.125),
    ],
)
def test_numbers_in_many_scripts(text: str, number: float) -> None:
    assert {number} == readings(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "four",
        "4 or 5",
        "4-5",
        "1e3",
        "½",
        "4½",
        "4²",
        "④",
        "Ⅳ",
        "nan",
        "inf",
        "0x4",
        "4..5",
        "1_000",
        "--4",
        "1 25",
    ],
)
def test_what_is_no_number(text: str) -> None:
    assert set() == readings(text)


def test_of_two_readings_the_one_on_the_scale() -> None:
    assert {1.25, 1250.0} == readings("1,250")
    assert read_number("1,250", lambda n: n >= 100) == 1250
    with pytest.raises(ValueError, match=r"1\.25 or 1250"):
        read_number("1,250", lambda n: True)


@given(st.text())
def test_any_text_is_read_without_an_error(text: str) -> None:
    assert len(readings(text)) <= 2


@given(st.integers(-(10**9), 10**9))
def test_whole_numbers_come_back(number: int) -> None:
    assert {float(number)} == readings(str(number))
