"""One decision under way: what it has decided so far, already applied, and what it must look at before it is done."""

from ivr_routing.core.agent import Agent
from ivr_routing.core.contact import Contact
from ivr_routing.core.errors import ContactOver, Refused, UnknownContact
from ivr_routing.core.events import Event
from ivr_routing.core.evolve import evolve
from ivr_routing.core.state import Core


class Decision:
    """Collects events; each is applied at once, so that what follows is decided on what is."""

    __slots__ = ("agents", "contacts", "core", "events", "now_us")

    def __init__(self, core: Core, now_us: int) -> None:
        self.core = core
        self.now_us = now_us
        self.events: list[Event] = []
        self.agents: list[Agent] = []
        """Agents who may have become available."""
        self.contacts: list[Contact] = []
        """Contacts that may wait for an agent who is available."""

    def emit(self, event: Event) -> None:
        """Decide an event."""
        self.events.append(event)
        evolve(self.core, event, self.now_us)

    def contact(self, contact_id: str) -> Contact:
        """Return a contact that a command is about; raise UnknownContact or ContactOver."""
        contact = self.core.contacts.get(contact_id)
        if contact is not None:
            return contact
        over = self.remembers(contact_id)
        refused: type[Refused] = ContactOver if over else UnknownContact
        raise refused("The contact is over." if over else "Routing has not admitted such a contact.")

    def remembers(self, contact_id: str) -> bool:
        """Whether a contact finished not long ago."""
        return self.core.finished.get(contact_id, 0) > self.now_us
