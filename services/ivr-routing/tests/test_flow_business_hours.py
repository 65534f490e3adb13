"""Business hours across weeks, holidays, overrides, midnights and clock changes."""

from datetime import UTC, date, datetime
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr_routing.flow.business_hours import BusinessHours, Opening, instant, is_open, next_open, spans
from ivr_routing.flow.reading_hours import openings

BERLIN: Final = ZoneInfo("Europe/Berlin")
ZONES: Final = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu")
OFFICE: Final = BusinessHours(
    zone=BERLIN,
    weekly={day: openings(["09:00-12:30", "13:30-18:00"]) for day in range(5)} | {5: openings(["22:00-02:00"])},
    dated={
        date(2026, 12, 25): (),
        date(2026, 12, 24): openings(["09:00-12:00"]),
        date(2026, 12, 27): openings(["10:00-11:00"]),
    },
)


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-11-23T08:59:59", False),
        ("2026-11-23T09:00:00", True),
        ("2026-11-23T12:30:00", False),
        ("2026-11-23T17:59:59", True),
        ("2026-11-23T18:00:00", False),
        ("2026-11-28T23:00:00", True),  # Saturday night
        ("2026-11-29T01:59:00", True),  # goes on into Sunday
        ("2026-11-29T02:00:00", False),
        ("2026-12-24T11:00:00", True),
        ("2026-12-24T14:00:00", False),
        ("2026-12-25T11:00:00", False),
        ("2026-12-27T10:30:00", True),  # a Sunday opened for once
    ],
)
def test_it_is_open_when_it_says_so(at: str, *, expected: bool) -> None:
    assert is_open(OFFICE, berlin(at)) is expected


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-11-23T10:00:00", "2026-11-23T10:00:00"),
        ("2026-11-23T12:30:00", "2026-11-23T13:30:00"),
        ("2026-11-27T19:00:00", "2026-11-28T22:00:00"),
        ("2026-11-29T02:00:00", "2026-11-30T09:00:00"),
        ("2026-12-24T12:00:00", "2026-12-26T22:00:00"),
    ],
)
def test_it_tells_when_it_next_opens(at: str, expected: str) -> None:
    assert next_open(OFFICE, berlin(at)) == berlin(expected)


def test_what_never_opens_has_no_next_opening() -> None:
    assert next_open(BusinessHours(BERLIN, {}), berlin("2026-11-23T10:00:00")) is None


def test_around_the_clock_is_always_open() -> None:
    always = BusinessHours(BERLIN, {day: openings(["00:00-24:00"]) for day in range(7)})
    assert is_open(always, berlin("2026-10-25T02:30:00"))


def test_a_time_that_the_clock_skips_is_the_instant_of_the_change() -> None:
    change = datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert instant(BERLIN, date(2026, 3, 29), 150, later=False) == change
    assert instant(BERLIN, date(2026, 3, 29), 150, later=True) == change


def test_a_time_that_comes_twice_opens_at_the_first_and_closes_at_the_second() -> None:
    night = BusinessHours(BERLIN, {6: openings(["02:30-02:45"])})
    (found,) = spans(night, date(2026, 10, 25))
    assert found == (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 45, tzinfo=UTC))


def test_an_opening_that_the_clock_swallows_is_none() -> None:
    night = BusinessHours(BERLIN, {6: openings(["02:10-02:50"])})
    assert list(spans(night, date(2026, 3, 29))) == []


def test_a_day_that_a_country_skipped_has_no_hours() -> None:
    apia = BusinessHours(ZoneInfo("Pacific/Apia"), {day: openings(["09:00-17:00"]) for day in range(7)})
    assert list(spans(apia, date(2011, 12, 30))) == []


day_openings = st.lists(st.tuples(st.integers(0, 1439), st.integers(1, 1440)), max_size=3).map(
    lambda pairs: tuple(Opening(begin, min(begin + length, 2880)) for begin, length in pairs)
)
hours = st.builds(
    BusinessHours,
    zone=st.sampled_from(ZONES).map(ZoneInfo),
    weekly=st.dictionaries(st.integers(0, 6), day_openings, max_size=7),
    dated=st.dictionaries(st.dates(date(2026, 3, 1), date(2026, 4, 30)), day_openings, max_size=4),
)
instants = st.one_of(
    st.datetimes(datetime(2026, 3, 1), datetime(2026, 4, 30), timezones=st.just(UTC)),  # noqa: DTZ001
    st.datetimes(datetime(2026, 10, 1), datetime(2026, 11, 30), timezones=st.just(UTC)),  # noqa: DTZ001
)


@given(hours, instants)
def test_the_next_opening_is_open_and_nothing_before_it_is(place: BusinessHours, at: datetime) -> None:
    opens = next_open(place, at)
    if opens is None:
        assert not is_open(place, at)
        return
    assert opens >= at
    assert is_open(place, opens)
    assert is_open(place, at) is (opens == at)
    assert opens == at or not is_open(place, at + (opens - at) / 2)


@given(st.sampled_from(ZONES).map(ZoneInfo), st.dates(date(2005, 1, 1), date(2030, 12, 31)), st.integers(0, 2880))
def test_local_times_never_run_backwards(zone: ZoneInfo, day: date, minutes: int) -> None:
    first, second = (instant(zone, day, minutes, later=later) for later in (False, True))
    assert first <= second
    assert second <= instant(zone, day, minutes + 1, later=True)
    assert first <= instant(zone, day, minutes + 1, later=False)
