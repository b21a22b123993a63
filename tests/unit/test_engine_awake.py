"""What a process that stood still was about to do is not done when it wakes up."""

import asyncio
import time

import pytest

from caseworker.core.errors import FenceLost
from caseworker.engine.awake import awake


async def _call(done: list[str], *, reached: asyncio.Event) -> None:
    async with awake(limit=0.2, tick=0.05):
        reached.set()
        for _ in range(5):
            await asyncio.sleep(0.02)
        done.append("sent")


async def test_a_call_goes_out_from_a_process_that_runs() -> None:
    done: list[str] = []
    await _call(done, reached=asyncio.Event())
    assert done == ["sent"]


async def test_a_process_that_stood_still_takes_no_further_step() -> None:
    done: list[str] = []
    calls = []
    for _ in range(20):
        reached = asyncio.Event()
        calls.append(asyncio.create_task(_call(done, reached=reached)))
        await reached.wait()
    time.sleep(0.4)  # noqa: ASYNC251  # this is the standstill
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(result) for result in results] == [FenceLost] * 20
    assert done == []


async def test_a_call_that_is_cancelled_for_another_reason_stays_cancelled() -> None:
    reached = asyncio.Event()
    call = asyncio.create_task(_call([], reached=reached))
    await reached.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
