"""A caller's walk: what is heard, asked, told and kept, step by step."""

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from ivr_routing.flow.flow import Flow, load
from ivr_routing.flow.problem import WrongState
from ivr_routing.flow.state import from_json
from ivr_routing.flow.step import (
    Ask,
    CallBack,
    CallerLeft,
    CameBack,
    Context,
    Digits,
    End,
    Enqueue,
    EstimateTold,
    FlowEntered,
    FlowExited,
    Gone,
    Input,
    InputCollected,
    Look,
    LookupAnswered,
    LookupFailed,
    NodeVisited,
    NoInput,
    SelfServed,
    SendTo,
    Step,
    TakeMessage,
)
from ivr_routing.flow.walk import enter, known, resume, walk

MONDAY: Final = datetime(2026, 11, 23, 10, tzinfo=UTC)
SUNDAY: Final = datetime(2026, 11, 22, 10, tzinfo=UTC)
CALLER: Final = Context(service_number="+498001234", caller_ref="c-1", customer_ref="k-7")

SHOP: Final = """
format: holdfast-flow/1
flow: shop
language: en
start: welcome
otherwise: to_care
attributes:
  tier: {type: string, default: none, from_caller: true}
  visits: {type: int, default: 0, from_caller: true}
  balance: {type: double, default: 0}
hours:
  office: {time_zone: Europe/Berlin, weekly: {monday: [09:00-18:00]}}
nodes:
  welcome: {type: play, say: {en: Hello., de: Hallo.}, next: opening}
  opening:
    type: branch
    cases:
      - {when: contact.open_case, next: to_care}
      - {when: hours.office, next: main}
    otherwise: message
  message: {type: voicemail, mailbox: desk, say: Leave a message., at_most_seconds: 60}
  main:
    type: menu
    say: Press 1, 2, 3, 4 or 5.
    again: Once more.
    attempts: 2
    input: wish
    choices: {1: ask_pin, 2: ask_order, 3: wait, 4: partner, 5: main}
    otherwise: to_care
  ask_pin:
    {type: collect, say: PIN?, input: pin, sensitive: true, min_digits: 4, max_digits: 4, attempts: 1,
     next: balance, otherwise: to_care}
  balance:
    type: lookup
    method: POST
    url: https://bank.example.com/balance
    send: {customer: contact.customer_ref, pin: input.pin, visits: attributes.visits + 1}
    store: {balance: account.balance}
    timeout_ms: 1500
    next: tell
    otherwise: to_care
  tell: {type: play, say: "You have {attributes.balance}.", self_served: balance, next: bye}
  bye: {type: hang_up, reason: self_served}
  ask_order: {type: collect, say: Order?, input: order, max_digits: 19, attempts: 2, next: by_order, otherwise: to_care}
  by_order:
    type: branch
    cases: [{when: input.order.startsWith('77') && attributes.tier == 'gold', next: to_care}]
    otherwise: to_sales
  wait:
    type: branch
    cases: [{when: estimated_wait_seconds.care > 300, next: offer}]
    otherwise: to_care
  offer:
    type: callback_offer
    queue: care
    say: "About {estimated_wait_minutes.care} minutes. Press 1 to be called back."
    confirm: We will call you.
    otherwise: to_care
  partner: {type: transfer, to: "+4930123", ring_for_seconds: 20, otherwise: to_sales}
  to_care: {type: queue, queue: care, priority: 5, skills: {care: 2}}
  to_sales: {type: queue, queue: sales, otherwise: message}
"""


@pytest.fixture(scope="module")
def shop() -> Flow:
    return load(SHOP)


def walked(flow: Flow, *given: Input, context: Context = CALLER, now: datetime = MONDAY) -> list[Step]:
    """Return the steps of a walk; every state goes through JSON, as between processes."""
    steps = [enter(flow, context, now)]
    for one in given:
        state = from_json(steps[-1].state.to_json())
        assert state == steps[-1].state
        step = walk(flow, state, one, context, now)
        assert step is not None
        steps.append(step)
    return steps


def heard(step: Step) -> list[str]:
    return [prompt.text or prompt.media for prompt in step.prompts]


def test_a_caller_hears_the_welcome_and_the_menu_in_one_step(shop: Flow) -> None:
    (first,) = walked(shop)
    assert heard(first) == ["Hello.", "Press 1, 2, 3, 4 or 5."]
    assert first.then == Ask("main", "wish", 1, 1, "", timedelta(seconds=5), timedelta(seconds=5), sensitive=False)
    visited = [NodeVisited("shop", shop.version, node) for node in ("welcome", "opening", "main")]
    assert first.told == (FlowEntered("shop", shop.version), *visited)


