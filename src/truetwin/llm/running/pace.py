"""Choose how many requests to have open at once, from how fast answers come.

Nobody knows how many requests a server answers at a time. Too few leave it idle; too many wait in its queue until they
time out, and are paid again. The pace climbs: in each *round*, a number of answers at one limit, it measures answers a
second, and a limit that is raised (or lowered) is kept if the rate follows it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

#: A limit that is f times as large must bring more than f to this power times as many answers a second.
ELASTICITY = 0.4
FIRST_FACTOR = 2.0
FACTOR = 1.25
#: Part of the timeout that answers may take on average before the limit falls.
LONGEST_PART = 0.5
FEWEST_ANSWERS = 8
AFTER_REFUSAL = 0.7
AFTER_TIMEOUT = 0.5
#: Timeouts of a round, in number and as a share of its requests, from which on the server is too busy.
FEWEST_LATE = 2
SHARE_LATE = 0.1
_MOST_REFUSALS = 3  # rounds without probing after a refusal


@dataclass
class Pace:
    """Limit on the requests that are open at once.

    Parameters
    ----------
    ceiling : int
        Most requests at once; >= 1.
    timeout : float
        Seconds after which a request counts as failed.

    Attributes
    ----------
    limit : float
        The limit now; the first request goes alone, so that a wrong key or address is noticed by one request.

    Notes
    -----
    Times are seconds of any one clock. With requests always open up to the limit, answers a second are the limit over
    the mean time that an answer takes (Little's law).
    """

    ceiling: int
    timeout: float = float("inf")
    limit: float = 1.0
    _growing: bool = True
    _kept: tuple[float, float] | None = None  # limit and rate that the round now is compared with
    _up: bool = True  # direction of the last step
    _begun: float = float("-inf")  # start of the round; only requests sent later count in it
    _times: list[float] = field(default_factory=list)
    _late: int = 0
    _lowered: float = float("-inf")
    _resting: int = 0

    def answered(self, sent: float, now: float) -> None:
        """Count an answer to a request that was sent at ``sent``."""
        if sent < self._begun:
            return
        self._times.append(now - sent)
        if len(self._times) >= self._enough:
            mean = sum(self._times) / len(self._times)
            self._end_round(mean, now)

    def refused(self, sent: float, now: float) -> None:
        """Lower the limit: the server says that there are too many requests."""
        self._lower(sent, now, AFTER_REFUSAL)

    def timed_out(self, sent: float, now: float) -> None:
        """Lower the limit if a request got no answer in time, and it is not a rare exception."""
        self._late += 1
        if self._late >= FEWEST_LATE and self._late > SHARE_LATE * (self._late + len(self._times)):
            self._lower(sent, now, AFTER_TIMEOUT)

    @property
    def _enough(self) -> int:
        most = int(self.limit)
        return max(2, most) if self._growing else max(FEWEST_ANSWERS, 2 * most)

    def _lower(self, sent: float, now: float, factor: float) -> None:
        """Lower the limit once for all requests that were open together."""
        if sent < self._lowered:
            return
        self._lowered, self._growing, self._kept, self._resting = now, False, None, _MOST_REFUSALS
        self._set(self.limit * factor, now)

    def _end_round(self, mean: float, now: float) -> None:
        rate = int(self.limit) / max(mean, 1e-9)
        if mean > LONGEST_PART * self.timeout and self.limit > 1:
            self._growing, self._kept = False, None
            self._set(self.limit * LONGEST_PART * self.timeout / mean, now)
        elif self._kept is None or self._follows(rate):
            self._keep(rate, now)
        else:
            self._step_back(now)

    def _follows(self, rate: float) -> bool:
        """Tell whether the last step was right: the rate rose with the limit, or did not fall with it."""
        limit, kept = self._kept or (self.limit, rate)
        expected: float = kept * (self.limit / limit) ** ELASTICITY
        return rate > expected if self._up else rate >= expected

    def _keep(self, rate: float, now: float) -> None:
        """Keep the limit and try the next one in the same direction."""
        self._kept = (self.limit, rate)
        if self._resting:
            self._resting -= 1
            self._up = True
            self._set(self.limit, now)
        else:
            self._step(now)

    def _step_back(self, now: float) -> None:
        """Return to the limit before the last step, and try the other direction next."""
        limit, rate = self._kept or (self.limit, 0.0)
        if self._growing:
            self._growing = False
        self.limit, self._up = limit, not self._up
        self._kept = (limit, rate)
        self._step(now)

    def _step(self, now: float) -> None:
        factor = FIRST_FACTOR if self._growing else FACTOR
        wanted = self.limit * factor if self._up else self.limit / factor
        if self._up:
            wanted = max(wanted, int(self.limit) + 1.0)
        elif int(wanted) == int(self.limit):
            wanted = int(self.limit) - 1.0
        if wanted > self.ceiling or wanted < 1.0:  # nothing to try there: try the other direction
            wanted = min(max(wanted, 1.0), float(self.ceiling))
            self._up = not self._up
            self._growing = False
        self._set(wanted, now)

    def _set(self, limit: float, now: float) -> None:
        self.limit = min(max(limit, 1.0), float(self.ceiling))
        self._begun, self._times, self._late = now, [], 0
