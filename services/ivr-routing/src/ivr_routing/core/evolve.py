"""``evolve``: what each event changes in a core. The same events give the same core, live and in replay.

Nothing is judged here: an event says what was decided.
"""

from collections.abc import Callable
from typing import Any, Final

from ivr_routing.core import events as e
from ivr_routing.core.contact import BRIDGED, ENDED, Contact, FlowWalk, Visit
from ivr_routing.core.due import DueKind
from ivr_routing.core.queue import Queue
from ivr_routing.core.reservation import Reservation
from ivr_routing.core.state import Core
from ivr_routing.core.words import AgentState

LONGEST_CONTACT_US: Final = 24 * 3_600_000_000
"""A contact of which nothing is heard any more is taken as ended after this."""
REMEMBERED_US: Final = 3_600_000_000
"""A finished contact's id is remembered so long: facts told late or twice do not begin it again."""
_SMOOTHING: Final = 8
"""A new interval between two answers counts one part in so many."""


def evolve(core: Core, event: e.Event, now_us: int) -> None:
    """Apply an event that was decided at `now_us`."""
    _CHANGES[type(event)](core, event, now_us)


# ---- contacts


def _admitted(core: Core, event: e.ContactAdmitted, now_us: int) -> None:
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
    core.dues.add(now_us + LONGEST_CONTACT_US, DueKind.CONTACT, event.contact_id)


def _finished(core: Core, event: e.ContactFinished, now_us: int) -> None:
    core.contacts.pop(event.contact_id, None)
    forgotten_us = now_us + REMEMBERED_US
    core.finished[event.contact_id] = forgotten_us
    core.dues.add(forgotten_us, DueKind.FORGET, event.contact_id)


def _flow_started(core: Core, event: e.FlowStarted, _: int) -> None:
    core.contacts[event.contact_id].flow = FlowWalk(event.flow, event.version, "", event.walk, 0, "")


def _flow_step(core: Core, event: e.FlowStepTaken, _: int) -> None:
    node = event.nodes[-1] if event.nodes else ""
    core.contacts[event.contact_id].flow = FlowWalk(
        event.flow, event.version, node, event.walk, event.due_us, event.awaits_id
    )


def _flow_finished(core: Core, event: e.FlowFinished, _: int) -> None:
    contact = core.contacts[event.contact_id]
    contact.flow = None
    if event.attributes:
        contact.attributes = contact.attributes | event.attributes


# ---- queue visits


def _visit_opened(core: Core, event: e.QueueVisitOpened, now_us: int) -> None:
    contact = core.contacts[event.contact_id]
    queue = core.queues[event.queue]
    dues = core.dues
    dues.turn += 1
    contact.visits += 1
    contact.visit = Visit(
        event.visit_id,
        event.queue,
        event.priority,
        event.skills,
        event.preferred_agent,
        event.waiting_since_us,
        now_us,
        dues.turn,
        event.hops,
        1,
        event.callback_id,
    )
    queue.size += 1
    queue.busy_since_us = queue.busy_since_us or now_us
    core.place(contact)
    _await(core, contact)


def _await(core: Core, contact: Contact) -> None:
    """Note when the next step and the longest wait of a contact's visit are due."""
    visit = contact.visit
    assert visit is not None
    rules = core.queues[visit.queue].rules
    if visit.step < rules.last_step:
        core.dues.add(visit.opened_us + rules.step(visit.step + 1).after_ms * 1_000, DueKind.STEP, contact.contact_id)
    if rules.max_wait_ms:
        core.dues.add(visit.opened_us + rules.max_wait_ms * 1_000, DueKind.WAIT, contact.contact_id)


def _step_advanced(core: Core, event: e.QueueVisitStepAdvanced, _: int) -> None:
    contact = core.contacts[event.contact_id]
    visit = contact.visit
    assert visit is not None
    if contact.waits:
        core.displace(contact)
    visit.step = event.step
    if contact.waits:
        core.place(contact)
    _await(core, contact)


def _priority_changed(core: Core, event: e.QueueVisitPriorityChanged, _: int) -> None:
    contact = core.contacts[event.contact_id]
    visit = contact.visit
    assert visit is not None
    if contact.waits:
        core.displace(contact)
    visit.priority = event.priority
    if contact.waits:
        core.place(contact)


