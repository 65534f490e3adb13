"""A desk is what its log says: read from events, from a snapshot or lived through, it is the same and goes on alike."""

import json
import random
from base64 import b64decode
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from event_log.model import Event, Stream
from holdfast.call_events.v1.contact_event_pb2 import ContactEvent
from holdfast.ivr_routing.v1 import instruction_pb2 as pb
from ivr_routing.core import commands as c
from ivr_routing.core import events as e
from ivr_routing.core.errors import Refused
from ivr_routing.core.rules import AgentRules, QueueExit, QueueRules
from ivr_routing.core.snapshot import SnapshotUnfit
from ivr_routing.core.source_decisions import LONGEST_DOUBT_US, SNAPSHOT_GRACE_US
from ivr_routing.core.words import AgentState, WrapUpKind
from ivr_routing.flow import publishing
from ivr_routing.flow import step as flow
from ivr_routing.loop.call import Call
from ivr_routing.loop.catalogue import message_of
from ivr_routing.loop.desk import Decided, Desk, read, written
from ivr_routing.loop.facts import told_by
from ivr_routing.loop.requests import Acknowledge, DefaultRoute, Record, Report, Request, ResumeFlow, Start, Told, take
from ivr_routing.loop.snapshot import dump, load
from ivr_routing.loop.turn import MOST_EXPIRED, VALID_FOR
from ivr_routing.loop.undone import unheard
from routing_laws import ENDS, stranded

SECOND = 1_000_000
MICROSECOND = timedelta(microseconds=1)
BEGIN = 1_790_000_000 * SECOND
STATUSES = (
    pb.INSTRUCTION_STATUS_DONE,
    pb.INSTRUCTION_STATUS_FAILED,
    pb.INSTRUCTION_STATUS_EXPIRED,
    pb.INSTRUCTION_STATUS_UNSUPPORTED,
)
FLOW = """
format: holdfast-flow/1
flow: welcome
language: en
start: choose
otherwise: mailbox
service_numbers: ["+49301"]
nodes:
  choose:
    type: menu
    say: Press 1.
    choices: {"1": wait, "2": away, "3": later, "4": moment, "5": bye}
    attempts: 2
    otherwise: mailbox
  moment: {type: play, say: One moment., next: look}
  look: {type: lookup, url: "https://bank.example.com/x", next: wait, otherwise: mailbox}
  bye: {type: hang_up, say: Bye.}
  later: {type: callback_offer, say: Press 1 to be called back., queue: sales, otherwise: wait}
  wait:
    type: queue
    queue: sales
    preferred_agent: contact.last_agent
    say: "You are number {queue_position.sales}, about {estimated_wait_minutes.sales} minutes."
    otherwise: mailbox
  away: {type: transfer, to: "+49302", otherwise: mailbox}
  mailbox: {type: voicemail, mailbox: sales}
"""


