"""The fold: any set of a contact's events, in any order, told any number of times, to the state of the contact.

Theory of operation. Events are told once each, put into canonical order (`order`), and those that were voided set
aside. Each type belongs to one or two kinds of part (`_PARTS`); each kind of part has a module that sorts its events
into entities and finishes them: flows, visits, legs, transfers, assignments. Phase and end follow from the parts
(`ending`), anomalies from the whole (`anomaly`). Nothing is kept between folds, so order and number of tellings cannot
matter: a fold of more events is a new fold.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from contact_life.anomaly import anomalies_of
from contact_life.assignment import finished_assignments
from contact_life.bridging import Bridging, consulted, spells_of
from contact_life.contact import Contact, Link
from contact_life.ending import Parts, callers_gone, end_of, ended_time_us, phase_of, rang_at_end
from contact_life.flow import flows_of
from contact_life.leg import finished_legs, leg_drafts
from contact_life.observed import Observed
from contact_life.order import in_order, voided_ids
from contact_life.transfer import transfers_of
from contact_life.visit import finished_visits, visit_drafts

_PARTS: Final = {
    "flow": "FlowEntered NodeVisited InputCollected SelfServed FlowExited",
    "queue": "Enqueued StepAdvanced EstimateTold Dequeued",
    "leg": "LegCreated LegRinging LegAnswered LegHeld LegResumed LegMediaLost LegMediaBack LegQuality LegEnded "
    "ConferenceJoined ConferenceLeft",
    "talk": "LegAnswered LegHeld LegResumed LegEnded Bridged Unbridged ConsultStarted ConsultEnded ConferenceJoined "
    "WrapUpStarted WrapUpEnded DispositionSet",
    "transfer": "TransferStarted TransferCompleted TransferFailed",
    "contact": "ContactArrived CustomerIdentified ContactReasonSet ContactLinked ContactUnlinked ContactClosed",
    "other": "CallbackRequested CallbackAttempted CallbackCompleted CallbackFailed VoicemailLeft",
}
_PARTS_OF: Final = {
    name: tuple(part for part, types in _PARTS.items() if name in types.split())
    for types in _PARTS.values()
    for name in types.split()
}


def fold_contact(contact_id: str, events: Iterable[Observed]) -> Contact:
    """Return the state of a contact. The same set of events gives the same state, whatever their order or number.

    An event id counts once (of several, the one at the lowest position). Never raises for what events say: what does
    not fit is an anomaly of the state.
    """
    ordered = in_order(events)
    voided = voided_ids(ordered)
    parts: dict[str, list[Observed]] = {part: [] for part in _PARTS}
    for event in ordered:
        if event.body is not None and event.event_id not in voided:
            for part in _PARTS_OF.get(event.type, ()):
                parts[part].append(event)
    return _state(contact_id, parts, tuple(ordered), voided)


def _state(
    contact_id: str, parts: dict[str, list[Observed]], timeline: tuple[Observed, ...], voided: frozenset[str]
) -> Contact:
    """Return the state that events sorted by part tell of."""
    told = parts["contact"]
    arrival = _first(told, "ContactArrived")
    closed = _first(told, "ContactClosed")
    drafts = leg_drafts(parts["leg"], arrival.body.native_id if arrival else "")
    consulted(drafts, parts["talk"])
    talk = spells_of(contact_id, drafts, parts["talk"])
    gone_us = callers_gone(drafts.values(), closed)
    visiting = visit_drafts(contact_id, parts["queue"])
    assignments = finished_assignments(list(talk.spells.values()), visiting, over=gone_us is not None)
    whole = Parts(
        flows=flows_of(parts["flow"]),
        visits=finished_visits(visiting, rang_at_end(visiting, drafts.values(), gone_us)),
        assignments=assignments,
        transfers=transfers_of(contact_id, parts["transfer"]),
        legs=drafts,
        others=parts["other"],
        closed=closed,
    )
    return _contact(contact_id, whole, told, talk, gone_us, timeline, voided)


def _contact(
    contact_id: str,
    parts: Parts,
    told: Sequence[Observed],
    talk: Bridging,
    gone_us: int | None,
    timeline: tuple[Observed, ...],
    voided: frozenset[str],
) -> Contact:
    """Return the contact."""
    arrivals = [event for event in told if event.type == "ContactArrived"]
    arrived = arrivals[0].body if arrivals else None
    valid = [event for event in timeline if event.event_id not in voided]
    end = end_of(parts, gone_us)
    return Contact(
        contact_id=contact_id,
        phase=phase_of(parts, end),
        end=end,
        direction=arrived.direction if arrived else 0,
        caller_ref=next((event.body.caller.caller_ref for event in arrivals if event.body.caller.caller_ref), ""),
        customer_ref=_last(told, "CustomerIdentified", "customer_ref"),
        service_number=arrived.service_number if arrived else "",
        native_id=arrived.native_id if arrived else "",
        language=arrived.language if arrived else "",
        resumes_contact_id=arrived.resumes_contact_id if arrived else "",
        reason=_last(told, "ContactReasonSet", "reason"),
        source_id=(arrivals or valid or timeline)[0].source_id if timeline else "",
        arrived_time_us=arrivals[0].time_us if arrivals else None,
        ended_time_us=ended_time_us(parts, end, gone_us),
        closed_time_us=parts.closed.time_us if parts.closed else None,
        flows=parts.flows,
        visits=parts.visits,
        assignments=parts.assignments,
        legs=finished_legs(parts.legs),
        transfers=parts.transfers,
        links=_links(told),
        timeline=timeline,
        voided=voided,
        unplaced=tuple(talk.unplaced),
        look=anomalies_of,
    )


def _first(events: Iterable[Observed], name: str) -> Observed | None:
    """Return the first event of a type."""
    return next((event for event in events if event.type == name), None)


def _last(events: Sequence[Observed], name: str, field: str) -> str:
    """Return what the last event of a type tells in a field, if any tells something."""
    told = (str(getattr(event.body, field)) for event in reversed(events) if event.type == name)
    return next(filter(None, told), "")


def _links(events: Iterable[Observed]) -> tuple[Link, ...]:
    """Return the links told and not taken back later, in the order last told."""
    links: dict[str, Link] = {}
    for event in events:
        if event.type in {"ContactLinked", "ContactUnlinked"}:
            links.pop(event.body.to_contact_id, None)
        if event.type == "ContactLinked":
            links[event.body.to_contact_id] = Link(event.body.to_contact_id, event.body.reason)
    return tuple(links.values())
