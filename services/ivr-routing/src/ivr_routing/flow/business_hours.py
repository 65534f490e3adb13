"""When a place is open: weekly hours, holidays and dated overrides in a time zone, right across clock changes. Pure.

An opening belongs to the local day on which it begins, also where it goes on past midnight; a holiday or an override
replaces what begins on its day. A local time that a clock change skips is the instant of the change; of one that comes
twice, openings begin at the first and end at the second, in favour of the caller.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

DAY: Final = timedelta(days=1)
FARTHEST: Final = timedelta(days=400)
"""How far ahead `next_open` looks: a year of holidays and more."""


@dataclass(frozen=True, slots=True, order=True)
class Opening:
    """From when to when on a local day; minutes after midnight. The end lies beyond 1,440 if it is on the next day."""

    begins_minutes: int
    ends_minutes: int


@dataclass(frozen=True, slots=True)
class BusinessHours:
    """Openings by weekday (Monday is 0) and by date; a date that is listed, even with none, beats its weekday."""

    zone: tzinfo
    weekly: Mapping[int, tuple[Opening, ...]]
    dated: Mapping[date, tuple[Opening, ...]] = field(default_factory=dict)


def is_open(hours: BusinessHours, at: datetime) -> bool:
    """Whether the place is open at an instant; one that begins then is open, one that ends then is not."""
    return any(begins <= at < ends for begins, ends in _around(hours, at, DAY))


def next_open(hours: BusinessHours, at: datetime) -> datetime | None:
    """Return the first instant, not before `at`, when it is open, in UTC; None if there is none within FARTHEST."""
    for begins, ends in _around(hours, at, FARTHEST):
        if ends > at:
            return max(begins, at.astimezone(UTC))
    return None


def _around(hours: BusinessHours, at: datetime, ahead: timedelta) -> Iterator[tuple[datetime, datetime]]:
    """Yield openings in UTC, in order, from those that may still last at an instant to those of some days ahead."""
    local = at.astimezone(hours.zone).date()
    for number in range(-2, ahead // DAY + 1):
        yield from spans(hours, local + number * DAY)


def spans(hours: BusinessHours, day: date) -> Iterator[tuple[datetime, datetime]]:
    """Yield the openings that begin on a local day, as instants in UTC; those that a clock change swallows are none."""
    for opening in sorted(hours.dated.get(day, hours.weekly.get(day.weekday(), ()))):
        begins = instant(hours.zone, day, opening.begins_minutes, later=False)
        ends = instant(hours.zone, day, opening.ends_minutes, later=True)
        if begins < ends:
            yield begins, ends


def instant(zone: tzinfo, day: date, minutes: int, *, later: bool) -> datetime:
    """Return the instant of a local time, in UTC: the earlier or the later of two, the change itself if skipped."""
    wall = datetime.combine(day, time()) + timedelta(minutes=minutes)
    first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if second < first:  # skipped: read with the offset before the change it lies after it, and the other way round
        return _change(zone, second, first)
    return second if later else first


def _change(zone: tzinfo, before: datetime, after: datetime) -> datetime:
    """Return the first second after `before`, up to `after`, that has the offset of `after`."""
    offset = after.astimezone(zone).utcoffset()
    low, high = 0, int((after - before).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        if (before + timedelta(seconds=middle)).astimezone(zone).utcoffset() == offset:
            high = middle
        else:
            low = middle
    return before + timedelta(seconds=high)
