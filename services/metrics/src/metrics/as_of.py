"""How current the facts are: how far they follow each log, and what was set aside on the way."""

from dataclasses import dataclass

from metrics.connection import Connection

_READ = """
select c.log_id, min(c.incarnation) as incarnation, min(c.position) as position,
       coalesce(min(c.record_time) filter (where c.position < c.head_position and c.record_time > 0),
                max(c.record_time)) as record_time,
       max(c.head_position) as head_position, max(c.stopped) as stopped,
       (select count(*) from metrics.parked_event p where p.schema_name = c.schema_name and p.tenant = $1) as parked
from metrics.live_generation g join metrics.cursor c on c.schema_name = g.schema_name
group by c.schema_name, c.log_id
order by c.log_id
"""


@dataclass(frozen=True, slots=True)
class Followed:
    """A log and the position up to which facts are whole: the lowest, where it is read by partitions."""

    log_id: str
    incarnation: int
    position: int
    head_position: int
    stopped: str


@dataclass(frozen=True, slots=True)
class AsOf:
    """The logs followed, the record time of the last event folded (None before the first), the tenant's parked."""

    logs: tuple[Followed, ...]
    time_us: int | None
    parked: int

    @property
    def behind(self) -> int:
        """Events known to be in the logs and not yet folded."""
        return sum(max(0, log.head_position - log.position) for log in self.logs)

    @property
    def following(self) -> bool:
        """Whether facts follow every log."""
        return bool(self.logs) and not any(log.stopped for log in self.logs)

    def position(self, log_id: str) -> int | None:
        """Return how far facts follow a log; None if they do not."""
        return next((log.position for log in self.logs if log.log_id == log_id), None)

    def known_us(self, now_us: int) -> int:
        """Return the instant up to which facts know what happened: now, or the last event folded while they lag."""
        return self.time_us if self.behind and self.time_us is not None else now_us


async def read(connection: Connection, tenant: str) -> AsOf:
    """Return how current the live facts are, as this connection's transaction sees them."""
    rows = await connection.fetch(_READ, tenant)
    logs = tuple(
        Followed(row["log_id"], row["incarnation"], row["position"], row["head_position"], row["stopped"])
        for row in rows
    )
    times = [row["record_time"] for row in rows if row["record_time"]]
    return AsOf(logs, max(times, default=None), max((row["parked"] for row in rows), default=0))
