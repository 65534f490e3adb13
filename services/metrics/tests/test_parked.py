"""Events set aside: tried again, or left out for good."""

from pathlib import Path

import pytest
from grpc.aio import AioRpcError

from holdfast.call_events.v1 import queueing_pb2
from holdfast.metrics.v1 import metrics_service_pb2 as pb
from live_facts import Scene, a_scene, following
from metrics.rebuild_refused import PoisonedRebuild
from metrics.retrying import NotParked, Retrying, StillUnfoldable
from metrics_serving import serving
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
