"""Lines in script form: whole plays, and scenes within prose."""

from __future__ import annotations

import pytest

from truetwin.voice_sets.novels.attribution import Utterance
from truetwin.voice_sets.novels.book import book_of
from truetwin.voice_sets.novels.characters import Character
from truetwin.voice_sets.novels.novel_drafts import context_before
from truetwin.voice_sets.novels.novel_pipeline import read_speech
from truetwin.voice_sets.novels.script_cues import cue_of

PLAY = """THE ORCHARD

CHARACTERS

ANNA REED, a widow

OLD SAMUEL BROOK, her neighbour

ACT I

SCENE. A garden behind ANNA'S house.

ANNA comes in from the left with a basket.

ANNA. Is the gate open? [She puts the basket down] I heard it.

BROOK. [Laughing] It has been open since the “great storm.”

ANNA. Then close it. It goes like this:

The gate that nobody closes
Is the gate that nobody sees.

BROOK. I will, (not that I must) today. [He goes out.

ANNA sits down and waits.

ACT II

BROOK. Here I am.

ANNA and BROOK. At last!

THE VOICE OF ANNA. Who is there?

ANNA. Nobody.
"""

PROSE = """CHAPTER I

The hall was full. “Where is it?” said Celia, and she ran to the door. “Come,” said Celia.

“I do not know,” said Alec, and he sat down. “Well,” said Alec, “I am tired.”

(Enter Mrs. BRAND in black.)

ALEC: Did you find it?

CELIA: (_Turning round_) Find what?

MRS. BRAND: (Sternly) Do what I say, Alec. (She sits down.) Your father
is asking for you.

(She points to the door.)

CELIA: Mother!

HE: He will be gone, mother.

SHE: (Softly) So will you,
I think.

They went out into the night. “Good night,” said Celia, and she laughed.

“Good night,” said Alec.
"""


def said(text: str, people: tuple[Character, ...] = ()) -> list[tuple[str, str]]:
    read, _ = read_speech(book_of(text, name="b"), people)
    return [
        (read.cast[u.speaker].name if u.speaker in read.cast else u.speaker, u.text) for u in read.utterances
    ]


def test_a_play_is_read_without_directions_headings_and_list_of_persons() -> None:
    assert said(PLAY) == [
        ("Anna Reed", "Is the gate open? I heard it."),
        ("Old Samuel Brook", "It has been open since the “great storm.”"),
        (
            "Anna Reed",
            "Then close it. It goes like this: The gate that nobody closes Is the gate that nobody sees.",
        ),
        ("Old Samuel Brook", "I will, (not that I must) today."),
        ("Old Samuel Brook", "Here I am."),
        ("other:anna and brook", "At last!"),
        ("Anna Reed", "Who is there?"),
        ("Anna Reed", "Nobody."),
    ]


def test_a_direction_stays_in_the_context_of_what_follows_it() -> None:
    book = book_of(PLAY, name="b")
    read, _ = read_speech(book)
    laughing: Utterance = read.utterances[1]
    assert context_before(book, laughing, 30).endswith("I heard it.\n\nBROOK. [Laughing]")


def test_scenes_in_script_form_within_prose_are_read_with_the_prose() -> None:
    found = said(PROSE)
    assert found[2:8] == [
        ("Alec", "Did you find it?"),
        ("Celia", "Find what?"),
        ("Mrs. Brand", "Do what I say, Alec. Your father is asking for you."),
        ("Celia", "Mother!"),
        ("Alec", "He will be gone, mother."),
        ("Mrs. Brand", "So will you, I think."),
    ]
    assert [name for name, _ in found][-2:] == ["Celia", "Alec"]


def test_names_are_found_in_full_in_part_and_abbreviated() -> None:
    people = (Character("r", "Rosalind Grey", (), "f"), Character("o", "Orlando Hill", ("Sir Orlando",), "m"))
    lines = "ROS. Who calls?\n\nSIR ORLANDO. I.\n\nROSALIND. You?\n\nORL. Yes, I.\n\nROSALIND GREY. Then.\n\nROS. Go."
    assert [name for name, _ in said(lines, people)] == [
        "Rosalind Grey",
        "Orlando Hill",
        "Rosalind Grey",
        "Orlando Hill",
        "Rosalind Grey",
        "Rosalind Grey",
    ]


def test_lines_without_blank_lines_between_them_are_apart() -> None:
    text = "ACT I\n\nANNA. Is it\nlate?\nBROOK. Very.\nANNA. Then go.\n\nBROOK. Now?\n"
    assert [words for _, words in said(text)] == ["Is it late?", "Very.", "Then go.", "Now?"]


def test_names_in_small_letters_open_lines_where_they_keep_returning() -> None:
    text = "\n\n".join(f"Anna. So say I {k}.\n\nBrook (laughing). So I hear {k}." for k in range(4))
    assert said(text)[:2] == [("Anna", "So say I 0."), ("Brook", "So I hear 0.")]


@pytest.mark.parametrize(
    "text",
    [
        "ACT II. A garden.",
        "SCENE: The same.",
        "CHAPTER IV. The end of it",
        "IV. He went home.",
        "He said. Then no.",
    ],
)
def test_headings_and_sentences_are_no_names(text: str) -> None:
    cue = cue_of(text)
    assert cue is None or not cue.in_capitals


