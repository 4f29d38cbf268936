"""How settings are checked, and what a message about a wrong one says on each side."""

from __future__ import annotations

from typing import Any

import pytest

from truetwin.errors import ParameterError
from truetwin.settings.calibrate_settings import Calibrate, CalibrateCommand
from truetwin.settings.declaration import (
    RuleBrokenError,
    Settings,
    Side,
    default_of,
    read_settings,
    values_of,
)
from truetwin.settings.evaluate_settings import Evaluate, EvaluateCommand
from truetwin.settings.option_list import options_of
from truetwin.settings.personas_settings import FineTuneCommand, PersonasBuildCommand
from truetwin.settings.program_settings import DemoCommand
from truetwin.settings.shared_settings import CachedPrices, Caps, Connection, RunLimits
from truetwin.settings.simulate_settings import Simulate, SimulateCommand
from truetwin.settings.study_settings import Study
from truetwin.settings.voice_build_settings import NarrativeCommand, NarrativeSettings

FILES = {"personas": "p.jsonl", "items": "i.csv", "model": "m"}


def refused(model: type[Settings], values: dict[str, Any], side: Side, where: str = "") -> str:
    with pytest.raises(ParameterError) as caught:
        read_settings(model, values, side, where)
    return str(caught.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"pilot": "x"}, "--pilot must be a whole number; got 'x'"),
        ({"pilot": "-1"}, "--pilot must not be negative; got -1"),
        ({"validity_floor": "2"}, "--validity-floor must lie between 0 and 1; got 2"),
        ({"cap_cost": 0}, "--cap-cost must be greater than 0; got 0"),
        ({"order": "fixd"}, "--order must be fixed, reversed or rotated; got 'fixd'. Did you mean 'fixed'?"),
        ({"per_call": "x"}, "--per-call must be a whole number of at least 1 or 'block'; got 'x'"),
        ({"timeout": "nan"}, "--timeout must be a number; got 'nan'"),
        ({"extra": "[1]"}, "--extra must be a JSON object; got a list"),
        ({"temperature": "hot"}, "--temperature must be a number between 0 and 2; got 'hot'"),
        ({"run": "r", "pilot": 3}, "--pilot goes with --dry-run"),
        ({"run": "r", "price_in": 1}, "prices must be given for both directions: --price-in and --price-out"),
    ],
)
def test_a_wrong_option_is_called_by_its_flag(values: dict[str, Any], message: str) -> None:
    assert refused(SimulateCommand, {**FILES, **values}, Side.COMMAND_LINE) == message


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"simulate": {"model": "m", "order": "x"}}, "simulate.order must be fixed, reversed or rotated; got 'x'"),
        (
            {"calibrate": {"interval": 2}},
            "calibrate.interval must be a number strictly between 0 and 1, or 0 for none; got 2",
        ),
        ({"evaluate": {"methods": 3}}, "evaluate.methods must be names, separated by commas; got 3"),
        (
            {"simulate": {"model": "m", "price_in": 1}},
            "prices must be given for both directions: simulate.price_in and simulate.price_out",
        ),
        ({"voice": {"build": {"narrative": {"books": ["b"], "build": {"limit": 0}}}}},
         "voice.build.narrative.build.limit must be at least 1; got 0"),
        ({"diagnose": 5}, "diagnose must be settings by name; got 5"),
        ({"simulate": {"model": "m", "temperature": True}},
         "simulate.temperature must be a number between 0 and 2; got True"),
        ({"simulate": {"model": "m", "per_call": True}},
         "simulate.per_call must be a whole number of at least 1 or 'block'; got True"),
        ({"evaluate": {"thresholds": ["bogus"]}},
         "evaluate.thresholds must be some of ridge, lasso, elastic-net or synthetic-intervention; got 'bogus'"),
        ({"calibrate": {"interval": 0.9, "intervals": 0.5}},
         "there is no setting 'intervals' in a study file; it is called calibrate.interval"),
    ],
)  # fmt: skip
def test_a_wrong_key_is_called_by_its_path(section: dict[str, Any], message: str) -> None:
    found = refused(Study, {"inputs": {}, **section}, Side.STUDY, "study.yaml: ")
    assert found == f"study.yaml: {message}"


def test_an_unknown_key_is_answered_with_the_closest_one() -> None:
    found = refused(Study, {"inputs": {}, "calibrate": {"intreval": 0.9}}, Side.STUDY)
    assert found.startswith("there is no setting 'calibrate.intreval'. Did you mean 'interval'? Known here: ")


def test_a_keyword_argument_is_called_by_its_name() -> None:
    with pytest.raises(ParameterError, match=r"^temperature must lie between 0 and 2; got 3$"):
        Simulate(model="m", temperature=3)
    with pytest.raises(ParameterError, match="prices come from prices or from price_in and price_out"):
        CachedPrices(price_in=1, price_out=1, prices="p.yaml")


def test_the_number_of_further_problems_is_told() -> None:
    assert refused(Caps, {"cap_cost": 0, "cap_tokens": "x"}, Side.PYTHON).endswith("(1 more problems)")


