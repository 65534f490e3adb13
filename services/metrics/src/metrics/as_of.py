"""How current the facts are: how far they follow each log, when it was heard of, and what was set aside on the way."""

from dataclasses import dataclass
from typing import Final

from metrics.connection import Connection

SILENT_US: Final = 10_000_000
"""A log not heard of for so long may hold what no answer knows; it is asked every second."""
_READ = """
select c.log_id, min(c.incarnation) as incarnation, min(c.position) as position,
       coalesce(min(c.record_time) filter (where c.position < c.head_position and c.record_time > 0),
                max(c.record_time)) as record_time,
       greatest(max(c.head_position), max(h.head_position)) as head_position, max(c.stopped) as stopped,
       coalesce(max(h.heard_time), 0) as heard_time,
       (select count(*) from metrics.parked_event p where p.schema_name = c.schema_name and p.tenant = $1) as parked
from metrics.live_generation g join metrics.cursor c on c.schema_name = g.schema_name
left join metrics.heard h on h.log_id = c.log_id and h.incarnation = c.incarnation
group by c.schema_name, c.log_id
order by c.log_id
"""


@dataclass(frozen=True, slots=True)
class Followed:
    """A log and the position up to which facts are whole: the lowest, where it is read by partitions.

    `heard_us` is when the log was last heard of, 0 if never; `head_position` how far it was then, or when followed.
    """

    log_id: str
    incarnation: int
    position: int
    head_position: int
    stopped: str
    heard_us: int = 0


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
    def heard_us(self) -> int | None:
        """Return when all of the logs were heard of last; None before they first were."""
        return min((log.heard_us for log in self.logs), default=0) or None

    def following(self, now_us: int) -> bool:
        """Whether facts follow every log, and every one of them is heard of."""
        return bool(self.logs) and not any(log.stopped for log in self.logs) and not self._is_silent(now_us)

    def is_current(self, now_us: int) -> bool:
        """Whether the facts have all that was told up to a few seconds ago."""
        return self.following(now_us) and not self.behind

    def position(self, log_id: str) -> int | None:
        """Return how far facts follow a log; None if they do not."""
        return next((log.position for log in self.logs if log.log_id == log_id), None)

    def known_us(self, now_us: int) -> int:
        """Return the instant up to which facts know what happened: now, unless they lag or a log is silent."""
        if self.behind and self.time_us is not None:
            return self.time_us
        heard = self.heard_us
        return min(heard, now_us) if heard is not None and self._is_silent(now_us) else now_us

    def _is_silent(self, now_us: int) -> bool:
        heard = self.heard_us
        return heard is None or now_us - heard > SILENT_US


async def read(connection: Connection, tenant: str) -> AsOf:
    """Return how current the live facts are, as this connection's transaction sees them."""
    rows = await connection.fetch(_READ, tenant)
    logs = tuple(
        Followed(
            row["log_id"], row["incarnation"], row["position"], row["head_position"], row["stopped"], row["heard_time"]
        )
        for row in rows
    )
    times = [row["record_time"] for row in rows if row["record_time"]]
    return AsOf(logs, max(times, default=None), max((row["parked"] for row in rows), default=0))
