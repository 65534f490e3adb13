"""Ids of agents' spells and rings: as told, else by the recipe that every teller shares."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import polars as pl

from contact_life.identity import agent_id, agent_ring_id, agent_spell_id
from contact_life.words import AgentState, word
from metrics.fact.agent import OWN_ID

_Recipe = Callable[[str, Any, int], str]

OWN_IDS: Final[Mapping[str, tuple[str, str, _Recipe]]] = {
    "AgentStateChanged": (
        "spell_id",
        "state",
        lambda agent, state, at: agent_spell_id(agent, word(AgentState, state), at),
    ),
    "AgentLoggedIn": ("", "queue", lambda agent, queue, at: agent_spell_id(agent, f"login {queue}", at)),
    "AgentLoggedOut": ("", "queue", lambda agent, queue, at: agent_spell_id(agent, f"logout {queue}", at)),
    "AgentRingStarted": ("ring_id", "contact_id", agent_ring_id),
    "AgentRingEnded": ("ring_id", "contact_id", agent_ring_id),
}
"""By type: the field that tells the id (empty: none does), the field the recipe takes, the recipe.

Signing in and out names no state; a queue keeps apart what is told of several at one instant.
"""


def own_ids(name: str, told: pl.DataFrame) -> pl.Series:
    """Return the id of each spell or ring that events of a type tell of."""
    id_field, field, recipe = OWN_IDS[name]
    ids = told[id_field] if id_field else [""] * told.height
    rows = zip(ids, told["@tenant"], told["agent"], told[field], told["@event_time"], strict=True)
    found = [given or recipe(agent_id(tenant, agent), value, at) for given, tenant, agent, value, at in rows]
    return pl.Series(OWN_ID, found, dtype=pl.String)


def own_id(name: str, body: Any, tenant: str, event_time_us: int) -> str:
    """Return the id of the spell or ring that one event tells of."""
    id_field, field, recipe = OWN_IDS[name]
    given = getattr(body, id_field) if id_field else ""
    return str(given or recipe(agent_id(tenant, body.agent), getattr(body, field), event_time_us))
