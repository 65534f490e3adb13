"""The facts that a phone system tells of its agents: spells in states, and rings."""

from typing import Final

from metrics.fact.declaration import Column, Fact, Kind, Reducer, Told, at, of

_AGENT: Final = Column("agent", Kind.TEXT, "Agent, as the tenant names them.", personal=True)
_CHANGES: Final = ("AgentStateChanged", "AgentLoggedIn", "AgentLoggedOut")
_RINGS: Final = ("AgentRingStarted", "AgentRingEnded")

AGENT_SPELL: Final = Fact(
    name="agent_spell",
    sentence="A spell of an agent in one state, from what begins it to the agent's next change.",
    category="agent",
    key=(_AGENT, Column("spell_id", Kind.ID, "The spell.")),
    columns=(
        Column(
            "state",
            Kind.WORD,
            "State: available, reserved, on_contact, wrap_up, held_for_reconnect, not_ready, unreachable, offline.",
            Reducer.AGREED,
            (
                *of("state", "AgentStateChanged", words="AgentState"),
                Told("AgentLoggedIn", constant="available"),
                Told("AgentLoggedOut", constant="offline"),
            ),
        ),
        Column(
            "reason",
            Kind.TEXT,
            "Reason of not_ready, or what ended the sign-in.",
            Reducer.AGREED,
            (*of("reason", "AgentStateChanged"), *of("cause", "AgentLoggedOut")),
        ),
        Column(
            "queue",
            Kind.TEXT,
            "Queue the state is about; empty: all of theirs.",
            Reducer.AGREED,
            of("queue", *_CHANGES),
        ),
        Column(
            "endpoint",
            Kind.TEXT,
            "Endpoint they signed in or out with.",
            Reducer.AGREED,
            of("endpoint", "AgentLoggedIn", "AgentLoggedOut"),
        ),
        Column(
            "contact_id",
            Kind.ID,
            "Contact that caused the change.",
            Reducer.AGREED,
            of("contact_id", "AgentStateChanged"),
        ),
        Column("source_id", Kind.TEXT, "Source that told it.", Reducer.AGREED, of("@source_id", *_CHANGES)),
        Column("started_time", Kind.MOMENT, "When it began.", Reducer.EARLIEST, at(*_CHANGES)),
        Column(
            "position", Kind.NUMBER, "Position of the event that told it.", Reducer.EARLIEST, of("@position", *_CHANGES)
        ),
    ),
    ids=dict.fromkeys(_CHANGES, "spell_id"),
    indexes=(("tenant", "agent", "started_time"),),
)

AGENT_RING: Final = Fact(
    name="agent_ring",
    sentence="The ringing of an agent's endpoint for a contact.",
    category="agent",
    key=(_AGENT, Column("ring_id", Kind.ID, "The ring.")),
    columns=(
        Column("contact_id", Kind.ID, "Contact it rang for.", Reducer.AGREED, of("contact_id", *_RINGS)),
        Column("visit_id", Kind.ID, "Queue visit it rang for.", Reducer.AGREED, of("visit_id", *_RINGS)),
        Column("queue", Kind.TEXT, "Queue it rang for.", Reducer.AGREED, of("queue", *_RINGS)),
        Column("endpoint", Kind.TEXT, "Endpoint that rang.", Reducer.AGREED, of("endpoint", *_RINGS)),
        Column("source_id", Kind.TEXT, "Source that told it.", Reducer.AGREED, of("@source_id", *_RINGS)),
        Column(
            "told_started_time",
            Kind.MOMENT,
            "When its start was told.",
            Reducer.EARLIEST,
            at("AgentRingStarted"),
            inner=True,
        ),
        Column(
            "ended_time", Kind.MOMENT, "When it ended; null while it rings.", Reducer.EARLIEST, at("AgentRingEnded")
        ),
        Column(
            "told_ring_us",
            Kind.LENGTH,
            "How long it was told to have rung.",
            Reducer.EARLIEST,
            (Told("AgentRingEnded", "ring_ms", unit_us=1_000),),
            inner=True,
        ),
        Column(
            "outcome",
            Kind.WORD,
            "How it ended, as told: answered, no_answer, rejected, caller_gone, failed.",
            Reducer.AGREED,
            of("outcome", "AgentRingEnded", words="RingOutcome"),
        ),
        Column("started_time", Kind.MOMENT, "When it began; from its end and length where no start was told."),
        Column("ring_us", Kind.LENGTH, "How long it rang; null while it rings and where it is not known."),
    ),
    ids=dict.fromkeys(_RINGS, "ring_id"),
    indexes=(("tenant", "agent", "ended_time"), ("tenant", "contact_id")),
)
