"""Services of agents as an archive tells them, and which of them began before an earlier one was over. Pure.

What a phone system tells so is kept as told: an agent cannot do it, but who of the two was served is not ours to say.
"""

from collections import defaultdict

from contact_life.overlap import Service, overlapping_services
from holdfast_cli.importing.oddities import Oddities

ODDITY = "overlapping_service"


class ServicesAtOnce:
    """Takes services in any order: a few numbers each, a month of them at a time."""

    def __init__(self) -> None:
        """Begin with none."""
        self._services: dict[str, list[Service]] = defaultdict(list)

    def add(self, agent: str, start: int, end: int, line: int) -> None:
        """Take a service, in seconds since 1970, told by a line; one of an unknown agent overlaps with nobody's."""
        if agent:
            self._services[agent].append((start, end, str(line)))

    def count(self, oddities: Oddities) -> None:
        """Count the lines whose service overlaps with an earlier one."""
        found = (
            int(overlap.later_assignment_id)
            for agent, services in self._services.items()
            for overlap in overlapping_services(agent, services)
        )
        for line in sorted(found):
            oddities.add(ODDITY, line)
