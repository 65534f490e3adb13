"""The facts that ivr-routing decided: reservations, spells of our own agents, steps through flows, estimates.

Routing's log is written by one decider in order, so each row is reduced from its events as they come; nothing here
needs the full rules of a contact's life.
"""

from typing import Final

from metrics.fact.declaration import CONTACT_ID, IVR_ROUTING, Column, Fact, Kind, Reducer, Told, at, of

_ENDS: Final = {
    "ReservationRejected": "rejected",
    "ReservationRescinded": "rescinded",
    "ReservationCancelled": "cancelled",
    "ReservationBridged": "bridged",
    "ReservationBridgeFailed": "bridge_failed",
}
_ENDED: Final = (*_ENDS, "ReservationExpired")
_RESERVATION_EVENTS: Final = ("ReservationCreated", "ReservationRinging", "ReservationAccepted", *_ENDED)
_OF_AGENT: Final = ("ReservationCreated", "ReservationAccepted", *_ENDED)

RESERVATION: Final = Fact(
    name="reservation",
    sentence="One contact held for one agent with a deadline, and what became of it.",
    category="contact",
    log=IVR_ROUTING,
    entity="reservation_id",
    key=(CONTACT_ID, Column("reservation_id", Kind.ID, "The reservation.")),
    columns=(
        Column("visit_id", Kind.ID, "Queue visit it is for.", Reducer.AGREED, of("visit_id", "ReservationCreated")),
        Column("queue", Kind.TEXT, "Queue of the visit.", Reducer.AGREED, of("queue", "ReservationCreated")),
        Column(
            "agent",
            Kind.TEXT,
            "Agent it was held for.",
            Reducer.AGREED,
            of("agent", *_OF_AGENT),
            personal=True,
        ),
        Column(
            "endpoint",
            Kind.TEXT,
            "Endpoint to ring.",
            Reducer.AGREED,
            of("endpoint", "ReservationCreated"),
            personal=True,
        ),
        Column("step", Kind.NUMBER, "Step of the queue then, from 1.", Reducer.LAST, of("step", "ReservationCreated")),
        Column(
            "strategy",
            Kind.WORD,
            "How the agent was chosen: longest_idle_since_available, longest_idle_since_contact, most_skilled.",
            Reducer.AGREED,
            of("strategy", "ReservationCreated", words="MatchingStrategy"),
        ),
        Column(
            "ring_all",
            Kind.FLAG,
            "Whether others rang for the same contact at the same time.",
            Reducer.LAST,
            of("ring_all", "ReservationCreated"),
        ),
        Column("created_time", Kind.MOMENT, "When it was made.", Reducer.EARLIEST, at("ReservationCreated")),
        Column("ringing_time", Kind.MOMENT, "When the endpoint rang.", Reducer.EARLIEST, at("ReservationRinging")),
        Column("accepted_time", Kind.MOMENT, "When the agent took it.", Reducer.EARLIEST, at("ReservationAccepted")),
        Column("bridged_time", Kind.MOMENT, "When it was bridged.", Reducer.EARLIEST, at("ReservationBridged")),
        Column("ended_time", Kind.MOMENT, "When it ended; null while it is open.", Reducer.LAST, at(*_ENDED)),
        Column(
            "outcome",
            Kind.WORD,
            "How it ended: bridged, rejected, rona, offer_failed, rescinded, cancelled, bridge_failed; empty: open.",
            Reducer.AGREED,
            (
                *(Told(event, constant=outcome) for event, outcome in _ENDS.items()),
                *of("kind", "ReservationExpired", words="ExpiryKind"),
            ),
        ),
        Column(
            "cause",
            Kind.TEXT,
            "Why it ended so, as told or decided.",
            Reducer.AGREED,
            (
                *of("reason", "ReservationRejected"),
                *of("cause", "ReservationExpired", "ReservationCancelled", "ReservationBridgeFailed"),
                *of("cause", "ReservationRescinded", words="RescindCause"),
            ),
        ),
        Column(
            "rang_us",
            Kind.LENGTH,
            "How long the endpoint rang, where nobody took it.",
            Reducer.LAST,
            (Told("ReservationExpired", "rang_ms", unit_us=1_000),),
        ),
        Column(
            "min_ring_us",
            Kind.LENGTH,
            "Ringing shorter than this is charged to nobody.",
            Reducer.LAST,
            (Told("ReservationCreated", "min_ring_ms", unit_us=1_000),),
        ),
    ),
    ids=dict.fromkeys(_RESERVATION_EVENTS, "reservation_id"),
    indexes=(("tenant", "agent", "created_time"), ("tenant", "created_time")),
)

