"""Contacts as sources tell them, drawn by chance: mostly whole and in order, sometimes odd in every way we know.

For tests and measurements of whatever folds contacts. The same chance gives the same events.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Final
from uuid import UUID, uuid5

from google.protobuf.message import Message

from contact_life.codec import encode
from event_log.model import Event, Stream
from holdfast.call_events.v1 import (
    after_pb2,
    arrival_pb2,
    help_pb2,
    ivr_pb2,
    leg_pb2,
    observation_pb2,
    queueing_pb2,
    talk_pb2,
)

SECOND: Final = 1_000_000
START_US: Final = 915_148_800 * SECOND
"""1999-01-01T00:00:00Z."""
_NAMESPACE: Final = UUID("6f6f9c5c-4f9e-5a55-8c44-3d4d0c6bb0a1")


_AT_THE_DESK: Final = (
    after_pb2.NoteAdded,
    after_pb2.DispositionSet,
    arrival_pb2.CustomerIdentified,
    arrival_pb2.ContactReasonSet,
)
"""What agents tell at their desk rather than the phone system."""


@dataclass(frozen=True, slots=True)
class Told:
    """One event of a contact before it stands in a log."""

    time_us: int
    body: Message | None
    source_id: str = "pbx"
    source_seq: int | None = None
    revision: int = 0


def made(message: type[Message], /, **fields: Any) -> Any:
    """Return a message; numbers may stand for its enums."""
    return message(**fields)


class Script:
    """Writes one contact's events; `odd` is the chance of each oddity."""

    def __init__(self, chance: Random, number: int, odd: float) -> None:
        """Begin a contact."""
        self.contact = uuid5(_NAMESPACE, f"contact {number}")
        self._chance = chance
        self._odd = odd
        self._now = START_US + number * 7 * SECOND
        self.told: list[Told] = []

    def write(self) -> list[Told]:
        """Return the contact's events in the order in which they happened."""
        self._arrive()
        for visit in range(self._chance.choice((0, 1, 1, 1, 1, 2, 3))):
            self._visit(visit)
        self._leave()
        self._look_back()
        return self._made_odd()

    def _maybe(self, chance: float = 0.5) -> bool:
        return self._chance.random() < chance

    def _oddly(self) -> bool:
        return self._maybe(self._odd)

    def _id(self, name: str) -> str:
        return "" if self._oddly() else str(uuid5(self.contact, name))

    def _tell(self, body: Message, later_s: float = 0.0) -> None:
        self.told.append(Told(self._now + int(later_s * SECOND), body))

    def _wait(self, least: int = 0, most: int = 60) -> None:
        self._now += self._chance.randint(least, most) * SECOND

    def _arrive(self) -> None:
        self._tell(
            made(arrival_pb2.ContactArrived, direction=self._chance.choice((0, 1, 1, 3)), native_id="c1", language="en")
        )
        if self._maybe():
            self._tell(made(leg_pb2.LegCreated, leg_id="c1", role=self._chance.choice((0, 1)), trunk="t1"))
            self._tell(made(leg_pb2.LegAnswered, leg_id="c1", role=1))
        if self._maybe(0.7):
            self._flow()
        for _ in range(self._chance.choice((0, 0, 1, 1, 2))):
            self._tell(
                made(arrival_pb2.ContactReasonSet, reason=self._chance.choice("abc")), self._chance.randint(0, 9)
            )
        if self._maybe(0.3):
            self._tell(made(arrival_pb2.CustomerIdentified, customer_ref=self._chance.choice("xyz")))

    def _flow(self) -> None:
        self._tell(made(ivr_pb2.FlowEntered, flow="main", version=self._chance.choice(("", "1"))))
        for _ in range(self._chance.randint(0, 2)):
            self._wait(0, 9)
            self._tell(made(ivr_pb2.NodeVisited, flow="main", version="1", node="menu"))
        if self._maybe(0.1):
            self._tell(made(ivr_pb2.SelfServed, outcome="balance"))
        self._wait(0, 9)
        if self._maybe(0.9):
            self._tell(
                made(ivr_pb2.FlowExited, flow=self._chance.choice(("", "main")), queue=self._chance.choice("ab"))
            )

    def _visit(self, number: int) -> None:
        visit, queue = self._id(f"visit {number}"), self._chance.choice("abc")
        self._tell(made(queueing_pb2.Enqueued, visit_id=visit, queue=queue, priority=self._chance.randint(0, 3)))
        if self._maybe(0.2):
            self._tell(made(ivr_pb2.EstimateTold, visit_id=visit, queue=queue, wait_ms=1000))
        self._wait()
        kinds = [1] * 12 + [2] * 5 + list(range(3, 13)) + ([0] if self._odd else [])
        kind = self._chance.choice(kinds)
        rang = self._maybe(0.6)
        if rang and kind != 1 and self._maybe():
            self._ring(f"lost {number}", visit)
        if self._maybe(0.95):
            self._tell(made(queueing_pb2.Dequeued, visit_id=visit, queue=queue, kind=kind))
        if kind == 1:
            self._served(number, visit, queue, rang=rang)

    def _ring(self, name: str, visit: str) -> None:
        self._tell(made(leg_pb2.LegCreated, leg_id=name, role=2, agent="ann", direction=2), -5)
        self._tell(
            made(leg_pb2.LegRinging, leg_id=name, role=2, agent="ann", visit_id=self._chance.choice(("", visit))), -4
        )
        if self._maybe():
            self._tell(
                made(leg_pb2.LegEnded, leg_id=name, role=2, agent="ann"), self._chance.choice((-3, -2, -1, 0, 1))
            )

    def _served(self, number: int, visit: str, queue: str, *, rang: bool) -> None:
        leg, spell = f"a{number}", self._id(f"spell {number}")
        agent = self._chance.choice(("", "ann", "bob"))
        shown = {"leg_id": leg, "agent": agent, "assignment_id": spell}
        snapshot = made(leg_pb2.AgentSnapshot, team="t", site=self._chance.choice(("", "s"))) if self._maybe() else None
        if rang:
            self._tell(made(leg_pb2.LegCreated, leg_id=leg, role=2, agent=agent, direction=2), -5)
            self._tell(made(leg_pb2.LegRinging, leg_id=leg, role=2, agent=agent, visit_id=visit), -4)
        self._tell(
            made(leg_pb2.LegAnswered, role=2, visit_id=visit, agent_snapshot=snapshot, **shown),
            self._chance.choice((-1, 0)),
        )
        told = {"visit_id": visit} if self._maybe(0.9) else {}
        del shown["leg_id"]
        caller = self._chance.choice(("", "c1"))
        self._tell(
            made(
                talk_pb2.Bridged,
                leg_id=caller,
                peer_leg_id=leg,
                queue=self._chance.choice(("", queue)),
                **told,
                **shown,
            )
        )
        self._hold(spell, leg)
        self._wait(0, 300)
        if self._maybe(0.1):
            self._transfer(number, spell, agent)
        if self._maybe(0.95):
            how = self._chance.choice((0, 1, 1, 2, 2, 3 if self._odd else 1))
            end = made(observation_pb2.EndCause, protocol="q850", code="16") if self._maybe() else None
            body = made(leg_pb2.LegEnded, leg_id=leg, role=2, ended_how=how, release_side=how, end_cause=end)
            body.assignment_id = self._chance.choice(("", spell))
            self._tell(body)
        if self._maybe(0.3):
            self._after(spell, agent)

    def _hold(self, spell: str, leg: str) -> None:
        held = made(leg_pb2.LegHeld, leg_id="c1", assignment_id=spell)
        resumed = made(leg_pb2.LegResumed, leg_id="c1", assignment_id=spell)
        asked = made(talk_pb2.ConsultStarted, leg_id=f"{leg} asks", assignment_id=spell)
        told = made(talk_pb2.ConsultEnded, leg_id=f"{leg} asks", assignment_id=spell)
        for begins, ends in ((held, resumed), (asked, told)):
            if self._maybe(0.2):
                start = self._chance.randint(-1, 40)
                self._tell(begins, start)
                if self._maybe(0.9):
                    self._tell(ends, start + self._chance.randint(0 if self._odd else 1, 90))

    def _transfer(self, number: int, spell: str, agent: str) -> None:
        transfer, queue = self._id(f"transfer {number}"), self._chance.choice(("", "a"))
        target = made(talk_pb2.TransferTarget, queue=queue, department="d")
        started = {"transfer_id": transfer, "assignment_id": spell, "agent": agent, "target": target}
        self._tell(made(talk_pb2.TransferStarted, kind=self._chance.choice((0, 1)), reason=1, **started))
        if self._maybe(0.7):
            self._tell(made(talk_pb2.TransferCompleted, transfer_id=transfer, kind=self._chance.choice((0, 1))), 2)
        elif self._maybe():
            self._tell(made(talk_pb2.TransferFailed, transfer_id=transfer), 2)

    def _after(self, spell: str, agent: str) -> None:
        if self._maybe(0.9):
            self._tell(made(after_pb2.WrapUpStarted, assignment_id=spell, agent=agent))
        self._wait(0, 30)
        if self._maybe(0.9):
            self._tell(made(after_pb2.WrapUpEnded, assignment_id=spell, agent=agent, cause="agent"))
        if self._maybe():
            self._tell(made(after_pb2.DispositionSet, assignment_id=spell, disposition=self._chance.choice("pq")))

    def _leave(self) -> None:
        if self._maybe(0.6):
            self._tell(made(leg_pb2.LegEnded, leg_id="c1", role=1, ended_how=1, release_side=1))
        if self._maybe(0.1):
            other = str(uuid5(_NAMESPACE, "contact 1"))
            self._tell(made(arrival_pb2.ContactLinked, to_contact_id=other, reason=1))
            if self._maybe():
                self._tell(made(arrival_pb2.ContactUnlinked, to_contact_id=other), self._chance.choice((0, 1)))
        if self._maybe(0.2):
            self._tell(made(after_pb2.NoteAdded, text="said hello"))
        if self._maybe(0.3):
            self._wait(0, 60)
            self._tell(made(arrival_pb2.ContactClosed))

    def _look_back(self) -> None:
        """Tell what a supervisor or a fault had to do with it, and what the customer answers."""
        spells = [event.body.assignment_id for event in self.told if isinstance(event.body, talk_pb2.Bridged)]
        if spells and self._maybe(0.1):
            self._tell(
                made(help_pb2.SupervisorIntervened, assignment_id=spells[0], mode=5), -self._chance.randint(0, 90)
            )
        if spells and self._maybe(0.1):
            self._tell(made(help_pb2.SystemFaultReported, system="crm"), -self._chance.randint(0, 200))
        for _ in range(self._chance.choice((0, 0, 1, 1, 2)) if spells else 0):
            said = made(
                after_pb2.SurveyAnswered,
                survey="after_call",
                question=self._chance.choice(("satisfied", "solved")),
                rating=self._chance.randint(0, 6),
                best_rating=self._chance.choice((0, 1, 5, 5, 5, 10)),
                assignment_id=self._chance.choice(("", *spells, "another")),
                cause=self._chance.choice(("", "wait", "answer", "agent", "product", "the weather")),
            )
            self._tell(said, self._chance.randint(0, 90))

    def _made_odd(self) -> list[Told]:
        """Return what was written, some of it lost, doubled, late, of another source, inferred or taken back."""
        told = [event for event in self.told if not self._oddly()]
        told += [replace(event, revision=1) for event in told if self._oddly()]
        if self._maybe(0.3):
            told = [
                replace(event, source_id="desk") if isinstance(event.body, _AT_THE_DESK) else event for event in told
            ]
        told = [self._bent(event) for event in told]
        if told and self._oddly():
            void = made(after_pb2.EventVoided, event_id=str(self._chance.choice(list(_ids(self.contact, told)))))
            told.append(Told(self._now, void))
        return self._counted(told)

    def _bent(self, event: Told) -> Told:
        if self._oddly():
            return replace(event, time_us=event.time_us + self._chance.choice((-3600, -3, -1, 1, 3, 3600)) * SECOND)
        if self._oddly():
            return replace(event, source_id="crm")
        if self._oddly() and event.body is not None:
            body: Any = type(event.body)()
            body.CopyFrom(event.body)
            body.observation.inferred = True
            return replace(event, body=body)
        return replace(event, time_us=self._chance.choice((0, -(10**15)))) if self._oddly() and self._oddly() else event

    def _counted(self, told: list[Told]) -> list[Told]:
        if not self._maybe(0.2):
            return told
        order = sorted(told, key=lambda event: event.time_us)
        if self._oddly():
            self._chance.shuffle(order)
        return [replace(event, source_seq=number) for number, event in enumerate(order, 1)]


