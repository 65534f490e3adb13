"""Agents as phone systems tell of them, drawn by chance: signing in and out, states and rings, some of it odd."""

from random import Random
from typing import Any, Final
from uuid import UUID, uuid5

from google.protobuf.message import Message

from contact_life.codec import encode
from contact_life.identity import agent_stream_id
from event_log.model import Event, Stream
from holdfast.call_events.v1 import agent_pb2, contact_event_pb2
from told_contacts import SECOND, START_US, made

_NAMESPACE: Final = UUID("0c2f6a53-7a5e-5b0e-9d9a-5a1a3f0f7d11")
TENANT: Final = "t"
_STATES: Final = (1, 1, 3, 4, 6, 6, 7)
_GOES_HOME: Final = 11
"""The change that may tell that the agent is offline."""


def agents(chance: Random, count: int, changes: int = 20, odd: float = 0.05) -> list[Event]:
    """Return events of some agents over two days, each agent in order of time, not placed yet."""
    return [event for number in range(count) for event in _agent(chance, f"agent {number}", changes, odd)]


def _agent(chance: Random, agent: str, changes: int, odd: float) -> list[Event]:
    now = START_US + 12 * 3_600 * SECOND
    told: list[Event] = []
    for number in range(changes):
        last, now = now, now + chance.randint(0, 7_200) * SECOND
        for later_s, body in _happening(chance, agent, number, (last, now)):
            if chance.random() >= odd:
                told.append(event_of(agent, body, now + later_s * SECOND, f"{agent} {number} {len(told)}"))
    if told and chance.random() < odd:
        wrong = chance.choice(told)
        void = made(contact_event_pb2.AgentEventVoided, agent=agent, event_id=str(wrong.event_id))
        told.append(event_of(agent, void, wrong.event_time_us, f"{agent} void"))
    return told


def _happening(chance: Random, agent: str, number: int, between: tuple[int, int]) -> list[tuple[int, Message]]:
    queue = chance.choice(("", "", "a", "b"))
    match chance.randint(0, 5):
        case 0:
            return [(0, made(agent_pb2.AgentLoggedIn, agent=agent, queue=queue, endpoint="e1"))]
        case 1:
            return [(0, made(agent_pb2.AgentLoggedOut, agent=agent, queue=queue))]
        case 2 | 3:
            return [(0, _change(chance, agent, number, between, queue))]
        case _:
            return _ring(chance, agent, number)


def _change(chance: Random, agent: str, number: int, between: tuple[int, int], queue: str) -> Any:
    spell = chance.choice(("", str(uuid5(_NAMESPACE, f"{agent} {number}"))))
    body: Any = made(
        agent_pb2.AgentStateChanged,
        agent=agent,
        spell_id=spell,
        state=8 if number == _GOES_HOME else chance.choice(_STATES),
        queue=queue,
        reason=chance.choice(("", "lunch")),
    )
    if chance.random() < 0.2:
        body.previous_state = chance.choice(_STATES)
        body.previous_since.FromMicroseconds(chance.randint(*between))
    return body


def _ring(chance: Random, agent: str, number: int) -> list[tuple[int, Message]]:
    contact = str(uuid5(_NAMESPACE, f"contact {number % 3}"))
    ring = chance.choice(("", str(uuid5(_NAMESPACE, f"{agent} ring {number}"))))
    shown = {"agent": agent, "contact_id": contact, "ring_id": ring, "queue": "a"}
    seconds = chance.randint(0, 40)
    ended = made(agent_pb2.AgentRingEnded, outcome=chance.choice((1, 2, 3, 4, 5)), **shown)
    if chance.random() < 0.4:
        ended.ring_ms = seconds * 1000
        return [(seconds, ended)]
    return [(0, made(agent_pb2.AgentRingStarted, **shown)), (seconds, ended)]


def event_of(agent: str, body: Message, time_us: int, name: str) -> Event:
    """Return what a phone system tells of an agent, not placed yet."""
    kind, payload = encode(body)
    return Event(
        position=0,
        tenant=TENANT,
        stream=Stream("agent", UUID(agent_stream_id(TENANT, agent, time_us))),
        version=0,
        event_id=uuid5(_NAMESPACE, name),
        type=kind,
        event_time_us=time_us,
        record_time_us=START_US + 40 * 86_400 * SECOND,
        payload=payload,
        body_mac=b"",
        source_id="pbx",
    )
