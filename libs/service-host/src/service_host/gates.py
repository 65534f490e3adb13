"""How much one caller, and all together, may have under way at once.

Unary calls and streams are counted apart and per caller: idle streams never use up the room of calls, and one caller's
crowd never that of another. (gRPC's own ``maximum_concurrent_rpcs`` does both wrongly: one caller's idle streams lock
everybody out.)
"""

from __future__ import annotations

from datetime import timedelta

from service_host.errors import ResourceExhausted

RETRY_AFTER = timedelta(milliseconds=100)


class Gate:
    """Counts what is under way, per key and in total; single-threaded, as an event loop is."""

    def __init__(self, what: str, per_caller: int, total: int) -> None:
        self._what = what
        self._per_caller = per_caller
        self._total = total
        self._under_way: dict[str, int] = {}
        self.count = 0

    def enter(self, key: str) -> None:
        """One more; ResourceExhausted if that is one too many."""
        mine = self._under_way.get(key, 0)
        if mine >= self._per_caller:
            self._refuse("CALLER_LIMIT", "too many of yours", self._per_caller)
        if self.count >= self._total:
            self._refuse("HOST_LIMIT", "too many in all", self._total)
        self._under_way[key] = mine + 1
        self.count += 1

    def leave(self, key: str) -> None:
        """One fewer."""
        self.count -= 1
        mine = self._under_way[key] - 1
        if mine:
            self._under_way[key] = mine
        else:
            del self._under_way[key]

    def _refuse(self, reason: str, why: str, limit: int) -> None:
        message = f"There are {why} under way ({self._what}); try again shortly."
        raise ResourceExhausted(reason, message, retry_after=RETRY_AFTER, limit=limit)
