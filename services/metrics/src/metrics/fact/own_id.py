"""Ids of agents' spells and rings, and of customers' answers: as told, else by the recipe that every teller shares."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from contact_life.identity import agent_id, agent_ring_id, agent_spell_id, survey_answer_id
from contact_life.words import AgentState, word
from metrics.fact.declaration import OWN_ID


@dataclass(frozen=True, slots=True)
class OwnId:
    """The fields that an id is made from, and how: of tenant, event time and these."""

    paths: tuple[str, ...]
    recipe: Callable[..., str]


def _spell(tenant: str, at: int, told: str, agent: str, state: int) -> str:
    return told or agent_spell_id(agent_id(tenant, agent), word(AgentState, state), at)


def _signed(way: str) -> OwnId:
    """Signing in and out names no state; a queue keeps apart what is told of several at one instant."""
    return OwnId(
        ("agent", "queue"),
        lambda tenant, at, agent, queue: agent_spell_id(agent_id(tenant, agent), f"{way} {queue}", at),
    )


def _ring(tenant: str, at: int, told: str, agent: str, contact: str) -> str:
    return told or agent_ring_id(agent_id(tenant, agent), contact, at)


_RING: Final = OwnId(("ring_id", "agent", "contact_id"), _ring)
OWN_IDS: Final[Mapping[str, OwnId]] = {
    "AgentStateChanged": OwnId(("spell_id", "agent", "state"), _spell),
    "AgentLoggedIn": _signed("login"),
    "AgentLoggedOut": _signed("logout"),
    "AgentRingStarted": _RING,
    "AgentRingEnded": _RING,
    "SurveyAnswered": OwnId(
        ("survey", "question", "assignment_id"), lambda _tenant, _at, *names: survey_answer_id(*names)
    ),
}


def own_ids(name: str, told: pl.DataFrame) -> pl.Series:
    """Return the id of what each event of a type tells of."""
    made = OWN_IDS[name]
    rows = zip(told["@tenant"], told["@event_time"], *(told[path] for path in made.paths), strict=True)
    return pl.Series(OWN_ID, [made.recipe(*row) for row in rows], dtype=pl.String)


def own_id(name: str, body: Any, tenant: str, event_time_us: int) -> str:
    """Return the id of what one event tells of."""
    made = OWN_IDS[name]
    return made.recipe(tenant, event_time_us, *(getattr(body, path) for path in made.paths))
