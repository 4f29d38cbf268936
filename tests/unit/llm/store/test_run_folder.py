from __future__ import annotations

from pathlib import Path

import pytest

from truetwin.errors import RunError
from truetwin.llm.store.run_folder import folder_of, run_store


def test_a_run_is_named_by_its_folder_or_by_its_file(tmp_path: Path) -> None:
    with run_store(tmp_path / "run") as store:
        assert store.path == tmp_path / "run" / "run.sqlite"
    with run_store(tmp_path / "other" / "mine.sqlite") as store:
        assert store.path == tmp_path / "other" / "mine.sqlite"
    assert folder_of(tmp_path / "run") == tmp_path / "run"
    assert folder_of(tmp_path / "other" / "mine.sqlite") == tmp_path / "other"


def test_only_a_run_that_is_there_can_be_resumed(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no run to resume"), run_store(tmp_path / "run", resume=True):
        pass
    assert not (tmp_path / "run").exists()
