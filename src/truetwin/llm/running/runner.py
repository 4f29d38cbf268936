"""Ask a model every cell of a task, and store every answer. No cell is asked again once it has an answer."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from itertools import count, islice

from truetwin.errors import (
    BudgetError,
    ContextOverflowError,
    EndpointError,
    ForbiddenSettingError,
    ModerationError,
    ProviderError,
    RequestRefusedError,
    RunError,
    TransientError,
)
from truetwin.llm.decoding_seeds import with_seeds
from truetwin.llm.messages import Cell, Reply, Request, Usage
from truetwin.llm.running.attempts import Attempts, Patience
from truetwin.llm.running.budget import Budget, estimated_tokens
from truetwin.llm.running.interrupts import calls_on_interrupt
from truetwin.llm.running.run_options import RunOptions
from truetwin.llm.running.run_progress import Progress, RunSummary
from truetwin.llm.running.waiting import wait_for
from truetwin.llm.store.ledger import Ledger
from truetwin.llm.store.run_store import Store
from truetwin.llm.store.stored_call import OPEN_STATES, Failure, value_json
from truetwin.llm.task import ChatModel, Parsed, State, Task

_NO_SEEDS = "the run was begun without decoding seeds, so the endpoint gets none"
_LONG_REPLY = 2**18  # characters
_TICK = 0.1  # seconds between writes to the store
_SHOW = 0.25  # seconds between calls of the progress callback
_WINDOW, _FEW = (
    30.0,
    5,
)  # seconds over which a rate is computed, and the fewest cells that must have ended in them


def run(
    task: Task,
    model: ChatModel,
    store: Store,
    options: RunOptions | None = None,
    *,
    progress: Callable[[Progress], None] | None = None,
) -> RunSummary:
    """Ask every cell of ``task`` that has no answer in ``store``. This is the blocking form of :func:`run_async`.

    The model is closed at the end; it may be used again.

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
            await model.close()  # connections belong to the event loop that opened them

    return wait_for(work())


async def run_async(
    task: Task,
    model: ChatModel,
    store: Store,
    options: RunOptions | None = None,
    *,
    progress: Callable[[Progress], None] | None = None,
) -> RunSummary:
    """Ask every cell of ``task`` that has no answer in ``store``.

    Cells are taken in the task's order, a few at a time, so that memory does not grow with their number. Let the cells
    of a persona follow each other, so that providers can reuse the common beginning of its prompts. The first request
    goes out alone. Each reply is read and stored with its raw text. A cell that another process is asking is left to
    that process, and asked here if that process dies. After the first interrupt (Ctrl-C) nothing more is sent and the
    replies under way are stored; a second interrupt gives them up.

    Parameters
    ----------
    task : Task
        The task to carry out. Each of its cells is asked once.
    model : ChatModel
        The model to ask. Its connections are closed at the end; it can be used again.
    store : Store
        Store that receives answers and holds earlier ones.
    options : RunOptions, optional
        How the run is carried out: concurrency, timeouts, caps and prices.
    progress : callable, optional
        Called with a :class:`Progress` a few times a second.

    Returns
    -------
    RunSummary
        Summary of the run. If a cap or an interrupt ended it early, ``stopped`` says why.

    Raises
    ------
    AccessError, UnknownModelError, EndpointError
        At the first such failure. Answers that have come are stored.
    ProviderError
        If only failures come back.
    RunError
        If the store belongs to other settings, or cannot be written.
    """
    return await _Run(task, model, store, options or RunOptions(), progress).go()


def _ledger(store: Store, options: RunOptions) -> Ledger | None:
    """Open the ledger of a run that has caps. In a sharded run, each part counts by itself."""
    if not options.caps.any:
        return None
    return Ledger(store, options.shard.holds_persona if store.part else None)


