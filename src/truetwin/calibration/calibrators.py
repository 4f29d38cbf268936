"""Table of methods: names, settings that the paper published, and settings to choose from."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from truetwin.calibration.auto.auto_calibrator import Auto
from truetwin.calibration.base import Calibrator
from truetwin.calibration.paper import baselines
from truetwin.calibration.paper.adaptive_transfer import (
    AdaptiveElasticNet,
    AdaptiveLasso,
    AdaptiveRidge,
    AdaptiveSyntheticIntervention,
)
from truetwin.calibration.paper.completion import ALS, HardSVD, SoftSVD
from truetwin.calibration.paper.fit_and_transfer import (
    ElasticNet,
    Lasso,
    Ridge,
    SyntheticControl,
    SyntheticControlPaper,
    SyntheticIntervention,
)
from truetwin.calibration.paper.network import NeuralNet
from truetwin.calibration.paper.synthetic_prior import SyntheticPrior
from truetwin.data import Axis, Panel
from truetwin.errors import ParameterError, UnknownMethodError, UnknownNameError
from truetwin.registry import Registry, closest

CROSS_VALIDATION = "cv"
PRESETS = ("movielens", "twin-2k-500")


@dataclass(frozen=True)
class Method:
    """Entry in the table of methods.

    Attributes
    ----------
    kind : str
        Family of the method.
    summary : str
        Description in one line.
    make : type of Calibrator
        Class of the method; called without arguments it has the paper's settings for new items of Twin-2K-500.
    published : mapping from (preset, axis) to settings
        Settings from paper A, tables 7 and 8.
    candidates : tuple of settings
        Settings that cross-validation chooses from, the most regularised first.
    """

    kind: str
    summary: str
    make: type[Calibrator]
    published: Mapping[tuple[str, Axis], Mapping[str, Any]] = field(default_factory=dict)
    candidates: tuple[Mapping[str, Any], ...] = ()


def _check_method(entry: Any) -> None:
    """Raise an error unless an entry of another package is a method that can be made."""
    if not isinstance(entry, Method):
        raise ParameterError(f"it must be a truetwin.calibration.calibrators.Method; it is {entry!r:.80}")
    made = entry.make()
    if not isinstance(made, Calibrator):
        raise ParameterError(f"'make' must be a class of Calibrator; it makes {made!r:.80}")
    made.get_params()


methods: Registry[Method] = Registry(
    "calibrator",
    hint="`truetwin methods` lists all.",
    entry_point_group="truetwin.calibrators",
    check=_check_method,
    error=UnknownMethodError,
)


def _published(
    movielens_item: Mapping[str, Any],
    movielens_respondent: Mapping[str, Any],
    twin_item: Mapping[str, Any],
    twin_respondent: Mapping[str, Any],
) -> dict[tuple[str, Axis], Mapping[str, Any]]:
    return {
        ("movielens", "item"): movielens_item,
        ("movielens", "respondent"): movielens_respondent,
        ("twin-2k-500", "item"): twin_item,
        ("twin-2k-500", "respondent"): twin_respondent,
    }


def _each(name: str, *values: Any) -> tuple[dict[str, Any], ...]:
    return tuple({name: value} for value in values)


# How the paper ran matrix completion for new respondents; it returns the twins' item means for everybody.
_UNLINKED = {"stack": "unlinked"}
_CONTROL = _published({"alpha": 1e-8}, {"alpha": 1.0}, {"alpha": 1e-6}, {"alpha": 1e-6})

for _name, _aliases, _method in (
    (
        "auto",
        (),
        Method(
            "automatic", "combines predictors with weights learned on other items, never on the target", Auto
        ),
    ),
    ("twin", ("baseline",), Method("baseline", "the twin's own answer, uncalibrated", baselines.TwinAsIs)),
    (
        "in-context",
        (),
        Method("baseline", "a twin shown the person's other answers", baselines.InContextTwin),
    ),
    (
        "twin-item-mean",
        (),
        Method("baseline", "mean of the twins' answers to the item", baselines.TwinItemMean),
    ),
    (
        "human-item-mean",
        ("item-mean",),
        Method("baseline", "mean of other people's answers to the item", baselines.HumanItemMean),
    ),
    (
        "human-respondent-mean",
        ("respondent-mean",),
        Method("baseline", "the person's mean answer to the donors", baselines.HumanRespondentMean),
    ),
    (
        "ridge",
        (),
        Method(
            "fit-and-transfer",
            "ridge regression",
            Ridge,
            _published({"alpha": 1000.0}, {"alpha": 1000.0}, {"alpha": 100.0}, {"alpha": 5000.0}),
            _each("alpha", 10000.0, 3000.0, 1000.0, 300.0, 100.0, 30.0, 10.0),
        ),
    ),
    (
        "lasso",
        (),
        Method(
            "fit-and-transfer",
            "regression with an l1 penalty",
            Lasso,
            _published({"alpha": 0.01}, {"alpha": 0.1}, {"alpha": 0.001}, {"alpha": 1.0}),
            _each("alpha", 1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001),
        ),
    ),
    (
        "elastic-net",
        ("en",),
        Method(
            "fit-and-transfer",
            "regression with l1 and l2 penalties",
            ElasticNet,
            _published(
                {"alpha": 0.1, "l1_ratio": 0.1},
                {"alpha": 1.0, "l1_ratio": 0.1},
                {"alpha": 0.01, "l1_ratio": 0.3},
                {"alpha": 1.0, "l1_ratio": 0.1},
            ),
            tuple({"alpha": a, "l1_ratio": r} for a in (1.0, 0.3, 0.1, 0.03, 0.01) for r in (0.1, 0.3)),
        ),
    ),
    (
        "neural-net",
        ("nn",),
        Method(
            "fit-and-transfer",
            "feed-forward network",
            NeuralNet,
            _published(
                {"hidden": (16,), "weight_decay": 0.1},
                {"hidden": (8,), "weight_decay": 1.0},
                {"hidden": (8,), "weight_decay": 0.05},
                {"hidden": (8, 8), "weight_decay": 0.001},
            ),
            _each("weight_decay", 1.0, 0.3, 0.1, 0.03),
        ),
    ),
    (
        "synthetic-control",
        ("sc",),
        Method(
            "fit-and-transfer",
            "convex combination of donors, solved exactly",
            SyntheticControl,
            _CONTROL,
            _each("alpha", 100.0, 1.0, 1e-6),
        ),
    ),
    (
        "synthetic-intervention",
        ("si",),
        Method(
            "fit-and-transfer",
            "ridge regression on leading singular directions",
            SyntheticIntervention,
            _published(
                {"rank": 50, "alpha": 100.0},
                {"rank": 10, "alpha": 100.0},
                {"rank": 20, "alpha": 100.0},
                {"rank": 30, "alpha": 100.0},
            ),
            tuple({"rank": r, "alpha": 100.0} for r in (3, 5, 10, 20, 50)),
        ),
    ),
    (
        "hard-svd",
        ("hsv",),
        Method(
            "matrix completion",
            "iterative SVD of fixed rank",
            HardSVD,
            _published({"rank": 5}, {"rank": 2, **_UNLINKED}, {"rank": 5}, {"rank": 2, **_UNLINKED}),
            _each("rank", 1, 2, 3, 5, 8),
        ),
    ),
    (
        "soft-svd",
        ("ssv",),
        Method(
            "matrix completion",
            "iterative SVD with lowered singular values",
            SoftSVD,
            _published(
                {"rank": 15, "shrinkage": 5.0},
                {"rank": 5, "shrinkage": 20.0, **_UNLINKED},
                {"rank": 20, "shrinkage": 20.0},
                {"rank": 10, "shrinkage": 10.0, **_UNLINKED},
            ),
            tuple({"rank": 20, "shrinkage": s} for s in (40.0, 20.0, 10.0, 5.0)),
        ),
    ),
    (
        "als",
        (),
        Method(
            "matrix completion",
            "alternating least squares, ridge-penalised factors",
            ALS,
            _published(
                {"rank": 15, "penalty": 5.0},
                {"rank": 3, "penalty": 5.0, **_UNLINKED},
                {"rank": 20, "penalty": 20.0},
                {"rank": 15, "penalty": 0.5, **_UNLINKED},
            ),
            tuple({"rank": 20, "penalty": s} for s in (40.0, 20.0, 10.0, 5.0)),
        ),
    ),
    (
        "synthetic-prior",
        ("sp",),
        Method(
            "matrix completion",
            "iterative SVD on human answers that starts at the twins'",
            SyntheticPrior,
            _published({"rank": 8}, {"rank": 2}, {"rank": 8}, {"rank": 2}),
            _each("rank", 1, 2, 3, 5, 8),
        ),
    ),
    (
        "adaptive:ridge",
        ("adaptive",),
        Method("adaptive", "ridge where it explains the twins well, the twin elsewhere", AdaptiveRidge),
    ),
    (
        "adaptive:elastic-net",
        (),
        Method(
            "adaptive", "elastic net where it explains the twins well, the twin elsewhere", AdaptiveElasticNet
        ),
    ),
    (
        "adaptive:lasso",
        (),
        Method("adaptive", "lasso where it explains the twins well, the twin elsewhere", AdaptiveLasso),
    ),
    (
        "adaptive:synthetic-intervention",
        (),
        Method(
            "adaptive",
            "synthetic intervention where it explains the twins well, the twin elsewhere",
            AdaptiveSyntheticIntervention,
        ),
    ),
    (
        "synthetic-control-paper",
        (),
        Method(
            "parity",
            "the paper's under-converged synthetic control, for comparison with its tables only",
            SyntheticControlPaper,
            _CONTROL,
        ),
    ),
):
    methods.add(_name, _method, aliases=_aliases)

#: The ten methods that paper A compares (section 3.2), in the order of its tables.
PAPER_METHODS = (
    "ridge",
    "lasso",
    "elastic-net",
    "neural-net",
    "synthetic-control",
    "synthetic-intervention",
    "hard-svd",
    "soft-svd",
    "als",
    "synthetic-prior",
)


def make_calibrator(
    name: str,
    panel: Panel,
    axis: Axis,
    *,
    preset: str = CROSS_VALIDATION,
    parameters: Mapping[str, Any] | None = None,
) -> Calibrator:
    """Make a calibrator by name, with settings by hand, from the paper, or by cross-validation among the twins.

    Parameters
    ----------
    name : str
        Name or alias of a method.
    panel : Panel
        Panel on which it will be used; only its twin answers are looked at, and only if ``preset`` is "cv".
    axis : {"item", "respondent"}
        Axis of the targets that it will predict.
    preset : str
        "cv", or a dataset with published settings.
    parameters : mapping, optional
        Settings that win over the preset. A list of values is a grid, from which cross-validation among the twins
        chooses, whatever the preset; of several grids all combinations are tried.
    """
    method = methods[name]
    check_preset(preset)
    given = settings_by_hand(name, parameters)
    grids = {k: v.values for k, v in given.items() if isinstance(v, Grid)}
    fixed = {k: v for k, v in given.items() if k not in grids}
    is_published = preset != CROSS_VALIDATION
    if is_published:
        fixed = {**method.published.get((preset, axis), {}), **fixed}
    candidates = _candidates(() if is_published else method.candidates, fixed, grids)
    if len(candidates) < 2 or axis not in method.make.axes:
        return method.make(**{**fixed, **candidates[0]})
    from truetwin.calibration.paper.tuning import choose

    return choose([method.make(**{**fixed, **c}) for c in candidates], panel, axis)


def _candidates(
    usual: Iterable[Mapping[str, Any]], fixed: Mapping[str, Any], grids: Mapping[str, tuple[Any, ...]]
) -> list[Mapping[str, Any]]:
    """List the settings that cross-validation chooses from: the usual ones, with grids of the user in their place."""
    kept = [{k: v for k, v in c.items() if k not in grids} for c in usual if not set(c) & set(fixed)]
    rest = [c for k, c in enumerate(kept) if c not in kept[:k]] or [{}]
    return [
        {**c, **dict(zip(grids, values, strict=True))} for c in rest for values in product(*grids.values())
    ]


@dataclass(frozen=True)
class Grid:
    """Values of one setting that cross-validation chooses from."""

    values: tuple[Any, ...]


def settings_by_hand(name: str, parameters: Mapping[str, Any] | None) -> dict[str, Any]:
    """Check settings by hand of a method, and convert each to the type that the method takes.

    A list of values is a :class:`Grid`; for a setting that is a list itself (``hidden``), a list of lists is.

    Raises
    ------
    ParameterError
        If the method has no such setting, or the setting takes no such value.
    """
    known = methods[name].make().get_params()
    given = dict(parameters or {})
    for parameter, value in given.items():
        if parameter not in known:
            has = f"its settings are {', '.join(known)}" if known else "it has no settings"
            raise ParameterError(f"method {name!r} has no setting {parameter!r}; {has}")
        what = f"setting {parameter!r} of method {name!r}"
        if _is_grid(known[parameter], value):
            given[parameter] = _grid(methods[methods.resolve(name)].kind, known[parameter], value, what)
        else:
            given[parameter] = _like(known[parameter], value, what)
    return given


def _is_grid(default: Any, value: Any) -> bool:
    if not isinstance(value, list | tuple):
        return False
    return not isinstance(default, tuple) or any(isinstance(v, list | tuple) for v in value)


def _grid(kind: str, default: Any, values: Iterable[Any], what: str) -> Grid:
    if kind in ("automatic", "baseline"):
        raise ParameterError(f"{what} takes one value: the method chooses its settings by itself")
    found = tuple(dict.fromkeys(_like(default, value, what) for value in values))
    if not found:
        raise ParameterError(f"{what} must have at least one value; the list is empty")
    return Grid(found)


def _like(default: Any, value: Any, what: str) -> Any:
    """Convert ``value``, which may be a text from the command line, to the type of ``default``."""
    if isinstance(default, tuple):
        value = tuple(value) if isinstance(value, list | tuple) else (value,)
        return tuple(_like(default[0], v, what) for v in value)
    numeric = (
        isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
    )
    if isinstance(default, int) and not isinstance(default, bool) and not (numeric and value == int(value)):
        raise ParameterError(f"{what} must be a whole number; got {value!r}")
    if isinstance(default, float) and not numeric:
        raise ParameterError(f"{what} must be a number; got {value!r}")
    return type(default)(value) if isinstance(default, int | float) else value


def check_preset(preset: str) -> None:
    """Raise :class:`UnknownNameError` for a preset that does not exist."""
    if preset not in (CROSS_VALIDATION, *PRESETS):
        known = [CROSS_VALIDATION, *PRESETS]
        raise UnknownNameError(
            f"no preset named {preset!r}.{closest(preset, known)} Presets are {', '.join(known)}."
        )


def parameters_for(method: str, by_hand: Mapping[str, Mapping[str, Any]] | None) -> Mapping[str, Any] | None:
    """Return the settings by hand of the one method that is used.

    Raises
    ------
    ParameterError
        If some are of another method.
    """
    name = methods.resolve(method)
    given = {methods.resolve(each): values for each, values in (by_hand or {}).items()}
    for each in given:
        if each != name:
            raise ParameterError(f"hyperparameters by hand name method {each!r}, but the method is {name!r}")
    return given.get(name)


def by_hand_among(
    names: Iterable[str], by_hand: Mapping[str, Mapping[str, Any]] | None
) -> dict[str, Mapping[str, Any]]:
    """Return settings by hand under the methods' own names instead of aliases.

    Raises
    ------
    ParameterError
        If some are of a method that is not among ``names``.
    """
    among = set(names)
    given = {methods.resolve(name): values for name, values in (by_hand or {}).items()}
    for name in given:
        if name not in among:
            raise ParameterError(f"settings are given for method {name!r}, which is not among the methods")
    return given


def named_calibrators(
    wanted: Iterable[str | Calibrator] | Mapping[str, Calibrator],
    panel: Panel,
    axis: Axis,
    *,
    preset: str = CROSS_VALIDATION,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    add: str | None = None,
) -> dict[str, Calibrator]:
    """Make calibrators by name, in the order asked for; ``add`` comes first if it is not among them."""
    if isinstance(wanted, Mapping):
        listed: list[tuple[str, str | Calibrator]] = list(wanted.items())
    else:
        listed = [(methods.resolve(w), w) if isinstance(w, str) else (_label(w), w) for w in wanted]
    if add is not None and methods.resolve(add) not in [name for name, _ in listed]:
        listed.insert(0, (methods.resolve(add), add))
    by_hand = by_hand_among([name for name, _ in listed], parameters)
    return {
        name: make_calibrator(what, panel, axis, preset=preset, parameters=by_hand.get(name))
        if isinstance(what, str)
        else what
        for name, what in listed
    }


def _label(calibrator: Calibrator) -> str:
    for name, method in methods.items():
        if method.make is type(calibrator):
            return name
    return type(calibrator).__name__
