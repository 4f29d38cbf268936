"""Names of columns that stand under arms."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from truetwin.data.arm_columns import arm_column, arms_of_column

NAMES = st.text(st.sampled_from("aB1 %@=&;.{}éß25D40"), min_size=1, max_size=8)


@given(NAMES, st.dictionaries(NAMES, NAMES, min_size=1, max_size=3))
def test_names_are_read_back_as_they_were_written(item: str, levels: dict[str, str]) -> None:
    assert arms_of_column(arm_column(item, levels)) == (item, levels)


@given(st.text(max_size=8).filter(lambda t: "@" not in t))
def test_a_name_without_arms_stays_as_it_is(item: str) -> None:
    assert arms_of_column(arm_column(item, {})) == (item, {})


def test_an_address_is_no_arm() -> None:
    assert arms_of_column("write to ann@example.org") == ("write to ann@example.org", {})
