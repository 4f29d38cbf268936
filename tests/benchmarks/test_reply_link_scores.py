"""Scores of reply links against annotations."""

from __future__ import annotations

from pathlib import Path

import pytest

from reply_link_scores import read_links, score_links
from truetwin.errors import FileFormatError


def test_links_are_scored_against_the_annotated_ones(tmp_path: Path) -> None:
    path = tmp_path / "2004-01-02.a.raw.txt"
    path.write_bytes(
        b"=== ann has joined\n[10:00] <ann> how do I mount it\n[10:01] <bob> what for\n"
        b"[10:02] <eve> ann: with mount caf\xe9\n[10:03]  * ann nods\n"
    )
    annotated = tmp_path / "2004-01-02.a.annotation.txt"
    annotated.write_text("1 1 -\n1 3 -\n2 2 -\n")
    assert read_links(annotated) == [(1, 1), (1, 3), (2, 2)]
    score = score_links([path], "heuristic")
    assert (score.n_messages, score.n_annotated, score.n_predicted, score.n_correct) == (3, 1, 1, 1)
    before = score_links([path], "message before")
    assert (before.n_predicted, before.n_correct, before.f1) == (2, 0, 0.0)
    annotated.write_text("one 3 -\n")
    with pytest.raises(FileFormatError, match="must hold two line numbers"):
        read_links(annotated)