class _Run:
    """State of one call of the runner: its passes over the cells, their outcomes, and the reason why it stopped."""

    def __init__(
        self,
        task: Task,
        model: ChatModel,
        store: Store,
        options: RunOptions,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        self.task = with_seeds(task, store, options.decoding_seed)
        self.remarks = () if options.decoding_seed is None or self.task is not task else (_NO_SEEDS,)
        self.model, self.store, self.options = model, store, options
        self.progress = progress
        earlier = store.totals()
        if earlier.requests:
            store.check_rows()
        if options.shard.count > 1:
            store.part = str(options.shard)
        self.interrupted = store.reap()
        self.ledger = _ledger(store, options)
        self.budget = Budget(options.caps.of_part(options.shard), options.prices, self.ledger)
        self.attempts = Attempts(model, options, self.budget, self._note, store.note_sent)
        self.works = earlier.requests > sum(
            earlier.failed_attempts.values()
        )  # the model has answered in this run
        self.reached = False  # the model has answered since this command began
        self.settings = {"task": task.settings, "model": model.describe()}
        self.steps: set[str] = set()
        self.counts: Counter[State] = Counter()
        self.failed: Counter[str] = Counter()
        self.asked = 0
        self.failures_in_a_row = 0
        self.waiting_for = ""  # who holds the cells that are left
        self.waiting = 0  # cells that wait before they are asked again
        self.unseen: Iterator[Cell] = iter(())
        self.tasks: dict[asyncio.Task[None], Cell] = {}
        self.claimed: set[Cell] = set()
        self.stop: BaseException | None = None
        self.room = asyncio.Event()
        self.begun = time.monotonic()
        self.total = 0
        self.ended: deque[tuple[float, int]] = deque()  # when cells ended, and how many had

    # ------------------------------------------------------------------ the whole run

    async def go(self) -> RunSummary:
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
            raise self._explained(self.stop)
        return self._summary()

    def _explained(self, error: BaseException) -> BaseException:
        """Say of a provider's failure that nothing is lost, if something was stored."""
        stored = sum(n for state, n in self.counts.items() if state not in OPEN_STATES)
        if isinstance(error, ProviderError) and stored:
            text = f"{error}. {stored:,} answers are stored; the same command goes on from there."
            error.args = (text, *error.args[1:])
        return error

    async def _ask_all(self) -> None:
        try:
            while await self._pass() and self.stop is None:
                await self._wait_for_others()
        except Exception as error:  # raised again when the replies under way are stored
            self._stop(error)

    def _cells(self) -> Iterator[Cell]:
        return filter(self.options.shard.holds, self.task.cells())

    async def _pass(self) -> bool:
        """Go through all cells once. Returns whether some were left to other processes."""
        await self._drain()
        self.store.flush()
        self.counts.clear()
        self.unseen, elsewhere = self._cells(), 0
        while self.stop is None:
            enough = max(1, self.attempts.gate.limit // 16)  # claim a few at a time, not one by one
            places = self._places() + enough
            if places < enough:
                self.room.clear()
                await self.room.wait()
                continue
            cells = list(islice(self.unseen, places))
            if not cells:
                break
            for step in {cell.step for cell in cells} - self.steps:
                self.store.begin(
                    step, self.settings, may_differ=self.options.may_differ, again=self.options.again
                )
                self.steps.add(step)
            claimed = self.store.claim(cells)
            self.counts.update(claimed.answered)
            elsewhere += claimed.elsewhere
            for cell in claimed.mine:
                self._start(cell)
            await asyncio.sleep(0)
        return elsewhere > 0

    def _places(self) -> int:
        """Count the cells that could be asked now. Those that wait after a failure take no place."""
        busy = len(self.tasks) - self.waiting
        return min(self.options.concurrency - len(self.tasks), self.attempts.gate.limit - busy)

    async def _wait_for_others(self) -> None:
        while self.stop is None and (holders := self.store.holders()):
            self.waiting_for = "; ".join(f"{each.cells:,} cells held by {each.in_words}" for each in holders)
            await asyncio.sleep(0.5)
            self.interrupted += self.store.reap()
        self.waiting_for = ""

    async def _drain(self) -> None:
        while self.tasks:
            await asyncio.wait(self.tasks)

    def _write_the_rest(self) -> None:
        try:
            self.store.release(self.claimed)
            self.store.flush()
            if self.ledger is not None:
                self.ledger.give_back()
        except RunError as error:
            lost = self.store.unwritten
            if lost:
                raise RunError(f"{lost} answers were received and could not be written: {error}") from error
            raise

    def _count_the_rest(self) -> None:
        """Count what earlier sessions have answered of the cells that an early end did not reach."""
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
            notes=self._notes(),
        )

    def _notes(self) -> tuple[str, ...]:
        return (*self.remarks, *getattr(self.model, "adjustments", ()))

    def _cost(self) -> float | None:
        unknown = self.options.prices is None or self.budget.uncounted
        return None if unknown else self.budget.cost

    def _usage(self) -> Usage:
        return self.budget.usage

    # ------------------------------------------------------------------ one cell

    def _start(self, cell: Cell) -> None:
        self.claimed.add(cell)
        each = asyncio.create_task(self._cell(cell))
        self.tasks[each] = cell
        each.add_done_callback(self._ended)

    def _ended(self, each: asyncio.Task[None]) -> None:
        del self.tasks[each]
        self.room.set()

    async def _cell(self, cell: Cell) -> None:
        try:
            await self._answer(cell)
        except asyncio.CancelledError:
            pass  # the run is stopping and has cancelled this cell
        except BaseException as error:  # raised again when the run has ended
            self._stop(error)

    async def _answer(self, cell: Cell) -> None:
        request = self.task.request(cell)
        tokens = estimated_tokens(request)
        if tokens > self.options.context_limit:
            reason = f"about {tokens:,} tokens; the context limit is {self.options.context_limit:,}"
            self._store(cell, request, Parsed(State.SKIPPED, None, reason), attempts=0)
            return
        patience, failed_at, alone = Patience(self.options.attempts), float("-inf"), False
        for attempt in count(1):
            try:
                reply, cost = await self.attempts.ask(cell, request)
            except ModerationError as error:
                self._store(cell, request, Parsed(State.REFUSED, None, str(error)), attempts=attempt)
                return
            except RequestRefusedError as error:
                self._give_up(cell, request, error, attempt)
                return
            except (TransientError, EndpointError) as error:
                if isinstance(error, EndpointError) and not self.reached:
                    raise
                if self.stop is not None:
                    return
                alone = alone or self.attempts.answered_between(
                    failed_at
                )  # others are answered, this one is not
                outage = not alone and self._others_are_open() and self.attempts.is_outage(error, failed_at)
                failed_at = asyncio.get_running_loop().time()
                if not outage and patience.is_over(error):
                    self._give_up(cell, request, error, attempt)
                    return
                await self._wait(self.attempts.wait_after(error, attempt, outage=outage))
            else:
                is_first, self.works, self.reached = not self.works, True, True
                self.failures_in_a_row = 0
                self._store(cell, request, self._read(cell, reply), reply, attempts=attempt, cost=cost)
                if is_first:
                    self._check_first(request, reply)
                return

    def _check_first(self, request: Request, reply: Reply) -> None:
        """End a run whose first reply shows that no reply will be of use: it lacks the log-probabilities."""
        if request.sampling.top_logprobs and reply.logprobs is None and "base_url" in self.settings["model"]:
            raise ForbiddenSettingError(
                "the endpoint gives no log-probabilities; ask for answers (--elicit answer) or for distributions in "
                "words (--elicit distribution), in another --run"
            )

    def _others_are_open(self) -> bool:
        """Tell whether more cells than one wait for an answer."""
        return self.total - sum(self.counts.values()) > 1

    async def _wait(self, seconds: float) -> None:
        self.waiting += 1
        self.room.set()
        try:
            await asyncio.sleep(seconds)
        finally:
            self.waiting -= 1

    def _give_up(self, cell: Cell, request: Request, error: ProviderError, attempt: int) -> None:
        state = State.TOO_LONG if isinstance(error, ContextOverflowError) else State.PROVIDER_ERROR
        self._store(cell, request, Parsed(state, None, str(error)), attempts=attempt)
        if isinstance(error, RequestRefusedError) and self.works:
            return  # only this request fails; others are answered
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
        except Exception as error:  # keep the reply, which has been billed: it can be read again later
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
        if reply is not None and len(reply.text) > _LONG_REPLY:
            self.store.flush()  # what is long waits on the disk, not in memory
        self.claimed.discard(cell)
        self.counts[parsed.state] += 1
        self.asked += 1

    def _note(self, failure: Failure) -> None:
        self.failed[failure.kind] += 1
        self.store.put_failure(failure)

    # ------------------------------------------------------------------ stopping and showing

    def _stop(self, error: BaseException) -> None:
        """Stop sending requests. Replies under way are still awaited and stored."""
        if self.stop is None:
            self.stop = error
            for each in self.tasks.keys() - self.attempts.sent:
                each.cancel()
        self.room.set()

    def _interrupt(self) -> None:
        if self.stop is None:
            self._stop(KeyboardInterrupt("interrupted"))
        else:
            for each in self.tasks:
                each.cancel()

    async def _tick(self) -> None:
        """Write to the store and show progress until cancelled. An error in either ends the run."""
        shown = time.monotonic()
        while True:
            await asyncio.sleep(_TICK)
            try:
                self.store.flush()
                self.store.note_waiting(self._waiting_cells())
                now = time.monotonic()
                if now - shown >= _SHOW:
                    shown = now
                    self._show()
            except Exception as error:
                self._stop(error)

    def _waiting_cells(self) -> list[Cell]:
        """List the claimed cells that wait for their turn or after a failure, and have no reply."""
        sent, claimed = self.attempts.sent, self.claimed
        return [cell for each, cell in self.tasks.items() if each not in sent and cell in claimed]

    def _rate(self, now: float) -> float:
        """Cells ended per second over the last half minute, or over as long as it took for a few to end."""
        self.ended.append((now, self.asked))
        while (
            len(self.ended) > 2 and now - self.ended[1][0] > _WINDOW and self.asked - self.ended[1][1] >= _FEW
        ):
            self.ended.popleft()
        begun, before = self.ended[0]
        return (self.asked - before) / (now - begun) if now > begun and self.asked > before else 0.0

    def _show(self) -> None:
        if self.progress is None:
            return
        self.progress(
            Progress(
                total=self.total,
                counts={state: self.counts[state] for state in State},
                failed_attempts=sum(self.failed.values()),
                timeouts=self.failed["timeout"],
                waiting_for=self.waiting_for,
                usage=self._usage(),
                cost=self._cost(),
                seconds=time.monotonic() - self.begun,
                rate=self._rate(time.monotonic()),
                in_flight=len(self.attempts.sent),
                limit=self.attempts.gate.limit,
                notes=self._notes(),
                stopping="" if self.stop is None else str(self.stop),
            )
        )
