from __future__ import annotations

from dataclasses import replace

from truetwin.voice.scoring.item_matching import content_of, matched
from voice_examples import item


def test_answers_to_items_of_the_same_content_get_one_item_each() -> None:
    one = item(0)
    known = [one, replace(one, item_id="again"), item(1)]
    content = content_of(one)
    found = matched([("x", content), ("again", content), ("y", content)], known)
    assert [each and each.item_id for each in found] == [one.item_id, "again", None]