def _visit_closed(core: Core, event: e.QueueVisitClosed, _: int) -> None:
    _leave(core, core.contacts[event.contact_id])


def _leave(core: Core, contact: Contact) -> None:
    visit = contact.visit
    assert visit is not None
    queue = core.queues[visit.queue]
    if contact.waits:
        core.displace(contact)
    contact.visit = None
    queue.size -= 1
    if not queue.size:
        queue.busy_since_us = 0


def _place_kept(core: Core, event: e.CallbackPlaceKept, _: int) -> None:
    visit = core.contacts[event.contact_id].visit
    assert visit is not None
    visit.callback_id = event.callback_id


def _place_ended(core: Core, event: e.CallbackPlaceEnded, _: int) -> None:
    visit = core.contacts[event.contact_id].visit
    if visit is not None:
        visit.callback_id = ""


# ---- reservations


def _created(core: Core, event: e.ReservationCreated, now_us: int) -> None:
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


def _ringing(core: Core, event: e.ReservationRinging, _: int) -> None:
    core.reservations[event.reservation_id].ringing_since_us = event.ringing_since_us


def _accepted(core: Core, event: e.ReservationAccepted, now_us: int) -> None:
    held = core.reservations[event.reservation_id]
    held.accepted_us = now_us
    held.deadline_us = event.bridge_deadline_us
    core.dues.add(event.bridge_deadline_us, DueKind.RESERVATION, event.reservation_id)


def _ended(core: Core, event: e.ReservationEnd, _: int) -> None:
    del core.reservations[event.reservation_id]
    agent = core.agents[event.agent]
    agent.last_reservation_id = event.reservation_id
    contact = core.contacts[event.contact_id]
    contact.reservations.remove(event.reservation_id)
    if contact.waits:
        core.place(contact)


def _not_taken(
    core: Core, event: e.ReservationRejected | e.ReservationExpired | e.ReservationBridgeFailed, now_us: int
) -> None:
    contact = core.contacts[event.contact_id]
    contact.excluded = {agent: until for agent, until in contact.excluded.items() if until > now_us}
    contact.excluded[event.agent] = event.excluded_until_us
    core.dues.add(event.excluded_until_us, DueKind.AGAIN, event.contact_id)
    _ended(core, event, now_us)


def _bridged(core: Core, event: e.ReservationBridged, now_us: int) -> None:
    contact = core.contacts[event.contact_id]
    if contact.visit is not None:
        _measure_departure(core.queues[contact.visit.queue], now_us)
        _leave(core, contact)
    if event.reservation_id in core.reservations:
        _ended(core, event, now_us)
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


# ---- agents


def _signed_in(core: Core, event: e.AgentSignedIn, _: int) -> None:
    agent = core.agent_of(event.agent)
    agent.signed_in, agent.endpoints = True, event.endpoints
    agent.heartbeat_lost = False
    agent.rona_count = agent.offer_failed_count = 0
    core.index_agent(agent)


def _signed_out(core: Core, event: e.AgentSignedOut, _: int) -> None:
    agent = core.agent_of(event.agent)
    core.drop_agent(agent)
    agent.signed_in = agent.heartbeat_lost = False
    agent.next_state, agent.next_reason = AgentState.UNSPECIFIED, ""


def _spell(core: Core, event: e.AgentSpellBegan, now_us: int) -> None:
    agent = core.agent_of(event.agent)
    staffed = agent.staffed
    if agent.state is AgentState.ON_CONTACT:
        _talk_over(core, agent.contact_id, agent.reservation_id, agent.agent)
    agent.state, agent.reason, agent.since_us, agent.due_us = event.state, event.reason, now_us, event.due_us
    agent.contact_id, agent.reservation_id, agent.queue = event.contact_id, event.reservation_id, event.queue
    agent.idle_since_us, agent.contact_free_since_us = event.idle_since_us, event.contact_free_since_us
    agent.rona_count, agent.offer_failed_count = event.rona_count, event.offer_failed_count
    if event.due_us:
        core.dues.add(event.due_us, DueKind.SPELL, event.agent)
    if event.state is not AgentState.RESERVED:
        agent.next_state, agent.next_reason = _wish_after(event.state, agent.next_state, agent.next_reason)
    if agent.staffed is not staffed:
        core.index_agent(agent)
    elif event.state is AgentState.AVAILABLE:
        for pool in core.pools_of.get(event.agent, ()):
            pool.enter(agent)


