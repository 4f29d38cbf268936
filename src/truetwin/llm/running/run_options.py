"""Choose how a run is carried out: speed, patience, caps and prices."""

from __future__ import annotations

from dataclasses import dataclass, field

from truetwin.errors import ParameterError
from truetwin.llm.running.budget import Caps
from truetwin.llm.running.pricing import Prices
from truetwin.llm.running.shards import Shard
from truetwin.llm.store.asking_again import AskAgain
from truetwin.settings.declaration import default_of
from truetwin.settings.shared_settings import RunLimits


@dataclass(frozen=True)
class RunOptions:
    """Options of a run. None of them changes what is asked.

    Parameters
    ----------
    concurrency : int, default=512
        The most requests at once. A run begins with one, and sends more while answers come faster for it.
    timeout : float, default=120.0
        Seconds for one request.
    attempts : int, default=6
        How often a cell is asked before it counts as failed; "too many requests" counts as a fifth of an attempt.
    backoff : float, default=0.5
        Seconds: the wait before attempt k + 1 is uniform between 0 and ``backoff * 2**k``.
    longest_wait : float, default=60.0
        Upper limit of that wait, in seconds.
    outage : float, default=180.0
        Seconds without any answer, after earlier ones, during which failures of the connection or the server do not
        count: a run bridges an outage of that length.
    longest_retry_after : float, default=900.0
        If the provider asks for a longer wait than this, the run stops and says so.
    failures_in_a_row : int, default=25
        Number of cells that fail one after the other, without a reply between them, after which the run stops.
    context_limit : int, default=250_000
        Longest request in tokens, estimated at four bytes each. A longer one is skipped and never sent.
    caps : Caps
        Caps on requests, tokens and money.
    prices : Prices, optional
        Prices of tokens. Without them, the cost is unknown.
    shard : Shard
        The part of the run to do.
    decoding_seed : int, optional
        Seed of the run from which each cell's decoding seed is derived. Without it, no seed is sent.
    may_differ : tuple of str
        Names of settings in which a stored run may differ from this one, for example ``"model.base_url"``.
    again : AskAgain, optional
        Which cells that have a reply are asked again.

    Raises
    ------
    ParameterError
        If a number is out of range.
    """

    concurrency: int = default_of(RunLimits, "concurrency")
    timeout: float = default_of(RunLimits, "timeout")
    attempts: int = default_of(RunLimits, "attempts")
    backoff: float = 0.5
    longest_wait: float = 60.0
    outage: float = 180.0
    longest_retry_after: float = 900.0
    failures_in_a_row: int = 25
    context_limit: int = default_of(RunLimits, "context_tokens")
    caps: Caps = field(default_factory=Caps)
    prices: Prices | None = None
    shard: Shard = field(default_factory=Shard)
    decoding_seed: int | None = None
    may_differ: tuple[str, ...] = ()
    again: AskAgain | None = None

    def __post_init__(self) -> None:
        for name in ("concurrency", "timeout", "attempts", "context_limit", "failures_in_a_row"):
            if not getattr(self, name) > 0:
                raise ParameterError(f"{name} must be greater than 0; found {getattr(self, name)!r}")
        if self.caps.cost is not None and self.prices is None:
            raise ParameterError(
                "a cap on cost needs prices: give the price of a million tokens sent and received"
            )
