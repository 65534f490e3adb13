"""How far facts are behind the logs they follow, told by what is heard of the logs: it grows while nothing comes.

A step tells only of what came. Where broker, relay or a log is away there are no steps, and facts lag all the more.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from event_log.model import Cursor

MOST_HEADS: Final = 3_600
"""Heads remembered that facts have not reached: those of the first hour."""


@dataclass
class _Heard:
    """What was heard of one log: the heads not reached yet, each with its time, and when all was last known here."""

    incarnation: int
    whole_us: int
    behind: int = 0
    heads: deque[tuple[int, int]] = field(default_factory=deque)


@dataclass
class Lagging:
    """How far behind facts are, of all logs together."""

    _logs: dict[str, _Heard] = field(default_factory=dict)

    def heard(self, head: Cursor, reached: int, time_us: int) -> None:
        """Take in where a log's head was at an instant, and the position up to which facts were whole."""
        log = self._logs.get(head.log_id)
        if log is None or log.incarnation != head.incarnation:
            log = self._logs[head.log_id] = _Heard(head.incarnation, time_us)
        if len(log.heads) < MOST_HEADS:
            log.heads.append((head.position, time_us))
        log.behind = max(0, head.position - reached)
        while log.heads and log.heads[0][0] <= reached:
            log.whole_us = log.heads.popleft()[1]

    @property
    def behind(self) -> int:
        """Events known to be in the logs and not folded."""
        return sum(log.behind for log in self._logs.values())

    def seconds(self, now_us: int) -> float:
        """Return how long ago facts last had all of every log; 0 before any was heard of."""
        return max((now_us - log.whole_us for log in self._logs.values()), default=0) / 1_000_000
