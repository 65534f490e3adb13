"""Agents in two services at once."""

from contact_life.overlap import overlapping_services


def overlaps(*services: tuple[int, int, str]) -> list[tuple[str, str, int, int]]:
    return [
        (found.earlier_assignment_id, found.later_assignment_id, found.from_time_us, found.until_time_us)
        for found in overlapping_services("eva", services)
    ]


def test_a_service_that_begins_within_another_overlaps_it() -> None:
    assert overlaps((0, 10, "a"), (9, 20, "b")) == [("a", "b", 9, 10)]
    assert overlaps((9, 20, "b"), (0, 10, "a")) == [("a", "b", 9, 10)]


def test_services_that_touch_and_services_of_no_length_do_not() -> None:
    assert overlaps((0, 10, "a"), (10, 20, "b"), (15, 15, "c")) == []


def test_the_earlier_one_that_ends_last_is_named() -> None:
    assert overlaps((0, 100, "a"), (10, 20, "b"), (30, 40, "c")) == [("a", "b", 10, 20), ("a", "c", 30, 40)]
