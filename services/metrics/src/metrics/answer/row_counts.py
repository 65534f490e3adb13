"""How many rows of each fact a tenant has: counted while they are few, else as the database estimates them.

Counting costs what is counted, so it ends soon; the planner's estimate for this one tenant tells nothing of others.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from metrics.connection import Connection
from metrics.fact.catalogue import FACTS
from metrics.fact.declaration import Fact

AT_MOST: Final = 10_000
"""Rows of a fact that are counted; beyond it their number is estimated."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows by name of fact, and the facts of which they are an estimate."""

    rows: Mapping[str, int]
    estimated: tuple[str, ...]


async def row_counts(connection: Connection, generation: str, tenant: str) -> Counts:
    """Return how many rows a tenant has in a generation."""
    few = ", ".join(
        f"(select count(*) from (select from {_rows(generation, fact)} limit {AT_MOST + 1}) few) as {fact.name}"  # noqa: S608
        for fact in FACTS
    )
    counted = await connection.fetchrow(f"select {few}", tenant)
    rows = dict(counted) if counted else {}
    many = [fact for fact in FACTS if rows[fact.name] > AT_MOST]
    for fact in many:
        rows[fact.name] = max(rows[fact.name], await _estimated(connection, generation, fact, tenant))
    return Counts(rows, tuple(fact.name for fact in many))


def _rows(generation: str, fact: Fact) -> str:
    present = f" and {fact.present}" if fact.present else ""
    return f'"{generation}".{fact.name} where tenant = $1{present}'


async def _estimated(connection: Connection, generation: str, fact: Fact, tenant: str) -> int:
    """Return what the planner expects of one tenant's rows."""
    told = await connection.fetchval(f"explain (format json) select from {_rows(generation, fact)}", tenant)
    return int(json.loads(told)[0]["Plan"]["Plan Rows"])
