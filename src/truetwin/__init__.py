"""Trustworthy answers from LLM digital twins: simulate, calibrate with human data, benchmark.

The public names below are imported on first use, so that ``import truetwin`` stays fast.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from truetwin._moved import OldModules
from truetwin._version import __version__

_PUBLIC = {
    "Contrast": "truetwin.data.contrast",
    "Experiment": "truetwin.experiments.experiment",
    "Item": "truetwin.data",
    "Marginals": "truetwin.data.marginals",
    "Panel": "truetwin.data",
    "People": "truetwin.data",
    "Persona": "truetwin.data.persona",
    "ReadingChoices": "truetwin.data.reading_choices",
    "ResponseMatrix": "truetwin.data",
    "Scale": "truetwin.data",
    "Target": "truetwin.data",
    "TwinRegressor": "truetwin.estimation.twin_regressor",
    "audit_twins": "truetwin.diagnosis",
    "calibrate": "truetwin.estimation.reconciliation",
    "diagnose": "truetwin.diagnosis",
    "estimate": "truetwin.estimation.estimation",
    "evaluate": "truetwin.evaluation",
    "evaluate_marginals": "truetwin.evaluation.marginal_evaluation",
    "plan": "truetwin.diagnosis",
    "plan_sample": "truetwin.estimation.sample_size",
    "pool": "truetwin.calibration.rubin_rules",
    "rake": "truetwin.estimation.raking",
    "read_answers": "truetwin.voice.scoring.stored_answers",
    "reweight": "truetwin.reweighting",
    "run_study": "truetwin.study",
    "score_outcomes": "truetwin.voice.scoring.accuracy",
    "simulate": "truetwin.simulation.survey.simulation",
}
_MODULES = ("plot",)
__all__ = ["__version__", *_MODULES, *_PUBLIC]


if not any(isinstance(finder, OldModules) for finder in sys.meta_path):
    sys.meta_path.insert(0, OldModules())


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"truetwin.{name}")
    if name not in _PUBLIC:
        raise AttributeError(f"module 'truetwin' has no attribute {name!r}")
    value = getattr(import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
