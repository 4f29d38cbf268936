"""The gate lets through as much as the provider takes."""

from __future__ import annotations

import asyncio

from truetwin.llm.running.request_gate import Gate


def test_one_request_goes_first_and_all_others_after_it() -> None:
    async def admitted() -> list[int]:
        gate = Gate(10)
        waiting = [asyncio.create_task(gate.acquire()) for _ in range(10)]
        await asyncio.sleep(0)
        found = [gate.running]
        gate.open()
        await asyncio.gather(*waiting)
        return [*found, gate.running]

    assert asyncio.run(admitted()) == [1, 10]


def test_a_burst_of_refusals_lowers_the_limit_once() -> None:
    async def limits() -> list[float]:
        gate, loop = Gate(100), asyncio.get_running_loop()
        gate.open()
        sent = loop.time()
        for _ in range(50):
            gate.too_many(sent, None)
        found = [gate.limit]
        gate.too_many(loop.time(), None)
        return [*found, gate.limit]

    once, twice = asyncio.run(limits())
    assert (round(once, 6), round(twice, 6)) == (70.0, 49.0)


def test_replies_raise_the_limit_to_the_ceiling_and_no_further() -> None:
    async def limit() -> float:
        gate = Gate(5)
        for _ in range(100):
            gate.succeeded()
        return gate.limit

    assert asyncio.run(limit()) == 5.0


def test_the_limit_never_falls_below_one() -> None:
    async def limit() -> float:
        gate, loop = Gate(3), asyncio.get_running_loop()
        for _ in range(100):
            gate.too_many(loop.time(), None)
        return gate.limit

    assert asyncio.run(limit()) == 1.0


def test_a_wait_holds_for_everybody_and_ends() -> None:
    async def seconds() -> float:
        gate, loop = Gate(5), asyncio.get_running_loop()
        gate.open()
        begun = loop.time()
        gate.too_many(begun, 0.05)
        gate.too_many(begun, 0.02)
        await asyncio.wait_for(asyncio.gather(*(gate.acquire() for _ in range(3))), 5.0)
        return loop.time() - begun

    assert asyncio.run(seconds()) >= 0.05


def test_a_place_given_to_a_cancelled_request_is_not_lost() -> None:
    async def running() -> int:
        gate = Gate(1)
        await gate.acquire()
        waiting = asyncio.create_task(gate.acquire())
        await asyncio.sleep(0)
        gate.release()  # gives the place to `waiting`, which is cancelled before it can know
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        return gate.running

    assert asyncio.run(running()) == 0
