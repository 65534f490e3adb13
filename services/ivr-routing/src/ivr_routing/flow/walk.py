"""A caller's walk through a flow, step by step: pure, without clock or I/O, the same from the same inputs for ever.

`enter` begins it, `walk` goes on with what happened, `resume` says again what is awaited, after a crash. A walk always
ends: nodes ask a bounded number of times, and a caller led through more nodes than the flow allows goes where its
`otherwise` says. An input that does not answer what is awaited (told twice, told late) changes nothing.
"""

from __future__ import annotations

from datetime import datetime

from ivr_routing.flow import fields, words
from ivr_routing.flow.document import (
    CallbackOffer,
    Collect,
    Lookup,
    Menu,
    Queue,
    Transfer,
)
from ivr_routing.flow.flow import Flow
from ivr_routing.flow.problem import WrongState
from ivr_routing.flow.state import FlowState, Waiting
from ivr_routing.flow.step import (
    CallerLeft,
    CameBack,
    Context,
    Digits,
    FlowEntered,
    Input,
    LookupAnswered,
    LookupFailed,
    NoInput,
    Step,
)
from ivr_routing.flow.walker import Walker


def enter(flow: Flow, context: Context, now: datetime) -> Step:
    """Begin a walk."""
    state = FlowState(
        flow=flow.name,
        version=flow.version,
        node=flow.document.start,
        waiting=Waiting.NOTHING,
        attempt=0,
        language=context.language or flow.document.language,
        attributes=fields.arriving(flow.document, context),
        inputs={},
        path=(),
        told=0,
        fell_back=False,
    )
    walker = Walker(flow, state, context, now)
    walker.tell(FlowEntered(flow.name, flow.version))
    return walker.go(flow.document.start)


def walk(flow: Flow, state: FlowState, given: Input, context: Context, now: datetime) -> Step | None:
    """Go on with what happened; None if nothing awaits it. Raise WrongState for a state of another flow or version.

    A caller who comes back from waiting for a lookup has waited for its whole time: it has failed.
    """
    walker = _walker(flow, state, context, now)
    node = flow.node(state.node)
    if isinstance(given, CallerLeft):
        return None if state.waiting is Waiting.NOTHING else walker.left()
    match state.waiting, node, given:
        case Waiting.DIGITS, Menu() | Collect() | CallbackOffer(), Digits() | NoInput():
            return walker.answered(node, given)
        case Waiting.LOOKUP, Lookup(), LookupAnswered() | LookupFailed():
            return walker.looked_up(node, given)
        case Waiting.LOOKUP, Lookup(), CameBack():
            return walker.looked_up(node, LookupFailed())
        case Waiting.RETURN, Queue() | Transfer(), CameBack():
            return walker.came_back(node)
        case _:
            return None


def resume(flow: Flow, state: FlowState, context: Context, now: datetime) -> Step | None:
    """Say again what is awaited, as after a crash; None if the flow awaits nothing.

    A lookup that sends sensitive input cannot be made again, for nobody kept it: the caller is asked once more.
    """
    walker = _walker(flow, state, context, now)
    node = flow.node(state.node)
    match state.waiting, node:
        case Waiting.DIGITS, Menu() | Collect() | CallbackOffer():
            return walker.stay(node)
        case Waiting.LOOKUP, Lookup():
            collecting = _collecting(flow, state, node)
            return walker.go(collecting) if collecting else walker.stay(node)
        case Waiting.RETURN, Queue() | Transfer():
            return walker.stay(node)
        case _:
            return None


def known(flow: Flow, state: FlowState) -> dict[str, str]:
    """Return what the walk knows of the contact, for whoever serves it: attributes and input, nothing sensitive."""
    shown = {name: words.said(value) for name, value in state.attributes.items() if value != ""}
    typed = {name for name, secret in fields.inputs(flow.document) if not secret}
    return shown | {name: value for name, value in state.inputs.items() if name in typed}


def _walker(flow: Flow, state: FlowState, context: Context, now: datetime) -> Walker:
    if (state.flow, state.version) != (flow.name, flow.version):
        raise WrongState(f"a state of {state.flow} {state.version} does not go on in {flow.name} {flow.version}")
    if state.node not in flow.document.nodes:
        raise WrongState(f"the flow has no node {state.node}")
    return Walker(flow, state, context, now)


def _collecting(flow: Flow, state: FlowState, node: Lookup) -> str | None:
    """Return the node visited last that collected what a lookup sends and nobody kept; None if there is none."""
    sent = " ".join(node.send.values())
    for name in reversed(state.path):
        asked = flow.document.nodes[name]
        if isinstance(asked, Collect) and asked.sensitive and f"input.{asked.input}" in sent:
            return name
    return None
