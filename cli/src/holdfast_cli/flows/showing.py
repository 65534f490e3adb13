"""A walk as people and programs read it: what is heard and awaited, what would be told, what became of the caller."""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import timedelta
from typing import Any

from google.protobuf.json_format import MessageToDict

from holdfast_cli import output
from holdfast_cli.flows.script import HANG_UP, SILENCE
from ivr_routing.flow.flow import Flow
from ivr_routing.flow.problem import Problem
from ivr_routing.flow.step import (
    Ask,
    CallBack,
    CallerLeft,
    CameBack,
    Digits,
    End,
    Enqueue,
    Gone,
    Input,
    Look,
    LookupAnswered,
    LookupFailed,
    NodeVisited,
    NoInput,
    Outcome,
    SendTo,
    Step,
    TakeMessage,
    Then,
    Told,
)
from ivr_routing.flow.telling import contact_event

HIDDEN = "(sensitive: told to nobody)"


def problems(found: tuple[Problem, ...], name: str) -> None:
    """Print what is wrong with a flow."""
    rows = [(problem.line, problem.node, problem.code, problem.text, problem.remedy) for problem in found]
    output.table(name, ("line", "node", "problem", "what is wrong~", "what to do~"), rows)


def step(shown: Step) -> None:
    """Print what happened in a step: nodes, what is heard, what comes then."""
    nodes = [told.node for told in shown.told if isinstance(told, NodeVisited)]
    if nodes:
        output.say(" → ".join(nodes), "bold")
    for prompt in shown.prompts:
        heard = prompt.text or f"[recording {prompt.media}]"
        output.say(f"{prompt.language}: {heard}", indent=2)
    output.say(then(shown.then), "cyan", indent=2)


def then(comes: Then) -> str:
    """Say what is awaited, or what becomes of the caller."""
    match comes:
        case Ask():
            return _asked(comes)
        case Look():
            sending = ", ".join(comes.send) or "nothing"
            return f"asks {comes.url} within {comes.timeout.total_seconds():g} s, sending {sending}"
        case _:
            return outcome(comes)


def outcome(became: Outcome) -> str:
    """Say what bebecame of the caller."""
    match became:
        case Enqueue():
            return f"waits in queue {became.queue}{_wanted(became)}"
        case CallBack():
            return f"is called back, keeping a place in queue {became.queue}{_wanted(became)}"
        case SendTo():
            return f"is transferred to {became.endpoint}, ringing {became.ring_for.total_seconds():g} s at most"
        case TakeMessage():
            return f"leaves a message in {became.mailbox}"
        case End():
            return f"the call ends: {became.reason}"
        case Gone():
            return "the caller has left"


def given(said: Input, *, sensitive: bool) -> str:
    """Say what the caller did, or what came back."""
    match said:
        case Digits():
            return HIDDEN if sensitive else said.digits
        case NoInput():
            return SILENCE
        case CallerLeft():
            return HANG_UP
        case LookupAnswered():
            return "the answer given by --answer"
        case LookupFailed():
            return "no answer (give one by --answer NODE=JSON)"
        case CameBack():
            return f"sent back: {said.reason}"


def events(told: list[Told]) -> None:
    """Print the events that call-events would be told."""
    rows = [(type(fact).__name__, ", ".join(f"{name} {value}" for name, value in _told(fact).items())) for fact in told]
    output.table("Events", ("event", "attributes~"), rows)


def document(flow: Flow, steps: list[Step]) -> dict[str, Any]:
    """Return a whole walk as a JSON document."""
    facts = [fact for one in steps for fact in one.told]
    return {
        "flow": flow.name,
        "version": flow.version,
        "path": list(steps[-1].state.path),
        "steps": [{"prompts": [asdict(prompt) for prompt in one.prompts], "then": _then(one.then)} for one in steps],
        "events": [{"type": type(fact).__name__, **_told(fact)} for fact in facts],
        "ended": not isinstance(steps[-1].then, Ask | Look),
    }


def _asked(ask: Ask) -> str:
    digits = f"{ask.min_digits}-{ask.max_digits}" if ask.min_digits != ask.max_digits else str(ask.max_digits)
    finish = f", ended by {ask.finish_on}" if ask.finish_on else ""
    return f"waits {ask.first_digit_timeout.total_seconds():g} s for {digits} digit(s){finish}: {ask.name}"


def _wanted(comes: Enqueue | CallBack) -> str:
    skills = ", ".join(f"{skill} ≥ {least}" for skill, least in comes.skills.items())
    wanted = [f"priority {comes.priority}"] * bool(comes.priority) + [skills] * bool(skills)
    return f" ({', '.join(wanted)})" if wanted else ""


def _then(comes: Then) -> dict[str, Any]:
    """Return what comes as JSON; of a lookup the names of what is sent, for values may be sensitive."""
    shown: dict[str, Any] = {"do": type(comes).__name__}
    for field in fields(comes):
        value = getattr(comes, field.name)
        name = f"{field.name}_seconds" if isinstance(value, timedelta) else field.name
        shown[name] = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(comes, Look):
        shown["send"] = sorted(comes.send)
    return shown


def _told(fact: Told) -> dict[str, Any]:
    """Return a fact's attributes as call-events has them."""
    event = contact_event(fact)
    body = getattr(event, str(event.WhichOneof("body")))
    found = MessageToDict(body, preserving_proto_field_name=True)
    found.pop("observation", None)
    return found
