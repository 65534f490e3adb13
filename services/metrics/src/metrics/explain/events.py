"""The events of contacts, read whole from the log as it was at a position."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from contact_life.observed import Observed
from event_log.log import Log
from event_log.model import Stream
from metrics.refolding import observed_of

AT_ONCE = 250
"""Streams read in one request."""


class Events:
    """Reads contacts' streams of one log."""

    def __init__(self, log: Log) -> None:
        self._log = log

    async def of(self, tenant: str, contact_ids: Sequence[str], until: int | None) -> dict[str, list[Observed]]:
        """Return the events of at most AT_ONCE contacts up to a position (None: all); raises what the log raises."""
        streams = {Stream("contact", UUID(contact_id)): contact_id for contact_id in contact_ids[:AT_ONCE]}
        found = await self._log.read_streams(tenant, list(streams), until_position=until)
        return {streams[stream]: observed_of(events) for stream, events in found.items()}


def chunks(contact_ids: Sequence[str]) -> Iterable[Sequence[str]]:
    """Cut contacts into what one request reads."""
    return (contact_ids[start : start + AT_ONCE] for start in range(0, len(contact_ids), AT_ONCE))
