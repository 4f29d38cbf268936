"""Texts of a page lead to the meaning of their words."""

from __future__ import annotations

import re

import pytest

from truetwin.report.page import SURVEY_WORDS, VOICE_WORDS, Page, Section, render
from truetwin.report.word_links import WordLinks


def test_a_part_links_each_word_once_and_escapes_the_rest() -> None:
    linked = WordLinks([("twin", "a model"), ("battery or block", "items asked together")]).part()
    assert str(linked("Twins & <b>batteries</b>, twins")) == (
        '<a class="word" href="#word-twin">Twins</a> &amp; &lt;b&gt;'
        '<a class="word" href="#word-battery-or-block">batteries</a>&lt;/b&gt;, twins'
    )
    assert str(linked("a block of a twin\x1b")) == "a block of a twin\\x1b"
    assert str(WordLinks([]).part()("a <twin>")) == "a &lt;twin&gt;"


def test_words_inside_words_are_left_alone() -> None:
    linked = WordLinks([("item", "a question"), ("standard error or SE", "a spread")]).part()
    assert str(linked("itemised, user")) == "itemised, user"


@pytest.mark.parametrize("words", [SURVEY_WORDS, VOICE_WORDS])
def test_every_link_of_a_page_leads_somewhere(words: tuple[tuple[str, str], ...]) -> None:
    text = ". ".join(name for word, _ in words for name in word.split(" or "))
    page = render(Page("t", "q", "a", sections=[Section("s", [text])], words=words))
    targets = set(re.findall(r'href="#([^"]+)"', page))
    assert {WordLinks.anchor(word) for word, _ in words} <= targets
    assert targets <= set(re.findall(r'id="([^"]+)"', page))
