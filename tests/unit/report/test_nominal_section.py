"""The section of predictions, with nominal items among the targets."""

from __future__ import annotations

from truetwin.report.page import Table
from truetwin.report.sections.calibration_section import calibration_section


def test_a_nominal_target_has_no_expected_correlation_and_no_level() -> None:
    targets = [
        {"target": item, "axis": "item", "n_predicted": 3, "n_unpredicted": 0} for item in ("party", "Q1")
    ]
    laws = {"party": {}, "Q1": {"expected_correlation": [0.1, 0.3, 0.5], "mean": 2.0, "sd": 1.0}}
    section = calibration_section({"method": "auto", "targets": targets, "laws": laws}, [], None)
    (table, *_) = (block for block in section.blocks if isinstance(block, Table))
    assert [row.get("expected") for row in table.rows] == [None, 0.3]
    assert [row.get("level") for row in table.rows] == [None, 2.0]
