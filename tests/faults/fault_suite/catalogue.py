"""Every fault that this machine can suffer, by name."""

from fault_suite.fault import Fault
from fault_suite.kafka_faults import KAFKA_FAULTS
from fault_suite.line_faults import LINE_FAULTS
from fault_suite.postgres_faults import POSTGRES_FAULTS, disk_full
from fault_suite.running import Say
from fault_suite.service_faults import SERVICE_FAULTS
from fault_suite.told_faults import TOLD_FAULTS
from fault_suite.world import World

EVERY_FAULT: tuple[Fault, ...] = (*SERVICE_FAULTS, *POSTGRES_FAULTS, *LINE_FAULTS, *TOLD_FAULTS, *KAFKA_FAULTS)


def catalogue(world: World, say: Say) -> dict[str, Fault]:
    """Return the faults; what cannot be done here is left out, and said."""
    found = {each.kind.name: each for each in EVERY_FAULT}
    if world.disk is None:
        del found[disk_full.kind.name]
        say("disk_full (F12) is left out: this machine lets us mount no small disk.")
    return found
