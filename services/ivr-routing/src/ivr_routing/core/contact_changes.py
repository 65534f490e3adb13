"""What events of contacts and their flows change in a core. Nothing is judged here."""

from typing import Final

from ivr_routing.core import events as e
from ivr_routing.core.contact import Contact, FlowWalk
from ivr_routing.core.due import DueKind
from ivr_routing.core.state import Core

LONGEST_CONTACT_US: Final = 24 * 3_600_000_000
"""A contact of which nothing is heard any more is taken as ended after this."""
REMEMBERED_US: Final = 3_600_000_000
"""A finished contact's id is remembered so long: facts told late or twice do not begin it again."""


def admitted(core: Core, event: e.ContactAdmitted, now_us: int) -> None:
    core.contacts[event.contact_id] = Contact(
        event.contact_id,
        event.source_id,
        event.node,
        event.leg_id,
        event.service_number,
        event.caller_ref,
        event.customer_ref,
        event.identified_by,
        event.language,
        event.attributes,
        event.resumes_contact_id,
        now_us,
    )
    core.dues.add(now_us + LONGEST_CONTACT_US, DueKind.CONTACT, event.contact_id)


def finished(core: Core, event: e.ContactFinished, now_us: int) -> None:
    core.contacts.pop(event.contact_id, None)
    forgotten_us = now_us + REMEMBERED_US
    core.finished[event.contact_id] = forgotten_us
    core.dues.add(forgotten_us, DueKind.FORGET, event.contact_id)


def flow_started(core: Core, event: e.FlowStarted, _: int) -> None:
    core.contacts[event.contact_id].flow = FlowWalk(event.flow, event.version, "", event.walk, 0, "")


def flow_step(core: Core, event: e.FlowStepTaken, _: int) -> None:
    node = event.nodes[-1] if event.nodes else ""
    core.contacts[event.contact_id].flow = FlowWalk(
        event.flow, event.version, node, event.walk, event.due_us, event.awaits_id
    )


def flow_finished(core: Core, event: e.FlowFinished, _: int) -> None:
    contact = core.contacts[event.contact_id]
    contact.flow = None
    if event.attributes:
        contact.attributes = contact.attributes | event.attributes
