"""Keep a run within caps on requests, tokens and money. Each request is checked before it is sent."""

from __future__ import annotations

from dataclasses import dataclass, field

from truetwin.errors import BudgetError, ParameterError
from truetwin.llm.messages import Request, Usage
from truetwin.llm.running.pricing import Prices
from truetwin.llm.running.shards import Shard
from truetwin.llm.store.ledger import Ledger, Use
from truetwin.llm.store.totals import Totals

_BYTES_PER_TOKEN = 4.0
_UNKNOWN_REPLY = 300  # expected tokens of a reply, until the first reply has come
_AHEAD = 8  # requests for which room is put aside at once, while there is enough of it


def estimated_tokens(request: Request) -> int:
    """Estimate the tokens of a request at four bytes a token. This is about right for English, and for Chinese."""
    n_bytes = sum(
        len(part) if part.isascii() else len(part.encode("utf-8", "surrogatepass"))
        for message in request.messages
        for part in message.parts
    )
    return round(n_bytes / _BYTES_PER_TOKEN)


@dataclass(frozen=True)
class Caps:
    """Caps on the total use of a run by all processes and sessions, failed attempts included. None means no cap.

    Parameters
    ----------
    requests : int, optional
        Most attempts, answered or not.
    tokens : int, optional
        Most tokens, sent and received together.
    cost : float, optional
        Most money, in the currency of the prices. It needs prices.
    """

    requests: int | None = None
    tokens: int | None = None
    cost: float | None = None

    def __post_init__(self) -> None:
        for name in ("requests", "tokens", "cost"):
            cap = getattr(self, name)
            if cap is not None and not cap > 0:
                raise ParameterError(f"a cap must be greater than 0; the cap on {name} is {cap!r}")

    @property
    def any(self) -> bool:
        """Whether anything is capped."""
        return not (self.requests is None and self.tokens is None and self.cost is None)

    def of_part(self, shard: Shard) -> Caps:
        """Divide the caps by the number of parts of a run, so that all parts together keep to them.

        Raises
        ------
        ParameterError
            If a part gets no request or no token.

        Examples
        --------
        >>> [Caps(requests=400).of_part(Shard(k, 3)).requests for k in (1, 2, 3)]
        [134, 133, 133]
        """
        if shard.count == 1:
            return self

        def share(cap: int | None) -> int | None:
            return None if cap is None else cap // shard.count + (shard.number <= cap % shard.count)

        requests, tokens = share(self.requests), share(self.tokens)
        if requests == 0 or tokens == 0:
            raise ParameterError(
                f"caps are divided among {shard.count} parts; one of them leaves nothing for a part"
            )
        return Caps(requests, tokens, None if self.cost is None else self.cost / shard.count)


@dataclass(frozen=True)
class Reservation:
    """Expected use of a request under way. ``estimate`` is the number of tokens estimated from its text alone."""

    expected: Usage = field(default_factory=Usage)
    estimate: int = 0


