"""The interval a question is about: from, to, in which zone, cut how, crediting by what; no I/O."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, available_timezones

from metrics.errors import InvalidInterval, UnknownTimeZone
from metrics.evidence.evidence import Credit
from metrics.interval.calendar import EPOCH, SECOND_US, Granularity, Part, day_start_us, local_us, parts

EARLIEST_US = int((datetime(1900, 1, 1, tzinfo=UTC) - EPOCH).total_seconds()) * SECOND_US
LATEST_US = int((datetime(2200, 1, 1, tzinfo=UTC) - EPOCH).total_seconds()) * SECOND_US
AT_MOST_PARTS = 40_000
"""Quarters of an hour of a year, and some."""
_MONDAY, _SUNDAY = 1, 7


@dataclass(frozen=True, slots=True)
class Interval:
    """[from_us, to_us) in a zone; InvalidInterval where it is none."""

    from_us: int
    to_us: int
    zone: ZoneInfo
    granularity: Granularity = Granularity.WHOLE
    week_start: int = _MONDAY
    credit: Credit = Credit.ENQUEUE

    def __post_init__(self) -> None:
        """Refuse what is no interval."""
        if not EARLIEST_US <= self.from_us < self.to_us <= LATEST_US:
            raise InvalidInterval
        if not _MONDAY <= self.week_start <= _SUNDAY:
            raise InvalidInterval

    def parts(self) -> tuple[Part, ...]:
        """Return the parts in order, cut once and remembered a while; TooManyParts beyond AT_MOST_PARTS."""
        return _parts(self)


@lru_cache(maxsize=64)
def _parts(interval: Interval) -> tuple[Part, ...]:
    """Return the parts of an interval; a year of quarter-hours takes a tenth of a second."""
    ends = (interval.from_us, interval.to_us)
    return tuple(
        parts(*ends, interval.granularity, interval.zone, week_start=interval.week_start, at_most=AT_MOST_PARTS)
    )


@cache
def _zones() -> dict[str, str]:
    return {name.lower(): name for name in available_timezones()}


def zone_named(name: str) -> ZoneInfo:
    """Return the zone of an IANA name, in any case; UnknownTimeZone for any other text."""
    known = _zones().get(name.lower())
    if known is None:
        raise UnknownTimeZone
    return ZoneInfo(known)


def instant_us(text: str, zone: ZoneInfo) -> int:
    """Return the instant of an ISO 8601 date (its first instant there), local time or time with an offset."""
    try:
        if len(text) == len("1999-01-31"):
            return day_start_us(date.fromisoformat(text), zone)
        told = datetime.fromisoformat(text)
        if told.tzinfo is None:
            return local_us(told.replace(tzinfo=zone))
        return (told.astimezone(UTC) - EPOCH) // (datetime.resolution)
    except (ValueError, OverflowError):
        raise InvalidInterval from None
