"""Replies are read as they are; what is none is told as malformed, whatever it is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truetwin.errors import (
    AccessError,
    ContextOverflowError,
    EndpointError,
    RequestRefusedError,
    TransientError,
    UnknownModelError,
)
from truetwin.llm import Reply, Usage
from truetwin.llm.providers.chat_format import read_completion, read_usage
from truetwin.llm.providers.http_failures import from_status, retry_after

WORDS = ["choices", "message", "content", "usage", "error", "text", "logprobs", "refusal", "prompt_tokens"]
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS) | st.text(), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(ANY_JSON)
def test_whatever_comes_is_a_reply_or_malformed(data: Any) -> None:
    try:
        found = read_completion(data).text
    except TransientError as error:
        found = error.kind
    assert isinstance(found, str)


def test_parts_of_a_reply_are_joined() -> None:
    content = [{"type": "text", "text": "3"}, {"type": "image"}, {"type": "text", "text": "!"}]
    assert Reply("3!", "") == read_completion({"choices": [{"message": {"content": content}}]})


def test_a_malformed_reply_still_costs() -> None:
    with pytest.raises(TransientError) as raised:
        read_completion({"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 2}})
    assert Usage(10, 2) == raised.value.usage


def test_thoughts_that_only_the_total_counts_are_paid_too() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 112}
    assert read_usage(usage) == Usage(10, 102, 100)


def test_thoughts_among_the_completion_are_counted_once() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 52, "total_tokens": 62}
    details = {"completion_tokens_details": {"reasoning_tokens": 50}}
    assert read_usage(usage | details) == Usage(10, 52, 50)


def test_no_more_can_be_cached_than_was_sent() -> None:
    usage = {"prompt_tokens": 10, "prompt_tokens_details": {"cached_tokens": 90}}
    assert read_usage(usage).cached_tokens == 10


@pytest.mark.parametrize(
    "usage",
    [
        None,
        3,
        {"prompt_tokens": "many"},
        {"prompt_tokens": -1},
        {"prompt_tokens": 10**30},
        {"prompt_tokens": True},
    ],
)
def test_usage_that_is_none_is_zero(usage: Any) -> None:
    assert Usage() == read_completion({"choices": [{"message": {"content": "3"}}], "usage": usage}).usage


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (401, "", AccessError),
        (402, {"error": "no credit"}, AccessError),
        (403, None, AccessError),
        (404, {"error": {"message": 'model "x" not found, try pulling it first'}}, UnknownModelError),
        (404, {"detail": "Not Found"}, EndpointError),
        (400, {"message": "The model `x` does not exist."}, UnknownModelError),
        (400, {"error": [{"message": "too long"}]}, RequestRefusedError),
        (413, "<html>too large</html>", ContextOverflowError),
        (422, {"detail": [{"loc": ["body"]}]}, RequestRefusedError),
        (429, {"error": {"code": "insufficient_quota"}}, AccessError),
        (429, {}, TransientError),
        (500, "", TransientError),
        (520, "<html>", TransientError),
        (529, {}, TransientError),
    ],
)
def test_a_status_means_what_it_means(status: int, body: Any, expected: type[Exception]) -> None:
    found = from_status(status, body, {}, url="http://host/v1", model="x")
    assert expected is type(found)
    assert "http://host/v1" in str(found)
    assert len(str(found).splitlines()) == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:10 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
    ],
)
def test_a_wait_is_read_or_not_there(headers: dict[str, str], seconds: float | None) -> None:
    assert seconds == retry_after(headers, now=lambda: 50.0)
