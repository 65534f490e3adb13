"""What the phone system did, as call-events was told, and what it means for a desk. Pure.

Facts come late, twice and out of order. What no longer matters leads to nothing; what the core does not know of is
somebody else's contact.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

from contact_life import identity
from event_log.model import Event
from holdfast.call_events.v1 import after_pb2, help_pb2, leg_pb2, source_pb2, talk_pb2
from ivr_routing.core import commands as c
from ivr_routing.core.source_decisions import SNAPSHOT_GRACE_US
from ivr_routing.loop.call import MOST_NOTES, Call
from ivr_routing.loop.desk import Desk
from ivr_routing.loop.requests import Told, gone_untold


def told_by(desk: Desk, event: Event) -> list[Told]:
    """What one event of call-events means for a desk."""
    read = _READERS.get(event.type)
    if read is None:
        return []
    message_class, meaning = read
    message = message_class.FromString(event.payload)
    if meaning is None:
        return [Told(command) for command in _of_source(desk, event, message)]
    call = desk.calls.get(str(event.key))
    if call is None:
        return []
    call.heard_us = max(call.heard_us, event.record_time_us)
    return [Told(command) for command in meaning(desk, call, message, event)]


def _ringing(_: Desk, call: Call, told: leg_pb2.LegRinging, event: Event) -> Iterable[c.Command]:
    if not told.reservation_id:
        return
    call.rings[told.leg_id] = told.reservation_id
    yield c.RingingBegan(call.contact_id, told.reservation_id, event.event_time_us)


def _answered(desk: Desk, call: Call, told: leg_pb2.LegAnswered, _: Event) -> Iterable[c.Command]:
    """An agent who picks up has taken what rang."""
    held = desk.core.reservations.get(told.reservation_id)
    call.rings.pop(told.leg_id, None)
    if held is not None and not held.accepted:
        yield c.AcceptReservation(held.agent, held.reservation_id)


def _ended(desk: Desk, call: Call, told: leg_pb2.LegEnded, _: Event) -> Iterable[c.Command]:
    contact = desk.core.contacts.get(call.contact_id)
    rang_for = call.rings.pop(told.leg_id, "")
    call.talks.pop(told.leg_id, None)
    if told.leg_id == call.leg_id or told.role in (leg_pb2.LEG_ROLE_CALLER, leg_pb2.LEG_ROLE_CALLBACK):
        yield c.CallerGone(call.contact_id)
    elif rang_for in desk.core.reservations:
        yield c.OfferFailed(call.contact_id, rang_for, "no_answer")
    elif contact is not None and told.agent in contact.agents:
        yield c.TalkEnded(call.contact_id, told.agent)


def _bridged(_: Desk, call: Call, told: talk_pb2.Bridged, event: Event) -> Iterable[c.Command]:
    call.rings.pop(told.peer_leg_id, None)
    if told.agent:
        call.talks[told.peer_leg_id] = told.agent
        yield c.CallBridged(call.contact_id, told.agent, told.reservation_id, event.event_time_us)


def _noted(_: Desk, call: Call, told: after_pb2.NoteAdded, event: Event) -> Iterable[c.Command]:
    call.notes[str(event.event_id)] = told.text
    if len(call.notes) > MOST_NOTES:
        del call.notes[next(iter(call.notes))]
    return ()


def _held(_: Desk, call: Call, told: object, event: Event) -> Iterable[c.Command]:
    call.waits_for = _WAITS.get(event.type, "")
    if event.event_time_us >= call.bridged_us:
        call.named = _named(call, told) or call.named
    return ()


def _named(call: Call, told: object) -> str:
    """The agent who may be named: who asked for help, or with whom somebody took part for a reason that was logged."""
    match told:
        case help_pb2.AssistRequested():
            return told.agent or call.agent
        case help_pb2.SupervisorIntervened() if told.reason:
            return call.agent
        case _:
            return ""


def _missing(desk: Desk, event: Event, snapshot: source_pb2.SourceSnapshot) -> Iterable[c.Command]:
    """Contacts of a source, and talks of its agents, that no longer live there though nobody told their end."""
    legs = {leg.leg_id for leg in snapshot.live_legs}
    alive = {identity.canonical_id(leg.contact_id) for leg in snapshot.live_legs if leg.contact_id}
    before_us = event.event_time_us - SNAPSHOT_GRACE_US
    for call in [call for call in desk.calls.values() if call.source_id == event.source_id]:
        if call.leg_id in legs or call.contact_id in alive:
            if call.bridged_us < before_us:
                yield from _silent_agents(call, legs)
        elif call.admitted_us < before_us:
            yield gone_untold(call)
    yield c.TrustSource(event.source_id, event.event_time_us)


def _silent_agents(call: Call, live: set[str]) -> Iterable[c.Command]:
    """Agents whose leg has ended though the caller is still there."""
    for leg in [leg for leg in call.talks if leg not in live]:
        yield c.TalkEnded(call.contact_id, call.talks.pop(leg))


def _of_source(desk: Desk, event: Event, told: source_pb2.SourceGap | source_pb2.SourceSnapshot) -> Iterable[c.Command]:
    """What a source says of itself."""
    if isinstance(told, source_pb2.SourceSnapshot):
        return list(_missing(desk, event, told))
    return [c.DoubtSource(event.source_id, event.event_time_us, told.reason)]


Meaning = Callable[[Desk, Call, Any, Event], Iterable[c.Command]]
_WAITS: Final = {"LegHeld": "hold", "ConsultStarted": "consult", "AssistRequested": "assist"}
_READERS: Final[dict[str, tuple[Any, Meaning | None]]] = {
    "LegRinging": (leg_pb2.LegRinging, _ringing),
    "LegAnswered": (leg_pb2.LegAnswered, _answered),
    "LegEnded": (leg_pb2.LegEnded, _ended),
    "LegHeld": (leg_pb2.LegHeld, _held),
    "LegResumed": (leg_pb2.LegResumed, _held),
    "Bridged": (talk_pb2.Bridged, _bridged),
    "ConsultStarted": (talk_pb2.ConsultStarted, _held),
    "ConsultEnded": (talk_pb2.ConsultEnded, _held),
    "AssistRequested": (help_pb2.AssistRequested, _held),
    "SupervisorIntervened": (help_pb2.SupervisorIntervened, _held),
    "NoteAdded": (after_pb2.NoteAdded, _noted),
    "SourceGap": (source_pb2.SourceGap, None),
    "SourceSnapshot": (source_pb2.SourceSnapshot, None),
}
TYPES: Final = tuple(_READERS)
"""Types of events of call-events that mean something here."""
REMEMBERED: Final = tuple(kind for kind, (_, meaning) in _READERS.items() if meaning in (_noted, _held))
"""Those that change nothing but what is held in memory alone; they lead to no command."""
