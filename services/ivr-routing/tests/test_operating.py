"""What a leader sees to by itself: a snapshot where nobody stands by, and figures of how its log is written."""

from typing import Final

import asyncpg
import pytest

from admin_doors import figures
from holdfast.ivr_routing.v1 import administration_service_pb2 as administration
from holdfast_testing import eventually
from routing_service import Centre, Running

SNAPSHOT_EVENTS: Final = 20
SETTINGS: Final = {
    "HOLDFAST_IVR_ROUTING_SNAPSHOT_EVENTS": str(SNAPSHOT_EVENTS),
    "HOLDFAST_IVR_ROUTING_ADMIN_ADDRESS": "127.0.0.1:0",
}

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_leader_keeps_a_snapshot_itself_but_only_after_twice_the_events(centre: Centre, database: str) -> None:
    for number in range(3 * SNAPSHOT_EVENTS):
        request = administration.ConfigureQueueRequest(queue=f"{centre.queue}-{number}")
        await centre.doors.administration.ConfigureQueue(request)
    session = await asyncpg.connect(database)

    async def kept_late() -> bool:
        position = await session.fetchval("select max(position) from ivr_routing.snapshot")
        return position is not None and position >= 2 * SNAPSHOT_EVENTS

    try:
        await eventually(kept_late)
    finally:
        await session.close()


async def test_flushes_of_the_log_are_told_at_the_admin_port(centre: Centre, service: Running) -> None:
    def told() -> tuple[float, float]:
        found = figures(service.ready["admin"])
        return found["holdfast_ivr_routing_flush_events_sum"], found["holdfast_ivr_routing_flush_seconds_count"]

    before = told()
    await centre.doors.administration.ConfigureQueue(administration.ConfigureQueueRequest(queue=centre.queue))
    after = told()
    assert after[0] - before[0] == 1
    assert after[1] > before[1]
