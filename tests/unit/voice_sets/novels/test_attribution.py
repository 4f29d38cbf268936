"""Attribution of speech, by rules, on made-up scenes."""

from __future__ import annotations

import pytest

from truetwin.voice_sets.novels.attribution import Utterance, attribute, narration_of
from truetwin.voice_sets.novels.book import book_of
from truetwin.voice_sets.novels.characters import Character, complete_cast
from truetwin.voice_sets.novels.quotations import CONVENTIONS, find_quotations

PEOPLE = [
    Character("anna", "Anna Reed", ("Anna",), "f"),
    Character("hale", "Thomas Hale", ("Hale",), "m"),
    Character("voss", "Clara Voss", ("Clara",), "f", details=("Occupation: Doctor and painter",)),
    Character("reed", "John Reed", ("John",), "m"),
]


def speakers(*paragraphs: str) -> list[str]:
    return [u.speaker for u in utterances(*paragraphs)]


def utterances(*paragraphs: str) -> list[Utterance]:
    book = book_of("\n\n".join(["Anna and Hale sat alone.", *paragraphs]), name="b")
    quotations = find_quotations(book, CONVENTIONS[0])
    narration = [" ".join(narration_of(book, quotations, p.index)) for p in book.paragraphs]
    return attribute(book, quotations, complete_cast(PEOPLE, narration))


@pytest.mark.parametrize(
    ("paragraph", "expected"),
    [
        ("“Yes,” said Anna.", "anna"),
        ("“Yes,” Hale replied slowly.", "hale"),
        ("“Yes,” he said.", "hale"),
        ("“Yes,” she whispered.", "anna"),
        ("Anna turned round and said, “Yes.”", "anna"),
        ("“Yes,” said the doctor.", "voss"),
        ("“Yes,” said her father.", "reed"),
        ("“Yes,” answered Mr. Hale.", "hale"),
        ("“Yes,” said an old porter.", "other:an old"),
    ],
)
def test_a_tag_names_the_speaker(paragraph: str, expected: str) -> None:
    assert [expected] == speakers(paragraph)


def test_people_take_turns_where_nothing_is_said_about_it() -> None:
    talk = ("“Shall we go?” said Anna.", "“Not yet.”", "“When, then?”", "“Soon,” said Hale.", "“Good.”")
    assert speakers(*talk) == ["anna", "hale", "anna", "hale", "anna"]


def test_evidence_at_the_end_decides_the_beginning() -> None:
    assert speakers("“Who is it?”", "“Nobody.”", "“Then sit down,” said Hale.") == ["hale", "anna", "hale"]


def test_nobody_addresses_themselves() -> None:
    assert speakers("“Come here, Anna, and look.”") == ["hale"]


@pytest.mark.parametrize(
    "words",
    ["Do what I say, Anna.", "Oh, Anna, look up!", "Oh Anna, look up!", "Listen, Anna dear.", "Anna--stop!"],
)
def test_whoever_is_addressed_does_not_speak_though_they_act_beside_it(words: str) -> None:
    assert speakers(f"“{words}” Anna sat quite still.") != ["anna"]


def test_whoever_is_addressed_in_quoted_words_may_speak() -> None:
    assert speakers("“He said, ‘Come, Anna,’ and I came.” Anna sat down.") == ["anna"]


def test_a_name_before_a_colon_announces_the_next_paragraph() -> None:
    assert speakers("At last Anna whispered:", "“It is over.”") == ["anna"]


def test_what_one_person_does_beside_the_speech_tells_who_speaks() -> None:
    assert speakers("Hale laughed. “As you like.”") == ["hale"]


def test_two_speakers_of_one_paragraph_are_told_apart() -> None:
    assert speakers("“Yes,” said Anna. “No,” said Hale.") == ["anna", "hale"]


def test_an_interrupted_speech_is_one_utterance() -> None:
    (found,) = utterances("“Well,” said Anna, “I am not sure.”")
    assert found.text == "Well, I am not sure."
    assert found.basis == "named"


def test_speech_over_paragraphs_is_one_utterance() -> None:
    (found,) = utterances("“First of all,” said Anna, “listen.", "“And then go.”")
    assert found.text == "First of all, listen. And then go."
    assert found.paragraph + 1 == found.last_paragraph


def test_titles_go_to_whoever_they_fit_and_others_are_people_of_their_own() -> None:
    said = [
        "said Miss Reed, and Miss Reed smiled. Miss Reed and Miss Reed.",
        "said Mrs. Reed. Mrs. Reed said so. Mrs. Reed",
    ] * 2
    cast = {p.id: p for p in complete_cast(PEOPLE, said)}
    assert "Miss Reed" in cast["anna"].forms
    assert "Mrs Reed" not in cast["anna"].forms
    assert cast["found:Mrs Reed"].gender == "f"


def test_people_are_found_without_a_list() -> None:
    said = [
        "said Anna, and she went.",
        "replied Hale.",
        "Hale answered that he knew.",
        "Anna said so to herself.",
    ] * 3
    assert {p.name: p.gender for p in complete_cast([], said)} == {"Anna": "f", "Hale": "m"}


def test_people_whose_names_have_an_article_are_found() -> None:
    said = ["said the Duchess, and she went.", "The Duchess replied.", "said the March Hare; he ate."] * 3
    assert {p.name for p in complete_cast([], said)} == {"Duchess", "March Hare"}


def test_a_first_name_belongs_to_whoever_bears_it_first() -> None:
    said = ["said Long Joe.", "said Joe.", "Joe Hale and Mrs. Hale came."] * 3
    forms = {p.name: p.forms for p in complete_cast([], said)}
    assert "Joe" in forms["Joe Hale"]
    assert "Joe" not in forms["Long Joe"]


def test_a_name_in_capitals_is_the_same_name() -> None:
    assert speakers("“You ANNA!” Anna sat quite still.") != ["anna"]
