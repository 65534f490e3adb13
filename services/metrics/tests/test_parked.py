"""Events set aside: tried again, or left out for good."""

from pathlib import Path

import pytest
from grpc.aio import AioRpcError

from contact_life.codec import TYPES
from decided_events import events_of
from event_log.model import Event
from holdfast.call_events.v1 import queueing_pb2
from holdfast.metrics.v1 import metrics_service_pb2 as pb
from live_facts import Scene, a_scene, decide, following, routed
from metrics.fact.payload_kinds import MESSAGES
from metrics.fact.screen import NEEDED_PATHS
from metrics.follow.retrying import AmbiguousPosition, NotParked, Retrying, StillUnfoldable
from metrics.rebuild.refused import PoisonedRebuild
from metrics_serving import serving
from routing_testing import Centre
from service_host.client import refusal
from told_contacts import chance_of, contacts, in_time, poison

ZERO = queueing_pb2.Enqueued(visit_id="v", queue="a\0b").SerializeToString()


async def parked(scene: Scene) -> list[int]:
    rows = await scene.database.fetch("select position from metrics.parked_event order by position")
    return [row["position"] for row in rows]


async def test_an_event_that_was_set_aside_by_mistake_is_applied(fresh_database: str) -> None:
    events = in_time(contacts(chance_of(1), 5, 0.0))
    async with a_scene(fresh_database) as scene, following(scene):
        await scene.tell(events)
        await scene.caught_up()
        whole = await scene.shown()
        row = await scene.database.fetchrow("select contact_id, last_position from metrics.contact order by 1 limit 1")
        assert row is not None
        await scene.database.execute(
            "insert into metrics.parked_event select schema_name, log_id, $1, 't', 'contact', $2, 'Enqueued', 'x'"
            " from metrics.cursor",
            row["last_position"],
            row["contact_id"],
        )
        await scene.database.execute("delete from facts_1.leg where contact_id = $1", row["contact_id"])
        await Retrying(scene.database, scene.log).retry(row["last_position"])
        assert await parked(scene) == []
        assert await scene.shown() == whole


async def test_an_event_that_still_cannot_be_folded_stays_set_aside(fresh_database: str) -> None:
    async with a_scene(fresh_database) as scene, following(scene):
        await scene.tell([poison(b"\xff\xff")])
        await scene.caught_up()
        with pytest.raises(StillUnfoldable):
            await Retrying(scene.database, scene.log).retry(1)
        assert await parked(scene) == [1]


async def test_what_is_not_set_aside_cannot_be_tried(fresh_database: str) -> None:
    async with a_scene(fresh_database) as scene, following(scene):
        await scene.tell(in_time(contacts(chance_of(1), 1, 0.0)))
        await scene.caught_up()
        with pytest.raises(NotParked):
            await Retrying(scene.database, scene.log).retry(1)


async def parked_by_mistake(scene: Scene, folded_by: str = "other code") -> int:
    """Set an event that is fine aside, as code that could not fold it would have; return its position."""
    row = await scene.database.fetchrow("select contact_id, last_position from metrics.contact order by 1 limit 1")
    assert row is not None
    await scene.database.execute(
        "insert into metrics.parked_event"
        " (schema_name, log_id, position, tenant, category, key, type, reason, folded_by)"
        " select schema_name, log_id, $1, 't', 'contact', $2, 'Enqueued', 'x', $3 from metrics.cursor",
        row["last_position"],
        row["contact_id"],
        folded_by,
    )
    return int(row["last_position"])


async def test_what_other_code_set_aside_is_tried_again_by_itself_and_once_only(fresh_database: str) -> None:
    async with a_scene(fresh_database) as scene, following(scene):
        await scene.tell([*in_time(contacts(chance_of(1), 5, 0.0)), poison(b"\xff\xff")])
        await scene.caught_up()
        (bad,) = await parked(scene)
        await scene.database.execute("update metrics.parked_event set folded_by = 'other code'")
        good = await parked_by_mistake(scene)
        assert await parked(scene) == [good, bad]
        retrying = Retrying(scene.database, scene.log)
        assert await retrying.retry_of_other_code() == 1
        assert await parked(scene) == [bad]
        assert await retrying.retry_of_other_code() == 0
        assert await scene.database.fetchval("select attempts from metrics.parked_event") == 2


