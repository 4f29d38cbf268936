"""Files are written whole or not at all, under any name that the system allows."""

from __future__ import annotations

from pathlib import Path

import pytest

from truetwin.errors import OutputError
from truetwin.io.atomic import check_writable, replacing


def test_the_longest_name_that_systems_allow_can_be_written_and_a_longer_one_is_refused(
    tmp_path: Path,
) -> None:
    longest = tmp_path / ("é" * 125 + "x.csv")
    with replacing(longest) as (draft,):
        draft.write_text("1")
    assert longest.read_text() == "1"
    with pytest.raises(OutputError, match="may have 255 bytes"):
        check_writable(tmp_path / ("é" * 126 + "x.csv"))
