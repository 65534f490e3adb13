"""What events of reservations change in a core. Nothing is judged here."""

from typing import Final

from ivr_routing.core import events as e
from ivr_routing.core.contact import BRIDGED
from ivr_routing.core.due import DueKind
from ivr_routing.core.queue import Queue
from ivr_routing.core.reservation import Reservation
from ivr_routing.core.state import Core
from ivr_routing.core.visit_changes import leave
from ivr_routing.core.words import ExpiryKind

HEARTBEAT: Final = "heartbeat"
"""Cause of an offer that failed though nothing is known of the endpoint: the desktop was silent."""
_SMOOTHING: Final = 8
"""A new interval between two answers counts one part in so many."""


def created(core: Core, event: e.ReservationCreated, now_us: int) -> None:
    contact = core.contacts[event.contact_id]
    if contact.waits:
        core.displace(contact)
    contact.reservations.append(event.reservation_id)
    if contact.visit is not None:
        contact.visit.offers += 1
    core.reservations[event.reservation_id] = Reservation(
        event.reservation_id,
        event.contact_id,
        event.visit_id,
        event.queue,
        event.agent,
        event.endpoint,
        event.step,
        now_us,
        event.deadline_us,
        event.min_ring_ms * 1_000,
        event.ring_all,
        event.auto_accept,
    )
    core.dues.add(event.deadline_us, DueKind.RESERVATION, event.reservation_id)


def ringing(core: Core, event: e.ReservationRinging, _: int) -> None:
    core.reservations[event.reservation_id].ringing_since_us = event.ringing_since_us


def accepted(core: Core, event: e.ReservationAccepted, now_us: int) -> None:
    held = core.reservations[event.reservation_id]
    held.accepted_us = now_us
    held.deadline_us = event.bridge_deadline_us
    core.dues.add(event.bridge_deadline_us, DueKind.RESERVATION, event.reservation_id)


def ended(core: Core, event: e.ReservationEnd, _: int) -> None:
    del core.reservations[event.reservation_id]
    agent = core.agents[event.agent]
    agent.last_reservation_id = event.reservation_id
    contact = core.contacts[event.contact_id]
    contact.reservations.remove(event.reservation_id)
    if contact.waits:
        core.place(contact)


def expired(core: Core, event: e.ReservationExpired, now_us: int) -> None:
    """Nobody took it; where the endpoint failed, the agent's next one is rung from now on."""
    agent = core.agents[event.agent]
    if event.kind is ExpiryKind.OFFER_FAILED and event.cause != HEARTBEAT:
        agent.endpoints = (*agent.endpoints[1:], *agent.endpoints[:1])
    not_taken(core, event, now_us)


def not_taken(
    core: Core, event: e.ReservationRejected | e.ReservationExpired | e.ReservationBridgeFailed, now_us: int
) -> None:
    contact = core.contacts[event.contact_id]
    contact.excluded = {agent: until for agent, until in contact.excluded.items() if until > now_us}
    contact.excluded[event.agent] = event.excluded_until_us
    core.dues.add(event.excluded_until_us, DueKind.AGAIN, event.contact_id)
    ended(core, event, now_us)


def bridged(core: Core, event: e.ReservationBridged, now_us: int) -> None:
    contact = core.contacts[event.contact_id]
    if contact.visit is not None:
        _measure_departure(core.queues[contact.visit.queue], now_us)
        leave(core, contact)
    if event.reservation_id in core.reservations:
        ended(core, event, now_us)
    contact.agents.append(event.agent)
    contact.served = True
    contact.talks[event.agent] = BRIDGED
    if event.reservation_id:
        contact.talks[event.reservation_id] = BRIDGED


def _measure_departure(queue: Queue, now_us: int) -> None:
    """Measure the time between two answers, over times in which others waited without a break."""
    if queue.size > 1:
        since = max(queue.busy_since_us, queue.departed_us)
        measured = now_us - since
        held = queue.interval_us
        queue.interval_us = held + (measured - held) // _SMOOTHING if held else max(1, measured)
    queue.departed_us = now_us
