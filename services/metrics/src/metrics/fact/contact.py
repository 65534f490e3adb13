"""The fact of a contact as a whole, and of what cannot be in it."""

from typing import Final

from metrics.fact.declaration import CONTACT_ID, Column, Fact, Kind, Reducer, Told, at, of

EVERY_EVENT: Final = "*"
"""In a telling: any event of the contact's stream, known or not."""

CLOCKS: Final = (
    *("ContactArrived", "FlowEntered", "NodeVisited", "InputCollected", "SelfServed", "FlowExited"),
    *("Enqueued", "Dequeued", "LegCreated", "LegRinging", "LegAnswered", "LegHeld", "LegResumed", "LegEnded"),
    *("Bridged", "Unbridged", "ConsultStarted", "ConsultEnded", "WrapUpStarted", "WrapUpEnded", "ContactClosed"),
    *("TransferStarted", "TransferCompleted", "TransferFailed"),
)
"""Types between which lengths are taken; another source may well tell a contact's notes, labels or reasons."""

CONTACT: Final = Fact(
    name="contact",
    sentence="One customer's attempt to be served, from arrival to closure.",
    category="contact",
    key=(CONTACT_ID,),
    columns=(
        Column("source_id", Kind.TEXT, "Source that told the arrival, or the first event."),
        Column(
            "direction",
            Kind.WORD,
            "Which way it was set up: inbound, outbound, callback, internal.",
            Reducer.ONCE,
            of("direction", "ContactArrived", words="Direction"),
        ),
        Column(
            "service_number",
            Kind.TEXT,
            "The tenant's own number that was called.",
            Reducer.ONCE,
            of("service_number", "ContactArrived"),
        ),
        Column(
            "caller_ref",
            Kind.ID,
            "Random id that stands for the caller's number.",
            Reducer.ONCE,
            of("caller.caller_ref", "ContactArrived"),
            personal=True,
        ),
        Column(
            "customer_ref",
            Kind.TEXT,
            "The tenant's own id of the person, as identified last.",
            Reducer.LATEST,
            of("customer_ref", "CustomerIdentified"),
            personal=True,
        ),
        Column(
            "language",
            Kind.TEXT,
            "Language asked for or assumed, BCP 47.",
            Reducer.ONCE,
            of("language", "ContactArrived"),
        ),
        Column(
            "reason",
            Kind.TEXT,
            "What the contact is about, as told last.",
            Reducer.LATEST,
            of("reason", "ContactReasonSet"),
        ),
        Column(
            "resumes_contact_id",
            Kind.ID,
            "Earlier closed contact that this one takes up again.",
            Reducer.ONCE,
            of("resumes_contact_id", "ContactArrived"),
        ),
        Column("flow", Kind.TEXT, "IVR flow that it entered first.", Reducer.ONCE, of("flow", "FlowEntered")),
        Column(
            "flow_version",
            Kind.TEXT,
            "Version of that flow.",
            Reducer.AGREED,
            of("version", "FlowEntered", "NodeVisited", "FlowExited"),
        ),
        Column(
            "flow_queue",
            Kind.TEXT,
            "Queue that the flow meant it for when it was left last.",
            Reducer.ONCE,
            of("queue", "FlowExited"),
        ),
        Column("arrived_time", Kind.MOMENT, "When it arrived.", Reducer.ONCE, at("ContactArrived")),
        Column("flow_entered_time", Kind.MOMENT, "When it entered an IVR flow first.", Reducer.ONCE, at("FlowEntered")),
        Column("flow_exited_time", Kind.MOMENT, "When it left an IVR flow last.", Reducer.ONCE, at("FlowExited")),
        Column(
            "self_served_time",
            Kind.MOMENT,
            "When the flow alone gave the customer what they came for.",
            Reducer.EARLIEST,
            at("SelfServed"),
        ),
        Column(
            "first_enqueued_time", Kind.MOMENT, "When its first queue visit began.", Reducer.EARLIEST, at("Enqueued")
        ),
        Column("bridged_time", Kind.MOMENT, "When its first assignment was bridged."),
        Column(
            "voicemail_time",
            Kind.MOMENT,
            "When the customer first left a message.",
            Reducer.EARLIEST,
            at("VoicemailLeft"),
        ),
        Column(
            "callback_requested_time",
            Kind.MOMENT,
            "When the customer first asked to be called back.",
            Reducer.EARLIEST,
            at("CallbackRequested"),
        ),
        Column(
            "callback_queue",
            Kind.TEXT,
            "Queue that keeps the place of the callback.",
            Reducer.AGREED,
            of("queue", "CallbackRequested"),
        ),
        Column(
            "callback_promised_time",
            Kind.MOMENT,
            "Instant promised for the callback.",
            Reducer.EARLIEST,
            of("promised_time", "CallbackRequested"),
        ),
        Column(
            "callback_completed_time",
            Kind.MOMENT,
            "When the customer was first reached by a callback.",
            Reducer.EARLIEST,
            at("CallbackCompleted"),
        ),
        Column(
            "callback_failed_time", Kind.MOMENT, "When a callback was given up.", Reducer.EARLIEST, at("CallbackFailed")
        ),
        Column(
            "fault_time",
            Kind.MOMENT,
            "When something the contact needed first failed to work.",
            Reducer.EARLIEST,
            at("SystemFaultReported"),
        ),
        Column(
            "intervened_time",
            Kind.MOMENT,
            "When a supervisor first took part.",
            Reducer.EARLIEST,
            at("SupervisorIntervened"),
        ),
        Column(
            "closed_time",
            Kind.MOMENT,
            "When it was told that nothing more is expected.",
            Reducer.EARLIEST,
            at("ContactClosed"),
        ),
        Column("first_time", Kind.MOMENT, "Instant of its earliest event.", Reducer.EARLIEST, at(EVERY_EVENT)),
        Column("last_time", Kind.MOMENT, "Instant of its latest event.", Reducer.LAST, at(EVERY_EVENT)),
        Column(
            "native_id",
            Kind.TEXT,
            "The source's id of the first leg.",
            Reducer.ONCE,
            of("native_id", "ContactArrived"),
            inner=True,
        ),
        Column(
            "identified_time",
            Kind.MOMENT,
            "When the person was identified.",
            Reducer.ONCE,
            at("CustomerIdentified"),
            inner=True,
        ),
        Column(
            "reason_time", Kind.MOMENT, "When the reason was told.", Reducer.ONCE, at("ContactReasonSet"), inner=True
        ),
        Column("flow_exit", Kind.TEXT, "Flow that the exit names.", Reducer.ONCE, of("flow", "FlowExited"), inner=True),
        Column(
            "flow_touched_time",
            Kind.MOMENT,
            "When something first happened in a flow.",
            Reducer.EARLIEST,
            at("NodeVisited", "InputCollected", "SelfServed", "FlowExited"),
            inner=True,
        ),
        Column("unbridged_time", Kind.MOMENT, "When two legs last parted.", Reducer.LAST, at("Unbridged"), inner=True),
        Column(
            "last_seq",
            Kind.NUMBER,
            "The source's own count of its last event; 0: it does not count.",
            Reducer.LAST,
            of("@source_seq", EVERY_EVENT),
            inner=True,
        ),
        Column(
            "arrival_source",
            Kind.TEXT,
            "Source that told the arrival.",
            Reducer.ONCE,
            of("@source_id", "ContactArrived"),
            inner=True,
        ),
        Column(
            "clock_source",
            Kind.TEXT,
            "Source whose clock tells its parts.",
            Reducer.AGREED,
            (Told(EVERY_EVENT, "@source_id", clock=True),),
            inner=True,
        ),
        Column(
            "least_source",
            Kind.TEXT,
            "First of its sources by name.",
            Reducer.EARLIEST,
            of("@source_id", EVERY_EVENT),
            inner=True,
        ),
        Column(
            "greatest_source",
            Kind.TEXT,
            "Last of its sources by name.",
            Reducer.LAST,
            of("@source_id", EVERY_EVENT),
            inner=True,
        ),
        Column("ended_time", Kind.MOMENT, "When it ended; null while a part of it is open."),
        Column(
            "contact_end",
            Kind.WORD,
            "How it ended: handled, abandoned_ivr, abandoned_queue, abandoned_ringing, contained, voicemail,"
            " callback_failed, dropped, refused_closed, refused_full, unknown; empty while open.",
        ),
        Column("anomalies", Kind.NUMBER, "Number of things in its events that cannot or should not be."),
        Column("irregular", Kind.FLAG, "Whether its events are told so that only the full rules can fold them."),
        Column(
            "first_position",
            Kind.NUMBER,
            "Position of its first event in the log.",
            Reducer.EARLIEST,
            of("@position", EVERY_EVENT),
        ),
        Column(
            "last_position",
            Kind.NUMBER,
            "Position of its last event in the log.",
            Reducer.LAST,
            of("@position", EVERY_EVENT),
        ),
    ),
    indexes=(("tenant", "first_time"), ("tenant", "flow_exited_time")),
)

ANOMALY: Final = Fact(
    name="anomaly",
    sentence="Something in a contact's events that cannot or should not be.",
    category="contact",
    entity="ordinal",
    key=(
        CONTACT_ID,
        Column("ordinal", Kind.NUMBER, "Place among the contact's anomalies, from 1."),
    ),
    columns=(
        Column("rule", Kind.WORD, "Name of the rule, as documented in contact_life."),
        Column("detail", Kind.TEXT, "What was found, in words without personal data."),
        Column("fact", Kind.WORD, "Fact it is about: queue_visit, assignment, leg, transfer; empty: the contact."),
        Column("fact_id", Kind.TEXT, "Key of that fact."),
        Column("event_ids", Kind.IDS, "Events that show it."),
        Column("event_time", Kind.MOMENT, "Instant of the first of them."),
    ),
    indexes=(("tenant", "rule"),),
)
