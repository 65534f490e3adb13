"""The facts of a contact's stays in queues, of agents' spells on it and of its transfers."""

from typing import Final

from metrics.fact.declaration import CONTACT_ID, Column, Fact, Kind, Reducer, at, of

QUEUE_VISIT: Final = Fact(
    name="queue_visit",
    sentence="One stay of a contact in one queue.",
    category="contact",
    entity="visit_id",
    key=(CONTACT_ID, Column("visit_id", Kind.ID, "The visit.")),
    columns=(
        Column(
            "queue",
            Kind.TEXT,
            "Queue, as the tenant names it.",
            Reducer.AGREED,
            of("queue", "Enqueued", "Dequeued"),
        ),
        Column(
            "priority",
            Kind.NUMBER,
            "Priority told at the start; higher is served earlier.",
            Reducer.ONCE,
            of("priority", "Enqueued"),
        ),
        Column(
            "enqueued_time", Kind.MOMENT, "When it began; null if only its end was told.", Reducer.ONCE, at("Enqueued")
        ),
        Column("told_dequeued_time", Kind.MOMENT, "When its end was told.", Reducer.ONCE, at("Dequeued"), inner=True),
        Column(
            "told_kind",
            Kind.WORD,
            "How it ended, as told.",
            Reducer.ONCE,
            of("kind", "Dequeued", words="DequeueKind"),
            inner=True,
        ),
        Column("dequeued_time", Kind.MOMENT, "When it ended: as told, else when it was bridged; null while it waits."),
        Column(
            "dequeue_kind",
            Kind.WORD,
            "How it ended: answered, abandoned, transferred, overflow, closed, full, voicemail, callback,"
            " answered_elsewhere, removed, timeout, key_pressed.",
        ),
        Column("bridged_time", Kind.MOMENT, "When caller and agent first heard each other."),
        Column("rang", Kind.FLAG, "Whether an agent's endpoint rang for it when it ended, or rings while it waits."),
        Column("outcome", Kind.WORD, "What became of it: answered, abandoned, flow_out, elsewhere, waiting."),
        Column(
            "wait_us",
            Kind.LENGTH,
            "Wait from its beginning to its end; null while it waits and where no length can be told.",
        ),
        Column("wait_clock", Kind.WORD, "Which instants the wait was taken from: dequeued, bridged, mixed_clock."),
        Column("inferred", Kind.FLAG, "Whether its end was concluded rather than told; it then has no wait."),
        Column("assignment_id", Kind.ID, "Agent's spell that answered it."),
        Column("agent", Kind.TEXT, "Agent who answered it, empty if unknown.", personal=True),
    ),
    ids={"Enqueued": "visit_id", "Dequeued": "visit_id"},
    indexes=(("tenant", "enqueued_time"), ("tenant", "dequeued_time")),
)

