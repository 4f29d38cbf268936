"""JSON objects are found wherever they stand in a reply, with bounded work."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truetwin.llm.json_replies import object_schema, objects_in


@given(
    st.lists(st.dictionaries(st.text(), st.integers() | st.text()), max_size=5), st.text(alphabet="ab \n`]")
)
def test_every_object_is_found_at_its_place(objects: list[dict[str, object]], between: str) -> None:
    text = between + between.join(json.dumps(each) for each in objects)
    found = list(objects_in(text, most=50))
    assert [value for _, value in found] == objects
    assert all(text[place] == "{" for place, _ in found)


def test_a_broken_object_is_reported_and_the_search_goes_on() -> None:
    (_, first), (place, second) = objects_in('{"a": } {"b": 1}', most=9)
    assert isinstance(first, json.JSONDecodeError)
    assert (place, second) == (8, {"b": 1})


@pytest.mark.parametrize("text", ["{" * 5000, '{"a":' * 5000])
def test_the_work_on_a_hostile_reply_is_bounded(text: str) -> None:
    assert len(list(objects_in(text, most=7))) == 7


def test_a_schema_admits_its_properties_only() -> None:
    schema = object_schema({"answer": {"type": "integer"}})
    assert schema["required"] == ["answer"]
    assert schema["additionalProperties"] is False
