"""Laws of every flow: one that lints clean never raises and its walk ends, whatever the caller and the world do."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any, Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ivr_routing.flow.flow import Flow, lint, load
from ivr_routing.flow.state import Waiting, from_json
from ivr_routing.flow.step import (
    CallerLeft,
    CameBack,
    Context,
    Digits,
    Input,
    LookupAnswered,
    LookupFailed,
    NoInput,
    Step,
)
from ivr_routing.flow.telling import contact_events
from ivr_routing.flow.walk import enter, known, resume, walk

NOW: Final = datetime(2026, 11, 23, 10, tzinfo=UTC)
SECRET: Final = "80218021"
MOST_NODES: Final = 12
MOST_STEPS: Final = (MOST_NODES + 11) * 11

conditions = st.sampled_from(
    [
        "attributes.count > 3",
        "10 / attributes.count == 2",
        "int(input.typed) > 3",
        "input.typed.matches('^(1|2)+$')",
        "estimated_wait_seconds.main > 60 || contact.known",
        "hours.shop && language == 'en'",
        "attributes.name == 'x' || !attributes.flag",
    ]
)
says = st.sampled_from(["Hello.", "{attributes.name}, {estimated_wait_minutes.main}.", "{input.typed}"])


def node_from(draw: st.DrawFn, place: int, count: int) -> dict[str, Any]:
    """Draw a node; what needs no digits leads on to later ones, choices lead anywhere."""
    later = draw(st.integers(place + 1, count - 1).map(lambda number: f"n{number}"))
    anywhere = draw(st.integers(0, count - 1).map(lambda number: f"n{number}"))
    asking = {"say": draw(says), "attempts": draw(st.integers(1, 3)), "otherwise": later}
    collecting = {**asking, "type": "collect", "input": "typed", "max_digits": 3, "next": anywhere}
    doubled = {"count": "attributes.count * 9223372036854", "name": "attributes.name + attributes.name + 'x'"}
    cases = [{"when": when, "next": later} for when in draw(st.lists(conditions, min_size=1, max_size=3))]
    choices = {"1": anywhere, "#": later}
    forms: list[dict[str, Any]] = [
        {"type": "play", "say": draw(says), "next": later},
        {**asking, "type": "menu", "choices": choices},
        collecting,
        {"type": "branch", "cases": cases, "otherwise": later},
        {"type": "set", "attributes": doubled, "next": later},
        look({"name": "attributes.name"}, anywhere, later),
        {"type": "callback_offer", "queue": "main", "say": "Press 1.", "otherwise": later},
        {"type": "transfer", "to": "+49301", "otherwise": anywhere},
    ]
    if place + 2 < count:
        secret = {"input": "pin", "sensitive": True, "max_digits": 8, "next": f"secret{place}"}
        forms.append({**collecting, **secret})
    return draw(st.sampled_from(forms))


def look(send: dict[str, str], leading: str, otherwise: str) -> dict[str, Any]:
    stored = {"name": "a.b", "count": "c"}
    url = "https://bank.example.com/x"
    return {
        "type": "lookup",
        "method": "POST",
        "url": url,
        "send": send,
        "store": stored,
        "next": leading,
        "otherwise": otherwise,
    }


def end_from(draw: st.DrawFn) -> dict[str, Any]:
    return draw(
        st.sampled_from(
            [
                {"type": "queue", "queue": "main"},
                {"type": "queue", "queue": "main", "otherwise": "n0"},
                {"type": "hang_up"},
                {"type": "voicemail", "mailbox": "desk"},
            ]
        )
    )


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Draw a document without traps; nodes that nobody reaches are taken out."""
    count = draw(st.integers(2, 8))
    nodes = {f"n{place}": node_from(draw, place, count) for place in range(count - 1)}
    nodes[f"n{count - 1}"] = end_from(draw)
    for place in range(count - 1):
        if nodes[f"n{place}"].get("sensitive"):
            nodes[f"secret{place}"] = look({"pin": "input.pin"}, f"n{place + 1}", f"n{count - 1}")
    nodes["typing"] = {
        "type": "collect",
        "say": "?",
        "input": "typed",
        "max_digits": 2,
        "attempts": 1,
        "next": "n0",
        "otherwise": "n0",
    }
    nodes["waiting"] = {"type": "queue", "queue": "main"}
    document = {
        "format": "holdfast-flow/1",
        "flow": "drawn",
        "language": "en",
        "start": "typing",
        "otherwise": "waiting",
        "most_nodes": MOST_NODES,
        "attributes": {
            "count": {"type": "int", "default": 1, "from_caller": True},
            "name": {"type": "string", "default": "x"},
            "flag": {"type": "bool", "default": False},
        },
        "hours": {"shop": {"time_zone": "Europe/Berlin", "weekly": {"monday": ["09:00-18:00"]}}},
        "nodes": nodes,
    }
    unreached = [problem.node for problem in lint(json.dumps(document)) if problem.code == "unreachable_node"]
    document["nodes"] = {name: node for name, node in nodes.items() if name not in unreached}
    return json.dumps(document)


