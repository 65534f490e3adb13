"""How long, and at which place, somebody who joins a queue now would wait: for flows that ask before they decide.

Asks the indexes of queues; no agent and no waiting contact is looked at by itself.
"""

from collections.abc import Iterable
from datetime import timedelta

from ivr_routing.core.pool import Requirement
from ivr_routing.core.queue import Queue
from ivr_routing.core.state import Core


def estimated_waits(core: Core, names: Iterable[str]) -> dict[str, timedelta]:
    """Return the estimated waits of queues; one that is not known, or served by nobody, is left out."""
    waits = ((name, _wait_us(core, core.queues[name])) for name in names if name in core.queues)
    return {name: timedelta(microseconds=wait_us) for name, wait_us in waits if wait_us is not None}


def queue_positions(core: Core, names: Iterable[str]) -> dict[str, int]:
    """Return the places, from 1, behind all who wait in queues; one that is not known is left out."""
    return {name: _ahead(core.queues[name]) + 1 for name in names if name in core.queues}


def _wait_us(core: Core, queue: Queue) -> int | None:
    """By who waits and how fast the queue was answered of late; before that by handle time and staff."""
    ahead = _ahead(queue)
    if not queue.members:
        return None
    if not ahead and core.pool(queue, Requirement(queue.queue)).anybody():
        return 0
    if queue.interval_us:
        return (ahead + 1) * queue.interval_us
    return (ahead + 1) * queue.rules.expected_handle_ms * 1_000 // len(queue.members)


def _ahead(queue: Queue) -> int:
    return sum(len(pool.waiting) for pool in queue.pools.values())
