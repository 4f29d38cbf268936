"""Ask a model everything that a task asks for, store every answer, and never pay for one twice."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count, islice

from truetwin.errors import (
    AccessError,
    BudgetError,
    EndpointError,
    ProviderError,
    RequestRefusedError,
    RunError,
    TransientError,
    UnknownModelError,
)
from truetwin.llm.messages import Cell, Reply, Request, Usage
from truetwin.llm.running.budget import Budget, Reservation, estimated_tokens
from truetwin.llm.running.interrupts import calls_on_interrupt
from truetwin.llm.running.request_gate import Gate
from truetwin.llm.running.run_options import RunOptions
from truetwin.llm.running.run_progress import Progress, RunSummary
from truetwin.llm.running.waiting import wait_for
from truetwin.llm.store.run_store import Store
from truetwin.llm.store.stored_call import Failure, value_json
from truetwin.llm.task import ChatModel, Parsed, State, Task

_TICK = 0.1  # seconds between writes to the store
_SHOW = 0.25  # seconds between calls of the progress callback
_GRACE = 5.0  # seconds by which a model may miss its timeout before it is cut off
_SLOW_DOWN = {"rate-limit", "overloaded"}
_PATIENCE_FOR_LIMITS = 0.2  # of an attempt: a provider that says "later" has not failed


def run(
    task: Task,
    model: ChatModel,
    store: Store,
    options: RunOptions | None = None,
    *,
    progress: Callable[[Progress], None] | None = None,
) -> RunSummary:
    """Ask for every cell of ``task`` that has no answer in ``store``; blocking form of :func:`run_async`.

    The model is closed in the end; it may be used again.

    Examples
    --------
    >>> import tempfile
    >>> from truetwin.llm import Cell, Message, Parsed, Request, State, Store, scripted_model
    >>> class Colours:
    ...     settings = {"question": "colour"}
    ...     def cells(self): return [Cell("anna", "colour"), Cell("ben", "colour")]
    ...     def request(self, cell): return Request((Message("user", ("Your colour?",)),), cell=cell)
    ...     def parse(self, cell, reply): return Parsed(State.VALID, reply.text)
    >>> with Store(tempfile.mkdtemp()) as store:
    ...     summary = run(Colours(), scripted_model({"default": "red"}), store)
    ...     [(call.cell.persona, call.parsed.value) for call in store.calls()]
    [('anna', 'red'), ('ben', 'red')]
    >>> summary.complete
    True
    """

    async def work() -> RunSummary:
        try:
            return await run_async(task, model, store, options, progress=progress)
        finally:
            await model.close()  # connections belong to the loop that opened them

    return wait_for(work())


async def run_async(
    task: Task,
    model: ChatModel,
    store: Store,
    options: RunOptions | None = None,
    *,
    progress: Callable[[Progress], None] | None = None,
) -> RunSummary:
    """Ask for every cell of ``task`` that has no answer in ``store``.

    Cells are taken in the task's order (let a persona's cells follow each other, so that providers can reuse the
    common beginning of its prompts), a few at a time, so that memory does not grow with their number. A first request
    goes out alone. Each reply is read and stored with its raw text. What another process is asking is left to it, and
    asked here if that process dies. The first interrupt (Ctrl-C) sends nothing more and stores the replies under way;
    the second one gives them up.

    Parameters
    ----------
    task : Task
        What to ask; each of its cells once.
    model : ChatModel
        Whom to ask. Its connections are closed at the end; it can be used again.
    store : Store
        Where answers go, and where earlier ones are found.
    options : RunOptions, optional
        How.
    progress : callable, optional
        Called with a :class:`Progress` a few times a second.

    Returns
    -------
    RunSummary
        Also when a cap or an interrupt ended it early, with ``stopped`` saying so.

    Raises
    ------
    AccessError, UnknownModelError, EndpointError
        At once; what was answered is stored.
    ProviderError
        If only failures come back.
    RunError
        If the store belongs to other settings, or cannot be written.
    """
    return await _Run(task, model, store, options or RunOptions(), progress).go()


class _Run:
    def __init__(
        self,
        task: Task,
        model: ChatModel,
        store: Store,
        options: RunOptions,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        self.task, self.model, self.store, self.options = task, model, store, options
        self.progress = progress
        self.gate = Gate(options.concurrency)
        earlier = store.totals()
        self.budget = Budget(
            options.caps, options.prices, requests=earlier.requests, usage=earlier.usage, cost=earlier.cost
        )
        self.earlier = earlier
        self.works = earlier.requests > sum(earlier.failed_attempts.values())  # it has answered before
        self.reached = False  # it has answered in this session
        self.settings = {"task": task.settings, "model": model.describe()}
        self.steps: set[str] = set()
        self.counts: Counter[State] = Counter()
        self.failed: Counter[str] = Counter()
        self.asked = 0
        self.failures_in_a_row = 0
        self.interrupted = 0
        self.unseen: Iterator[Cell] = iter(())
        self.tasks: set[asyncio.Task[None]] = set()
        self.sent: set[asyncio.Task[None]] = set()
        self.claimed: set[Cell] = set()
        self.stop: BaseException | None = None
        self.room = asyncio.Event()
        self.settled = asyncio.Event()
        self.begun = time.monotonic()
        self.total = 0
        self.rate = 0.0

    # ------------------------------------------------------------------ the whole

    async def go(self) -> RunSummary:
        self.interrupted = self.store.reap()
        self.total = sum(1 for _ in self._cells())
        ticker = asyncio.create_task(self._tick())
        try:
            with calls_on_interrupt(self._interrupt):
                await self._ask_all()
                await self._drain()
        finally:
            ticker.cancel()
            for each in self.tasks:
                each.cancel()
            await asyncio.gather(ticker, *self.tasks, return_exceptions=True)
            await self.model.close()
        self._write_the_rest()
        self._count_the_rest()
        self._show()
        if self.stop is not None and not isinstance(self.stop, BudgetError | KeyboardInterrupt):
            raise self.stop
        return self._summary()

    async def _ask_all(self) -> None:
        try:
            while await self._pass() and self.stop is None:
                await self._wait_for_others()
        except Exception as error:  # raised again when the replies under way are stored
            self._stop(error)

    def _cells(self) -> Iterator[Cell]:
        return filter(self.options.shard.holds, self.task.cells())

    async def _pass(self) -> bool:
        """Go through all cells once; whether some were left to other processes."""
        await self._drain()
        self.store.flush()
        self.counts.clear()
        self.unseen, elsewhere = self._cells(), 0
        enough = max(1, self.options.concurrency // 16)  # claim a few at a time, not one by one
        while self.stop is None:
            places = self.options.concurrency - len(self.tasks)
            if places < enough:
                self.room.clear()
                await self.room.wait()
                continue
            cells = list(islice(self.unseen, places))
            if not cells:
                break
            for step in {cell.step for cell in cells} - self.steps:
                self.store.begin(step, self.settings, may_differ=self.options.may_differ)
                self.steps.add(step)
            claimed = self.store.claim(cells)
            self.counts.update(claimed.answered)
            elsewhere += claimed.elsewhere
            for cell in claimed.mine:
                self._start(cell)
            await asyncio.sleep(0)
        return elsewhere > 0

    async def _wait_for_others(self) -> None:
        while self.stop is None and self.store.others():
            await asyncio.sleep(0.5)
            self.interrupted += self.store.reap()

    async def _drain(self) -> None:
        while self.tasks:
            await asyncio.wait(self.tasks)

    def _write_the_rest(self) -> None:
        try:
            self.store.release(self.claimed)
            self.store.flush()
        except RunError as error:
            lost = self.store.unwritten
            if lost:
                raise RunError(f"{lost} answers were received and could not be written: {error}") from error
            raise

    def _count_the_rest(self) -> None:
        """After an early end: what earlier sessions have answered of the cells not reached."""
        for cell in self.unseen:
            state = self.store.state(cell)
            if state is not None:
                self.counts[state] += 1

    def _summary(self) -> RunSummary:
        return RunSummary(
            total=self.total,
            counts={state: self.counts[state] for state in State},
            asked=self.asked,
            usage=self._usage(),
            cost=self._cost(),
            failed_attempts=dict(self.failed),
            interrupted=self.interrupted,
            seconds=time.monotonic() - self.begun,
            stopped="" if self.stop is None else str(self.stop),
            notes=tuple(getattr(self.model, "adjustments", ())),
        )

    def _cost(self) -> float | None:
        unknown = self.options.prices is None or self.budget.uncounted
        return None if unknown else self.budget.cost - self.earlier.cost

    def _usage(self) -> Usage:
        now, before = self.budget.usage, self.earlier.usage
        return Usage(
            now.prompt_tokens - before.prompt_tokens,
            now.completion_tokens - before.completion_tokens,
            now.reasoning_tokens - before.reasoning_tokens,
            now.cached_tokens - before.cached_tokens,
        )

    # ------------------------------------------------------------------ one cell

    def _start(self, cell: Cell) -> None:
        self.claimed.add(cell)
        each = asyncio.create_task(self._cell(cell))
        self.tasks.add(each)
        each.add_done_callback(self._ended)

    def _ended(self, each: asyncio.Task[None]) -> None:
        self.tasks.discard(each)
        self.room.set()

    async def _cell(self, cell: Cell) -> None:
        try:
            await self._answer(cell)
        except asyncio.CancelledError:
            pass  # the run is stopping, and has cancelled it
        except BaseException as error:  # raised again when the run has ended
            self._stop(error)

    async def _answer(self, cell: Cell) -> None:
        request = self.task.request(cell)
        tokens = estimated_tokens(request)
        if tokens > self.options.context_limit:
            reason = f"about {tokens:,} tokens; the context limit is {self.options.context_limit:,}"
            self._store(cell, request, Parsed(State.SKIPPED, None, reason), attempts=0)
            return
        patience = float(self.options.attempts)
        for attempt in count(1):
            try:
                reply, cost = await self._attempt(cell, request)
            except RequestRefusedError as error:
                self._give_up(cell, request, error, attempt)
                return
            except (TransientError, EndpointError) as error:
                if isinstance(error, EndpointError) and not self.reached:
                    raise
                if self.stop is not None:
                    return
                patience -= _PATIENCE_FOR_LIMITS if _kind(error) in _SLOW_DOWN else 1.0
                if patience < 0.5 * _PATIENCE_FOR_LIMITS:
                    self._give_up(cell, request, error, attempt)
                    return
                await asyncio.sleep(self._wait(error, attempt))
            else:
                self.works = self.reached = True
                self.failures_in_a_row = 0
                self._store(cell, request, self._read(cell, reply), reply, attempts=attempt, cost=cost)
                return

    async def _attempt(self, cell: Cell, request: Request) -> tuple[Reply, float | None]:
        """One request, counted whatever comes of it."""
        await self.gate.acquire()
        try:
            reserved = await self._reserve(request)
            try:
                reply = await self._send(request)
            except BaseException as error:
                used = error.usage if isinstance(error, TransientError) else None
                usage = used if isinstance(used, Usage) else None
                cost = self.budget.settle(reserved, usage)
                self._note(Failure(cell, _kind(error), str(error), usage or Usage(), cost))
                if isinstance(error, TransientError):
                    self.gate.open()
                raise
            self.gate.open()
            self.gate.succeeded()
            return reply, self.budget.settle(reserved, reply.usage)
        finally:
            self.gate.release()

    async def _reserve(self, request: Request) -> Reservation:
        while True:
            try:
                return self.budget.reserve(request)
            except BudgetError:
                if not self.sent:  # else those under way may turn out cheaper than reserved
                    raise
                self.settled.clear()
                await self.settled.wait()

    async def _send(self, request: Request) -> Reply:
        loop, current = asyncio.get_running_loop(), asyncio.current_task()
        sent, timeout = loop.time(), self.options.timeout
        assert current is not None
        self.sent.add(current)
        try:
            async with asyncio.timeout(timeout + _GRACE):
                return await self.model.complete(request, timeout=timeout)
        except TimeoutError as error:
            raise TransientError(f"no reply within {timeout:g} seconds", kind="timeout") from error
        except TransientError as error:
            if error.kind in _SLOW_DOWN:
                self.gate.too_many(sent, error.retry_after)
            raise
        finally:
            self.sent.discard(current)
            self.settled.set()

    def _wait(self, error: ProviderError, attempt: int) -> float:
        asked = error.retry_after if isinstance(error, TransientError) else None
        if asked is not None and asked > self.options.longest_retry_after:
            raise ProviderError(
                f"the provider asks to wait {asked:,.0f} seconds, longer than {self.options.longest_retry_after:,.0f}; "
                f"run the same command again after that ({error})"
            )
        jitter = random.uniform(
            0.0, min(self.options.longest_wait, self.options.backoff * 2.0 ** min(attempt, 30))
        )
        return jitter if asked is None else asked + min(jitter, 1.0)

    def _give_up(self, cell: Cell, request: Request, error: ProviderError, attempt: int) -> None:
        self._store(cell, request, Parsed(State.PROVIDER_ERROR, None, str(error)), attempts=attempt)
        if isinstance(error, RequestRefusedError) and self.works:
            return  # this request's own fault; others are answered
        self.failures_in_a_row += 1
        if self.failures_in_a_row >= self.options.failures_in_a_row:
            self._stop(
                type(error)(
                    f"{self.failures_in_a_row} cells in a row failed, so the run has stopped; the last: {error}"
                )
            )

    def _read(self, cell: Cell, reply: Reply) -> Parsed:
        try:
            parsed = self.task.parse(cell, reply)
            value_json(parsed.value)
        except Exception as error:  # the reply is paid for: keep it, it can be read again
            return Parsed(State.UNPARSEABLE, None, f"reading it failed: {type(error).__name__}: {error}")
        return parsed

    def _store(
        self,
        cell: Cell,
        request: Request,
        parsed: Parsed,
        reply: Reply | None = None,
        *,
        attempts: int,
        cost: float | None = None,
    ) -> None:
        self.store.put(cell, request, parsed, reply, attempts=attempts, cost=cost)
        self.claimed.discard(cell)
        self.counts[parsed.state] += 1
        self.asked += 1

    def _note(self, failure: Failure) -> None:
        self.failed[failure.kind] += 1
        self.store.put_failure(failure)

    # ------------------------------------------------------------------ stopping and showing

    def _stop(self, error: BaseException) -> None:
        """Send nothing more; replies under way are still awaited and stored."""
        if self.stop is None:
            self.stop = error
            for each in self.tasks - self.sent:
                each.cancel()
        self.room.set()

    def _interrupt(self) -> None:
        if self.stop is None:
            self._stop(KeyboardInterrupt("interrupted"))
        else:
            for each in self.tasks:
                each.cancel()

    async def _tick(self) -> None:
        """Write and show, again and again; what goes wrong with that ends the run."""
        shown, done = time.monotonic(), 0
        while True:
            await asyncio.sleep(_TICK)
            try:
                self.store.flush()
                now = time.monotonic()
                if now - shown >= _SHOW:
                    rate = (self.asked - done) / (now - shown)
                    self.rate = rate if not self.rate else 0.9 * self.rate + 0.1 * rate
                    shown, done = now, self.asked
                    self._show()
            except Exception as error:
                self._stop(error)

    def _show(self) -> None:
        if self.progress is None:
            return
        self.progress(
            Progress(
                total=self.total,
                counts={state: self.counts[state] for state in State},
                failed_attempts=sum(self.failed.values()),
                usage=self._usage(),
                cost=self._cost(),
                seconds=time.monotonic() - self.begun,
                rate=self.rate,
                in_flight=len(self.sent),
                limit=int(self.gate.limit),
                stopping="" if self.stop is None else str(self.stop),
            )
        )


def _kind(error: BaseException) -> str:
    """One word for what went wrong with an attempt."""
    if isinstance(error, TransientError):
        return error.kind
    words: list[tuple[type[BaseException], str]] = [
        (AccessError, "access"),
        (UnknownModelError, "unknown-model"),
        (RequestRefusedError, "rejected"),
        (EndpointError, "endpoint"),
        (asyncio.CancelledError, "interrupted"),
    ]
    return next((word for kind, word in words if isinstance(error, kind)), "fault")