inputs = st.sampled_from(
    [
        *map(Digits, ("1", "2", "3", "#", "", "12", "999#", SECRET, SECRET + "#", "1" * 50, "ä", "\u0661")),
        NoInput(),
        LookupFailed(),
        LookupAnswered(200, b'{"a": {"b": "y"}, "c": 7}'),
        LookupAnswered(200, b'{"a": {"b": 1}}'),
        LookupAnswered(503, b"\xff"),
        CameBack("full"),
    ]
)
contexts = st.builds(
    Context,
    language=st.sampled_from(["", "en", "de-AT", "zz-x-y"]),
    caller_ref=st.sampled_from(["", "c"]),
    customer_ref=st.sampled_from(["", "k"]),
    attributes=st.sampled_from([{}, {"count": "5", "name": "no"}, {"count": "9" * 40}, {"count": "5.5"}]),
    estimated_waits=st.sampled_from([{}, {"main": timedelta(seconds=61)}]),
)


def fitting(step: Step, given: Iterator[Input]) -> Input:
    """Return the next of the inputs that answers what is awaited, else a plain one."""
    plain: dict[Waiting, Input] = {
        Waiting.DIGITS: NoInput(),
        Waiting.LOOKUP: LookupFailed(),
        Waiting.RETURN: CameBack("closed"),
    }
    kinds = {
        Waiting.DIGITS: (Digits, NoInput),
        Waiting.LOOKUP: (LookupAnswered, LookupFailed),
        Waiting.RETURN: (CameBack,),
    }
    one = next(given)
    return one if isinstance(one, kinds[step.state.waiting]) else plain[step.state.waiting]


def steps_of(flow: Flow, context: Context, given: Iterator[Input]) -> Iterator[Step]:
    """Yield the steps of a walk until nothing is awaited; every state goes through JSON and survives a crash."""
    step: Step | None = enter(flow, context, NOW)
    while step is not None:
        yield step
        if step.state.waiting is Waiting.NOTHING:
            return
        state = from_json(step.state.to_json())
        assert state == step.state
        again = resume(flow, state, context, NOW)
        assert again is None or again.state.path[: len(state.path)] == state.path
        step = walk(flow, state, fitting(step, given), context, NOW)
        assert step is not None


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(documents(), contexts, st.lists(inputs, min_size=1, max_size=12))
def test_every_sound_flow_ends_whatever_is_typed_and_answered(text: str, context: Context, script: list[Input]) -> None:
    assert lint(text) == ()
    flow = load(text)
    steps = []
    for step in steps_of(flow, context, cycle(script)):
        steps.append(step)
        assert len(steps) <= MOST_STEPS
        assert SECRET not in step.state.to_json().decode()
        assert SECRET not in str(contact_events(step, "c", "s", 0))
        assert SECRET not in repr(step)
        assert SECRET not in str(known(flow, step.state))
    last = steps[-1]
    assert len(last.state.path) <= MOST_NODES + 10
    assert last.state.told == sum(len(step.told) for step in steps)
    assert walk(flow, last.state, CallerLeft(), context, NOW) is None


@settings(max_examples=25, deadline=None)
@given(documents(), contexts, st.lists(inputs, max_size=5))
def test_the_same_inputs_give_the_same_walk(text: str, context: Context, script: list[Input]) -> None:
    first, second = (list(steps_of(load(text), context, cycle([*script, NoInput()]))) for _ in range(2))
    assert first == second


leaves = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8))
anything = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner))
keys = st.sampled_from(["start", "nodes", "otherwise", "attributes", "hours", "language", "most_nodes"])


@settings(max_examples=40, deadline=None)
@given(documents(), st.dictionaries(keys, anything, max_size=2))
def test_a_spoilt_document_has_problems_and_raises_nothing(text: str, spoilt: dict[str, Any]) -> None:
    problems = lint(json.dumps(json.loads(text) | spoilt))
    assert all(problem.line >= 1 and problem.remedy for problem in problems)


@given(st.text(max_size=200))
def test_any_text_is_a_flow_or_has_problems(text: str) -> None:
    assert lint(text)
