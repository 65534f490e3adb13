"""A log that was restored: cursors from before are refused, the list of contacts begins anew and is whole again."""

from collections.abc import Callable
from typing import Any

import asyncpg
import grpc
import pytest

from event_log.operating import raise_incarnation
from holdfast.call_events.v1 import call_events_service_pb2 as pb
from holdfast_testing import eventually
from service_host.client import refusal

Another = Callable[..., Any]


async def test_after_a_restore_cursors_are_outdated_and_the_list_is_made_again(
    another: Another, stub: Any, database: str
) -> None:
    tellers = [another() for _ in range(5)]
    for teller in tellers:
        await teller.record(teller.event(enqueued={"queue": "support"}))

    async def listed() -> set[str]:
        return {contact.contact_id for contact in (await stub.ListContacts(pb.ListContactsRequest())).contacts}

    async def whole() -> bool:
        return await listed() == {teller.contact_id for teller in tellers}

    await eventually(whole)
    before = (await stub.ReadEvents(pb.ReadEventsRequest())).cursor

    connection = await asyncpg.connect(database)
    try:
        await connection.execute("delete from call_events.contact_index")
        await raise_incarnation(connection, "call_events", "restored by a test")
    finally:
        await connection.close()

    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await stub.ReadEvents(pb.ReadEventsRequest(cursor=before))
    assert (failed.value.code(), refusal(failed.value).reason) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "CURSOR_OUTDATED",
    )
    await eventually(whole)
    assert len((await stub.ReadEvents(pb.ReadEventsRequest())).events) == 5
