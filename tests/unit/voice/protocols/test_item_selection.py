"""Items that are played: persons of whom nothing is known, and published files of one's own mirror."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from truetwin.datasets.pinned_dataset import blob_id
from truetwin.datasets.twinvoice import INTERPERSONAL, SOCIAL, SOCIAL_ANSWERS, twinvoice
from truetwin.errors import DataError, DatasetError
from truetwin.voice.items.voice_items import Turn, VoicePersona, write_voice_items
from truetwin.voice.protocols.item_selection import select_items
from voice_examples import interpersonal_record, item, social_answer, social_record, write_lines

Publish = Callable[[str, Iterable[Any]], Path]


@pytest.fixture
def publish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Publish:
    """Put a made-up file into a mirror, pinned by the git blob id of its content."""
    monkeypatch.setenv("TRUETWIN_DATA_MIRROR", str(tmp_path))

    def write(path: str, records: Iterable[Any]) -> Path:
        file = tmp_path / "TwinBench" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        write_lines(file, records)
        monkeypatch.setitem(twinvoice.files, path, blob_id(file))  # type: ignore[arg-type]
        return file

    return write


def test_published_items_bring_their_histories(publish: Publish) -> None:
    publish(SOCIAL, map(social_record, range(1, 5)))
    publish(INTERPERSONAL, map(interpersonal_record, range(1, 4)))
    social, other = select_items("social", control=None), select_items("interpersonal", control=None)
    assert [(len(s.items), len(s.items[0].history), s.label, s.remarks) for s in (social, other)] == [
        (4, 3, "", ()),
        (3, 3, "", ()),
    ]
    assert social.about["layout"] == "social"


def test_a_published_file_of_another_content_is_refused(publish: Publish) -> None:
    write_lines(publish(INTERPERSONAL, [interpersonal_record(1)]), [interpersonal_record(2)])
    with pytest.raises(DatasetError, match="git blob id differs"):
        select_items("interpersonal", control=None)


def test_published_answers_alone_have_no_persona_to_play(publish: Publish) -> None:
    publish(SOCIAL_ANSWERS[0], (social_answer(k, 0) for k in range(1, 5)))
    with pytest.raises(DataError, match=r"4 of 4 items .* not in this mirror .*--control none"):
        select_items("social", control=None)
    chosen = select_items("social", control="none")
    assert (chosen.label, chosen.about["control"]) == ("no persona known", "none")
    assert chosen.labelled("m") == "m (no persona known)"
    assert "not in this mirror" in chosen.remarks[0]


def test_a_profile_is_knowledge_of_a_person_and_a_name_is_none(tmp_path: Path) -> None:
    named = item(1, history=())
    described = item(2, history=(), persona=VoicePersona("p", "Ann", traits=("calm",)))
    path = tmp_path / "items.jsonl"
    write_voice_items(path, [described, item(3)])
    assert select_items(path, control=None).label == ""
    write_voice_items(path, [described, named])
    with pytest.raises(DataError, match="1 of 2 items"):
        select_items(path, control=None)
    assert select_items(path, control="none").label == "no persona known in 1 of 2 items"
    assert select_items(path, control="none", limit=1).label == ""


def test_an_item_whose_history_gave_the_reply_away_is_played_and_said(tmp_path: Path) -> None:
    bare = item(1)
    told = replace(bare, history=(Turn(bare.true_option.text, "", "1"),))
    path = tmp_path / "items.jsonl"
    write_voice_items(path, [told, item(2)])
    chosen = select_items(path, control=None)
    assert len(chosen.items) == 2
    assert "1 of 2 items tell nothing" in chosen.remarks[0]


def test_controls_are_labelled(tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    write_voice_items(path, [item(1), item(2)])
    assert [select_items(path, control=c).label for c in ("no-history", "no-persona", "none")] == [
        "control: no-history",
        "control: no-persona",
        "",
    ]
