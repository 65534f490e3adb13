"""The fact of a contact's legs."""

from typing import Final

from metrics.fact.declaration import CONTACT_ID, Column, Fact, Kind, Reducer, at, of

_LEG_EVENTS: Final = ("LegCreated", "LegRinging", "LegAnswered", "LegEnded")
_LEG_MENTIONS: Final = ("LegHeld", "LegResumed", "LegMediaLost", "LegMediaBack", "LegQuality")

LEG: Final = Fact(
    name="leg",
    sentence="One signalling path to one endpoint.",
    category="contact",
    entity="leg_id",
    key=(CONTACT_ID, Column("leg_id", Kind.TEXT, "The source's id of the leg; empty if it gave none.")),
    columns=(
        Column(
            "role",
            Kind.WORD,
            "What it is there for: caller, agent, consult_target, callback, redial, supervisor, voicemail, external.",
            Reducer.AGREED,
            of("role", *_LEG_EVENTS, words="LegRole"),
        ),
        Column(
            "direction",
            Kind.WORD,
            "Which way it was set up.",
            Reducer.ONCE,
            of("direction", "LegCreated", words="Direction"),
        ),
        Column(
            "endpoint", Kind.TEXT, "Endpoint it leads to.", Reducer.ONCE, of("endpoint", "LegCreated"), personal=True
        ),
        Column("trunk", Kind.TEXT, "Trunk it came or went by.", Reducer.ONCE, of("trunk", "LegCreated")),
        Column(
            "agent",
            Kind.TEXT,
            "Agent behind it, empty if none or unknown.",
            Reducer.AGREED,
            of("agent", *_LEG_EVENTS),
            personal=True,
        ),
        Column("created_time", Kind.MOMENT, "When it was begun.", Reducer.ONCE, at("LegCreated")),
        Column("ringing_time", Kind.MOMENT, "When it rang first.", Reducer.ONCE, at("LegRinging")),
        Column("answered_time", Kind.MOMENT, "When it was answered.", Reducer.ONCE, at("LegAnswered")),
        Column("ended_time", Kind.MOMENT, "When it ended.", Reducer.ONCE, at("LegEnded")),
        Column(
            "end_cause_protocol",
            Kind.TEXT,
            "Protocol of the end cause: q850, sip, vendor:<name>.",
            Reducer.ONCE,
            of("end_cause.protocol", "LegEnded"),
        ),
        Column(
            "end_cause_code",
            Kind.TEXT,
            "Code of the end cause within its protocol.",
            Reducer.ONCE,
            of("end_cause.code", "LegEnded"),
        ),
        Column(
            "ended_how",
            Kind.WORD,
            "How the end came about: received_bye, sent_bye, media_timeout, node_failure, api.",
            Reducer.ONCE,
            of("ended_how", "LegEnded", words="EndedHow"),
        ),
        Column(
            "release_side",
            Kind.WORD,
            "Who ended it: caller, agent, supervisor, platform, network.",
            Reducer.ONCE,
            of("release_side", "LegEnded", words="ReleaseSide"),
        ),
        Column(
            "inferred",
            Kind.FLAG,
            "Whether its end was concluded rather than told.",
            Reducer.ONCE,
            of("observation.inferred", "LegEnded"),
        ),
        Column(
            "assignment_id",
            Kind.ID,
            "Spell of the agent that it serves.",
            Reducer.AGREED,
            of("assignment_id", "LegCreated", "LegAnswered", "LegEnded"),
            inner=True,
        ),
        Column(
            "ring_visit_id",
            Kind.ID,
            "Queue visit that it rang for.",
            Reducer.AGREED,
            of("visit_id", "LegRinging"),
            inner=True,
        ),
    ),
    ids=dict.fromkeys((*_LEG_EVENTS, *_LEG_MENTIONS), "leg_id"),
    nameless=True,
)
