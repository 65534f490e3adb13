"""Rings cut by midnight are the rings that nobody cut."""

from typing import Any

from google.protobuf.message import Message
from hypothesis import assume, given
from hypothesis import strategies as st

from contact_life.agent_ring import AgentRing, agent_rings
from contact_life.identity import agent_id
from contact_life.observed import Observed
from contact_life.overnight import over_midnight
from holdfast.call_events.v1 import agent_pb2

SECOND = 1_000_000
DAY = 86_400 * SECOND
START = 19_000 * DAY
EVA = agent_id("t", "eva")
rings = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]),
        st.integers(0, 600),
        st.integers(1, 3_000),
        st.sampled_from(["", "", "named"]),
    ),
    max_size=12,
)
"""Contact, seconds after the one before has ended, seconds that it rings, whether it has an id."""


def observed(at_us: int, body: Message, number: int) -> Observed:
    return Observed(number, f"e{number}", body.DESCRIPTOR.name, at_us, at_us, "pbx", None, body)


def told(drawn: list[tuple[str, int, int, str]], first_s: int) -> list[Observed]:
    """Tell rings of one agent one after the other, over a midnight somewhere."""
    now, events = START + DAY - first_s * SECOND, list[Observed]()
    for number, (contact, pause, length, named) in enumerate(drawn):
        names: dict[str, Any] = {"agent": "eva", "contact_id": contact, "ring_id": f"{named} {number}" if named else ""}
        now += pause * SECOND
        events.append(observed(now, agent_pb2.AgentRingStarted(**names), 2 * number))
        now += length * SECOND
        events.append(observed(now, agent_pb2.AgentRingEnded(**names), 2 * number + 1))
    return events


def by_day(events: list[Observed]) -> list[tuple[AgentRing, ...]]:
    days: dict[int, list[Observed]] = {}
    for event in events:
        days.setdefault(event.event_time_us // DAY, []).append(event)
    return [agent_rings(EVA, days[day]) for day in sorted(days)]


def cut_and_followed_at_once(events: list[Observed]) -> bool:
    """Whether a ring that midnight cuts ends as another one begins: the new day makes one short ring of the two."""
    began, ended = events[::2], events[1::2]
    return any(
        start.time_us // DAY != end.time_us // DAY and end.time_us == following.time_us
        for start, end, following in zip(began, ended, began[1:], strict=False)
    )


@given(rings, st.integers(1, 7_200), st.randoms(use_true_random=False))
def test_rings_that_midnight_cuts_are_the_rings_that_nobody_cut(
    drawn: list[tuple[str, int, int, str]], first_s: int, chance: Any
) -> None:
    events = told(drawn, first_s)
    assume(not cut_and_followed_at_once(events))
    whole = agent_rings(EVA, events)
    assert over_midnight(by_day(events)) == whole
    chance.shuffle(events)
    days = by_day(events)
    chance.shuffle(days)
    assert over_midnight(days) == whole


def test_a_ring_of_quarter_a_minute_over_midnight_is_one_ring() -> None:
    names: dict[str, Any] = {"agent": "eva", "contact_id": "a"}
    began = observed(START + DAY - 10 * SECOND, agent_pb2.AgentRingStarted(**names), 1)
    ended = observed(START + DAY + 5 * SECOND, agent_pb2.AgentRingEnded(**names), 2)
    [ring] = over_midnight(by_day([began, ended]))
    assert (ring.started_time_us, ring.ended_time_us, ring.ring_us) == (
        START + DAY - 10 * SECOND,
        START + DAY + 5 * SECOND,
        15 * SECOND,
    )


def test_an_end_long_after_a_beginning_is_of_another_ring() -> None:
    names: dict[str, Any] = {"agent": "eva", "contact_id": "a"}
    began = observed(START + DAY - 4_000 * SECOND, agent_pb2.AgentRingStarted(**names), 1)
    ended = observed(START + DAY + 5 * SECOND, agent_pb2.AgentRingEnded(**names), 2)
    assert len(over_midnight(by_day([began, ended]))) == 2
