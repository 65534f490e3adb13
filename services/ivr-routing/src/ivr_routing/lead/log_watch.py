"""How appending to routing's log does, told as figures; see event_log.watching."""

from ivr_routing import telemetry

_FLUSH_EVENTS = telemetry.FLUSH_EVENTS.bound()
_FLUSH_SECONDS = telemetry.FLUSH_SECONDS.bound()


class LogWatch:
    """See event_log.watching.AppendWatch."""

    def flushed(self, events: int, seconds: float) -> None:
        """See AppendWatch."""
        _FLUSH_EVENTS(events)
        _FLUSH_SECONDS(seconds)

    def conflicted(self, reason: str) -> None:
        """See AppendWatch."""
        telemetry.CONFLICTS.add(1, reason)
