"""Keep a run within caps on requests, tokens and money. Each request is checked before it is sent."""

from __future__ import annotations

from dataclasses import dataclass, field

from truetwin.errors import BudgetError, ParameterError
from truetwin.llm.messages import Request, Usage
from truetwin.llm.running.pricing import Prices

_BYTES_PER_TOKEN = 4.0
_UNKNOWN_REPLY = 300  # expected tokens of a reply, until the first reply has come


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
    """Caps on the total use of a run, including earlier sessions and failed attempts. None means no cap.

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


@dataclass(frozen=True)
class Reservation:
    """Expected use of a request under way. ``estimate`` is the number of tokens estimated from its text alone."""

    expected: Usage = field(default_factory=Usage)
    estimate: int = 0


class Budget:
    """Budget of a run: compares what has been used, and what is under way, with the caps.

    A request under way counts with an estimate: its text, and the mean reply so far. A hundred concurrent requests
    therefore cannot pass a cap by a hundred replies; the total may pass it by the error of the estimate only. If an
    endpoint counts no tokens, its replies keep their estimates.

    Parameters
    ----------
    caps : Caps
        The limits.
    prices : Prices, optional
        Needed for a cap on money.
    requests, usage, cost :
        Requests, tokens and money that earlier sessions have used.
    """

    def __init__(
        self,
        caps: Caps,
        prices: Prices | None,
        *,
        requests: int = 0,
        usage: Usage | None = None,
        cost: float = 0.0,
    ) -> None:
        if caps.cost is not None and prices is None:
            raise ParameterError(
                "a cap on cost needs prices; give the price of a million tokens sent and received"
            )
        self.caps = caps
        self.prices = prices
        self.requests = requests
        self.usage = usage or Usage()
        self.cost = cost
        self._replies = 0
        self._seen = Usage()
        self._estimated = 0
        self._reserved = Usage()
        self._assumed = Usage()
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
        reserved = self._reserved + expected
        try:
            self._check(reserved + self._assumed)
        except BudgetError:
            self.requests -= 1
            raise
        self._reserved = reserved
        return Reservation(expected, estimate)

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
        per_estimate = self._seen.prompt_tokens / self._estimated if self._estimated else 1.0
        return Usage(round(text * per_estimate), round(self._seen.completion_tokens / self._replies))

    def _check(self, reserved: Usage) -> None:
        caps = self.caps
        if caps.requests is not None and self.requests > caps.requests:
            raise BudgetError(f"the cap of {caps.requests:,} requests is reached")
        expected = self.usage + reserved
        tokens = expected.prompt_tokens + expected.completion_tokens
        if caps.tokens is not None and tokens > caps.tokens:
            raise BudgetError(
                f"the cap of {caps.tokens:,} tokens is reached: one more request would make about {tokens:,}"
            )
        if caps.cost is not None and self.prices is not None:
            cost = self.cost + self.prices.cost(reserved)
            if cost > caps.cost:
                raise BudgetError(
                    f"the cost cap of {caps.cost:g} is reached: one more request would make about {cost:.4g}"
                )
