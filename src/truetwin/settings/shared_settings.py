"""Define groups of settings that several jobs share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

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
from truetwin.settings.value_kinds import (
    Codes,
    Columns,
    Ids,
    JsonObject,
    Parameters,
    Ranks,
    SourceFiles,
    names_at_commas,
)

if TYPE_CHECKING:
    from truetwin.data.people_columns import PeopleColumns
    from truetwin.data.reading_choices import ReadingChoices

Answers = Literal["auto", "codes", "labels"]
Backend = Literal["loky", "dask", "ray"]
Engine = Literal["openai", "inspect"]
FigureFormat = Literal["png", "svg", "pdf"]
FigureFormats = Annotated[tuple[FigureFormat, ...], BeforeValidator(names_at_commas)]
#: The unit of prices.
PRICE = "currency a million tokens"
#: Why a study file does not name workers.
HOW_FAST = "A study file does not say how fast it is computed; see the options of `study run`."


class Terminal(Settings):
    """Output options of every verb."""

    is_command = True
    comes_last = True

    as_json: Annotated[bool, Flag("--json"), CommandLineOnly("A study keeps its results in files.")] = (
        setting(False, "Print one JSON object instead of a table.")
    )


class Workers(Settings):
    """Parallel workers, here or on a cluster. Results do not depend on them."""

    comes_last = True

    n_jobs: Annotated[
        int, Unset("1, or every worker with --backend dask or ray"), CommandLineOnly(HOW_FAST)
    ] = setting(1, "Number of parallel workers; -1 for all cores. Results do not depend on it.")
    backend: Annotated[Backend, CommandLineOnly(HOW_FAST)] = setting(
        "loky",
        "Who does the work in parallel: loky (processes on this machine), dask or ray (a cluster, or workers that are "
        "started on this machine). Results do not depend on it.",
    )
    address: Annotated[str | None, CommandLineOnly(HOW_FAST)] = setting(
        None,
        "Address of the cluster of --backend: that of a Dask scheduler (tcp://HOST:8786) or of a Ray cluster "
        "(HOST:6379, ray://HOST:10001, auto). Its machines need the same version of truetwin.",
    )

    @model_validator(mode="before")
    @classmethod
    def _use_all_of_a_cluster(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("backend") in ("dask", "ray"):
            return {"n_jobs": -1, **values}
        return values

    @model_validator(mode="after")
    def _an_address_is_a_clusters(self) -> Self:
        if self.address is not None and self.backend == "loky":
            raise RuleBrokenError("{address} needs {backend} dask or ray: loky works on this machine only")
        return self


class IdColumn(Settings):
    """Column that names respondents in tables."""

    comes_last = True

    id_column: Annotated[
        str | None, StudyKey("inputs.id_column"), Unset("respondent_id, or the first column")
    ] = setting(None, "Name of the column that holds the ids of respondents.")


class ItemFile(Settings):
    """File that declares the items."""

    comes_last = True

    item_file: Annotated[Path | None, StudyKey("inputs.items")] = setting(
        None,
        "CSV or JSON file that declares each item: text, scale, off-scale codes (such as 99 for 'refused') and "
        "block (the battery of items asked together). For audits: variant_of (the item that it asks in other words), "
        "fielded (a date).",
    )


class FileReading(Settings):
    """Choices of how tables of answers are read."""

    comes_last = True

    missing_codes: Annotated[
        Codes, StudyKey("inputs.missing_codes"), Unset("what labels, conventions and gaps show")
    ] = setting(
        None,
        "Codes that are read as missing in items whose scale does not have them, such as 77,88,99; 'none' takes every "
        "number for an answer.",
    )
    snap: Annotated[bool, StudyKey("inputs.snap")] = setting(
        False, "Move answers that lie between the points of a declared scale to the nearest point."
    )
    match: Annotated[bool, StudyKey("inputs.match")] = setting(
        False,
        "Repair ids and item names that do not match between the tables, where one simple change (blanks, case, zeros, "
        "a common prefix) makes them match.",
    )
    encoding: Annotated[
        str | None, StudyKey("inputs.encoding"), Unset("UTF-8, UTF-16 or Windows-1252, as the bytes say")
    ] = setting(None, "Text encoding of CSV and TSV files.")
    keep_unfinished: Annotated[bool, StudyKey("inputs.keep_unfinished")] = setting(
        False, "Keep the respondents of a Qualtrics export who did not finish."
    )
    split_multiple: Annotated[bool, StudyKey("inputs.split_multiple")] = setting(
        False, "Make a 0/1 item of each option of a question with several answers in one cell ('1,3,5')."
    )

    @property
    def reading(self) -> ReadingChoices:
        """Choices of how tables are read."""
        from truetwin.data.reading_choices import ReadingChoices

        return ReadingChoices(
            self.answers if isinstance(self, Reading) else "auto",
            self.missing_codes,
            self.snap,
            self.match,
            self.encoding,
            self.keep_unfinished,
            self.split_multiple,
        )


class Reading(FileReading):
    """Choices of how tables of answers are read, with the meaning of digits in cells."""

    comes_last = True

    answers: Annotated[Answers, StudyKey("inputs.answers")] = setting(
        "auto",
        "Whether digits in cells are codes or labels, for items whose labels look like codes (1 = '0', 2 = '1'). By "
        "default the cells decide, and a table in which every cell could be either is refused.",
    )


class ColumnsOfPeople(Settings):
    """Columns of the human table that are no items."""

    comes_last = True

    people_columns: Annotated[Columns, StudyKey("inputs.people_columns")] = setting(
        (),
        "Columns of the human table that are no items and belong to the people table, separated by commas; may be "
        "repeated. Columns that another option names need not be listed.",
    )

    @property
    def columns_of_people(self) -> PeopleColumns:
        """Columns of people that these settings name."""
        from truetwin.data.people_columns import PeopleColumns

        roles = ("by", "weights", "clusters", "strata", "replicate_weights")
        named = {role: value for role in roles if (value := getattr(self, role, None))}
        return PeopleColumns(self.people_columns, **named)


class PeopleTable(ColumnsOfPeople):
    """People table: what is known of people that is no item."""

    comes_last = True

    people: Annotated[Path | None, StudyKey("inputs.people")] = setting(
        None,
        "People table, with what is known of people that is no item (weights, groups, strata, clusters): one row a "
        "person; CSV, TSV, Parquet, Excel, SPSS or Stata.",
    )


class Weights(Settings):
    """Survey weights of people, as they are or raked to population margins."""

    comes_last = True

    weights: Annotated[str | None, StudyKey("inputs.weights"), Unset("all people count alike")] = setting(
        None,
        "Column with the survey weights of people, in the people table or else in the human table. Weights decide how "
        "much each person counts in means, shares and scores, not how predictions are fitted.",
    )
    margins: Annotated[Path | None, StudyKey("inputs.margins")] = setting(
        None,
        "Population margins to rake the people to: a table column,category,share (or count), with the shares of the "
        "categories of one or several people columns in the population. The raked weights take the place of --weights, "
        "from which they start.",
    )


class FromAnswers(PeopleTable, Weights):
    """Answers of people in place of their marginals."""

    comes_last = True

    from_answers: Annotated[
        bool, CommandLineOnly("A study without inputs.marginals counts the answers of inputs.human.")
    ] = setting(
        False,
        "MARGINALS is a table of answers of people, from which the marginals are counted, with --weights if given. "
        "Their twins then get the same weights, unless --twin-weights gives others.",
    )

    @model_validator(mode="after")
    def _people_need_answers(self) -> Self:
        given = [n for n in ("people", "people_columns", "weights", "margins") if getattr(self, n)]
        if given and not self.from_answers:
            raise RuleBrokenError(
                f"{{{given[0]}}} goes with {{from_answers}}: marginals hold no people to weight"
            )
        if self.from_answers and getattr(self, "keep_off_scale", False):
            raise RuleBrokenError(
                "{keep_off_scale} does not go with {from_answers}: off-scale answers of people are left out"
            )
        return self


class SampleColumns(Weights):
    """Columns that say how people were sampled."""

    comes_last = True

    clusters: Annotated[str | None, StudyKey("inputs.clusters")] = setting(
        None,
        "Column with the clusters of the sample (primary sampling units, such as households or schools), in the "
        "people table or else in the human table.",
    )
    strata: Annotated[str | None, StudyKey("inputs.strata")] = setting(
        None, "Column with the strata of the sample, in the people table or else in the human table."
    )
    replicate_weights: Annotated[str | None, StudyKey("inputs.replicate_weights")] = setting(
        None,
        "Prefix of the columns with replicate weights, which a number follows: 'repwgt' for repwgt1, repwgt2 and so "
        "on.",
    )


class Groups(Settings):
    """Groups of people."""

    comes_last = True

    by: Annotated[Columns, StudyKey("inputs.by")] = setting(
        (),
        "Column with groups of people to report separately, in the people table or else in the human table; may be "
        "repeated.",
    )


class TwinSources(Settings):
    """Several sources of twin answers, in the place of one table."""

    sources: Annotated[SourceFiles, Flag("--twin", "NAME=FILE"), StudyKey("inputs.twin")] = setting(
        {},
        "Table of one source of twin answers (a model, a prompt or a replicate) under a name, as NAME=FILE, in the "
        "place of the one table; may be repeated. A folder as the table, or a column 'source' or 'replicate' in it, "
        "says the same.",
    )
    #: Whether a job can do without answers of twins.
    needs_twins: ClassVar[bool] = True

    @model_validator(mode="after")
    def _twins_are_given_once(self) -> Self:
        given = [name for name in ("twin", "sources") if getattr(self, name, None)]
        if len(given) > 1 or (self.needs_twins and not given):
            raise RuleBrokenError(
                "answers of twins must be given once, as a table {twin} or as {sources} NAME=FILE for each source; "
                "{found}",
                found="they are given both ways" if given else "there are none",
            )
        return self

    @property
    def twin_tables(self) -> Path | dict[str, Path]:
        """Table of the twins, or tables by name of the source."""
        twin: Path | None = getattr(self, "twin", None)
        return self.sources if twin is None else twin

    @property
    def twin_files(self) -> dict[str, Path]:
        """Tables of the twins by role: ``twin``, or ``twin.NAME`` for each source."""
        tables = self.twin_tables
        if isinstance(tables, Path):
            return {"twin": tables}
        return {f"twin.{name}": path for name, path in tables.items()}


class PanelTables(IdColumn, ItemFile, PeopleTable, FileReading, TwinSources):
    """Tables of a panel: answers of people, and answers of their twins."""

    comes_last = True

    human: Annotated[Path, Argument(), StudyKey("inputs.human")] = setting(
        ...,
        "Answers of people: CSV, Excel, Parquet, SPSS or Stata; one column for each item, or one row for each answer.",
    )
    twin: Annotated[Path | None, Argument(), StudyKey("inputs.twin")] = setting(
        None,
        "Answers of their twins, in the same formats; may have more items and more respondents. A folder holds one "
        "table for each source of twin answers.",
    )

    @property
    def files(self) -> dict[str, Path]:
        """Files of the tables, by role."""
        roles = ("item_file", "in_context", "people", "margins", "retest")
        found = {role: path for role in roles if (path := getattr(self, role, None)) is not None}
        return {"human": self.human, **self.twin_files, **found}


class PanelFiles(PanelTables, Reading):
    """Tables of a panel, with the meaning of digits in their cells."""

    comes_last = True


class InContext(Settings):
    """Table of in-context twins, for the method in-context."""

    comes_last = True

    in_context: Annotated[Path | None, StudyKey("inputs.in_context")] = setting(
        None,
        "Answers of twins that were shown the person's other answers when asked (for the method in-context).",
    )


class Retest(Settings):
    """Table of people who were asked again."""

    comes_last = True

    retest: Annotated[Path | None, StudyKey("inputs.retest")] = setting(
        None,
        "Answers of the same people when they were asked again, for scores that are normalised by how often people "
        "repeat their answers.",
    )


class PersonaItems(Settings):
    """Items whose answers the twins were shown."""

    comes_last = True

    persona_items: Annotated[Ids, StudyKey("inputs.persona_items")] = setting(
        (),
        "Items whose answers the personas showed to the model, separated by commas; may be repeated. Scores on them "
        "say nothing.",
    )
    personas: Annotated[Path | None, StudyKey("inputs.personas")] = setting(
        None,
        "Personas that the twins were made from (personas.jsonl of `truetwin personas build`), which say what they "
        "showed.",
    )


class Blocks(Settings):
    """Batteries: sets of items that were asked together."""

    comes_last = True

    blocks: Annotated[
        str | None, StudyKey("inputs.blocks"), Unset("as --item-file declares, or as the item ids suggest")
    ] = setting(
        None,
        "Batteries, which are sets of items asked together: a table with the columns item_id,block, or 'auto' to "
        "find them from ids, missing answers and near-duplicate twin answers.",
    )


class Hyperparameters(Settings):
    """Source of the hyperparameters of calibration methods."""

    preset: str = setting(
        "cv",
        "Source of the hyperparameters of methods: 'cv' (cross-validation among the twins' own answers) or the "
        "published settings of a dataset ('movielens', 'twin-2k-500').",
    )
    parameters: Annotated[Parameters, Flag("--set")] = setting(
        {},
        "Set one hyperparameter of a method, as METHOD.NAME=VALUE, for example ridge.alpha=10; may be repeated. "
        "Cross-validation among the twins chooses from a list: 'synthetic-intervention.alpha=[10,100]', "
        "'neural-net.hidden=[[8],[16,8]]'.",
    )
    imputation_rank: Ranks = setting(
        (5,),
        "Rank at which missing answers are filled for methods that need complete answers. Of several, separated by "
        "commas, the one that fills hidden answers of the twins best.",
    )

    @property
    def parameters_in_words(self) -> list[str]:
        """Hyperparameters as a user would type them: ``METHOD.NAME=VALUE``."""
        return [
            f"{method}.{name}={value if isinstance(value, str) else json.dumps(value)}"
            for method, settings in self.parameters.items()
            for name, value in settings.items()
        ]


class DisclosureColumn(Settings):
    """Column that says in every row that its values are predictions."""

    comes_last = True

    disclosure_column: Annotated[
        bool, CommandLineOnly("Tables that a study writes always have the column.")
    ] = setting(
        False,
        "Add a column to CSV and TSV files that says in every row that its values are predictions of a model. "
        "Other formats always say so in their metadata.",
    )


class Connection(Settings):
    """Connection to a language model."""

    base_url: Annotated[str | None, MayHoldKey()] = setting(
        None,
        "Address of an OpenAI-compatible endpoint (vLLM, Ollama, a gateway), up to and including /v1.",
    )
    engine: Engine = setting(
        "openai",
        "Library that sends the requests: openai (for any OpenAI-compatible endpoint) or inspect (for the "
        "providers that inspect-ai supports).",
    )
    key_variable: Annotated[str | None, Unset("OPENAI_API_KEY")] = setting(
        None,
        "Name of the environment variable that holds the provider's key; the key itself is never a setting.",
    )
    drop_unsupported: bool = setting(
        False, "Leave out settings that the model forbids, such as the temperature, instead of stopping."
    )
    no_system: bool = setting(
        False,
        "Put the system message at the beginning of the user's message, for models that have no system role.",
    )
    preflight: Annotated[bool, Flag("--preflight/--no-preflight")] = setting(
        True,
        "Before the first request, ask the endpoint which models it serves, and with which context. This is free. A "
        "dry run asks only if --preflight is given.",
    )


class OutputLimit(Settings):
    """Longest reply."""

    max_tokens: int | None = setting(
        None, "Longest reply of the model, in tokens. Without it the endpoint decides.", ge=1
    )


class Reasoning(Settings):
    """Effort of a reasoning model."""

    reasoning_effort: str | None = setting(
        None, "Effort that a reasoning model spends on thinking: minimal, low, medium or high."
    )


class ExtraFields(Settings):
    """Fields that only some endpoints support."""

    extra: Annotated[JsonObject, MayHoldKey()] = setting(
        {}, "Further fields to send with each request, as a JSON object, for options of this endpoint only."
    )


class ContextLimit(Settings):
    """Longest prompt."""

    context_tokens: Annotated[int, Unit("tokens")] = setting(
        250_000, "Longest prompt that the model accepts, in tokens; longer ones are never sent.", ge=1
    )


class Requests(Settings):
    """Number of simultaneous requests, and their time limit."""

    concurrency: int = setting(
        512,
        "Most requests sent at the same time. A run begins with one, and sends more while answers come faster for it.",
        ge=1,
    )
    timeout: Annotated[float, Unit("seconds")] = setting(
        120.0, "Seconds to wait for a reply before the attempt counts as failed.", gt=0
    )


class Attempts(Settings):
    """Number of attempts at a call."""

    attempts: int = setting(6, "Number of attempts at a call before it counts as failed.", ge=1)


class Moved(Settings):
    """Permission to continue a run at another address."""

    moved: bool = setting(
        False, "Continue a stored run although --base-url differs, because the same model has a new address."
    )


class DecodingSeed(Settings):
    """Seeds by which models draw their words."""

    no_decoding_seed: bool = setting(
        False,
        "Send no decoding seed. By default each call has its own, derived from the seed of the run, the person, the "
        "item and the repetition, so that repetitions differ and a run repeats where the endpoint keeps to seeds.",
    )


class Prices(Settings):
    """Prices of tokens, given as numbers."""

    price_in: Annotated[float | None, Unit(PRICE)] = setting(
        None, "Price of a million tokens sent, in any currency.", ge=0
    )
    price_out: Annotated[float | None, Unit(PRICE)] = setting(
        None, "Price of a million tokens received, including reasoning, in the same currency.", ge=0
    )

    @property
    def prices_by_hand(self) -> tuple[float | None, ...]:
        """All prices that can be given as numbers."""
        return (self.price_in, self.price_out)

    @model_validator(mode="after")
    def _prices_for_both_directions(self) -> Self:
        given = [price for price in self.prices_by_hand if price is not None]
        if given and (self.price_in is None or self.price_out is None):
            raise RuleBrokenError("prices must be given for both directions: {price_in} and {price_out}")
        return self


class CachedPrices(Prices):
    """Prices of tokens, given as numbers or in a file."""

    price_cached: Annotated[float | None, Unset("the price of other tokens sent"), Unit(PRICE)] = setting(
        None, "Price of a million tokens sent that the provider had in its cache, in the same currency.", ge=0
    )
    prices: Path | None = setting(
        None,
        "YAML or JSON file with prices of models, instead of the single prices: {model: {prompt, completion, "
        "cached}}.",
    )

    @property
    def prices_by_hand(self) -> tuple[float | None, ...]:
        """All prices that can be given as numbers."""
        return (self.price_in, self.price_out, self.price_cached)

    @model_validator(mode="after")
    def _prices_from_one_place(self) -> Self:
        if self.prices is not None and any(price is not None for price in self.prices_by_hand):
            raise RuleBrokenError(
                "prices come from {prices} or from {price_in} and {price_out}, not from both"
            )
        return self


class Caps(Settings):
    """Caps on the money and the tokens of a run."""

    cap_cost: float | None = setting(
        None,
        "Most money that the whole run may cost, in the currency of the prices, by all processes that share it; needs "
        "prices.",
        gt=0,
    )
    cap_tokens: int | None = setting(
        None,
        "Most tokens that the whole run may use, sent and received together, by all processes that share it.",
        gt=0,
    )


class AllCaps(Caps):
    """Caps on the money, the tokens and the requests of a run."""

    cap_requests: int | None = setting(
        None,
        "Most requests that the whole run may send, including failed ones, by all processes that share it.",
        gt=0,
    )


class RunLimits(Moved, Requests, Attempts, DecodingSeed, AllCaps, CachedPrices, ContextLimit):
    """Pace, prices and limits of a run. None of these settings changes what is asked."""

    @model_validator(mode="after")
    def _cost_needs_prices(self) -> Self:
        if self.cap_cost is not None and self.prices is None and self.price_in is None:
            raise RuleBrokenError(
                "{cap_cost} needs prices: give the price of a million tokens sent and received, {price_in} and "
                "{price_out}"
            )
        return self


class Asking(Connection, OutputLimit, Reasoning, RunLimits):
    """Settings of every job that asks a language model."""


class PromptFiles(Settings):
    """Folder with prompts of the user."""

    prompts: Path | None = setting(
        None, "Folder with your own prompt files, which replace the built-in prompts of the same names."
    )


class TwinAnswers(Settings):
    """Weights of twins, and treatment of their off-scale answers."""

    twin_weights: Path | None = setting(
        None, "Survey (design) weights of the twins: a table with their ids and a column 'weight'."
    )
    keep_off_scale: bool = setting(
        False, "Count off-scale answers such as 'refused' as ordinary categories instead of leaving them out."
    )


class OnlyItems(Settings):
    """Items to predict."""

    items: Ids = setting((), "Predict only these items, separated by commas; may be repeated.")


class Figures(Settings):
    """Folder and format of figures."""

    figures: Annotated[Path | None, CommandLineOnly("Figures are in the report of a study.")] = setting(
        None, "Folder to write figures to; created if it is missing."
    )
    figure_format: Annotated[FigureFormat, CommandLineOnly("Figures are in the report of a study.")] = (
        setting("png", "File format of the figures.")
    )