def test_words_are_in_the_language_of_the_caller_or_else_of_the_flow(shop: Flow) -> None:
    assert heard(enter(shop, Context(language="de-AT"), MONDAY))[0] == "Hallo."
    assert heard(enter(shop, Context(language="fr"), MONDAY))[0] == "Hello."


def test_outside_of_hours_a_caller_leaves_a_message(shop: Flow) -> None:
    (first,) = walked(shop, now=SUNDAY)
    assert first.then == TakeMessage("message", "desk", timedelta(seconds=60))
    assert first.told[-1] == FlowExited("shop", shop.version, "message", "")


def test_an_open_case_skips_the_menu(shop: Flow) -> None:
    (first,) = walked(shop, context=Context(open_case=True))
    assert first.then == Enqueue("to_care", "care", 5, {"care": 2})
    assert first.told[-1] == FlowExited("shop", shop.version, "to_care", "care")


def test_a_menu_asks_again_and_then_takes_its_default(shop: Flow) -> None:
    _, again, left = walked(shop, NoInput(), Digits("9"))
    assert heard(again) == ["Once more.", "Press 1, 2, 3, 4 or 5."]
    assert again.told == ()
    assert isinstance(left.then, Enqueue)


def test_sensitive_input_goes_to_the_lookup_and_nowhere_else(shop: Flow) -> None:
    *_, asked, looked = walked(shop, Digits("1"), Digits("4711#"))
    assert isinstance(asked.then, Ask)
    assert asked.then.sensitive
    assert isinstance(looked.then, Look)
    assert looked.then.send == {"customer": "k-7", "pin": "4711", "visits": 1}
    assert looked.told == (NodeVisited("shop", shop.version, "balance"),)
    assert "4711" not in looked.state.to_json().decode()
    assert "4711" not in repr(looked)
    assert "4711" not in repr(Digits("4711"))


def test_a_lookup_that_answers_serves_the_caller(shop: Flow) -> None:
    answer = LookupAnswered(200, b'{"account": {"balance": 12.5}}')
    *_, last = walked(shop, Digits("1"), Digits("4711"), answer)
    assert heard(last) == ["You have 12.5."]
    assert SelfServed("balance") in last.told
    assert last.then == End("bye", "self_served")


@pytest.mark.parametrize(
    "answer",
    [
        LookupFailed(),
        LookupAnswered(500, b'{"account": {"balance": 1}}'),
        LookupAnswered(200, b"no json"),
        LookupAnswered(200, b"[" * 60_000),
        LookupAnswered(200, b'{"account": {"balance": "much"}}'),
        LookupAnswered(200, b'{"account": {"balance": true}}'),
        LookupAnswered(200, b'{"account": {"balance": 1' + b"0" * 400 + b"}}"),
        LookupAnswered(200, b'{"account": {"balance": NaN}}'),
        LookupAnswered(200, b'{"account": []}'),
        LookupAnswered(200, b" " * 70_000 + b'{"account": {"balance": 1}}'),
    ],
    ids=["failed", "status", "no json", "deep", "text", "truth", "huge", "nan", "missing", "long"],
)
def test_a_lookup_without_usable_answer_takes_its_fallback(shop: Flow, answer: Input) -> None:
    *_, last = walked(shop, Digits("1"), Digits("4711"), answer)
    assert isinstance(last.then, Enqueue)


def test_input_is_masked_unless_it_is_safe_but_the_flow_may_use_it(shop: Flow) -> None:
    gold = Context(attributes={"tier": "gold", "visits": "x"})
    *_, last = walked(shop, Digits("2"), Digits("7712#"), context=gold)
    assert InputCollected("ask_order", "order", "[masked]", safe=False) in last.told
    assert last.then == Enqueue("to_care", "care", 5, {"care": 2})
    assert known(shop, last.state) == {"tier": "gold", "visits": "0", "balance": "0", "wish": "2", "order": "7712"}


def test_a_card_number_is_kept_nowhere_though_nobody_called_it_sensitive(shop: Flow) -> None:
    *_, last = walked(shop, Digits("2"), Digits("4111111111111111"))
    assert "4111111111111111" not in last.state.to_json().decode()
    assert last.state.inputs["order"] == "[masked]"


def test_a_long_wait_is_told_and_a_callback_offered(shop: Flow) -> None:
    waits = Context(caller_ref="c-1", estimated_waits={"care": timedelta(seconds=301)})
    _, offered, taken = walked(shop, Digits("3"), Digits("1"), context=waits)
    assert heard(offered) == ["About 6 minutes. Press 1 to be called back."]
    assert EstimateTold("care", timedelta(seconds=301)) in offered.told
    assert heard(taken) == ["We will call you."]
    assert taken.then == CallBack("offer", "care", 0, {})


