from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from truetwin.errors import DataError, FileFormatError
from truetwin.voice.items.voice_items import Option, Turn, VoiceItem, VoicePersona
from truetwin.voice.protocols.choosing import ChoiceTask
from truetwin.voice.protocols.voice_prompts import VoicePrompts
from truetwin.voice.protocols.voice_task import Setup

OWN = """version: 7
--- system
Du bist diese Person.
--- user
{{persona}}Bisher: {{history}}
Neu: {{stimulus}}
Zur Wahl: {{options}}
Antworte mit JSON: {"choice": "..."}
"""


def an_item() -> VoiceItem:
    options = tuple(Option(i, f"Antwort {i}.") for i in "abc")
    return VoiceItem(
        "1",
        "social",
        "de",
        VoicePersona("p", "Ada"),
        "Schnee!",
        options,
        "b",
        history=(Turn("Ja.", "Regen?"),),
    )


def folder_with(tmp_path: Path, **texts: str) -> Path:
    for name, text in texts.items():
        (tmp_path / f"{name.replace('_', '-')}.txt").write_text(text, encoding="utf-8")
    return tmp_path


def test_an_own_prompt_in_any_language_takes_the_place_of_the_packaged_one(tmp_path: Path) -> None:
    words = "version: 2\n---\nPost = Beitrag\nWho you are = Wer du bist\nName = Name der Person\nprofile = Profil\n"
    prompts = VoicePrompts(folder_with(tmp_path, choose_social=OWN, words=words))
    task = ChoiceTask([an_item()], Setup(prompts=prompts))
    [cell] = task.cells()
    system, user = task.request(cell).messages
    assert system.content == "Du bist diese Person."
    assert "Beitrag: Regen?" in user.content
    assert "Wer du bist:\n<<<Profil" in user.content
    assert "Name der Person: Ada" in user.content
    described = task.settings["prompts"]
    assert [(p["name"], p["version"]) for p in described] == [("choose-social", 7), ("words", 2)]


def test_a_prompt_that_changes_changes_the_settings_of_the_run(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, choose_social=OWN)
    before = ChoiceTask([an_item()], Setup(prompts=VoicePrompts(folder))).settings
    folder_with(tmp_path, choose_social=OWN.replace("Neu", "Jetzt"))
    assert before != ChoiceTask([an_item()], Setup(prompts=VoicePrompts(folder))).settings


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("choose-socal", OWN, "choose-socal.txt replaces no prompt"),
        ("choose-social", OWN.replace("{{history}}", ""), "it lacks {{history}}"),
        (
            "choose-social",
            OWN.replace("{{stimulus}}", "{{stimulus}} {{post}}"),
            "{{post}}, which nothing fills",
        ),
        ("words", "Pots = Beitrag\n", "'Pots' is filled into no prompt"),
        ("words", "Post = A\nPost = B\n", "'Post' is given again"),
    ],
)
def test_a_fault_of_a_prompt_file_is_named_with_the_file(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    (tmp_path / f"{name}.txt").write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        VoicePrompts(tmp_path)
    assert said in str(caught.value)
    assert f"{name}.txt" in str(caught.value)


@pytest.mark.parametrize("text", ["Du bist.", "version: 1\n--- narrator\nHallo\n", ""])
def test_a_file_that_is_no_prompt_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "score.txt").write_text(text, encoding="utf-8")
    with pytest.raises(FileFormatError, match=r"score\.txt"):
        VoicePrompts(tmp_path)


def test_a_folder_without_prompts_says_how_they_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"named annotate\.txt.*words\.txt; it holds none"):
        VoicePrompts(tmp_path)
    with pytest.raises(FileFormatError, match="there is no folder"):
        VoicePrompts(tmp_path / "missing")


def test_copies_of_the_packaged_prompts_are_accepted_as_they_are(tmp_path: Path) -> None:
    for path in (files("truetwin.voice") / "prompts").iterdir():
        (tmp_path / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    own, packaged = VoicePrompts(tmp_path), VoicePrompts()
    assert own.prompt("truetwin.voice", "score") == packaged.prompt("truetwin.voice", "score")
