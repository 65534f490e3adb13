"""The facts of how routing is configured that other facts are shown by: which source counts, and who serves what.

Each configuration is a row, and the latest by position counts: a queue or agent that was forgotten counts its versions
from 1 again.
"""

from typing import Final

from metrics.fact.declaration import IVR_ROUTING, Column, Fact, Kind, Reducer, Told, at, of

BETWEEN_QUEUES: Final = "\n"
_STREAM: Final = Column("stream_id", Kind.ID, "Stream of the log that it was told in.", inner=True)
_POSITION: Final = Column("position", Kind.NUMBER, "Position of the event in routing's log.")

ROUTED_QUEUE: Final = Fact(
    name="routed_queue",
    sentence="A configuration of a queue in routing; the latest names the source that counts.",
    category="queue",
    log=IVR_ROUTING,
    entity="position",
    key=(_STREAM, _POSITION),
    columns=(
        Column("queue", Kind.TEXT, "The queue.", Reducer.AGREED, of("queue", "QueueConfigured")),
        Column(
            "counts",
            Kind.WORD,
            "Source that counts for its offers and its agents' states: routing, phone_system; empty: routing.",
            Reducer.AGREED,
            of("rules.counts", "QueueConfigured", words="CountedSource"),
        ),
        Column("configured_time", Kind.MOMENT, "When.", Reducer.EARLIEST, at("QueueConfigured")),
    ),
    ids={"QueueConfigured": "@position"},
    nameless=True,
    indexes=(("tenant", "queue", "position"),),
)

ROUTED_AGENT: Final = Fact(
    name="routed_agent",
    sentence="A configuration of an agent in routing; the latest says which queues they serve.",
    category="agent",
    log=IVR_ROUTING,
    entity="position",
    key=(_STREAM, _POSITION),
    columns=(
        Column("agent", Kind.TEXT, "The agent.", Reducer.AGREED, of("agent", "AgentConfigured"), personal=True),
        Column(
            "queues",
            Kind.TEXT,
            "Queues they serve, each on a line.",
            Reducer.AGREED,
            (Told("AgentConfigured", "rules.queues", joined=BETWEEN_QUEUES),),
        ),
        Column("configured_time", Kind.MOMENT, "When.", Reducer.EARLIEST, at("AgentConfigured")),
    ),
    ids={"AgentConfigured": "@position"},
    nameless=True,
    indexes=(("tenant", "agent", "position"),),
)
