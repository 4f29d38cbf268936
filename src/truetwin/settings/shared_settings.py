"""Groups of settings that several jobs share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, model_validator

from truetwin.settings.declaration import (
    Argument,
    CommandLineOnly,
    Flag,
    MayHoldKey,
    RuleBrokenError,
    Settings,
    StudyKey,
    Unit,
    Unset,
    setting,
)
from truetwin.settings.value_kinds import Ids, JsonObject, Parameters, names_at_commas

Engine = Literal["openai", "inspect"]
FigureFormat = Literal["png", "svg", "pdf"]
FigureFormats = Annotated[tuple[FigureFormat, ...], BeforeValidator(names_at_commas)]
#: The unit of prices.
PRICE = "currency a million tokens"


class Terminal(Settings):
    """What every verb has for the terminal."""

    is_command = True
    comes_last = True

    as_json: Annotated[bool, Flag("--json"), CommandLineOnly("A study keeps its results in files.")] = (
        setting(False, "Print one JSON object instead of a table.")
    )


class Workers(Settings):
    """How the computing is spread."""

    comes_last = True

    n_jobs: Annotated[
        int, CommandLineOnly("How fast a result is there is no part of a study; see `study run`.")
    ] = setting(1, "Number of parallel workers; -1 for all cores. Results do not depend on it.")


class IdColumn(Settings):
    """How tables name respondents."""

    comes_last = True

    id_column: Annotated[str | None, StudyKey("inputs.id_column"), Unset("respondent_id, or the first")] = (
        setting(None, "Column of respondent ids.")
    )


class ItemFile(Settings):
    """What is declared of the items."""

    comes_last = True

    item_file: Annotated[Path | None, StudyKey("inputs.items")] = setting(
        None, "CSV or JSON file that declares texts, scales, off-scale codes and blocks of items."
    )


class PanelFiles(IdColumn, ItemFile):
    """The tables of a panel: what people answered, and what their twins answered."""

    comes_last = True

    human: Annotated[Path, Argument(), StudyKey("inputs.human")] = setting(
        ..., "What people answered: CSV, Parquet, SPSS or Stata; wide or long."
    )
    twin: Annotated[Path, Argument(), StudyKey("inputs.twin")] = setting(
        ..., "What their twins answered; may have more items and respondents."
    )

    @property
    def files(self) -> dict[str, Path]:
        """The tables, by role."""
        roles = ("human", "twin", "item_file", "in_context")
        return {role: path for role in roles if (path := getattr(self, role, None)) is not None}


class InContext(Settings):
    """A further table of a panel, for the method of that name."""

    comes_last = True

    in_context: Annotated[Path | None, StudyKey("inputs.in_context")] = setting(
        None, "Answers of twins that were shown the person's other answers."
    )


class Blocks(Settings):
    """Which items were asked together."""

    comes_last = True

    blocks: Annotated[str | None, StudyKey("inputs.blocks"), Unset("as declared, or by ids")] = setting(
        None,
        "Batteries (items asked together): a table with the columns item_id,block, or 'auto' to find them "
        "by ids, missing answers and near-duplicate twin answers.",
    )


class Hyperparameters(Settings):
    """Where the hyperparameters of calibration methods come from."""

    preset: str = setting(
        "cv",
        "Where hyperparameters come from: 'cv' (cross-validation among the twins' own answers) or the "
        "published settings of a dataset ('movielens', 'twin-2k-500').",
    )
    parameters: Annotated[Parameters, Flag("--set")] = setting(
        {}, "Set a hyperparameter by hand, as METHOD.NAME=VALUE; may be repeated."
    )

    @property
    def parameters_in_words(self) -> list[str]:
        """Hyperparameters as one would type them: ``METHOD.NAME=VALUE``."""
        return [
            f"{method}.{name}={value if isinstance(value, str) else json.dumps(value)}"
            for method, settings in self.parameters.items()
            for name, value in settings.items()
        ]


class DisclosureColumn(Settings):
    """Whether rows say that they are model-based."""

    comes_last = True

    disclosure_column: Annotated[
        bool, CommandLineOnly("Tables that a study writes always have the column.")
    ] = setting(
        False, "Say in every row of a CSV or TSV file that it is model-based; other formats always carry it."
    )


class Connection(Settings):
    """Where and how a model is reached."""

    base_url: Annotated[str | None, MayHoldKey()] = setting(
        None, "Address of an OpenAI-compatible endpoint (vLLM, Ollama, a gateway), up to and with /v1."
    )
    engine: Engine = setting(
        "openai",
        "How the model is reached: openai (any OpenAI-compatible endpoint) or inspect (the providers of "
        "inspect-ai).",
    )
    key_variable: Annotated[str | None, Unset("OPENAI_API_KEY")] = setting(
        None, "Environment variable that holds the key; the key itself is never a setting."
    )


class OutputLimit(Settings):
    """How long a reply may be."""

    max_tokens: int | None = setting(None, "Longest reply, in tokens.", ge=1)


class Reasoning(Settings):
    """How much a reasoning model thinks."""

    reasoning_effort: str | None = setting(None, "Effort of a reasoning model: minimal, low, medium or high.")


class ExtraFields(Settings):
    """What only some endpoints know."""

    extra: Annotated[JsonObject, MayHoldKey()] = setting(
        {}, "Further fields of each request, as a JSON object, that only this endpoint knows."
    )


class ContextLimit(Settings):
    """How long a prompt may be."""

    context_tokens: Annotated[int, Unit("tokens")] = setting(
        250_000, "Longest prompt that the model takes, in tokens; a longer one is never sent.", ge=1
    )


class Requests(Settings):
    """How requests are sent."""

    concurrency: int = setting(
        64, "Most requests at once; fewer while the endpoint says that it is too busy.", ge=1
    )
    timeout: Annotated[float, Unit("seconds")] = setting(
        120.0, "Seconds after which a request is given up.", gt=0
    )


class Attempts(Settings):
    """How often a call is tried."""

    attempts: int = setting(6, "How often a call is tried before it counts as failed.", ge=1)


class Moved(Settings):
    """Whether the endpoint may have another address."""

    moved: bool = setting(
        False, "Continue a run though --base-url differs: the same model has another address."
    )


class Prices(Settings):
    """Prices of tokens, given by hand."""

    price_in: Annotated[float | None, Unit(PRICE)] = setting(
        None, "Price of a million tokens sent, in any currency.", ge=0
    )
    price_out: Annotated[float | None, Unit(PRICE)] = setting(
        None, "Price of a million tokens received, reasoning included.", ge=0
    )

    @property
    def prices_by_hand(self) -> tuple[float | None, ...]:
        """All prices that can be given by hand."""
        return (self.price_in, self.price_out)

    @model_validator(mode="after")
    def _prices_for_both_directions(self) -> Self:
        given = [price for price in self.prices_by_hand if price is not None]
        if given and (self.price_in is None or self.price_out is None):
            raise RuleBrokenError("prices must be given for both directions: {price_in} and {price_out}")
        return self


class CachedPrices(Prices):
    """Prices of tokens, given by hand or in a file."""

    price_cached: Annotated[float | None, Unset("the price of other tokens sent"), Unit(PRICE)] = setting(
        None, "Price of a million tokens sent that were cached.", ge=0
    )
    prices: Path | None = setting(
        None, "YAML or JSON file with prices instead: {model: {prompt, completion, cached}}."
    )

    @property
    def prices_by_hand(self) -> tuple[float | None, ...]:
        """All prices that can be given by hand."""
        return (self.price_in, self.price_out, self.price_cached)

    @model_validator(mode="after")
    def _prices_from_one_place(self) -> Self:
        if self.prices is not None and any(price is not None for price in self.prices_by_hand):
            raise RuleBrokenError(
                "prices come from {prices} or from {price_in} and {price_out}, not from both"
            )
        return self


class Caps(Settings):
    """What a run may use in all."""

    cap_cost: float | None = setting(None, "Most money to spend in all; needs prices.", gt=0)
    cap_tokens: int | None = setting(None, "Most tokens to use in all.", gt=0)


class AllCaps(Caps):
    """What a run may use in all, requests among it."""

    cap_requests: int | None = setting(None, "Most requests to send in all, failed ones included.", gt=0)


class RunLimits(Moved, Requests, Attempts, AllCaps, CachedPrices, ContextLimit):
    """How a run is carried out, and where it stops; none of it changes what is asked."""

    @model_validator(mode="after")
    def _cost_needs_prices(self) -> Self:
        if self.cap_cost is not None and self.prices is None and self.price_in is None:
            raise RuleBrokenError(
                "{cap_cost} needs prices: give the price of a million tokens sent and received, {price_in} and "
                "{price_out}"
            )
        return self


class Asking(Connection, OutputLimit, Reasoning, RunLimits):
    """What every job that asks a model has."""


class PromptFiles(Settings):
    """Prompts of one's own."""

    prompts: Path | None = setting(
        None, "Folder of prompt files that replace the package's own of the same names."
    )


class TwinAnswers(Settings):
    """How twins' answers are counted for marginals."""

    twin_weights: Path | None = setting(None, "Design weights of the twins: a table of ids and 'weight'.")
    keep_off_scale: bool = setting(False, "Count 'refused' and the like as ordinary categories.")


class OnlyItems(Settings):
    """A choice among the items."""

    items: Ids = setting((), "Predict only these items, separated by commas; may be repeated.")


class Figures(Settings):
    """Where figures go."""

    figures: Annotated[Path | None, CommandLineOnly("Figures are in the report of a study.")] = setting(
        None, "Folder to write figures to; made if it is missing."
    )
    figure_format: Annotated[FigureFormat, CommandLineOnly("Figures are in the report of a study.")] = (
        setting("png", "Format of the figures.")
    )
