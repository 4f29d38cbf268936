"""The gate lets through as much as the provider takes."""

from __future__ import annotations

import asyncio

from truetwin.llm.running.request_gate import Gate


def test_one_request_goes_first_and_more_after_its_answer() -> None:
    async def admitted() -> list[int]:
        gate, loop = Gate(10), asyncio.get_running_loop()
        waiting = [asyncio.create_task(gate.acquire()) for _ in range(10)]
        await asyncio.sleep(0)
        found = [gate.running]
        for _ in range(2):
            gate.answered(loop.time())
            gate.release()
            await asyncio.sleep(0)
        found.append(gate.running)
        for each in waiting:
            each.cancel()
        return found

    assert asyncio.run(admitted()) == [1, 2]


def test_a_wait_holds_for_everybody_and_ends() -> None:
    async def seconds() -> float:
        gate, loop = Gate(5), asyncio.get_running_loop()
        gate.pace.limit = 5.0
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
