"""What a study file may say, and what is wrong with it if it says something else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from truetwin.errors import DataError, FileFormatError
from truetwin.io.readable_files import check_is_file
from truetwin.registry import closest

Protocol = Literal["leave-one-item-out", "leave-block-out", "leave-one-respondent-out"]
Transfer = Literal["ridge", "lasso", "elastic-net", "synthetic-intervention"]
Share = Annotated[float, Field(gt=0, lt=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class Inputs(_Part):
    """Files that the study rests on; paths are relative to the study file."""

    #: What people answered: CSV, TSV, Parquet, SPSS, Stata, or a Qualtrics export; wide or long.
    human: Path | None = None
    #: What their twins answered already. With ``simulate``, only what is missing here is asked.
    twin: Path | None = None
    #: Answers of twins that were shown the person's other answers, for the method ``in-context``.
    in_context: Path | None = None
    #: Item file: texts, scales, labels, off-scale codes, batteries; or an instrument (``.qsf``, ``.sav``).
    items: Path | None = None
    #: Table ``item_id,block``: which battery an item belongs to. Otherwise as the item file says, or by ids.
    blocks: Path | None = None
    #: Table ``item_id,category,share_or_count``: how a population answered, for ``reweight``.
    marginals: Path | None = None
    #: Table ``item_id,group``: waves or years; ``reweight`` chooses its method by leaving out whole ones.
    groups: Path | None = None
    #: Who is simulated: ``personas.jsonl`` of ``truetwin personas build``, or a table with ``id`` and ``text``.
    personas: Path | None = None
    #: Capabilities of voice items (``truetwin voice annotate``), for results by capability.
    annotations: Path | None = None
    #: Column of respondent ids in all tables; by default ``respondent_id``, or the first column.
    id_column: str | None = None


class Simulate(_Part):
    """Ask twins where their answers are missing; needs inputs.personas and inputs.items."""

    #: The provider's name of a model; ``scripted:FILE``, ``generated`` or ``generated:TABLE`` without one.
    model: str
    #: Address of an OpenAI-compatible endpoint (vLLM, Ollama, a gateway), up to and with ``/v1``.
    base_url: str | None = None
    #: ``openai``: any OpenAI-compatible endpoint; ``inspect``: the providers of inspect-ai.
    engine: Literal["openai", "inspect"] = "openai"
    #: Environment variable that holds the key; by default ``OPENAI_API_KEY``.
    key_variable: str | None = None
    #: ``default``, ``reasoning`` (thinking aloud first) or ``repeat`` (writing the question down first).
    strategy: str = "default"
    #: What the model is to write: a bare code, JSON, or JSON by a schema (structured output).
    reply: Literal["code", "json", "schema"] = "code"
    #: Items asked in one call, or ``block`` for whole batteries.
    per_call: Annotated[int, Field(ge=1)] | Literal["block"] = 1
    #: Of the answers shown; ``rotated`` differs by person and item, with the study's seed.
    order: Literal["fixed", "reversed", "rotated"] = "fixed"
    #: Of decoding; the endpoint's own if absent.
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    #: Longest reply.
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    #: How often each item is asked of each persona; answers are averaged, or voted on where nominal.
    replicates: Annotated[int, Field(ge=1)] = 1
    #: Requests at once at most; fewer while the endpoint says that it is too busy.
    concurrency: Annotated[int, Field(ge=1)] = 64
    #: Most requests in all, failed ones included.
    cap_requests: Annotated[int, Field(ge=1)] | None = None
    #: Most tokens in all.
    cap_tokens: Annotated[int, Field(ge=1)] | None = None
    #: Most money in all; needs both prices.
    cap_cost: Annotated[float, Field(gt=0)] | None = None
    #: Price of a million tokens sent, in any currency.
    price_in: Annotated[float, Field(ge=0)] | None = None
    #: Price of a million tokens received, reasoning included.
    price_out: Annotated[float, Field(ge=0)] | None = None
    #: The study stops here if a smaller share of answers is valid.
    validity_floor: Annotated[float, Field(ge=0, le=1)] = 0.9


class Evaluate(_Part):
    """Hide human answers, predict them, compare."""

    #: What is compared; ``truetwin methods`` lists all. Paired differences are against the twin.
    methods: tuple[str, ...] = ("twin", "human-respondent-mean", "ridge", "elastic-net", "auto")
    #: What is hidden at a time: an item, a battery, a person.
    protocols: tuple[Protocol, ...] = ("leave-one-item-out", "leave-block-out")
    #: Where hyperparameters come from: ``cv``, or the published ones of ``movielens`` or ``twin-2k-500``.
    preset: str = "cv"
    #: At most so many targets, drawn at random: for a first look at a large study.
    max_folds: Annotated[int, Field(ge=1)] | None = None
    #: Adaptive transfer of these methods at every threshold, as a figure and a table of the report.
    thresholds: tuple[Transfer, ...] = ()
    #: How many answered items to hide and predict, to show their shares beside people's and the twins'.
    examples: Annotated[int, Field(ge=0, le=20)] = 0


class Calibrate(_Part):
    """Predict what people would answer to the new items, and what new people would answer."""

    #: Who predicts; any name that ``truetwin methods`` lists.
    method: str = "auto"
    #: As for ``evaluate``.
    preset: str = "cv"
    #: Level of the intervals that are written beside the predictions (method ``auto``); ``null`` for none.
    interval: Share | None = 0.9
    #: Whether predictions are snapped to the answers on each scale.
    rounded: bool = False
    #: Of the file with the predictions: CSV, Parquet, SPSS or Stata.
    format: Literal["csv", "parquet", "sav", "dta"] = "csv"


class Diagnose(_Part):
    """Say how far the twins can be trusted, and for which items."""

    #: Whether items are divided by their standard deviations before spectra are compared.
    scaled: bool = True


class Reweight(_Part):
    """Predict how a population answers, from human marginals of other items."""

    #: ``auto``, or a name that ``truetwin reweight --help`` lists.
    method: str = "auto"
    #: What is minimised and chosen by: ``tv``, ``chi2``, ``kl``, ``hellinger``, ``ks``, ``cdf-l1`` or ``cdf-l2``.
    discrepancy: str = "kl"
    #: Of the bands around predicted shares; ``null`` for none.
    level: Share | None = 0.9


class Study(_Part):
    """A whole study. A step is done if its section is there."""

    #: Title of the report.
    title: str = "A study with digital twins"
    #: The question that the report answers first.
    question: str = "What would people answer?"
    #: Of everything that is drawn at random.
    seed: Annotated[int, Field(ge=0)] = 0
    #: Files; see below.
    inputs: Inputs
    #: Ask twins; see below.
    simulate: Simulate | None = None
    #: Measure the gain; see below.
    evaluate: Evaluate | None = None
    #: Predict; see below.
    calibrate: Calibrate | None = None
    #: Judge the twins; see below.
    diagnose: Diagnose | None = None
    #: Predict populations; see below.
    reweight: Reweight | None = None
    #: Stored answers of ``truetwin voice run``, for a leaderboard in the report.
    voice: tuple[Path, ...] = ()


#: The sections of a study file that have keys of their own.
SECTIONS: Mapping[str, type[BaseModel]] = {
    "inputs": Inputs,
    "simulate": Simulate,
    "evaluate": Evaluate,
    "calibrate": Calibrate,
    "diagnose": Diagnose,
    "reweight": Reweight,
}


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
    model = SECTIONS.get(place[0], Study) if place else Study
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
