"""Choose how many requests to have open at once, from how fast answers come.

Nobody knows how many requests a server answers at a time. Too few leave it idle; too many wait in its queue until they
time out, and are paid again. The pace measures answers a second in *rounds*, each a number of answers at one limit. It
doubles the limit as long as the rate follows. Then it holds the limit, and now and then tries a higher and a lower one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

#: A limit that is f times as large must bring more than f to this power times as many answers a second. A lower limit
#: must lose less than that. Above the first limit that keeps a server busy, only the queue grows.
ELASTICITY_OF_GROWTH = 0.4
ELASTICITY_UP = 0.25
ELASTICITY_DOWN = 0.2
FIRST_FACTOR = 2.0
FACTOR = 1.25
#: Rounds between trials of another limit. They double after each trial that failed.
FEWEST_HELD, MOST_HELD = 3, 12
#: Part of the timeout that answers may take on average before the limit falls.
LONGEST_PART = 0.5
FEWEST_ANSWERS, FEWEST_IN_GROWTH = 8, 4
#: A step of growth that seems to fail is judged by this many times as many answers.
LONGER_IN_DOUBT = 3
#: Trials in a row that raise the limit, after which it doubles again, unless the server has complained.
STEPS_BEFORE_GROWTH = 2
AFTER_REFUSAL = 0.7
AFTER_TIMEOUT = 0.5
#: Timeouts of a round, in number and as a share of its requests, from which on the server is too busy.
FEWEST_LATE = 2
SHARE_LATE = 0.1
_UP, _HOLD, _DOWN = 1, 0, -1


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
    _base: tuple[float, float] | None = None  # limit and rate that a trial is compared with
    _trial: int = _UP  # direction of the limit now, seen from the base
    _next: int = _UP  # direction of the next trial
    _held: int = 0  # rounds since the last trial
    _wait: int = FEWEST_HELD  # rounds before the next one
    _begun: float = float("-inf")  # start of the round; only requests sent later count in it
    _times: list[float] = field(default_factory=list)
    _late: int = 0
    _lowered: float = float("-inf")
    _doubting: bool = False  # a step of growth seems to fail: more answers tell
    _usual: tuple[float, int] = (0.0, 0)  # seconds and number of the answers of earlier steps of growth
    _steps_up: int = 0  # trials in a row that raised the limit

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
        if self._growing:
            enough = max(FEWEST_IN_GROWTH, most // 2) if most > 1 else 1
            return enough * (LONGER_IN_DOUBT if self._doubting else 1)
        return max(FEWEST_ANSWERS, 2 * most)

    def _lower(self, sent: float, now: float, factor: float) -> None:
        """Lower the limit once for all requests that were open together."""
        if sent < self._lowered:
            return
        self._lowered = now
        self._hold_at(self.limit * factor, now)

    def _end_round(self, mean: float, now: float) -> None:
        rate = int(self.limit) / max(mean, 1e-9)
        if mean > LONGEST_PART * self.timeout and self.limit > 1:
            self._hold_at(self.limit * LONGEST_PART * self.timeout / mean, now)
        elif self._base is None:
            self._base, self._usual = (self.limit, rate), (sum(self._times), len(self._times))
            self._try(_UP if self._growing else _HOLD, now)
        elif self._trial == _HOLD:
            limit, before = self._base
            self._base, self._held = (limit, (before + rate) / 2), self._held + 1
            self._try(self._next if self._held >= self._wait else _HOLD, now)
        elif self._follows(rate) or (self._growing and self._usual[1] < FEWEST_IN_GROWTH):
            self._follow(rate, mean, now)
        elif self._growing and not self._doubting:
            self._doubting = True
        else:
            self._return(rate, now)

    def _follow(self, rate: float, mean: float, now: float) -> None:
        """Keep the limit after a trial that succeeded, and go on in its direction."""
        self._base, self._wait, self._doubting = (self.limit, rate), FEWEST_HELD, False
        self._steps_up = self._steps_up + 1 if self._trial == _UP else 0
        if self._steps_up >= STEPS_BEFORE_GROWTH and self._lowered == float("-inf"):
            self._growing = True
        if self._growing:
            total, n = self._usual if self._usual[1] >= FEWEST_IN_GROWTH else (0.0, 0)
            self._usual = (total + sum(self._times), n + len(self._times))
            self._base = (self.limit, int(self.limit) * self._usual[1] / max(self._usual[0], 1e-9))
            self._growing = FIRST_FACTOR * mean <= LONGEST_PART * self.timeout
        self._try(self._trial, now)

    def _follows(self, rate: float) -> bool:
        """Tell whether a trial succeeded: the rate rose with the limit, or did not fall with it."""
        limit, before = self._base or (self.limit, rate)
        up = ELASTICITY_OF_GROWTH if self._growing else ELASTICITY_UP
        expected: float = before * (self.limit / limit) ** (up if self._trial == _UP else ELASTICITY_DOWN)
        return rate > expected if self._trial == _UP else rate >= expected

    def _return(self, rate: float, now: float) -> None:
        """Go back to the limit before a trial; when growth ends, to where the rate of the last step was reached."""
        limit, before = self._base or (self.limit, rate)
        if self._growing:
            limit = min(self.limit, limit * max(1.0, rate / before))
            self._base = (limit, max(rate, before))
        else:
            self._wait = min(2 * self._wait, MOST_HELD)
        self._growing, self._doubting, self._steps_up, self._usual = False, False, 0, (0.0, 0)
        self._next, self._trial, self._held = -self._trial, _HOLD, 0
        self._set(limit, now)

    def _hold_at(self, limit: float, now: float) -> None:
        """Stay at a new limit for some rounds."""
        self._growing, self._base, self._trial, self._held = False, None, _HOLD, 0
        self._next, self._wait, self._doubting, self._steps_up = _UP, FEWEST_HELD, False, 0
        self._set(limit, now)

    def _try(self, direction: int, now: float) -> None:
        """Begin a round at another limit, or at the same one."""
        limit = self._base[0] if self._base else self.limit
        factor = FIRST_FACTOR if self._growing else FACTOR
        wanted = limit
        if direction == _UP:
            wanted = min(max(limit * factor, int(limit) + 1.0), float(self.ceiling))
        elif direction == _DOWN:
            wanted = max(min(limit / factor, int(limit) - 0.01), 1.0)
        if int(wanted) == int(limit):  # nothing to try there
            self._growing, self._next = False, (-direction or self._next)
            self._held, direction, wanted = (0 if direction else self._held), _HOLD, limit
        self._trial = direction
        self._set(wanted, now)

    def _set(self, limit: float, now: float) -> None:
        self.limit = min(max(limit, 1.0), float(self.ceiling))
        self._begun, self._times, self._late = now, [], 0
