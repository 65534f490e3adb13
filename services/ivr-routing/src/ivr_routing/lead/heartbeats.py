"""Who has given a sign of life lately. Not logged: only that heartbeats are lost and regained is decided.

The agents heard of longest ago stand in front, so that looking costs what is lost and not what is there.
"""

from collections import OrderedDict
from datetime import timedelta


class Heartbeats:
    """Agents by when they were heard last; instants are monotonic seconds."""

    def __init__(self, period: timedelta) -> None:
        """An agent not heard for a period is lost."""
        self._seconds = period.total_seconds()
        self._heard: OrderedDict[str, float] = OrderedDict()

    def hear(self, agent: str, now: float) -> None:
        """An agent lives."""
        self._heard[agent] = now
        self._heard.move_to_end(agent)

    def forget(self, agent: str) -> None:
        """An agent need not give signs any more."""
        self._heard.pop(agent, None)

    def lost(self, now: float) -> list[str]:
        """Take the agents who were not heard for a period."""
        lost = []
        while self._heard:
            agent, heard = next(iter(self._heard.items()))
            if now - heard < self._seconds:
                break
            del self._heard[agent]
            lost.append(agent)
        return lost