def test_a_caller_who_wants_no_callback_waits(shop: Flow) -> None:
    waits = Context(caller_ref="c-1", estimated_waits={"care": timedelta(seconds=301)})
    for declined in (Digits("2"), NoInput()):
        *_, last = walked(shop, Digits("3"), declined, context=waits)
        assert isinstance(last.then, Enqueue)


def test_a_caller_who_cannot_be_called_back_is_not_offered_it(shop: Flow) -> None:
    waits = Context(estimated_waits={"care": timedelta(seconds=301)})
    *_, last = walked(shop, Digits("3"), context=waits)
    assert isinstance(last.then, Enqueue)


def test_a_condition_about_something_unknown_does_not_hold(shop: Flow) -> None:
    *_, last = walked(shop, Digits("3"))
    assert isinstance(last.then, Enqueue)


def test_a_queue_is_told_whom_the_caller_had_last() -> None:
    flow = load(SHOP.replace("to_care: {type: queue,", "to_care: {type: queue, preferred_agent: contact.last_agent,"))
    for last_agent in ("ann", ""):
        *_, last = walked(flow, Digits("3"), context=Context(last_agent=last_agent))
        assert last.then == Enqueue("to_care", "care", 5, {"care": 2}, last_agent)


def test_a_transfer_that_fails_leads_back_into_the_flow(shop: Flow) -> None:
    *_, sent, back = walked(shop, Digits("4"), CameBack("no_answer"))
    assert sent.then == SendTo("partner", "+4930123", timedelta(seconds=20))
    assert back.told[0] == FlowEntered("shop", shop.version)
    assert isinstance(back.then, Enqueue)
    assert back.then.queue == "sales"


def test_a_queue_that_sends_callers_back_and_back_again_ends_the_walk(shop: Flow) -> None:
    *_, last = walked(shop, NoInput(), NoInput(), CameBack("full"), CameBack("full"))
    assert last.then == End("to_care", "no_way_on")


def test_a_loop_ends_when_the_flow_has_led_through_its_most_nodes(shop: Flow) -> None:
    steps = walked(shop, *[Digits("5")] * 58)
    assert isinstance(steps[-1].then, Enqueue)
    assert steps[-1].state.fell_back
    assert len(steps[-1].state.path) == shop.document.most_nodes + 1


def test_a_caller_who_leaves_has_left_the_flow(shop: Flow) -> None:
    *_, last = walked(shop, CallerLeft())
    assert last.then == Gone("main")
    assert last.told == (FlowExited("shop", shop.version, "main", ""),)


def test_a_caller_who_leaves_the_queue_left_the_flow_before(shop: Flow) -> None:
    *_, last = walked(shop, CallerLeft(), context=Context(open_case=True))
    assert last.told == ()


@pytest.mark.parametrize("late", [LookupFailed(), CameBack("full")])
def test_what_does_not_answer_the_question_changes_nothing(shop: Flow, late: Input) -> None:
    (first,) = walked(shop)
    assert walk(shop, first.state, late, CALLER, MONDAY) is None


def test_nothing_happens_after_the_end(shop: Flow) -> None:
    (first,) = walked(shop, now=SUNDAY)
    for late in (CallerLeft(), Digits("1"), CameBack("full")):
        assert walk(shop, first.state, late, CALLER, SUNDAY) is None


def test_after_a_crash_the_same_is_asked_again(shop: Flow) -> None:
    (first,) = walked(shop)
    again = resume(shop, first.state, CALLER, MONDAY)
    assert again is not None
    assert again.then == first.then
    assert again.told == ()
    assert again.state == first.state


def test_after_a_crash_sensitive_input_is_asked_for_again_as_nobody_kept_it(shop: Flow) -> None:
    *_, looked = walked(shop, Digits("1"), Digits("4711"))
    again = resume(shop, looked.state, CALLER, MONDAY)
    assert again is not None
    assert isinstance(again.then, Ask)
    assert again.then.name == "pin"


def test_a_walk_does_not_go_on_in_another_version(shop: Flow) -> None:
    (first,) = walked(shop)
    other = load(SHOP.replace("Hello.", "Welcome."))
    with pytest.raises(WrongState):
        walk(other, first.state, Digits("1"), CALLER, MONDAY)


def test_a_state_that_is_none_is_refused() -> None:
    with pytest.raises(WrongState):
        from_json(b"{}")


def test_facts_are_counted_through_the_whole_walk(shop: Flow) -> None:
    steps = walked(shop, Digits("2"), Digits("1"))
    assert steps[-1].state.told == sum(len(step.told) for step in steps)
