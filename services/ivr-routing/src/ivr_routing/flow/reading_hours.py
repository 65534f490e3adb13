"""From the hours of a document to business hours, and what may be wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from ivr_routing.flow.business_hours import BusinessHours, Opening
from ivr_routing.flow.document import Hours

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY_MINUTES: Final = 1440


def business_hours(hours: Hours) -> BusinessHours:
    """Return business hours; raise ValueError if `problems` has something to say of them."""
    dated = {date.fromisoformat(day): () for day in hours.holidays}
    return BusinessHours(
        zone=zone(hours.time_zone),
        weekly={WEEKDAYS.index(day): openings(spans) for day, spans in hours.weekly.items()},
        dated=dated | {date.fromisoformat(day): openings(spans) for day, spans in hours.overrides.items()},
    )


def zone(name: str) -> ZoneInfo:
    """Return a time zone; raise ValueError for a name that is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, OSError) as error:  # what a folder, or nothing, under that name amounts to
        raise ValueError(name) from error


def openings(spans: Sequence[str]) -> tuple[Opening, ...]:
    """Return the openings of a day from spans such as 09:00-18:00 or 22:00-06:00, in order."""
    return tuple(sorted(map(_opening, spans)))


def problems(hours: Hours) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    """Yield what is wrong: place within the hours, text, remedy."""
    try:
        zone(hours.time_zone)
    except ValueError:
        yield ("time_zone",), f"There is no time zone {hours.time_zone!r}.", "Use an IANA name, as Europe/Berlin."
    for part, days in (("weekly", hours.weekly), ("overrides", hours.overrides)):
        for day, spans in days.items():
            if any(later.begins_minutes < earlier.ends_minutes for earlier, later in pairwise(openings(spans))):
                yield (part, day), f"Openings of {day} overlap.", "Join them."
    for place, text in (*_no_days("holidays", hours.holidays), *_no_days("overrides", hours.overrides)):
        yield place, text, "Write it as 2026-12-24."
    for day in sorted(hours.holidays.keys() & hours.overrides.keys()):
        yield ("overrides", day), f"{day} is a holiday and has hours of its own.", "Keep one of both."


def _no_days(part: str, days: Mapping[str, object]) -> Iterator[tuple[tuple[str, str], str]]:
    for day in days:
        try:
            date.fromisoformat(day)
        except ValueError:
            yield (part, day), f"There is no day {day}."


def _opening(span: str) -> Opening:
    begins, ends = map(_minutes, span.split("-"))
    return Opening(begins, ends if ends > begins else ends + _DAY_MINUTES)


def _minutes(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)
