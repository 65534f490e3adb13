"""Relays, readers and routing crashed at every step: right as they are built, caught where they are built wrong."""

import asyncio

from crash_simulation import reader_trial, relay_trial, routing_trial
from crash_simulation.loop import simulated

RELAY_SEEDS = 300
READER_SEEDS = 100
ROUTING_SEEDS = 100
SEARCHED = 60
"""Seeds among which a broken variant must be caught."""


def test_relays_that_die_anywhere_leave_a_topic_that_readers_can_rely_on() -> None:
    wrong = {seed: found for seed in range(RELAY_SEEDS) if (found := relay_trial.relay_trial(seed).wrong)}
    assert wrong == {}


def test_readers_that_die_anywhere_count_every_event_once_and_in_order() -> None:
    wrong = {seed: found for seed in range(READER_SEEDS) if (found := reader_trial.reader_trial(seed).wrong)}
    assert wrong == {}


def test_routing_that_dies_anywhere_loses_no_caller_and_holds_no_agent_twice() -> None:
    wrong = {seed: found for seed in range(ROUTING_SEEDS) if (found := routing_trial.routing_trial(seed).wrong)}
    assert wrong == {}


def test_a_trial_kills_somebody_now_and_then() -> None:
    assert sum(relay_trial.relay_trial(seed).deaths for seed in range(10)) > 10
    assert sum(reader_trial.reader_trial(seed).deaths for seed in range(10)) > 10
    assert sum(routing_trial.routing_trial(seed).deaths for seed in range(10)) > 10


def test_one_seed_replays_the_same_steps() -> None:
    for seed in range(5):
        assert relay_trial.relay_trial(seed).trace == relay_trial.relay_trial(seed).trace
        assert reader_trial.reader_trial(seed).trace == reader_trial.reader_trial(seed).trace
        assert routing_trial.routing_trial(seed).trace == routing_trial.routing_trial(seed).trace


def test_a_checkpoint_before_the_acknowledgement_is_caught() -> None:
    broken = relay_trial.Variant(patient=False)
    assert any("the checkpoint is at" in one for one in _relays_wrong(broken))


def test_a_relay_that_nobody_fences_is_caught() -> None:
    broken = relay_trial.Variant(fenced=False)
    assert any("the checkpoint went back" in one for one in _relays_wrong(broken))


def test_an_epoch_that_a_crash_of_the_database_takes_back_is_caught() -> None:
    broken = relay_trial.Variant(durable=False)
    assert any("was given twice" in one for one in _relays_wrong(broken))


def test_a_cursor_outside_the_transaction_is_caught() -> None:
    broken = reader_trial.Variant(together=False)
    assert any("counted 2 times" in one for one in _readers_wrong(broken))


def test_a_reader_that_nobody_fences_is_caught() -> None:
    broken = reader_trial.Variant(fenced=False)
    assert any("counted 2 times" in one for one in _readers_wrong(broken))


def test_routing_that_nobody_fences_is_caught() -> None:
    assert any("agents_double" in one for one in _routing_wrong(routing_trial.Variant(fenced=False)))


def test_routing_that_answers_before_its_decision_stands_is_caught() -> None:
    wrong = _routing_wrong(routing_trial.Variant(durable=False))
    assert any("the log does not know them" in one for one in wrong)


def test_made_up_time_passes_at_once() -> None:
    async def an_hour() -> float:
        await asyncio.sleep(3_600)
        return asyncio.get_running_loop().time()

    assert simulated(an_hour()) >= 3_600


def _relays_wrong(variant: relay_trial.Variant) -> list[str]:
    return [one for seed in range(SEARCHED) for one in relay_trial.relay_trial(seed, variant).wrong]


def _readers_wrong(variant: reader_trial.Variant) -> list[str]:
    return [one for seed in range(SEARCHED) for one in reader_trial.reader_trial(seed, variant).wrong]


def _routing_wrong(variant: routing_trial.Variant) -> list[str]:
    return [one for seed in range(SEARCHED) for one in routing_trial.routing_trial(seed, variant).wrong]
