"""Quotations under the conventions of different editions."""

from __future__ import annotations

import pytest

from truetwin.errors import DataError
from truetwin.voice_sets.novels.book import Book, book_of
from truetwin.voice_sets.novels.quotations import find_convention, find_quotations
from truetwin.voice_sets.novels.spans import joined_text

FILLER = "\n\n".join(f"{{o}}Line number {k} is here.{{c}}" for k in range(6))


def book(text: str, opening: str, closing: str) -> Book:
    return book_of(text + "\n\n" + FILLER.format(o=opening, c=closing), name="b")


def first(text: str, opening: str, closing: str) -> list[str]:
    """Return what is said in the first paragraph."""
    found = book(text, opening, closing)
    spans = find_quotations(found).spans.get(0, ())
    return [joined_text(found, [span]) for span in spans]


@pytest.mark.parametrize(
    ("opening", "closing", "name"),
    [
        ("“", "”", "double-curly"),
        ('"', '"', "double-straight"),
        ("‘", "’", "single-curly"),
        ("'", "'", "single-straight"),
        ("«", "»", "guillemets"),
        ("« ", " »", "guillemets"),
        ("»", "«", "guillemets-inward"),
        ("`", "'", "single-backtick"),
        ("„", "“", "low-curly"),
        ("„", "”", "low-right"),
        ("„", '"', "low-straight"),
        ("—", "", "dash"),
        ("— ", "", "dash"),
        ("– ", "", "dash-short"),
        ("―", "", "dash-bar"),
        ("--", "", "dash-hyphens"),
        ("- ", "", "dash-hyphen"),
    ],
)
def test_each_convention_is_recognised_and_read(opening: str, closing: str, name: str) -> None:
    found = book(f"{opening}Come in at once.{closing}", opening, closing)
    assert name == find_convention(found).name
    assert joined_text(found, find_quotations(found).spans[0]) == "Come in at once."


@pytest.mark.parametrize(("opening", "closing"), [("‘", "’"), ("'", "'"), ("`", "'")])
def test_apostrophes_do_not_close_single_quotes(opening: str, closing: str) -> None:
    a = closing
    said = f"It isn{a}t the boys{a} fault, {a}tis the dogs{a} o{a} course."
    assert [said] == first(f"{opening}{said}{closing} she said.", opening, closing)


def test_a_straight_apostrophe_within_narration_opens_nothing() -> None:
    assert first("The girl's brother didn't stir. 'Go on,' she said.", "'", "'") == ["Go on,"]


def test_quotations_within_quotations_belong_to_the_outer_one() -> None:
    assert first("‘She said “never” to me.’", "‘", "’") == ["She said “never” to me."]
    assert first("“She said ‘never’ to me.”", "“", "”") == ["She said ‘never’ to me."]


def test_speech_interrupted_by_the_narrator_has_several_spans() -> None:
    assert first("“Well,” she said, “I think so.”", "“", "”") == ["Well,", "I think so."]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("—Where is it? said Anna.", ["Where is it?"]),
        ("—I lost it, he said quietly, and sat down. Let me look.", ["I lost it,", "Let me look."]),
        ("—Well—said Anna—let us look.", ["Well", "let us look."]),
        ("—I lost it—or somebody did—on the way.", ["I lost it—or somebody did—on the way."]),
        ("—No —dijo Ana—. Ven.", ["No", "Ven."]),
        ("—He said so yesterday.", ["He said so yesterday."]),
    ],
)
def test_the_narrator_is_cut_out_of_speech_that_a_dash_opens(text: str, expected: list[str]) -> None:
    assert first(text, "—", "") == expected


@pytest.mark.parametrize(("opening", "closing"), [("“", "”"), ("'", "'"), ("»", "«"), ("„", "“")])
def test_a_quotation_over_three_paragraphs_is_opened_anew_in_each(opening: str, closing: str) -> None:
    text = "\n\n".join(f"{opening}Part {k} isn't the last." for k in range(3)) + closing
    quotations = find_quotations(book(text, opening, closing))
    assert frozenset({1, 2}) == quotations.joined
    assert quotations.n_unclosed == 0


def test_a_quotation_over_paragraphs_is_one() -> None:
    found = book("“First part of it.\n\n“Second part of it.”", "“", "”")
    quotations = find_quotations(found)
    assert frozenset({1}) == quotations.joined
    assert quotations.n_unclosed == 0


def test_a_quotation_that_is_never_closed_is_counted_and_ends_with_its_paragraph() -> None:
    found = book("“No end to this.\n\nThe narrator goes on.", "“", "”")
    quotations = find_quotations(found)
    assert quotations.n_unclosed == 1
    assert 1 not in quotations.spans


def test_a_word_spoken_of_is_no_speech() -> None:
    assert first("The house called ‘The Crags’ stood empty for years.", "‘", "’") == []


def test_a_chapter_title_is_no_speech() -> None:
    found = book_of("Chapter I\n\n“Sweet are the uses.”\n\n" + FILLER.format(o="“", c="”"), name="b")
    assert 1 not in find_quotations(found).spans


def test_a_book_without_quotation_marks_is_refused_with_its_counts() -> None:
    plain = book_of("\n\n".join("Nobody said a word about it." for _ in range(50)), name="silent")
    with pytest.raises(DataError, match=r"'silent' has 0 such marks in 300 words"):
        find_convention(plain)