class Life:
    """A desk lived through by chance, and the log that it wrote."""

    def __init__(self, chance: random.Random) -> None:
        self.desk = Desk("acme")
        self.log: list[tuple[int, str, bytes]] = []
        self.chance = chance
        self.now_us = BEGIN
        self.contacts: list[str] = []
        self.looked_up: dict[str, str] = {}
        """Contacts that the process makes a lookup for, each with the instruction that awaits it."""
        self.done: set[str] = set()
        rules = QueueRules(max_wait_ms=60_000, on_max_wait=QueueExit(then="flow"), wrap_up=WrapUpKind.MANDATORY)
        self.ask(Told(c.ConfigureQueue("sales", rules)))
        published = publishing.decide(
            self.desk.catalogue.flows, publishing.PublishFlow(FLOW, (), None, "admin", self.now_us)
        )
        self.ask(Record(tuple(message_of(event) for event in published)))
        for agent in ("ann", "ben", "cem"):
            self.ask(Told(c.ConfigureAgent(agent, AgentRules(queues=("sales",)))))

    def ask(self, request: Request) -> list[Decided]:
        """Ask the desk, and log what it decides."""
        try:
            turn = take(self.desk, request, self.now_us)
        except Refused:
            return []
        self.log += [(self.now_us, *written(event)) for event in turn.events]
        for contact_id, _ in turn.lookups:
            held = self.desk.calls[contact_id].instruction
            assert held is not None
            self.looked_up[contact_id] = held.instruction_id
        return turn.events

    def live(self, steps: int) -> None:
        """Let so many things happen."""
        doings: list[Callable[[], Request | None]] = [
            self.arrives,
            self._types,
            self._acknowledges,
            self._agent,
            self._leaves,
            self._defaults,
            self._looks_up,
            self._dies,
            lambda: Told(c.PassTime()),
        ]
        for _ in range(steps):
            self.now_us += self.chance.randrange(10 * SECOND)
            request = self.chance.choice(doings)()
            if request is not None:
                self.ask(request)
            assert not stranded(self.desk, self.looked_up, self.done), request

    def arrives(self) -> Request:
        """A caller comes."""
        contact_id = str(UUID(int=self.chance.getrandbits(128), version=4))
        self.contacts.append(contact_id)
        return Start(c.AdmitContact(contact_id, "pbx", "n1", f"leg-{contact_id}", "+49301", caller_ref="ref"))

    def offered(self, *agents: str) -> Call:
        """Let agents be available, a caller come and be held for them."""
        for agent in agents:
            self.ask(Told(c.SignIn(agent, (f"SIP/{agent}",), AgentState.AVAILABLE)))
        return self.typed("1")

    def typed(self, *digits: str) -> Call:
        """Let a caller come and type."""
        self.ask(self.arrives())
        call = self.desk.calls[self.contacts[-1]]
        for one in digits:
            assert call.instruction is not None
            self.ask(Report(call.contact_id, call.instruction.instruction_id, flow.Digits(one)))
        return call

    def _types(self) -> Request | None:
        call = self._someone()
        if call is None or call.instruction is None:
            return None
        said: list[flow.Input] = [*map(flow.Digits, "12345"), flow.NoInput(), flow.CameBack("no_answer")]
        given = self.chance.choice(said)
        return Report(call.contact_id, call.instruction.instruction_id, given)

    def _acknowledges(self) -> Request | None:
        call = self._someone()
        if call is None or call.instruction is None:
            return None
        status = self.chance.choice(STATUSES)
        if status == pb.INSTRUCTION_STATUS_DONE:
            self.done.add(call.instruction.instruction_id)
        return Acknowledge(call.contact_id, call.instruction.instruction_id, status, "no_answer")

    def _looks_up(self) -> Request | None:
        if not self.looked_up:
            return None
        contact_id = self.chance.choice(list(self.looked_up))
        answers: list[flow.Input] = [flow.LookupAnswered(200, b"{}"), flow.LookupFailed()]
        return Report(contact_id, self.looked_up.pop(contact_id), self.chance.choice(answers))

    def _dies(self) -> None:
        """The process dies with what it was doing, and another one goes on."""
        self.looked_up.clear()
        for contact_id in list(unheard(self.desk)):
            self.ask(ResumeFlow(contact_id))

    def _agent(self) -> Request:
        agent = self.chance.choice(["ann", "ben", "cem"])
        held = self.desk.core.agents[agent].reservation_id
        contact = self.desk.core.agents[agent].contact_id
        commands: list[c.Command] = [
            c.SignIn(agent, ("SIP/1",), AgentState.AVAILABLE),
            c.AcceptReservation(agent, held),
            c.CallBridged(contact, agent, held),
            c.CompleteWrapUp(agent),
            c.LoseHeartbeat(agent),
            c.RegainHeartbeat(agent),
        ]
        return Told(self.chance.choice(commands))

    def _leaves(self) -> Request | None:
        call = self._someone()
        return Told(c.CallerGone(call.contact_id)) if call is not None else None

    def _defaults(self) -> Request | None:
        if not self.contacts or self.chance.random() < 0.7:
            return None
        contact_id = self.chance.choice(self.contacts)
        taken = pb.DefaultRouteTaken(contact_id=contact_id, state=pb.WAITING_STATE_QUEUE_MUSIC)
        return DefaultRoute(taken, c.AdmitContact(contact_id, "pbx", "n1", f"leg-{contact_id}", "+49301"))

    def _someone(self) -> Call | None:
        return self.chance.choice(list(self.desk.calls.values())) if self.desk.calls else None


def again(chance: random.Random, turn: int) -> random.Random:
    """Chance of its own for each turn."""
    return random.Random(f"{chance.random()} {turn}")  # noqa: S311  # repeatable is the point


