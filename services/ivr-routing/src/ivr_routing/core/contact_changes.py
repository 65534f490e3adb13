"""What events of contacts and their flows change in a core. Nothing is judged here."""

from itertools import islice
from typing import Final

from ivr_routing.core import events as e
from ivr_routing.core.contact import Contact, FlowWalk
from ivr_routing.core.due import DueKind
from ivr_routing.core.state import Core

LONGEST_CONTACT_US: Final = 24 * 3_600_000_000
"""A contact of which nothing is heard any more is taken as ended after this."""
REMEMBERED_US: Final = 3_600_000_000
"""A finished contact's id is remembered so long: facts told late or twice do not begin it again."""
FORGOTTEN_AT_ONCE: Final = 2
"""More than one, so that whoever is behind catches up."""


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
    if not core.ages:
        await_oldest(core)


def await_oldest(core: Core) -> None:
    """Await the longest life of the contact that was admitted first: one due, however many contacts there are."""
    oldest = next(iter(core.contacts.values()), None)
    core.ages = oldest is not None
    if oldest is not None:
        core.dues.add(oldest.admitted_us + LONGEST_CONTACT_US, DueKind.CONTACT, oldest.contact_id)


def finished(core: Core, event: e.ContactFinished, now_us: int) -> None:
    core.contacts.pop(event.contact_id, None)
    core.finished[event.contact_id] = now_us + REMEMBERED_US
    core.finished.move_to_end(event.contact_id)
    for contact_id in list(islice(core.finished, FORGOTTEN_AT_ONCE)):
        if core.finished[contact_id] <= now_us:
            del core.finished[contact_id]


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