async def test_an_event_of_a_newer_type_is_applied_after_the_upgrade_that_knows_it(
    fresh_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = in_time(contacts(chance_of(1), 5, 0.0))
    newer = [position for position, event in enumerate(events, 1) if event.type == "Dequeued"]
    async with a_scene(fresh_database) as scene, following(scene):
        retrying = Retrying(scene.database, scene.log)
        with monkeypatch.context() as old_version:
            for known in (TYPES, MESSAGES, NEEDED_PATHS):
                old_version.delitem(known, "Dequeued")
            await scene.tell(events)
            await scene.caught_up()
            assert await parked(scene) == newer
            with pytest.raises(StillUnfoldable):
                await retrying.retry(newer[0])
            with pytest.raises(PoisonedRebuild):
                [told async for told in scene.facts.rebuild(swap=False, accept_differences=False)]
        await scene.database.execute("update metrics.parked_event set folded_by = 'old version'")
        assert await retrying.retry_of_other_code() == len(newer)
        assert await parked(scene) == []
        told = [told async for told in scene.facts.rebuild(swap=False, accept_differences=False)]
        assert told[-1].differences == 0


async def test_an_operator_lists_retries_and_skips_the_events_of_their_tenant(
    fresh_database: str, tmp_path: Path
) -> None:
    async with a_scene(fresh_database) as scene, following(scene):
        await scene.tell([poison(b"\xff\xff"), *in_time(contacts(chance_of(1), 5, 0.0)), poison(b"\xfe", number=2)])
        await scene.caught_up()
        good = await parked_by_mistake(scene)
        first, last = min(await parked(scene)), max(await parked(scene))
        async with serving(fresh_database, tmp_path / "issuer", scene.log) as served:
            token, other = served.token(tenant="t"), served.token(tenant="another")
            page = await served.call("ListParkedEvents", pb.ListParkedEventsRequest(page_size=2), token)
            assert ([event.position for event in page.events], page.total) == ([first, good], 3)
            again = pb.ListParkedEventsRequest(page_token=page.next_page_token)
            page = await served.call("ListParkedEvents", again, token)
            assert ([event.position for event in page.events], page.next_page_token) == ([last], "")
            assert (await served.call("ListParkedEvents", pb.ListParkedEventsRequest(), other)).total == 0
            applied = await served.call("RetryParkedEvent", pb.RetryParkedEventRequest(position=good), token)
            assert applied.event.position == good
            skip = pb.SkipParkedEventRequest(position=last, reason="a test")
            refused = {
                "EVENT_UNFOLDABLE": ("RetryParkedEvent", pb.RetryParkedEventRequest(position=first), token),
                "EVENT_NOT_PARKED": ("SkipParkedEvent", skip, other),
                "PAGE_TOKEN_INVALID": ("ListParkedEvents", pb.ListParkedEventsRequest(page_token="x"), token),
            }
            for reason, (method, request, whose) in refused.items():
                with pytest.raises(AioRpcError) as error:
                    await served.call(method, request, whose)
                assert refusal(error.value).reason == reason
            await served.call("SkipParkedEvent", skip, token)
        assert await parked(scene) == [first]


async def parked_decision(scene: Scene, log_id: str, event: Event) -> None:
    """Set one of routing's events aside by mistake, as if its effect had never been."""
    await scene.database.execute(
        "insert into metrics.parked_event (schema_name, log_id, position, tenant, category, key, type, reason)"
        " select schema_name, $1, $2, $3, $4, $5, $6, 'x' from metrics.live_generation",
        *(log_id, event.position, event.tenant, event.category, event.key, event.type),
    )
    await scene.database.execute(
        "update facts_1.reservation set queue = '', agent = '', endpoint = '', created_time = null, min_ring_us = null"
    )


async def test_an_event_of_routings_log_that_was_set_aside_is_applied(fresh_database: str) -> None:
    centre = Centre()
    centre.queue("main", min_ring_ms=8_000, reservation_ms=20_000)
    centre.agent("ann")
    centre.call("one")
    centre.ring("one")
    centre.wait(21)
    events = events_of(centre)
    created = next(event for event in events if event.type == "ReservationCreated")
    async with routed(fresh_database) as (scene, decisions):
        await scene.tell([*in_time(contacts(chance_of(1), 3, 0.0))])
        await decide(decisions, events, chance_of(1))
        await scene.caught_up()
        await scene.caught_up(decisions)
        whole, log_id = await scene.shown(), (await decisions.head()).log_id
        await parked_decision(scene, log_id, created)
        assert await scene.shown() != whole
        with pytest.raises(StillUnfoldable):  # who does not know routing's log
            await Retrying(scene.database, scene.log).retry(created.position)
        retrying = Retrying(scene.database, scene.log, decisions)
        assert (await retrying.retry(created.position)).log_id == log_id
        assert (await parked(scene), await scene.shown()) == ([], whole)
        await parked_decision(scene, log_id, created)
        assert await retrying.retry_of_other_code() == 1
        assert await scene.shown() == whole


async def test_an_event_of_routings_log_of_a_newer_type_is_parked_until_an_upgrade(fresh_database: str) -> None:
    async with routed(fresh_database) as (scene, decisions):
        await scene.tell(in_time(contacts(chance_of(1), 1, 0.0)))
        await decide(decisions, [poison(b"whatever", "DecisionOfTomorrow")], chance_of(1))
        await scene.caught_up(decisions)
        assert await parked(scene) == [1]
        with pytest.raises(StillUnfoldable):
            await Retrying(scene.database, scene.log, decisions).retry(1)


async def test_a_position_that_two_logs_share_asks_for_the_log(fresh_database: str) -> None:
    async with a_scene(fresh_database) as scene:
        for log_id in ("one", "two"):
            await scene.database.execute(
                "insert into metrics.cursor (schema_name, log_id, incarnation, position)"
                " select schema_name, $1, 1, 9 from metrics.live_generation",
                log_id,
            )
            await scene.database.execute(
                "insert into metrics.parked_event (schema_name, log_id, position, tenant, category, key, type, reason)"
                " select schema_name, $1, 5, 't', 'contact', gen_random_uuid(), 'Enqueued', 'x'"
                " from metrics.live_generation",
                log_id,
            )
        retrying = Retrying(scene.database, scene.log)
        with pytest.raises(AmbiguousPosition):
            await retrying.retry(5)
        with pytest.raises(NotParked):
            await retrying.skip(5, "a test", log_id="three")
        assert (await retrying.skip(5, "a test", log_id="two")).log_id == "two"
        assert (await retrying.skip(5, "a test")).log_id == "one"


@pytest.mark.parametrize("payload", [b"\xff\xff", ZERO])
async def test_a_skipped_event_is_left_out_of_rebuilds_too(fresh_database: str, payload: bytes) -> None:
    events = in_time(contacts(chance_of(1), 5, 0.0))
    async with a_scene(fresh_database) as scene, following(scene):
        await scene.tell([*events[:20], poison(payload), *events[20:]])
        await scene.caught_up()
        with pytest.raises(PoisonedRebuild):
            [told async for told in scene.facts.rebuild(swap=True, accept_differences=False)]
        await Retrying(scene.database, scene.log).skip(21, "a test")
        assert await parked(scene) == []
        told = [told async for told in scene.facts.rebuild(swap=True, accept_differences=False)]
        assert told[-1].differences == 0
