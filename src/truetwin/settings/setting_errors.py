"""Say in one sentence what is wrong with a setting: its name as the user wrote it, what must hold, what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Formatter
from typing import TYPE_CHECKING, Any

from truetwin.errors import ParameterError
from truetwin.registry import closest
from truetwin.settings.setting_wording import (
    bounds_in_words,
    bounds_of,
    choices_of,
    in_words,
    models_in,
    named,
)

if TYPE_CHECKING:
    from pydantic import ValidationError

    from truetwin.settings.declaration import Settings, Side

_OUT_OF_BOUNDS = ("greater_than_equal", "greater_than", "less_than_equal", "less_than")


class RuleBrokenError(ParameterError):
    """Error of settings that contradict each other, or the task.

    ``rule`` names settings in braces, as in ``"{pilot} goes with {dry_run}"``. The message replaces them by the names
    that the user wrote.
    What users wrote themselves is given by name beside it, as it may hold braces of its own.

    Examples
    --------
    >>> str(RuleBrokenError("{pilot} goes with {dry_run}"))
    'pilot goes with dry_run'
    >>> str(RuleBrokenError("{output} must end in .jsonl; got {found}", found="{1}.csv"))
    'output must end in .jsonl; got {1}.csv'
    """

    def __init__(self, rule: str, **found: object) -> None:
        names = {name: name for _, name, _, _ in Formatter().parse(rule) if name}
        super().__init__(rule.format_map(names | found))
        self.rule, self.found = rule, found

    def named(self, model: type[Settings], side: Side, place: Sequence[Place] = ()) -> ParameterError:
        """Return this error with the names that the user wrote. Files of a study are keys of its inputs."""
        files = model.model_fields.get("inputs")
        shared = {} if files is None else models_in(files.annotation)[0].model_fields
        inside = models_in(place[-1].field.annotation)[0] if place else model
        fields = inside.model_fields.items()
        names = {name: written_name(model, [*place, Place(inside, name, f)], side) for name, f in fields}
        inputs = {name: f"inputs.{name}" for name in shared}
        return ParameterError(self.rule.format_map(inputs | names | self.found))


@dataclass(frozen=True)
class Place:
    """Step on the path to a setting: a name, the model that it belongs to, and its field (None if there is none)."""

    owner: Any
    name: str
    field: Any


def places_of(model: type[Settings], path: Sequence[str | int]) -> list[Place]:
    """Return the settings on a path that pydantic reports. Branches of a union and places in a list are left out."""
    found: list[Place] = []
    kinds: list[Any] = [model]
    for part in path:
        owner = next((kind for kind in kinds if part in kind.model_fields), kinds[0] if kinds else None)
        if owner is None:
            break
        if not isinstance(part, str) or part in {kind.__name__ for kind in kinds}:
            continue
        field = owner.model_fields.get(part)
        found.append(Place(owner, part, field))
        kinds = models_in(field.annotation) if field is not None else []
    return found


def explained(error: ValidationError, model: type[Settings], side: Side, where: str = "") -> ParameterError:
    """Turn an error of pydantic into one of the package, which says what must hold and what was found."""
    problems = error.errors(include_url=False)
    paths = {tuple(place.name for place in places_of(model, each["loc"])) for each in problems}
    rest = f" ({len(paths) - 1} more problems)" if len(paths) > 1 else ""
    return ParameterError(f"{where}{_sentence(problems[0], model, side)}{rest}")


def _sentence(problem: Mapping[str, Any], model: type[Settings], side: Side) -> str:
    from truetwin.settings.declaration import MayHoldKey, Side, mark_of

    places = places_of(model, problem["loc"])
    name = written_name(model, places, side)
    raised = problem.get("ctx", {}).get("error")
    if isinstance(raised, RuleBrokenError):
        return str(raised.named(model, side, places))
    if not places:
        return f"the settings must be given by name; got {_shown(problem['input'])}"
    last = places[-1]
    if problem["type"] == "extra_forbidden":
        fields = last.owner.model_fields
        known = [_key(Place(last.owner, name, fields[name]), side) for name in last.owner.own_first()]
        keys = ".".join(_key(place, side) for place in places)
        elsewhere = _study_key(last.name) if side is Side.STUDY else None
        guess = f" In a study it is {elsewhere!r}." if elsewhere else closest(last.name, known)
        return f"there is no setting {keys!r}.{guess} Known here: {', '.join(known)}"
    if last.field is None:
        return f"the name of a setting must be text; got {last.name!r}"
    if problem["type"] == "missing":
        return f"{name} is missing: {str(last.field.description).rstrip('.')}"
    if raised is not None:
        return f"{name} {raised}"
    value = problem["input"]
    known = list(choices_of(last.field.annotation))
    if problem["type"] in _OUT_OF_BOUNDS and named(last.field) is None and not known:
        return f"{name} must {bounds_in_words(bounds_of(last.field))}; got {value}"
    must = named(last.field) or in_words(last.field.annotation)
    guess = closest(value, known) if known and isinstance(value, str) and value not in known else ""
    if mark_of(last.field, MayHoldKey):
        return f"{name} must be {must}; got a {type(value).__name__}"
    got = str(value) if problem["type"] in _OUT_OF_BOUNDS else _shown(value)
    return f"{name} must be {must}; got {got}{'.' if guess else ''}{guess}"


def _study_key(name: str) -> str | None:
    """Return the key of a setting that the sections of a study share, if that is what a name stands for."""
    from truetwin.settings import shared_settings
    from truetwin.settings.declaration import Settings, StudyKey, mark_of

    for model in vars(shared_settings).values():
        field = (
            model.model_fields.get(name) if isinstance(model, type) and issubclass(model, Settings) else None
        )
        mark = mark_of(field, StudyKey) if field is not None else None
        if mark is not None:
            return str(mark.path)
    return None


def written_name(model: type[Settings], places: Sequence[Place], side: Side) -> str:
    """Return the name of a setting as the user wrote it: ``--cap-cost``, ``simulate.cap_cost`` or ``cap_cost``."""
    from truetwin.settings.declaration import Side

    if side is Side.COMMAND_LINE:
        from truetwin.settings.option_list import options_of

        path = tuple(place.name for place in places)
        option = next((o for o in options_of(model) if o.path == path), None)
        if option is not None:
            return option.name
    return ".".join(_key(place, side) for place in places)


def _key(place: Place, side: Side) -> str:
    """Return the name of a setting in a file or as a keyword argument."""
    from truetwin.settings.declaration import InStudy, Side, mark_of

    there = mark_of(place.field, InStudy) if place.field is not None and side is Side.STUDY else None
    return (there.key if there else None) or place.name


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
