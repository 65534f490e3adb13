"""``evolve``: what each event changes in a core. The same events give the same core, live and in replay.

Nothing is judged here: an event says what was decided.
"""

from collections.abc import Callable
from typing import Any, Final

from ivr_routing.core import agent_changes as agents
from ivr_routing.core import contact_changes as contacts
from ivr_routing.core import events as e
from ivr_routing.core import reservation_changes as reservations
from ivr_routing.core import source_changes as sources
from ivr_routing.core import visit_changes as visits
from ivr_routing.core.state import Core


def evolve(core: Core, event: e.Event, now_us: int) -> None:
    """Apply an event that was decided at `now_us`."""
    CHANGES[type(event)](core, event, now_us)


def _nothing(_core: Core, _event: e.EstimateMade, _now_us: int) -> None:
    """An estimate changes nothing; it is kept to be judged by."""


CHANGES: Final[dict[type, Callable[[Core, Any, int], None]]] = {
    e.ContactAdmitted: contacts.admitted,
    e.ContactFinished: contacts.finished,
    e.FlowStarted: contacts.flow_started,
    e.FlowStepTaken: contacts.flow_step,
    e.FlowFinished: contacts.flow_finished,
    e.QueueVisitOpened: visits.visit_opened,
    e.QueueVisitStepAdvanced: visits.step_advanced,
    e.QueueVisitPriorityChanged: visits.priority_changed,
    e.QueueVisitClosed: visits.visit_closed,
    e.CallbackPlaceKept: visits.place_kept,
    e.CallbackAttemptFailed: visits.attempt_failed,
    e.CallbackPlaceEnded: visits.place_ended,
    e.EstimateMade: _nothing,
    e.ReservationCreated: reservations.created,
    e.ReservationRinging: reservations.ringing,
    e.ReservationAccepted: reservations.accepted,
    e.ReservationRejected: reservations.not_taken,
    e.ReservationExpired: reservations.expired,
    e.ReservationBridgeFailed: reservations.not_taken,
    e.ReservationRescinded: reservations.ended,
    e.ReservationCancelled: reservations.ended,
    e.ReservationBridged: reservations.bridged,
    e.AgentSignedIn: agents.signed_in,
    e.AgentSignedOut: agents.signed_out,
    e.AgentSpellBegan: agents.spell,
    e.AgentNextStateSet: agents.next_state,
    e.AgentHeartbeatLost: agents.heartbeat_lost,
    e.AgentHeartbeatRegained: agents.heartbeat_regained,
    e.SourceDoubted: sources.doubted,
    e.SourceTrusted: sources.trusted,
    e.QueueConfigured: visits.queue_configured,
    e.QueueRetired: visits.queue_retired,
    e.QueueOpennessChanged: visits.openness_changed,
    e.AgentConfigured: agents.agent_configured,
}
