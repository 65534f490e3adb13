"""``decide``: from what is and what is asked to what follows. Pure: no clock, no dice, no I/O.

The core is changed by each event as it is decided (copying it would cost more than deciding), so that whoever stores
the events must give the core up when they could not be stored, and read it again from the log.
"""

from collections.abc import Callable
from typing import Any, Final

from ivr_routing.core import agent_decisions as agents
from ivr_routing.core import commands as c
from ivr_routing.core import configuration_decisions as configuration
from ivr_routing.core import contact_decisions as contacts
from ivr_routing.core import reservation_decisions as reservations
from ivr_routing.core import source_decisions as sources
from ivr_routing.core.decision import Decision
from ivr_routing.core.events import Event
from ivr_routing.core.matching import settle
from ivr_routing.core.state import Core
from ivr_routing.core.time_decisions import pass_time


def decide(core: Core, command: c.Command, now_us: int) -> tuple[Event, ...]:
    """Return what follows from a command at an instant, already applied to the core; () if it is so already.

    Instants must not go backwards. Raises Refused, with the core as it was, for what cannot be.
    """
    decision = Decision(core, now_us)
    DECIDERS[type(command)](decision, command)
    settle(decision)
    return tuple(decision.events)


DECIDERS: Final[dict[type, Callable[[Decision, Any], None]]] = {
    c.AdmitContact: contacts.admit,
    c.StartFlow: contacts.start_flow,
    c.TakeFlowStep: contacts.take_flow_step,
    c.FinishFlow: contacts.finish_flow,
    c.QueueContact: contacts.queue_contact,
    c.SetPriority: contacts.set_priority,
    c.LeaveQueue: contacts.leave_queue,
    c.KeepPlace: contacts.keep_place,
    c.EndCallback: contacts.close_callback,
    c.TellEstimate: contacts.tell_estimate,
    c.FinishContact: contacts.finish_contact,
    c.CallerGone: contacts.caller_gone,
    c.DefaultRouteFollowed: contacts.default_route_followed,
    c.RingingBegan: reservations.ringing_began,
    c.OfferFailed: reservations.offer_failed,
    c.CallBridged: reservations.call_bridged,
    c.BridgeFailed: reservations.bridge_failed,
    c.TalkEnded: reservations.talk_ended,
    c.DoubtSource: sources.doubt,
    c.TrustSource: sources.trust,
    c.AcceptReservation: reservations.accept,
    c.RejectReservation: reservations.reject,
    c.SignIn: agents.sign_in,
    c.SignOut: agents.leave_work,
    c.SetAgentState: agents.set_state,
    c.CompleteWrapUp: agents.complete_wrap_up,
    c.LoseHeartbeat: agents.lose_heartbeat,
    c.RegainHeartbeat: agents.regain_heartbeat,
    c.ConfigureQueue: configuration.configure_queue,
    c.RetireQueue: configuration.retire_queue,
    c.OpenQueue: configuration.open_queue,
    c.ConfigureAgent: configuration.configure_agent,
    c.PassTime: pass_time,
}