def replayed(log: list[tuple[int, str, bytes]], desk: Desk | None = None) -> Desk:
    """A desk read from a log."""
    desk = desk or Desk("acme")
    for now_us, name, payload in log:
        desk.evolve(read(name, payload), now_us)
    return desk


def plain(desk: Desk, now_us: int) -> object:
    """All of a desk that matters, to be compared. What was due and led to nothing may be looked at once more."""
    document = json.loads(dump(desk))
    core = document["core"] = json.loads(b64decode(document["core"]))
    core["dues"] = sorted(due for due in core["dues"] if due[0] > now_us)
    document["history"] = sorted(document["history"].items())
    return document


@pytest.mark.parametrize("turn", range(12))
def test_a_desk_read_from_its_log_is_the_desk_that_wrote_it(chance: random.Random, turn: int) -> None:
    life = Life(again(chance, turn))
    life.live(120)
    assert plain(replayed(life.log), life.now_us) == plain(life.desk, life.now_us)


@pytest.mark.parametrize("turn", range(12))
def test_a_desk_from_a_snapshot_goes_on_as_the_one_it_was_taken_of(chance: random.Random, turn: int) -> None:
    life = Life(again(chance, turn))
    life.live(60)
    kept, until = dump(life.desk), len(life.log)
    life.live(60)
    again_read = replayed(life.log[until:], load("acme", kept))
    assert plain(again_read, life.now_us) == plain(life.desk, life.now_us)


def test_a_snapshot_of_another_tenant_or_of_nothing_is_thrown_away(chance: random.Random) -> None:
    kept = dump(Life(chance).desk)
    for tenant, damaged in (("other", kept), ("acme", kept[:-10]), ("acme", b"{}")):
        with pytest.raises(SnapshotUnfit):
            load(tenant, damaged)


@pytest.mark.parametrize("turn", range(12))
def test_whatever_happens_every_caller_in_care_has_a_plan_or_an_agent(chance: random.Random, turn: int) -> None:
    life = Life(again(chance, turn))
    life.live(150)
    for call in life.desk.calls.values():
        contact = life.desk.core.contacts[call.contact_id]
        assert call.defaulted or contact.agents or contact.served or call.instruction is not None, contact


def test_a_lookup_that_died_with_its_process_is_made_again_by_the_next(chance: random.Random) -> None:
    life = Life(chance)
    call = life.typed("4")
    waiting = call.instruction
    assert waiting is not None
    assert steps(waiting) == (["play", "park"], ["ask_next"], ["park", "ask_next"])
    assert [*unheard(replayed(life.log))] == [call.contact_id]

    turn = take(life.desk, ResumeFlow(call.contact_id), life.now_us)

    assert [contact_id for contact_id, _ in turn.lookups] == [call.contact_id]
    life.ask(Report(call.contact_id, waiting.instruction_id, flow.LookupAnswered(200, b"{}")))
    assert call.instruction is not None
    assert steps(call.instruction)[0] == ["park"], "what the process before asked for counts no more"


def test_a_caller_who_asks_after_the_whole_time_of_a_lookup_goes_on_without_it(chance: random.Random) -> None:
    life = Life(chance)
    call = life.typed("4")
    assert call.instruction is not None
    life.ask(Report(call.contact_id, call.instruction.instruction_id, flow.CameBack("no_answer")))
    assert steps(call.instruction)[0] == ["voicemail"]


def test_a_question_that_came_too_late_is_asked_again_and_in_the_end_without_a_time(chance: random.Random) -> None:
    life = Life(chance)
    call = life.typed()
    first = call.instruction
    assert first is not None
    for _ in range(MOST_EXPIRED):
        assert call.instruction is not None
        assert call.instruction.HasField("valid_until")
        life.now_us += SECOND
        expired = pb.INSTRUCTION_STATUS_EXPIRED
        life.ask(Acknowledge(call.contact_id, call.instruction.instruction_id, expired))
    assert call.instruction is not None
    assert (list(call.instruction.do), call.instruction.HasField("valid_until")) == (list(first.do), False)
    life.ask(Report(call.contact_id, call.instruction.instruction_id, flow.Digits("1")))
    assert steps(call.instruction)[0] == ["queue_music"]


