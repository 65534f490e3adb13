"""The record that somebody read something about agents: written before the answer leaves, or there is no answer."""

from dataclasses import dataclass

from metrics import telemetry
from metrics.interval.interval import Interval
from metrics.people.policy import Reach
from service_host import call
from service_host.postgres import Database

LONGEST_PURPOSE = 200
_INSERT = """
insert into metrics.people_read (tenant, reader, method, agents, team, from_time, to_time, purpose, request_id)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading: by which method, how far, about when, and why."""

    method: str
    reach: Reach
    interval: Interval
    purpose: str


async def record(database: Database, reading: Reading) -> None:
    """Keep that the caller of the running call reads this."""
    now = call.current()
    await database.execute(
        _INSERT,
        now.caller.tenant,
        now.caller.subject,
        reading.method,
        list(reading.reach.agents or ()),
        reading.reach.team or "",
        reading.interval.from_us,
        reading.interval.to_us,
        reading.purpose[:LONGEST_PURPOSE].replace("\0", ""),
        now.request_id,
    )
    telemetry.PEOPLE_READ.info(method=reading.method, request_id=now.request_id)
