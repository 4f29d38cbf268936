"""What was importable in version 0.1 still is, and says where it is now."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec

import pytest

import truetwin
from truetwin._moved import MOVED, NOW_ROOMS, adopt_old_hooks

# What the pages of version 0.1 named: the reference, the guides, the README and CONTRIBUTING.
DOCUMENTED = [
    "calibration.auto.Auto",
    "calibration.methods.make_calibrator",
    "calibration.online.Estimate",
    "calibration.online.OnlineItem",
    "calibration.residuals.condition",
    "data.block_evidence.resolve_blocks",
    "data.blocks.infer_blocks",
    "diagnosis.plan.plan",
    "diagnosis.prepare.prepare",
    "diagnosis.record.Record",
    "diagnosis.verdict.Verdict",
    "evaluation.blocks.check_blocks",
    "evaluation.protocols.protocols",
    "io.marginals.read_marginals",
    "io.panels.read_panel",
    "llm.batch_files.export_requests",
    "llm.batch_files.import_replies",
    "llm.merge.merge_stores",
    "llm.scripted.ScriptedModel",
    "llm.store.Store",
    "report.answers.write_answers",
    "report.diagnosis_figures.spectrum_figure",
    "report.predictions.write_predictions",
    "report.voice_leaderboard.write_leaderboard",
    "reweighting.align.align",
    "simulation.answers.SurveyAnswers",
    "simulation.answers.collect_answers",
    "simulation.design.SurveyDesign",
    "simulation.job.simulate",
    "simulation.personas.BUILDERS",
    "simulation.personas.build_personas",
    "study.check.check_study",
    "study.config.read_study",
    "study.report.study_page",
    "study.run.StudyRun",
    "study.run.run_study",
    "voice.agreement.cohen_kappa",
    "voice.agreement.krippendorff_alpha",
    "voice.audit.AuditReport",
    "voice.audit.audit",
    "voice.inspect_tasks.voice_narrative",
    "voice.items.Option",
    "voice.items.Turn",
    "voice.items.VoiceItem",
    "voice.items.VoicePersona",
    "voice.items.read_voice_items",
    "voice.items.write_voice_items",
    "voice.leaderboard.ranked",
    "voice.leaderboard.read_results",
    "voice.outcomes.Outcome",
    "voice.outcomes.Protocol",
    "voice.outcomes.write_outcomes",
    "voice.play.Played",
    "voice.play.Player",
    "voice.play.judge_replies",
    "voice.play.play",
    "voice.predictors.guess",
    "voice.rates.rate",
    "voice.repair.matched_subset",
    "voice.repair.repaired_release",
    "voice.replay.read_answers",
    "voice.samples.draw_sample",
    "voice.scoreboard.Scoreboard",
    "voice.scoreboard.score_answers",
    "voice.scores.Score",
    "voice.scores.compare",
    "voice.scores.score_outcomes",
    "voice.sources.generic_item",
    "voice.sources.load_source",
    "voice.study.agreement_rows",
    "voice.study.make_study",
    "voice.style.style_probabilities",
    "voice.task.Setup",
]


NEEDS = {"voice.inspect_tasks.voice_narrative": pytest.mark.extra("inspect")}


@pytest.mark.parametrize("old", [pytest.param(old, marks=NEEDS.get(old, ())) for old in DOCUMENTED])
def test_a_documented_name_is_had_by_its_old_path_with_a_warning(
    old: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, _, name = f"truetwin.{old}".rpartition(".")
    if module.removeprefix("truetwin.") in MOVED:  # it may have been imported, and warned, before
        monkeypatch.delitem(sys.modules, module, raising=False)
    with pytest.warns(DeprecationWarning, match=rf"^{module}(\.{name})? is now truetwin\.") as warned:
        found = getattr(import_module(module), name)
    place = str(warned[-1].message).split(" is now ")[1].split(";")[0]
    if module.removeprefix("truetwin.") in NOW_ROOMS:
        place = place.removesuffix(f".{name}")
    assert found is getattr(import_module(place), name)


@pytest.mark.parametrize("old", MOVED)
def test_what_moved_is_where_the_table_says(old: str) -> None:
    assert find_spec(f"truetwin.{MOVED[old]}") is not None
    assert old not in MOVED.values()


@pytest.mark.parametrize("room", NOW_ROOMS)
def test_names_of_a_module_that_is_a_room_now_are_where_the_table_says(room: str) -> None:
    place, names = NOW_ROOMS[room]
    module = import_module(f"truetwin.{place}")
    assert [name for name in names.split() if not hasattr(module, name)] == []
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = import_module(f"truetwin.{room}").nothing


def run(code: str) -> str:
    """What a program prints that takes old names."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


def test_an_old_module_does_not_take_the_place_of_what_its_package_exports() -> None:
    code = (
        "import truetwin.diagnosis.plan, truetwin.calibration.methods\n"
        "from truetwin.calibration import methods\n"
        "print(callable(truetwin.diagnosis.plan), 'ridge' in methods)"
    )
    assert "True True" in run(code)


def test_an_old_module_is_the_new_one_and_not_a_second_copy() -> None:
    code = (
        "from truetwin.voice.dimensions import social as old\n"
        "from truetwin.voice.items.dimensions import social as new\n"
        "print(old is new, new.__spec__.name)"
    )
    assert "True truetwin.voice.items.dimensions.social" in run(code)


def test_the_warning_points_at_the_line_that_imports() -> None:
    said = run("\nimport truetwin.io.panels\n")
    assert "<string>:2: DeprecationWarning: truetwin.io.panels is now truetwin.io.panel_files" in said


def test_what_never_was_is_not_found() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"truetwin\.calibration\.nothing"):
        import_module("truetwin.calibration.nothing")
    assert truetwin.__version__


def test_hooks_by_their_old_names_are_called_and_warn() -> None:
    class Base:
        def __init_subclass__(cls) -> None:
            adopt_old_hooks(cls, {"_work": "work"})

        def work(self) -> str:
            raise NotImplementedError

    class New(Base):
        def work(self) -> str:
            return "new"

    with pytest.warns(DeprecationWarning, match=r"Old\._work is now .*Old\.work") as warned:

        class Old(New):
            def _work(self) -> str:
                return f"old, then {super()._work()}"  # type: ignore[misc]

    assert Old().work() == "old, then new"
    assert warned[0].filename == __file__