@pytest.mark.parametrize("digits", ["", "1", "2", "31", "4", "5"])
def test_who_starts_a_contact_again_after_its_instruction_expired_gets_a_fresh_one(
    chance: random.Random, digits: str
) -> None:
    life = Life(chance)
    call = life.typed(*digits)
    before = call.instruction
    assert before is not None
    again = Start(c.AdmitContact(call.contact_id, "pbx", "n1", call.leg_id, "+49301", caller_ref="ref"))
    life.ask(again)
    assert call.instruction == before
    life.now_us += VALID_FOR // MICROSECOND + 1

    life.ask(again)

    after = call.instruction
    assert (after.number, after.do[-1]) == (before.number + 1, before.do[-1])
    assert after.valid_until.ToMicroseconds() > life.now_us


@pytest.mark.parametrize("status", [pb.INSTRUCTION_STATUS_FAILED, pb.INSTRUCTION_STATUS_UNSUPPORTED])
def test_a_caller_who_cannot_be_asked_goes_where_one_goes_who_types_nothing(
    chance: random.Random, status: "pb.InstructionStatus.ValueType"
) -> None:
    life = Life(chance)
    call = life.typed()
    for _ in range(2):
        assert call.instruction is not None
        life.ask(Acknowledge(call.contact_id, call.instruction.instruction_id, status, "ari_404"))
    assert call.instruction is not None
    assert steps(call.instruction) == (["voicemail"], [], ["hang_up"])


def test_who_has_to_wait_is_told_the_place_and_the_wait_of_that_very_visit_and_the_estimate_is_kept(
    chance: random.Random,
) -> None:
    life = Life(chance)
    life.offered("ann")
    call = life.typed()
    assert call.instruction is not None
    decided = life.ask(Report(call.contact_id, call.instruction.instruction_id, flow.Digits("1")))

    assert call.instruction.do[0].play.prompts[0].text == "You are number 1, about 3 minutes."
    (made,) = [event for event in decided if isinstance(event, e.EstimateMade)]
    (opened,) = [event for event in decided if isinstance(event, e.QueueVisitOpened)]
    assert (made.visit_id, made.queue_position) == (opened.visit_id, 1)
    steps_taken = [event for event in decided if isinstance(event, e.FlowStepTaken)]
    facts = [ContactEvent.FromString(told) for step in steps_taken for told in step.told]
    (told,) = [fact.estimate_told for fact in facts if fact.HasField("estimate_told")]
    assert (told.visit_id, told.queue, told.queue_position) == (opened.visit_id, "sales", 1)


def test_a_caller_who_returns_is_held_for_the_agent_they_had_last_though_another_is_idle_for_longer(
    chance: random.Random,
) -> None:
    life = Life(chance)
    before = life.offered("ann")
    (held,) = life.desk.core.reservations.values()
    life.ask(Told(c.AcceptReservation("ann", held.reservation_id)))
    life.ask(Told(c.CallBridged(before.contact_id, "ann", held.reservation_id)))
    life.ask(Told(c.SignIn("ben", ("SIP/ben",), AgentState.AVAILABLE)))
    life.now_us += SECOND
    life.ask(Told(c.CallerGone(before.contact_id)))
    life.ask(Told(c.CompleteWrapUp("ann")))

    life.typed("1")

    assert [held.agent for held in life.desk.core.reservations.values()] == ["ann"]


def test_who_is_answered_at_once_is_estimated_nothing(chance: random.Random) -> None:
    life = Life(chance)
    life.offered("ann")
    assert "EstimateMade" not in {name for _, name, _ in life.log}


def test_words_that_cannot_be_heard_keep_nobody_from_the_end_that_follows_them(chance: random.Random) -> None:
    call = Life(chance).typed("5")
    assert call.instruction is not None
    assert steps(call.instruction) == (["play", "hang_up"], [], ["hang_up"])


def steps(plan: pb.Instruction) -> tuple[list[str | None], ...]:
    """The names of a plan's steps."""
    return tuple([step.WhichOneof("action") for step in part] for part in (plan.do, plan.then, plan.otherwise))


def test_an_instruction_in_force_rings_for_exactly_the_open_reservations(chance: random.Random) -> None:
    life = Life(chance)
    life.live(400)
    for contact in life.desk.core.contacts.values():
        held = life.desk.calls[contact.contact_id].instruction
        if contact.reservations and not contact.agents and held is not None:
            assert {step.ring.reservation_id for step in held.do if step.HasField("ring")} == set(contact.reservations)


