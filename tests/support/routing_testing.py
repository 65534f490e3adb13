"""A small contact centre for tests of the core: says what happens in one line each, and keeps what was decided."""

from collections.abc import Sequence
from typing import Any, TypeVar
from uuid import UUID, uuid5

from ivr_routing.core import commands as c
from ivr_routing.core import events as e
from ivr_routing.core.decide import decide
from ivr_routing.core.evolve import evolve
from ivr_routing.core.rules import AgentRules, QueueRules, SkillRequirement
from ivr_routing.core.state import Core
from ivr_routing.core.words import AgentState

TENANT = "tests"
BEGIN_US = 1_700_000_000_000_000
SECOND = 1_000_000
E = TypeVar("E")


def contact_id(name: str) -> str:
    """Return the id of a contact that a test calls so."""
    return str(uuid5(UUID(int=1), name))


class Centre:
    """A core, its clock and its log."""

    def __init__(self, tenant: str = TENANT) -> None:
        self.core = Core(tenant)
        self.now_us = BEGIN_US
        self.log: list[tuple[int, e.Event]] = []

    def tell(self, command: c.Command) -> tuple[e.Event, ...]:
        """Decide one command now; all that is due by now has happened before."""
        events = decide(self.core, command, self.now_us)
        self.log.extend((self.now_us, event) for event in events)
        return events

    def wait(self, seconds: float) -> tuple[e.Event, ...]:
        """Let time pass, each due at its instant; return what happened by itself."""
        until_us, happened = self.now_us + int(seconds * SECOND), list[e.Event]()
        while (due_us := self.core.next_due_us()) is not None and due_us <= until_us:
            self.now_us = max(self.now_us, due_us)
            happened.extend(self.tell(c.PassTime()))
        self.now_us = until_us
        return tuple(happened)

    def queue(self, name: str = "main", **rules: Any) -> None:
        self.tell(c.ConfigureQueue(name, QueueRules(**rules)))

    def agent(
        self, name: str, *queues: str, skills: Sequence[tuple[str, int]] = (), groups: Sequence[str] = ()
    ) -> None:
        """Configure an agent and let them be available."""
        known = tuple(SkillRequirement(skill, proficiency) for skill, proficiency in skills)
        self.tell(c.ConfigureAgent(name, AgentRules(queues or ("main",), known, tuple(groups))))
        self.tell(c.SignIn(name, (f"sip:{name}",), AgentState.AVAILABLE))

    def call(self, name: str, queue: str = "main", **how: Any) -> tuple[e.Event, ...]:
        """Let a contact arrive and wait in a queue."""
        self.tell(c.AdmitContact(contact_id(name), "pbx", "node-1", f"leg-{name}"))
        return self.tell(c.QueueContact(contact_id(name), queue, **how))

    def reservation(self, name: str) -> str:
        """Return the one open reservation of a contact."""
        (only,) = self.core.contacts[contact_id(name)].reservations
        return only

    def held_by(self, name: str) -> str:
        """Return the agent whom a contact is held for; empty: nobody."""
        contact = self.core.contacts.get(contact_id(name))
        held = contact.reservations if contact is not None else []
        return self.core.reservations[held[0]].agent if held else ""

    def ring(self, name: str) -> tuple[e.Event, ...]:
        return self.tell(c.RingingBegan(contact_id(name), self.reservation(name), self.now_us))

    def accept(self, name: str) -> tuple[e.Event, ...]:
        return self.tell(c.AcceptReservation(self.held_by(name), self.reservation(name)))

    def bridge(self, name: str) -> tuple[e.Event, ...]:
        return self.tell(c.CallBridged(contact_id(name), self.held_by(name), self.reservation(name), self.now_us))

    def answer(self, name: str) -> None:
        """Let the agent accept and be bridged."""
        self.accept(name)
        self.bridge(name)

    def hang_up(self, name: str) -> tuple[e.Event, ...]:
        return self.tell(c.CallerGone(contact_id(name)))

    def state(self, agent: str) -> AgentState:
        return self.core.agents[agent].state

    def told(self, kind: type[E]) -> list[E]:
        """Return all decided events of a type."""
        return [event for _, event in self.log if isinstance(event, kind)]


def replayed(log: Sequence[tuple[int, e.Event]], tenant: str = TENANT) -> Core:
    """Return a core that has seen nothing but the log."""
    core = Core(tenant)
    for event_time_us, event in log:
        evolve(core, event, event_time_us)
    return core
