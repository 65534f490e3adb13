"""One trial of readers: several share a topic's partitions, die and are replaced at any step; each event counts once.

What sifts records, finds holes, fills them, and says what is to be written under which epoch is the product's own code;
the model is the broker, the database, and who owns what.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from uuid import UUID

from crash_simulation.loop import simulated
from crash_simulation.model_facts import ModelFacts, Refused
from crash_simulation.model_topic import ModelRecord, topic_of
from crash_simulation.process import Fate, Killed, Process
from crash_simulation.relay_trial import Outcome
from event_log.errors import LogUnavailable
from event_log.kafka.columns import events_of, partitions_of
from event_log.kafka.filling import whole
from event_log.kafka.polling import Poll
from event_log.kafka.sifting import Sieve
from event_log.memory import MemoryLog
from event_log.model import Append, Cursor, Event, NewEvent, Stream, StreamAppend
from event_log.partitioned import Place, Stretch
from metrics.follow.advance import Step
from metrics.follow.partition_steps import Steps

PARTITIONS = 2
READERS = 2
EVENTS = 16
STREAMS = 5
COLUMNS = ("position", "record_time_us", "tenant", "category", "key")
MOST_RECORDS = 6
HARM_SECONDS = 20.0
END_SECONDS = 120.0
HANDED_ON_SECONDS = 0.7
RESTART_SECONDS = 1.0
LOOK_SECONDS = 0.2
NOW_US = 1_767_614_400_000_000


@dataclass(frozen=True, slots=True)
class Variant:
    """How readers write: as they should, or broken on purpose."""

    together: bool = True
    """Whether effects and cursor are one transaction."""
    fenced: bool = True
    """Whether a reader that was replaced is refused."""


AS_BUILT = Variant()


@dataclass(slots=True)
class World:
    """What outlives every reader."""

    fate: Fate
    log: MemoryLog
    topic: list[list[ModelRecord]]
    facts: ModelFacts
    owners: dict[int, int]
    """The reader of each partition, by number."""


def reader_trial(seed: int, variant: Variant = AS_BUILT) -> Outcome:
    """Try one seed."""
    return simulated(_trial(Random(seed), variant))  # noqa: S311  # chance that can be repeated, no secret


async def _trial(chance: Random, variant: Variant) -> Outcome:
    log = MemoryLog(now_us=lambda: NOW_US)
    events = await _written(log, chance)
    facts = ModelFacts(PARTITIONS)
    world = World(Fate(chance), log, topic_of(events, PARTITIONS, chance), facts, dict.fromkeys(range(PARTITIONS), 0))
    beside = [asyncio.ensure_future(_lives(number, world, variant)) for number in range(READERS)]
    handing = asyncio.ensure_future(_handed_on(world))
    await asyncio.sleep(HARM_SECONDS)
    handing.cancel()
    world.fate.kind = True
    there = await _all_read(world, len(events))
    for task in beside:
        task.cancel()
    await asyncio.gather(*beside, handing, return_exceptions=True)
    return Outcome(_wrong(world, events, there=there), world.fate.trace, sum("dies" in one for one in world.fate.trace))


async def _written(log: MemoryLog, chance: Random) -> list[Event]:
    for number in range(EVENTS):
        stream = Stream("contact", UUID(int=chance.randrange(STREAMS)))
        event = NewEvent(UUID(int=number), "NoteAdded", NOW_US, b"x", b"mac", "pbx")
        await log.append(Append("t", [StreamAppend(stream, [event])]))
    return list((await log.read(0)).events)


async def _lives(number: int, world: World, variant: Variant) -> None:
    """Live, die, and live again."""
    life = 0
    while True:
        life += 1
        process = Process(f"reader {number}.{life}", world.fate)
        with suppress(Killed):
            await _read(process, number, world, variant)
        await asyncio.sleep(world.fate.chance.uniform(0, RESTART_SECONDS))


async def _read(process: Process, number: int, world: World, variant: Variant) -> None:
    """Read what is owned, and begin again whenever that changes or something goes wrong."""
    while True:
        with suppress(Refused, LogUnavailable):
            epochs = await _claimed(process, number, world)
            if epochs:
                await _follow(process, epochs, number, world, variant)
        await asyncio.sleep(LOOK_SECONDS)


async def _claimed(process: Process, number: int, world: World) -> dict[int, int]:
    await process.step("claims")
    return {partition: world.facts.take(partition) for partition in sorted(_owned(number, world))}


def _owned(number: int, world: World) -> set[int]:
    return {partition for partition, owner in world.owners.items() if owner == number}


async def _follow(process: Process, epochs: Mapping[int, int], number: int, world: World, variant: Variant) -> None:
    of, facts = Cursor("memory", 1, 0), world.facts
    places = {partition: Place(partition, facts.positions[partition], facts.offsets[partition]) for partition in epochs}
    steps = Steps(of, places, epochs, PARTITIONS)
    sieves = {partition: Sieve(partition, of, place.position) for partition, place in places.items()}
    offsets = {partition: place.next_offset for partition, place in places.items()}
    while epochs.keys() == _owned(number, world):
        await process.step("polls")
        poll = _polled(world, sieves, offsets)
        async for page in whole(world.log, of, poll, PARTITIONS, COLUMNS):
            if step := steps.next([page]):
                await _write(process, step, world, variant)
        await asyncio.sleep(LOOK_SECONDS)


def _polled(world: World, sieves: Mapping[int, Sieve], offsets: dict[int, int]) -> Poll:
    """Poll as the product's thread does, from the model's partitions."""
    found, stretches = [], []
    for partition, sieve in sieves.items():
        records = world.topic[partition][offsets[partition] :][: world.fate.chance.randint(1, MOST_RECORDS)]
        after = sieve.position
        sifted = sieve.sift(records)
        offsets[partition] = sifted.next_offset or offsets[partition]
        found.append(sifted)
        stretches.append(Stretch(partition, after, sifted.position, offsets[partition]))
    events = events_of(
        [value for one in found for value in one.values], [at for one in found for at in one.positions], COLUMNS
    )
    holes = tuple(hole for one in found for hole in one.holes)
    return Poll(events, tuple(stretches), holes, sum(one.duplicates for one in found), 0)


async def _write(process: Process, step: Step, world: World, variant: Variant) -> None:
    """Write a step: effects and cursors in one transaction, or, where broken, one after the other."""
    await process.step("writes")
    world.facts.check(step.moves, fenced=variant.fenced)
    numbers = partitions_of(step.events, PARTITIONS).to_pylist()
    for number, position in zip(numbers, step.events.column("position").to_pylist(), strict=True):
        world.facts.count(number, position)
    if not variant.together:
        await process.step("has written effects")
    world.facts.move(step.moves)
    await process.step("has written")


async def _handed_on(world: World) -> None:
    """Give partitions to others now and then; who had one may not have noticed."""
    chance = world.fate.chance
    while True:
        await asyncio.sleep(chance.expovariate(1 / HANDED_ON_SECONDS))
        partition = chance.randrange(PARTITIONS)
        world.owners[partition] = chance.randrange(READERS)
        world.fate.note("owner", f"of partition {partition} is reader {world.owners[partition]}")


async def _all_read(world: World, head: int) -> bool:
    until = asyncio.get_running_loop().time() + END_SECONDS
    while asyncio.get_running_loop().time() < until:
        if min(world.facts.positions) >= head:
            return True
        await asyncio.sleep(LOOK_SECONDS)
    return False


def _wrong(world: World, events: Sequence[Event], *, there: bool) -> list[str]:
    counted = world.facts.counted
    wrong = [
        f"event {event.position} counted {counted[event.position]} times"
        for event in events
        if counted[event.position] != 1
    ]
    wrong += [
        f"partition {number} out of order" for number, order in enumerate(world.facts.order) if order != sorted(order)
    ]
    return wrong + ([] if there else ["not all was read"])
