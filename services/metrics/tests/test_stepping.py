"""How long a live reader rests after a step, so that many events cost few steps and a few are facts at once."""

import pytest

from event_log.model import Cursor, PackedPage
from event_log.packed import pack
from metrics.fact.batch import COLUMNS
from metrics.follow.advance import Step
from metrics.follow.stepping import LONGEST_REST_SECONDS, rest_of_live
from told_contacts import chance_of, contacts, placed

EVENTS = placed(contacts(chance_of(1), 20))
START = Cursor("log", 1, 0)


def step(count: int, *, head: int = 0) -> Step:
    events = EVENTS[:count]
    page = PackedPage(pack(events, COLUMNS), Cursor("log", 1, count), head or count)
    return Step.of([page], START)


def test_a_step_of_one_event_is_followed_by_the_next_at_once() -> None:
    assert rest_of_live(step(1)) < 0.001


def test_who_reached_the_head_rests_the_longer_the_more_came() -> None:
    assert rest_of_live(step(100)) == pytest.approx(10 * rest_of_live(step(10)))
    assert rest_of_live(step(100)) < LONGEST_REST_SECONDS


def test_who_is_behind_does_not_rest() -> None:
    assert rest_of_live(step(100, head=101)) == 0