def test_texts_of_options_are_read() -> None:
    found = read_settings(
        CalibrateCommand,
        {"human": "h", "twin": "t", "output": "o", "parameters": ["ridge.alpha=10", "lasso.rule=x"], "intervals": "0"},
        Side.COMMAND_LINE,
    )  # fmt: skip
    assert found.parameters == {"ridge": {"alpha": 10}, "lasso": {"rule": "x"}}
    assert found.intervals is None


def test_names_are_split_at_commas_and_ids_are_not() -> None:
    assert Evaluate(methods="twin, ridge,twin").methods == ("twin", "ridge")
    assert Calibrate(items="Q1,Q2").items == ("Q1,Q2",)


def test_a_study_has_defaults_of_its_own() -> None:
    study = read_settings(
        Study, {"inputs": {}, "calibrate": {}, "evaluate": {}, "simulate": {"model": "m"}}, Side.STUDY
    )
    assert study.calibrate is not None
    assert study.evaluate is not None
    assert study.simulate is not None
    assert (Calibrate().intervals, study.calibrate.intervals) == (None, 0.9)
    assert study.evaluate.metric == ("pearson", "bias", "variance-ratio")
    assert study.simulate.frame == "survey"


def test_a_list_of_voices_is_the_old_way_to_say_results() -> None:
    study = read_settings(Study, {"inputs": {}, "voice": ["a.jsonl"]}, Side.STUDY)
    assert [str(path) for path in study.voice.results] == ["a.jsonl"]


def test_rules_of_a_command_name_its_flags() -> None:
    found = refused(EvaluateCommand, {"human": "h", "twin": "t", "blocks": "auto"}, Side.COMMAND_LINE)
    assert found == "--blocks goes with --protocol leave-block-out; the protocol is leave-one-item-out"


def test_nested_settings_become_options_unless_they_are_for_files() -> None:
    flags = {option.flag for option in options_of(NarrativeCommand)}
    assert {"--seed", "--licence"} <= flags
    assert "--nearest" not in flags
    found = refused(
        NarrativeCommand, {"books": ["b"], "output": "o", "build": {"seed": "-1"}}, Side.COMMAND_LINE
    )
    assert found == "--seed must not be negative; got -1"


def test_arguments_come_first_then_what_must_be_given() -> None:
    names = [option.name for option in options_of(CalibrateCommand)]
    assert names[:3] == ["human", "twin", "--output"]
    assert names[-1] == "--json"


def test_help_says_default_and_limits() -> None:
    helps = {option.name: option.help for option in options_of(SimulateCommand)}
    assert helps["--concurrency"].endswith("[default: 512; 1 or more]")
    assert helps["--key-variable"].endswith("[default: OPENAI_API_KEY]")
    assert helps["--validity-floor"].endswith("[default: 0.9; 0 to 1]")


def test_one_word_alone_is_a_list_of_it() -> None:
    found = Evaluate(protocols="leave-block-out", thresholds="ridge")
    assert (found.protocols, found.thresholds) == (("leave-block-out",), ("ridge",))


@pytest.mark.parametrize("command", [DemoCommand, FineTuneCommand])
def test_a_seed_that_draws_is_not_negative(command: type[Settings]) -> None:
    files = {name: "x" for name in ("answers", "personas", "items", "output") if name in command.model_fields}
    found = refused(command, {**files, "seed": "-1"}, Side.COMMAND_LINE)
    assert found == "--seed must not be negative; got -1"


def test_what_a_user_wrote_may_hold_braces() -> None:
    values = {"answers": "h.csv", "output": "{seed}.csv"}
    found = refused(PersonasBuildCommand, values, Side.COMMAND_LINE)
    assert found == "personas are written as JSON lines; the name of {seed}.csv must end in .jsonl"
    broken = RuleBrokenError(
        "{source} must hold all {respondents}; it has no {unknown}", source="{}", unknown="{x}"
    )
    named = broken.named(PersonasBuildCommand, Side.COMMAND_LINE)
    assert str(named) == "{} must hold all --respondents; it has no {x}"


def test_settings_cannot_be_changed_and_groups_can_be_taken_out() -> None:
    settings = Simulate(model="m", base_url="http://x/v1")
    with pytest.raises(Exception, match="frozen"):
        settings.model = "n"  # type: ignore[misc]
    assert values_of(settings, Connection) == {
        "base_url": "http://x/v1",
        "engine": "openai",
        "key_variable": None,
        "drop_unsupported": False,
        "no_system": False,
        "preflight": True,
    }
    assert default_of(RunLimits, "concurrency") == 512


def test_nested_settings_are_made_from_mappings() -> None:
    found = read_settings(NarrativeSettings, {"build": {"matching": {"nearest": 40}}}, Side.FILE)
    assert found.build.matching.nearest == 40


def test_a_percentage_is_answered_with_the_level() -> None:
    from truetwin.settings.calibrate_settings import Calibrate

    with pytest.raises(ValueError, match=r"got 90\. Did you mean 0\.9\?"):
        Calibrate(intervals=90)


@pytest.mark.parametrize(
    ("text", "right"), [("auto", None), ("none", ()), ("77, 88,-99", (77, 88, -99)), ([9], (9,)), (9, (9,))]
)
def test_codes_are_read_from_text(text: object, right: object) -> None:
    from truetwin.settings.shared_settings import Reading

    assert Reading(missing_codes=text).missing_codes == right
