"""One command under way at a desk: the core decides, flows are walked on, and instructions follow from where it led.

Everything decided is applied at once; what is raised before the first event leaves nothing behind.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from uuid import UUID, uuid5

from holdfast.ivr_routing.v1 import instruction_pb2 as pb
from ivr_routing.core import events as e
from ivr_routing.core.commands import Command
from ivr_routing.core.decide import decide
from ivr_routing.flow import step as flow
from ivr_routing.loop import actions
from ivr_routing.loop.call import Call
from ivr_routing.loop.desk import Decided, Desk

VALID_FOR: Final = timedelta(seconds=30)
MOST_EXPIRED: Final = 3
"""So many instructions of a contact may expire; those after them do not: a clock that is wrong strands nobody."""
_REPLANNED: Final = (
    e.QueueVisitOpened,
    e.ReservationCreated,
    e.ReservationRejected,
    e.ReservationExpired,
    e.ReservationCancelled,
    e.ReservationRescinded,
    e.ReservationBridgeFailed,
)
"""Events after which a waiting contact's plan may be another one."""


class Turn:
    """Collects what one command leads to. `events` are in the order of the log."""

    __slots__ = ("_instructed", "_leads", "_returned", "_touched", "desk", "events", "lookups", "now_us")

    def __init__(self, desk: Desk, now_us: int) -> None:
        self.desk = desk
        self.now_us = now_us
        self.events: list[Decided] = []
        self.lookups: list[tuple[str, flow.Look]] = []
        """Contacts whose flow asks a system of the tenant's. What is sent may be sensitive: only memory has it."""
        self._leads: dict[str, list[pb.Action]] = {}
        self._instructed: set[str] = set()
        self._touched: dict[str, None] = {}
        self._returned: list[e.QueueVisitClosed] = []

    @property
    def now(self) -> datetime:
        """The instant of the turn."""
        return datetime.fromtimestamp(self.now_us / 1_000_000, UTC)

    def order(self, command: Command) -> None:
        """Let the core decide; raises its refusals."""
        for event in decide(self.desk.core, command, self.now_us):
            self.events.append(event)
            self.desk.note(event, self.now_us)
            if isinstance(event, _REPLANNED):
                self._touched[event.contact_id] = None
            elif isinstance(event, e.QueueVisitClosed) and event.then:
                self._returned.append(event)

    def record(self, event: Decided) -> None:
        """Decide an event of the loop's own."""
        self.events.append(event)
        self.desk.note(event, self.now_us)

    def returned(self) -> list[e.QueueVisitClosed]:
        """Take the visits that ended by a rule which sends the contact back to its flow."""
        returned, self._returned = self._returned, []
        return returned

    def touch(self, contact_id: str) -> None:
        """Issue anew what a waiting contact's plan is."""
        self._touched[contact_id] = None

    def lead(self, contact_id: str, heard: list[pb.Action]) -> None:
        """Let a contact hear something before whatever comes next."""
        self._leads.setdefault(contact_id, []).extend(heard)

    def next_instruction_id(self, contact_id: str) -> str:
        """The id that the contact's next instruction will have, if it is issued next."""
        return _instruction_id(contact_id, self.desk.number + 1)

    def instruct(
        self,
        call: Call,
        do: list[pb.Action],
        then: list[pb.Action] | None = None,
        otherwise: list[pb.Action] | None = None,
        reservation_id: str = "",
    ) -> None:
        """Issue an instruction, what is to be heard before it in front; the rest is done where that fails."""
        heard = self._leads.pop(call.contact_id, ())
        instruction = pb.Instruction(
            instruction_id=self.next_instruction_id(call.contact_id),
            contact_id=call.contact_id,
            source_id=call.source_id,
            node=call.node,
            leg_id=call.leg_id,
            do=[*heard, *do],
            then=then or (),
            otherwise=otherwise or (do if heard else ()),
            number=self.desk.number + 1,
            reservation_id=reservation_id,
        )
        if call.expired < MOST_EXPIRED:
            instruction.valid_until.FromMicroseconds(self.now_us + VALID_FOR // timedelta(microseconds=1))
        self._instructed.add(call.contact_id)
        self.record(pb.InstructionIssued(instruction=instruction))

    def plan(self) -> None:
        """Issue what follows for contacts whose wait changed: ring whoever is held for them, else let them wait."""
        for contact_id in self._touched:
            call, contact = self.desk.calls.get(contact_id), self.desk.core.contacts.get(contact_id)
            if call is None or contact is None or call.defaulted or contact_id in self._instructed or contact.agents:
                continue
            if contact.visit is None:
                continue
            if contact.visit.callback_id:
                self._call_back(call, contact.reservations)
                continue
            music = actions.queue_music(contact.visit, self.desk.core.queues.get(contact.visit.queue))
            if contact.reservations:
                self._ring(call, contact.reservations, music)
            else:
                self.instruct(call, [music])

    def _call_back(self, call: Call, reservations: list[str]) -> None:
        """Ring the agent whom a kept place has reached, then the customer; whoever waits hears nothing meanwhile."""
        if not reservations or _rings_already(call, set(reservations)):
            return
        rings = [actions.ring(self.desk.core.reservations[held], self.now_us) for held in reservations]
        only = reservations[0] if len(reservations) == 1 else ""
        self.instruct(call, [actions.ringing(rings)], [actions.redial(), actions.bridge(only)], None, only)

    def _ring(self, call: Call, reservations: list[str], music: pb.Action) -> None:
        held = [self.desk.core.reservations[reservation_id] for reservation_id in reservations]
        if _rings_already(call, {one.reservation_id for one in held}):
            return
        rings = [actions.ring(one, self.now_us) for one in held]
        only = held[0].reservation_id if len(held) == 1 else ""
        self.instruct(call, [music, actions.ringing(rings)], [actions.bridge(only)], [music], only)


@lru_cache(maxsize=100)
def _instruction_id(contact_id: str, number: int) -> str:
    """The id of an instruction; a turn names it before it issues it."""
    return str(uuid5(UUID(contact_id), f"instruction {number}"))


def _rings_already(call: Call, reservations: set[str]) -> bool:
    """Whether the instruction in force rings for all of these: another one would break into ringing and answering."""
    if call.instruction is None or call.acknowledged:
        return False
    rings = [ring for step in call.instruction.do for ring in (step.ring, *step.ring_all.rings)]
    return reservations <= {ring.reservation_id for ring in rings}
