"""An agent in two services at once: what a phone system can tell and no agent can do."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Overlap:
    """A service that began while an earlier one of the same agent was not over; instants in microseconds."""

    agent: str
    earlier_assignment_id: str
    later_assignment_id: str
    from_time_us: int
    until_time_us: int


Service = tuple[int, int, str]
"""Start, end of the talk, and id of an assignment."""


def overlapping_services(agent: str, services: Iterable[Service]) -> tuple[Overlap, ...]:
    """Return one overlap for each service that began before the end of an earlier one of the same agent.

    Of several earlier ones the one that ends last is named. Services that touch do not overlap, nor does one of no
    length. Wrap-up is no service: phone systems give the next contact while it runs.
    """
    found = []
    running: Service | None = None
    for service in sorted(services):
        start, end, assignment_id = service
        if running is not None and start < running[1] and start < end:
            found.append(Overlap(agent, running[2], assignment_id, start, min(end, running[1])))
        if running is None or end > running[1]:
            running = service
    return tuple(found)
