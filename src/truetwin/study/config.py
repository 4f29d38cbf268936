"""What a study file may say, and what is wrong with it if it says something else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from truetwin.errors import DataError, FileFormatError
from truetwin.io.files import check_is_file
from truetwin.registry import closest

Protocol = Literal["leave-one-item-out", "leave-block-out", "leave-one-respondent-out"]
Transfer = Literal["ridge", "lasso", "elastic-net", "synthetic-intervention"]
Share = Annotated[float, Field(gt=0, lt=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class Inputs(_Part):
    """Files that the study rests on; paths are relative to the study file."""

    human: Path | None = None
    twin: Path | None = None
    in_context: Path | None = None
    items: Path | None = None
    blocks: Path | None = None
    marginals: Path | None = None
    groups: Path | None = None
    personas: Path | None = None
    annotations: Path | None = None
    id_column: str | None = None


class Simulate(_Part):
    """Ask twins where their answers are missing; needs inputs.personas and inputs.items."""

    model: str
    base_url: str | None = None
    engine: Literal["openai", "inspect"] = "openai"
    key_variable: str | None = None
    strategy: str = "default"
    reply: Literal["code", "json", "schema"] = "code"
    per_call: Annotated[int, Field(ge=1)] | Literal["block"] = 1
    order: Literal["fixed", "reversed", "rotated"] = "fixed"
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    replicates: Annotated[int, Field(ge=1)] = 1
    concurrency: Annotated[int, Field(ge=1)] = 64
    cap_requests: Annotated[int, Field(ge=1)] | None = None
    cap_tokens: Annotated[int, Field(ge=1)] | None = None
    cap_cost: Annotated[float, Field(gt=0)] | None = None
    price_in: Annotated[float, Field(ge=0)] | None = None
    price_out: Annotated[float, Field(ge=0)] | None = None
    validity_floor: Annotated[float, Field(ge=0, le=1)] = 0.9


class Evaluate(_Part):
    """Hide human answers, predict them, compare.

    ``thresholds`` names transfer methods of which every threshold of adaptive transfer is tried; ``examples`` is the
    number of items whose shares are shown beside those of people.
    """

    methods: tuple[str, ...] = ("twin", "human-respondent-mean", "ridge", "elastic-net", "auto")
    protocols: tuple[Protocol, ...] = ("leave-one-item-out", "leave-block-out")
    preset: str = "cv"
    max_folds: Annotated[int, Field(ge=1)] | None = None
    thresholds: tuple[Transfer, ...] = ()
    examples: Annotated[int, Field(ge=0, le=20)] = 0


class Calibrate(_Part):
    """Predict what people would answer to the new items, and what new people would answer."""

    method: str = "auto"
    preset: str = "cv"
    interval: Share | None = 0.9
    rounded: bool = False
    format: Literal["csv", "parquet", "sav", "dta"] = "csv"


class Diagnose(_Part):
    """Say how far the twins can be trusted, and for which items."""

    scaled: bool = True


class Reweight(_Part):
    """Predict how a population answers, from human marginals of other items."""

    method: str = "auto"
    discrepancy: str = "kl"
    level: Share | None = 0.9


class Study(_Part):
    """A whole study. A step is done if its section is there."""

    title: str = "A study with digital twins"
    question: str = "What would people answer?"
    seed: Annotated[int, Field(ge=0)] = 0
    inputs: Inputs
    simulate: Simulate | None = None
    evaluate: Evaluate | None = None
    calibrate: Calibrate | None = None
    diagnose: Diagnose | None = None
    reweight: Reweight | None = None
    voice: tuple[Path, ...] = ()


def read_study(path: str | Path) -> Study:
    """Read a study file; paths in it become absolute.

    Raises
    ------
    FileFormatError
        If there is no such file or it is not YAML.
    DataError
        If it says something that a study file may not say; the message names the place.
    """
    path = check_is_file(Path(path))
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Strict)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise FileFormatError(f"{path} must be a YAML file: {' '.join(str(error).split())}") from error
    if not isinstance(content, Mapping):
        raise FileFormatError(
            f"{path} must be a YAML file of keys and values; `truetwin study init` writes one"
        )
    try:
        study = Study.model_validate({k: {} if v is None else v for k, v in content.items()})
    except ValidationError as error:
        raise DataError(f"{path}: {_explained(error)}") from error
    return _absolute(study, path.resolve().parent)


class _Strict(yaml.SafeLoader):
    """YAML in which a key may stand once only."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = next((k for k in keys if keys.count(k) > 1), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {twice!r} stands twice", node.start_mark
            )
        return super().construct_mapping(node, deep)


def _explained(error: ValidationError) -> str:
    first, *more = error.errors(include_url=False)
    place = ".".join(str(part) for part in first["loc"])
    rest = f" ({len(more)} more problems)" if more else ""
    if first["type"] == "extra_forbidden":
        known = _known_keys(tuple(str(part) for part in first["loc"][:-1]))
        guess = closest(str(first["loc"][-1]), known)
        return f"there is no setting {place!r}.{guess} Known here: {', '.join(known)}{rest}"
    found = first.get("input")
    got = f"; got {found!r}" if isinstance(found, str | int | float | bool) else ""
    return f"{place or 'the file'}: {first['msg']}{got}{rest}"


def _known_keys(place: tuple[str, ...]) -> list[str]:
    parts: dict[str, type[BaseModel]] = {
        "inputs": Inputs,
        "simulate": Simulate,
        "evaluate": Evaluate,
        "calibrate": Calibrate,
        "diagnose": Diagnose,
        "reweight": Reweight,
    }
    model = parts[place[0]] if place and place[0] in parts else Study
    return list(model.model_fields)


def _absolute(study: Study, folder: Path) -> Study:
    found = {name: folder / value for name, value in study.inputs if isinstance(value, Path)}
    simulate = study.simulate
    if simulate is not None:
        kind, colon, file = simulate.model.partition(":")
        if colon and kind in ("generated", "scripted"):
            simulate = simulate.model_copy(update={"model": f"{kind}:{folder / file}"})
    return study.model_copy(
        update={
            "simulate": simulate,
            "inputs": study.inputs.model_copy(update=found),
            "voice": tuple(folder / path for path in study.voice),
        }
    )
