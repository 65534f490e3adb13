"""Parts of intervals, on days when clocks change and in zones as they were."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.errors import InvalidInterval, TooManyParts, UnknownTimeZone
from metrics.interval.calendar import EPOCH, Granularity, Part, day_start_us, parts
from metrics.interval.interval import Interval, instant_us, zone_named

HOUR_US = 3_600_000_000
ZONES = [
    "Asia/Jerusalem",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "America/Havana",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "UTC",
]


def cut(zone: str, first: str, last: str, granularity: Granularity, week_start: int = 1) -> tuple[Part, ...]:
    known = zone_named(zone)
    interval = Interval(instant_us(first, known), instant_us(last, known), known, granularity, week_start)
    return interval.parts()


def shown(part: Part, zone: str) -> str:
    return (EPOCH + timedelta(microseconds=part.start_us)).astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M %z")


@pytest.mark.parametrize(
    ("zone", "day", "count"),
    [
        ("Asia/Jerusalem", "1999-04-02", 46),  # forward an hour at 2:00
        ("Asia/Jerusalem", "1999-09-03", 50),  # back an hour at 2:00
        ("Asia/Jerusalem", "1999-01-03", 48),
        ("Europe/Berlin", "2026-03-29", 46),
        ("Europe/Berlin", "2026-10-25", 50),
        ("America/New_York", "2026-03-08", 46),
        ("America/New_York", "2026-11-01", 50),
        ("Australia/Lord_Howe", "2026-10-04", 47),  # forward half an hour
        ("Australia/Lord_Howe", "2026-04-05", 49),  # back half an hour
    ],
)
def test_a_day_has_as_many_half_hours_as_its_clock_shows(zone: str, day: str, count: int) -> None:
    following = str(date.fromisoformat(day) + timedelta(days=1))
    assert len(cut(zone, day, following, Granularity.HALF_HOUR)) == count


def test_an_hour_shown_twice_is_two_parts_that_their_offsets_tell_apart() -> None:
    hours = cut("Europe/Berlin", "2026-10-25", "2026-10-26", Granularity.HOUR)
    assert [shown(part, "Europe/Berlin") for part in hours[1:5]] == [
        "2026-10-25 01:00 +0200",
        "2026-10-25 02:00 +0200",
        "2026-10-25 02:00 +0100",
        "2026-10-25 03:00 +0100",
    ]
    assert [part.utc_offset_seconds for part in hours[1:5]] == [7200, 7200, 3600, 3600]


def test_where_the_clock_moves_by_half_an_hour_an_hour_is_cut_at_the_change() -> None:
    hours = cut("Australia/Lord_Howe", "2026-04-05", "2026-04-06", Granularity.HOUR)
    lengths = [(part.end_us - part.start_us) // (HOUR_US // 2) for part in hours]
    assert Counter(lengths) == {2: 24, 1: 1}
    assert sum(lengths) == 49


def test_jerusalem_in_january_1999_was_two_hours_east() -> None:
    days = cut("Asia/Jerusalem", "1999-01-01", "1999-02-01", Granularity.DAY)
    assert len(days) == 31
    assert {part.utc_offset_seconds for part in days} == {7200}
    assert days[0].start_us == int(datetime(1998, 12, 31, 22, tzinfo=UTC).timestamp()) * 1_000_000


def test_a_day_begins_at_its_first_instant_where_midnight_is_skipped() -> None:
    first = day_start_us(date(2018, 11, 4), ZoneInfo("America/Sao_Paulo"))
    assert datetime.fromtimestamp(first / 1e6, UTC) == datetime(2018, 11, 4, 3, tzinfo=UTC)


def test_a_day_begins_at_the_first_of_two_midnights() -> None:
    first = day_start_us(date(2026, 11, 1), ZoneInfo("America/Havana"))
    assert datetime.fromtimestamp(first / 1e6, UTC) == datetime(2026, 11, 1, 4, tzinfo=UTC)


def test_a_date_that_a_zone_left_out_has_no_part() -> None:
    days = cut("Pacific/Apia", "2011-12-29", "2012-01-01", Granularity.DAY)
    assert [shown(part, "Pacific/Apia")[:10] for part in days] == ["2011-12-29", "2011-12-31"]


@pytest.mark.parametrize(("week_start", "first"), [(1, "2026-01-05"), (7, "2026-01-04"), (6, "2026-01-03")])
def test_weeks_begin_on_the_day_that_was_asked_for(week_start: int, first: str) -> None:
    weeks = cut("Europe/Berlin", "2026-01-01", "2026-02-01", Granularity.WEEK, week_start)
    assert shown(weeks[0], "Europe/Berlin").startswith("2026-01-01")
    assert shown(weeks[1], "Europe/Berlin").startswith(first)
    assert {part.end_us - part.start_us for part in weeks[1:-1]} == {7 * 24 * HOUR_US}


def test_months_begin_on_their_first_day() -> None:
    months = cut("America/New_York", "2025-12-15", "2026-03-01", Granularity.MONTH)
    assert [shown(part, "America/New_York")[:10] for part in months] == ["2025-12-15", "2026-01-01", "2026-02-01"]


instants = st.integers(-2_000_000_000, 2_500_000_000).map(lambda seconds: seconds * 1_000_000)


@given(
    instants,
    st.integers(1, 40 * 24 * 3600 * 1_000_000),
    st.sampled_from(ZONES),
    st.sampled_from([one for one in Granularity if one is not Granularity.WHOLE]),
    st.integers(1, 7),
)
def test_parts_cover_any_interval_without_gap_or_overlap(
    start: int, length: int, zone: str, granularity: Granularity, week_start: int
) -> None:
    found = parts(start, start + length, granularity, ZoneInfo(zone), week_start=week_start, at_most=10_000)
    assert found[0].start_us == start
    assert found[-1].end_us == start + length
    assert all(one.end_us == two.start_us and one.start_us < one.end_us for one, two in pairwise(found))


@given(instants, st.sampled_from(ZONES), st.sampled_from([Granularity.QUARTER_HOUR, Granularity.HALF_HOUR]))
def test_every_part_of_a_day_begins_where_the_clock_is_full_or_changes(
    start: int, zone: str, granularity: Granularity
) -> None:
    known = ZoneInfo(zone)
    found = parts(start, start + 30 * HOUR_US, granularity, known, at_most=10_000)
    minutes = 15 if granularity is Granularity.QUARTER_HOUR else 30
    for before, part in pairwise(found):
        local = (EPOCH + timedelta(microseconds=part.start_us)).astimezone(known)
        full = local.minute % minutes == 0 and local.second == 0
        assert full or before.utc_offset_seconds != part.utc_offset_seconds


def test_an_interval_cut_too_finely_is_refused() -> None:
    with pytest.raises(TooManyParts):
        cut("UTC", "2020-01-01", "2030-01-01", Granularity.QUARTER_HOUR)


@pytest.mark.parametrize(
    "name", ["Mars/Olympus", "", "../../etc/passwd", "Europe/Berlin\0", "America", "/etc/localtime"]
)
def test_only_zones_of_the_database_are_known(name: str) -> None:
    with pytest.raises(UnknownTimeZone):
        zone_named(name)


def test_a_zone_is_known_in_any_case() -> None:
    assert zone_named("asia/jerusalem").key == "Asia/Jerusalem"


@pytest.mark.parametrize(
    "text", ["", "yesterday", "1999-13-01", "1999-01-01T25:00", "1" * 10, "9999-12-31T23:59:59-14:00"]
)
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(InvalidInterval):
        cut("UTC", text, "2199-01-01", Granularity.WHOLE)


def test_an_instant_is_a_local_date_a_local_time_or_one_with_an_offset() -> None:
    berlin = zone_named("Europe/Berlin")
    midnight = int(datetime(2026, 6, 30, 22, tzinfo=UTC).timestamp()) * 1_000_000
    assert {instant_us(text, berlin) for text in ("2026-07-01", "2026-07-01T00:00", "2026-06-30T22:00Z")} == {midnight}


@pytest.mark.parametrize(
    ("first", "last"), [("2026-01-02", "2026-01-01"), ("2026-01-01", "2026-01-01"), ("1850-01-01", "1851-01-01")]
)
def test_an_interval_ends_after_it_begins_within_what_clocks_know(first: str, last: str) -> None:
    with pytest.raises(InvalidInterval):
        cut("UTC", first, last, Granularity.DAY)
