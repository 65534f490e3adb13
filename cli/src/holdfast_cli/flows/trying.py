"""A caller's walk on the terminal: the pure walk, fed by a script or a person, shown as it goes."""

from __future__ import annotations

from datetime import datetime

import typer

from holdfast_cli import output
from holdfast_cli.flows import showing
from holdfast_cli.flows.script import NextInput
from ivr_routing.flow.flow import Flow
from ivr_routing.flow.step import Ask, Context, Step
from ivr_routing.flow.walk import enter, walk


def steps_of(flow: Flow, context: Context, now: datetime, given: NextInput, *, shown: bool) -> list[Step]:
    """Return the steps of a walk until it ends or its inputs do, shown as they are taken."""
    steps: list[Step] = []
    step: Step | None = enter(flow, context, now)
    while step is not None:
        steps.append(step)
        if shown:
            showing.step(step)
        said = given(step)
        if said is not None and shown:
            output.say(f"← {showing.given(said, sensitive=_sensitive(step))}", "green", indent=2)
        step = walk(flow, step.state, said, context, now) if said is not None else None
    return steps


def asked(step: Step) -> str:
    """Ask the person at the terminal what they type."""
    if not isinstance(step.then, Ask):
        return ""
    words = "digits (Enter: nothing, hangup)"
    return str(typer.prompt(words, default="", show_default=False, hide_input=_sensitive(step)))


def _sensitive(step: Step) -> bool:
    return isinstance(step.then, Ask) and step.then.sensitive
