"""Stages: counted, cached, resumed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from truetwin.voice_sets.common.stages import Stages, Tally

INPUTS = {"book": "abc", "seed": "0"}


def numbers(tally: Tally) -> Iterator[dict[str, Any]]:
    for k in range(5):
        if tally.keep("odd" if k % 2 else None):
            yield {"k": k}


def refuse(tally: Tally) -> Iterator[dict[str, Any]]:
    raise AssertionError("this stage must not be done again")
    yield


def test_counts_add_up(tmp_path: Path) -> None:
    stage = Stages(tmp_path, INPUTS).run("even", numbers)
    assert (stage.n_in, stage.n_out, stage.dropped) == (5, 3, {"odd": 2})


def test_a_finished_stage_is_read_and_not_done_again(tmp_path: Path) -> None:
    first = Stages(tmp_path, INPUTS).run("even", numbers)
    again = Stages(tmp_path, INPUTS).run("even", refuse)
    assert again.cached
    assert list(first.records()) == list(again.records())
    assert first.row() == again.row()


@pytest.mark.parametrize("change", ["input", "settings", "stage before"])
def test_whatever_a_stage_depends_on_makes_it_another(tmp_path: Path, change: str) -> None:
    def run(inputs: dict[str, str], before: dict[str, int], own: dict[str, int]) -> bool:
        stages = Stages(tmp_path, inputs)
        stages.run("one", numbers, before)
        return stages.run("two", numbers, own).cached

    run(INPUTS, {"a": 1}, {"b": 1})
    assert run(INPUTS, {"a": 1}, {"b": 1})
    changed = {
        "input": (INPUTS | {"seed": "1"}, {"a": 1}, {"b": 1}),
        "settings": (INPUTS, {"a": 1}, {"b": 2}),
        "stage before": (INPUTS, {"a": 2}, {"b": 1}),
    }
    assert not run(*changed[change])


@pytest.mark.parametrize("damage", ["cut", "changed", "no record"])
def test_a_damaged_stage_is_done_again(tmp_path: Path, damage: str) -> None:
    stage = Stages(tmp_path, INPUTS).run("even", numbers)
    whole = stage.path.read_bytes()
    if damage == "cut":
        stage.path.write_bytes(whole[:-4])
    elif damage == "changed":
        stage.path.write_bytes(whole.replace(b"4", b"5"))
    else:
        (stage.path.parent / "steps.json").write_text("{", encoding="utf-8")
    again = Stages(tmp_path, INPUTS).run("even", numbers)
    assert not again.cached
    assert whole == again.path.read_bytes()


def test_a_stage_that_breaks_leaves_nothing_that_looks_finished(tmp_path: Path) -> None:
    def breaks(tally: Tally) -> Iterator[dict[str, Any]]:
        yield {"k": 0}
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Stages(tmp_path, INPUTS).run("even", breaks)
    assert list((tmp_path / ".stages").iterdir()) == []


def test_files_of_older_settings_are_removed(tmp_path: Path) -> None:
    old = Stages(tmp_path, INPUTS).run("even", numbers, {"a": 1})
    Stages(tmp_path, INPUTS).run("even", numbers, {"a": 2})
    assert not old.path.exists()
