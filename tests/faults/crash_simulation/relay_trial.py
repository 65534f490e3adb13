"""One trial of relays: two of them, killed and started again at any step; in the end all must be there."""

import asyncio
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from random import Random

from crash_simulation.loop import simulated
from crash_simulation.model_broker import ModelBroker, open_session
from crash_simulation.model_checkpoints import ModelCheckpoints, Row
from crash_simulation.model_log import ModelLog, ModelSource
from crash_simulation.process import Fate, Killed, Process
from event_log.errors import EventLogError
from event_log.kafka.relay import Relay
from event_log.kafka.window import Checkpoint, Window

RELAYS = 2
EVENTS = 24
HARM_SECONDS = 30.0
END_SECONDS = 120.0
RESTART_SECONDS = 1.0
CRASH_SECONDS = 10.0
"""How long the database lives, on average."""
LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a trial came to: what was wrong, every step of it, and how often somebody died."""

    wrong: list[str]
    trace: list[str]
    deaths: int


@dataclass(frozen=True, slots=True)
class Variant:
    """How relays are built: as they should be, or broken on purpose."""

    patient: bool = True
    """Whether a window is acknowledged before the checkpoint moves."""
    fenced: bool = True
    """Whether a relay that was replaced may still move the checkpoint."""
    durable: bool = True
    """Whether no crash of the database takes back that a relay took over."""


AS_BUILT = Variant()


class Unwatched:
    """See relay.Watch; nobody looks."""

    def took(self, epoch: int) -> None:
        """See relay.Watch."""

    def lost(self) -> None:
        """See relay.Watch."""

    def sending(self, window: Window) -> "nullcontext[None]":
        """See relay.Watch."""
        del window
        return nullcontext()

    def stands(self, at: Checkpoint, window: Window) -> None:
        """See relay.Watch."""

    def interrupted(self, trouble: EventLogError) -> None:
        """See relay.Watch."""


def relay_trial(seed: int, variant: Variant = AS_BUILT) -> Outcome:
    """Try one seed."""
    return simulated(_trial(Random(seed), variant))  # noqa: S311  # chance that can be repeated, no secret


async def _trial(chance: Random, variant: Variant) -> Outcome:
    fate, log = Fate(chance), ModelLog()
    broker = ModelBroker(fate, log)
    row = Row(broker)
    lives = [
        asyncio.ensure_future(_lives(f"relay {number}", fate, _maker(log, broker, row, variant)))
        for number in range(RELAYS)
    ]
    crashing = asyncio.ensure_future(_crashes(fate, log, row))
    await log.grow(chance, EVENTS)
    await asyncio.sleep(max(0.0, HARM_SECONDS - asyncio.get_running_loop().time()))
    fate.kind = True
    there = await _all_there(log, broker, row)
    for life in (*lives, crashing, *broker.on_the_way):
        life.cancel()
    await asyncio.gather(*lives, crashing, *broker.on_the_way, return_exceptions=True)
    wrong = broker.wrong + row.wrong + ([] if there else ["not all events came"])
    return Outcome(wrong, fate.trace, sum("dies" in step for step in fate.trace))


def _maker(log: ModelLog, broker: ModelBroker, row: Row, variant: Variant) -> Callable[[Process], Relay]:
    def made(process: Process) -> Relay:
        return Relay(
            ModelSource(process, log),
            lambda: open_session(process, broker, patient=variant.patient),
            ModelCheckpoints(process, row, fenced=variant.fenced, durable=variant.durable),
            Unwatched(),
            asyncio.get_running_loop().time,
        )

    return made


async def _lives(name: str, fate: Fate, made: Callable[[Process], Relay]) -> None:
    """Live, die, and live again."""
    life = 0
    while True:
        life += 1
        process = Process(f"{name}.{life}", fate, frozen_whole=True)
        running = asyncio.ensure_future(made(process).run())
        try:
            with suppress(Killed):
                await running
        finally:
            process.dead = True
            running.cancel()
        await asyncio.sleep(fate.chance.uniform(0, RESTART_SECONDS))


async def _crashes(fate: Fate, log: ModelLog, row: Row) -> None:
    """Let the database of log and relays crash now and then, until fate is kind."""
    while True:
        await asyncio.sleep(fate.chance.expovariate(1 / CRASH_SECONDS))
        if fate.kind:
            return
        fate.note("the database", "crashes")
        row.crash(fate.chance)
        log.crashes += 1


async def _all_there(log: ModelLog, broker: ModelBroker, row: Row) -> bool:
    until = asyncio.get_running_loop().time() + END_SECONDS
    while asyncio.get_running_loop().time() < until:
        place = row.now.place
        if place is not None and place.cursor == log.head and broker.whole_to(log.head.position):
            return True
        await asyncio.sleep(LOOK_SECONDS)
    return False
