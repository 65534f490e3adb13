"""Every fault that this machine can suffer, by lane and name."""

from collections.abc import Mapping

from fault_suite.fault import Fault
from fault_suite.kafka_faults import KAFKA_FAULTS
from fault_suite.line_faults import LINE_FAULTS
from fault_suite.postgres_faults import POSTGRES_FAULTS, disk_full
from fault_suite.routing_faults import ROUTING_FAULTS
from fault_suite.running import Say
from fault_suite.service_faults import SERVICE_FAULTS
from fault_suite.told_faults import TOLD_FAULTS
from fault_suite.world import EVENTS_LANE, ROUTING_LANE, World

EVENTS_FAULTS: tuple[Fault, ...] = (*SERVICE_FAULTS, *POSTGRES_FAULTS, *LINE_FAULTS, *TOLD_FAULTS, *KAFKA_FAULTS)
LANES: Mapping[str, tuple[Fault, ...]] = {EVENTS_LANE: EVENTS_FAULTS, ROUTING_LANE: ROUTING_FAULTS}
"""Faults whose parts recover together, whatever happens in other lanes."""


def catalogue(world: World, say: Say) -> dict[str, dict[str, Fault]]:
    """Return the faults of each lane; what cannot be done here is left out, and said."""
    found = {lane: {each.kind.name: each for each in faults} for lane, faults in LANES.items()}
    if world.disk is None:
        del found[EVENTS_LANE][disk_full.kind.name]
        say("disk_full (F12) is left out: this machine lets us mount no small disk.")
    return found
