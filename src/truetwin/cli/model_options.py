"""Options of the verbs that ask models, and how a run is carried out and shown."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from truetwin.errors import ParameterError, RunError

if TYPE_CHECKING:
    from truetwin.llm import ChatModel, Prices, Progress, RunOptions, RunSummary, Sampling, Store, Task

BaseUrl = Annotated[
    str | None,
    typer.Option(
        "--base-url",
        help="Address of an OpenAI-compatible endpoint (vLLM, Ollama, a gateway), up to and with /v1.",
    ),
]
Engine = Annotated[
    str, typer.Option(help="openai (any OpenAI-compatible endpoint), or inspect (inspect-ai's providers).")
]
KeyVariable = Annotated[
    str | None,
    typer.Option("--key-variable", help="Environment variable that holds the key. [default: OPENAI_API_KEY]"),
]
Concurrency = Annotated[
    int, typer.Option(help="Requests at once at most; fewer while the endpoint says 429.", min=1)
]
Timeout = Annotated[float, typer.Option(help="Seconds for one request.")]
Attempts = Annotated[int, typer.Option(help="How often a call is tried before it counts as failed.", min=1)]
CapCost = Annotated[
    float | None, typer.Option("--cap-cost", help="Most money to spend in all; needs prices.")
]
CapTokens = Annotated[int | None, typer.Option("--cap-tokens", help="Most tokens to use in all.")]
CapRequests = Annotated[
    int | None, typer.Option("--cap-requests", help="Most requests in all, failed ones included.")
]
PriceIn = Annotated[float | None, typer.Option("--price-in", help="Price of a million tokens sent.")]
PriceOut = Annotated[
    float | None, typer.Option("--price-out", help="Price of a million tokens received, reasoning included.")
]
PriceCached = Annotated[
    float | None,
    typer.Option(
        "--price-cached", help="Price of a million tokens sent that were cached. [default: --price-in]"
    ),
]
PriceFile = Annotated[
    Path | None,
    typer.Option("--prices", help="YAML or JSON file {model: {prompt, completion, cached}} instead."),
]
Temperature = Annotated[
    float | None, typer.Option(help="Of decoding. [default: the construction's, else the endpoint's own]")
]
MaxTokens = Annotated[int | None, typer.Option("--max-tokens", help="Longest reply, in tokens.", min=1)]
ReasoningEffort = Annotated[
    str | None, typer.Option("--reasoning-effort", help="For reasoning models: minimal, low, medium, high.")
]
Extra = Annotated[
    str | None,
    typer.Option("--extra", help="More fields of each request, as a JSON object, for this endpoint only."),
]
Moved = Annotated[
    bool, typer.Option("--moved", help="Continue a run though --base-url differs: the same model has moved.")
]
Prompts = Annotated[
    Path | None,
    typer.Option(
        "--prompts", help="Folder of prompt files that replace the package's own of the same names."
    ),
]
EVERY = 60.0  # seconds between progress lines where there is no terminal


@dataclass(frozen=True)
class RunChoices:
    """The run options as they were given."""

    concurrency: int
    timeout: float
    attempts: int
    cap_cost: float | None
    cap_tokens: int | None
    cap_requests: int | None
    price_in: float | None
    price_out: float | None
    price_cached: float | None
    price_file: Path | None
    moved: bool = False
    shard: str | None = None

    def prices(self, model: str) -> Prices | None:
        """Prices by hand, or from the file."""
        from truetwin.errors import DataError
        from truetwin.llm import Prices, read_prices

        by_hand = [p for p in (self.price_in, self.price_out, self.price_cached) if p is not None]
        if self.price_file is not None:
            if by_hand:
                raise ParameterError(
                    "prices come from --prices or from --price-in and --price-out, not from both"
                )
            found = read_prices(self.price_file, model)
            if found is None:
                raise DataError(f"{self.price_file} must hold prices of the model; it has none for {model!r}")
            return found
        if not by_hand:
            return None
        if self.price_in is None or self.price_out is None:
            raise ParameterError("prices must be given for both directions: --price-in and --price-out")
        return Prices(self.price_in, self.price_out, self.price_cached)

    def run_options(self, model: str, context_tokens: int) -> RunOptions:
        """The options of the runner."""
        from truetwin.llm import Caps, RunOptions, Shard

        return RunOptions(
            concurrency=self.concurrency,
            timeout=self.timeout,
            attempts=self.attempts,
            context_limit=context_tokens,
            caps=Caps(self.cap_requests, self.cap_tokens, self.cap_cost),
            prices=self.prices(model),
            shard=Shard.parse(self.shard) if self.shard else Shard(),
            may_differ=("model.base_url",) if self.moved else (),
        )


def sampling_of(
    temperature: float | None,
    max_tokens: int | None,
    reasoning_effort: str | None,
    extra: str | None,
    seed: int | None = None,
) -> Sampling:
    """Decoding as it was asked for."""
    from truetwin.llm import Sampling

    if temperature is not None and not 0 <= temperature <= 2:
        raise ParameterError(f"--temperature must lie between 0 and 2; got {temperature:g}")
    fields: Any = {}
    if extra:
        try:
            fields = json.loads(extra)
        except json.JSONDecodeError as error:
            raise ParameterError(f"--extra must be a JSON object: {error}") from error
        if not isinstance(fields, dict):
            raise ParameterError(f"--extra must be a JSON object; got {extra[:40]!r}")
    return Sampling(
        temperature=temperature,
        max_tokens=max_tokens,
        reasoning_effort=reasoning_effort,
        seed=seed,
        extra=fields,
    )


@contextmanager
def run_store(path: Path, *, resume: bool = False) -> Iterator[Store]:
    """The store of a run, begun if there is none."""
    from truetwin.io import make_folder
    from truetwin.llm import Store
    from truetwin.llm.store.run_file import FILE_NAME

    is_file = path.is_file() or path.suffix == ".sqlite"
    file, folder = (path, path.parent) if is_file else (path / FILE_NAME, path)
    if resume and not file.exists():
        raise RunError(f"there is no run to resume at {path}. Leave out --resume to begin one.")
    make_folder(folder, "the run")
    with Store(file) as store:
        yield store


def carry_out(task: Task, model: ChatModel, store: Store, options: RunOptions, label: str) -> RunSummary:
    """Do a run and show how it goes."""
    from truetwin.cli.output import note
    from truetwin.llm import run

    with progress_line(label) as show:
        summary = run(task, model, store, options, progress=show)
    for text in summary.notes:
        note(f"the endpoint: {text}")
    if summary.interrupted:
        note(
            f"{summary.interrupted:,} calls were under way when an earlier process died, and may have been paid"
        )
    return summary


@contextmanager
def progress_line(label: str) -> Iterator[Callable[[Progress], None]]:
    """Rate, tokens, money and failures while a run goes: a live line on a terminal, else a line every minute."""
    from truetwin.cli.output import note

    if not sys.stderr.isatty():
        last, told = time.monotonic(), False

        def show_line(progress: Progress) -> None:
            nonlocal last, told
            waits = progress.stopping == "interrupted" and progress.in_flight > 0
            if time.monotonic() - last >= EVERY or (waits and not told):
                last, told = time.monotonic(), told or waits
                note(f"{label}: {describe_progress(progress)}")

        yield show_line
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(stderr=True)
    with Live(Text(label), console=console, transient=True, refresh_per_second=4) as live:
        yield lambda progress: live.update(Text(f"{label}: {describe_progress(progress)}", overflow="fold"))


def describe_progress(progress: Progress) -> str:
    """A run under way in one line."""
    from truetwin.llm import State

    parts = [f"{progress.done:,}/{progress.total:,}", f"{progress.rate:,.1f}/s"]
    left = progress.remaining_seconds
    if left is not None and progress.done < progress.total:
        parts.append(f"{_clock(left)} left")
    parts.append(f"{progress.usage.prompt_tokens + progress.usage.completion_tokens:,} tokens")
    if progress.cost is not None:
        parts.append(f"cost {progress.cost:,.4g}")
    parts += [f"{n:,} {state}" for state, n in progress.counts.items() if n and state is not State.VALID]
    if progress.failed_attempts:
        parts.append(f"{progress.failed_attempts:,} failed attempts")
    parts.append(f"{progress.in_flight} under way")
    if progress.stopping:
        again = "; interrupt again to give them up" if progress.stopping == "interrupted" else ""
        parts.append(f"stopping ({progress.stopping}){again}")
    return ", ".join(parts)


def _clock(seconds: float) -> str:
    hours, rest = divmod(round(seconds), 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}"
