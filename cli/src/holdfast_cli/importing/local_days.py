"""Local dates and times of day to instants UTC, a day looked up once. Pure but for the zone's own rules."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from holdfast_cli.importing.errors import NotThisFormat

_DAY = timedelta(days=1)
_PIVOT = 70


def zone_named(name: str) -> ZoneInfo:
    """Return a time zone by its name; raise NotThisFormat if there is none of that name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise NotThisFormat(f"There is no time zone {name!r}. Give a name such as Asia/Jerusalem or UTC.") from None


class LocalDays:
    """Turns a date of six digits and seconds on that day's wall clock into seconds since 1970 UTC."""

    def __init__(self, zone: ZoneInfo) -> None:
        """Begin with the zone of the clock on the wall."""
        self._zone = zone
        self._day = lru_cache(maxsize=512)(self._look_up)

    def instant(self, date: str, seconds: int) -> int:
        """Return the instant; ValueError if there is no such date.

        An hour that a clock change repeats is taken as its first pass, one that it leaves out as if it had not.
        """
        midnight, even = self._day(date)
        if even:
            return midnight + seconds
        wall = _midnight(date) + timedelta(seconds=seconds)
        return round(wall.replace(tzinfo=self._zone).timestamp())

    def _look_up(self, date: str) -> tuple[int, bool]:
        """Return the day's first instant and whether its clock runs through."""
        midnight = _midnight(date).replace(tzinfo=self._zone)
        even = midnight.utcoffset() == (midnight + _DAY).utcoffset()
        return round(midnight.astimezone(UTC).timestamp()), even


def _midnight(date: str) -> datetime:
    year = int(date[:2])
    return datetime(1900 + year if year >= _PIVOT else 2000 + year, int(date[2:4]), int(date[4:6]))  # noqa: DTZ001
