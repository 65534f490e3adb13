"""What is to happen when: the clock of a simulation, which leaps from one thing to the next."""

import heapq
from collections.abc import Callable


class Agenda:
    """Actions in order of their times (milliseconds); those of one time in the order they were put in."""

    def __init__(self) -> None:
        """Begin empty, at midnight."""
        self.now = 0
        self._waiting: list[tuple[int, int, Callable[[], None]]] = []
        self._entered = 0

    def at(self, time_ms: int, action: Callable[[], None]) -> None:
        """Do something at a time; at once, if that is over."""
        self._entered += 1
        heapq.heappush(self._waiting, (max(time_ms, self.now), self._entered, action))

    def run(self) -> None:
        """Do everything, until nothing is left."""
        while self._waiting:
            self.now, _, action = heapq.heappop(self._waiting)
            action()
