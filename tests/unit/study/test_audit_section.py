"""The section audit_twins of a study: step, files and report."""

from __future__ import annotations

import json
from pathlib import Path

import truetwin as tt
from truetwin.data.frames import to_frame
from truetwin.datasets.audit_worlds import generate_audit_world
from truetwin.io import write_table
from truetwin.study.study_check import check_study
from truetwin.study.study_file import read_study

STUDY = """
inputs:
  human: human.csv
  twin: {flat: shrunk.csv, good: faithful.csv}
  persona_items: [Q01]
evaluate: {methods: [twin], protocols: [leave-one-item-out, leave-one-respondent-out], metric: pearson}
audit_twins: {trained_until: 2024-06}
"""


def test_a_study_audits_its_twins_and_reports_it(tmp_path: Path) -> None:
    for fault in ("faithful", "shrunk"):
        panel = generate_audit_world(fault, 100, 12).panel
        write_table(
            to_frame(panel.twin.values, panel.twin.respondent_ids, panel.twin.item_ids),
            tmp_path / f"{fault}.csv",
        )
    human = panel.human
    write_table(to_frame(human.values, human.respondent_ids, human.item_ids), tmp_path / "human.csv")
    path = tmp_path / "study.yaml"
    path.write_text(STUDY, encoding="utf-8")
    assert check_study(read_study(path))
    tt.run_study(read_study(path), tmp_path / "run")
    record = json.loads((tmp_path / "run" / "twin-audit.json").read_text(encoding="utf-8"))
    assert record["sources"]["flat"]["checks"]["spread"]["flagged"]
    assert record["sources"]["good"]["checks"]["declared_leaks"]["rows"] == [{"item": "Q01"}]
    refused = json.loads(
        (tmp_path / "run" / "evaluation-leave-one-respondent-out.json").read_text(encoding="utf-8")
    )
    assert "no new respondents" in refused["impossible"]
    report = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "Which twin to use for what" in report
    assert "Audit of flat" in report
    assert "Warning: scores under leave-one-item-out on 1 items say nothing" in report
