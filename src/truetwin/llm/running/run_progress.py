"""Report the progress of a run, and summarise it when it has ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from truetwin.llm.messages import Usage
from truetwin.llm.task import State

_ENOUGH_FOR_HINT = 20  # replies


@dataclass(frozen=True)
class Progress:
    """Progress of a run under way, given to the progress callback a few times a second.

    Parameters
    ----------
    total : int
        Cells of the run (of this shard).
    counts : mapping of State to int
        Number of cells that have ended, by state, including those of earlier calls of the runner.
    failed_attempts : int
        Number of attempts of this call that gave no answer.
    usage : Usage
        Tokens that this call used.
    cost : float, optional
        Cost of this call. None without prices, or if the endpoint did not count all tokens.
    seconds : float
        Seconds since the call of the runner began.
    rate : float
        Cells ended per second, over the last few seconds.
    in_flight, limit : int
        Number of requests under way, and the most that are sent at once at present.
    stopping : str
        Reason why nothing more is sent, while replies under way are awaited. Empty before that.
    timeouts : int
        Number of failed attempts that got no reply in time.
    notes : tuple of str
        Remarks so far on how the model was asked, and what its endpoint supports.
    waiting_for : str
        Which other processes hold the cells that are left, while this one waits for them. Empty before that.
    """

    total: int
    counts: Mapping[State, int]
    failed_attempts: int
    usage: Usage
    cost: float | None
    seconds: float
    rate: float
    in_flight: int
    limit: int
    stopping: str = ""
    timeouts: int = 0
    notes: tuple[str, ...] = ()
    waiting_for: str = ""

    @property
    def hint(self) -> str:
        """Advice while it goes, if most replies are cut off or unreadable; empty otherwise."""
        ended = self.done - self.counts.get(State.PROVIDER_ERROR, 0) - self.counts.get(State.SKIPPED, 0)
        if ended < _ENOUGH_FOR_HINT:
            return ""
        if self.counts.get(State.TRUNCATED, 0) > 0.5 * ended:
            return "most replies are cut off: raise --max-tokens or use --reply schema"
        if self.counts.get(State.UNPARSEABLE, 0) > 0.5 * ended:
            return "most replies cannot be read: try --reply schema"
        if self.counts.get(State.REFUSED, 0) > 0.5 * ended:
            return "most replies are refusals"
        return ""

    @property
    def done(self) -> int:
        """Number of cells that have ended."""
        return sum(self.counts.values())

    @property
    def remaining_seconds(self) -> float | None:
        """Seconds left at the present rate; None while the rate is 0."""
        return (self.total - self.done) / self.rate if self.rate > 0 else None


@dataclass(frozen=True)
class RunSummary:
    """Summary of a run.

    Parameters
    ----------
    total : int
        Cells of the run (of this shard).
    counts : mapping of State to int
        Number of cells by state, including those of earlier calls of the runner. Every state is named.
    asked : int
        Number of cells that this call of the runner asked and stored.
    usage : Usage
        Tokens that this call used, including failed attempts if the provider counted them.
    cost : float, optional
        Cost of this call. None without prices, or if the endpoint did not count all tokens.
    failed_attempts : mapping of str to int
        Number of attempts of this call that gave no answer, by kind.
    interrupted : int
        Number of requests that were under way when their process died. They may have been billed.
    seconds : float
        Duration of the run.
    stopped : str
        Reason why the run ended early; empty if it ran to its end.
    notes : tuple of str
        Remarks on how the model was asked, for example that it rejects structured output.
    """

    total: int
    counts: Mapping[State, int]
    asked: int
    usage: Usage
    cost: float | None
    failed_attempts: Mapping[str, int]
    interrupted: int
    seconds: float
    stopped: str = ""
    notes: tuple[str, ...] = ()

    @property
    def in_words(self) -> str:
        """Summary in one line: what was asked, and what it used."""
        tokens = self.usage.prompt_tokens + self.usage.completion_tokens
        ended = sum(self.counts.values())
        parts = [f"{self.asked:,} of {self.total:,} asked"]
        if ended > self.asked:
            parts.append(f"{ended - self.asked:,} answered before")
        parts.append(f"{tokens:,} tokens")
        if self.cost is not None:
            parts.append(f"cost {self.cost:,.4g}")
        parts += [f"{n:,} failed attempts ({kind})" for kind, n in self.failed_attempts.items()]
        if self.stopped:
            parts.append(f"stopped: {self.stopped}")
        return ", ".join([*parts, f"{self.seconds:,.1f} s"])

    def to_row(self, step: str) -> dict[str, Any]:
        """Make a row of what a step asked and used, for JSON."""
        counts = {state.value: n for state, n in self.counts.items() if n}
        return {**asdict(self), "step": step, "counts": counts}

    @property
    def remaining(self) -> int:
        """Number of cells without an answer: not asked yet, failed or skipped."""
        failed = self.counts[State.PROVIDER_ERROR] + self.counts[State.SKIPPED]
        return self.total - sum(self.counts.values()) + failed

    @property
    def complete(self) -> bool:
        """Whether every cell has a reply, readable or not."""
        return self.remaining == 0

    @property
    def valid_share(self) -> float | None:
        """Share of valid answers among all cells that have ended; None if none has."""
        ended = sum(self.counts.values())
        return self.counts[State.VALID] / ended if ended else None
