"""Spells of an agent in a state, as a phone system tells them."""

from dataclasses import dataclass

from contact_life.observed import Observed


@dataclass(frozen=True, slots=True)
class AgentSpell:
    """An agent's stay in one state; instants and lengths in microseconds, an end of None while it lasts.

    `state` is an AgentState; signed in is every state but OFFLINE. `queue` is empty where the state is for all of the
    agent's queues. `assumed` says that nobody told the state: who signs in is available until another state is told.
    """

    spell_id: str
    agent: str
    queue: str
    state: int
    reason: str
    started_time_us: int
    ended_time_us: int | None
    length_us: int | None
    inferred: bool
    assumed: bool
    contact_id: str
    source_id: str
    events: tuple[Observed, ...]
