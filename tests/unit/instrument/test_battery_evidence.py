from __future__ import annotations

import numpy as np
import pytest

import truetwin as tt
from truetwin.data import Item, Panel, ResponseMatrix
from truetwin.errors import DataError, ParameterError
from truetwin.instrument.battery_evidence import duplicate_groups, find_blocks, missing_groups, resolve_blocks


def panel_of(human: np.ndarray, twin: np.ndarray, names: list[str]) -> Panel:
    people = [f"p{k}" for k in range(len(human))]
    return Panel(ResponseMatrix(human, people, names), ResponseMatrix(twin, people, names))


def anonymous() -> Panel:
    """a and b were asked of the same half; c and d are near-duplicates; e and f stand alone."""
    rng = np.random.default_rng(0)
    human, twin = rng.normal(size=(2, 200, 6))
    human[rng.permutation(200)[:100], :2] = np.nan
    human[rng.permutation(200)[:100], 4] = np.nan
    twin[:, 3] = -twin[:, 2] + 0.1 * twin[:, 3]
    return panel_of(human, twin, list("abcdef"))


def test_batteries_are_found_in_missing_answers_and_near_duplicates() -> None:
    found = find_blocks(anonymous())
    assert found.of == {"a": "a", "b": "a", "c": "c", "d": "c", "e": "e", "f": "f"}
    assert (found.by_ids, found.by_missingness, found.by_duplicates) == (0, 2, 2)
    assert "4 blocks found, 2 of them batteries" in found.describe()


def test_found_blocks_do_not_depend_on_the_order_of_the_table() -> None:
    panel = anonymous()
    order = [3, 0, 5, 1, 4, 2]
    turned = panel_of(panel.human_values[:, order], panel.twin_values[:, order], list("dafbec"))
    assert find_blocks(turned).of == find_blocks(panel).of


def test_found_blocks_do_not_look_at_what_people_answered() -> None:
    panel = anonymous()
    noise = np.random.default_rng(9).normal(size=panel.human_values.shape)
    scrambled = panel_of(
        np.where(np.isnan(panel.human_values), np.nan, noise), panel.twin_values, list("abcdef")
    )
    assert find_blocks(scrambled).of == find_blocks(panel).of


def test_evidence_of_several_kinds_makes_chains() -> None:
    panel = anonymous()
    named = panel_of(panel.human_values, panel.twin_values, ["m_1", "a", "c", "d", "m_2", "f"])
    assert find_blocks(named).of == {"m_1": "a", "a": "a", "m_2": "a", "c": "c", "d": "c", "f": "f"}


def test_a_pattern_that_most_items_share_is_no_battery() -> None:
    seen = np.ones((100, 6), dtype=bool)
    seen[:20, :4] = False
    assert missing_groups(seen) == []
    seen[:20, 2:4] = True
    assert missing_groups(seen) == [[0, 1]]


def test_a_few_people_who_left_make_no_battery() -> None:
    seen = np.ones((100, 6), dtype=bool)
    seen[:3, :2] = False
    assert missing_groups(seen) == []


def test_items_that_all_twins_answer_alike_are_no_duplicates() -> None:
    values = np.ones((50, 2))
    assert duplicate_groups(values) == []


def test_declared_blocks_win_then_ids_then_all_evidence() -> None:
    panel = anonymous()
    assert resolve_blocks(panel, {"a": "x", "f": "x"})[0]["b"] == "b"
    assert "4 items without one" in resolve_blocks(panel, {"a": "x", "f": "x"})[1]
    people = list(panel.respondent_ids)
    items = [Item(i, block="x" if i in "ef" else None) for i in "abcdef"]
    declared = Panel(*(ResponseMatrix(v, people, items) for v in (panel.human_values, panel.twin_values)))
    assert resolve_blocks(declared, None)[0]["e"] == "x"
    assert resolve_blocks(panel, None)[0]["b"] == "a"
    numbered = panel_of(panel.human_values, panel.twin_values, ["q_1", "q_2", "c", "d", "e", "f"])
    assert resolve_blocks(numbered, None)[0]["d"] == "d"
    assert "by the ids" in resolve_blocks(numbered, None)[1]


def test_blocks_that_cover_nothing_are_refused_and_a_single_one_is_named() -> None:
    panel = anonymous()
    with pytest.raises(DataError, match="none of the 1 named items"):
        resolve_blocks(panel, {"zz": "x"})
    with pytest.raises(ParameterError, match="'auto' or None"):
        resolve_blocks(panel, "ids")  # type: ignore[arg-type]
    one = dict.fromkeys("abcdef", "x")
    assert resolve_blocks(panel, one)[1] == "a single block of all items as declared"
    with pytest.raises(DataError, match="at least two blocks"):
        tt.evaluate(panel, ["twin"], "leave-block-out", blocks=one)


def test_an_evaluation_says_how_it_found_the_blocks() -> None:
    table = tt.evaluate(anonymous(), ["twin"], "leave-block-out", blocks="auto")
    assert table.settings["n_folds"] == 4
    assert "identical missing answers 2" in table.settings["blocks"]
    with pytest.raises(ParameterError, match="goes with leave-block-out"):
        tt.evaluate(anonymous(), ["twin"], blocks="auto")


@pytest.mark.usefixtures("needs_data")
def test_the_blocks_of_twin_2k_500_by_all_evidence() -> None:
    from truetwin.datasets import twin_2k_500

    found = find_blocks(twin_2k_500.load())
    assert found.n_blocks == 34
    assert found.of["Q171"] == found.of["Q177"]
