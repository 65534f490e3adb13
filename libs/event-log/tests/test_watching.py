"""What a Postgres log tells of its appending: each flush, and who another writer was faster than."""

from dataclasses import dataclass, field

import pytest

from event_log.errors import Fenced, VersionConflict
from event_log.limits import WriterLimits
from event_log.postgres import open_log
from event_log.watching import ANOTHER_APPENDER
from event_log_testing import a_schema, appending, contact, event, fill

NO_LEASE = WriterLimits(lease=None)


@dataclass
class Noted:
    """A watch that remembers."""

    flushes: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)

    def flushed(self, events: int, seconds: float) -> None:
        """See AppendWatch."""
        self.flushes.append(events)
        self.seconds.append(seconds)

    def conflicted(self, reason: str) -> None:
        """See AppendWatch."""
        self.conflicts.append(reason)


async def test_every_flush_is_told_with_what_it_wrote_and_how_long_it_took(database: str) -> None:
    schema, noted = await a_schema(database), Noted()
    async with open_log(database, schema, watch=noted) as log:
        await fill(log, range(1, 31))
        await fill(log, range(1, 31))
    assert sum(noted.flushes) == 30, "what was told before is written by no flush"
    assert len(noted.seconds) == len(noted.flushes)
    assert min(noted.seconds) > 0
    assert noted.conflicts == []


async def test_whom_another_writer_was_faster_than_is_told_with_the_reason(database: str) -> None:
    schema, noted = await a_schema(database), Noted()
    async with (
        open_log(database, schema, limits=NO_LEASE, watch=noted) as log,
        open_log(database, schema, limits=NO_LEASE) as other,
    ):
        old = await log.acquire_fence("bank", "shard-1")
        await log.append(appending(contact(1), event(1)))
        with pytest.raises(VersionConflict):
            await log.append(appending(contact(1), event(2), expected=0))
        await other.acquire_fence("bank", "shard-1")
        await other.append(appending(contact(2), event(3)))
        await log.append(appending(contact(1), event(5)))
        with pytest.raises(Fenced):
            await log.append(appending(contact(1), event(4), fence=old))
    assert noted.conflicts == ["VERSION_CONFLICT", ANOTHER_APPENDER, "FENCED"]
