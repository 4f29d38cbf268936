"""Diagnosis of panels with nominal items."""

from __future__ import annotations

import numpy as np

from recoding import recoded
from truetwin.datasets import generate_world
from truetwin.diagnosis import diagnose
from truetwin.diagnosis.asking_plan import plan
from truetwin.diagnosis.faults import item_faults
from truetwin.instrument.battery_evidence import find_blocks

WORLD = generate_world("good", 150, 20, n_new_items=5, kinds=("nominal", "five-point"))


def test_other_codes_change_no_verdict_and_no_figure() -> None:
    one, other = diagnose(WORLD.panel), diagnose(recoded(WORLD.panel))
    for row, same in zip(one.verdicts, other.verdicts, strict=True):
        named = WORLD.panel.scales[row["item"]].kind == "nominal"
        assert row["reasons"][-1].startswith("a nominal item, judged by who chose") == named
        assert row | {"reasons": []} == same | {"reasons": []}
    assert one.record == other.record
    assert one.alignments["row"].records() == other.alignments["row"].records()
    assert one.bounds == other.bounds
    assert one.shares == other.shares


def test_other_codes_change_neither_plan_nor_batteries() -> None:
    other = recoded(WORLD.panel)
    assert plan(WORLD.panel, 2).chosen == plan(other, 2).chosen
    assert find_blocks(WORLD.panel) == find_blocks(other)


def test_every_new_nominal_item_gets_a_verdict() -> None:
    found = diagnose(WORLD.panel)
    assert [row["item"] for row in found.verdicts] == list(WORLD.panel.new_items)
    assert all(np.isfinite(row["expected_calibrated"]) for row in found.verdicts)


def test_nominal_items_have_no_fault_of_level_or_spread() -> None:
    rows = {row["item"]: row for row in item_faults(WORLD.panel)}
    nominal = [i for i, scale in WORLD.panel.scales.items() if scale.kind == "nominal"]
    assert not any("sd_ratio" in rows[i] or "level_bias" in rows[i] for i in nominal)
    assert not any(rows[i]["off_range"] for i in nominal)