def test_a_capital_word_in_prose_is_no_script() -> None:
    text = "\n\n".join(["“Yes,” said Anna.", "“No,” said Hale."] * 4 + ["NOTICE. Keep off the grass."])
    assert all(words in ("Yes,", "No,") for _, words in said(text))


def test_people_whom_a_script_names_by_a_title_alone_can_speak() -> None:
    text = "\n\n".join(["CAPTAIN. Who goes there?", "NORA. It is only me.", "DUKE. Let her pass."] * 3)
    assert [speaker for speaker, _ in said(text)[:3]] == ["Captain", "Nora", "Duke"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ANNA.--Is it late?", "Is it late?"),
        ("ANNA:—Is it late?", "Is it late?"),
        ("ANNA (aside). Is it late?", "Is it late?"),
        ("ANNA [to BROOK]: Is it late?", "Is it late?"),
        ("ANNA: (_She points (with her left hand) to the clock._) Is it late?", "Is it late?"),
        ("ANNA: Is it (she looks) late?", "Is it late?"),
        ("ANNA—Is it late?", "Is it late?"),
        ("ANNA -- Is it late?", "Is it late?"),
        ("ANNA\tIs it late?", "Is it late?"),
        ("ANNA    Is it late?", "Is it late?"),
        ("ANNA\nI ask,\nis it late?", "I ask, is it late?"),
        ("ANNA\n\nIs it late?", "Is it late?"),
        ("ANNA (rising):\n\nIs it late?", "Is it late?"),
        ("ANNA. [Sings]\n\n“The night is late.”", "“The night is late.”"),
        ("ANNA: Is it late?\n\n[A pause.]\n\nI ask you.", "Is it late? I ask you."),
        ("ANNA: Is it late?\n\n[She sits.] I ask you.", "Is it late? I ask you."),
        ("_Anna_. Is it late?", None),
    ],
)
def test_notations_of_lines_and_directions(line: str, expected: str | None) -> None:
    text = f"{line}\n\nANNA: Well?\n\nBROOK: Not yet.\n\nANNA: Then wait."
    assert said(text)[0] == ("Anna", expected or "Well?")


def test_what_a_direction_introduces_is_not_said_by_whoever_spoke_before() -> None:
    text = "ANNA. You do not listen.\n\nBROOK. [Sings]\n\n“Where is the gate,\nmy dear?”\n\nANNA. Oh!\n\nBROOK. Ah!"
    assert said(text)[:2] == [("Anna", "You do not listen."), ("Brook", "“Where is the gate, my dear?”")]


def test_a_play_with_names_above_the_words_and_no_blank_lines_is_read() -> None:
    text = "ACT I\n\nANNA\nIs it late?\nIs it dark?\nBROOK\nVery.\n\nACT II\n\nANNA\n\nThen go.\n\nBROOK\n\nNow?\n"
    assert said(text) == [
        ("Anna", "Is it late? Is it dark?"),
        ("Brook", "Very."),
        ("Anna", "Then go."),
        ("Brook", "Now?"),
    ]


def test_chapters_named_after_people_are_no_lines() -> None:
    chapter = "“Yes,” said Anna.\n\n“No,” said Hale.\n\n" * 3
    text = "".join(f"{name}\n\nThe day went on.\n\n{chapter}" for name in ("ANNA", "HALE", "ANNA"))
    assert all(words in ("Yes,", "No,") for _, words in said(text))


@pytest.mark.parametrize(
    "direction", ["NORA comes in with my lamp.", "It is dark in my room.\n\nA clock strikes.\n\nRain."]
)
def test_what_directs_is_said_by_nobody(direction: str) -> None:
    text = f"ANNA. Who is it?\n\nBROOK. [He looks out]\n\n{direction}\n\nANNA. Is it late?\n\nBROOK. Very."
    assert [words for _, words in said(text)] == ["Who is it?", "Is it late?", "Very."]
    text = text.replace("[He looks out]", "Nobody.")
    assert [words for _, words in said(text)] == ["Who is it?", "Nobody.", "Is it late?", "Very."]


def test_names_in_small_letters_that_open_few_paragraphs_are_no_script() -> None:
    told = "\n\n“It rains,” said Hale.\n\n“It does,” said Nora.\n\n"
    text = told.join(f"{name}. A day like any other." for name in ("Monica", "Petra") * 3)
    assert all(words in ("It rains,", "It does,") for _, words in said(text))


def test_entries_of_a_list_of_persons_are_no_lines() -> None:
    persons = "CHARACTERS\n\nANNA REED. A widow.\n\nBROOK. Her neighbour.\n\nANNA REED (young). The same."
    assert [words for _, words in said(f"{persons}\n\nACT I\n\nANNA. Well?\n\nBROOK. No.\n\nANNA. Oh.")] == [
        "Well?",
        "No.",
        "Oh.",
    ]


def test_a_name_means_whoever_has_it_before_whomever_it_abbreviates() -> None:
    people = (Character("a", "Ann Grey", (), "f"), Character("b", "Annabel Hill", (), "f"))
    lines = "ANN. Who calls?\n\nANNABEL. I.\n\nANN. You?"
    assert [name for name, _ in said(lines, people)] == ["Ann Grey", "Annabel Hill", "Ann Grey"]


@pytest.mark.parametrize("title", ["London. An arrival", "JANE: A PORTRAIT"])
def test_a_title_below_a_chapter_number_stays_a_heading(title: str) -> None:
    assert book_of(f"CHAPTER I\n\n{title}\n\nIt was late.", name="b").paragraphs[1].is_heading