ROUTED_SPELL: Final = Fact(
    name="routed_spell",
    sentence="A spell of one of our own agents in one state, as routing decided it.",
    category="agent",
    log=IVR_ROUTING,
    entity="spell_id",
    key=(
        Column("stream_id", Kind.ID, "Stream of the log that it was told in.", inner=True),
        Column("spell_id", Kind.ID, "The spell."),
    ),
    columns=(
        Column(
            "agent",
            Kind.TEXT,
            "Agent, as the tenant names them.",
            Reducer.AGREED,
            of("agent", "AgentSpellBegan"),
            personal=True,
        ),
        Column(
            "state",
            Kind.WORD,
            "State: available, reserved, on_contact, wrap_up, held_for_reconnect, not_ready, unreachable, offline.",
            Reducer.AGREED,
            of("state", "AgentSpellBegan", words="AgentState"),
        ),
        Column("reason", Kind.TEXT, "Reason of not_ready.", Reducer.AGREED, of("reason", "AgentSpellBegan")),
        Column("queue", Kind.TEXT, "Queue the contact came from.", Reducer.AGREED, of("queue", "AgentSpellBegan")),
        Column("contact_id", Kind.ID, "Contact of the spell.", Reducer.AGREED, of("contact_id", "AgentSpellBegan")),
        Column(
            "cause",
            Kind.WORD,
            "What caused it: agent, rona, endpoint, heartbeat, timer, contact, supervisor.",
            Reducer.AGREED,
            of("cause", "AgentSpellBegan"),
        ),
        Column("started_time", Kind.MOMENT, "When it began.", Reducer.EARLIEST, at("AgentSpellBegan")),
        Column(
            "position",
            Kind.NUMBER,
            "Position of the event in routing's log.",
            Reducer.LAST,
            of("@position", "AgentSpellBegan"),
        ),
    ),
    ids={"AgentSpellBegan": "spell_id"},
    indexes=(("tenant", "agent", "started_time"),),
)

_STEPS: Final = ("FlowStarted", "FlowStepTaken", "FlowFinished")
FLOW_STEP: Final = Fact(
    name="flow_step",
    sentence="One step of a contact through an IVR flow, as routing walked it.",
    category="contact",
    log=IVR_ROUTING,
    entity="position",
    key=(CONTACT_ID, Column("position", Kind.NUMBER, "Position of the event in routing's log.")),
    columns=(
        Column("flow", Kind.TEXT, "The flow.", Reducer.AGREED, of("flow", *_STEPS)),
        Column("flow_version", Kind.TEXT, "Its version.", Reducer.AGREED, of("version", *_STEPS)),
        Column(
            "nodes",
            Kind.TEXT,
            "Nodes passed, in order, with ' > ' between them.",
            Reducer.AGREED,
            (Told("FlowStepTaken", "nodes", joined=" > "),),
        ),
        Column(
            "outcome",
            Kind.WORD,
            "How the flow was left: queue, transfer, callback, voicemail, hang_up, self_served, caller_gone, fault.",
            Reducer.AGREED,
            of("outcome", "FlowFinished"),
        ),
        Column(
            "target",
            Kind.TEXT,
            "Where it went: a queue, number or mailbox.",
            Reducer.AGREED,
            of("target", "FlowFinished"),
            personal=True,
        ),
        Column("step_time", Kind.MOMENT, "When.", Reducer.EARLIEST, at(*_STEPS)),
    ),
    ids=dict.fromkeys(_STEPS, "@position"),
    nameless=True,
    indexes=(("tenant", "step_time"),),
)

ESTIMATE: Final = Fact(
    name="estimate",
    sentence="A wait that was estimated for a contact in a queue.",
    category="contact",
    log=IVR_ROUTING,
    entity="position",
    key=(CONTACT_ID, Column("position", Kind.NUMBER, "Position of the event in routing's log.")),
    columns=(
        Column("visit_id", Kind.ID, "Queue visit it is of.", Reducer.AGREED, of("visit_id", "EstimateMade")),
        Column("queue", Kind.TEXT, "The queue.", Reducer.AGREED, of("queue", "EstimateMade")),
        Column(
            "queue_position",
            Kind.NUMBER,
            "Place in the queue, from 1.",
            Reducer.LAST,
            of("queue_position", "EstimateMade"),
        ),
        Column(
            "estimated_wait_us",
            Kind.LENGTH,
            "Wait estimated, from then on.",
            Reducer.LAST,
            (Told("EstimateMade", "wait_ms", unit_us=1_000),),
        ),
        Column(
            "basis",
            Kind.WORD,
            "What it was made from: departures, expected, idle.",
            Reducer.AGREED,
            of("basis", "EstimateMade"),
        ),
        Column("made_time", Kind.MOMENT, "When it was made.", Reducer.EARLIEST, at("EstimateMade")),
    ),
    ids={"EstimateMade": "@position"},
    nameless=True,
    indexes=(("tenant", "made_time"),),
)
