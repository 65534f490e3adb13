"""How far operators see that facts are behind."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from event_log.model import Cursor
from holdfast_testing import eventually
from live_facts import a_scene, following
from metrics.facts import Facts
from metrics.follow.lagging import MOST_HEADS, Lagging
from service_host.telemetry import REGISTRY
from told_contacts import chance_of, contacts, in_time

SECOND = 1_000_000


def head(position: int, log_id: str = "a", incarnation: int = 1) -> Cursor:
    return Cursor(log_id, incarnation, position)


def test_facts_at_the_head_do_not_lag() -> None:
    lagging = Lagging()
    for second in range(3):
        lagging.heard(head(7), 7, second * SECOND)
        assert (lagging.behind, lagging.seconds(second * SECOND)) == (0, 0.0)


def test_lag_grows_while_the_log_goes_on_and_nothing_is_folded() -> None:
    lagging = Lagging()
    for second, position in enumerate((7, 9, 12, 12)):
        lagging.heard(head(position), 7, second * SECOND)
    assert (lagging.behind, lagging.seconds(3 * SECOND)) == (5, 3.0)


def test_facts_that_keep_up_with_a_log_that_goes_on_do_not_lag_more_and_more() -> None:
    lagging = Lagging()
    for second in range(1, 100):
        lagging.heard(head(100 * second), 100 * second - 5, second * SECOND)
        assert (lagging.behind, lagging.seconds(second * SECOND)) == (5, min(second - 1, 1))


def test_lag_grows_while_a_log_is_silent() -> None:
    lagging = Lagging()
    lagging.heard(head(7), 7, 0)
    assert lagging.seconds(60 * SECOND) == 60.0


def test_of_several_logs_the_events_add_up_and_the_longest_lag_counts() -> None:
    lagging = Lagging()
    lagging.heard(head(7, "a"), 5, 0)
    lagging.heard(head(9, "b"), 6, 2 * SECOND)
    assert (lagging.behind, lagging.seconds(3 * SECOND)) == (5, 3.0)


def test_a_log_that_lost_events_begins_anew() -> None:
    lagging = Lagging()
    lagging.heard(head(100), 7, 0)
    lagging.heard(head(3, incarnation=2), 3, 9 * SECOND)
    assert (lagging.behind, lagging.seconds(9 * SECOND)) == (0, 0.0)


def test_what_is_remembered_of_a_long_lag_is_bounded_and_forgotten_when_it_is_over() -> None:
    lagging, last = Lagging(), 2 * MOST_HEADS
    for second in range(last):
        lagging.heard(head(second + 1), 0, second * SECOND)
    assert lagging.seconds(last * SECOND) == last
    for second in (last, last + 1):
        lagging.heard(head(last), last, second * SECOND)
    assert lagging.seconds((last + 1) * SECOND) == 0.0


@asynccontextmanager
async def hearing(facts: Facts) -> AsyncIterator[None]:
    task = asyncio.create_task(facts.hear())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def gauge(name: str) -> float:
    return REGISTRY.get_sample_value(f"holdfast_metrics_{name}") or 0.0


async def test_operators_see_that_facts_lag_though_no_step_is_made(fresh_database: str) -> None:
    events = in_time(contacts(chance_of(1), 5, 0.0))
    async with a_scene(fresh_database) as scene:
        async with following(scene):
            await scene.tell(events[:10])
            await scene.caught_up()
        async with hearing(scene.facts):
            await eventually(lambda: gauge("lag_seconds") < 1 and gauge("events_behind") == 0)
            await scene.tell(events[10:])
            await eventually(lambda: gauge("events_behind") == len(events) - 10)
            await eventually(lambda: gauge("lag_seconds") > 1)
            async with following(scene):
                await eventually(lambda: gauge("events_behind") == 0 and gauge("lag_seconds") < 1)
