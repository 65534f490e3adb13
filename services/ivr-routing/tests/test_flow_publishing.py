"""What becomes of a flow's documents: published for ever, scheduled, rolled back, withdrawn."""

from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr_routing.flow.flow import load
from ivr_routing.flow.problem import FlowRefused, PublishingRefused
from ivr_routing.flow.publishing import (
    Command,
    Event,
    FlowDrafted,
    FlowPublished,
    FlowScheduled,
    FlowWithdrawn,
    Lead,
    Published,
    PublishFlow,
    SaveDraft,
    ScheduleFlow,
    WithdrawFlow,
    decide,
    evolve,
)

NUMBER: Final = "+498001234"
NOW: Final = 1_000_000


def document(words: str = "Hello.", flow: str = "small") -> str:
    return f"""
format: holdfast-flow/1
flow: {flow}
language: en
start: hello
otherwise: wait
nodes:
  hello: {{type: play, say: {words}, next: wait}}
  wait: {{type: queue, queue: main}}
"""


OLD: Final = document("Hello.")
NEW: Final = document("Good day.")
OLD_VERSION: Final = load(OLD).version
NEW_VERSION: Final = load(NEW).version


def publish(text: str, *numbers: str, at: int | None = None, now: int = NOW) -> PublishFlow:
    return PublishFlow(text, numbers, at, "ann", now)


def told(*commands: Command) -> Published:
    """Return what commands, one after the other, make of no flows."""
    return told_after(Published(), *commands)


def told_after(state: Published, *commands: Command) -> Published:
    """Return what commands make of a state."""
    for command in commands:
        for event in decide(state, command):
            state = evolve(state, event)
    return state


def published(text: str) -> FlowPublished:
    flow = load(text)
    return FlowPublished(flow.name, flow.version, flow.content_hash, text, "ann")


def test_a_document_is_published_and_its_numbers_lead_to_it() -> None:
    events = decide(Published(), publish(OLD, NUMBER))
    assert events == (published(OLD), FlowScheduled("small", OLD_VERSION, (NUMBER,), NOW, "ann"))


def test_a_document_may_name_its_numbers_itself() -> None:
    events = decide(Published(), publish(OLD + 'service_numbers: ["+4930"]\n'))
    assert isinstance(events[-1], FlowScheduled)
    assert events[-1].service_numbers == ("+4930",)


def test_a_document_without_numbers_is_published_and_leads_from_nowhere() -> None:
    assert decide(Published(), publish(OLD)) == (published(OLD),)


def test_published_twice_is_published_once() -> None:
    assert decide(told(publish(OLD, NUMBER)), publish(OLD, NUMBER)) == ()


def test_publishing_the_older_one_is_rolling_back() -> None:
    state = told(publish(OLD, NUMBER), publish(NEW, NUMBER, now=NOW + 1))
    back = publish(OLD, NUMBER, now=NOW + 2)
    assert decide(state, back) == (FlowScheduled("small", OLD_VERSION, (NUMBER,), NOW + 2, "ann"),)


def test_a_version_takes_effect_at_its_instant_and_not_before() -> None:
    state = told(publish(OLD, NUMBER), publish(NEW, NUMBER, at=NOW + 10))
    assert state.lead(NUMBER, NOW - 1) is None
    assert state.lead(NUMBER, NOW + 9) == Lead(NOW, "small", OLD_VERSION)
    assert state.lead(NUMBER, NOW + 10) == Lead(NOW + 10, "small", NEW_VERSION)


def test_what_is_to_come_is_cancelled_by_the_present_version_at_that_instant() -> None:
    state = told(
        publish(OLD, NUMBER),
        publish(NEW, NUMBER, at=NOW + 10),
        ScheduleFlow("small", OLD_VERSION, (NUMBER,), NOW + 10, "ann", NOW + 1),
    )
    assert state.lead(NUMBER, NOW + 10) == Lead(NOW + 10, "small", OLD_VERSION)


def test_a_withdrawn_number_leads_nowhere_of_its_own() -> None:
    state = told(publish(OLD, NUMBER, "+4930"))
    withdrawn = decide(state, WithdrawFlow("small", (NUMBER,), "bob", NOW + 5))
    assert withdrawn == (FlowWithdrawn("small", (NUMBER,), NOW + 5, "bob"),)
    later = evolve(state, withdrawn[0])
    assert later.lead(NUMBER, NOW + 5) is None
    assert later.lead("+4930", NOW + 5) is not None
    assert decide(later, WithdrawFlow("small", (NUMBER,), "bob", NOW + 6)) == ()


def test_withdrawing_a_flow_leaves_the_numbers_of_others() -> None:
    state = told(publish(OLD, NUMBER), publish(document(flow="other"), NUMBER, now=NOW + 1))
    assert decide(state, WithdrawFlow("small", (), "bob", NOW + 2)) == ()


def test_withdrawing_cancels_what_is_to_come_and_touches_no_other_flow() -> None:
    state = told(publish(document(flow="other"), NUMBER), publish(OLD, NUMBER, at=NOW + 10))
    later = told_after(state, WithdrawFlow("small", (), "bob", NOW + 1))
    assert later.lead(NUMBER, NOW + 10) == state.lead(NUMBER, NOW)


def test_a_document_with_problems_is_not_published() -> None:
    with pytest.raises(FlowRefused):
        decide(Published(), publish(OLD.replace("next: wait", "next: nobody"), NUMBER))


def test_a_version_that_nobody_published_is_refused() -> None:
    with pytest.raises(PublishingRefused) as refused:
        decide(Published(), ScheduleFlow("small", "ffff", (NUMBER,), None, "ann", NOW))
    assert refused.value.reason == "UNKNOWN_VERSION"


def test_nothing_begins_in_the_past() -> None:
    with pytest.raises(PublishingRefused) as refused:
        decide(Published(), publish(OLD, NUMBER, at=NOW - 1))
    assert refused.value.reason == "EFFECTIVE_IN_THE_PAST"


def test_a_draft_is_kept_once_and_replaced_by_the_next() -> None:
    first, second = (SaveDraft("small", text, text, "ann") for text in ("a", "b"))
    state = told(first)
    assert decide(state, first) == ()
    assert decide(state, second) == (FlowDrafted("small", "b", "b", "ann"),)


numbers = st.lists(st.sampled_from(["+491", "+492", "+493"]), max_size=3, unique=True).map(tuple)
documents = st.sampled_from([OLD, NEW, document(flow="other")])
instants = st.integers(NOW, NOW + 9)
ann, bob, now = st.just("ann"), st.just("bob"), st.just(NOW)
commands = st.one_of(
    st.builds(PublishFlow, documents, numbers, st.none(), ann, now),
    st.builds(ScheduleFlow, st.just("small"), st.just(OLD_VERSION), numbers, instants, ann, now),
    st.builds(WithdrawFlow, st.sampled_from(["small", "other"]), numbers, bob, now),
)


@settings(max_examples=30)  # each loads documents
@given(st.lists(commands, max_size=5))
def test_told_twice_is_told_once(given_commands: list[Command]) -> None:
    state = told(publish(OLD))
    for command in given_commands:
        events: tuple[Event, ...] = decide(state, command)
        for event in events:
            state = evolve(state, event)
        assert decide(state, command) == ()