def _ids(contact: UUID, told: Sequence[Told]) -> Iterator[UUID]:
    for number, event in enumerate(told):
        name = "unknown" if event.body is None else event.body.DESCRIPTOR.name
        yield uuid5(contact, f"{number} {name} {event.time_us} {event.revision}")


def events_of(contact: UUID, told: Sequence[Told], tenant: str = "t") -> list[Event]:
    """Return a contact's events as they might stand in a log; positions and versions are still to be given."""
    return [
        Event(
            position=0,
            tenant=tenant,
            stream=Stream("contact", contact),
            version=0,
            event_id=event_id,
            type=name,
            event_time_us=event.time_us,
            record_time_us=START_US + 40 * 86_400 * SECOND,
            payload=payload,
            body_mac=b"",
            source_id=event.source_id,
            source_seq=event.source_seq,
        )
        for event, event_id in zip(told, _ids(contact, told), strict=True)
        for name, payload in [("TypeOfTomorrow", b"") if event.body is None else encode(event.body)]
    ]


def placed(events: Sequence[Event], after: int = 0) -> list[Event]:
    """Return events as a log would place them in this order: dense positions, versions by stream."""
    versions: dict[tuple[str, Stream], int] = {}
    found = []
    for position, event in enumerate(events, after + 1):
        versions[event.tenant, event.stream] = version = versions.get((event.tenant, event.stream), 0) + 1
        found.append(replace(event, position=position, version=version))
    return found


def chance_of(seed: int) -> Random:
    """Return chance that is the same for the same seed."""
    return Random(seed)  # noqa: S311  # it draws examples, not secrets


def contacts(chance: Random, count: int, odd: float = 0.02) -> list[Event]:
    """Return the events of some contacts, contact by contact, not placed yet."""
    scripts = [Script(chance, number, odd) for number in range(count)]
    return [event for script in scripts for event in events_of(script.contact, script.write())]


def in_time(events: Sequence[Event]) -> list[Event]:
    """Return events in order of their instants, as a phone system tells them live."""
    return sorted(events, key=lambda event: event.event_time_us)


def poison(payload: bytes, kind: str = "Enqueued", number: int = 1) -> Event:
    """Return an event of a contact of its own with any payload."""
    contact = UUID(int=number)
    (event,) = events_of(contact, [Told(START_US, None)])
    return replace(event, type=kind, payload=payload)
