"""The facts that a phone system tells of its agents: changes of their states, and rings.

An agent's stream is cut by UTC day, and rows name it, so that the rows of one stream can be replaced. What depends on
several changes (which spell ended when) or on two days is told by the views.
"""

from typing import Final

from metrics.fact.declaration import OWN_ID, Column, Fact, Kind, Reducer, Told, at, of

_CHANGES: Final = ("AgentStateChanged", "AgentLoggedIn", "AgentLoggedOut")
_RINGS: Final = ("AgentRingStarted", "AgentRingEnded")


def _agent(*events: str) -> Column:
    sentence = "Agent, as the tenant names them."
    return Column("agent", Kind.TEXT, sentence, Reducer.AGREED, of("agent", *events), personal=True)


_STREAM: Final = Column("stream_id", Kind.ID, "Stream of the log that it was told in.", inner=True)

AGENT_SPELL: Final = Fact(
    name="agent_spell",
    sentence="A spell of an agent in one state, from what begins it to the agent's next change.",
    category="agent",
    entity="spell_id",
    key=(_agent(*_CHANGES), Column("spell_id", Kind.ID, "The spell."), _STREAM),
    columns=(
        Column(
            "told_by",
            Kind.WORD,
            "What told the change: state, login, logout.",
            Reducer.AGREED,
            (
                Told("AgentStateChanged", constant="state"),
                Told("AgentLoggedIn", constant="login"),
                Told("AgentLoggedOut", constant="logout"),
            ),
            inner=True,
        ),
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
        Column("reason", Kind.TEXT, "Reason of not_ready, as told.", Reducer.AGREED, of("reason", "AgentStateChanged")),
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
            "Endpoint they signed in with.",
            Reducer.AGREED,
            of("endpoint", "AgentLoggedIn", "AgentLoggedOut"),
            personal=True,
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
            "previous_state",
            Kind.WORD,
            "State that the change ended, as told.",
            Reducer.AGREED,
            of("previous_state", "AgentStateChanged", words="AgentState"),
            inner=True,
        ),
        Column(
            "previous_since",
            Kind.MOMENT,
            "When the state that the change ended had begun, as told.",
            Reducer.EARLIEST,
            of("previous_since", "AgentStateChanged"),
            inner=True,
        ),
        Column(
            "position", Kind.NUMBER, "Position of the event that told it.", Reducer.EARLIEST, of("@position", *_CHANGES)
        ),
    ),
    ids=dict.fromkeys(_CHANGES, OWN_ID),
    indexes=(("tenant", "agent", "started_time"), ("tenant", "stream_id")),
)

AGENT_RING: Final = Fact(
    name="agent_ring",
    sentence="The ringing of an agent's endpoint for a contact.",
    category="agent",
    entity="ring_id",
    key=(_agent(*_RINGS), Column("ring_id", Kind.ID, "The ring."), _STREAM),
    columns=(
        Column("contact_id", Kind.ID, "Contact it rang for.", Reducer.AGREED, of("contact_id", *_RINGS)),
        Column("visit_id", Kind.ID, "Queue visit it rang for.", Reducer.AGREED, of("visit_id", *_RINGS)),
        Column("queue", Kind.TEXT, "Queue it rang for.", Reducer.AGREED, of("queue", *_RINGS)),
        Column("endpoint", Kind.TEXT, "Endpoint that rang.", Reducer.AGREED, of("endpoint", *_RINGS), personal=True),
        Column("source_id", Kind.TEXT, "Source that told it.", Reducer.AGREED, of("@source_id", *_RINGS)),
        Column(
            "told_started_time",
            Kind.MOMENT,
            "When its start was told.",
            Reducer.ONCE,
            at("AgentRingStarted"),
            inner=True,
        ),
        Column("ended_time", Kind.MOMENT, "When it ended; null while it rings.", Reducer.ONCE, at("AgentRingEnded")),
        Column(
            "told_ring_id",
            Kind.ID,
            "Id that its end was told under; empty: under none.",
            Reducer.AGREED,
            of("ring_id", "AgentRingEnded"),
            inner=True,
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
    ids=dict.fromkeys(_RINGS, OWN_ID),
    indexes=(("tenant", "agent", "ended_time"), ("tenant", "contact_id"), ("tenant", "stream_id")),
)