def _wish_after(state: AgentState, wish: AgentState, reason: str) -> tuple[AgentState, str]:
    """A wish lasts through contact, wrap-up and absence, and is over with any other state."""
    if state in (AgentState.ON_CONTACT, AgentState.WRAP_UP, AgentState.UNREACHABLE):
        return wish, reason
    return AgentState.UNSPECIFIED, ""


def _talk_over(core: Core, contact_id: str, reservation_id: str, agent: str) -> None:
    contact = core.contacts.get(contact_id)
    if contact is not None:
        contact.talks[agent] = ENDED
        if reservation_id:
            contact.talks[reservation_id] = ENDED
        if agent in contact.agents:
            contact.agents.remove(agent)


def _next_state(core: Core, event: e.AgentNextStateSet, _: int) -> None:
    agent = core.agent_of(event.agent)
    agent.next_state, agent.next_reason = event.state, event.reason


def _heartbeat_lost(core: Core, event: e.AgentHeartbeatLost, _: int) -> None:
    agent = core.agent_of(event.agent)
    core.drop_agent(agent)
    agent.heartbeat_lost = True


def _heartbeat_regained(core: Core, event: e.AgentHeartbeatRegained, _: int) -> None:
    agent = core.agent_of(event.agent)
    agent.heartbeat_lost = False
    core.index_agent(agent)


# ---- configuration


def _queue_configured(core: Core, event: e.QueueConfigured, _: int) -> None:
    queue = core.queues.get(event.queue)
    if queue is None:
        queue = core.queues[event.queue] = Queue(event.queue, event.version, event.rules)
    queue.version, queue.rules, queue.retired = event.version, event.rules, False
    core.index_queue(queue)
    for contact in core.contacts_in(queue):
        _await(core, contact)


def _queue_retired(core: Core, event: e.QueueRetired, _: int) -> None:
    queue = core.queues[event.queue]
    queue.version, queue.retired = event.version, True


def _openness_changed(core: Core, event: e.QueueOpennessChanged, _: int) -> None:
    core.queues[event.queue].open = event.open


def _agent_configured(core: Core, event: e.AgentConfigured, _: int) -> None:
    agent = core.agent_of(event.agent)
    agent.version = event.version
    core.configure_agent(agent, event.rules)


def _nothing(_core: Core, _event: e.EstimateMade, _now_us: int) -> None:
    """An estimate changes nothing; it is kept to be judged by."""


_CHANGES: Final[dict[type, Callable[[Core, Any, int], None]]] = {
    e.ContactAdmitted: _admitted,
    e.ContactFinished: _finished,
    e.FlowStarted: _flow_started,
    e.FlowStepTaken: _flow_step,
    e.FlowFinished: _flow_finished,
    e.QueueVisitOpened: _visit_opened,
    e.QueueVisitStepAdvanced: _step_advanced,
    e.QueueVisitPriorityChanged: _priority_changed,
    e.QueueVisitClosed: _visit_closed,
    e.CallbackPlaceKept: _place_kept,
    e.CallbackPlaceEnded: _place_ended,
    e.EstimateMade: _nothing,
    e.ReservationCreated: _created,
    e.ReservationRinging: _ringing,
    e.ReservationAccepted: _accepted,
    e.ReservationRejected: _not_taken,
    e.ReservationExpired: _not_taken,
    e.ReservationBridgeFailed: _not_taken,
    e.ReservationRescinded: _ended,
    e.ReservationCancelled: _ended,
    e.ReservationBridged: _bridged,
    e.AgentSignedIn: _signed_in,
    e.AgentSignedOut: _signed_out,
    e.AgentSpellBegan: _spell,
    e.AgentNextStateSet: _next_state,
    e.AgentHeartbeatLost: _heartbeat_lost,
    e.AgentHeartbeatRegained: _heartbeat_regained,
    e.QueueConfigured: _queue_configured,
    e.QueueRetired: _queue_retired,
    e.QueueOpennessChanged: _openness_changed,
    e.AgentConfigured: _agent_configured,
}
