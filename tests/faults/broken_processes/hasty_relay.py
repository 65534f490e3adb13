"""call-events' relay, but it moves its checkpoint without waiting until its window is sent and acknowledged."""

import asyncio
import runpy
from collections.abc import Sequence

from event_log.kafka.producing import TopicSession
from event_log.kafka.window import ToSend

LATE_SECONDS = 0.3
"""How long a window is on its way: long enough to be killed in."""

_send = TopicSession.send
_under_way: set["asyncio.Task[None]"] = set()


async def _sent_late(session: TopicSession, records: Sequence[ToSend]) -> None:
    await asyncio.sleep(LATE_SECONDS)
    await _send(session, records)


async def _not_awaited(self: TopicSession, records: Sequence[ToSend]) -> None:
    _under_way.add(asyncio.create_task(_sent_late(self, records)))


TopicSession.send = _not_awaited  # type: ignore[method-assign]
runpy.run_module("call_events", run_name="__main__")
