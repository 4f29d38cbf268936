"""Pseudonyms and scrubbing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truetwin.voice_sets.common.privacy import Pseudonyms, Scrubber, frequent


def scrub(text: str) -> str:
    return Scrubber(Pseudonyms("s"), consistent=False).scrub(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("write to Ann.Lee+x@mail.example.co.uk, please", "write to [email], please"),
        ("see https://example.org/~ann?id=3 now", "see [link] now"),
        ("www.example.org/ann.", "[link]"),
        ("call +44 20 7946 0958 tonight", "call [phone] tonight"),
        ("call (020) 7946-0958", "call [phone]"),
        ("thanks @ann_lee!", "thanks [handle]!"),
        ("born 1984, died 2001-10-12", "born 1984, died 2001-10-12"),
        ("it cost 1250 in 2019", "it cost 1250 in 2019"),
        ("meet at 10:30 on 12.10.2001", "meet at 10:30 on 12.10.2001"),
        ("version 3.11.7 and a@b", "version 3.11.7 and a@b"),
    ],
)
def test_what_identifies_people_goes_and_the_rest_stays(text: str, expected: str) -> None:
    assert expected == scrub(text)


def test_the_same_address_gives_the_same_replacement_whatever_its_case() -> None:
    scrubber = Scrubber(Pseudonyms("s"))
    one, other = scrubber.scrub("Ann@example.org"), scrubber.scrub("ann@EXAMPLE.org")
    assert one == other
    assert one != scrubber.scrub("ben@example.org")
    assert scrubber.counts["email"] == 3


def test_named_users_are_replaced_in_texts() -> None:
    scrubber = Scrubber(Pseudonyms("s"), consistent=False, names=frozenset({"ann", "annabel"}))
    assert scrubber.scrub("ann and annabel, not anna") == "[user] and [user], not anna"


def test_the_salt_stays_out_of_what_is_printed() -> None:
    assert "hush" not in repr(Pseudonyms("hush"))


def test_users_with_few_entries_are_dropped() -> None:
    assert {"a", "c"} == frequent(["a", "b", "a", "c", "c"], 2)


@given(st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_scrubbing_twice_changes_nothing_more(text: str) -> None:
    once = scrub(text)
    assert once == scrub(once)
