"""A core as bytes and back: all that does not follow from the rest. Belongs to one version of the core.

SnapshotUnfit   of another version or tenant, or damaged: throw it away and read the log
"""

import json
from collections import OrderedDict
from heapq import heapify
from typing import Any, Final

from ivr_routing.core.agent import Agent
from ivr_routing.core.contact import Contact
from ivr_routing.core.due import Due, DueKind
from ivr_routing.core.plain import dumper, loader
from ivr_routing.core.queue import Queue
from ivr_routing.core.reservation import Reservation
from ivr_routing.core.source import Doubt
from ivr_routing.core.state import CORE_VERSION, Core

_FORM: Final = "holdfast.ivr_routing.core"


class SnapshotUnfit(Exception):
    """The snapshot is not one of this core: throw it away and read the log from the beginning."""


def dump(core: Core) -> bytes:
    """Return the core as bytes; the position in the log that it stands at is the caller's to keep beside."""
    document = {
        "form": _FORM,
        "core_version": CORE_VERSION,
        "tenant": core.tenant,
        "queues": [dumper(Queue)(queue) for queue in core.queues.values()],
        "agents": [dumper(Agent)(agent) for agent in core.agents.values()],
        "contacts": [dumper(Contact)(contact) for contact in core.contacts.values()],
        "reservations": [dumper(Reservation)(held) for held in core.reservations.values()],
        "finished": core.finished,
        "doubts": [dumper(Doubt)(held) for some in core.doubts.values() for held in some],
        "dues": [due for due in core.dues.heap if core.matters(due)],
        "turn": core.dues.turn,
    }
    return json.dumps(document, separators=(",", ":")).encode()


def load(tenant: str, snapshot: bytes) -> Core:
    """Return the core of a snapshot; raise SnapshotUnfit if it is not one of this version and tenant."""
    try:
        document = json.loads(snapshot)
        stands_for = (document["form"], document["core_version"], document["tenant"])
        if stands_for != (_FORM, CORE_VERSION, tenant):
            raise SnapshotUnfit("The snapshot is of another version of the core, or of another tenant.")
        core = _filled(Core(tenant), document)
    except (KeyError, TypeError, ValueError) as error:
        raise SnapshotUnfit("The snapshot is damaged.") from error
    _index(core)
    return core


def _filled(core: Core, document: dict[str, Any]) -> Core:
    core.queues = {queue.queue: queue for queue in map(loader(Queue), document["queues"])}
    core.agents = {agent.agent: agent for agent in map(loader(Agent), document["agents"])}
    core.contacts = {contact.contact_id: contact for contact in map(loader(Contact), document["contacts"])}
    core.reservations = {held.reservation_id: held for held in map(loader(Reservation), document["reservations"])}
    core.finished = OrderedDict(document["finished"])
    for held in map(loader(Doubt), document["doubts"]):
        core.doubts.setdefault(held.source_id, []).append(held)
    core.dues.heap = [_due(plain) for plain in document["dues"]]
    core.dues.turn = document["turn"]
    heapify(core.dues.heap)
    core.ages = any(due[2] is DueKind.CONTACT for due in core.dues.heap)
    return core


def _due(plain: list[Any]) -> Due:
    due_us, turn, kind, key = plain
    return (due_us, turn, DueKind(kind), key)


def _index(core: Core) -> None:
    for agent in core.agents.values():
        core.configure_agent(agent, agent.rules)
    for contact in core.contacts.values():
        if contact.waits:
            core.place(contact)
