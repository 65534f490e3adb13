"""Sources that lost events: doubted, asked, believed again, or after a while no longer waited for."""

from ivr_routing.core import commands as c
from ivr_routing.core import events as e
from ivr_routing.core.snapshot import dump, load
from ivr_routing.core.source_decisions import LONGEST_DOUBT_US, ONE_GAP_US, SNAPSHOT_GRACE_US
from routing_testing import SECOND, TENANT, Centre

HOUR = LONGEST_DOUBT_US // SECOND


def centre() -> Centre:
    """A centre with a caller of the source pbx."""
    made = Centre()
    made.queue()
    made.call("a")
    return made


def test_a_source_that_lost_events_is_doubted_until_it_says_what_lives() -> None:
    here = centre()
    gap_us = here.now_us
    (doubted,) = here.tell(c.DoubtSource("pbx", gap_us, "reconnect"))
    assert doubted == e.SourceDoubted("pbx", gap_us, here.now_us, here.now_us + LONGEST_DOUBT_US, "reconnect")
    enough_us = gap_us + SNAPSHOT_GRACE_US
    assert here.tell(c.TrustSource("pbx", enough_us - 1)) == ()  # it says nothing of the youngest that the gap hid
    assert here.tell(c.TrustSource("pbx", enough_us)) == (e.SourceTrusted("pbx", gap_us, "snapshot"),)
    assert here.wait(2 * HOUR) == ()


def test_a_source_without_contacts_leaves_nothing_to_doubt() -> None:
    assert centre().tell(c.DoubtSource("elsewhere", 1)) == ()


def test_gaps_told_one_after_the_other_are_one() -> None:
    here = centre()
    here.tell(c.DoubtSource("pbx", here.now_us))
    assert here.tell(c.DoubtSource("pbx", here.now_us + 1)) == ()
    here.wait(ONE_GAP_US // SECOND)
    assert here.tell(c.DoubtSource("pbx", here.now_us))


def test_a_doubt_that_nobody_ends_is_over_in_time_and_survives_a_snapshot() -> None:
    here = centre()
    since_us = here.now_us
    here.tell(c.DoubtSource("pbx", here.now_us))
    here.core = load(TENANT, dump(here.core))
    assert e.SourceTrusted("pbx", since_us, "time") in here.wait(HOUR)
    assert here.core.doubts == {}