ASSIGNMENT: Final = Fact(
    name="assignment",
    sentence="An agent's bridged spell on a contact, from their leg's answer to the end of wrap-up.",
    category="contact",
    entity="assignment_id",
    key=(CONTACT_ID, Column("assignment_id", Kind.ID, "The spell.")),
    columns=(
        Column(
            "agent",
            Kind.TEXT,
            "The agent, empty if unknown.",
            Reducer.AGREED,
            of("agent", "LegAnswered", "Bridged"),
            personal=True,
        ),
        Column("queue", Kind.TEXT, "Queue it is credited to, if any.", Reducer.AGREED, of("queue", "Bridged")),
        Column(
            "visit_id",
            Kind.ID,
            "Queue visit it came from, if any.",
            Reducer.AGREED,
            of("visit_id", "LegAnswered", "Bridged"),
        ),
        Column(
            "leg_id",
            Kind.TEXT,
            "The agent's leg.",
            Reducer.AGREED,
            (*of("leg_id", "LegAnswered"), *of("peer_leg_id", "Bridged")),
        ),
        Column(
            "team",
            Kind.TEXT,
            "Team of the agent then.",
            Reducer.AGREED,
            of("agent_snapshot.team", "LegAnswered", "Bridged", within="agent_snapshot"),
        ),
        Column(
            "site",
            Kind.TEXT,
            "Site of the agent then.",
            Reducer.AGREED,
            of("agent_snapshot.site", "LegAnswered", "Bridged", within="agent_snapshot"),
        ),
        Column(
            "supervisor",
            Kind.TEXT,
            "Supervisor of the agent then.",
            Reducer.AGREED,
            of("agent_snapshot.supervisor", "LegAnswered", "Bridged", within="agent_snapshot"),
            personal=True,
        ),
        Column(
            "endpoint",
            Kind.TEXT,
            "Endpoint the agent used.",
            Reducer.AGREED,
            of("agent_snapshot.endpoint", "LegAnswered", "Bridged", within="agent_snapshot"),
            personal=True,
        ),
        Column(
            "answered_time",
            Kind.MOMENT,
            "When the agent's leg was answered.",
            Reducer.ONCE,
            at("LegAnswered"),
            inner=True,
        ),
        Column(
            "bridged_time", Kind.MOMENT, "When caller and agent first heard each other.", Reducer.ONCE, at("Bridged")
        ),
        Column(
            "caller_leg_id",
            Kind.TEXT,
            "The leg it was bridged with.",
            Reducer.AGREED,
            of("leg_id", "Bridged"),
            inner=True,
        ),
        Column("talk_ended_time", Kind.MOMENT, "When the agent's leg ended, else wrap-up began; null while it talks."),
        Column(
            "wrap_up_started_time",
            Kind.MOMENT,
            "When wrap-up was told to begin.",
            Reducer.ONCE,
            at("WrapUpStarted"),
            inner=True,
        ),
        Column(
            "wrap_up_ended_time",
            Kind.MOMENT,
            "When wrap-up was told to be over.",
            Reducer.ONCE,
            at("WrapUpEnded"),
            inner=True,
        ),
        Column("held_time", Kind.MOMENT, "When a hold began.", Reducer.ONCE, at("LegHeld"), inner=True),
        Column("resumed_time", Kind.MOMENT, "When that hold ended.", Reducer.ONCE, at("LegResumed"), inner=True),
        Column(
            "held_leg", Kind.TEXT, "Leg on hold.", Reducer.AGREED, of("leg_id", "LegHeld", "LegResumed"), inner=True
        ),
        Column(
            "consult_started_time", Kind.MOMENT, "When a consult began.", Reducer.ONCE, at("ConsultStarted"), inner=True
        ),
        Column(
            "consult_ended_time", Kind.MOMENT, "When that consult ended.", Reducer.ONCE, at("ConsultEnded"), inner=True
        ),
        Column(
            "consult_leg",
            Kind.TEXT,
            "Leg of the one consulted.",
            Reducer.AGREED,
            of("leg_id", "ConsultStarted", "ConsultEnded"),
            inner=True,
        ),
        Column(
            "disposition_time", Kind.MOMENT, "When the label was told.", Reducer.ONCE, at("DispositionSet"), inner=True
        ),
        Column(
            "disposition", Kind.TEXT, "Outcome label told last.", Reducer.LATEST, of("disposition", "DispositionSet")
        ),
        Column("inferred", Kind.FLAG, "Whether an end of it was concluded rather than told; it then has no lengths."),
        Column("mixed_clock", Kind.FLAG, "Whether its lengths subtract instants of two sources."),
        Column("started_time", Kind.MOMENT, "When it began: the leg's answer, else the bridge."),
        Column("ended_time", Kind.MOMENT, "When wrap-up was over; null while it is open."),
        Column("talk_us", Kind.LENGTH, "Talk, hold left out; null while it is open."),
        Column("hold_us", Kind.LENGTH, "Hold and consult; null while it is open."),
        Column("wrap_up_us", Kind.LENGTH, "Wrap-up; null while it is open."),
        Column(
            "handle_us",
            Kind.LENGTH,
            "Talk, hold and wrap-up together, by the clock of the agent's leg; null while it is open.",
        ),
    ),
    ids=dict.fromkeys(
        (
            *("LegAnswered", "Bridged", "WrapUpStarted", "WrapUpEnded", "DispositionSet"),
            *("LegHeld", "LegResumed", "ConsultStarted", "ConsultEnded"),
        ),
        "assignment_id",
    ),
    present="bridged_time is not null",
    indexes=(("tenant", "started_time"), ("tenant", "agent", "started_time")),
)

TRANSFER: Final = Fact(
    name="transfer",
    sentence="A contact passed on to another queue, agent or number.",
    category="contact",
    entity="transfer_id",
    key=(CONTACT_ID, Column("transfer_id", Kind.ID, "The transfer.")),
    columns=(
        Column(
            "kind",
            Kind.WORD,
            "How it was done: warm, cold, conference.",
            Reducer.AGREED,
            of("kind", "TransferStarted", "TransferCompleted", words="TransferKind"),
        ),
        Column(
            "reason",
            Kind.WORD,
            "Why: misroute, escalation, authority_limit, hand_off, other.",
            Reducer.ONCE,
            of("reason", "TransferStarted", words="TransferReason"),
        ),
        Column(
            "agent",
            Kind.TEXT,
            "The transferor, if an agent.",
            Reducer.AGREED,
            of("agent", "TransferStarted", "TransferCompleted"),
            personal=True,
        ),
        Column(
            "assignment_id", Kind.ID, "Spell of the transferor.", Reducer.ONCE, of("assignment_id", "TransferStarted")
        ),
        Column(
            "to_queue",
            Kind.TEXT,
            "Queue it went to.",
            Reducer.AGREED,
            of("target.queue", "TransferStarted", "TransferCompleted"),
        ),
        Column(
            "to_agent",
            Kind.TEXT,
            "Agent it went to.",
            Reducer.AGREED,
            of("target.agent", "TransferStarted", "TransferCompleted"),
            personal=True,
        ),
        Column(
            "to_department",
            Kind.TEXT,
            "Department it went to.",
            Reducer.AGREED,
            of("target.department", "TransferStarted", "TransferCompleted"),
        ),
        Column(
            "to_endpoint",
            Kind.TEXT,
            "Number or endpoint outside that it went to.",
            Reducer.AGREED,
            of("target.endpoint", "TransferStarted", "TransferCompleted"),
            personal=True,
        ),
        Column(
            "to_contact_id",
            Kind.ID,
            "Contact the transferee is now in, if a new one.",
            Reducer.ONCE,
            of("to_contact_id", "TransferCompleted"),
        ),
        Column("started_time", Kind.MOMENT, "When it began.", Reducer.ONCE, at("TransferStarted")),
        Column("completed_time", Kind.MOMENT, "When it reached its target.", Reducer.ONCE, at("TransferCompleted")),
        Column("failed_time", Kind.MOMENT, "When it was given up.", Reducer.ONCE, at("TransferFailed")),
    ),
    ids=dict.fromkeys(("TransferStarted", "TransferCompleted", "TransferFailed"), "transfer_id"),
    indexes=(("tenant", "started_time"),),
)
