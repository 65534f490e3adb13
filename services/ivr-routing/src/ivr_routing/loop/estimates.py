"""How long somebody who is about to join a queue would wait, for flows that ask before they decide. Pure."""

from collections.abc import Iterable
from datetime import timedelta

from ivr_routing.core.queue import Queue
from ivr_routing.core.state import Core
from ivr_routing.core.words import AgentState


def estimated_waits(core: Core, names: Iterable[str]) -> dict[str, timedelta]:
    """Return the estimated waits of queues; one that is not known, or served by nobody, is left out."""
    waits = ((name, _wait_us(core, core.queues[name])) for name in names if name in core.queues)
    return {name: timedelta(microseconds=wait_us) for name, wait_us in waits if wait_us is not None}


def _wait_us(core: Core, queue: Queue) -> int | None:
    """By who waits and how fast the queue was answered of late; before that by handle time and staff."""
    ahead = sum(len(pool.waiting) for pool in queue.pools.values())
    if not queue.members:
        return None
    if not ahead and any(core.agents[name].state is AgentState.AVAILABLE for name in queue.members):
        return 0
    if queue.interval_us:
        return (ahead + 1) * queue.interval_us
    return (ahead + 1) * queue.rules.expected_handle_ms * 1_000 // len(queue.members)
