"""Speech and speakers of a real novel against the published items that were made from it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from item_agreement import Agreement, Known, agreement
from truetwin.voice_sets.novels.book import read_book
from truetwin.voice_sets.novels.characters import read_characters
from truetwin.voice_sets.novels.novel_pipeline import read_speech

MIRROR = Path(os.environ.get("TRUETWIN_DATA_MIRROR", "."))
BOOK = MIRROR.parent / "texts" / "novels" / "a-pair-of-blue-eyes.txt"
NOVEL = "BlueEyes"
pytestmark = pytest.mark.skipif(not BOOK.is_file(), reason="needs the public data and the novel beside them")


@pytest.fixture(scope="module", params=["published list", "no list"])
def found(request: pytest.FixtureRequest) -> Agreement:
    from truetwin.datasets.twinvoice import PROFILES, twinvoice
    from truetwin.voice.items.dimensions import narrative

    items = [i for i in narrative.load(remove_leaks=False).items if i.group == NOVEL]
    known = [Known(i.true_option.text, i.persona.name, float(i.provenance["chunk_id"])) for i in items]
    listed = request.param == "published list"
    people = read_characters(twinvoice.fetch(PROFILES), novel=NOVEL) if listed else []
    return agreement(read_speech(read_book(BOOK), people)[0], known)


def test_utterances_that_stand_in_the_book_are_as_many_as_reported(found: Agreement) -> None:
    assert (found.n_known, found.n_in_book) == (217, 191)


def test_most_published_utterances_are_found_as_speech(found: Agreement) -> None:
    assert found.n_found >= 0.85 * found.n_in_book


def test_most_are_attributed_to_the_published_speaker_by_rules(found: Agreement) -> None:
    assert found.n_same_speaker >= 0.75 * found.n_found
