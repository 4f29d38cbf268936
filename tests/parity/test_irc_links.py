"""The reply heuristic on real channels, against annotated links (IRC disentanglement corpus, CC BY 4.0)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reply_link_scores import annotation_of, score_links
from truetwin.voice_sets.conversations.message_logs import IrcLog


@pytest.fixture(scope="module")
def logs() -> Path:
    mirror = os.environ.get("TRUETWIN_DATA_MIRROR")
    folder = Path(mirror or "") / ".." / "texts" / "irc-disentanglement"
    if not mirror or not folder.is_dir():
        pytest.skip(
            "needs the IRC logs beside the data mirror (TRUETWIN_DATA_MIRROR/../texts/irc-disentanglement)"
        )
    return folder


def test_the_heuristic_keeps_its_agreement_with_annotators_of_other_channels(logs: Path) -> None:
    files = [path for path in IrcLog(logs / "new-domains").files if annotation_of(path).exists()]
    found = {rule: score_links(files, rule) for rule in ("heuristic", "message before")}
    assert len(files) == 12
    assert (found["heuristic"].n_messages, found["heuristic"].n_annotated) == (2354, 2145)
    assert found["heuristic"].f1 == pytest.approx(0.649, abs=0.005)
    assert found["message before"].f1 == pytest.approx(0.604, abs=0.005)
    others = score_links(files, "heuristic", others_only=True)
    assert others.f1 == pytest.approx(0.594, abs=0.005)
