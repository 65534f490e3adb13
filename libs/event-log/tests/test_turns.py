"""Turns among readers: never more at once than there is room for, and nobody behind another one's crowd."""

import asyncio
from contextvars import ContextVar

from event_log.turns import Turns

WHO: ContextVar[str] = ContextVar("WHO", default="")


async def read(turns: Turns, name: str, done: list[str], running: list[int]) -> None:
    WHO.set(name)
    async with turns.taken():
        running.append(len(running) + 1)
        await asyncio.sleep(0)
        running.pop()
        done.append(name)


async def test_a_crowd_of_one_reader_delays_another_by_one_turn_at_most() -> None:
    turns, done, running = Turns(1, WHO.get), list[str](), list[int]()
    crowd = [asyncio.create_task(read(turns, "hungry", done, running)) for _ in range(50)]
    await asyncio.sleep(0)
    before = len(done)
    await asyncio.create_task(read(turns, "modest", done, running))
    assert done.index("modest") <= before + 4
    await asyncio.gather(*crowd)
    assert done.count("hungry") == 50


async def test_never_more_than_there_is_room_for_even_if_some_give_up() -> None:
    turns, done, running = Turns(3), list[str](), list[int]()
    tasks = [asyncio.create_task(read(turns, str(number), done, running)) for number in range(40)]
    await asyncio.sleep(0)
    for task in tasks[5:20]:
        task.cancel()
    while not all(task.done() for task in tasks):
        assert len(running) <= 3
        await asyncio.sleep(0)
    assert sum(not task.cancelled() for task in tasks) == len(done) == 25
    async with turns.taken(), turns.taken(), turns.taken():
        pass


async def test_a_turn_that_comes_as_its_reader_gives_up_is_given_on() -> None:
    turns, done, running = Turns(1), list[str](), list[int]()
    async with turns.taken():
        waiting = asyncio.create_task(read(turns, "gone", done, running))
        await asyncio.sleep(0)
    waiting.cancel()  # the turn is already its own
    async with asyncio.timeout(30), turns.taken():
        pass
    assert (waiting.cancelled(), done) == (True, [])