def test_who_says_no_does_not_break_into_the_ringing_of_the_others(chance: random.Random) -> None:
    life = Life(chance)
    life.ask(Told(c.ConfigureQueue("sales", QueueRules(ring_all_limit=2))))
    call = life.offered("ann", "ben")
    ringing = call.instruction
    assert ringing is not None
    first, second = ringing.do[-1].ring_all.rings
    told = life.ask(Told(c.RejectReservation(first.agent, first.reservation_id)))
    assert life.desk.core.contacts[call.contact_id].reservations == [second.reservation_id]
    assert not [event for event in told if isinstance(event, pb.InstructionIssued)]


def test_a_ring_that_failed_because_the_caller_left_is_no_failure_of_the_endpoint(chance: random.Random) -> None:
    life = Life(chance)
    call = life.offered("ann")
    assert call.instruction is not None
    failed = pb.INSTRUCTION_STATUS_FAILED
    life.ask(Acknowledge(call.contact_id, call.instruction.instruction_id, failed, "caller_gone"))
    ends = [event for event in life.ask(Told(c.CallerGone(call.contact_id))) if isinstance(event, ENDS)]
    assert [type(event) for event in ends] == [e.ReservationRescinded]


def test_a_snapshot_says_nothing_of_who_came_a_moment_before_it(chance: random.Random) -> None:
    life = Life(chance)
    life.ask(life.arrives())
    life.now_us += 2 * SNAPSHOT_GRACE_US
    life.ask(life.arrives())
    taken_us = life.now_us + SECOND
    early, late = life.desk.calls
    event = Event(
        1, "acme", Stream("source", UUID(int=1)), 1, UUID(int=2), "SourceSnapshot", taken_us, taken_us, b"", b"", "pbx"
    )
    for told in told_by(life.desk, event):
        life.ask(told)
    assert early not in life.desk.calls
    assert late in life.desk.calls


def test_a_kept_place_rings_the_agent_first_and_ends_where_nobody_can_be_called_back(chance: random.Random) -> None:
    life = Life(chance)
    life.ask(life.arrives())
    (call,) = life.desk.calls.values()
    for digits in ("3", "1"):
        assert call.instruction is not None
        life.ask(Report(call.contact_id, call.instruction.instruction_id, flow.Digits(digits)))
    hang_up = call.instruction
    assert hang_up is not None
    assert [step.WhichOneof("action") for step in hang_up.do] == ["hang_up"]
    life.ask(Told(c.CallerGone(call.contact_id)))
    assert call.contact_id in life.desk.calls
    life.now_us += 5 * SECOND
    life.ask(Told(c.PassTime()))

    life.ask(Told(c.SignIn("ann", ("SIP/1",), AgentState.AVAILABLE)))

    ring = call.instruction
    assert ring is not None
    assert [step.WhichOneof("action") for step in (*ring.do, *ring.then)] == ["ring", "redial", "bridge"]
    life.ask(Acknowledge(call.contact_id, ring.instruction_id, pb.INSTRUCTION_STATUS_UNSUPPORTED, "redial"))
    assert call.contact_id not in life.desk.calls
    assert life.desk.core.agents["ann"].state is AgentState.AVAILABLE


def test_contacts_of_a_source_that_never_said_what_lives_end_if_nothing_was_heard_of_them() -> None:
    life = Life(random.Random(7))  # noqa: S311  # nothing secret
    silent, heard = (life.ask(life.arrives())[0] for _ in range(2))
    life.now_us += SECOND
    life.ask(Told(c.DoubtSource("pbx", life.now_us, "reconnect")))
    life.now_us += SECOND
    asked = life.desk.calls[heard.contact_id].instruction  # type: ignore[union-attr]  # both are contacts
    assert asked is not None
    life.ask(Report(asked.contact_id, asked.instruction_id, flow.Digits("1")))
    life.now_us += LONGEST_DOUBT_US
    ended = [event for event in life.ask(Told(c.PassTime())) if isinstance(event, e.ContactFinished)]
    assert ended == [e.ContactFinished(silent.contact_id, "unknown")]  # type: ignore[union-attr]  # as above
