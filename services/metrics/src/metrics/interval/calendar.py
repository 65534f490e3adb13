"""Where the parts of an interval begin: quarters, halves, hours, days, weeks and months of a time zone.

Parts shorter than a day follow the wall clock: one begins at every full quarter, half or hour that the clock shows and
at every change of the zone's offset. A day on which the clock is set back an hour has 50 half-hours, one on which it is
set forward 46; where it is set by half an hour (Lord Howe) 49 and 47. Days, weeks and months begin at the first instant
that shows their date; a date that the zone left out (Samoa, 2011-12-30) has no part. Zones are IANA's, historic offsets
included. All instants are microseconds since 1970 UTC.
"""

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from metrics.errors import TooManyParts

SECOND_US = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = 60


class Granularity(enum.StrEnum):
    """Length of a part."""

    WHOLE = "whole"
    QUARTER_HOUR = "quarter_hour"
    HALF_HOUR = "half_hour"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


_WALL_SECONDS = {
    Granularity.QUARTER_HOUR: 15 * _MINUTE,
    Granularity.HALF_HOUR: 30 * _MINUTE,
    Granularity.HOUR: 60 * _MINUTE,
}
SHORTEST_SECONDS = {
    **_WALL_SECONDS,
    Granularity.DAY: 23 * 3600,
    Granularity.WEEK: 167 * 3600,
    Granularity.MONTH: 27 * 86_400,
}
"""About how long the shortest regular part is: what bounds how many an interval can have."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part: from an instant until before another, and the zone's offset from UTC at its beginning, in seconds."""

    start_us: int
    end_us: int
    utc_offset_seconds: int


def parts(  # the calendar of an interval has this many sides
    from_us: int,
    to_us: int,
    granularity: Granularity,
    zone: ZoneInfo,
    *,
    week_start: int = 1,
    at_most: int,
) -> list[Part]:
    """Cut [from_us, to_us) into parts; the first and the last are clipped to it. TooManyParts beyond `at_most`."""
    if granularity is not Granularity.WHOLE:
        span_seconds = (to_us - from_us) // SECOND_US
        if span_seconds // SHORTEST_SECONDS[granularity] > at_most:
            raise TooManyParts
    starts = [from_us, *_inner_starts(from_us, to_us, granularity, zone, week_start), to_us]
    return [Part(start, end, offset_seconds(start, zone)) for start, end in pairwise(starts) if start < end]


def offset_seconds(instant_us: int, zone: ZoneInfo) -> int:
    """Return the zone's offset from UTC at an instant, in seconds east."""
    offset = (EPOCH + timedelta(microseconds=instant_us)).astimezone(zone).utcoffset()
    assert offset is not None, "a zone always has an offset"
    return int(offset.total_seconds())


def day_start_us(day: date, zone: ZoneInfo) -> int:
    """Return the first instant whose local date is `day` or, where the zone left that date out, the next one."""
    return local_us(datetime(day.year, day.month, day.day, tzinfo=zone))


def local_us(local: datetime) -> int:
    """Return the instant a local time stands for: the earlier of two, the jump where the clock skipped it."""
    zone = local.tzinfo
    assert isinstance(zone, ZoneInfo), "the local time names its zone"
    early = _instant_us(local.replace(fold=0))
    late = _instant_us(local.replace(fold=1))
    if late < early:  # the clock skipped it: fold=0 reckons with the offset before the jump, fold=1 with the one after
        return _jump_us(late, early, zone)
    return early


def _instant_us(local: datetime) -> int:
    return (local.astimezone(UTC) - EPOCH) // timedelta(microseconds=1)


def _inner_starts(from_us: int, to_us: int, granularity: Granularity, zone: ZoneInfo, week_start: int) -> Iterator[int]:
    if granularity in _WALL_SECONDS:
        starts = _wall_starts(from_us, to_us, _WALL_SECONDS[granularity], zone)
    elif granularity is Granularity.WHOLE:
        starts = iter(())
    else:
        starts = _date_starts(from_us, to_us, granularity, zone, week_start)
    return (start for start in starts if from_us < start < to_us)


def _wall_starts(from_us: int, to_us: int, seconds: int, zone: ZoneInfo) -> Iterator[int]:
    start = from_us
    while start < to_us:
        start = _next_wall_start(start, seconds, zone)
        yield start


def _next_wall_start(start_us: int, seconds: int, zone: ZoneInfo) -> int:
    """Return the next full step of the wall clock, or the change of offset if that comes first."""
    offset = offset_seconds(start_us, zone)
    step_us = seconds * SECOND_US
    offset_us = offset * SECOND_US
    following = ((start_us + offset_us) // step_us + 1) * step_us - offset_us
    if offset_seconds(following, zone) == offset:
        return following
    return _jump_us(start_us, following, zone)


def _jump_us(before_us: int, after_us: int, zone: ZoneInfo) -> int:
    """Return the first second in (before, after] with the offset of `after`; zones change at full seconds."""
    low, high = before_us // SECOND_US, after_us // SECOND_US
    target = offset_seconds(after_us, zone)
    while high - low > 1:
        middle = (low + high) // 2
        if offset_seconds(middle * SECOND_US, zone) == target:
            high = middle
        else:
            low = middle
    return high * SECOND_US


def _date_starts(from_us: int, to_us: int, granularity: Granularity, zone: ZoneInfo, week_start: int) -> Iterator[int]:
    day = (EPOCH + timedelta(microseconds=from_us)).astimezone(zone).date()
    start = from_us
    while start < to_us:
        day = _next_date(day, granularity, week_start)
        start = day_start_us(day, zone)
        yield start


def _next_date(day: date, granularity: Granularity, week_start: int) -> date:
    """Return the first date after `day` that begins a day, week or month."""
    if granularity is Granularity.MONTH:
        return date(day.year + day.month // 12, day.month % 12 + 1, 1)
    if granularity is Granularity.WEEK:
        return day + timedelta(days=(week_start - day.isoweekday() - 1) % 7 + 1)
    return day + timedelta(days=1)