class Budget:
    """Budget of a run: compares what has been used, and what is under way, with the caps.

    A request under way counts with what it may use: its text, and a reply as long as the longest so far. The total
    passes a cap only by what the last replies are longer than every reply before. If an endpoint counts no tokens,
    its replies keep their estimates.

    Parameters
    ----------
    caps : Caps
        The limits.
    prices : Prices, optional
        Needed for a cap on money.
    ledger : Ledger, optional
        Counts what earlier sessions, and other processes at the same time, use. Without it, only this budget counts.
    """

    def __init__(self, caps: Caps, prices: Prices | None, ledger: Ledger | None = None) -> None:
        if caps.cost is not None and prices is None:
            raise ParameterError(
                "a cap on cost needs prices; give the price of a million tokens sent and received"
            )
        self.caps = caps
        self.prices = prices
        self._ledger = ledger
        self.earlier = Totals(0, Usage(), 0.0, 0, {}) if ledger is None else ledger.earlier
        self.requests = 0
        self.usage = Usage()
        self.cost = 0.0
        self._replies = 0
        self._seen = Usage()
        self._estimated = 0
        self._longest_reply = 0  # tokens
        self._over_estimate = 0  # most tokens by which a request was longer than expected
        self._reserved = Usage()
        self._assumed = Usage()
        self._unmeasured = self.earlier.uncounted  # earlier replies whose tokens were not counted
        self.uncounted = 0  # number of replies whose tokens the endpoint did not count

    def reserve(self, request: Request) -> Reservation:
        """Count a request as under way. Pass the result to :meth:`settle` when the request has ended.

        Raises
        ------
        BudgetError
            If the request would pass a cap.
        """
        self.requests += 1
        if not self.caps.any:
            return Reservation()
        estimate = estimated_tokens(request)
        expected = self._expected(request, estimate)
        self._assumed = self._assumed + _times(expected, self._unmeasured)
        self._unmeasured = 0
        try:
            self._put_aside(expected)
        except BudgetError:
            self.requests -= 1
            raise
        self._reserved = self._reserved + expected
        return Reservation(expected, estimate)

    def _put_aside(self, expected: Usage) -> None:
        """Make sure that one more request of this size fits, beside what other processes have put aside."""
        under_way = self.usage + self._reserved + self._assumed
        own = self._use(self.requests, under_way + expected)
        if self._ledger is None:
            self._check(own)
        elif not self._ledger.reserved(own):
            ahead = self._use(_AHEAD, _times(expected, _AHEAD))
            now = self._use(self.requests - 1, under_way)
            others = self._ledger.reserve(now, own, ahead, self._fits)
            if others is not None:
                self._check(others + own)

    def _use(self, requests: int, usage: Usage) -> Use:
        cost = 0.0 if self.prices is None else self.prices.cost(usage)
        return Use(requests, usage.prompt_tokens + usage.completion_tokens, cost)

    def _fits(self, use: Use) -> bool:
        try:
            self._check(use)
        except BudgetError:
            return False
        return True

    def settle(self, reserved: Reservation, used: Usage | None) -> float | None:
        """Replace the estimate of a request that has ended by its actual use.

        Parameters
        ----------
        reserved : Reservation
            The result of :meth:`reserve`.
        used : Usage or None
            Tokens that the request used; None if unknown.

        Returns
        -------
        float or None
            Cost of the request. None without prices, or if the endpoint did not count its tokens.
        """
        expected = reserved.expected
        self._reserved = self._reserved - expected
        if used is None:
            return None
        if not (used.prompt_tokens or used.completion_tokens):  # the cost is unknown; caps use the estimate
            self.uncounted += 1
            self._assumed = self._assumed + expected
            return None
        if self._replies:
            over = used.prompt_tokens - self._mean_prompt(reserved.estimate)
            self._over_estimate = max(self._over_estimate, over)
        self._longest_reply = max(self._longest_reply, used.completion_tokens)
        self._replies += 1
        self._seen = self._seen + used
        self._estimated += reserved.estimate
        self.usage = self.usage + used
        if self.prices is None:
            return None
        cost = self.prices.cost(used)
        self.cost += cost
        return cost

    def _expected(self, request: Request, text: int) -> Usage:
        """Estimate the tokens of a request and its reply.

        ``text`` is the estimate from the request's text. It is corrected by the mean error of earlier estimates.
        """
        if not self._replies:
            limit = request.sampling.max_tokens
            return Usage(text, _UNKNOWN_REPLY if limit is None else min(limit, _UNKNOWN_REPLY))
        return Usage(self._mean_prompt(text) + self._over_estimate, self._longest_reply)

    def _mean_prompt(self, text: int) -> int:
        return round(text * self._seen.prompt_tokens / self._estimated) if self._estimated else text

    def _check(self, use: Use) -> None:
        """Raise :class:`BudgetError` if the caps do not allow ``use`` since this budget began."""
        caps, earlier = self.caps, self.earlier
        requests = earlier.requests + use.requests
        if caps.requests is not None and requests > caps.requests:
            raise BudgetError(f"the cap of {caps.requests:,} requests is reached")
        tokens = earlier.usage.prompt_tokens + earlier.usage.completion_tokens + use.tokens
        if caps.tokens is not None and tokens > caps.tokens:
            raise BudgetError(
                f"the cap of {caps.tokens:,} tokens is reached: one more request could make up to {tokens:,}"
            )
        cost = earlier.cost + use.cost
        if caps.cost is not None and cost > caps.cost:
            raise BudgetError(
                f"the cost cap of {caps.cost:g} is reached: one more request could make up to {cost:.4g}"
            )


def _times(usage: Usage, number: int) -> Usage:
    return Usage(usage.prompt_tokens * number, usage.completion_tokens * number)
