"""Functions and records take the defaults of the settings, and check what they are given by them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import truetwin as tt
from truetwin.data import Item, ResponseMatrix, Scale
from truetwin.data.persona import Persona
from truetwin.datasets import generate_population
from truetwin.errors import DataError, ParameterError, TruetwinError
from truetwin.llm import RunOptions, Store
from truetwin.settings.calibrate_settings import Calibrate
from truetwin.settings.declaration import Settings, mark_of
from truetwin.settings.declaration import Unset as UnsetMark
from truetwin.settings.diagnose_settings import Diagnose
from truetwin.settings.evaluate_marginals_settings import EvaluateMarginals
from truetwin.settings.evaluate_settings import EvaluateCommand
from truetwin.settings.reweight_settings import Reweight
from truetwin.settings.shared_settings import RunLimits
from truetwin.settings.simulate_settings import Design
from truetwin.settings.voice_settings import Questions
from truetwin.simulation import SurveyDesign
from truetwin.voice.protocols.voice_task import Setup

FUNCTIONS: list[tuple[Callable[..., Any], type[Settings]]] = [
    (tt.calibrate, Calibrate),
    (tt.evaluate, EvaluateCommand),
    (tt.diagnose, Diagnose),
    (tt.reweight, Reweight),
    (tt.evaluate_marginals, EvaluateMarginals),
]
RECORDS = [(SurveyDesign, Design), (RunOptions, RunLimits), (Setup, Questions)]
#: Where a function in Python means something else by the name, or starts from something else.
OTHER = {
    ("evaluate", "methods"): "a short comparison is enough for a first look in Python",
    ("evaluate_marginals", "methods"): "as for evaluate",
    ("calibrate", "parameters"): "those of the one method",
}


def plain(value: Any) -> Any:
    """Nothing given is nothing given, and one name is a list of it."""
    return (
        None
        if value in ((), {}, None)
        else value[0]
        if isinstance(value, tuple) and len(value) == 1
        else value
    )


PAIRS = [
    (function, name, parameter.default, model.model_fields[name])
    for function, model in FUNCTIONS
    for name, parameter in inspect.signature(function).parameters.items()
    if name in model.model_fields and (function.__name__, name) not in OTHER
]


@pytest.mark.parametrize(
    ("function", "name", "default", "field"), PAIRS, ids=[f"{f.__name__}-{name}" for f, name, _, _ in PAIRS]
)
def test_functions_have_the_defaults_of_the_settings(
    function: Callable[..., Any], name: str, default: Any, field: Any
) -> None:
    if default is not inspect.Parameter.empty:
        assert plain(default) == plain(field.default)


@pytest.mark.parametrize(("record", "model"), RECORDS, ids=[record.__name__ for record, _ in RECORDS])
def test_records_have_the_defaults_of_the_settings(record: Any, model: type[Settings]) -> None:
    shared = [
        field for field in fields(record) if field.name in model.model_fields and field.default is not MISSING
    ]
    assert shared
    for field in shared:
        declared = model.model_fields[field.name]
        if mark_of(declared, UnsetMark) is None:
            assert field.default == declared.default, field.name


def test_keyword_arguments_are_checked_as_options_are() -> None:
    panel = generate_population(40, 8, n_new_items=0).panel
    with pytest.raises(ParameterError, match=r"^max_folds must be at least 1; got 0$"):
        tt.evaluate(panel, ["twin"], max_folds=0)
    with pytest.raises(
        ParameterError, match=r"^there is no setting 'temprature'\. Did you mean 'temperature'\?"
    ):
        tt.simulate([], [], "m", "run", temprature=1)
    with pytest.raises(
        ParameterError, match=r"^per_call must be a whole number of at least 1 or 'block'; got 0$"
    ):
        tt.simulate([], [], "m", "run", per_call=0)


def test_simulate_asks_what_its_settings_say(tmp_path: Path) -> None:
    who = [Persona("007", "A spy.")]
    items = [Item(name, f"Do you like {name}?", Scale.ordinal(1, 5)) for name in ("tea", "rain")]
    construction = "text-temperature-0.7-gpt-4.1-mini"
    summary, answers = tt.simulate(
        who, items, "generated", tmp_path, only=["rain"], construction=construction
    )
    assert (summary.total, answers.item_ids) == (1, ("rain",))
    with Store(tmp_path) as store:
        assert store.settings("answer")["task"]["sampling"]["temperature"] == 0.7
    with pytest.raises(TruetwinError, match="item"):
        tt.simulate(who, [items[0], items[0]], "generated", tmp_path / "twice")


def test_a_simulation_with_nothing_left_to_ask_says_so(tmp_path: Path) -> None:
    items = [Item("tea", "Do you like tea?", Scale.ordinal(1, 5))]
    known = ResponseMatrix(np.array([[3.0]]), ["007"], ["tea"])
    with pytest.raises(DataError, match="nothing is left to ask"):
        tt.simulate([Persona("007", "A spy.")], items, "generated", tmp_path, known=known)
